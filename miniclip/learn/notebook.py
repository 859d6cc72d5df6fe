"""The exercises from a notebook: `check("4.3", clip_loss)`, `hint`, `solution`, `progress`, `pick`."""

import sys
import tempfile
from pathlib import Path

from ..errors import ConfigError, MiniclipError, quote
from . import files, screen
from .cells import source_of
from .grade import Result, grade
from .results import load_progress, remember
from .spec import Exercise, load_file
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
    exercise, folder = find(id), files.exercises_folder()
    if functions:
        with tempfile.TemporaryDirectory(prefix="miniclip-") as home:
            path = Path(home) / "notebook.py"
            caller = sys._getframe(1)
            text = source_of(functions, list(exercise.solutions), caller.f_globals | caller.f_locals)
            path.write_text(text, encoding="utf-8")
            result = grade(exercise, path)
            result.file = "notebook"
    else:
        result = grade(exercise, files.path_of(exercise, folder))
        remember([result], folder)
    print(screen.verdict(exercise, result))
    if raise_on_fail and result.status != "pass":
        raise NotYet(result.hint)
    return float(result.points)


def hint(id: str, rung: int = 1) -> None:
    """Print one of the three hints."""
    exercise = find(id)
    if rung not in (1, 2, 3):
        raise ConfigError(f"rung is {quote(rung)}, expected 1, 2 or 3")
    print(screen.rung(exercise, rung - 1))


def solution(id: str) -> None:
    """Print the marked solution."""
    print(files.solution_text(find(id)))


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
    return functions[0] if len(functions) == 1 else functions
