"""miniclip index and miniclip search: an index opens its own run, and every refusal is one line."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from test_folder import PICTURES, here, name_of, put, runs, small_parts  # noqa: F401

import miniclip
from miniclip.app import cli
from miniclip.data.drawing import draw_scenes
from miniclip.data.world import sample_scenes
from miniclip.search.index import Index


@pytest.fixture
def room(here, runs, monkeypatch):  # noqa: F811
    """The folder of pictures, two runs beside it, and sentences; we are in it."""
    monkeypatch.chdir(here)
    shutil.copytree(runs / "0", here / "run")
    shutil.copytree(runs / "1", here / "other")
    (here / "words.txt").write_text("a red circle\na blue star\n", "utf-8")
    return here


def run(capsys, *words):
    """(exit code, result or stdout, stderr without notes)."""
    code = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert "bug of ours" not in err
    err = "".join(line for line in err.splitlines(True) if not line.startswith("miniclip: note: "))
    return code, json.loads(out) if out.startswith("{") else out, err


def index(capsys, *more, code=0):
    found = run(capsys, "index", "run", "photos", "-o", "index", "--json", *more)
    assert found[0] == code, found
    return found[1]


KEYS = {"index", "pictures", "captions", "new", "changed", "unchanged", "gone", "unreadable", "kind", "seconds"}


def test_index_and_search(room, capsys):
    found = index(capsys, "--captions", "words.txt")
    assert found.keys() == KEYS
    assert (found["index"], found["new"], found["captions"], found["kind"]) == ("index", 40, 2, "exact")
    picture = room / "photos" / name_of(1)
    code, result, err = run(capsys, "search", "index", "a red circle", "--json", "--k", 3)
    assert (code, err, result.keys()) == (0, "", {"query", "ids", "scores", "right", "picture"})
    assert len(result["ids"]) == len(result["scores"]) == 3
    assert all(Path(name).is_file() and Path(name).is_relative_to(room / "photos") for name in result["ids"])
    with Image.open(result["picture"]) as sheet:
        assert sheet.size[0] > 1000
    code, result, _ = run(capsys, "search", "index", "--image", picture, "--json")
    assert (code, result["query"], result["images"]) == (0, "", [str(picture)])
    assert (result["ids"][0], result["scores"][0]) == (str(picture), 1.0)
    for words in (["a red circle", "--image", picture], ["--image", picture, "a red circle"],
                  ['"a red circle"', "--image", picture, "--image", picture]):  # fmt: skip
        code, result, _ = run(capsys, "search", "index", *words, "--json", "--k", 40)
        assert code == 0
        assert result["query"].strip('"') == "a red circle"
        assert len(result["ids"]) == 40
    code, text, _ = run(capsys, "search", "index", "a red circle", "--among", "captions")
    assert (code, text.splitlines()[0]) == (0, " 1.0000  a red circle")
    assert "picture" not in text
    code, result, _ = run(capsys, "search", "index", "--image", picture, "--among", "captions", "--json")
    assert (code, set(result["ids"])) == (0, {"a red circle", "a blue star"})
    with Image.open(result["picture"]) as sheet:
        assert sheet.size[0] > 1000


def test_the_index_is_the_same_as_searching_the_files(room, capsys):
    index(capsys)
    names = sorted(map(str, (room / "photos").rglob("*.png")))
    for words in (["a red circle"], ['"red" + "circle" - "sketch"'], ["", "--image", names[3]]):
        found = [run(capsys, "search", place, words[0], *files, *words[1:], "--json", "--k", 40)[1]
                 for place, files in (("index", []), ("run", names))]  # fmt: skip
        assert found[0]["ids"] == found[1]["ids"]
        np.testing.assert_allclose(found[0]["scores"], found[1]["scores"], atol=2e-4)


def test_searching_by_a_picture_of_the_world_s_needs_no_files(room, capsys):
    code, result, _ = run(capsys, "search", "default", "--image", "example", "--json")
    assert (code, len(result["ids"]), result["right"]) == (0, 8, None)
    code, result, _ = run(capsys, "search", "default", '"red" + "circle"', "--json")
    assert (code, result["right"]) == (0, None)


def test_text_output_counts(room, capsys):
    (room / "photos" / "bad.png").write_bytes(b"none")
    code, text, err = run(capsys, "index", "run", "photos", "-o", "index")
    assert code == 3
    assert err == (
        "miniclip: 'bad.png': is not a picture that can be read (another format, or damaged): expected PNG, "
        "JPEG, WEBP, BMP or GIF\n"
    )
    rows = dict(line.split() for line in text.splitlines())
    assert rows.keys() == KEYS
    assert (rows["new"], rows["unreadable"], rows["gone"]) == ("40", "1", "0")


def test_an_index_opens_its_run_wherever_we_are(room, capsys, monkeypatch, tmp_path):
    index(capsys)
    (room / "elsewhere").mkdir()
    monkeypatch.chdir(room / "elsewhere")
    assert run(capsys, "search", "../index", "a star", "--json")[0] == 0
    (room / "run").rename(room / "moved")
    code, out, err = run(capsys, "search", "../index", "a star")
    assert (code, out) == (4, "")
    assert "cannot be opened" in err
    assert "say --run" in err
    assert run(capsys, "search", "../index", "a star", "--run", "../moved")[0] == 0
    code, _, err = run(capsys, "search", "../index", "a star", "--run", "../other")
    assert (code, "was made with model" in err) == (4, True)
    (room / "other").rename(room / "run")  # another run where it was
    code, _, err = run(capsys, "search", "../index", "a star")
    assert (code, "was made with model" in err) == (4, True)


def test_runs_in_the_package_are_kept_by_name(room, capsys):
    assert run(capsys, "index", "default", "photos", "-o", "index")[0] == 0
    assert json.loads((room / "index" / "index.json").read_text())["run"] == "default"
    assert run(capsys, "search", "index", "a star")[0] == 0


def test_an_index_from_python_is_searched_too(room, capsys):
    clip = miniclip.load(room / "run")
    Index(clip.encode_text(["a star", "a ring"]), ["a star", "a ring"], clip.digest).save(room / "index")
    code, _, err = run(capsys, "search", "index", "a star")
    assert (code, "name it with --run" in err) == (4, True)
    code, result, _ = run(capsys, "search", "index", "a star", "--run", "run", "--json")
    assert (code, result["ids"], result["picture"]) == (0, ["a star", "a ring"], None)


def test_pictures_that_have_gone_since_are_told(room, capsys):
    index(capsys)
    _, before, _ = run(capsys, "search", "index", "a star", "--json")
    Path(before["ids"][1]).unlink()
    code, result, err = run(capsys, "search", "index", "a star", "--json")
    assert (code, result["ids"], err.count("\n")) == (3, before["ids"], 1)
    assert [one["image"] for one in result["unreadable"]] == [before["ids"][1]]
    shutil.rmtree(room / "photos")
    code, result, err = run(capsys, "search", "index", "a star", "--json")
    assert (code, result["picture"], len(result["ids"])) == (3, None, 8)  # what was found is said all the same
    assert err.count("\n") == 8


def untouched(room):
    pass


def without_manifest(room):
    (room / "index" / "manifest.json").unlink()


def damaged(room):
    path = next((room / "index").glob("part-*.npy"))
    path.write_bytes(path.read_bytes()[:-1])


REFUSED = [
    (untouched, ["search", "index", "a star", "photos/p01.png"], 3, "is an index, which has its pictures"),
    (untouched, ["search", "index", "a star", "--rerank", "run"], 3, "is an index, which has its pictures"),
    (untouched, ["search", "index", "a star", "--among", "captions"], 4, "holds pictures, expected captions"),
    (untouched, ["search", "index", ""], 3, "has no words"),
    (untouched, ["search", "index"], 3, "has no words"),
    (untouched, ["search", "index", "a star", "--k", "0"], 3, "k is 0"),
    (untouched, ["search", "index", "a star", "--image", "words.txt"], 3, "is not a picture"),
    (untouched, ["search", "index", '"a star" + ring'], 3, "cannot be read at"),
    (untouched, ["search", "index", '"a star" - "a star"'], 3, "adds up to nothing"),
    (untouched, ["eval", "index"], 4, "holds no model"),
    (untouched, ["index", "other", "photos", "-o", "index"], 4, "was made with model"),
    (untouched, ["index", "run", "run", "-o", "index"], 3, "holds no pictures"),
    (untouched, ["index", "run", "photos", "-o", "run"], 4, "is no index (it holds"),
    (untouched, ["index", "run", "photos", "-o", "words.txt"], 4, "words.txt"),
    (untouched, ["index", "index", "photos", "-o", "new"], 4, "holds no model"),
    (untouched, ["index", "index", "--export", "photos"], 4, "exists already"),
    (untouched, ["index", "run", "--export", "new"], 4, "no index that can be opened"),
    (damaged, ["search", "index", "a star"], 4, "is damaged"),
    (damaged, ["index", "run", "photos", "-o", "index"], 4, "is damaged"),
    (damaged, ["index", "index", "--export", "new"], 4, "is damaged"),
    (without_manifest, ["search", "index", "a star"], 4, "manifest.json is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("before", "words", "code", "said"), REFUSED, ids=range(len(REFUSED)))
def test_refusals_are_one_line(room, capsys, before, words, code, said):
    index(capsys)
    before(room)
    there = sorted(path.relative_to(room) for path in room.rglob("*"))
    found = run(capsys, *words)
    assert found[:2] == (code, "")
    assert said in found[2]
    assert len(found[2].splitlines()) == 1
    assert sorted(path.relative_to(room) for path in room.rglob("*")) == there


def test_stopped_by_a_signal(room):
    """As a user does it: exit code 130, what was embedded is saved, and the same command ends it."""
    code = """
import os, signal, sys
from miniclip.app import cli
from miniclip.search import gallery
gallery.PART, gallery.BATCH = 8, 4
real, n = gallery.Gallery.add, [0]
def add(self, rows):
    real(self, rows)
    n[0] += 1
    if n[0] == 3:
        os.kill(os.getpid(), signal.SIGINT)
gallery.Gallery.add = add
sys.exit(cli.main(["index", "run", "photos", "-o", "index"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=room)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr.splitlines()[-1].startswith("miniclip: stopped after 12 of 40, saved in index: give the same")
    assert len(Index.load(room / "index").ids) == 12


# Export


def test_export_writes_what_other_engines_read(room, capsys):
    index(capsys, "--captions", "words.txt")
    code, result, _ = run(capsys, "index", "index", "--export", "out", "--json")
    assert (code, result.keys()) == (0, {"index", "out", "vectors", "bytes"})
    vectors = np.load(room / "out" / "vectors.npy", allow_pickle=False)
    items = [json.loads(line) for line in (room / "out" / "items.jsonl").read_text().splitlines()]
    about = json.loads((room / "out" / "about.json").read_text())
    assert vectors.shape == (42, 16) == (about["vectors"], about["width"])
    assert vectors.dtype == np.float32
    assert about["model"] == miniclip.load("run").digest
    assert [item["id"] for item in items] == list(range(42))
    pictures, captions = Index.load("index"), Index.load("index", gallery="captions")
    assert [item.get("path") for item in items[:40]] == [str(room / "photos" / name) for name in pictures.ids]
    assert items[40:] == [{"id": 40 + n, "kind": "caption", "text": text} for n, text in enumerate(captions.ids)]
    assert {len(item["sha256"]) for item in items[:40]} == {64}
    np.testing.assert_array_equal(vectors, np.concatenate([pictures.embeddings, captions.embeddings]))
    assert result["bytes"] == sum(
        (room / "out" / name).stat().st_size for name in ("vectors.npy", "items.jsonl", "about.json")
    )


@pytest.mark.nightly
def test_another_engine_reads_it_and_finds_the_same(room, capsys):
    """Qdrant, in this process: 45 MB with what it needs, so only where somebody has installed it."""
    qdrant = pytest.importorskip("qdrant_client", reason="qdrant is not installed: pip install qdrant-client")
    index(capsys, "--captions", "words.txt")
    run(capsys, "index", "index", "--export", "out")
    vectors = np.load(room / "out" / "vectors.npy", allow_pickle=False)
    items = [json.loads(line) for line in (room / "out" / "items.jsonl").read_text().splitlines()]
    client = qdrant.QdrantClient(":memory:")
    models = qdrant.models
    client.create_collection("index", models.VectorParams(size=vectors.shape[1], distance=models.Distance.COSINE))
    client.upload_collection("index", vectors=vectors, payload=items, ids=[item["id"] for item in items])
    assert client.count("index").count == 42
    query = miniclip.load("run").encode_text("a red circle")[0]
    is_picture = models.Filter(must=[models.FieldCondition(key="kind", match=models.MatchValue(value="picture"))])
    found = client.query_points("index", query=query.tolist(), query_filter=is_picture, limit=40).points
    _, result, _ = run(capsys, "search", "index", "a red circle", "--json", "--k", 40)
    assert [point.payload["path"] for point in found] == result["ids"]
    np.testing.assert_allclose([point.score for point in found], result["scores"], atol=1e-3)


def test_an_index_from_python_is_exported_too(room, capsys):
    Index(np.eye(3), ["a", "b", "c"], "d1").save("index")
    assert run(capsys, "index", "index", "--export", "out")[0] == 0
    items = [json.loads(line) for line in (room / "out" / "items.jsonl").read_text().splitlines()]
    assert items == [{"id": n, "kind": "item", "text": text} for n, text in enumerate("abc")]


def test_odd_names_are_names(room, capsys):
    """Spaces, signs of other scripts, line breaks, leading dashes, and bytes that are no UTF-8."""
    for n, name in enumerate(
        ("a b.png", "häß 犬.png", "-dash.png", "new\nline.png", "x" * 240 + ".png", "quote'\".png")
    ):
        put(room, name, n + 41)
    (room / "photos" / name_of(1)).rename(room / "photos" / os.fsdecode(b"caf\xe9.png"))
    assert index(capsys)["new"] == 46
    code, result, _ = run(capsys, "search", "index", "a star", "--json", "--k", 46)
    assert (code, len(result["ids"])) == (0, 46)
    code, text, _ = run(capsys, "search", "index", "a star", "--k", 46)
    assert (code, len(text.splitlines())) == (0, 46 + 1)
    assert run(capsys, "index", "index", "--export", "out")[0] == 0


def test_a_thousand_drawings_are_found_by_what_they_show(tmp_path, monkeypatch, capsys):
    """The model in the package, an index of its own drawings: the first hits are right."""
    monkeypatch.chdir(tmp_path)
    scenes = sample_scenes(0, "A", np.arange(400))
    (tmp_path / "photos").mkdir()
    for n, pixels in enumerate((draw_scenes(scenes) * 255).astype(np.uint8)):
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{n:04}.png")
    assert run(capsys, "index", "default", "photos", "-o", "index", "--kind", "hnsw")[0] == 0
    _, result, _ = run(capsys, "search", "index", "a red circle", "--json", "--k", 3)
    for name in result["ids"]:
        n = int(Path(name).stem)
        assert (scenes.colour[n, 0], scenes.shape[n, 0]) == (0, 0)


assert len(PICTURES) == 64  # of test_folder, which these tests draw on
