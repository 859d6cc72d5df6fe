"""The disk: only files are read, nothing is overwritten, and what cannot be written is told before the work begins."""

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError, FileError, InputError, quote

KINDS = {stat.S_ISDIR: "a folder", stat.S_ISFIFO: "a pipe", stat.S_ISSOCK: "a socket", stat.S_ISCHR: "a device",
         stat.S_ISBLK: "a device"}  # fmt: skip


def open_file(path):
    """An ordinary file, open for reading bytes; an OSError for anything else.

    Whoever opens a pipe waits for its writer, and some devices never end.
    """
    mode = os.stat(path).st_mode
    for is_one, name in KINDS.items():
        if is_one(mode):
            raise OSError(errno.EINVAL, f"it is {name}, expected a file")
    return open(path, "rb")


def read_file(path) -> bytes:
    """All bytes of an ordinary file; an OSError for anything else."""
    with open_file(path) as file:
        return file.read()


def as_folder(path) -> Path:
    """The path of a folder; an InputError for an empty one, which would be the folder that we are in."""
    if isinstance(path, str) and not path:
        raise InputError("the folder is '', expected its name: '.' is the folder that we are in")
    return Path(path)


def new_file(path, *endings: str) -> Path:
    """The path, after checking that a new file can be written there: nothing is overwritten, nothing half done.

    Raises
    ------
    DataError
        For another ending, no such folder, or something that is there already.
    FileError
        If the system does not let us write there.
    """
    target = Path(path)
    if target.suffix.lower() not in endings and endings:
        raise DataError(f"{quote(str(path))} ends in {quote(target.suffix) if target.suffix else 'nothing'}, "
                        f"expected {', '.join(endings[:-1])}{' or ' * (len(endings) > 1)}{endings[-1]}")  # fmt: skip
    if not os.path.isdir(target.parent):
        raise DataError(f"{quote(str(path))}: there is no folder {quote(str(target.parent))}: make it first")
    if os.path.lexists(target):
        raise DataError(f"{quote(str(path))} exists already: choose another name, or remove it")
    check_writable(target.parent, target.name)
    return target


def check_writable(folder: Path, name: str = "") -> None:
    """A FileError unless a file of this name can be written into the folder: one is, and is gone again."""
    try:
        with tempfile.NamedTemporaryFile(prefix=f"{name}.", dir=folder) as file:
            file.write(b"\0")
            file.flush()
    except (OSError, ValueError) as error:
        raise FileError(f"{quote(folder / name)} cannot be written ({reason(error)}): choose another place") from error


def make_folder(folder: Path) -> None:
    """Make a folder, unless it is there, and those above it; a FileError if nothing can be written into it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise FileError(f"{quote(folder)} cannot be a folder ({reason(error)}): choose another place") from error
    check_writable(folder)


def reason(error: Exception) -> str:
    """Why something failed, without the numbers and names that an OSError has around it."""
    return getattr(error, "strerror", None) or str(error)


def free_names(path: Path) -> Iterator[Path]:
    """The names under which nothing stands: a.png, a-2.png, a-3.png, ..."""
    number = 1
    while True:
        target = path if number == 1 else path.with_stem(f"{path.stem}-{number}")
        if not os.path.lexists(target):
            yield target
        number += 1
