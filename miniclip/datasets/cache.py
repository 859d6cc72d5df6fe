"""Pictures decoded once: their pixels in one file that is mapped into memory, and beside it what each row of it is.

    pixels.u8        (N, side, side, 3) uint8, only ever appended to
    pictures.jsonl   a line each: the picture's name and state, its row, the SHA-256 of the row, and that of all this

A line is written after its row. Whatever ends the work leaves rows without a line, which are written over, or half a
line, which is dropped; a line or a row that does not have its digest is decoded again. Who has the pixels mapped keeps
them: rows that have a line are never written over, and files are begun anew, not emptied.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..data.pictures import crop, decode_image
from ..errors import CheckpointError, FileError, FolderInUse, ImageError, quote
from ..files.storage import digest, lock
from ..machine.disk import reason
from ..machine.threads import in_parallel
from .listing import Listing

PIXELS, PICTURES = "pixels.u8", "pictures.jsonl"
SPARE = 128  # rows of pictures that are gone: more of them, and than there are others, are not kept
WAIT = 0.1  # seconds between two looks whether another process is done


@dataclass(frozen=True)
class Row:
    """Where a picture's pixels are, and their SHA-256."""

    row: int
    digest: str


def cache_home() -> Path:
    """Where decoded pictures are kept, unless another place is named."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "miniclip"
    except RuntimeError as error:
        raise FileError("decoded pictures have no place, since you have no home folder here: name a --cache") from error


def quietly(done: int, total: int) -> None:
    """Tell nobody."""


def decode_pictures(
    listing: Listing, side: int, home: Path | None = None, tell: Callable[[int, int], None] = quietly
) -> tuple[np.ndarray, dict[str, Row]]:
    """The pixels of all pictures of a listing, and each one's row; the shorter side to `side`, and the centre cut out.

    What cannot be decoded is left out of the listing, with its reason.

    Parameters
    ----------
    tell : function of (done, total)
        Called while pictures are decoded.

    Returns
    -------
    (pixels, rows) : uint8 array (N, side, side, 3), mapped; dict of str to Row

    Raises
    ------
    FileError
        If nothing can be kept in `home`.
    """
    home = home or cache_home()
    folder = home / digest(f"{os.path.realpath(listing.files.root)} {side}".encode("utf-8", "surrogatepass"))[:16]
    try:
        with held(folder):
            known, states = kept_rows(folder, side), dict(states_of(listing))
            if len(known) > 2 * len(states) + SPARE:
                for name in (PICTURES, PIXELS):
                    (folder / name).unlink()
                known = {}
            found = {name: known[key] for name, key in states.items() if key in known}
            first = 1 + max((one.row for one in known.values()), default=-1)
            decode_rest(listing, side, folder, states, found, first, tell)
            return mapped(folder / PIXELS, side), {name: found[name] for name in listing.pictures}
    except OSError as error:
        raise FileError(
            f"{quote(folder)} cannot keep decoded pictures ({reason(error)}): name another --cache"
        ) from error


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the folder; wait for whoever has it: then the work is done."""
    while True:
        try:
            with lock(folder):
                yield
                return
        except FolderInUse:
            time.sleep(WAIT)
        except CheckpointError as error:
            why = error.__cause__
            raise OSError(reason(why if isinstance(why, OSError) else error)) from error


def states_of(listing: Listing) -> Iterator[tuple[str, str]]:
    """Each picture's name, and a key that changes when the picture does."""
    for name in list(listing.pictures):
        try:
            yield name, json.dumps([name, *listing.state(name)])
        except OSError as error:
            listing.drop(name, reason(error))


def mapped(path: Path, side: int) -> np.ndarray:
    """The file's whole rows (N, side, side, 3), read from the disk when they are looked at."""
    n = path.stat().st_size // (3 * side * side) if path.exists() else 0
    if not n:
        return np.zeros((0, side, side, 3), np.uint8)
    return np.memmap(path, np.uint8, "r", shape=(n, side, side, 3))


def kept_rows(folder: Path, side: int) -> dict[str, Row]:
    """The rows that were written whole, by the key of their picture."""
    pixels, rows = mapped(folder / PIXELS, side), dict[str, Row]()
    if not (folder / PICTURES).exists():
        return rows
    for line in (folder / PICTURES).read_bytes().splitlines():
        try:
            key, row, known, check = json.loads(line)
            if check == check_of(key, row, known) and digest(pixels[row].tobytes()) == known:
                rows[json.dumps(key)] = Row(row, known)
        except (ValueError, TypeError, IndexError, RecursionError):
            continue
    return rows


def check_of(*said) -> str:
    """The digest of what a line says: a damaged name may be that of another picture."""
    return digest(json.dumps(said).encode())


def decode_rest(listing: Listing, side: int, folder: Path, states, found: dict[str, Row], row: int, tell) -> None:
    """Decode what is not yet found, on all cores, and write it down as it comes, from a row on."""
    missing = [name for name in states if name not in found]
    if not missing:
        return
    jobs = in_parallel(partial(decode_one, listing, name, side) for name in missing)
    with open(folder / PIXELS, "ab") as pixels, open(folder / PICTURES, "ab") as pictures:
        pixels.truncate(row * 3 * side * side)
        pictures.write(b"\n")  # the last line may be half of one
        for done, (name, image) in enumerate(zip(missing, jobs, strict=True), 1):
            tell(done, len(missing))
            if isinstance(image, str):
                listing.drop(name, image)
                continue
            data = image.tobytes()
            found[name] = Row(row, digest(data))
            said = json.loads(states[name]), row, found[name].digest
            pixels.write(data)
            pixels.flush()
            pictures.write(f"{json.dumps([*said, check_of(*said)])}\n".encode())
            pictures.flush()
            row += 1


def decode_one(listing: Listing, name: str, side: int) -> np.ndarray | str:
    """The picture's pixels (side, side, 3) uint8, or why there are none."""
    try:
        if listing.state(name)[0] == 0:
            return "the file is empty"
        image = decode_image(listing.opened(name), name)
        return np.ascontiguousarray(crop(image, side))
    except ImageError as error:
        return str(error).removeprefix(quote(name)).removeprefix(" is ").removeprefix(": ")
    except OSError as error:
        return reason(error)
