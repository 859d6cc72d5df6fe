"""The items of one kind in an index, while they are brought up to date: looked at, embedded, saved on the way."""

import hashlib
import os
from functools import partial
from pathlib import Path

import numpy as np

from ..data.pictures import picture_file
from ..datasets.walk import Files
from ..errors import DataError, ImageError, quote
from ..machine.disk import open_file, reason
from ..machine.threads import in_parallel, parts
from ..model import Model
from .store import About, Part, read_gallery, save_parts

BATCH, PART, SHARE = 32, 256, 32  # items embedded at a time; saved at a time, or a SHARE-th of all, if that is more
PICTURES, CAPTIONS = "pictures", "captions"


class Gallery:
    """The items of one kind while they are brought up to date: what is known, and what of it is not yet saved.

    rows: name -> (vector, stamp); the stamp of a caption is None.
    """

    def __init__(self, kind: str, folder: Path, about: About):
        self.kind, self.folder, self.about = kind, folder, about
        self.rows: dict[str, tuple] = {}
        self.fresh: list[str] = []
        if about.galleries.get(kind):
            _, part = read_gallery(folder, kind)
            stamps = part.stamps or [None] * len(part.ids)
            self.rows = dict(zip(part.ids, zip(part.vectors, stamps, strict=True), strict=True))

    def add(self, rows: dict[str, tuple]) -> None:
        """Take rows up, and save when they are enough."""
        self.rows |= rows
        self.fresh += rows
        if len(self.fresh) >= max(PART, len(self.rows) // SHARE):
            self.save()

    def save(self) -> None:
        """Save what is new, as one part more."""
        if self.fresh:
            self.write(self.fresh, merged=False)

    def finish(self, names) -> None:
        """Keep these items, in this order, as the only part; nothing is written where it stands there already."""
        rows = {name: self.rows[name] for name in names if name in self.rows}
        if not rows:
            raise DataError(f"{quote(self.folder)}: none of the {self.kind} can be read, expected one at least")
        as_saved = not self.fresh and list(rows) == list(self.rows) and len(self.about.galleries[self.kind]) == 1
        self.rows = rows
        if not as_saved:
            self.write(list(rows), merged=True)

    def write(self, names: list[str], merged: bool) -> None:
        """Save some of the rows."""
        vectors, stamps = zip(*(self.rows[name] for name in names), strict=True)
        part = Part(np.stack(vectors), names, None if self.kind == CAPTIONS else [list(stamp) for stamp in stamps])
        save_parts(self.folder, self.about, {self.kind: part}, merged)
        self.fresh = []


def embed_pictures(gallery: Gallery, model: Model, files: Files, names: list[str], problems: dict[str, str]):
    """Take up these pictures, some at a time; yields how many are done. What cannot be read goes to the problems."""
    vectors = {stamp[2]: vector for vector, stamp in gallery.rows.values()}  # by digest: a file may only have moved
    jobs = in_parallel(partial(read_picture, files.path(name), vectors, model) for name in names)
    for some in parts(len(names), BATCH):
        found = dict(zip(names[some], jobs, strict=False))
        problems |= {name: one for name, one in found.items() if isinstance(one, str)}
        read = {name: one for name, one in found.items() if not isinstance(one, str)}
        new = {stamp[2]: pixels for stamp, pixels in read.values() if pixels is not None and stamp[2] not in vectors}
        if new:
            vectors |= zip(new, model.encode_image(np.concatenate(list(new.values()))), strict=True)
        gallery.add({name: (vectors[stamp[2]], stamp) for name, (stamp, _) in read.items()})
        yield some.stop


def read_picture(path: Path, known, model: Model):
    """(stamp, pixels) of a picture, no pixels where its digest is known; or why it cannot be read."""
    try:
        about = os.stat(path)  # first: what is written from now on has another time
        with open_file(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        stamp = (about.st_size, about.st_mtime_ns, digest)
        return stamp, None if digest in known else picture_file(path, model)
    except ImageError as error:
        return str(error).removeprefix(quote(path)).lstrip(": ")
    except OSError as error:
        return reason(error)


def embed_captions(gallery: Gallery, model: Model, texts: list[str]):
    """Take up these captions, some at a time; yields how many are done."""
    for some in parts(len(texts), BATCH):
        if texts:
            vectors = model.encode_text(texts[some])
            gallery.add({text: (vector, None) for text, vector in zip(texts[some], vectors, strict=True)})
            yield some.stop
