"""An index of a folder is that of its pictures: whatever changes in the folder, and whenever the work is ended."""

import errno
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import miniclip
from miniclip.data.drawing import draw_scenes
from miniclip.data.pictures import picture_file
from miniclip.data.world import sample_scenes
from miniclip.errors import CheckpointError, DataError, IndexFileError, Interrupted
from miniclip.files import storage
from miniclip.files.checkpoint import save
from miniclip.model import Model
from miniclip.nn.tree import pack
from miniclip.search import gallery
from miniclip.search.folder import update_index
from miniclip.search.index import Index
from miniclip.search.store import read_gallery
from miniclip.train.clip import TrainConfig, new_clip

TINY = TrainConfig(vision_width=16, text_width=16, heads=2, embed_dim=16, vision_layers=1, text_layers=1)
PICTURES = (draw_scenes(sample_scenes(0, "A", np.arange(64))) * 255).astype(np.uint8)


NUMBERS = {pixels.tobytes(): n for n, pixels in enumerate(PICTURES)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two tiny CLIPs in folders."""
    root = tmp_path_factory.mktemp("runs")
    for seed in (0, 1):
        model = new_clip(replace(TINY, seed=seed))
        save(model.with_params(pack(model.params)[1]), root / str(seed))
    return root


@pytest.fixture(scope="module")
def model(runs):
    return miniclip.load(runs / "0")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(gallery, "PART", 8)
    monkeypatch.setattr(gallery, "BATCH", 4)


@pytest.fixture
def here(tmp_path):
    """A folder of forty pictures, some in folders below, and no index yet."""
    for n in range(40):
        put(tmp_path, name_of(n), n)
    return tmp_path


def name_of(n):
    return f"{'sub/' * (n % 3 == 0)}p{n:02}.png"


def put(root, name, n):
    """Picture n under a name; its time is n seconds, so that no clock decides what is new."""
    path = root / "photos" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PICTURES[n]).save(path)
    os.utime(path, (n, n))


def update(root, model, **more):
    return update_index(root / "index", model, "a run", root / "photos", **more)


def everything(folder):
    return sorted(path.name for path in folder.rglob("*") if path.name != ".lock")


def counts(found):
    return {name: found[name] for name in ("new", "changed", "unchanged", "gone") if found[name]}


def check(root, model):
    """The index has the folder's pictures, each with its own vector; nothing else lies in it, and nothing half."""
    about, part = read_gallery(root / "index", "pictures")
    paths = sorted(path for path in (root / "photos").rglob("*.png"))
    assert part.ids == sorted(str(path.relative_to(root / "photos")) for path in paths)
    assert check_vectors(root, model, part) == len(paths)
    assert {path.name for path in (root / "index").iterdir()} == {
        "index.json", "manifest.json", ".lock", *(f"{name}{end}" for name in about.parts for end in (".npy", ".json"))
    }  # fmt: skip


@cache
def vectors_of(model):
    return model.encode_image(miniclip.preprocess(list(PICTURES)))


def check_vectors(root, model, part):
    """Of how many the stamp is that of a picture, and the vector of this picture."""
    expected = vectors_of(model)
    for name, vector, _ in zip(part.ids, part.vectors, part.stamps, strict=True):
        with Image.open(root / "photos" / name) as image:
            n = NUMBERS[np.asarray(image.convert("RGB")).tobytes()]
        np.testing.assert_allclose(vector, expected[n], atol=1e-5)
    return len(part.ids)


def test_an_index_follows_its_folder(here, model):
    assert counts(update(here, model)) == {"new": 40}
    check(here, model)
    assert counts(update(here, model)) == {"unchanged": 40}
    put(here, "new.png", 41)
    put(here, name_of(3), 42)
    put(here, name_of(4), 43)
    for n in (5, 6, 7):
        (here / "photos" / name_of(n)).unlink()
    found = update(here, model)
    assert counts(found) == {"new": 1, "changed": 2, "unchanged": 35, "gone": 3}
    assert (found["pictures"], found["captions"], found["unreadable"]) == (38, 0, [])
    assert found["seconds"] >= 0
    check(here, model)


@pytest.fixture
def embedded(monkeypatch):
    """How many pictures were embedded, and which files were read."""
    seen = {"embedded": 0, "read": []}
    encode, read = Model.encode_image, gallery.open_file

    def encode_image(self, images):
        seen["embedded"] += len(images)
        return encode(self, images)

    def open_file(path):
        seen["read"].append(Path(path).name)
        return read(path)

    monkeypatch.setattr(Model, "encode_image", encode_image)
    monkeypatch.setattr(gallery, "open_file", open_file)
    return seen


def test_only_what_is_new_is_read_and_embedded(here, model, embedded):
    update(here, model)
    assert (embedded["embedded"], len(embedded["read"])) == (40, 40)

    def again():
        embedded.update(embedded=0, read=[])
        before = {path.name: path.stat().st_mtime_ns for path in (here / "index").glob("[!.]*")}
        found = counts(update(here, model))
        after = {path.name: path.stat().st_mtime_ns for path in (here / "index").glob("[!.]*")}
        return found, embedded["embedded"], len(embedded["read"]), before == after

    assert again() == ({"unchanged": 40}, 0, 0, True)
    os.utime(here / "photos" / name_of(1), (99, 99))  # touched: it is read, once
    assert again() == ({"unchanged": 40}, 0, 1, False)
    assert again() == ({"unchanged": 40}, 0, 0, True)
    (here / "photos" / name_of(2)).rename(here / "photos" / "moved.png")
    shutil.copy2(here / "photos" / name_of(3), here / "photos" / "copy.png")
    assert again() == ({"new": 2, "unchanged": 39, "gone": 1}, 0, 2, False)
    put(here, name_of(4), 50)
    put(here, name_of(7), 50)  # the same, twice
    os.utime(here / "photos" / name_of(4), (4, 4))  # as it was; but not its size
    assert again() == ({"changed": 2, "unchanged": 39}, 1, 2, False)
    check(here, model)


def test_equal_pictures_are_embedded_once(here, model, embedded):
    for n in range(40):
        put(here, name_of(n), 0)
    update(here, model)
    assert embedded["embedded"] == 1
    check(here, model)


BAD_FILES = {
    "empty.png": b"", "text.jpg": b"hello", "page.gif": b"<html></html>", "vector.svg": b"<svg/>", "long.tif": b"II*\0",
}  # fmt: skip


def test_pictures_that_cannot_be_read_are_listed_and_left_out(here, model):
    photos = here / "photos"
    for name, data in BAD_FILES.items():
        (photos / name).write_bytes(data)
    (photos / "cut.png").write_bytes((photos / name_of(1)).read_bytes()[:90])
    Image.new("RGB", (40, 40), "red").save(photos / "blank.png")
    os.mkfifo(photos / "pipe.png")
    (photos / "nowhere.png").symlink_to("missing.png")
    (photos / "outside.png").symlink_to(miniclip.EXAMPLE)
    (photos / "notes.txt").write_text("no picture")
    (photos / ".hidden.png").write_text("hidden")
    found = update(here, model)
    assert (found["new"], found["pictures"]) == (40, 40)
    listed = {one["image"]: one["error"] for one in found["unreadable"]}
    assert set(listed) == {*BAD_FILES, "cut.png", "blank.png", "pipe.png", "nowhere.png", "outside.png"}
    for name, error in listed.items():
        assert error.startswith(f"'{name}': ")
        assert "\n" not in error
        assert str(here) not in error
    assert "it is a pipe" in listed["pipe.png"]
    assert "is blank" in listed["blank.png"]
    assert "--links follows it" in listed["outside.png"]
    again = update(here, model)
    assert (counts(again), len(again["unreadable"])) == ({"unchanged": 40}, len(listed))
    linked = update(here, model, links=True)
    assert (counts(linked), len(linked["unreadable"])) == ({"new": 1, "unchanged": 40}, len(listed) - 1)
    (photos / name_of(1)).write_bytes(b"spoilt")  # what is no picture any more is found no more
    assert name_of(1) in [one["image"] for one in update(here, model)["unreadable"]]
    assert name_of(1) not in Index.load(here / "index").ids


@pytest.mark.parametrize("kind", ["missing", "a file", "empty", "no pictures", "only bad ones"])
def test_folders_without_pictures(here, model, kind):
    update(here, model)
    shutil.rmtree(here / "photos")
    if kind == "a file":
        (here / "photos").write_text("")
    elif kind != "missing":
        (here / "photos").mkdir()
        if kind != "empty":
            (here / "photos" / ("a.txt" if kind == "no pictures" else "a.png")).write_text("none")
    with pytest.raises(
        DataError, match=r"is missing|is not a folder|holds no pictures|none of the pictures can be read"
    ):
        update(here, model)
    assert len(Index.load(here / "index").ids) == 40  # what was indexed is still there


def test_a_first_index_of_nothing_leaves_nothing(here, model):
    shutil.rmtree(here / "photos")
    put(here, "a.png", 0)
    (here / "photos" / "a.png").write_text("none")
    with pytest.raises(DataError, match="none of the pictures can be read"):
        update(here, model)
    assert not (here / "index").exists()


def test_captions_are_kept_once_each(here, model):
    (here / "words.txt").write_text("a red circle\n\n a blue star \na red circle\na red circle on the left\n", "utf-8")
    assert update(here, model, captions=here / "words.txt")["captions"] == 3
    index = Index.load(here / "index", model.digest, "captions")
    assert index.ids == ["a red circle", "a blue star", "a red circle on the left"]
    np.testing.assert_allclose(index.embeddings, model.encode_text(index.ids), atol=1e-6)
    assert update(here, model)["captions"] == 3  # none were named: they stay
    (here / "words.txt").write_text("a green ring\na blue star", "utf-8")
    assert update(here, model, captions=here / "words.txt")["captions"] == 2
    index = Index.load(here / "index", gallery="captions")
    assert index.ids == ["a green ring", "a blue star"]
    np.testing.assert_allclose(index.embeddings, model.encode_text(index.ids), atol=1e-6)
    check(here, model)


def test_captions_of_a_dataset(here, model):
    (here / "photos" / "captions.txt").write_text(f"image,caption\n{name_of(1)},a star\n{name_of(2)},a ring\n", "utf-8")
    assert update(here, model, captions=here / "photos")["captions"] == 2
    assert Index.load(here / "index", gallery="captions").ids == ["a star", "a ring"]


@pytest.mark.parametrize("data", [b"", b"\n \n", b"caf\xe9\n", b"a\0b", None])
def test_files_of_captions_that_are_none(here, model, data):
    if data is not None:
        (here / "words.txt").write_bytes(data)
    with pytest.raises(DataError, match=r"holds no captions|not UTF-8|NUL character|No such file"):
        update(here, model, captions=here / "words.txt")
    assert not (here / "index").exists()


def test_another_model_is_refused(here, model, runs):
    update(here, model)
    other = miniclip.load(runs / "1")
    with pytest.raises(IndexFileError, match=rf"was made with model {model.digest[:12]}, expected {other.digest[:12]}"):
        update(here, other)
    with pytest.raises(IndexFileError, match="was made with model"):
        Index.load(here / "index", other.digest)
    check(here, model)


def test_another_folder_is_refused_and_one_that_has_moved_is_not(here, model):
    update(here, model)
    (here / "others").mkdir()
    shutil.copy(here / "photos" / name_of(1), here / "others")
    with pytest.raises(IndexFileError, match=r"is of the folder .*photos.*, got .*others.*: choose another --out"):
        update_index(here / "index", model, "a run", here / "others")
    (here / "photos").rename(here / "pictures")
    found = update_index(here / "index", model, "a run", here / "pictures")
    assert counts(found) == {"unchanged": 40}
    assert read_gallery(here / "index")[0].folder == str(here / "pictures")


def test_nothing_else_is_written_into(here, model, runs):
    (here / "index").mkdir()
    (here / "index" / "mine.txt").write_text("mine")
    shutil.copytree(runs / "0", here / "run")
    places = {here / name: "is no index" for name in ("index", "run", "photos")}
    for place, words in (places | {here / "index" / "mine.txt": "Not a directory|File exists"}).items():
        before = everything(here)
        with pytest.raises(CheckpointError, match=words):
            update_index(place, model, "a run", here / "photos")
        assert everything(here) == before
    miniclip.load(here / "run")


def test_two_at_once(here, model):
    with storage.lock(here / "index"), pytest.raises(CheckpointError, match="is in use by process"):
        update(here, model)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_saves_and_the_same_command_goes_on(here, model, embedded, number):
    def tell(done, total):
        if done == 12:
            os.kill(os.getpid(), number)

    with pytest.raises(Interrupted, match=r"stopped after 12 of 40, saved in .*: give the same") as caught:
        update(here, model, tell=tell)
    assert caught.value.exit_code == 128 + number
    assert embedded["embedded"] == 12 == len(Index.load(here / "index").ids)
    assert counts(update(here, model)) == {"new": 28, "unchanged": 12}
    assert embedded["embedded"] == 40
    check(here, model)


def changed(here):
    """The folder, some time later."""
    put(here, "new.png", 41)
    put(here, name_of(3), 42)
    for n in range(12, 30):
        put(here, name_of(n), n + 30)
    for n in (5, 6):
        (here / "photos" / name_of(n)).unlink()


class Killed(BaseException):
    """The end of the process."""


@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.nightly)])
@pytest.mark.parametrize("begun", [False, True], ids=["the first time", "later"])
def test_killed_at_the_steps_of_every_save(here, model, monkeypatch, begun, every):
    """Whichever call to the system is the last: the old index or the new one, whole; and the next command ends well."""
    monkeypatch.setattr(gallery, "PART", 4)
    for n in range(12, 40):
        (here / "photos" / name_of(n)).unlink()
    if begun:
        update(here, model)
        for n in range(2, 8):
            put(here, name_of(n), n + 30)
        put(here, "new.png", 50)
        (here / "photos" / name_of(9)).unlink()
    shutil.copytree(here / "index", here / "before") if begun else None
    k, kept = 0, []
    while True:
        calls = []

        def dying(real, calls=calls, k=k):
            def call(*args, **options):
                calls.append(args)
                if len(calls) > k:
                    raise Killed
                return real(*args, **options)

            return call

        with monkeypatch.context() as patch:
            for name in ("fsync", "replace", "unlink"):
                patch.setattr(storage.os, name, dying(getattr(os, name)))
            patch.setattr(storage.Path, "unlink", dying(Path.unlink))
            try:
                update(here, model)
                break
            except Killed:
                pass
        if begun or (here / "index" / "index.json").exists():
            index = Index.load(here / "index", model.digest)  # whole, whatever has happened
            kept.append(len(index.ids))
        update(here, model)
        check(here, model)
        shutil.rmtree(here / "index")
        if begun:
            shutil.copytree(here / "before", here / "index")
        k += every
    assert k > 40
    assert kept == sorted(kept) if not begun else min(kept) >= 11  # nothing that was saved is lost


FILES_WRITTEN = 5 * (2 + 1 + 2) + (2 + 1 + 2)  # by each of five parts, and at the end: its two, and what names them


def test_a_disk_that_is_full(here, model, monkeypatch):
    """From the k-th file on, until it never is."""
    for k in range(0, 100, 3):
        calls = []

        def full(path, data, real=storage.write_synced, calls=calls, k=k):
            calls.append(path)
            if len(calls) > k:
                raise OSError(errno.ENOSPC, "No space left on device")
            real(path, data)

        with monkeypatch.context() as patch:
            patch.setattr(storage, "write_synced", full)
            if k >= FILES_WRITTEN:
                update(here, model)
                break
            with pytest.raises(CheckpointError, match="disk full; what was saved before is intact") as caught:
                update(here, model)
        assert caught.value.exit_code == 4
        update(here, model)
        check(here, model)
        shutil.rmtree(here / "index")
    assert k >= FILES_WRITTEN


SCRIPT = """
import sys, miniclip
from miniclip.search import folder, gallery
gallery.PART, gallery.BATCH = 8, 4
folder.update_index(sys.argv[1], miniclip.load(sys.argv[2]), "a run", sys.argv[3])
"""


@pytest.mark.parametrize("times", [5, pytest.param(20, marks=pytest.mark.nightly)])
def test_kill_at_random_moments(here, model, runs, times):
    """Nothing is lost, nothing is half; and the folder changes meanwhile."""
    rng, kills, mid_save = random.Random(times), 0, 0
    known: dict[str, int] = {}
    while kills < times:
        for n in rng.sample(range(40), 10):
            put(here, name_of(n), rng.randrange(64))
        child = subprocess.Popen([sys.executable, "-c", SCRIPT, here / "index", runs / "0", here / "photos"])
        if rng.random() < 0.3:  # any moment, the start of the interpreter included
            time.sleep(rng.random())
        else:  # within a save, or close to one
            while child.poll() is None and not list((here / "index").glob("*.tmp")):
                time.sleep(0.0005)
            time.sleep(rng.random() * 0.03)
        child.kill()
        child.communicate()
        kills += child.returncode == -signal.SIGKILL
        mid_save += any((here / "index").glob("*.tmp"))
        if (here / "index" / "index.json").exists():
            index = Index.load(here / "index", model.digest)
            assert set(known) <= set(index.ids)
            known = dict.fromkeys(index.ids)
        if rng.random() < 0.3:
            update(here, model)
            check(here, model)
            shutil.rmtree(here / "index")
            known = {}
    update(here, model)
    check(here, model)
    print(kills, mid_save)


def test_readers_see_a_whole_index_while_it_is_written(here, model):
    """A reader in the midst of each batch, and one whose parts are joined between its looks."""
    update(here, model)
    changed(here)
    seen = []
    update(here, model, tell=lambda done, total: seen.append(len(Index.load(here / "index").ids)))
    assert set(seen) <= {40, 41}
    assert len(seen) >= 5


def test_parts_that_are_joined_between_two_looks(here, model, monkeypatch):
    from miniclip.search import store

    def tell(done, total):
        if done == 40:
            raise Killed

    with pytest.raises(Killed):
        update(here, model, tell=tell)
    real, calls = store.read_part, []

    def read_part(folder, name):
        calls.append(name)
        if len(calls) == 2:
            update(here, model)
        return real(folder, name)

    monkeypatch.setattr(store, "read_part", read_part)
    assert len(Index.load(here / "index").ids) == 40


def test_a_missing_part_is_told(here, model):
    update(here, model)
    (path,) = (here / "index").glob("part-*.npy")
    path.unlink()
    with pytest.raises(IndexFileError, match=f"{path.name} is missing"):
        Index.load(here / "index")
    with pytest.raises(IndexFileError, match=f"{path.name} is missing"):
        update(here, model)


@pytest.mark.parametrize("name", ["../outside.png", "/etc/passwd", "C:\\\\a.png", "file:///a.png"])
def test_an_index_names_no_file_outside_of_its_folder(here, model, name):
    from miniclip.app.find import search_index

    update(here, model)
    (path,) = (here / "index").glob("part-*.json")
    said = json.loads(path.read_text())
    said["ids"] = [name, *said["ids"][1:]]
    storage.commit(here / "index", {path.name: json.dumps(said).encode()})
    with pytest.raises(DataError, match="outside the dataset folder"):
        search_index(model, here / "index", "red", k=40)


def test_every_picture_finds_itself(here, model):
    update(here, model)
    index = Index.load(here / "index", model.digest)
    for n in (1, 2, 30):
        (found,), (scores,) = index.search(model.encode_image(picture_file(here / "photos" / name_of(n), model)), 1)
        assert (found, round(float(scores[0]), 5)) == ([name_of(n)], 1.0)
