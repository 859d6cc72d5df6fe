"""Is an exercise fit to grade others? What every spec must hold, checked in one pass."""

import inspect
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from .seen import say
from .spec import Exercise, Outcome, call, misconceptions, ok, outcomes, verdicts
from .values import equal

PACKAGE = Path(__file__).parents[1]


def problems(exercise: Exercise) -> list[str]:
    """Everything that is wrong with a spec, in words; nothing if it is fit."""
    expected = outcomes(exercise, exercise.solutions)
    checks = solutions, oracles, other_right_answers, float32_answers, known_wrong_answers
    return [
        *(problem for check in checks for problem in check(exercise, expected)),
        *texts(exercise),
        *effort_and_use(exercise),
        *counts(exercise),
    ]


def solutions(exercise: Exercise, expected: list[Outcome]) -> Iterator[str]:
    """The solution runs, leaves its arguments alone and convinces the judge."""
    for case, outcome in zip(exercise.cases, expected, strict=True):
        if outcome.error:
            yield f"the solution fails on {case.name!r}: {outcome.error} {outcome.message}"
        if outcome.mutated:
            yield f"the solution changes its arguments on {case.name!r}"
        if not ok(exercise, case, outcome, outcome):
            yield f"the judge refuses the solution on {case.name!r}"


def oracles(exercise: Exercise, expected: list[Outcome]) -> Iterator[str]:
    """Whoever computes it slowly gets the same."""
    for name, oracle in exercise.oracles.items():
        slow = outcomes(exercise, exercise.solutions | {name: oracle})
        for case, a, b in zip(exercise.cases, slow, expected, strict=True):
            if case.function == name and (a.error or not equal(a.value, b.value, 1e-6, 1e-9)):
                yield f"the oracle disagrees on {case.name!r}: {a.value if not a.error else a.error}, {b.value}"


def other_right_answers(exercise: Exercise, expected: list[Outcome]) -> Iterator[str]:
    """A right answer in another style passes."""
    for functions in exercise.alternatives:
        other = outcomes(exercise, exercise.solutions | functions)
        for case, right in zip(exercise.cases, verdicts(exercise, other, expected), strict=True):
            if not right:
                yield f"{next(iter(functions.values())).__name__}, a right answer, is refused on {case.name!r}"


def float32_answers(exercise: Exercise, expected: list[Outcome]) -> Iterator[str]:
    """The solution's results in float32 pass, and so does what it makes of arguments in float32, where these fit."""
    for case, right in zip(exercise.cases, expected, strict=True):
        given = [argument if isinstance(argument, float) else float32(argument) for argument in case.args]
        coarsely = call(exercise.solutions[case.function], replace(case, args=tuple(given)))
        coarse = Outcome(float32(right.value)), coarsely
        fits = all(ok(exercise, case, outcome, right) for outcome in coarse)
        if not fits and case.name not in exercise.float64:
            yield f"the solution in float32, a right answer, is refused on {case.name!r}"
        if fits and case.name in exercise.float64:
            yield f"{case.name!r} does not need float64: {exercise.float64[case.name]}"
    for name in exercise.float64.keys() - {case.name for case in exercise.cases}:
        yield f"there is no case {name!r} that could need float64"


def float32(value):
    """The value with 32 bits for every number that had 64."""
    if isinstance(value, dict):
        return {key: float32(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(float32(item) for item in value)
    if isinstance(value, np.ndarray) and value.dtype == np.float64:
        return value.astype(np.float32)
    return np.float32(value) if isinstance(value, float) else value


def known_wrong_answers(exercise: Exercise, expected: list[Outcome]) -> Iterator[str]:
    """Each is taken for itself, and what is shown is neither short nor long and names a number."""
    for wrong in exercise.wrongs.values():
        found = outcomes(exercise, wrong.functions)
        named = misconceptions(exercise, found, expected)
        if named[:1] != [wrong.name]:
            yield f"{wrong.name} is taken for {named or 'a right answer or nothing known'}"
            continue
        shown = say(wrong.hint, exercise, found, expected)
        if not 12 <= len(shown.split()) <= 60:
            yield f"what is shown for {wrong.name} has {len(shown.split())} words, expected 12 to 60: {shown}"
        if not re.search(r"\d", shown):
            yield f"what is shown for {wrong.name} has no number, shape or axis: {shown}"


def texts(exercise: Exercise) -> Iterator[str]:
    """Brief and hints have their lengths, and no hint gives the solution away."""
    hints = {name: wrong.hint for name, wrong in exercise.wrongs.items()}
    rungs = dict(zip("123", exercise.hints, strict=True))
    code = runs(tokens("".join(inspect.getsource(function) for function in exercise.solutions.values())))
    for name, text in hints.items():
        if len(text.split()) < 8:
            yield f"the hint of {name} has {len(text.split())} words, expected at least 8"
    for name, text in rungs.items():
        if len(text.split()) > 160:
            yield f"rung {name} has {len(text.split())} words, expected at most 160"
    for name, text in (hints | rungs).items():
        if runs(tokens(text)) & code:
            yield f"hint {name} shares six tokens in a row with the solution"
    if not 20 <= len(exercise.brief.split()) <= 200:
        yield f"the brief has {len(exercise.brief.split())} words, expected 20 to 200"


def effort_and_use(exercise: Exercise) -> Iterator[str]:
    """How hard and how long is within bounds, and what it is for is one sentence that names a file of the package."""
    level, minutes, use = exercise.level, exercise.minutes, exercise.use
    if level not in (1, 2, 3) or not 1 <= minutes <= 60:
        yield f"level {level} and {minutes} minutes, expected a level from 1 to 3, and 1 to 60 minutes"
    if not 8 <= len(use.split()) <= 40 or not use.endswith(".") or ". " in use:
        yield f"the use is not one sentence of 8 to 40 words: {use!r}"
    files = re.findall(r"[\w/]+\.py", use)
    if not files or not all((PACKAGE / file).exists() for file in files):
        yield f"the use names no file of the package: {use!r}"


def counts(exercise: Exercise) -> Iterator[str]:
    """There is enough of everything."""
    for what, have, least in (("cases", len(exercise.cases), 3), ("known wrong answers", len(exercise.wrongs), 3),
                              ("other right answers", len(exercise.alternatives), 3),
                              ("oracles or judges", len(exercise.oracles) + len(exercise.judges), 1)):  # fmt: skip
        if have < least:
            yield f"there are {have} {what}, expected at least {least}"


def tokens(text: str) -> list[str]:
    """Words, numbers and signs."""
    return re.findall(r"\w+|[^\w\s]", text)


def runs(words: list[str], n: int = 6) -> set[tuple[str, ...]]:
    """All n neighbours."""
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


if __name__ == "__main__":
    import sys
    from importlib import import_module

    for name in sys.argv[1:]:
        exercise = import_module(name).exercise
        trouble = problems(exercise)
        print(f"{exercise.id} {exercise.first}: {len(exercise.wrongs)} wrong answers, {len(exercise.cases)} cases,",
              "fit" if not trouble else "")  # fmt: skip
        print("".join(f"   {line}\n" for line in trouble), end="")
