"""The cache of decoded pictures: whatever happens to it, the next run gives exactly what an undisturbed one gives."""

import builtins
import errno
import io
import json
import os
import random
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from folders import archive, beside, fill, noise, png
from PIL import Image

from miniclip import open_image, preprocess
from miniclip.app import cli
from miniclip.app.own_data import decoding_bar
from miniclip.data.pictures import normalize
from miniclip.datasets import cache
from miniclip.datasets.cache import PICTURES, PIXELS
from miniclip.datasets.dataset import Dataset, read_dataset
from miniclip.errors import FileError
from miniclip.machine import threads

SIDE = 8
PACKAGE = Path(cache.__file__).parents[2]


def all_of(data: Dataset):
    """Everything that a reader of it could notice."""
    return data.digest, data.names, data.captions, data.problems, data.images(range(len(data))).tobytes()


@pytest.fixture
def root(tmp_path):
    return fill(tmp_path / "data", beside(10))


@pytest.fixture
def whole(root, tmp_path):
    """What an undisturbed run gives."""
    return all_of(read_dataset(root, SIDE, cache=tmp_path / "undisturbed"))


@pytest.fixture
def kept(root, tmp_path, whole):
    """(home, its two files) of a cache that is filled."""
    read_dataset(root, SIDE, cache=tmp_path / "cache")
    (folder,) = (tmp_path / "cache").iterdir()
    return tmp_path / "cache", folder / PIXELS, folder / PICTURES


@pytest.fixture
def decoded(monkeypatch):
    """The names of the pictures that are decoded."""
    names, real = [], cache.decode_one
    monkeypatch.setattr(
        cache, "decode_one", lambda listing, name, side: names.append(name) or real(listing, name, side)
    )
    return names


def test_a_picture_is_decoded_once(root, kept, whole, decoded):
    home, pixels, pictures = kept
    before = pixels.read_bytes(), pictures.read_bytes()
    assert all_of(read_dataset(root, SIDE, cache=home)) == whole
    assert decoded == []
    assert (pixels.read_bytes(), pictures.read_bytes()) == before
    assert len(before[0]) == 10 * SIDE * SIDE * 3
    read_dataset(root, SIDE + 1, cache=home)
    assert len(decoded) == 10
    assert len(list(home.iterdir())) == 2


def test_the_pixels_are_those_of_preprocess(tmp_path):
    """Bit for bit, whatever the mode, the size, and the way it lies."""
    files, exif = beside(1), Image.Exif()
    exif[0x0112] = 6
    for n, (kind, mode, width, height) in enumerate([("PNG", "RGBA", 40, 31), ("JPEG", "L", 33, 57), ("PNG", "P", 8, 8),
                                                     ("WEBP", "RGB", 90, 12), ("BMP", "RGB", 7, 5),
                                                     ("GIF", "P", 21, 20), ("PNG", "I;16", 20, 30),
                                                     ("JPEG", "CMYK", 51, 50)]):  # fmt: skip
        file, image = io.BytesIO(), Image.fromarray(noise(n, width, height)).convert(mode)
        if mode == "RGBA":
            image.putalpha(Image.fromarray(noise(99, width, height)[:, :, 0]))
        image.save(file, kind, **({"exif": exif} if kind in ("JPEG", "WEBP") else {}))
        files |= {f"x{n}.{kind.lower()}": file.getvalue(), f"x{n}.txt": "x"}
    for side in (8, 21):
        data = read_dataset(fill(tmp_path / "data", files), side, cache=tmp_path / "cache", strict=True)
        assert len(data) == 9
        for m, (name,) in enumerate(data.names):
            expected = preprocess(open_image(data.root / name), side, frame=False)
            assert np.array_equal(normalize(data.images([m]) / np.float32(255)), expected), name


# What is done to the files -> how; the next run gives the same as ever, and so does the one after it


def each_byte(content: bytes):
    """It with one byte changed: a sample of places and of changes."""
    rng = random.Random(0)
    for place in rng.sample(range(len(content)), min(60, len(content))):
        for change in (1, 0x80, rng.randrange(1, 256)):
            yield content[:place] + bytes([content[place] ^ change]) + content[place + 1 :]


def each_end(content: bytes):
    """It cut off, and with something behind it."""
    for end in [0, 1, len(content) // 2, len(content) - 1, len(content) - SIDE * SIDE * 3]:
        yield content[:end]
    for more in (b"\0", b"\n", b"x" * 1000, content[:100], content, b"[" * 5000, b"\n[]\n{}\nnull\n1\n[[],0,0,0]\n"):
        yield content + more


@pytest.mark.parametrize("damage", [each_byte, each_end])
@pytest.mark.parametrize("which", [PIXELS, PICTURES])
def test_damage_is_healed(root, kept, whole, damage, which):
    home, pixels, pictures = kept
    before = {PIXELS: pixels.read_bytes(), PICTURES: pictures.read_bytes()}
    for content in damage(before[which]):
        pixels.write_bytes(before[PIXELS])
        pictures.write_bytes(before[PICTURES])
        (pixels if which == PIXELS else pictures).write_bytes(content)
        for _ in range(2):
            assert all_of(read_dataset(root, SIDE, cache=home)) == whole


def test_a_line_that_says_something_else_is_not_believed(root, kept, whole):
    """A name that became another's, a row from behind: the row's digest would fit."""
    home, _, pictures = kept
    lines = [json.loads(line) for line in pictures.read_text().split("\n") if line]
    names = [line[0] for line in lines]
    for damaged in ([[names[1], *lines[0][1:]], [names[0], *lines[1][1:]], *lines[2:]],
                    [[key, row - 10, *rest] for key, row, *rest in lines],
                    [[key, float(row), *rest] for key, row, *rest in lines]):  # fmt: skip
        pictures.write_text("".join(json.dumps(line) + "\n" for line in damaged))
        fill(root, {"new.png": png(77), "new.txt": "x"})
        found = read_dataset(root, SIDE, cache=home)
        pixels = {name: found.images([m]).tobytes() for m, (name,) in enumerate(found.names)}
        assert pixels.pop("new.png")
        assert pixels == {name: whole[4][192 * m :][:192] for m, (name,) in enumerate(whole[1])}
        for name in ("new.png", "new.txt"):
            (root / name).unlink()


def test_half_a_line_costs_no_other(root, kept, decoded):
    """What is written behind it is found again."""
    home, _, pictures = kept
    with open(pictures, "a") as file:
        file.write('[["p0')
    fill(root, {"new.png": png(77), "new.txt": "x"})
    for _ in range(3):
        read_dataset(root, SIDE, cache=home)
    assert decoded == ["new.png"]


def test_files_that_are_gone_or_are_others(root, kept, whole):
    home, pixels, pictures = kept
    for names in ([pixels], [pictures], [pixels, pictures]):
        for name in names:
            name.unlink()
        assert all_of(read_dataset(root, SIDE, cache=home)) == whole


# Pictures that change


def test_changed_new_and_removed_pictures(root, kept, decoded):
    home, pixels, _ = kept
    (root / "p000.png").write_bytes(png(50))
    about = (root / "p001.png").stat()
    other = png(51)
    (root / "p001.png").write_bytes(other[: about.st_size].ljust(about.st_size, b"\0"))
    os.utime(root / "p001.png", ns=(about.st_atime_ns, about.st_mtime_ns + 1))  # the same size, another time
    (root / "p002.png").unlink()
    (root / "p002.txt").unlink()
    fill(root, {"p010.png": png(52), "p010.txt": "x"})
    data = read_dataset(root, SIDE, cache=home, strict=True)
    assert sorted(decoded) == ["p000.png", "p001.png", "p010.png"]
    assert all_of(data) == all_of(read_dataset(root, SIDE, cache=home.parent / "other"))
    assert pixels.stat().st_size == 13 * SIDE * SIDE * 3


def test_a_changed_archive(tmp_path, decoded):
    """Of the same names and sizes, written at another time."""
    home, root = tmp_path / "cache", tmp_path / "data"
    for k in range(2):
        shard = {f"{i}.bmp": png(i + 5 * k, "BMP") for i in range(3)} | {"3.bmp": png(3, "BMP")}
        shard |= {f"{i}.txt": "x" for i in range(4)}
        fill(root, {"one.tar": archive(dict(sorted(shard.items())))})
        os.utime(root / "one.tar", (k, k))
        data = read_dataset(root, SIDE, cache=home, strict=True)
        assert all_of(data) == all_of(read_dataset(root, SIDE, cache=tmp_path / f"other{k}"))
    assert len(decoded) == 16


def test_a_cache_of_pictures_that_are_gone_is_begun_anew(tmp_path, root, monkeypatch):
    """Whoever still reads from it keeps what is mapped: nothing becomes another picture under a reader's eyes."""
    monkeypatch.setattr(cache, "SPARE", 8)
    fill(root, beside(40))
    data = read_dataset(root, SIDE, cache=tmp_path / "cache")
    before = all_of(data)
    (folder,) = (tmp_path / "cache").iterdir()
    for i in range(5, 40):
        (root / f"p{i:03}.png").unlink()
        (root / f"p{i:03}.txt").unlink()
    assert len(read_dataset(root, SIDE, cache=tmp_path / "cache")) == 5
    assert (folder / PIXELS).stat().st_size == 5 * SIDE * SIDE * 3
    assert len((folder / PICTURES).read_text().split()) > 0
    assert all_of(data) == before


# The end of the process at any moment

SLOWLY = """
import os, sys, time
from pathlib import Path
from miniclip.datasets import cache, dataset
real = cache.decode_one
def slow(*some):
    time.sleep(0.002)
    return real(*some)
cache.decode_one = slow
print("ready", flush=True)
sys.stdin.readline()
data = dataset.read_dataset(sys.argv[1], 8, cache=Path(sys.argv[2]))
print(data.digest, flush=True)
"""


def start(root, home):
    """A process that decodes as soon as it is told to."""
    process = subprocess.Popen([sys.executable, "-c", SLOWLY, root, home], text=True, stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(PACKAGE)})  # fmt: skip
    assert process.stdout.readline() == "ready\n"
    return process


def go(process) -> None:
    process.stdin.write("go\n")
    process.stdin.flush()


def size_of(home: Path, name: str) -> int:
    return sum(path.stat().st_size for path in home.glob(f"*/{name}"))


@pytest.mark.parametrize("n", [6, pytest.param(40, marks=pytest.mark.nightly)])
def test_kill_at_any_moment(tmp_path, n):
    """After each of n kills, in the midst of rows and lines, the run goes on from what is whole."""
    root, home, rng = fill(tmp_path / "data", beside(60)), tmp_path / "cache", random.Random(n)
    whole = all_of(read_dataset(root, SIDE, cache=tmp_path / "undisturbed"))
    known = 0
    for k in range(n):
        process = start(root, home)
        go(process)
        enough = 192 * min(known + rng.randrange(1, 8), 58)
        while process.poll() is None and size_of(home, PIXELS) < enough:
            pass
        process.kill()
        process.communicate()
        (folder,) = home.iterdir()
        known = (folder / PICTURES).read_text().count("\n")
        if k % 2:
            with open(folder / PIXELS, "ab") as file:  # what a kill in the midst of writing would leave
                file.write(b"x" * rng.randrange(400))
            with open(folder / PICTURES, "ab") as file:
                file.write(b'[["p0' * rng.randrange(2))
    assert 0 < known < 120
    for _ in range(2):
        assert all_of(read_dataset(root, SIDE, cache=home)) == whole


def test_two_processes_at_once(tmp_path):
    """One decodes; the other waits for it, and decodes nothing again."""
    root, home = fill(tmp_path / "data", beside(60)), tmp_path / "cache"
    whole = read_dataset(root, SIDE, cache=tmp_path / "undisturbed")
    processes = [start(root, home) for _ in range(3)]
    for process in processes:
        go(process)
    assert [process.communicate()[0].split() for process in processes] == [[whole.digest]] * 3
    (folder,) = home.iterdir()
    assert (folder / PIXELS).stat().st_size == 60 * 192
    assert all_of(read_dataset(root, SIDE, cache=home)) == all_of(whole)


def with_ctrl_c(function):
    """The function, with Ctrl-C as it is at a terminal: whoever starts the tests may have had it ignored."""

    def called(*some, **more):
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            return function(*some, **more)
        finally:
            signal.signal(signal.SIGINT, before)

    return called


def test_ctrl_c_while_pictures_are_decoded(tmp_path, monkeypatch, capsys):
    """It says so, and the next run goes on."""
    root, home = fill(tmp_path / "data", beside(60)), tmp_path / "cache"
    real, count, decoded = cache.decode_one, iter(range(1000)), []

    def interrupted(*some):
        if next(count) == 40:
            os.kill(os.getpid(), signal.SIGINT)
        return real(*some)

    monkeypatch.setattr(cli, "guarded", with_ctrl_c(cli.guarded))
    monkeypatch.setattr(threads, "cores", lambda: 2)  # four are begun ahead
    monkeypatch.setattr(cache, "decode_one", interrupted)
    words = ["data", str(root), "--cache", str(home), "--image-size", str(SIDE)]
    assert cli.main(words) == 130
    out, err = capsys.readouterr()
    assert (out, err.splitlines()[-1]) == ("", "miniclip: stopped")
    monkeypatch.setattr(cache, "decode_one", lambda *some: decoded.append(some) or real(*some))
    assert cli.main(words) == 0
    assert 0 < len(decoded) < 40
    assert "files                   60" in capsys.readouterr().out
    train = ["train", "--data", str(root), "--out", str(tmp_path / "run"), "--cache", str(tmp_path / "other")]
    count = iter(range(1000))
    monkeypatch.setattr(cache, "decode_one", interrupted)
    assert cli.main(train) == 130
    assert not (tmp_path / "run").exists()


# Places that cannot keep it


class FullDisk(io.FileIO):
    """A file that takes so many bytes and no more."""

    room = 0

    def write(self, data):
        size = len(memoryview(data).cast("B"))
        if size > FullDisk.room:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        FullDisk.room -= size
        return super().write(data)


@pytest.mark.parametrize("room", [0, 1, 500, 1500, 2500, 3300])
def test_a_full_disk(root, tmp_path, whole, monkeypatch, room, capsys):
    """One line; and what was written before it was full is used when there is room again."""
    real = builtins.open

    def limited(path, mode="r", *how, **more):
        if mode == "ab":
            return io.BufferedWriter(FullDisk(path, "ab"), 512)
        return real(path, mode, *how, **more)

    FullDisk.room = room
    monkeypatch.setattr(builtins, "open", limited)
    home = tmp_path / "cache"
    assert cli.main(["data", str(root), "--cache", str(home), "--image-size", str(SIDE)]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot keep decoded pictures (No space left on device): name another --cache" in err
    with pytest.raises(FileError):
        read_dataset(root, SIDE, cache=home)
    monkeypatch.setattr(builtins, "open", real)
    assert all_of(read_dataset(root, SIDE, cache=home)) == whole


def test_a_place_that_cannot_be_written(root, tmp_path, monkeypatch, capsys):
    """A colon in its name is no end of it."""
    home = fill(tmp_path, {"a:file": "x"}) / "a:file"
    for place, why in ((home, "Not a directory"), (home / "x", "Not a directory")):
        assert cli.main(["data", str(root), "--cache", str(place)]) == 4
        err = capsys.readouterr().err
        assert f"cannot keep decoded pictures ({why}): name another --cache" in err
        assert "a:file" in err
    monkeypatch.setattr(os, "mkdir", refuse)
    assert cli.main(["data", str(root), "--cache", str(tmp_path / "new")]) == 4
    assert "(Permission denied): name another --cache" in capsys.readouterr().err


def refuse(*_, **__):
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def test_folders_in_the_place_of_its_files(root, kept):
    home, pixels, pictures = kept
    for name in (pixels, pictures):
        name.unlink()
        name.mkdir()
        with pytest.raises(FileError, match="Is a directory"):
            read_dataset(root, SIDE, cache=home)
        name.rmdir()


def test_nothing_is_written_into_the_dataset(root, tmp_path, whole):
    """A folder that may only be read will do."""
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    try:
        assert all_of(read_dataset(root, SIDE, cache=tmp_path / "cache")) == whole
    finally:
        root.chmod(0o755)
    assert {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))} == before


def test_where_it_is_kept(root, tmp_path, monkeypatch):
    """In XDG_CACHE_HOME, or in .cache at home; where there is no home it is told."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    read_dataset(root, SIDE)
    assert len(list((tmp_path / "xdg" / "miniclip").iterdir())) == 1
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    read_dataset(root, SIDE)
    assert len(list((tmp_path / "home" / ".cache" / "miniclip").iterdir())) == 1
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(os, "getuid", lambda: 2**31 - 7)  # a user whom the system does not know
    with pytest.raises(FileError, match="no home folder here: name a --cache"):
        read_dataset(root, SIDE)


def test_one_folder_under_two_names_is_kept_once(root, tmp_path, kept, decoded, monkeypatch):
    home, *_ = kept
    os.symlink(root, tmp_path / "link")
    monkeypatch.chdir(root)
    for name in (tmp_path / "link", ".", root / ".." / "data"):
        read_dataset(name, SIDE, cache=home)
    assert decoded == []


def test_what_cannot_be_decoded_is_tried_again(root, tmp_path, decoded):
    """It may have been mended, or come back; it is never taken from the cache."""
    fill(root, {"bad.png": "x", "bad.txt": "x"})
    for _ in range(2):
        with pytest.warns(UserWarning, match=r"1 of 11 items cannot be used \('bad\.png'"):
            read_dataset(root, SIDE, cache=tmp_path / "cache", max_bad=0.2)
    assert decoded.count("bad.png") == 2
    fill(root, {"bad.png": png(70)})
    assert len(read_dataset(root, SIDE, cache=tmp_path / "cache", strict=True)) == 11


def test_what_is_done_is_told(root, tmp_path):
    """After each picture: some take a second."""
    told = []
    read_dataset(root, SIDE, cache=tmp_path / "cache", tell=lambda *some: told.append(some))
    assert told == [(done, 10) for done in range(1, 11)]
    read_dataset(root, SIDE, cache=tmp_path / "cache", tell=lambda *some: told.append(some))
    assert len(told) == 10


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_the_bar_is_only_there_while_something_is_decoded(monkeypatch):
    """And ends its line before anything else is said, also where it is broken off."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with decoding_bar():
        pass
    assert terminal.getvalue() == ""
    with decoding_bar() as tell:
        tell(1, 2)
        tell(2, 2)
        assert terminal.getvalue().endswith("\n")
    assert "2/2" in terminal.getvalue()
    with suppress(FileError), decoding_bar() as tell:
        tell(1, 2)
        raise FileError("the disk is full")
    assert terminal.getvalue().endswith("\n")
    assert "1/2" in terminal.getvalue()


PEAK = """
import os, sys
from pathlib import Path
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from miniclip.datasets.dataset import read_dataset
from miniclip.machine.memory import peak_memory
print(peak_memory(lambda: read_dataset(sys.argv[1], 8, cache=Path(sys.argv[2]))) // 2**20)
"""


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="measured on one core")
def test_many_large_pictures_take_the_memory_of_a_few(tmp_path):
    """24 of 3 million pixels, 9 MB each, need no more than 3 do, but for one or two of them."""
    content, peaks = png(1, "JPEG", width=2000, height=1500), []
    for n in (3, 24):
        files = {f"{i}.jpg": content for i in range(n)} | {f"{i}.txt": "x" for i in range(n)}
        root = fill(tmp_path / str(n), files | beside(1))
        command = [sys.executable, "-c", PEAK, root, tmp_path / "cache"]
        done = subprocess.run(command, env=os.environ | {"PYTHONPATH": str(PACKAGE)}, capture_output=True, check=True)
        peaks.append(int(done.stdout))
    assert peaks[1] - peaks[0] < 25, peaks
