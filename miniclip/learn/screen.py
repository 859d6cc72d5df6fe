"""What a learner sees in a terminal: at most twelve lines, the numbers first, one thing to do next."""

import shutil
import sys
import textwrap
from itertools import groupby
from pathlib import Path

from .files import MODULES
from .grade import Result
from .kept import RUNGS
from .spec import Exercise

WIDTH = max(40, min(92, shutil.get_terminal_size().columns - 2))
MARKS = {"pass": "+", "not_started": ".", "error": "!", "timeout": "!", "wrong": "x", "partial": "x", "borrowed": "=",
         "grader_error": "?"}  # fmt: skip


def wrapped(text: str, mark: str = " ") -> list[str]:
    """Lines of a text, the first one marked; each of its own lines begins a new one."""
    lines = [line for part in text.splitlines() for line in textwrap.wrap(part, WIDTH - 5)]
    return [f"  {' ' if i else mark}  {line}" for i, line in enumerate(lines)]


def verdict(exercise: Exercise, result: Result, difference: str = "") -> str:
    """One result; of one that passes also what is otherwise in it than in the marked solution, and what it is for."""
    title = f"{exercise.id} {exercise.first}"
    lines = [f"{title:20} {nearby(result.file)}" + (f"  (sha {result.sha256[:6]})" if result.sha256 else "")]
    if result.n_checks:
        right = sum(check["ok"] for check in result.checks)
        bar = "#" * right + "-" * (result.n_checks - right)
        lines.append(f"  {right} of {result.n_checks} checks  [{bar}]   {result.points}/{result.max_points} points")
    if result.status == "pass":
        lines += wrapped("\n".join([f"All right. {exercise.title} is yours.", difference, exercise.use]), "+")
    else:
        lines += wrapped(result.hint, MARKS[result.status])
    return "\n".join([*lines[:11], *printed(result.said)])


def printed(said: str) -> list[str]:
    """What the learner's own code printed, under a line of its own."""
    return ["  Your code printed:", *(f"  | {line}" for line in said.splitlines())] if said else []


def case_text(failing: str, said: str, how: str = "Paste this below your function and run the file:") -> str:
    """A case that failed, as code to paste, and what was printed in it."""
    if not failing:
        return "  No case has failed since your file was last checked: save it, or press Enter, to check it."
    return "\n".join([f"  {how}", "", failing, "", *printed(said)]).rstrip()


def score(known: dict[str, dict], exercises: dict[str, Exercise]) -> str:
    """31/50  112/180 points"""
    passed = sum(known.get(id, {}).get("status") == "pass" for id in exercises)
    points = sum(known.get(id, {}).get("points", 0) for id in exercises)
    return f"{passed}/{len(exercises)}  {points}/{sum(one.points for one in exercises.values())} points"


def keys(rung: int, failed: bool, passed: bool, rewarded: bool) -> str:
    """What can be typed: only what does something now."""
    hint = f"h hint {rung % RUNGS + 1}/{RUNGS}"
    can = {hint: not passed, "i input": failed, "s solution": not passed, "s compare": passed,
           "r reward": passed and rewarded, "l list": True, "n next": True, "q quit": True}  # fmt: skip
    return "  Type, then Enter:  " + "  ".join(key for key, shown in can.items() if shown)


def brief(exercise: Exercise, path, checked: str = "") -> str:
    """The task; `checked` says when the file is."""
    head = f"{exercise.id} {exercise.title}   {exercise.points} point{'s' * (exercise.points > 1)}"
    where = f"Write it in {nearby(path)}" + (f": {checked}" if checked else "")
    return "\n".join([head, exercise.effort, "", *refilled(exercise.brief), "", where])


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


def mark_of(known: dict[str, dict], id: str) -> str:
    """The mark of an exercise: not started where nothing is known."""
    return MARKS[known.get(id, {}).get("status", "not_started")]


def exercise_line(known: dict[str, dict], exercise: Exercise) -> str:
    """A mark, points, how hard it is, how long it takes, and what it builds on."""
    points = f"{known.get(exercise.id, {}).get('points', 0)}/{exercise.points}"
    effort = f"{'*' * exercise.level:3} {exercise.minutes:2} min"
    needs = f"after {' '.join(exercise.needs)}" if exercise.needs else ""
    return f"{mark_of(known, exercise.id)} {exercise.id:4} {exercise.title:37} {points}  {effort}  {needs}".rstrip()


LEGEND = "* a formula, ** several steps, *** to derive; + passes, x not yet, . not started"


def exercise_list(known: dict[str, dict], exercises: dict[str, Exercise]) -> str:
    """All exercises, one line each."""
    return "\n".join([*(exercise_line(known, one) for one in exercises.values()), LEGEND, score(known, exercises)])


def places(known: dict[str, dict], exercises: dict[str, Exercise], here: str) -> str:
    """Where one can go: the modules, a mark for each exercise, and those of the module that `here` is in."""
    lines = []
    for module, (_, title) in MODULES.items():
        members = {id: one for id, one in exercises.items() if f"m{id.split('.')[0]}" == module}
        lines.append(f"  {module} {title:30} {''.join(mark_of(known, id) for id in members)}")
        if here in members:
            lines += [f"{'>' if id == here else ' '} {exercise_line(known, one)}" for id, one in members.items()]
    return "\n".join([*lines, "  Type a number, such as 4.3, or a module, such as m4, to go there."])


def rung(exercise: Exercise, number: int) -> str:
    """One of the three hints."""
    return "\n".join(wrapped(f"({number + 1} of {RUNGS}) {exercise.hints[number]}", "h"))


def live(text: str) -> None:
    """Show a line where the last one stood; the next `print` takes its place. Only where somebody looks."""
    if sys.stdout.isatty():
        print(f"\r{text[: WIDTH + 2]}\x1b[K\r", end="", flush=True)
