"""The exercises from a notebook: `check("4.3", clip_loss)`, `failing_case`, `hint`, `solution`, `reward`, `pick`."""

import inspect
import tempfile
import textwrap
import types
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, MiniclipError, quote
from . import beside, files, rewards, screen
from .grade import Result, grade
from .kept import next_hint
from .results import load_progress, remember
from .rewards import Screen
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
        Those that the exercise asks for.
    raise_on_fail : bool
        Raise NotYet instead of only saying so, for graded cells.

    Returns
    -------
    float
        The points.
    """
    exercise = find(id)
    with answer_file(exercise, functions) as path:
        result = grade(exercise, path)
        differs = beside.what_differs_in(exercise, path) if result.status == "pass" else ""
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


@contextmanager
def answer_file(exercise: Exercise, functions):
    """A file with these functions; the exercise's own if there are none."""
    if not functions:
        yield files.path_of(exercise, files.exercises_folder())
        return
    with tempfile.TemporaryDirectory(prefix="miniclip-") as home:
        path = Path(home) / "notebook.py"
        path.write_text(source_of(functions, list(exercise.solutions)), encoding="utf-8")
        yield path


def source_of(functions, names) -> str:
    """A file with these functions under these names, and what they use of their notebook: imports, helpers, numbers."""
    parts, seen = {"np": "import numpy as np"}, set()

    def add(function):
        if function in seen:
            return
        seen.add(function)
        for name in names_of(function.__code__):
            value = function.__globals__.get(name)
            if isinstance(value, types.ModuleType):
                parts[name] = f"import {value.__name__} as {name}"
            elif isinstance(value, types.FunctionType) and value.__module__ == function.__module__:
                add(value)
            elif isinstance(value, int | float | str):
                parts[name] = f"{name} = {value!r}"
        parts[function.__name__] = textwrap.dedent(inspect.getsource(function))

    for function in functions:
        if not isinstance(function, types.FunctionType) or not function.__name__.isidentifier():
            raise ConfigError(f"check got {type(function).__name__}, expected the function that you wrote, with def")
        add(function)
    for function, name in zip(functions, names, strict=False):
        if function.__name__ != name:
            parts[name] = f"{name} = {function.__name__}"
    return "\n\n".join(parts.values()) + "\n"


def names_of(code) -> list[str]:
    """The global names that a function and the functions inside it read."""
    inner = (constant for constant in code.co_consts if isinstance(constant, types.CodeType))
    return [*code.co_names, *(name for one in inner for name in names_of(one))]


def hint(id: str, rung: int | None = None) -> None:
    """Print the next of the three hints, or the one that is asked for."""
    exercise, folder = find(id), files.exercises_folder()
    if rung not in (None, 1, 2, 3):
        raise ConfigError(f"rung is {quote(rung)}, expected 1, 2 or 3")
    print(screen.rung(exercise, rung - 1 if rung else next_hint(id, folder)))


def solution(id: str, *functions) -> None:
    """Print the marked solution: beside these functions, or the exercise's own file, where they pass."""
    exercise = find(id)
    with answer_file(exercise, functions) as path:
        passes = grade(exercise, path).status == "pass"
        print(beside.in_terminal(exercise, path) if passes else files.solution_text(exercise))


def failing_case(id: str) -> None:
    """Print the case that failed in the last `check`, as code to paste, and what the functions printed in it."""
    find(id)
    if id not in CHECKED:
        raise ConfigError(f"{id} was not checked here yet: check({id!r}, your function) first")
    print(screen.case_text(CHECKED[id].failing, CHECKED[id].said))


def reward(id: str, *functions):
    """Show functions of a notebook, or of the exercise's own file, at work; those that it needs besides are fetched.

    Returns
    -------
    Figure or None

    Raises
    ------
    NotEarned
        Where they do not pass, or there is nothing to show.
    """
    folder = files.exercises_folder()
    with answer_file(find(id), functions) as path:
        place = {id: path}
        shown = Screen(print, lambda line: None, lambda picture: None)
        return rewards.show_reward(id, lambda one: place.get(one.id, files.path_of(one, folder)), shown)


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
