"""The command line: results on stdout, one clear line on stderr, the exit codes of its first page."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from miniclip import cli
from miniclip.checkpoint import load
from miniclip.data.drawing import draw
from miniclip.data.world import sample_scenes

TINY = ["--steps", "6", "--batch-size", "8", "--warmup", "2", "--log-every", "2", "--score-every", "6"]


def run(capsys, *args):
    code = cli.main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    notes = [line for line in err.splitlines(keepends=True) if line.startswith("miniclip: note: ")]
    err = "".join(line for line in err.splitlines(keepends=True) if line not in notes)
    if code not in (0, 2):
        assert err.startswith("miniclip: ")
        assert len(err.splitlines()) == 1
    return code, out, err


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("a run with spaces") / "zwölf"
    assert cli.main(["train", "--out", str(path), *TINY]) == 0
    return path


def test_demo_leaves_a_run_and_a_picture(capsys, tmp_path):
    code, out, _ = run(capsys, "demo", "--out", tmp_path / "demo", "--json", *TINY)
    result = json.loads(out)
    assert code == 0
    assert result.keys() == {"run", "picture", "scores"}
    assert {tuple(row) for row in result["scores"].values()} == {("model", "untrained", "shuffled", "chance")}
    with Image.open(result["picture"]) as picture:
        assert picture.size[0] > 1000
    assert run(capsys, "demo", "--out", tmp_path / "demo")[0] == 4  # a second one refuses


def test_every_command_prints_the_keys_that_the_readme_names(capsys, tmp_path, folder):
    picture = tmp_path / "red.png"
    Image.fromarray((draw(sample_scenes(0, "A", np.arange(1)))[0] * 255).astype(np.uint8)).save(picture)
    for args, keys in (
        (["eval", folder, "--n", 128], {"run", "scores"}),
        (["zeroshot", folder, "--classes", "red circle,blue star", picture, "--out", tmp_path / "z.png"],
         {"classes", "images", "picture"}),
        (["zeroshot", "default", "--classes", "a,b,ü", "--out", tmp_path / "z.svg"], {"classes", "images", "picture"}),
        (["search", folder, "a small red circle", "--out", tmp_path / "s.png", "--k", 600],
         {"query", "ids", "scores", "right", "picture"}),
        (["search", "default", "a red dog", "--out", tmp_path / "s.pdf"],
         {"query", "ids", "scores", "right", "picture"}),
        (["export", folder, tmp_path / "copy"], {"run", "out", "bytes"}),
    ):  # fmt: skip
        code, out, _ = run(capsys, *args, "--json")
        assert code == 0, args
        assert json.loads(out).keys() == keys
    assert json.loads(out)["bytes"] > 0
    assert not (tmp_path / "copy" / "training.safetensors").exists()
    assert load(tmp_path / "copy").digest == load(folder).digest


def test_the_sentence_decides_what_is_right(capsys, tmp_path):
    _, out, _ = run(capsys, "search", "default", "a red circle", "--out", tmp_path / "s.png", "--json")
    assert json.loads(out)["right"][0] is True
    _, out, _ = run(capsys, "search", "default", "a red dog", "--out", tmp_path / "t.png", "--json")
    assert json.loads(out)["right"] is None


BAD = [
    (2, []),
    (2, ["fly"]),
    (2, ["train"]),
    (2, ["eval"]),
    (2, ["train", "--out", "x", "--steps", "many"]),
    (3, ["train", "--out", "x", "--steps", "-1"]),
    (3, ["train", "--out", "x", "--batch-size", "1"]),
    (3, ["train", "--out", "x", "--peak-lr", "nan"]),
    (3, ["train", "--out", "x", "--steps", "10000000000000000000"]),
    (4, ["train", "--out", "x", "--resume"]),
    (4, ["train", "--out", "a file"]),
    (4, ["eval", "missing"]),
    (4, ["eval", "a file"]),
    (4, ["eval", "."]),
    (3, ["eval", "default", "--n", "3"]),
    (3, ["zeroshot", "default", "--classes", ""]),
    (3, ["zeroshot", "default", "--classes", "red,red"]),
    (3, ["zeroshot", "default", "--classes", "red,,blue"]),
    (3, ["zeroshot", "default", "--classes", "red,blue", "a file"]),
    (3, ["zeroshot", "default", "--classes", "red,blue", "missing\n.png"]),
    (3, ["zeroshot", "default", "--classes", "red,blue", "--out", "x.exe"]),
    (3, ["search", "default", "red", "--k", "0"]),
    (3, ["search", "default", "red", "--k", "-4"]),
    (3, ["search", "default", "  "]),
    (3, ["search", "default", "red", "--out", "no/where.png"]),
    (3, ["search", "default", "red", "--out", "exists.png"]),
    (4, ["export", "default", "."]),
]


@pytest.mark.parametrize(("expected", "args"), BAD, ids=lambda x: " ".join(x) if isinstance(x, list) else str(x))
def test_bad_input_gets_one_line_and_changes_nothing(capsys, tmp_path, monkeypatch, expected, args):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a file").write_text("not a run")
    (tmp_path / "exists.png").write_text("mine")
    code, out, err = run(capsys, *args)
    assert code == expected, err
    assert not out
    assert err.strip()
    assert {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()} == {
        "a file": "not a run", "exists.png": "mine",
    }  # fmt: skip


def test_damage_divergence_and_bugs_have_their_own_codes(capsys, tmp_path, folder, monkeypatch):
    assert run(capsys, "export", folder, tmp_path / "copy")[0] == 0
    weights = tmp_path / "copy" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    code, _, err = run(capsys, "eval", tmp_path / "copy")
    assert code == 4
    assert "model.safetensors" in err
    with np.errstate(all="ignore"):
        code, _, err = run(capsys, "train", "--out", tmp_path / "wild", "--peak-lr", "1e9", *TINY)
    assert code == 5
    assert "step" in err

    def broken(args):
        raise RuntimeError("oops")

    monkeypatch.setitem(cli.COMMANDS, "bench", broken)
    code, _, err = run(capsys, "bench")
    assert code == 1
    assert "a bug of ours" in err


@settings(max_examples=60)
@given(st.lists(st.one_of(st.sampled_from(["eval", "search", "zeroshot", "--k", "--classes"]), st.text()), max_size=5))
def test_no_list_of_arguments_gives_a_traceback(args):
    assert cli.main(["zeroshot", *args] if args[:1] == ["train"] else args) in (0, 2, 3, 4)


def test_the_module_and_help_run():
    done = subprocess.run([sys.executable, "-m", "miniclip", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "zeroshot" in done.stdout
