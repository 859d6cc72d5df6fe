"""A folder of pictures, and captions, as an index that is kept up to date.

Only files whose size or time differ are read, and of these only those are embedded whose bytes are new. What was
embedded is saved every few hundred pictures, as a part of its own; so whoever kills the work loses at most those since.
"""

import os
import time
from collections import Counter
from pathlib import Path

from ..datasets.cache import quietly
from ..datasets.layouts import read_layout
from ..datasets.listing import is_picture
from ..datasets.tables import read_text
from ..datasets.walk import Files, find_files
from ..errors import DataError, IndexFileError, Interrupted, quote
from ..files.storage import MANIFEST, lock
from ..machine.disk import as_folder
from ..machine.signals import interrupts
from ..model import Model
from .approximate import add_shortcuts, check_index_kind
from .gallery import CAPTIONS, PICTURES, Gallery, embed_captions, embed_pictures
from .store import (
    ABOUT,
    About,
    check_model,
    is_index,
    is_part,
    read_about,
    remove_leftovers,
    save_parts,
)

LEFT = {
    ".lock",
    MANIFEST,
    f"{MANIFEST}.tmp",
    f"{ABOUT}.tmp",
}  # what a first save that was killed may leave, beside parts


def update_index(out, model: Model, run: str, folder, captions=None, links: bool = False, kind: str | None = None,
                 tell=quietly) -> dict:  # fmt: skip
    """Make the index of a folder of pictures, or bring it up to date.

    Parameters
    ----------
    out : str or Path
        The index's own folder: new, or one that this model made of the same pictures.
    model : Model
    run : str
        How the model is opened again: a name, or a path.
    folder : str or Path
    captions : str or Path, optional
        Sentences to be searched too: a text file with one a line, or a dataset, whose captions they are. Without, those
        that are in the index stay.
    links : bool
        Follow links that lead out of the folder.
    kind : str, optional
        One of `approximate.KINDS`: how it is searched; by default as it was, and at first exactly.
    tell : function of (done, total)
        Called while pictures and captions are embedded.

    Returns
    -------
    dict
        How many pictures are `new`, `changed`, `unchanged` and `gone`; `unreadable`, a list of {`image`, `error`};
        how many `pictures` and `captions` there are now; and `seconds`.

    Raises
    ------
    DataError
        If the folder is missing or has no picture that can be read.
    ConfigError
        If this kind needs faiss, which is not here.
    IndexFileError
        If the index was made with another model, or of another folder.
    Interrupted
        After Ctrl-C or SIGTERM; what was embedded was saved first.
    """
    begun, out = time.perf_counter(), as_folder(out)
    files, texts = find_files(folder, links), None if captions is None else read_captions(captions, links)
    names = list(filter(is_picture, files.names))
    if not names:
        raise DataError(f"{quote(files.root)} holds no pictures, expected some")
    check_index_kind(kind)
    check_place(out)
    with lock(out):
        about = what_is_there(out, model, run, files.root, kind)
        pictures, sentences = Gallery(PICTURES, out, about), Gallery(CAPTIONS, out, about)
        before, problems = dict(pictures.rows), {one.name: one.reason for one in files.problems}
        with interrupts() as caught:
            for gallery, done, total in embed_all(pictures, sentences, model, files, names, texts or [], problems):
                tell(done, total)
                if caught:
                    gallery.save()
                    said = f"stopped after {done} of {total}, saved in {quote(out)}: give the same command again"
                    raise Interrupted(caught[0], said)
            pictures.finish([name for name in names if name not in problems])
            if texts or sentences.rows:
                sentences.finish(texts or sentences.rows)
            if about != read_about(out):  # the run or the folder has moved, or it shall be searched in another way
                save_parts(out, about, {})
        add_shortcuts(out, about)
    return outcome(before, pictures, names, problems) | {
        "captions": len(sentences.rows), "kind": about.kind, "seconds": round(time.perf_counter() - begun, 1),
    }  # fmt: skip


def embed_all(pictures: Gallery, sentences: Gallery, model: Model, files: Files, names, texts, problems):
    """Take up what is new; yields the gallery that is worked on, how much is done, and of how much."""
    todo = [name for name in names if not is_known(files.path(name), pictures.rows.get(name))]
    new_texts = [text for text in texts if text not in sentences.rows]
    total = len(todo) + len(new_texts)
    for done in embed_pictures(pictures, model, files, todo, problems):
        yield pictures, done, total
    for done in embed_captions(sentences, model, new_texts):
        yield sentences, len(todo) + done, total


def check_place(out: Path) -> None:
    """An IndexFileError for a folder that holds something else than an index."""
    there = [path.name for path in out.iterdir()] if out.is_dir() and not is_index(out) else []
    if others := [name for name in there if not is_part(name) and name not in LEFT]:
        raise IndexFileError(f"{quote(out)} is no index (it holds {quote(min(others))}): choose another --out")


def what_is_there(out: Path, model: Model, run: str, root: Path, kind: str | None = None) -> About:
    """What is in the index already; an error if it is another's."""
    here, about = os.path.realpath(root), About(model.digest)
    if is_index(out):
        about = read_about(out)
        check_model(about, model.digest, out)
        if about.folder != here and os.path.isdir(about.folder or ""):  # one that has moved is the same
            raise IndexFileError(
                f"{quote(out)} is of the folder {quote(about.folder)}, got {quote(here)}: choose another --out"
            )
    remove_leftovers(out, about)
    kind = kind or about.kind
    shortcuts = {gallery: one for gallery, one in about.shortcuts.items() if one["kind"] == kind}
    return About(about.model, about.galleries, run, here, kind, shortcuts)


def is_known(path: Path, row: tuple | None) -> bool:
    """Has the file the size and the time that it had?"""
    try:
        about = os.stat(path)
    except OSError:
        return False
    return row is not None and (about.st_size, about.st_mtime_ns) == tuple(row[1][:2])


def read_captions(path, links: bool = False) -> list[str]:
    """Sentences, each once: of a text file one a line, or those of a dataset."""
    if os.path.isdir(path):
        found = [caption for one in read_layout(path, links).pictures.values() for caption in one.captions]
    else:
        found = [line.strip() for line in read_text(Path(path)).splitlines()]
    texts = list(dict.fromkeys(filter(None, found)))
    if not texts:
        raise DataError(f"{quote(path)} holds no captions, expected one a line, or a dataset that has some")
    return texts


def outcome(before: dict[str, tuple], gallery: Gallery, names: list[str], problems: dict[str, str]) -> dict:
    """What has become of the pictures."""

    def state(name: str) -> str:
        if name not in before:
            return "new"
        return "unchanged" if before[name][1][2] == gallery.rows[name][1][2] else "changed"

    states = Counter(state(name) for name in names if name not in problems)
    return {
        "pictures": states.total(), **{name: states[name] for name in ("new", "changed", "unchanged")},
        "gone": len(before.keys() - set(names)),
        "unreadable": [{"image": name, "error": f"{quote(name)}: {problems[name]}"} for name in sorted(problems)],
    }  # fmt: skip
