"""An index in a folder. Vectors are plain .npy files, and everything else is JSON.

    index.json                what is in force: for each gallery the names of its parts; and the model
    part-D.npy, part-D.json   the vectors of a part, and their ids; D is a digest of both
    hnsw-D-*.npy, ivf-D-*.npy what makes the search of part D faster, where that was asked for
    manifest.json             SHA-256 of all files, checked before anything is parsed

A part is written once and never changed, and index.json is exchanged last, all at once: so whoever kills a save, or
reads during one, finds the old index or the new one. Of an id that stands in several parts, the last one counts.
"""

import io
import re
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from ..errors import CheckpointError, IndexFileError, InputError, one_line, quote
from ..files.storage import MANIFEST, commit, digest, encode_json, parse_json, read_manifest, read_verified

ABOUT = "index.json"
OURS = re.compile(r"(part-[0-9a-f]{12}\.(npy|json)|(hnsw|ivf)-[0-9a-f]{12}-[a-z]+\.npy)(\.tmp)?")
RUN_S = re.compile(": (restore it from a copy|expected a run folder).*")  # what is said of a run's files
NORMS = 1e-5  # by which the length of a stored vector may differ from 1


@dataclass
class About:
    """What index.json says: which model made the vectors, of what, the parts of each gallery, and their shortcuts.

    A shortcut has the `effort` of a search, and the names of its `arrays`; it is of a gallery that has one part.
    """

    model: str
    galleries: dict[str, list[str]] = field(default_factory=dict)
    run: str | None = None
    folder: str | None = None
    kind: str = "exact"
    shortcuts: dict[str, dict] = field(default_factory=dict)

    @property
    def parts(self) -> list[str]:
        """The names of all parts."""
        return [name for names in self.galleries.values() for name in names]

    @property
    def files(self) -> set[str]:
        """The names of all files."""
        arrays = {name for one in self.shortcuts.values() for name in one["arrays"].values()}
        return arrays | {f"{name}.{ending}" for name in self.parts for ending in ("npy", "json")}


@dataclass
class Part:
    """Vectors with their ids, and for files their stamps: size in bytes, time in nanoseconds, SHA-256."""

    vectors: np.ndarray
    ids: list
    stamps: list | None = None

    def files(self) -> tuple[str, dict[str, bytes]]:
        """(name, files): what a part is called, and its two files."""
        vectors, ids = encode_array(self.vectors), encode_json({"ids": self.ids, "stamps": self.stamps})
        name = f"part-{digest(digest(vectors).encode() + ids)[:12]}"
        return name, {f"{name}.npy": vectors, f"{name}.json": ids}


def encode_array(values: np.ndarray) -> bytes:
    """A .npy file."""
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()


def is_index(folder: Path) -> bool:
    """Does the folder hold an index, or what is left of one?"""
    return (folder / ABOUT).exists()


def is_part(name: str) -> bool:
    """Is it the name of a part's file, or of one that is being written?"""
    return OURS.fullmatch(name) is not None


def save_parts(folder: Path, about: About, parts: dict[str, Part], merged: bool = False) -> None:
    """Add a part to galleries, or with `merged` put it in the place of theirs; `about` then says so."""
    files: dict[str, bytes] = {}
    galleries = {name: list(names) for name, names in about.galleries.items()}
    for gallery, part in parts.items():
        name, its_files = part.files()
        files |= its_files
        galleries[gallery] = [*([] if merged else galleries.get(gallery, [])), name]
    shortcuts = {gallery: one for gallery, one in about.shortcuts.items() if gallery not in parts}
    save_files(folder, replace(about, galleries=galleries, shortcuts=shortcuts), files)
    about.galleries, about.shortcuts = galleries, shortcuts


def save_shortcut(folder: Path, about: About, gallery: str, arrays: dict[str, np.ndarray], effort: int) -> None:
    """Put what makes search faster beside the one part of a gallery; `about` then says so."""
    (part,) = about.galleries[gallery]
    names = {name: f"{part.replace('part', about.kind)}-{name}.npy" for name in arrays}
    shortcuts = about.shortcuts | {gallery: {"kind": about.kind, "effort": effort, "arrays": names}}
    files = {names[name]: encode_array(values) for name, values in arrays.items()}
    save_files(folder, replace(about, shortcuts=shortcuts), files)
    about.shortcuts = shortcuts


def save_files(folder: Path, about: About, files: dict[str, bytes]) -> None:
    """Write files, and last of all the index.json that is in force from then on; what it does not name goes."""
    commit(folder, files | {ABOUT: encode_json(asdict(about))}, drop=not_in_force(folder, about))


def read_shortcut(folder: Path, about: About, gallery: str) -> tuple[dict[str, np.ndarray], int]:
    """(arrays, effort) of a gallery's shortcut, the arrays mapped into memory."""
    shortcut = about.shortcuts[gallery]
    for name in shortcut["arrays"].values():
        read_verified(folder, name)
    arrays = {
        key: np.load(folder / name, mmap_mode="r", allow_pickle=False) for key, name in shortcut["arrays"].items()
    }
    return arrays, shortcut["effort"]


def not_in_force(folder: Path, about: About) -> set[str]:
    """The files of parts, whole or half, on the disk or in the manifest, that index.json does not name."""
    there = [path.name for path in folder.iterdir()] if folder.exists() else []
    known = read_manifest(folder) if MANIFEST in there else {}
    return {name for name in (*there, *known) if is_part(name) and name not in about.files}


def remove_leftovers(folder: Path, about: About) -> None:
    """Remove what a killed save has left; only for who holds the folder's lock."""
    (folder / f"{ABOUT}.tmp").unlink(missing_ok=True)
    if names := not_in_force(folder, about):
        commit(folder, {}, drop=names)


@contextmanager
def as_index_error(folder: Path):
    """Whatever is wrong with the files of an index, as an IndexFileError that names the folder."""
    try:
        yield
    except IndexFileError:
        raise
    except (CheckpointError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        said = RUN_S.sub("", one_line(error))
        advice = "restore it from a copy, or make the index again"
        raise IndexFileError(f"{quote(folder)} is no index that can be opened: {said}; {advice}") from error


def read_about(folder: Path) -> About:
    """What index.json says, or an IndexFileError."""
    with as_index_error(folder):
        about = About(**parse_json(read_verified(folder, ABOUT), folder / ABOUT))
        about.galleries = dict(about.galleries)
        texts = [about.run or "", about.folder or "", about.model, about.kind, *about.galleries, *about.shortcuts]
        if not all(isinstance(text, str) for text in texts) or not all(map(is_part, about.files)):
            raise InputError(f"{ABOUT} holds something else than a model and names of parts")
        return about


def read_gallery(folder: Path, gallery: str | None = None) -> tuple[About, Part]:
    """What index.json says, and one of its galleries, by default the first; an IndexFileError if it cannot be opened.

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
