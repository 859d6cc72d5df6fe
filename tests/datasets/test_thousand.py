"""T46: of a folder of 1,000 with 50 bad items of 27 kinds, 950 are used, the 50 are listed with reasons; it trains."""

import json
import os
import socket

import pytest
from folders import archive, fill, png
from test_bad_folders import ITEMS, headed, saved

from miniclip.app import cli
from miniclip.datasets import dataset
from miniclip.datasets.dataset import read_dataset
from miniclip.datasets.layouts import read_layout

GOOD, SIDE = 950, 16
FORMAT = ITEMS["text"][1]
CONTENTS = {  # what stands under the name of a picture -> the reason
    "empty": (b"", "the file is empty"),
    "half": (png(1)[:120], "not a picture that can be read (image file is truncated)"),
    "text": ("hello", FORMAT), "html": ("<!DOCTYPE html>", FORMAT), "svg": ("<svg/>", FORMAT),
    "tiff": (saved("TIFF"), FORMAT), "eps": (saved("EPS"), FORMAT), "floats": (saved("TIFF", "F"), FORMAT),
    "bomb": (headed(10_000, 10_000), "10000 x 10000 pixels, expected at most 50 million: shrink it"),
    "vanishing": (png(1), "No such file or directory"),
}  # fmt: skip
TEXTS = {  # what stands as the text of a picture -> the reason
    "no caption": ("", "its caption is empty"), "spaces": (" \t", "its caption is empty"),
    "null": (None, "its caption is NoneType, expected text"),
    "object": ({"en": "x"}, "its caption is dict, expected text"),
}  # fmt: skip
OUTSIDE = {"../{}.png": "up", "/etc/{}.png": "absolute", "C:\\{}.png": "drive", "file:///{}.png": "address",
           "a{}\0.png": "NUL"}  # fmt: skip


@pytest.fixture(scope="module")
def thousand(tmp_path_factory):
    """(folder, item -> the beginning of its reason): two items of each of 23 kinds, one of each of four."""
    root, bad, rows, files = tmp_path_factory.mktemp("thousand"), {}, [], {}
    for i in range(GOOD):
        files[f"good/{i:03}.png"] = png(i, width=6, height=6)
        rows.append({"file_name": f"good/{i:03}.png", "text": f"thing {i % 90} of {i}"})
    for n in range(2):
        for kind, (content, reason) in CONTENTS.items():
            files[f"{kind}{n}.png"], bad[f"{kind}{n}.png"] = content, reason
            rows.append({"file_name": f"{kind}{n}.png", "text": "x"})
        for kind, (text, reason) in TEXTS.items():
            files[f"{kind}{n}.png"], bad[f"{kind}{n}.png"] = png(1), reason
            rows.append({"file_name": f"{kind}{n}.png", "text": text})
        for pattern in OUTSIDE:
            rows.append({"file_name": pattern.format(n), "text": "x"})
            bad[pattern.format(n)] = "outside the dataset folder"
        files[f"silent{n}.png"], bad[f"silent{n}.png"] = png(1), "a picture without a caption"
        rows.append({"file_name": f"missing{n}.png", "text": "x"})
        bad[f"missing{n}.png"] = "it is missing"
        os.mkfifo(root / f"pipe{n}.png")
        bad[f"pipe{n}.png"] = "it is a pipe, expected a file"
        os.symlink(__file__, root / f"out{n}.png")
        bad[f"out{n}.png"] = "a link to something outside the dataset folder"
    os.symlink("loop.png", root / "loop.png")
    os.symlink("..", root / "round")
    (root / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        here = os.open(root, os.O_RDONLY)  # the name of a socket must be short
        one.bind(f"/proc/self/fd/{here}/socket.png" if os.path.exists("/proc/self/fd") else str(root / "socket.png"))
        os.close(here)
    bad |= {"loop.png": "Too many levels of symbolic links", "round": "a link to a folder",
            "folder.png": "it is missing", "socket.png": "it is a socket, expected a file"}  # fmt: skip
    rows += [{"file_name": name, "text": "x"} for name in ("folder.png", "loop.png", "socket.png")]
    files["metadata.jsonl"] = "".join(json.dumps(row) + "\n" for row in rows)
    return fill(root, files), bad


@pytest.fixture
def vanishing(monkeypatch, thousand):
    """Two of the files are gone after they were listed, each time that they are."""
    root, _ = thousand

    def read(folder, links=False):
        fill(root, {f"vanishing{n}.png": png(1) for n in range(2)})
        listing = read_layout(folder, links)
        state = listing.state
        listing.state = lambda name: vanish(root / name, state(name))
        return listing

    monkeypatch.setattr(dataset, "read_layout", read)


def vanish(path, state):
    if path.name.startswith("vanishing"):
        path.unlink()
    return state


def test_950_of_a_thousand(thousand, vanishing, tmp_path, monkeypatch, capsys):
    root, bad = thousand
    assert len(bad) == 50
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    outputs = []
    for _ in range(2):  # decoded, and from the cache
        assert cli.main(["data", str(root), "--json", "--image-size", str(SIDE)]) == 0
        found = json.loads(capsys.readouterr().out)
        outputs.append(found)
    assert outputs[0] == outputs[1]
    assert (found["files"], found["pictures"], found["captions"]) == (GOOD, GOOD, GOOD)
    listed = {one["item"]: one["reason"] for one in found["left_out"]}
    assert list(listed) == sorted(bad)
    assert {name: listed[name][: len(reason)] for name, reason in bad.items()} == bad
    assert len(set(bad.values())) + len(OUTSIDE) >= 20
    assert cli.main(["data", str(root), "--image-size", str(SIDE)]) == 0
    out = capsys.readouterr().out
    assert out.count("left out  ") == 50
    assert all(line.isprintable() for line in out.splitlines())


def test_it_trains_and_the_order_is_the_same_in_every_run(thousand, vanishing, tmp_path, monkeypatch, capsys):
    root, _ = thousand
    logs = []
    for n in range(2):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / f"cache{n}"))
        words = ["train", "--data", str(root), "--out", str(tmp_path / f"run{n}"), "--steps", "2", "--batch-size", "32",
                 "--image-size", str(SIDE), "--json"]  # fmt: skip
        assert cli.main(words) == 0
        out, err = capsys.readouterr()
        assert "bomb" not in err  # Pillow's words, beside ours
        assert "50 of 1000 items cannot be used ('../0.png': outside the dataset folder; " in err
        logs.append({name: value for name, value in json.loads(out).items() if name not in ("run", "seconds")})
    assert logs[0] == logs[1]
    assert logs[0]["step"] == 2


@pytest.mark.filterwarnings("ignore:.* items cannot be used")
def test_the_order_does_not_depend_on_who_is_first(thousand, vanishing, tmp_path):
    """Nor on what is found in the cache, nor in which order a folder tells its files."""
    root, _ = thousand
    whole = read_dataset(root, SIDE, cache=tmp_path / "a")
    half = fill(tmp_path / "half", {"a": ""}) / "cache"
    lines = (root / "metadata.jsonl").read_text().splitlines(keepends=True)
    (root / "metadata.jsonl").write_text("".join(lines[::-1]))
    try:
        again = read_dataset(root, SIDE, cache=half)
        cached = read_dataset(root, SIDE, cache=half)
    finally:
        (root / "metadata.jsonl").write_text("".join(lines))
    for other in (again, cached):
        assert (other.names, other.captions, other.digest) == (whole.names, whole.captions, whole.digest)
        assert other.problems == whole.problems
        assert (other.images(range(GOOD)) == whole.images(range(GOOD))).all()


def test_texts_beside_that_are_not_utf_8(tmp_path):
    """In other layouts it is one picture's fault, and in a table the whole table's."""
    files = {"a.png": png(1), "a.txt": "caf\u00e9".encode("cp1252"), "b.png": png(2), "b.txt": "b\0", "c.png": png(3),
             "c.txt": "c"}  # fmt: skip
    listing = read_layout(fill(tmp_path / "texts", files))
    assert list(listing.pictures) == ["c.png"]
    assert "a.txt, line 1: not UTF-8 (byte 0xe9)" in listing.problems["a.png"]
    assert "b.txt, line 1: a NUL character" in listing.problems["b.png"]
    listing = read_layout(fill(tmp_path / "shards", {"one.tar": archive(files)}))
    assert list(listing.pictures) == ["one.tar/b.png", "one.tar/c.png"]
    assert listing.problems == {"one.tar/a.png": "its caption 'a.txt' is not UTF-8"}
