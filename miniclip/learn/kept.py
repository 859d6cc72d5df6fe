"""What else is kept beside the progress: hints seen, the quiz, the cards; losing a file of these loses nothing else."""

import json
from contextlib import suppress
from pathlib import Path

from ..errors import CheckpointError
from ..files.storage import parse_json
from ..machine.disk import read_file
from .files import write_whole

RUNGS = 3  # hints of an exercise


def kept(folder: Path, name: str) -> Path:
    """A file beside the progress of the exercises."""
    return folder.parent / ".miniclip" / name


def recall(path: Path) -> dict:
    """What such a file holds; nothing where there is none, or none that can be read."""
    try:
        data = parse_json(read_file(path), path)
    except (OSError, CheckpointError):
        return {}
    return data if isinstance(data, dict) else {}


def save_json(path: Path, data: dict) -> None:
    """Write such a file, atomically."""
    write_whole(path, json.dumps(data, indent=1, ensure_ascii=False) + "\n")


def hints_seen(id: str, folder: Path) -> int:
    """How many of an exercise's hints were shown, from 0 to 3."""
    seen = recall(kept(folder, "hints.json")).get(id, 0)
    return seen if type(seen) is int and 0 <= seen <= RUNGS else 0


def next_hint(id: str, folder: Path) -> int:
    """The number of the hint to show now, from 0: one further than last time, after the last the first again."""
    number = hints_seen(id, folder) % RUNGS
    see_hint(id, number, folder)
    return number


def see_hint(id: str, number: int, folder: Path) -> None:
    """Remember that this hint was shown."""
    path = kept(folder, "hints.json")
    with suppress(OSError):  # where nothing can be written the hint is still worth more than the note about it
        save_json(path, recall(path) | {id: number + 1})
