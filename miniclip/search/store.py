"""An index in a folder. Vectors are plain .npy files, and everything else is JSON.

    index.json                what is in force: for each gallery the names of its parts; and the model
    part-D.npy, part-D.json   the vectors of a part, and their ids; D is a digest of both
    manifest.json             SHA-256 of all files, checked before anything is parsed

A part is written once and never changed, and index.json is exchanged last, all at once: so whoever kills a save, or
reads during one, finds the old index or the new one. Of an id that stands in several parts, the last one counts.
"""

import io
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from ..errors import CheckpointError, IndexFileError, InputError, one_line, quote
from ..files.storage import MANIFEST, commit, digest, encode_json, parse_json, read_manifest, read_verified

ABOUT = "index.json"
OURS = re.compile(r"part-[0-9a-f]{12}\.(npy|json)(\.tmp)?")
NORMS = 1e-5  # by which the length of a stored vector may differ from 1


@dataclass
class About:
    """What index.json says: which model made the vectors, of what, and the parts of each gallery."""

    model: str
    galleries: dict[str, list[str]] = field(default_factory=dict)
    run: str | None = None
    folder: str | None = None

    @property
    def parts(self) -> list[str]:
        """The names of all parts."""
        return [name for names in self.galleries.values() for name in names]


@dataclass
class Part:
    """Vectors with their ids, and for files their stamps: size in bytes, time in nanoseconds, SHA-256."""

    vectors: np.ndarray
    ids: list
    stamps: list | None = None

    def files(self) -> tuple[str, dict[str, bytes]]:
        """(name, files): what a part is called, and its two files."""
        buffer = io.BytesIO()
        np.save(buffer, self.vectors, allow_pickle=False)
        vectors, ids = buffer.getvalue(), encode_json({"ids": self.ids, "stamps": self.stamps})
        name = f"part-{digest(digest(vectors).encode() + ids)[:12]}"
        return name, {f"{name}.npy": vectors, f"{name}.json": ids}


def is_index(folder: Path) -> bool:
    """Does the folder hold an index, or what is left of one?"""
    return (folder / ABOUT).exists()


def is_part(name: str) -> bool:
    """Is it the name of a part's file, or of one that is being written?"""
    return OURS.fullmatch(name) is not None


def save_parts(folder: Path, about: About, parts: dict[str, Part], merged: bool = False) -> About:
    """Add a part to galleries, or with `merged` put it in the place of theirs; returns what is now in force."""
    files: dict[str, bytes] = {}
    galleries = {name: list(names) for name, names in about.galleries.items()}
    for gallery, part in parts.items():
        name, its_files = part.files()
        files |= its_files
        galleries[gallery] = [*([] if merged else galleries.get(gallery, [])), name]
    now = About(about.model, galleries, about.run, about.folder)
    gone = {name for name in manifest_names(folder) if is_part(name) and name.partition(".")[0] not in now.parts}
    commit(folder, files | {ABOUT: encode_json(asdict(now))}, drop=gone)
    return now


def manifest_names(folder: Path) -> list[str]:
    """The names in the manifest, if there is one."""
    return list(read_manifest(folder)) if (folder / MANIFEST).exists() else []


def remove_leftovers(folder: Path) -> None:
    """Remove what a killed save has left; only for who holds the folder's lock, and before the next save."""
    known = set(manifest_names(folder))
    for path in folder.glob("part-*"):
        if is_part(path.name) and path.name not in known:
            path.unlink(missing_ok=True)


@contextmanager
def as_index_error(folder: Path):
    """Whatever is wrong with the files of an index, as an IndexFileError that names the folder."""
    try:
        yield
    except IndexFileError:
        raise
    except (CheckpointError, OSError, ValueError, KeyError, TypeError) as error:
        raise IndexFileError(f"{quote(folder)} is no index that can be opened: {one_line(error)}") from error


def read_about(folder: Path) -> About:
    """What index.json says, or an IndexFileError."""
    with as_index_error(folder):
        about = About(**parse_json(read_verified(folder, ABOUT), folder / ABOUT))
        about.galleries = dict(about.galleries)
        texts, names = [about.run or "", about.folder or "", about.model, *about.galleries], about.parts
        if not all(isinstance(text, str) for text in texts) or not all(is_part(f"{name}.npy") for name in names):
            raise InputError(f"{ABOUT} holds something else than a model and names of parts")
        return about


def read_gallery(folder: Path, gallery: str | None = None) -> tuple[About, Part]:
    """What index.json says, and one of its galleries, by default the first; a CheckpointError if it cannot be opened.

    A save that ends between our looks has put other parts in the place of those that we know: then we look again.
    """
    for last in (False, True):
        about = read_about(folder)
        name = next(iter(about.galleries), "") if gallery is None else gallery
        if not about.galleries.get(name):
            there = ", ".join(about.galleries) or "nothing"
            raise IndexFileError(f"{quote(folder)} holds {there}, expected {name or 'a gallery'}: make it with them")
        try:
            with as_index_error(folder):
                return about, joined([read_part(folder, part) for part in about.galleries[name]])
        except IndexFileError:
            if last or about == read_about(folder):
                raise
    raise AssertionError("the second look returns or raises")


def read_part(folder: Path, name: str) -> Part:
    """A part, verified, its vectors mapped into memory."""
    read_verified(folder, f"{name}.npy")
    said = parse_json(read_verified(folder, f"{name}.json"), folder / f"{name}.json")
    vectors = np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise InputError(f"{name}.npy holds {vectors.dtype} {vectors.shape}, expected float32 (N, E)")
    if not (np.abs(np.einsum("ne,ne->n", vectors, vectors) - 1) < NORMS).all():
        raise InputError(f"{name}.npy holds rows that are no unit vectors")
    part = Part(vectors, said["ids"], said["stamps"])
    check_index_ids(part.ids, len(vectors))
    if part.stamps is not None and [[type(x) for x in stamp] for stamp in part.stamps] != [[int, int, str]] * len(
        vectors
    ):
        raise InputError(f"{name}.json holds other stamps than size, time and digest of each file")
    return part


def joined(parts: list[Part]) -> Part:
    """Parts as one; of an id that stands in several, the last one counts."""
    if len(parts) == 1:
        return parts[0]
    where = {name: row for row, name in enumerate(name for part in parts for name in part.ids)}
    rows, vectors = list(where.values()), np.concatenate([part.vectors for part in parts])
    stamps = [stamp for part in parts for stamp in part.stamps or [None] * len(part.ids)]
    return Part(vectors[rows], list(where), [stamps[row] for row in rows] if parts[0].stamps else None)


def check_model(about: About, digest: str | None, folder) -> None:
    """An IndexFileError where an index was made with another model: its vectors lie in another space."""
    if digest is not None and digest != about.model:
        raise IndexFileError(
            f"{quote(folder)} was made with model {about.model[:12] or '?'}, expected {digest[:12]}: make the index "
            "again, or search with the model that made it"
        )


def check_index_ids(ids, n: int) -> None:
    """n names, strings or whole numbers, no two equal."""
    if len(ids) != n:
        raise InputError(f"there are {len(ids)} ids for {n} vectors, expected one each")
    if not all(type(name) in (str, int) for name in ids):
        raise InputError("ids hold something else than str and int: name the items")
    if len(set(ids)) != n:
        raise InputError("two items have the same id: name each once")
