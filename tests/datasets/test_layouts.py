"""Seven layouts, each as others write it: the same pictures and captions are the same dataset, whatever the layout."""

import json
import os
import random

import numpy as np
import pytest
from folders import CAPTIONS, LAYOUTS, SIDE, archive, fill, noise, png, table
from hypothesis import given
from hypothesis import strategies as st

from miniclip.app import cli
from miniclip.data.pictures import crop
from miniclip.datasets.dataset import read_dataset
from miniclip.datasets.layouts import read_layout
from miniclip.errors import DataError


@pytest.fixture(scope="module")
def read(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    return lambda root, **how: read_dataset(root, SIDE, cache=cache, **how)


def pixels_of(n: int) -> bytes:
    return np.ascontiguousarray(crop(noise(n), SIDE)).tobytes()


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_layout_is_recognised_and_read(tmp_path, read, name):
    layout, write = LAYOUTS[name]
    data = read(write(tmp_path), strict=True)
    assert data.layout == layout
    assert data.problems == []
    found = {data.images([m])[0].tobytes(): data.captions[m] for m in range(len(data))}
    assert found == {pixels_of(i): sorted(captions) for i, captions in enumerate(CAPTIONS)}
    assert data.labels == [[]] * len(CAPTIONS)


def test_the_same_content_is_the_same_dataset_in_every_layout(tmp_path, read):
    all_of_it = [read(write(tmp_path / name)) for name, (_, write) in LAYOUTS.items()]
    assert len({data.digest for data in all_of_it}) == 1
    assert len({json.dumps([data.digests, data.captions]) for data in all_of_it}) == 1
    for share in (0.2, 0.5):
        assert len({tuple(data.split(share)[1].digests) for data in all_of_it}) == 1
    other = read(fill(tmp_path / "other", {"metadata.csv": "file_name,text\na.png,a dog\nb.png,a god\n",
                                           "a.png": png(0), "b.png": png(1)}))  # fmt: skip
    assert other.digest != all_of_it[0].digest


def test_classes(tmp_path, read):
    """The innermost folder names the class, whatever split it is in; templates make captions of it."""
    files = {"train/red_fox/1.png": png(1), "train/crow/2.png": png(2), "test/red_fox/3.png": png(3),
             "test/crow/4.JPEG": png(4), "other/deep/crow/1.png": png(5)}  # fmt: skip
    data = read(fill(tmp_path, files), templates=("a photo of a {}.", "{}"), strict=True)
    assert data.layout == "classes"
    assert data.class_names == ["crow", "red fox"]
    said = {data.names[m][0]: (data.labels[m], data.captions[m]) for m in range(5)}
    assert said["test/red_fox/3.png"] == (["red fox"], ["a photo of a red fox.", "red fox"])
    assert said["other/deep/crow/1.png"] == (["crow"], ["a photo of a crow.", "crow"])


def test_a_class_that_is_called_like_a_split(tmp_path, read):
    data = read(fill(tmp_path, {"train/1.png": png(1), "bus/2.png": png(2)}), strict=True)
    assert data.class_names == ["bus", "train"]


def test_classes_of_webdataset(tmp_path, read):
    shard = {"a.png": png(1), "a.cls": "3\n", "b.png": png(2), "b.cls": "fox", "c.png": png(3), "c.txt": "a bird"}
    data = read(fill(tmp_path, {"one.tar": archive(shard)}), templates=("a {}",), strict=True)
    said = {data.names[m][0]: (data.labels[m], data.captions[m]) for m in range(3)}
    assert said == {"one.tar/a.png": (["3"], ["a 3"]), "one.tar/b.png": (["fox"], ["a fox"]),
                    "one.tar/c.png": ([], ["a bird"])}  # fmt: skip


# What looks like classes and is none: to train on the names of folders in silence would be worse than to ask

NO_CLASSES = {
    "pictures in one folder": {"images/1.png": png(1), "images/2.png": png(2)},
    "splits": {"train/1.png": png(1), "Test/2.png": png(2), "validation/3.png": png(3)},
    "COCO's splits": {"train2017/1.png": png(1), "val2017/2.png": png(2), "annotations/instances_val2017.json": "{}"},
    "a class and the folder above it": {"cats/1.png": png(1), "2.png": png(2)},
    "in no folder": {"1.png": png(1), "2.png": png(2)},
}


@pytest.mark.parametrize("files", NO_CLASSES.values(), ids=NO_CLASSES)
def test_no_classes(tmp_path, files):
    with pytest.raises(DataError, match=r"nothing says what is in them: expected .*folders for two classes or more"):
        read_layout(fill(tmp_path, files))


def test_a_table_with_other_columns_is_not_passed_over(tmp_path, read):
    captions = {"captions.csv": "image_name,comment\n1.png,a cat\n"}
    with pytest.raises(DataError, match=r"; 'captions\.csv' is none of these"):
        read_layout(fill(tmp_path / "a", {"images/1.png": png(1)} | captions))
    listing = read_layout(fill(tmp_path / "b", {"images/1.png": png(1), "masks/1.png": png(2)} | captions))
    assert "a table of another kind" in listing.problems["captions.csv"]


# Oddities of each layout: files -> what is said of which picture, what is left out

ODD = {
    "captions of a picture in several rows, one of them empty": (
        {"metadata.csv": "file_name,text\na.png,one\na.png,\na.png,two\n"}, {"a.png": ["one", "two"]}, {}),
    "an empty one first": ({"metadata.csv": "file_name,text\na.png,  \na.png,two\n"}, {"a.png": ["two"]}, {}),
    "only an empty one": ({"metadata.csv": "file_name,text\na.png,\n"}, {}, {"a.png": "its caption is empty"}),
    "an empty text": ({"a.txt": "\n \n", "b.png": png(2), "b.txt": "b"}, {"b.png": ["b"]},
                      {"a.png": "its caption is empty"}),
    "rows that are too short": ({"metadata.csv": "file_name,text\na.png\n"}, {}, {"a.png": "its caption is empty"}),
    "a list of captions": ({"metadata.jsonl": '{"file_name": "a.png", "text": ["x", "", "y"]}'},
                           {"a.png": ["x", "y"]}, {}),
    "no text": ({"metadata.jsonl": '{"file_name": "a.png", "text": 7}'}, {},
                {"a.png": "its caption is int, expected text"}),
    "null among texts": ({"metadata.jsonl": '{"file_name": "a.png", "text": ["x", null]}'}, {},
                         {"a.png": "its caption is NoneType, expected text"}),
    "no name": ({"metadata.jsonl": '{"file_name": 7, "text": "x"}\n{"file_name": " ", "text": "x"}'}, {},
                {"7": "the file name is 7, expected one", " ": "the file name is ' ', expected one",
                 "a.png": "a picture without a caption"}),
    "metadata in a folder, pictures above it": (
        {"sub/metadata.csv": "file_name,text\na.png,x\nb.png,y\n", "sub/b.png": png(2)}, {"sub/b.png": ["y"]},
        {"sub/a.png": "it is missing", "a.png": "a picture without a caption"}),
    "./ and Windows's separator": (
        {"metadata.csv": "file_name,text\n./a.png,x\nsub\\b.png,y\n", "sub/b.png": png(2)},
        {"a.png": ["x"], "sub/b.png": ["y"]}, {}),
    "a name with a backslash": ({"metadata.csv": "file_name,text\nb\\c.png,y\n", "b\\c.png": png(2)},
                                {"b\\c.png": ["y"]}, {"a.png": "a picture without a caption"}),
    "BOM, CRLF, a comma, quotes, a line feed, another column": (
        {"metadata.csv": '\ufeffid,file_name,text\r\n1,a.png,"a, ""b""\r\nc"\r\n'}, {"a.png": ['a, "b"\r\nc']}, {}),
    "lines of Flickr8k that say nothing, and names with #": (
        {"x.token.txt": "a.png#0\tone\r\n\r\n\na.png#1\ttwo\nb#2.png#0\tb\nc.png\tc\n", "b#2.png": png(2),
         "c.png": png(3)}, {"a.png": ["one", "two"], "b#2.png": ["b"], "c.png": ["c"]}, {}),
    "characters at which Python splits lines": (
        {"x.token.txt": "a.png#0\tone\u2028two\x85three\x0cfour\n"}, {"a.png": ["one\u2028two\x85three\x0cfour"]}, {}),
    "the same in a text": ({"a.txt": "one\u2028two\x1cthree\nfour"}, {"a.png": ["one\u2028two\x1cthree", "four"]}, {}),
    "COCO, a name in two folders": (
        {"captions_a.json": json.dumps({"images": [{"id": 1, "file_name": "b.png"}],
                                        "annotations": [{"image_id": 1, "caption": "b"}]}),
         "x/b.png": png(2), "y/b.png": png(3)}, {},
        {"b.png": "it may be 'x/b.png' or 'y/b.png'", "x/b.png": "a picture without a caption",
         "y/b.png": "a picture without a caption", "a.png": "a picture without a caption"}),
    "COCO, no such image": (
        {"captions_a.json": json.dumps({"images": [{"id": 1, "file_name": "a.png"}],
                                        "annotations": [{"image_id": 1, "caption": "a"},
                                                        {"image_id": 2, "caption": "b"}]})}, {"a.png": ["a"]},
        {"captions_a.json, image 2": "a caption without a picture"}),
    "COCO, Windows's separator": (
        {"captions_a.json": json.dumps({"images": [{"id": 1, "file_name": "x\\b.png"}],
                                        "annotations": [{"image_id": 1, "caption": "b"}]}),
         "x/b.png": png(2), "y/b.png": png(3)}, {"x/b.png": ["b"]},
        {"y/b.png": "a picture without a caption", "a.png": "a picture without a caption"}),
    "captions.txt in a folder of texts": (
        {"a.txt": "a", "captions.txt": "hello\n"}, {"a.png": ["a"]}, {"captions.txt": "a caption without a picture"}),
    "texts elsewhere": ({"a.txt": "a", "docs/LICENSE.txt": "free"}, {"a.png": ["a"]}, {}),
    "endings in capitals": ({"B.PNG": png(2), "B.TXT": "b", "a.Txt": "a"}, {"a.png": ["a"], "B.PNG": ["b"]}, {}),
    "a table in capitals": ({"METADATA.CSV": "file_name,text\na.png,a\n"}, {"a.png": ["a"]}, {}),
    "another": ({"Captions.TXT": "image,caption\na.png,a\n"}, {"a.png": ["a"]}, {}),
    "two pictures of one name": ({"a.txt": "a", "a.webp": png(2)}, {"a.png": ["a"], "a.webp": ["a"]}, {}),
    "hidden files": ({"a.txt": "a", ".b.png": b"", ".git/c.png": b"", "Thumbs.db": b"", ".DS_Store": b""},
                     {"a.png": ["a"]}, {}),
}  # fmt: skip


@pytest.mark.parametrize(("files", "said", "left_out"), ODD.values(), ids=ODD)
def test_oddities(tmp_path, files, said, left_out):
    listing = read_layout(fill(tmp_path, {"a.png": png(1)} | files))
    assert {name: one.captions for name, one in listing.pictures.items()} == said
    assert listing.problems == left_out


# Names


NAMES = ["line\nfeed", "\x1b[31mred\x07", "🐈", "-rf", "x" * 251, "a b", "ä" * 125, "a'b\"c", "$(x)", "%s{}",
         "\udcff\udc80", "comma,name", "tab\tname"]  # fmt: skip


def named_files():
    return {f"{name}.png": png(n) for n, name in enumerate(NAMES)}


def test_any_name_works_in_any_layout(tmp_path, read, capsys):
    rows = [{"file_name": name, "text": "x"} for name in named_files()]
    lines = "\n".join(map(json.dumps, rows))
    for layout, files in (("metadata", {"metadata.jsonl": lines}), ("shards", None),
                          ("texts", {f"{name}.txt": "x" for name in NAMES})):  # fmt: skip
        root = tmp_path / layout
        if files is None:
            fill(root, {"one.tar": archive({name: data for n, name in enumerate(NAMES) for name, data in
                                            ((f"{name}.png", png(n)), (f"{name}.txt", "x"))})})  # fmt: skip
        else:
            fill(root, named_files() | files)
        for _ in range(2):  # decoded, and found in the cache
            data = read(root, strict=True)
            assert data.layout == layout
            assert sorted(name.removeprefix("one.tar/") for names in data.names for name in names) == sorted(
                named_files()
            )
            for m, (name,) in enumerate(data.names):
                n = NAMES.index(name.removeprefix("one.tar/")[:-4])
                assert data.images([m])[0].tobytes() == pixels_of(n)


def test_any_name_is_printed(tmp_path, capsys, monkeypatch):
    """Escaped for the terminal, as it is in JSON."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = fill(tmp_path / "data", {"metadata.jsonl": '{"file_name": "ok1.png", "text": "x"}\n'
                                    '{"file_name": "ok2.png", "text": "x"}', "ok1.png": png(98), "ok2.png": png(99)}
                | named_files())  # fmt: skip
    assert cli.main(["data", str(root)]) == 0
    out, err = capsys.readouterr()
    assert all(line.isprintable() for text in (out, err) for line in text.splitlines())
    assert out.count("left out") == len(NAMES)
    assert r"'\x1b[31mred\x07.png': a picture without a caption" in out
    assert r"'\udcff\udc80.png'" in out
    assert cli.main(["data", str(root), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert sorted(one["item"] for one in found["left_out"]) == sorted(named_files())


def test_a_reason_is_printed_without_control_characters(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    root = fill(tmp_path / "data", {
        "captions.txt": "image,caption\n\x1b[31m.png,x\n1.png,x\n2.png,x\n", "1.png": png(1), "2.png": png(2),
        "a\n/\x1b[31m.png": png(3), "b/\x1b[31m.png": png(4),
    })  # fmt: skip
    assert cli.main(["data", str(root)]) == 0
    out, err = capsys.readouterr()
    assert all(line.isprintable() for text in (out, err) for line in text.splitlines())
    assert r"it may be 'a\n/\x1b[31m.png' or 'b/\x1b[31m.png'" in out


# The split


@pytest.fixture(scope="module")
def twelve(tmp_path_factory):
    """A folder with twelve pictures, some of which are the same: (contents, captions)."""
    contents = [png(n) for n in (0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 0)]
    return contents, [f"caption {n % 5}" for n in range(12)]


@pytest.fixture(scope="module")
def usual(tmp_path_factory, twelve, read):
    """Them in the order of their numbers, in another layout."""
    contents, captions = twelve
    files = {f"{n}.png": content for n, content in enumerate(contents)}
    files |= {f"{n}.txt": caption for n, caption in enumerate(captions)}
    return read(fill(tmp_path_factory.mktemp("usual"), files))


@given(data=st.data())
def test_neither_names_nor_rows_change_the_split(tmp_path_factory, twelve, usual, read, data):
    contents, captions = twelve
    names = data.draw(st.lists(st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True), min_size=12, max_size=12, unique=True))
    order = data.draw(st.permutations(range(12)))
    share = data.draw(st.floats(0, 0.9))
    rows = [("file_name", "text"), *((f"{names[n]}.png", captions[n]) for n in order)]
    root = tmp_path_factory.mktemp("split")
    found = read(fill(root, {"metadata.csv": table(rows)} | {f"{names[n]}.png": contents[n] for n in range(12)}))
    assert (found.digest, found.digests, found.captions) == (usual.digest, usual.digests, usual.captions)
    assert len(found) == 8
    assert found.files == 12
    training, held_out = found.split(share)
    assert held_out.digests == usual.split(share)[1].digests
    assert len(held_out) == round(8 * share)
    assert sorted(training.digests + held_out.digests) == sorted(found.digests)
    assert not set(training.digests) & set(held_out.digests)
    assert training.names + held_out.names == [found.names[found.digests.index(one)] for one in
                                               training.digests + held_out.digests]  # fmt: skip


def test_equal_pictures_are_one_with_all_that_is_said(tmp_path, read):
    """Also where their files differ: what is learned from is pixels."""
    files = {"a.png": png(1), "b.bmp": png(1, "BMP"), "c.png": png(2)}
    files |= {"a.txt": "one\none", "b.txt": "two\none", "c.txt": "x"}
    data = read(fill(tmp_path, files), strict=True)
    said = dict(zip(map(tuple, data.names), data.captions, strict=True))
    assert said == {("a.png", "b.bmp"): ["one", "two"], ("c.png",): ["x"]}
    assert data.files == 3


def test_the_split_is_by_pictures_not_by_names(read, tmp_path):
    """One of a kind added: all others stay on their sides, but for one."""
    files = {f"{n}.png": png(n) for n in range(40)} | {f"{n}.txt": "x" for n in range(40)}
    before = set(read(fill(tmp_path / "a", files)).split(0.25)[1].digests)
    after = set(read(fill(tmp_path / "a", {"new.png": png(99), "new.txt": "x"})).split(0.25)[1].digests)
    assert len(before) == len(after) == 10
    assert len(before & after) >= 9


@pytest.mark.parametrize("n", [20_000, pytest.param(10**6, marks=pytest.mark.nightly)])
def test_many_rows(tmp_path, n):
    """Each row costs microseconds: n / 10 pictures, ten captions each."""
    (tmp_path / "metadata.csv").write_text(
        "file_name,text\n" + "".join(f"{i % (n // 10)}.png,caption {i}\n" for i in random.Random(0).sample(range(n), n))
    )
    for i in range(5):
        os.link(fill(tmp_path, {"0.png": png(0)}) / "0.png", tmp_path / f"{i + 1}.png")
    listing = read_layout(tmp_path)
    assert sorted(listing.pictures) == [f"{i}.png" for i in range(6)]
    assert all(len(one.captions) == 10 for one in listing.pictures.values())
    assert len(listing.problems) == n // 10 - 6
