"""One file for each exercise; `all_exercises` reads them in the order of their numbers."""

from functools import cache
from importlib import import_module
from pathlib import Path

from ..spec import Exercise


@cache
def all_exercises() -> dict[str, Exercise]:
    """id -> exercise, in the order of the course."""
    found = {}
    for path in Path(__file__).parent.glob("m*/e*.py"):
        module = import_module(f"{__name__}.{path.parent.name}.{path.stem}")
        found[module.exercise.id] = module.exercise
    return dict(sorted(found.items(), key=lambda item: tuple(map(int, item[0].split(".")))))
