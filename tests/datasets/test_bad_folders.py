"""Folders that are wrong as a whole, and items that are: one line each, typed, the right exit code; no other is lost.

RELIABILITY 5.3 and, as far as a folder meets them, 5.4.
"""

import io
import json
import os
import socket
import struct
import zlib
from functools import partial

import numpy as np
import pytest
from folders import SIDE, beside, fill, noise, png
from PIL import Image

from miniclip.app import cli
from miniclip.datasets import dataset, tables, walk
from miniclip.datasets.dataset import read_dataset
from miniclip.datasets.layouts import read_layout
from miniclip.datasets.walk import find_files
from miniclip.errors import DataError, FileError, InputError

TWO = {"a.png": png(1), "b.png": png(2)}


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """(exit code, stdout, stderr) of a command; every line is printable, and none is endless."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def command(*words):
        code = cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        assert "bug of ours" not in err
        assert all(line.isprintable() and len(line) < 1000 for line in err.splitlines())
        return code, out, err

    return command


# Whole folders: files -> what is said; all are a DataError

WHOLE = {
    "no pictures": ({"a.txt": "x", "b.pdf": "x"}, "holds no pictures, expected some with captions or classes"),
    "nothing in it": ({}, "holds no pictures"),
    "nothing said": (TWO, "has pictures, but nothing says what is in them: expected a metadata.csv"),
    "one picture": (beside(1), "has 1 pictures that can be used, and 0 items that cannot, expected at least 2"),
    "one picture twice": ({"a.png": png(1), "b.png": png(1), "a.txt": "x", "b.txt": "y"}, "has 1 pictures"),
    "no picture that can be read": ({"a.png": "x", "a.txt": "x"}, "has 0 pictures that can be used, and 1 items"),
    "missing column": (TWO | {"metadata.csv": "file_name,caption\na.png,x\n"},
                       "has no column 'text', expected file_name, text: found 'file_name', 'caption'"),
    "an empty table": (TWO | {"metadata.csv": ""},
                       "has no column 'file_name', expected file_name, text: found nothing"),
    "cp1252": (TWO | {"metadata.csv": "file_name,text\na.png,x\nb.png,caf\u00e9\n".encode("cp1252")},
               "line 3: not UTF-8 (byte 0xe9); was it saved in another encoding, such as cp1252? save it as UTF-8"),
    "UTF-16": (TWO | {"metadata.csv": "file_name,text\na.png,x\n".encode("utf-16")}, "line 1: not UTF-8 (byte 0xff)"),
    "NUL": (TWO | {"metadata.csv": "file_name,text\na.png,x\nb.png,y\0y\n"}, "line 3: a NUL character, expected text"),
    "a quote without an end": (TWO | {"metadata.csv": 'file_name,text\na.png,"x\nb.png,y\n'}, "mend the line"),
    "letters after a quote": (TWO | {"metadata.csv": 'file_name,text\na.png,"x" y\n'}, "line 2: ',' expected after"),
    "an endless field": (TWO | {"metadata.csv": f"file_name,text\na.png,{'x' * 200_000}\n"},
                         "line 2: field larger than field limit"),
    "a bad line": (TWO | {"metadata.jsonl": '{"file_name": "a.png", "text": "x"}\n{"file_name":\n'},
                   "metadata.jsonl, line 2: Expecting value: line 1 column 14 (char 13): mend it"),
    "deep": (TWO | {"metadata.jsonl": '{"file_name": "a.png", "text": "x"}\n' + "[" * 10**5 + "\n"}, "line 2: "),
    "deep, and well-formed": (TWO | {"metadata.jsonl": "[" * 500 + "]" * 500}, "line 1: nested more than"),
    "NaN": (TWO | {"metadata.jsonl": '\n{"file_name": "a.png", "text": NaN}'}, "line 2: NaN is no number of JSON"),
    "a key twice": (TWO | {"metadata.jsonl": '{"text": "x", "file_name": "a.png", "text": "y"}'},
                    "line 1: the key 'text' stands twice"),
    "an endless number": (TWO | {"metadata.jsonl": f'{{"text": {"9" * 5000}}}'}, "line 1: "),
    "no object": (TWO | {"metadata.jsonl": '["a.png", "x"]'}, "line 1: list, expected an object such as {...}"),
    "no text": (TWO | {"metadata.jsonl": '{"file_name": "a.png", "label": 3}'},
                "row 1: no 'text', expected file_name and text: found 'file_name', 'label'"),
    "a COCO of another kind": (TWO | {"captions.json": '{"annotations": []}'}, "captions.json is not COCO's layout"),
    "a list for a COCO": (TWO | {"captions.json": "[]"}, "captions.json is not COCO's layout"),
    "an id that is a list": (TWO | {"captions.json": '{"images": [{"id": [], "file_name": "a"}], "annotations": []}'},
                             "captions.json is not COCO's layout"),
    "two images of one id": (
        TWO | {"captions.json": json.dumps({"images": [{"id": 1, "file_name": "a"}] * 2, "annotations": []})},
        "captions.json: two images have the same id: mend it"),
    "a COCO that is none": (TWO | {"captions.json": '{"images": '}, "captions.json: Expecting value"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:.* items cannot be used")
@pytest.mark.parametrize(("files", "said"), WHOLE.values(), ids=WHOLE)
def test_a_folder_that_is_wrong_as_a_whole(tmp_path, run, files, said):
    root = fill(tmp_path / "data", files)
    root.mkdir(exist_ok=True)
    code, out, err = run("data", root)
    assert (code, out) == (3, "")
    assert said in err.splitlines()[-1]
    assert "/data" in err.splitlines()[-1]
    with pytest.raises(DataError):
        read_dataset(root, SIDE, cache=tmp_path / "cache", max_bad=1.0)
    assert run("train", "--data", root, "--out", tmp_path / "run")[0] == 3
    assert not (tmp_path / "run").exists()


def test_no_folder(tmp_path, run, monkeypatch):
    file = fill(tmp_path, {"file": "x"}) / "file"
    os.symlink(tmp_path / "gone", tmp_path / "link")
    for path, said in ((tmp_path / "none", "is missing: expected a folder"), (file, "is not a folder: expected a"),
                       (tmp_path / "link", "is not a folder"), ("a\0b", "is missing")):  # fmt: skip
        code, out, err = run("data", path)
        assert (code, out) == (3, "")
        assert said in err
        with pytest.raises(DataError):
            find_files(path)
    with pytest.raises(InputError):
        find_files("")
    assert run("data", "")[0] == 2
    monkeypatch.setattr(os, "listdir", refuse)
    code, _, err = run("data", tmp_path)
    assert (code, "cannot be read (Permission denied)" in err) == (3, True)


def refuse(*_, **__):
    raise PermissionError(13, "Permission denied")


def test_fewer_than_a_batch(tmp_path, run):
    root = fill(tmp_path / "data", beside(10))
    code, _, err = run("train", "--data", root, "--out", tmp_path / "run", "--batch-size", 64)
    assert code == 3
    assert "has 9 pictures to train on and 1 held out, expected at least a batch of 64: lower --batch-size" in err


@pytest.mark.parametrize("words", [["--batch-size", 0], ["--batch-size", 1], ["--batch-size", -3], ["--image-size", 0]])
def test_sizes_that_make_no_sense(tmp_path, run, words):
    code, out, err = run("data", fill(tmp_path / "data", beside(3)), *words)
    assert (code, out) == (3, "")
    assert "expected" in err or "at least" in err


@pytest.mark.parametrize("share", ["-0.1", "1.1", "nan", "x", "", "inf"])
def test_a_share_that_is_none(run, share):
    code, _, err = run("data", ".", "--max-bad", share)
    assert code == 2
    assert "is no share, expected a number from 0 to 1" in err


# Too many bad items


def test_how_many_bad_items_are_too_many(tmp_path, run):
    """5 of 100 are not; 6 of 101 are, unless more are allowed; with --strict one is."""
    root = fill(tmp_path / "data", beside(95) | {f"bad{i}.png": "" for i in range(5)})
    train = partial(run, "train", "--data", root, "--batch-size", 4, "--steps", 1, "--image-size", 16)
    code, _, err = train("--out", tmp_path / "1")
    assert code == 0
    assert f"{root}: 5 of 100 items cannot be used ('bad0.png': a picture without a caption; 'bad1.png'" in err
    assert "; ...): they are left out; `miniclip data` lists all of them" in err
    code, _, err = train("--out", tmp_path / "2", "--strict")
    assert (code, "expected at most 0%" in err) == (3, True)
    fill(root, {"bad5.png": ""})
    code, _, err = train("--out", tmp_path / "3")
    assert (code, "6 of 101 items cannot be used" in err, "expected at most 5%" in err) == (3, True, True)
    assert not (tmp_path / "3").exists()
    assert train("--out", tmp_path / "4", "--max-bad", "0.06")[0] == 0
    code, out, _ = run("data", root)
    assert code == 0
    assert [line.split()[2] for line in out.splitlines() if line.startswith("left out")] == [
        f"'bad{i}.png':" for i in range(6)
    ]


# Names that lead elsewhere

ELSEWHERE = ["../../etc/passwd", "x/../../secret.png", "/etc/passwd", "C:\\secret.png", "c:secret.png", "..",
             "file:///etc/passwd", "\\\\host\\share\\x.png", "\\secret.png", "..\\secret.png", "http://host/x.png",
             "a.png\0.txt"]  # fmt: skip


@pytest.mark.parametrize("name", ELSEWHERE)
def test_names_that_lead_out_of_the_folder(tmp_path, name, monkeypatch):
    """They are refused by their looks: nothing there is opened, or looked at."""
    root = fill(tmp_path / "in" / "data", beside(4) | {"x/y": ""})
    fill(tmp_path, {"in/secret.png": png(9), "secret.png": png(9)})
    rows = [{"file_name": one, "text": "x"} for one in ("p000.png", "p001.png", name)]
    for files in ({"metadata.jsonl": "\n".join(map(json.dumps, rows))},
                  {"captions_1.json": json.dumps({
                      "images": [{"id": i, "file_name": row["file_name"]} for i, row in enumerate(rows)],
                      "annotations": [{"image_id": i, "caption": "x"} for i in range(3)]})},
                  {"captions.txt": "image,caption\n" + "".join(f'"{row["file_name"]}",x\n' for row in rows)},
                  {"l.tsv": "filepath\ttitle\n" + "".join(f"{row['file_name']}\tx\n" for row in rows)}):  # fmt: skip
        if "\0" in name and "metadata.jsonl" not in files:
            continue
        listing = read_layout(fill(root, files))
        assert list(listing.pictures) == ["p000.png", "p001.png"]
        assert listing.problems[name] == "outside the dataset folder"
        for one in files:
            (root / one).unlink()


def test_links(tmp_path, monkeypatch):
    """Those that lead out are followed only where asked for; those that lead nowhere, or round, never."""
    root = fill(tmp_path / "data", beside(3))
    fill(tmp_path, {"out/q.png": png(7), "out/q.txt": "out", "q.png": png(7), "q.txt": "out"})
    for name, target in {"q.png": "../q.png", "q.txt": "../q.txt", "inside.png": "p000.png", "inside.txt": "p000.txt",
                         "folder": "../out", "gone.png": "nowhere", "loop.png": "loop.png", "round": ".",
                         "zero.png": "/dev/zero", "folder2": "../out", "../out/self": "."}.items():  # fmt: skip
        os.symlink(target, root / name)
    asked = {"q.png": "a link to something outside the dataset folder: --links follows it",
             "q.txt": "a link to something outside the dataset folder: --links follows it",
             "folder": "a link to a folder: --links follows it", "round": "a link to a folder: --links follows it",
             "folder2": "a link to a folder: --links follows it",
             "zero.png": "a link to something outside the dataset folder: --links follows it",
             "gone.png": "No such file or directory", "loop.png": "Too many levels of symbolic links"}  # fmt: skip
    listing = read_layout(root)
    assert listing.problems == asked
    assert list(listing.pictures) == ["inside.png", "p000.png", "p001.png", "p002.png"]
    monkeypatch.setattr(os, "listdir", lambda path, real=os.listdir: sorted(real(path))[::-1])  # in any order
    listing = read_layout(root, links=True)
    assert {name: one.captions for name, one in listing.pictures.items()} == {
        "folder/q.png": ["out"], "q.png": ["out"], "inside.png": ["picture number 0"],
        **{f"p00{i}.png": [f"picture number {i}"] for i in range(3)},
    }  # fmt: skip
    assert listing.problems == {
        "gone.png": asked["gone.png"], "loop.png": asked["loop.png"], "round": "a folder that was here before",
        "folder2": "a folder that was here before", "folder/self": "a folder that was here before",
        "zero.png": "it is a device, expected a file",
    }  # fmt: skip


def test_links_on_the_command_line(tmp_path, run):
    root = fill(tmp_path / "data", beside(3))
    fill(tmp_path, {"out/q.png": png(7), "out/q.txt": "out"})
    os.symlink("../out", root / "folder")
    assert "files                   3\n" in run("data", root)[1]
    assert "files                   4\n" in run("data", root, "--links")[1]


# Bad items: what stands under x.png -> the reason. All others are used


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def headed(width: int, height: int) -> bytes:
    """A PNG that says it is of this size."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return png(1)[:8] + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")


def saved(kind: str, mode: str = "RGB", **how) -> bytes:
    file = io.BytesIO()
    Image.fromarray(noise(1)).convert(mode).save(file, kind, **how)
    return file.getvalue()


FORMAT = "not a picture that can be read (another format, or damaged): expected PNG, JPEG, WEBP, BMP or GIF"
ITEMS = {
    "empty": (b"", "the file is empty"),
    "text": ("hello", FORMAT),
    "HTML": ("<!DOCTYPE html><html>404</html>", FORMAT),
    "SVG": ('<svg xmlns="http://www.w3.org/2000/svg"/>', FORMAT),
    "EPS": (saved("EPS"), FORMAT), "PDF": (saved("PDF"), FORMAT), "TIFF": (saved("TIFF"), FORMAT),
    "floats": (saved("TIFF", "F"), FORMAT), "FITS": ("SIMPLE  =                    T".ljust(2880), FORMAT),
    "PSD": (b"8BPS\0\1" + bytes(40), FORMAT), "PPM": (saved("PPM"), FORMAT), "ICO": (saved("ICO"), FORMAT),
    "half a PNG": (png(1)[:150], "not a picture that can be read ("),
    "half a JPEG": (saved("JPEG")[:400], "not a picture that can be read ("),
    "only a header": (png(1)[:33], "not a picture that can be read ("),
    "too large": (headed(50_001, 1000), "50001 x 1000 pixels, expected at most 50 million: shrink it"),
    "far too large": (headed(2**31 - 1, 2**31 - 1), "not a picture that can be read ("),
    "bytes after bytes": (bytes(range(256)) * 4, FORMAT),
    "a bomb of text": (png(1)[:33] + chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(2**24))) + png(1)[33:],
                       "not a picture that can be read (Decompressed data too large"),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:Image size")  # Pillow's own, beside ours
@pytest.mark.parametrize(("content", "reason"), ITEMS.values(), ids=ITEMS)
def test_a_picture_that_is_none(tmp_path, content, reason):
    root = fill(tmp_path / "data", beside(40) | {"x.png": content, "x.txt": "bad"})
    with pytest.warns(UserWarning, match=r"1 of 41 items cannot be used \('x\.png': "):
        data = read_dataset(root, SIDE, cache=tmp_path / "cache")
    (problem,) = data.problems
    assert problem.name == "x.png"
    assert problem.reason.startswith(reason)
    assert str(tmp_path) not in problem.reason
    assert len(data) == 40
    with pytest.raises(DataError, match="1 of 41 items cannot be used"):
        read_dataset(root, SIDE, cache=tmp_path / "cache", strict=True)


def other_kinds(root):
    """What is no file -> the reason."""
    os.mkfifo(root / "pipe.png")
    (root / "folder.png").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(root / "socket.png"))
    return {"pipe.png": "it is a pipe, expected a file", "socket.png": "it is a socket, expected a file"}


def test_what_is_no_file_is_never_opened(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # a socket's name must be short
    root = fill(walk.Path("d"), beside(4))
    reasons = other_kinds(root)
    assert read_layout(root).problems == reasons
    lines = [json.dumps({"file_name": name, "text": "x"}) for name in (*reasons, "folder.png", "p000.png")]
    problems = read_layout(fill(root, {"metadata.jsonl": "\n".join(lines)})).problems
    assert problems.items() >= (reasons | {"folder.png": "it is missing"}).items()


def test_what_cannot_be_read_is_left_out(tmp_path, monkeypatch):
    """A file, a folder, a text: each is one problem, and the others are used."""
    root = fill(tmp_path / "data", beside(6) | {"sub/a.png": png(9)})
    real_open, real_list = open, os.listdir

    def guarded(path, *how, **more):
        return refuse() if str(path).endswith(("p001.png", "p002.txt")) else real_open(path, *how, **more)

    monkeypatch.setattr("builtins.open", guarded)
    monkeypatch.setattr(os, "listdir", lambda path: refuse() if str(path).endswith("sub") else real_list(path))
    with pytest.warns(UserWarning, match="3 of 7 items cannot be used"):
        data = read_dataset(root, SIDE, cache=tmp_path / "cache", max_bad=0.5)
    found = {one.name: one.reason for one in data.problems}
    assert found["sub"] == "Permission denied"
    assert "(Permission denied)" in found["p001.png"]
    assert "p002.txt cannot be read (Permission denied)" in found["p002.png"]
    assert data.files == 4


@pytest.mark.parametrize("table", ["metadata.csv", "captions.txt", "captions_1.json", "l.tsv"])
def test_a_table_that_cannot_be_read_is_an_error(tmp_path, monkeypatch, table, run):
    """To fall back on another layout would be to learn something else."""
    root, real = fill(tmp_path / "data", {table: "x", "a/1.png": png(1), "b/2.png": png(2)}), open
    monkeypatch.setattr("builtins.open", lambda path, *how, **more: refuse() if str(path).endswith(table)
                        else real(path, *how, **more))  # fmt: skip
    code, _, err = run("data", root)
    assert code == 3
    assert f"{table} cannot be read (Permission denied): mend it, or take it away" in err


def test_a_table_without_end(tmp_path, monkeypatch, run):
    monkeypatch.setattr(tables, "MAX_TABLE", 30)
    code, _, err = run("data", fill(tmp_path / "data", TWO | {"metadata.csv": "file_name,text\na.png,a\nb.png,b\n"}))
    assert code == 3
    assert "metadata.csv has 31 bytes, expected at most 30: split it" in err


def test_many_classes_are_not_cut_off_in_silence(tmp_path, run):
    code, out, _ = run("data", fill(tmp_path / "data", {f"c{n:02}/1.png": png(n) for n in range(23)}))
    assert code == 0
    assert "class                   'c19': 1\nclass                   and 3 others: --json lists all of them\n" in out


@pytest.mark.parametrize("ending", ["tif", "TIFF", "heic", "svg", "avif", "jxl"])
def test_pictures_that_are_not_opened_are_not_passed_over(tmp_path, ending):
    listing = read_layout(fill(tmp_path, beside(2) | {f"x.{ending}": png(3)}))
    assert listing.problems == {f"x.{ending}": "a picture without a caption"}


@pytest.mark.parametrize("ending", ["jpe", "JFIF", "jpeg", "webp", "bmp", "gif"])
def test_every_ending_of_what_is_opened(tmp_path, ending):
    data = read_dataset(fill(tmp_path / "data", beside(2) | {f"x.{ending}": png(3), "x.txt": "x"}), SIDE,
                        cache=tmp_path / "cache", strict=True)  # fmt: skip
    assert [f"x.{ending}"] in data.names


def test_the_same_picture_twice_is_told(tmp_path, run):
    files = beside(3) | {"twice\n.png": png(1), "twice\n.txt": "again"}
    code, out, _ = run("data", fill(tmp_path / "data", files))
    assert code == 0
    assert r"the same picture        'p001.png', 'twice\n.png'" in out
    assert "files                   4\npictures                3\n" in out


@pytest.mark.parametrize("when", ["before it is decoded", "while others are"])
def test_a_file_that_vanishes(tmp_path, monkeypatch, when):
    root = fill(tmp_path / "data", beside(30))

    def vanish(listing):
        (root / "p007.png").unlink()
        return listing

    if when == "before it is decoded":
        monkeypatch.setattr(dataset, "read_layout", lambda *some: vanish(read_layout(*some)))
    else:
        from miniclip.datasets import cache

        real = cache.decode_rest
        monkeypatch.setattr(cache, "decode_rest", lambda listing, *more: real(vanish(listing), *more))
    with pytest.warns(UserWarning, match=r"'p007\.png': .*No such file or directory"):
        data = read_dataset(root, SIDE, cache=tmp_path / "cache")
    assert data.files == 29


# Pictures that are odd, and used


def gif() -> bytes:
    file = io.BytesIO()
    frames = [Image.fromarray(noise(n)) for n in (1, 2)]
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


USED = {
    "another ending": (saved("JPEG"), None), "one pixel": (png(1, width=1, height=1), None),
    "a line": (png(1, width=5000, height=1), "a picture is over 10 times as long as wide: only its centre is seen"),
    "a column": (png(1, width=1, height=5000), "a picture is over 10 times as long as wide"),
    "animated": (gif(), "a picture is animated: only its first frame is seen"),
    "grey": (saved("PNG", "L"), None), "one bit": (saved("PNG", "1"), None), "a palette": (saved("PNG", "P"), None),
    "CMYK": (saved("JPEG", "CMYK"), None), "alpha": (saved("PNG", "RGBA"), None),
    "16 bits": (saved("PNG", "I;16"), None),
}  # fmt: skip


@pytest.mark.parametrize(("content", "note"), USED.values(), ids=USED)
def test_odd_pictures_are_used_and_told_of_once(tmp_path, run, content, note):
    others = {"y.png": content + b"\0", "y.txt": "y"} if note else {}
    code, out, err = run("data", fill(tmp_path / "data", beside(3) | {"x.png": content, "x.txt": "x"} | others))
    assert code == 0
    assert "left out" not in out
    assert f"files                   {4 + bool(note)}\n" in out
    notes = err.splitlines()
    assert len(notes) == bool(note)
    assert not note or notes[0].startswith(f"miniclip: note: {note}")


def test_a_picture_turned_is_the_same_picture(tmp_path):
    """EXIF orientations 1 to 8 of one picture: one picture, of eight files."""
    files, upright = {f"p{i}.txt": "x" for i in range(1, 9)} | beside(1), Image.fromarray(noise(1, 12, 12))
    turns = [None, Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
             Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_90, Image.Transpose.TRANSVERSE,
             Image.Transpose.ROTATE_270]  # fmt: skip
    for number, turn in enumerate(turns, 1):
        file, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = number
        (upright.transpose(turn) if turn is not None else upright).save(file, "PNG", exif=exif)
        files[f"p{number}.png"] = file.getvalue()
    data = read_dataset(fill(tmp_path / "data", files), SIDE, cache=tmp_path / "cache", strict=True)
    assert sorted(map(len, data.names)) == [1, 8]


def test_nothing_is_kept_where_nothing_may_be(tmp_path, run):
    root = fill(tmp_path / "data", beside(3))
    file = fill(tmp_path, {"file": "x"}) / "file"
    for place in (file, file / "below", "/proc/none"):
        code, out, err = run("data", root, "--cache", place)
        assert (code, out) == (4, "")
        assert "cannot keep decoded pictures (" in err
        assert "): name another --cache" in err
        with pytest.raises(FileError):
            read_dataset(root, SIDE, cache=walk.Path(place))
    assert np.array_equal(sorted(os.listdir(root)), sorted(beside(3)))
