"""What was reached so far: a plain file that any check rebuilds, so losing it loses nothing but the time of a check."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path

import numpy as np

from .. import __version__
from ..errors import CheckpointError
from ..files.storage import parse_json
from ..machine.disk import read_file
from ..machine.threads import cores
from .files import path_of, write_whole
from .grade import STATUSES, Result, grade
from .spec import Exercise
from .specs import all_exercises

SCHEMA = "miniclip.results/1"


def check_all(exercises: list[Exercise], folder: Path) -> list[Result]:
    """Grade some exercises, as many at once as there are cores; results in their order."""
    with ThreadPoolExecutor(cores()) as pool:
        return list(pool.map(lambda exercise: grade(exercise, path_of(exercise, folder)), exercises))


def results(found: list[Result]) -> dict:
    """The record of which all reports are views."""
    return {
        "schema": SCHEMA, "miniclip": __version__, "python": sys.version.split()[0], "numpy": np.__version__, "seed": 0,
        "total": {"points": sum(one.points for one in found), "max": sum(one.max_points for one in found)},
        "exercises": [one.record() for one in found],
    }  # fmt: skip


def progress_file(folder: Path) -> Path:
    """Beside the exercises, in a folder that git does not see."""
    return folder.parent / ".miniclip" / "progress.json"


def load_progress(folder: Path) -> dict[str, dict]:
    """id -> record of the last check; empty where there is none, or none that can be read."""
    try:
        data = parse_json(read_file(progress_file(folder)), progress_file(folder))
        return {record["id"]: made_whole(record) for record in data["exercises"] if is_record(record)}
    except (OSError, CheckpointError, KeyError, TypeError):
        return {}


def made_whole(record: dict) -> dict:
    """A record with all that a `Result` has today: an older miniclip kept less."""
    known = {field.name for field in fields(Result)}
    return Result(**{name: value for name, value in record.items() if name in known}).record()


NEEDED = ("id", "title", "module", "max_points", "status", "points")


def is_record(data) -> bool:
    """Whether this is a `Result` as JSON, of an exercise that there is."""
    if not isinstance(data, dict) or any(name not in data for name in NEEDED):
        return False
    known = data["id"] in list(all_exercises()) and data["status"] in STATUSES
    return known and type(data["points"]) is int


def forget(id: str, folder: Path) -> None:
    """Take one result back: its file is a stub again."""
    known = load_progress(folder)
    if known.pop(id, None):
        save_progress(known, folder)


def remember(found: list[Result], folder: Path) -> dict[str, dict]:
    """Add results to the progress file, atomically; returns all that is known now."""
    known = load_progress(folder) | {one.id: one.record() for one in found}
    known = dict(sorted(known.items(), key=lambda item: tuple(map(int, item[0].split(".")))))
    save_progress(known, folder)
    return known


def save_progress(known: dict[str, dict], folder: Path) -> None:
    """Write the progress file, atomically."""
    write_whole(
        progress_file(folder), json.dumps({"schema": SCHEMA, "exercises": list(known.values())}, indent=1) + "\n"
    )
