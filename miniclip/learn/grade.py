"""From a learner's file to a result: what is right, what is not, and the one thing to say about it.

The first of these that applies is said: the file does not load; not started; another signature; its time was up; a
known misconception, or one that fits all cases but one that says little; nothing returned; an exception; a changed
input; two calls that disagree; or what the first wrong case gave, with a question if the numbers show a pattern.
"""

import ast
import hashlib
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..machine.disk import read_file
from .paste import paste
from .sandbox import Replies, run_file
from .seen import few_lines, say
from .spec import Exercise, Outcome, misconceptions, outcomes, probable, same, verdicts
from .values import equal, numeric

STATUSES = ("not_started", "error", "wrong", "partial", "pass", "borrowed", "grader_error", "timeout")


@dataclass
class Result:
    """One exercise, judged: the record from which every report is made."""

    id: str
    title: str
    module: str
    max_points: int
    status: str = "not_started"
    points: int = 0
    file: str = ""
    sha256: str = ""
    checks: list[dict] = field(default_factory=list)
    n_checks: int = 0
    misconception: str = ""
    hint: str = ""
    said: str = ""  # what the learner's own code printed in the case that fails, and when it was loaded
    failing: str = ""  # that case, as code to paste
    seconds: float = 0.0

    def record(self) -> dict:
        return asdict(self)


class Trouble(Exception):
    """The answer cannot be judged by its values: a status, and what to say."""

    def __init__(self, status: str, message: str):
        super().__init__(message)
        self.status = status


def grade(exercise: Exercise, path) -> Result:
    """Judge the file at `path`. Never raises for what a learner wrote; a fault of ours is a `grader_error`."""
    begun, path = time.monotonic(), Path(path)
    result = Result(exercise.id, exercise.title, f"m{exercise.id.split('.')[0]}", exercise.points, file=str(path))
    try:
        source = read_file(path)
        result.sha256 = hashlib.sha256(source).hexdigest()
        check_source(exercise, source, path)
        judge(exercise, run_file(path.resolve(), exercise.cases), result, path)
    except Trouble as trouble:
        result.status, result.hint = trouble.status, str(trouble)
    except FileNotFoundError:
        result.hint = f"There is no {path.name} yet: `miniclip learn sync` makes it."
    except OSError as error:
        result.status, result.hint = (
            "error",
            f"{path} cannot be read ({error.strerror}): `miniclip learn reset {exercise.id}` makes another",
        )
    except Exception as error:
        result.status, result.hint = "grader_error", f"a fault of the grader, not yours: {error!r}"
    result.seconds = round(time.monotonic() - begun, 3)
    return result


def check_source(exercise: Exercise, source: bytes, path: Path) -> None:
    """What can be said without running it: syntax, an untouched stub, a borrowed answer."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path.name}, line {line}" if line else path.name
        raise Trouble("error", f"{where}: {getattr(error, 'msg', error)}. Python cannot read it.") from None
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        names = [alias.name for alias in node.names]
        module = getattr(node, "module", "") or ""
        if module.startswith("miniclip.learn.fixtures_"):  # what a case to paste imports
            continue
        if any(f"{module}.{name}".lstrip(".").startswith("miniclip") for name in names):
            raise Trouble("borrowed", f"{path.name}, line {node.lineno} imports miniclip. It works, but it is not your "
                          "answer: write the function yourself, with NumPy alone.")  # fmt: skip
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    if all(name in functions and is_stub(functions[name], solution) for name, solution in exercise.solutions.items()):
        raise Trouble("not_started", "Not started: replace the line that raises NotImplementedError.")


def is_stub(function: ast.FunctionDef, solution) -> bool:
    """Is the signature as it was, and nothing in it but the docstring and the line that came with it?"""
    arguments = [argument.arg for argument in function.args.args]
    if arguments != list(solution.__code__.co_varnames[: solution.__code__.co_argcount]):
        return False
    body = function.body[isinstance(function.body[0], ast.Expr) :]
    return len(body) == 1 and isinstance(body[0], ast.Raise) and "NotImplementedError" in ast.dump(body[0])


def check_functions(exercise: Exercise, answer: Replies, path: Path) -> None:
    """What can be said before a call: is every function there, is it the learner's, does it take the arguments?"""
    for name, solution in exercise.solutions.items():
        if name not in answer.seen:
            raise Trouble("error", f"{path.name} has no function {name}: keep the name that the stub had.")
        seen = answer.seen[name]
        if seen["library"]:
            raise Trouble("borrowed", f"{name} was not written in {path.name} but in {seen['library']}, so it is not "
                          "your answer yet: define it there with def.")  # fmt: skip
        if seen["takes"]:
            wanted = solution.__code__.co_varnames[: solution.__code__.co_argcount]
            where = f"{path.name}, line {seen['line']}" if seen["line"] else path.name
            raise Trouble("error", f"{where}: {name}{seen['takes']} has another signature, "
                          f"expected {name}({', '.join(wanted)}).")  # fmt: skip


def judge(exercise: Exercise, answer: Replies, result: Result, path: Path) -> None:
    """Fill in the result from what the calls gave."""
    result.said = few_lines(answer.printed(-1))
    if answer.failed:
        where = f"{path.name}, line {answer.failed['line']}" if answer.failed["line"] else path.name
        raise Trouble("error", f"{where}: {answer.failed['error']}: {answer.failed['message']}")
    if answer.ended and not answer.seen:
        raise ended(answer, path, "when it was loaded, before the first call")
    check_functions(exercise, answer, path)
    expected = outcomes(exercise, exercise.solutions)
    found = [answer.outcomes.get((i, 0)) for i in range(len(exercise.cases))]
    again = [answer.outcomes.get((i, 1)) for i in range(len(exercise.cases))]
    for first, second in zip(found, again, strict=True):
        if first and second:
            first.peak = second.peak  # counted in the second call
    for case, fine in zip(exercise.cases, verdicts(exercise, found, expected), strict=True):
        result.checks.append({"name": case.name, "ok": fine, "message": "" if fine else "not yet"})
    result.n_checks = len(result.checks)
    if result.n_checks < 3:
        raise Trouble("grader_error", f"{exercise.id} has {result.n_checks} checks, expected at least 3.")
    right_ones = sum(check["ok"] for check in result.checks)
    steady = all(a is not None and b is not None and same(a, b) for a, b in zip(found, again, strict=True))
    if right_ones == result.n_checks and steady:
        result.status, result.points, result.said = "pass", exercise.points, ""
        return
    show_case(exercise, answer, found, expected, result)
    result.points = min(exercise.points * right_ones // result.n_checks, exercise.points - 1)
    result.status = "partial" if right_ones else "wrong"
    result.hint = diagnose(exercise, answer, found, expected, steady, result, path)


def show_case(exercise, answer: Replies, found, expected, result: Result) -> None:
    """The first case that goes wrong, as code to paste, and what was printed in it."""
    fine = [check["ok"] for check in result.checks]
    case = unfinished(answer, exercise) if answer.ended else fine.index(False) if False in fine else 0
    result.said = few_lines(answer.printed(case))
    result.failing = paste(exercise, exercise.cases[case], expected[case])


def unfinished(answer: Replies, exercise: Exercise) -> int:
    """The case in which the answer ended, in its first call or its second."""
    return next(case for case in range(len(exercise.cases)) if not {(case, 0), (case, 1)} <= answer.outcomes.keys())


def diagnose(exercise, answer: Replies, found, expected, steady: bool, result: Result, path: Path) -> str:
    """The one thing to say, in the order of the module's docstring."""
    if answer.ended:
        result.points = 0
        raise ended(answer, path, f"on {exercise.cases[unfinished(answer, exercise)].name!r}")
    failing = [i for i, check in enumerate(result.checks) if not check["ok"]]
    first = failing[0] if failing else 0
    case, got, right = exercise.cases[first], found[first], expected[first]
    named = misconceptions(exercise, found, expected)
    if named:
        result.status, result.misconception = "wrong", named[0]
        return say(exercise.wrongs[named[0]].hint, exercise, found, expected)
    if likely := probable(exercise, found, expected):
        return say(f"Probably: {exercise.wrongs[likely].hint}", exercise, found, expected)
    if failing and got.value is None and not got.error and right.value is not None:
        return f"{case.function} returned None on {case.name!r}. Did you forget `return`?"
    if failing and got.error:
        result.status = "error"
        line = f", line {answer.lines[first]}" if answer.lines.get(first) else ""
        if got.error == "NotImplementedError":
            return f"{path.name}{line} is reached and still raises NotImplementedError: put your `return` in its place."
        return f"{path.name}{line}: {got.error}: {' '.join(got.message.split())} (on {case.name!r})"
    if any(outcome.mutated for outcome in found):
        changed = next(c.name for c, outcome in zip(exercise.cases, found, strict=True) if outcome.mutated)
        return f"{case.function} changed its input on {changed!r}. The caller still needs it: work on a copy."
    if not steady:
        return (
            "Two calls on the same input disagree. Keep nothing between calls, and take randomness from the arguments."
        )
    advice = exercise.judges[case.function](case.args, got.value) if case.function in exercise.judges else ""
    return say(advice or undefined(got, right) or pattern(found, expected), exercise, found, expected)


def ended(answer: Replies, path: Path, when: str) -> Trouble:
    """Why the answer did not come to its end: no wrong answer, and it says nothing of the values."""
    where = f"{path.name}, line {answer.stuck}" if answer.stuck else path.name
    if not answer.timed_out:
        return Trouble("error", f"{answer.ended} {when}. Look for a call that stops Python.")
    if "computing" in answer.ended:
        return Trouble("timeout", f"{where}: the time limit struck {when}: {answer.ended}. Look for a loop without "
                       "an end, or for one that NumPy could do at once.")  # fmt: skip
    return Trouble("timeout", f"{where}: {answer.ended} {when}, though its time for computing was not used up. Look "
                   "for what waits: a sleep, an input, a lock, another process.")  # fmt: skip


def undefined(got: Outcome, right: Outcome) -> str:
    """Numbers that are none, where the right ones are."""
    if not (numeric(got.value) and numeric(right.value) and np.isfinite(right.value).all()):
        return ""
    if np.isfinite(got.value).all():
        return ""
    kind = "NaN" if np.isnan(got.value).any() else "infinity"
    return f"Where can {kind} come from? Look for a step that can divide by 0 or overflow there."


def pattern(found: list[Outcome], expected: list[Outcome]) -> str:
    """The same simple relation on every case: a factor, an offset, a sign, a transposition."""
    pairs = [(np.asarray(a.value, float), np.asarray(b.value, float)) for a, b in zip(found, expected, strict=True)
             if numeric(a.value) and numeric(b.value) and np.shape(a.value) == np.shape(b.value)]  # fmt: skip
    if len(pairs) < len(found) or not pairs:
        return ""
    if all(equal(a, -b) for a, b in pairs):
        return "Every value has the wrong sign. Which minus is missing, or there twice?"
    ratios = np.concatenate([(a[b != 0] / b[b != 0]).ravel() for a, b in pairs])
    alike = len(ratios) > 1 and abs(ratios[0]) > 1e-9 and np.allclose(ratios, ratios[0], rtol=1e-4)
    if alike and all(np.allclose(a[b == 0], 0) for a, b in pairs):
        return f"Every value is {ratios[0]:.4g} times the right one. Which factor is missing, or there twice?"
    offsets = np.concatenate([(a - b).ravel() for a, b in pairs])
    if np.allclose(offsets, offsets[0], rtol=1e-4, atol=1e-9):
        return f"You are off by {offsets[0]:.4g} in every case. What is added or left out?"
    if all(a.ndim == 2 and a.shape[0] == a.shape[1] and equal(a.T, b) for a, b in pairs):
        return "Rows and columns have changed places: transpose the result."
    return ""
