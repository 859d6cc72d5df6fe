"""Pictures of one's own with their captions, decoded, each picture once, and split before anything else is done."""

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError, quote
from ..files.storage import digest, encode_json
from .cache import decode_pictures, quietly
from .layouts import read_layout
from .walk import Problem

MAX_BAD = 0.05  # of all items
NAMED = 3  # problems in a message


@dataclass(frozen=True)
class Dataset:
    """M different pictures, in the order of their digests; field m of each list is about picture m.

    So neither the names of the files nor the order of rows in a table changes anything, and the first of them are no
    worse a sample than any others.

    Attributes
    ----------
    root : Path
    layout : str
        One of `layouts.LAYOUTS`.
    pixels : uint8 array (N, side, side, 3), mapped
        Those of picture m are in row `rows[m]`.
    rows : int array (M,)
    names : list of lists of str
        The files that show picture m: several, where files have the same pixels.
    digests : list of str
        SHA-256 of the pixels.
    captions : list of lists of str
        What is said of it, in order; with classes instead, what the templates make of their names.
    labels : list of lists of str
        The classes that it is in.
    problems : list of Problem
        What was left out, by name.
    """

    root: Path
    layout: str
    pixels: np.ndarray
    rows: np.ndarray
    names: list[list[str]]
    digests: list[str]
    captions: list[list[str]]
    labels: list[list[str]]
    problems: list[Problem]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def files(self) -> int:
        """How many picture files are used."""
        return sum(map(len, self.names))

    @property
    def class_names(self) -> list[str]:
        """All classes, in order; none where pictures have captions."""
        return sorted({label for labels in self.labels for label in labels})

    @property
    def digest(self) -> str:
        """Names what is learned from it: the pixels, captions and classes, whatever the files are called."""
        return digest(encode_json(list(zip(self.digests, self.captions, self.labels, strict=True))))

    def images(self, some, mirrored=None, corners=None, side: int = 0) -> np.ndarray:
        """(B, side, side, 3) uint8, of some pictures: the centre, or from given corners (B, 2) on; mirrored where (B,).

        The pixels are cut out of those that were decoded, which may be larger.
        """
        whole = self.pixels[self.rows[some]]
        room = whole.shape[1] - (side or whole.shape[1])
        if not room:
            found = whole
        elif corners is None:
            found = whole[:, room // 2 : whole.shape[1] - (room - room // 2), room // 2 : room // 2 + side]
        else:
            views = np.lib.stride_tricks.sliding_window_view(whole, (side, side), (1, 2))
            found = views[np.arange(len(whole)), corners[:, 0], corners[:, 1]].transpose(0, 2, 3, 1)
        return found if mirrored is None else np.where(mirrored[:, None, None, None], found[:, :, ::-1], found)

    def __getitem__(self, some) -> "Dataset":
        """Some of the pictures."""
        some = np.arange(len(self))[some]
        lists: dict[str, Any] = {
            name: [getattr(self, name)[m] for m in some] for name in ("names", "digests", "captions", "labels")
        }
        return replace(self, rows=self.rows[some], **lists)

    def split(self, share: float) -> tuple["Dataset", "Dataset"]:
        """(training, validation): a share of the pictures is never trained on, the same ones every time.

        Which ones is decided by their digests: neither names nor order nor a seed changes it, and since equal pictures
        are one picture here, none of them lies on both sides.
        """
        held_out = round(share * len(self))
        return self[held_out:], self[:held_out]


def read_dataset(root, side: int, templates=("{}",), *, links: bool = False, max_bad: float = MAX_BAD,
                 strict: bool = False, cache=None, tell=quietly) -> Dataset:  # fmt: skip
    """Read a folder of pictures with captions or classes.

    Parameters
    ----------
    root : str or Path
        In one of the layouts of `layouts`.
    side : int
        Of the decoded pictures, in pixels.
    templates : list of str
        What makes captions of the names of classes, each with one `{}`.
    links : bool
        Follow links that lead out of the folder.
    max_bad : float
        The largest share of items that may be left out.
    strict : bool
        Leave out none.
    cache : Path, optional
        Where decoded pictures are kept: see `cache.cache_home`.
    tell : function of (done, total)
        Called while pictures are decoded.

    Raises
    ------
    DataError
        If too many items are bad, or fewer than two pictures are left; see also `layouts.read_layout`.
    FileError
        If decoded pictures cannot be kept.
    """
    listing = read_layout(root, links)
    pixels, rows = decode_pictures(listing, side, cache, tell)
    problems = [Problem(name, listing.problems[name]) for name in sorted(listing.problems)]
    check_problems(listing.files.root, problems, len(rows), 0.0 if strict else max_bad)
    different: dict[str, list[str]] = {}
    for name in sorted(rows, key=lambda name: (rows[name].digest, name)):
        different.setdefault(rows[name].digest, []).append(name)
    if len(different) < 2:
        raise DataError(
            f"{quote(listing.files.root)} has {len(different)} pictures that can be used, and {len(problems)} items "
            "that cannot, expected at least 2 different pictures"
        )
    said = [[listing.pictures[name] for name in names] for names in different.values()]
    labels = [each_once(label for one in some for label in one.labels) for some in said]
    captions = [
        each_once(caption for one in some for caption in one.captions)
        or each_once(template.replace("{}", label) for label in mine for template in templates)
        for some, mine in zip(said, labels, strict=True)
    ]
    first = np.array([rows[names[0]].row for names in different.values()])
    return Dataset(listing.files.root, listing.layout, pixels, first, list(different.values()), list(different),
                   captions, labels, problems)  # fmt: skip


def each_once(texts) -> list[str]:
    """Each text once, in order."""
    return sorted(set(texts))


def check_problems(root: Path, problems: list[Problem], used: int, max_bad: float) -> None:
    """A DataError if too many items are bad; a warning for the others."""
    if not problems:
        return
    total = used + len(problems)
    named = "; ".join(f"{quote(one.name)}: {one.reason}" for one in problems[:NAMED])
    said = (
        f"{quote(root)}: {len(problems)} of {total} items cannot be used ({named}{'; ...' * (len(problems) > NAMED)})"
    )
    if len(problems) > max_bad * total:
        raise DataError(
            f"{said}, expected at most {max_bad:.0%}: `miniclip data` lists all of them; mend them, or raise --max-bad"
        )
    warnings.warn(f"{said}: they are left out; `miniclip data` lists all of them", stacklevel=3)
