"""The exercises from a notebook: `check("4.3", clip_loss)`, `failing_case`, `hint`, `solution`, `reward`, `pick`."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, MiniclipError, quote
from ..machine.disk import read_file
from . import beside, files, rewards, screen
from .cells import source_of
from .grade import Result, grade
from .kept import next_hint
from .lesson import Picture
from .parts import files_beside, load_file
from .results import load_progress, remember
from .rewards import Screen
from .spec import Exercise
from .specs import all_exercises


class NotYet(MiniclipError):
    """The answer does not pass."""


def find(id: str) -> Exercise:
    """The exercise of a number."""
    if id not in all_exercises():
        raise ConfigError(f"there is no exercise {quote(id)}, expected one of {', '.join(all_exercises())}")
    return all_exercises()[id]


def check(id: str, *functions, raise_on_fail: bool = False) -> float:
    """Grade functions that were defined in a notebook, or the exercise's own file if none is given.

    Parameters
    ----------
    id : str
        Such as "4.3".
    *functions : function
        Those that the exercise asks for: anything that can be called.
    raise_on_fail : bool
        Raise NotYet instead of only saying so, for graded cells.

    Returns
    -------
    float
        The points.
    """
    exercise = find(id)
    with answer_file(exercise, functions, sys._getframe(1)) as path:
        result = grade(exercise, path)
        differs = beside.what_differs_in(exercise, path) if result.status == "pass" else ""
    references = exercise.solutions.values()
    if result.status == "borrowed" and any(one is reference for one in functions for reference in references):
        result.hint = (f'This is the reference, which pick("{id}") has fetched. '
                       f"Define {exercise.first} yourself, below the line with pick, and check that.")  # fmt: skip
    if functions:
        result.file = "notebook"
    else:
        remember([result], files.exercises_folder())
    CHECKED[id] = result
    print(screen.verdict(exercise, result, differs))
    if raise_on_fail and result.status != "pass":
        raise NotYet(result.hint)
    return float(result.points)


CHECKED: dict[str, Result] = {}  # what the last check of each exercise gave, for `failing_case`


PICKED: dict[Callable, Exercise] = {}  # what `pick` has given: an answer may use it, as one in a file imports a part


def put_beside(path: Path, picked: dict[Callable, Exercise]) -> dict[Callable, str]:
    """Write the files of picked functions into the folder of a path: function -> module; what is gone is left out."""
    found = {}
    for function, part in picked.items():
        own = files.path_of(part, files.exercises_folder())
        if function in part.solutions.values():
            path.with_name(own.name).write_text(files.solution_text(part), encoding="utf-8")
        elif own.is_file():
            for file in files_beside(own):
                path.with_name(file.name).write_bytes(read_file(file))
        else:  # it was picked of a file that was removed since, or of another folder
            continue
        found[function] = own.stem
    return found


@contextmanager
def answer_file(exercise: Exercise, functions, caller):
    """A file with these functions, and what they use of the frame that calls; the exercise's own if there are none."""
    if not functions:
        yield files.path_of(exercise, files.exercises_folder())
        return
    with tempfile.TemporaryDirectory(prefix="miniclip-") as home:
        path = Path(home) / "notebook.py"
        modules = put_beside(path, {one: part for one, part in PICKED.items() if part.id != exercise.id})
        text = source_of(functions, list(exercise.solutions), caller.f_globals | caller.f_locals, modules)
        path.write_text(text, encoding="utf-8")
        yield path


def hint(id: str, rung: int | None = None) -> None:
    """Print the next of the three hints, or the one that is asked for."""
    exercise, folder = find(id), files.exercises_folder()
    if rung not in (None, 1, 2, 3):
        raise ConfigError(f"rung is {quote(rung)}, expected 1, 2 or 3")
    print(screen.rung(exercise, rung - 1 if rung else next_hint(id, folder)))


def solution(id: str, *functions) -> None:
    """Print the marked solution: beside these functions, or the exercise's own file, where they pass."""
    exercise = find(id)
    with answer_file(exercise, functions, sys._getframe(1)) as path:
        passes = grade(exercise, path).status == "pass"
        print(beside.in_terminal(exercise, path) if passes else files.solution_text(exercise))


def failing_case(id: str) -> None:
    """Print the case that failed in the last `check`, as code to paste, and what the functions printed in it."""
    find(id)
    if id not in CHECKED:
        raise ConfigError(f"{id} was not checked here yet: check({id!r}, your function) first")
    print(screen.case_text(CHECKED[id].failing, CHECKED[id].said, "Run this in a cell:"))


def reward(id: str, *functions):
    """Show functions of a notebook, or of the exercise's own file, at work; those that it needs besides are fetched.

    Returns
    -------
    Picture or None

    Raises
    ------
    NotEarned
        Where they do not pass, or there is nothing to show.
    """
    folder = files.exercises_folder()
    with answer_file(find(id), functions, sys._getframe(1)) as path:
        place = {id: path}
        shown = Screen(print, lambda line: None, lambda picture, under="": None, "stopping the cell")
        figure = rewards.show_reward(id, lambda one: place.get(one.id, files.path_of(one, folder)), shown)
    return figure and Picture(figure)


def progress() -> None:
    """Print how far you are."""
    print(screen.exercise_list(load_progress(files.exercises_folder()), all_exercises()))


def pick(id: str):
    """Your version of an exercise's function if it passes, otherwise the reference, so that nobody is blocked.

    Returns the function, or a tuple of them where the exercise has several; says which it is.
    """
    exercise = find(id)
    path = files.path_of(exercise, files.exercises_folder())
    result: Result = grade(exercise, path)
    if result.status == "pass":
        module = load_file(path)
        functions = tuple(getattr(module, name) for name in exercise.solutions)
        print(f"{id}: your own {', '.join(exercise.solutions)}")
    else:
        functions = tuple(exercise.solutions.values())
        print(f"{id}: the reference's {', '.join(exercise.solutions)} (yours: {result.status.replace('_', ' ')})")
    PICKED.update(dict.fromkeys(functions, exercise))
    return functions[0] if len(functions) == 1 else functions
