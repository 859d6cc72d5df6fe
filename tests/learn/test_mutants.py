"""Small errors planted in every solution by a machine are noticed too, or are listed here with a reason."""

import ast
import copy
import inspect
import signal
import textwrap

import pytest

from miniclip.learn.spec import outcomes, verdicts
from miniclip.learn.specs import all_exercises

ALL = all_exercises()
COMPARE = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}
OPERATE = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult}

# Mutants that are right answers -> why nobody could notice. Lines count from the decorator.
EQUIVALENT = {
    ("2.3", "line 9: 1 -> 2"): "NumPy takes any negative size for the one that is left over",
    ("2.3", "line 7: 1 -> 2"): "the same",
    ("2.3", "line 8: 1 -> 2"): "the same",
    ("4.3", "line 13: keepdims=True -> keepdims=False"): "only the diagonal is used, where row and column agree",
    ("4.5", "line 11: 0 -> 1"): "any number taken from a whole column cancels in its softmax",
    ("4.6", "line 8: keepdims=True -> keepdims=False"): "members of a group share its size",
    ("4.6", "line 12: keepdims=True -> keepdims=False"): "the shares of a column add up to 1 as those of a row do",
    ("7.1", "line 9: 1 -> 2"): "a row of zeros may be divided by anything",
}  # fmt: skip
BEHAVIOUR = {"5.4", "6.5"}  # graded by what they achieve: a change that still achieves it is a right answer


def mutants(function):
    """(what was changed, module source) for each single change of the function's body."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    definition = tree.body[0]
    definition.decorator_list = []
    for n, node in enumerate(ast.walk(definition)):
        for what, change in changes(node):
            broken = copy.deepcopy(tree)
            target = next(x for i, x in enumerate(ast.walk(broken.body[0])) if i == n)
            before = ast.unparse(target)
            change(target)
            yield f"line {node.lineno}: {before} -> {ast.unparse(target)}{what}", ast.unparse(broken)


def changes(node):
    """The ways to break one node."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARE:
        yield "", lambda t: t.ops.__setitem__(0, COMPARE[type(t.ops[0])]())
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in OPERATE:
        yield "", lambda t: setattr(t, "op", OPERATE[type(t.op)]())
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield "", lambda t: setattr(t, "op", ast.UAdd())
    elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
        yield "", lambda t: setattr(t, "value", t.value + 1)
    elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant) and type(node.value.value) is bool:
        yield "", lambda t: setattr(t.value, "value", not t.value.value)


class TooLong(Exception):
    """A mutant that does not come back is noticed."""


def noticed(exercise, name, source) -> bool:
    """Does any case tell the mutant from the solution?"""
    scope = dict(exercise.solutions[name].__globals__)
    code = compile(source, "<mutant>", "exec")

    def too_long(*_):
        raise TooLong

    before = signal.signal(signal.SIGALRM, too_long)
    signal.setitimer(signal.ITIMER_REAL, 5.0)
    try:
        exec(code, scope)
        found = outcomes(exercise, exercise.solutions | {name: scope[name]})
        expected = outcomes(exercise, exercise.solutions)
        return not all(verdicts(exercise, found, expected))
    except TooLong:
        return True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.skipif(not hasattr(signal, "SIGALRM"), reason="needs an alarm for mutants that do not come back")
@pytest.mark.parametrize("id", [id for id in ALL if id not in BEHAVIOUR | {"5.5"}])  # 5.5: PyTorch, slow
def test_planted_errors_are_noticed(id):
    exercise = ALL[id]
    alive = []
    for name, function in exercise.solutions.items():
        defaults = len(function.__defaults__ or ())
        for what, source in mutants(function):
            line = int(what.split(":")[0].split()[1])
            if defaults and line <= 2:  # a default value that no case relies on is part of the signature, not the task
                continue
            if not noticed(exercise, name, source) and (id, what) not in EQUIVALENT:
                alive.append(what)
    assert not alive, "\n".join(alive)
