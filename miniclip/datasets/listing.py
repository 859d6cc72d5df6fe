"""What a dataset says it has: pictures with captions or classes, and what of it cannot be used."""

import io
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath

from ..errors import DataError, quote
from ..machine.disk import open_file
from .walk import Files

SUFFIXES = {".png", ".jpg", ".jpeg", ".jpe", ".jfif", ".webp", ".bmp", ".gif"}
# pictures, but none that we open
OTHER_SUFFIXES = {".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2", ".jxl", ".psd", ".svg", ".eps", ".ppm", ".tga"}


def is_picture(name: str) -> bool:
    """Does it look like a picture, by its name?"""
    return PurePosixPath(name).suffix.lower() in SUFFIXES | OTHER_SUFFIXES


@dataclass
class Listed:
    """A picture, all that is said of it, and the classes that it is in, as often as it is said."""

    captions: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Member:
    """A file within a tar archive: where its bytes lie."""

    archive: str
    offset: int
    size: int


class Listing:
    """Pictures by name, in the order in which they are listed.

    Attributes
    ----------
    layout : str
        How the folder says what is in its pictures.
    pictures : dict of str to Listed
    problems : dict of str to str
        What is left out, and the first reason why.
    members : dict of str to Member
        Those of the pictures that lie in archives.
    """

    def __init__(self, layout: str, files: Files):
        self.layout, self.files = layout, files
        self.pictures: dict[str, Listed] = {}
        self.problems = {problem.name: problem.reason for problem in files.problems}
        self.members: dict[str, Member] = {}
        self.there = set(files.names)
        self.homes: dict[str, list[str]] = {}  # where the pictures of a name lie
        for name in filter(is_picture, files.names):
            self.homes.setdefault(PurePosixPath(name).name, []).append(name)

    def leave_out(self, name: str, reason: str) -> None:
        """Say why something is not used; only the first reason counts."""
        self.problems.setdefault(name, reason)

    def drop(self, name: str, reason: str) -> None:
        """Leave out a picture that was listed."""
        self.leave_out(name, reason)
        self.pictures.pop(name, None)

    def add(self, name: str, captions: Iterable = (), label: str | None = None) -> None:
        """A picture and what is said of it; said of one picture in several rows, it adds up."""
        if name not in self.there and name not in self.members:
            return self.leave_out(name, "it is missing")
        captions = list(captions)
        if not all(isinstance(caption, str) for caption in captions):
            odd = next(type(caption).__name__ for caption in captions if not isinstance(caption, str))
            return self.leave_out(name, f"its caption is {odd}, expected text")
        listed = self.pictures.setdefault(name, Listed())
        listed.captions += [caption.strip() for caption in captions if caption.strip()]
        if label is not None:
            listed.labels.append(label)

    def add_row(self, name, captions: Iterable = (), folder: str = "", anywhere: bool = False) -> None:
        """The same for a row of a table in a folder; with `anywhere` the picture may lie in any other one."""
        try:
            found = self.files.find(name, folder)
        except DataError as error:
            return self.leave_out(str(name), str(error))
        if found not in self.there:
            found = found.replace("\\", "/")  # as Windows writes it
        homes = self.homes.get(PurePosixPath(found).name, []) if anywhere and found not in self.there else []
        if len(homes) > 1:
            return self.leave_out(found, f"it may be {' or '.join(map(quote, homes[:3]))}")
        self.add(homes[0] if homes else found, captions)

    def finish(self) -> "Listing":
        """The listing, once all was read: pictures of which nothing is said are left out."""
        for name in filter(is_picture, self.files.names):
            if name not in self.pictures:
                self.leave_out(name, "a picture without a caption")
        for name, listed in self.pictures.items():
            if not listed.captions and not listed.labels:
                self.leave_out(name, "its caption is empty")
        for name in self.problems:
            self.pictures.pop(name, None)
        return self

    def opened(self, name: str):
        """A function that opens a picture for reading bytes."""
        if name not in self.members:
            return partial(open_file, self.files.path(name))
        member = self.members[name]

        def read():
            with open_file(self.files.path(member.archive)) as file:
                file.seek(member.offset)
                return io.BytesIO(file.read(member.size))

        return read

    def state(self, name: str) -> list:
        """What changes with the picture's bytes: how many there are, and when they were written."""
        member = self.members.get(name)
        about = self.files.path(member.archive if member else name).stat()
        return [member.size if member else about.st_size, about.st_mtime_ns]
