"""What a learner sees in a terminal: at most twelve lines, the numbers first, one thing to do next."""

import shutil
import textwrap
from itertools import groupby
from pathlib import Path

from .grade import Result
from .spec import Exercise

WIDTH = max(40, min(92, shutil.get_terminal_size().columns - 2))
MARKS = {"pass": "+", "not_started": ".", "error": "!", "timeout": "!", "wrong": "x", "partial": "x", "borrowed": "=",
         "grader_error": "?"}  # fmt: skip


def wrapped(text: str, mark: str = " ") -> list[str]:
    """Lines of a text, the first one marked; each of its own lines begins a new one."""
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, WIDTH - 5)]
    return [f"  {' ' if i else mark}  {line}" for i, line in enumerate(lines)]


def verdict(exercise: Exercise, result: Result) -> str:
    """One result."""
    title = f"{exercise.id} {exercise.first}"
    lines = [f"{title:20} {nearby(result.file)}" + (f"  (sha {result.sha256[:6]})" if result.sha256 else "")]
    if result.n_checks:
        right = sum(check["ok"] for check in result.checks)
        bar = "#" * right + "-" * (result.n_checks - right)
        lines.append(f"  {right} of {result.n_checks} checks  [{bar}]   {result.points}/{result.max_points} points")
    if result.status == "pass":
        lines += wrapped(f"All right. {exercise.title} is yours.", "+")
    else:
        lines += wrapped(result.hint, MARKS[result.status])
    return "\n".join(lines[:11])


def score(known: dict[str, dict], exercises: dict[str, Exercise]) -> str:
    """31/50  112/180 points"""
    passed = sum(known.get(id, {}).get("status") == "pass" for id in exercises)
    points = sum(known.get(id, {}).get("points", 0) for id in exercises)
    return f"{passed}/{len(exercises)}  {points}/{sum(one.points for one in exercises.values())} points"


def keys(rung: int) -> str:
    """What can be typed."""
    hint = f"h hint ({rung + 1} of 3)" if rung < 3 else "h hints again"
    return f"  Save to check. A letter, then Enter: {hint}   s solution   n next   q quit"


def brief(exercise: Exercise, path) -> str:
    """The task."""
    head = f"{exercise.id} {exercise.title}   {exercise.points} point{'s' * (exercise.points > 1)}"
    return "\n".join([head, "", *refilled(exercise.brief), "", f"Write it in {nearby(path)}"])


def refilled(text: str) -> list[str]:
    """Paragraphs at the width of the screen; indented lines, the formulas, as they are."""
    lines = []
    for indented, part in groupby(text.splitlines(), key=lambda line: not line or line.startswith(" ")):
        group = list(part)
        lines += group if indented else textwrap.wrap(" ".join(group), WIDTH)
    return lines


def nearby(path) -> str:
    """The path as one would type it from here."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def exercise_list(known: dict[str, dict], exercises: dict[str, Exercise]) -> str:
    """All exercises, one line each."""
    lines = []
    for id, exercise in exercises.items():
        record = known.get(id, {})
        mark = MARKS[record.get("status", "not_started")]
        lines.append(f"{mark} {id:4} {exercise.title:48} {record.get('points', 0)}/{exercise.points}")
    return "\n".join([*lines, score(known, exercises)])


def rung(exercise: Exercise, number: int) -> str:
    """One of the three hints."""
    return "\n".join(wrapped(f"({number + 1} of 3) {exercise.hints[number]}", "h"))
