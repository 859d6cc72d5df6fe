"""What an answer did, in one sentence: how everything begins that a learner is told about a wrong one.

A short value is told whole: "On 'n = 2' you got 1, expected 0.6931." Of a long one, the entry that differs most is:
"you got 0.3 at [1, 0], expected 0.5". Values of different shapes are told by their shapes.
"""

import numpy as np

from .spec import Case, Exercise, Outcome, hoards, verdicts
from .values import ATOL, RTOL, equal, numeric

LONG = 48  # characters of a value that is still told whole
DIGITS = 4, 6, 9, 17  # as few as show that two values differ


def say(advice: str, exercise: Exercise, found: list[Outcome], expected: list[Outcome]) -> str:
    """What was seen on the first case that went wrong; on the next line the advice, if there is any."""
    wrong = verdicts(exercise, found, expected).index(False)
    shown = seen(exercise, exercise.cases[wrong], found[wrong], expected[wrong])
    return "\n".join(filter(None, (shown, advice)))


def seen(exercise: Exercise, case: Case, got: Outcome, right: Outcome) -> str:
    """What came out of a case, and what should have; of a case that a judge decides, only the first."""
    on, judged = f"On {case.name!r}", case.function in exercise.judges
    gave = "you got" if len(exercise.solutions) == 1 else f"{case.function} gave"
    if got.error:
        return f"{on} {case.function} raised {got.error}."
    if got.mutated and (judged or equal(got.value, right.value)):
        return f"{on} {case.function} changed its input."
    if hoards(case, got):
        most, held = (f"{bytes / 2**10:.0f} KB" for bytes in (case.memory, got.peak))
        if judged or equal(got.value, right.value):
            return f"{on} {case.function} held {held} of memory at once, expected at most {most}."
    if judged:
        whole = text(got.value)
        return f"{on} {gave} {whole if len(whole) <= 2 * LONG else kind(got.value)}."
    for digits in DIGITS:
        at, ours, theirs = difference(got.value, right.value, digits)
        if ours != theirs:
            break
    return f"{on} {gave} {ours}{at and f' at {at}'}, expected {theirs}."


def difference(got, right, digits: int, at: str = "") -> tuple[str, str, str]:
    """Where two values differ, as an index, and both values there; no index where they are short or of two kinds."""
    ours, theirs = text(got, digits), text(right, digits)
    tables = numeric(got) and numeric(right) and not isinstance(right, tuple)
    if tables and np.shape(got) != np.shape(right) and (np.ndim(got), np.ndim(right)) != (1, 1):
        return at, kind(got), kind(right)
    if max(len(ours), len(theirs)) <= LONG:
        return at, ours, theirs
    if tables and np.shape(got) == np.shape(right):
        place = worst(got, right)
        return f"{at}{list(place)}", text(np.asarray(got)[place], digits), text(np.asarray(right)[place], digits)
    alike = isinstance(got, list | tuple) and isinstance(right, list | tuple)
    if alike and len(got) == len(right):
        part = next((i for i in range(len(got)) if not equal(got[i], right[i])), 0)
        return difference(got[part], right[part], digits, f"{at}[{part}]")
    if isinstance(got, str) and isinstance(right, str):
        return at, short(got), short(right)
    ours, theirs = (kind(got), kind(right)) if alike else (ours, theirs)
    return at, ours if len(ours) <= LONG else kind(got), theirs if len(theirs) <= LONG else kind(right)


def worst(got, right) -> tuple[int, ...]:
    """The place of the entry that differs most; one that is no number differs more than any."""
    a, b = np.asarray(got, float), np.asarray(right, float)
    with np.errstate(all="ignore"):
        gap = np.nan_to_num(np.abs(a - b), nan=np.inf)
    gap[np.isclose(a, b, rtol=RTOL, atol=ATOL, equal_nan=True)] = -1
    return tuple(int(i) for i in np.unravel_index(gap.argmax(), gap.shape))


def kind(value) -> str:
    """What sort of value it is: "a number", "shape (2, 3)", "a list of 4", "text"."""
    if numeric(value):
        return f"shape {np.shape(value)}" if np.ndim(value) else "a number"
    if isinstance(value, str):
        return "text"
    return f"a {type(value).__name__} of {len(value)}" if isinstance(value, list | tuple | dict) else repr(value)


def text(value, digits: int = 4) -> str:
    """A value as one would write it down: brackets, and numbers without idle zeros."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, float):
        return digits_of(value, digits)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {text(item, digits)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        inside = ", ".join(text(item, digits) for item in value)
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    strange = isinstance(value, str) and value[:1] + value[-1:] == "<>"  # `plain` tells only the name of its type
    return value if strange else repr(value)


def digits_of(value: float, digits: int) -> str:
    """So many decimals, or so many digits if it is very small or very large."""
    if value == 0 or 0.01 <= abs(value) < 1e6:
        return np.format_float_positional(value + 0.0, precision=digits, trim="-")
    return f"{value:.{digits}g}"


def short(value, limit: int = LONG) -> str:
    """A value in a few characters."""
    whole = text(value)
    return whole if len(whole) <= limit else whole[: limit - 3] + "..."


def few_lines(printed: str, most: int = 6, width: int = 100) -> str:
    """The first lines of what a learner's code printed, without what could steer a terminal."""
    lines = ["".join(c if c.isprintable() else " " for c in line) for line in printed.splitlines()]
    shown = [line if len(line) <= width else f"{line[: width - 3]}..." for line in lines[:most]]
    more = len(lines) - most
    return "\n".join(shown + [f"... and {more} more line{'s' * (more > 1)}"] * (more > 0))
