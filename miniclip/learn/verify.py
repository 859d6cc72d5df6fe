"""Is an exercise fit to grade others? What every spec must hold, checked in one pass."""

import inspect
import re

from .seen import say
from .spec import Exercise, equal, matches, ok, outcomes


def problems(exercise: Exercise) -> list[str]:
    """Everything that is wrong with a spec, in words; nothing if it is fit."""
    found = []
    expected = outcomes(exercise, exercise.solutions)
    for case, outcome in zip(exercise.cases, expected, strict=True):
        if outcome.error:
            found.append(f"the solution fails on {case.name!r}: {outcome.error} {outcome.message}")
        if outcome.mutated:
            found.append(f"the solution changes its arguments on {case.name!r}")
        if not ok(exercise, case, outcome, outcome):
            found.append(f"the judge refuses the solution on {case.name!r}")
    for name, oracle in exercise.oracles.items():
        slow = outcomes(exercise, exercise.solutions | {name: oracle})
        for case, a, b in zip(exercise.cases, slow, expected, strict=True):
            if case.function == name and (a.error or not equal(a.value, b.value, 1e-6, 1e-9)):
                found.append(f"the oracle disagrees on {case.name!r}: {a.value if not a.error else a.error}, {b.value}")
    for functions in exercise.alternatives:
        other = outcomes(exercise, exercise.solutions | functions)
        for case, a, b in zip(exercise.cases, other, expected, strict=True):
            if not ok(exercise, case, a, b):
                found.append(f"{next(iter(functions.values())).__name__}, a right answer, is refused on {case.name!r}")
    for wrong in exercise.wrongs.values():
        results = outcomes(exercise, wrong.functions)
        named = matches(exercise, results, expected)
        if named[:1] != [wrong.name]:
            found.append(f"{wrong.name} is taken for {named or 'a right answer or nothing known'}")
        elif not 12 <= len((shown := say(wrong.hint, exercise, results, expected)).split()) <= 60:
            found.append(f"what is said about {wrong.name} has {len(shown.split())} words, expected 12 to 60: {shown}")
        elif not re.search(r"\d", shown):
            found.append(f"what is said about {wrong.name} has no number, shape or axis: {shown}")
        if len(wrong.hint.split()) < 8:
            found.append(f"the hint of {wrong.name} has {len(wrong.hint.split())} words, expected at least 8")
    code = tokens("".join(inspect.getsource(function) for function in exercise.solutions.values()))
    written = {name: wrong.hint for name, wrong in exercise.wrongs.items()}  # the learner's numbers give nothing away
    for name, text in (written | dict(zip("123", exercise.hints, strict=True))).items():
        if name in "123" and len(text.split()) > 160:
            found.append(f"rung {name} has {len(text.split())} words, expected at most 160")
        if runs(tokens(text)) & runs(code):
            found.append(f"hint {name} shares six tokens in a row with the solution")
    for what, have, least in (("cases", len(exercise.cases), 3), ("known wrong answers", len(exercise.wrongs), 3),
                              ("other right answers", len(exercise.alternatives), 3),
                              ("oracles or judges", len(exercise.oracles) + len(exercise.judges), 1)):  # fmt: skip
        if have < least:
            found.append(f"there are {have} {what}, expected at least {least}")
    if not 20 <= len(exercise.brief.split()) <= 200:
        found.append(f"the brief has {len(exercise.brief.split())} words, expected 20 to 200")
    return found


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
