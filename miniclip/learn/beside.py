"""The marked solution beside the learner's, and one sentence on what the difference is.

The sentence is read off the two syntax trees by a few rules, each of which is right or silent.
"""

import ast
import shutil
import tokenize
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from .files import solution_text
from .spec import Exercise
from .specs import all_exercises

LOOPS = (ast.For, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
HIDDEN_LOOPS = {"map", "filter", "reduce", "vectorize", "frompyfunc", "apply_along_axis", "fromiter"}
PRODUCTS = {"dot", "matmul", "einsum", "inner", "tensordot", "vdot"}
STABLE = {"logaddexp", "logsumexp"}


@dataclass
class Code:
    """The functions of an answer, with those of its file that they use."""

    functions: list[ast.FunctionDef]
    lines: list[str]  # their source, without docstrings
    imported: list[str]  # what they use of the files beside


def answer_of(source: str, names) -> Code:
    """The part of a file that matters for some of its functions."""
    tree = ast.parse(source)
    stems = {one.module.rsplit(".", 1)[-1] for one in all_exercises().values()}
    defined = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    used = [name for name in names if name in defined]
    for name in used:  # it grows while it is read
        used += sorted((names_in(defined[name]) & defined.keys()) - set(used))
    functions = [node for name, node in defined.items() if name in used]
    beside = [alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom)
              and node.module in stems for alias in node.names]  # fmt: skip
    read = set().union(*map(names_in, functions))
    text = source.splitlines()
    lines = [line for one in functions for line in [*code_of(one, text), ""]]
    return Code(functions, lines[:-1], [name for name in beside if name in read])


def names_in(node) -> set[str]:
    """All names that are read or written there."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def code_of(function: ast.FunctionDef, text: list[str]) -> list[str]:
    """The lines of a function from its decorators on, without its docstring."""
    first = min([function.lineno, *(one.lineno for one in function.decorator_list)])
    lines = dict(enumerate(text[first - 1 : function.end_lineno], first))
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        for number in range(function.body[0].lineno, (function.body[0].end_lineno or 0) + 1):
            del lines[number]
    return list(lines.values())


def written(path: Path) -> str:
    """The text of a learner's file, as Python reads it."""
    with open(path, "rb") as file:
        encoding, _ = tokenize.detect_encoding(file.readline)
    return path.read_text(encoding=encoding)


# The sentence


def what_differs_in(exercise: Exercise, path: Path) -> str:
    """The same of a file."""
    return what_differs(exercise, written(path))


def what_differs(exercise: Exercise, source: str) -> str:
    """What the answer does otherwise than the marked solution, in one sentence; nothing where no rule is sure."""
    yours, marked = answer_of(source, exercise.solutions), answer_of(solution_text(exercise), exercise.solutions)
    if {one.name for one in yours.functions} < set(exercise.solutions):  # made some other way than by def
        return ""
    return next(filter(None, (rule(yours, marked) for rule in RULES)), "")


def same_steps(yours: Code, marked: Code) -> str:
    """Nothing but names is different."""
    if steps(yours, {}) == steps(marked, {}):
        return "Yours is the marked solution, word for word."
    return "Yours takes the same steps as the marked one." if steps(yours) == steps(marked) else ""


def built_on_parts(yours: Code, marked: Code) -> str:
    """It imports what was written in another exercise."""
    if not yours.imported:
        return ""
    return f"Yours builds on {' and '.join(yours.imported)}; the marked one has everything in one place."


def loops(yours: Code, marked: Code) -> str:
    """One has loops and the other has not; silent where a loop could hide in a call."""
    if (calls(yours) | calls(marked)) & HIDDEN_LOOPS:
        return ""
    ours, theirs = loop_depth(yours), loop_depth(marked)
    if ours and not theirs:
        how = "a loop" if ours == 1 else f"loops in loops, {ours} deep"
        extra = "" if matrix_products(yours) else ("", ", but one matrix product")[matrix_products(marked) == 1]
        none = "only goes through a written-out list" if any_loop(marked) else "has none"
        return f"Yours has {how}; the marked one {none}{extra}."
    if theirs and not any_loop(yours):
        return "Yours has no loop; the marked one has one."
    return ""


def stable(yours: Code, marked: Code) -> str:
    """One calls a stable log-sum-exp, the other writes it out."""
    ready = sorted(calls(yours) & STABLE - {one.name for one in yours.functions})
    if not ready or not {"max", "exp"} <= calls(marked) or calls(marked) & STABLE:
        return ""
    return f"Yours leaves the shift by the maximum to {ready[0]}; the marked one does it by hand."


def einsum(yours: Code, marked: Code) -> str:
    """Two notations for products."""
    if "einsum" in calls(yours) and "einsum" not in calls(marked) and operators(marked):
        return "Yours writes its products as einsum, the marked one as @."
    return ""


def statement_count(yours: Code, marked: Code) -> str:
    """One is half as long again as the other."""
    ours, theirs = statements(yours), statements(marked)
    if max(ours, theirs) < 1.5 * min(ours, theirs) or abs(ours - theirs) < 3:
        return ""
    return f"Yours takes {ours} statement{'s' * (ours > 1)}, the marked one {theirs}."


RULES = (same_steps, built_on_parts, loops, stable, einsum, statement_count)


def steps(answer: Code, renamed: dict | None = None) -> list[str]:
    """The functions as text, names of their own by the order in which they come; the names as they are with {}."""
    return [as_text(function, renamed) for function in answer.functions]


def as_text(function: ast.FunctionDef, renamed: dict | None) -> str:
    """One of them, without docstring and annotations."""
    copy = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(copy, ast.FunctionDef)
    if ast.get_docstring(copy) is not None:
        copy.body = copy.body[1:] or [ast.Pass()]
    nodes = list(ast.walk(copy))
    own = [node.arg if isinstance(node, ast.arg) else node.id for node in nodes if isinstance(node, ast.arg)
           or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store))]  # fmt: skip
    new = {name: f"_{n}" for n, name in enumerate(dict.fromkeys(own))} if renamed is None else renamed
    for node in nodes:
        if isinstance(node, ast.arg):
            node.arg, node.annotation = new.get(node.arg, node.arg), None
        elif isinstance(node, ast.Name):
            node.id = new.get(node.id, node.id)
        elif isinstance(node, ast.FunctionDef):
            node.returns = None
    return ast.unparse(copy)


def nodes_of(answer: Code):
    """Every node of its functions."""
    return (node for function in answer.functions for node in ast.walk(function))


def names(answer: Code) -> set[str]:
    """All names of its functions."""
    return set().union(*map(names_in, answer.functions))


def calls(answer: Code) -> set[str]:
    """The last part of the name of whatever is called or handed on: log for np.log."""
    attributes = {node.attr for node in nodes_of(answer) if isinstance(node, ast.Attribute)}
    return attributes | names(answer)


def operators(answer: Code) -> int:
    """How often @ stands there."""
    return sum(isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.MatMult)
               for node in nodes_of(answer))  # fmt: skip


def matrix_products(answer: Code) -> int:
    """Matrix products, as @ or by name."""
    named = (node.attr for node in nodes_of(answer) if isinstance(node, ast.Attribute))
    return operators(answer) + sum(name in PRODUCTS for name in named)


def any_loop(answer: Code) -> bool:
    """Also one over a written-out list."""
    return any(isinstance(node, LOOPS) for node in nodes_of(answer))


def loop_depth(answer: Code) -> int:
    """How many loops stand in each other; one over a written-out list, as `for axis in (0, 1)`, is none."""

    def within(node) -> int:
        inner = max(map(within, ast.iter_child_nodes(node)), default=0)
        turns = node.generators if hasattr(node, "generators") else [node]
        looping = sum(not isinstance(getattr(turn, "iter", None), ast.Tuple | ast.List) for turn in turns)
        return inner + looping * isinstance(node, LOOPS)

    return max(map(within, answer.functions), default=0)


def statements(answer: Code) -> int:
    """Without docstrings and `def` lines."""
    found = [node for node in nodes_of(answer) if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef)]
    return sum(not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)) for node in found)


# The columns


def in_terminal(exercise: Exercise, path: Path) -> str:
    """Both, as wide as the terminal allows."""
    return side_by_side(exercise, written(path), shutil.get_terminal_size().columns - 1)


def side_by_side(exercise: Exercise, source: str, columns: int) -> str:
    """Both, in two columns where they fit, otherwise one under the other."""
    yours = answer_of(source, exercise.solutions).lines or source.splitlines()
    marked = answer_of(solution_text(exercise), exercise.solutions).lines
    left, right = (max(map(len, lines), default=0) for lines in (yours, marked))
    left = max(left, len("yours"))
    if left + right + 3 > columns:
        return "\n".join(["--- yours", *yours, "", "--- the marked solution", *marked])
    rows = zip_longest(["yours", "", *yours], ["the marked solution", "", *marked], fillvalue="")
    return "\n".join(f"{a:{left}} | {b}".rstrip() for a, b in rows)
