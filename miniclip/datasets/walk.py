"""What lies in a folder, and what of it is refused: nothing outside of the folder is ever opened."""

import os
import stat
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from ..errors import DataError, quote
from ..machine.disk import KINDS, as_folder, reason

OUTSIDE = "outside the dataset folder"


@dataclass(frozen=True)
class Problem:
    """Something of a dataset that is left out, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Files:
    """The ordinary files of a folder, and of those below it: names relative to it with /, in order; none hidden."""

    root: Path
    names: list[str]
    problems: list[Problem]
    links: bool = False

    def path(self, name: str) -> Path:
        """Where one of the files lies."""
        return self.root / name

    def find(self, name, folder: str = "") -> str:
        """The name of a file that a table in `folder` speaks of; a DataError if it is outside of the dataset."""
        if not isinstance(name, str) or not name.strip():
            raise DataError(f"the file name is {quote(name)}, expected one")
        stays = PurePosixPath(name.replace("\\", "/"))
        if "\0" in name or "://" in name or stays.is_absolute() or PureWindowsPath(name).drive or ".." in stays.parts:
            raise DataError(OUTSIDE)
        return str(PurePosixPath(folder, name))


def find_files(root, links: bool = False) -> Files:
    """The files below a folder.

    Parameters
    ----------
    root : str or Path
    links : bool
        Follow links that lead out of the folder, and links to folders, each folder once.

    Raises
    ------
    DataError
        If there is no such folder.
    """
    root = as_folder(root)
    if not os.path.isdir(root):
        what = "is not a folder" if os.path.lexists(root) else "is missing"
        raise DataError(f"{quote(root)} {what}: expected a folder with pictures")
    found, problems = list[str](), list[Problem]()
    known, waiting = {identity(root)}, [""]
    while waiting:
        folder = waiting.pop()
        try:
            names = sorted(os.listdir(root / folder))
        except OSError as error:
            if not folder:
                raise DataError(f"{quote(root)} cannot be read ({reason(error)})") from error
            problems.append(Problem(folder, reason(error)))
            continue
        for name in names:
            if name.startswith("."):
                continue
            name = f"{folder}/{name}" if folder else name
            try:
                is_folder = is_folder_to_enter(root, name, links)
            except OSError as error:
                problems.append(Problem(name, reason(error)))
                continue
            if not is_folder:
                found.append(name)
            elif (one := identity(root / name)) not in known:
                known.add(one)
                waiting.append(name)
            else:
                problems.append(Problem(name, "a folder that was here before"))
    return Files(root, sorted(found), sorted(problems, key=lambda problem: problem.name), links)


def is_folder_to_enter(root: Path, name: str, links: bool) -> bool:
    """Is it a folder? An OSError, which says why, for whatever is neither a folder to enter nor a file to open."""
    path = root / name
    mode = os.stat(path).st_mode
    if os.path.islink(path) and not links:
        if stat.S_ISDIR(mode):
            raise OSError("a link to a folder: --links follows it")
        if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root)):
            raise OSError(f"a link to something {OUTSIDE}: --links follows it")
    for is_one, kind in KINDS.items():
        if is_one(mode) and not stat.S_ISDIR(mode):
            raise OSError(f"it is {kind}, expected a file")
    return stat.S_ISDIR(mode)


def identity(path: Path) -> tuple[int, int]:
    """What is the same for two names of one folder."""
    about = os.stat(path)
    return about.st_dev, about.st_ino
