"""The command line: results on stdout, one clear line on stderr, the exit codes of its first page."""

import json
import subprocess
import sys

import numpy as np
import pytest
from describers import new_bridged, new_language_model, tiny_matcher
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from miniclip import figures
from miniclip.app import arguments, cli, show
from miniclip.app.commands import bench
from miniclip.data.drawing import draw_scenes, object_window
from miniclip.data.world import sample_scenes
from miniclip.files.checkpoint import load, model_files
from miniclip.files.storage import commit
from miniclip.nn.tree import pack
from miniclip.tasks.captioning import Caption, in_reading_order
from miniclip.tasks.saliency import METHODS
from miniclip.tasks.zero_shot import TEMPLATE_SETS
from miniclip.train import study
from miniclip.train.stages import new_describer
from miniclip.train.step import LOSSES
from miniclip.train.study import STUDIES

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


def test_the_parser_offers_what_there_is():
    """It has names of its own, since `--help` must not import training."""
    assert tuple(LOSSES) == arguments.LOSS_NAMES
    assert tuple(STUDIES) == arguments.STUDY_NAMES
    assert tuple(METHODS) == arguments.METHOD_NAMES
    assert TEMPLATE_SETS == arguments.TEMPLATE_NAMES


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("a run with spaces") / "zwölf"
    assert cli.main(["train", "--out", str(path), *TINY]) == 0
    return path


@pytest.fixture(scope="module")
def describer(folder, tmp_path_factory):
    """A run folder with a decoder, untrained, that never says a control token: it fills the room with words."""
    path, model = tmp_path_factory.mktemp("describer") / "run", new_describer(load(folder), 0)
    model.params = pack(model.params)[1]
    decoder, tokenizer = model.params["decoder"], model.decoder_tokenizer
    decoder["ln_final"]["bias"][:] = 1.0
    decoder["token_embedding"]["weight"][[tokenizer.pad, tokenizer.start, tokenizer.end]] = -1.0
    commit(path, model_files(model))
    return path


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "red.png"
    Image.fromarray((draw_scenes(sample_scenes(0, "A", np.arange(1)))[0] * 255).astype(np.uint8)).save(path)
    return path


def test_demo_leaves_a_run_and_a_picture(capsys, tmp_path):
    code, out, _ = run(capsys, "demo", "--out", tmp_path / "demo", "--json", *TINY)
    result = json.loads(out)
    assert code == 0
    assert result.keys() == {"run", "picture", "scores"}
    columns = ("model", "untrained", "shuffled", "chance")
    assert {tuple(row) for row in result["scores"].values()} == {columns, (*columns, "low", "high", "n")}
    with Image.open(result["picture"]) as picture:
        assert picture.size[0] > 1000
    assert run(capsys, "demo", "--out", tmp_path / "demo")[0] == 4  # a second one refuses


def test_every_command_prints_the_keys_that_the_readme_names(capsys, tmp_path, folder, describer, picture):
    for args, keys in (
        (["eval", folder, "--n", 128], {"run", "scores"}),
        (["zeroshot", folder, "--classes", "red circle,blue star", picture, "--out", tmp_path / "z.png"],
         {"classes", "images", "picture"}),
        (["zeroshot", "default", "--classes", "a,b,ü", "--out", tmp_path / "z.svg"], {"classes", "images", "picture"}),
        (["search", folder, "a small red circle", "--out", tmp_path / "s.png", "--k", 600],
         {"query", "ids", "scores", "right", "picture"}),
        (["search", "default", "a red dog", "--out", tmp_path / "s.pdf"],
         {"query", "ids", "scores", "right", "picture"}),
        (["explain", folder, picture, "red circle", "--out", tmp_path / "e.png"],
         {"image", "caption", "cosine", "method", "peak", "patches", "outside", "picture"}),
        (["caption", describer, "--out", tmp_path / "c.svg"], {"captions", "picture"}),
        (["ask", describer, picture, "what colour is the circle?"], {"question", "answer", "probability", "outside"}),
        (["export", describer, tmp_path / "small"], {"run", "out", "bytes"}),
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


def test_caption_describes_pictures_and_draws_them(capsys, tmp_path, describer, picture):
    results = []
    for out, more in (
        ("a", []),
        ("b", ["--temperature", 0.5, "--seed", 1]),
        ("c", ["--temperature", 0.5, "--seed", 1]),
    ):
        drawn = tmp_path / f"{out}.png"
        code, text, _ = run(capsys, "caption", describer, "--out", drawn, *more, "--json", picture, picture)
        assert code == 0
        results.append(json.loads(text))
        assert results[-1]["picture"] == str(drawn)
        with Image.open(drawn) as image:
            assert image.size[0] > 1000
        assert [row.keys() for row in results[-1]["captions"]] == [{"image", "caption", "probability", "outside"}] * 2
        assert [row["image"] for row in results[-1]["captions"]] == [str(picture)] * 2
    greedy, drawn, again = (result["captions"] for result in results)
    assert greedy[0] == greedy[1]  # one picture, twice
    assert drawn == again != greedy
    code, text, _ = run(capsys, "caption", describer, "--out", tmp_path / "d.png", picture)
    assert code == 0
    assert text.splitlines()[0] == f"'{picture}': {greedy[0]['caption']}"


@pytest.mark.parametrize("method", METHODS)
def test_explain_points_at_the_object_by_every_method(capsys, tmp_path, method):
    """The example is a small red circle on the centre left, on the four patches of these rows and columns."""
    words = ["explain", "default", "example", "red circle", "--method", method]
    code, out, _ = run(capsys, *words, "--out", tmp_path / "a.png", "--json")
    found = json.loads(out)
    assert (code, found["method"], found["caption"], found["image"]) == (0, method, "red circle", "example")
    row, column = found["peak"]
    assert row in (1, 2)
    assert column in (0, 1)
    patches = np.array(found["patches"])
    assert patches.shape == (4, 4)
    assert patches[row, column] == patches.max()
    assert patches.sum() == pytest.approx(1.0, abs=0.001)
    assert found["cosine"] > 0.6
    code, out, _ = run(capsys, *words, "--out", tmp_path / "b.svg")
    assert f"{patches.max():.0%}" in out
    assert out.splitlines()[-1] == f"picture: {tmp_path / 'b.svg'}"


@pytest.fixture(scope="module")
def others(tmp_path_factory):
    """Run folders of models that are no CLIPs."""
    root = tmp_path_factory.mktemp("others")
    for name, model in (("bridged", new_bridged()), ("language", new_language_model()), ("matcher", tiny_matcher())):
        commit(root / name, model_files(model))
    return root


def test_models_that_are_no_clips_are_opened_by_what_they_are_good_for(capsys, tmp_path, others, picture):
    code, text, _ = run(capsys, "ask", others / "bridged", picture, "where is the star?", "--json")
    assert (code, json.loads(text).keys()) == (0, {"question", "answer", "probability", "outside"})
    found = []
    for more in ([], ["--rerank", others / "matcher"]):
        out = tmp_path / f"{len(more)}.png"
        code, text, _ = run(capsys, "search", "default", "a red circle", "--k", 16, "--out", out, "--json", *more)
        assert code == 0
        found.append(json.loads(text)["ids"])
    assert set(found[0]) == set(found[1])  # the same candidates
    assert found[0] != found[1]  # in another order
    for command, name, words in (
        (["ask"], "language", "is a language model, expected one that sees and writes"),
        (["caption"], "bridged", "answers and has not learned to describe: `miniclip ask` opens it"),
        (["eval"], "matcher", "is a fusion encoder, expected a CLIP"),
        (["zeroshot"], "bridged", "is a bridged model, expected a CLIP"),
        (["explain"], "language", "is a language model, expected a CLIP"),
    ):
        given = {"ask": [picture, "where?"], "zeroshot": ["--classes", "a,b"], "explain": [picture, "a star"]}
        more = given.get(command[0], [])
        code, _, err = run(capsys, *command, others / name, *more)
        assert code == 3
        assert words in err


def test_beams_and_draws_from_the_command_line(capsys, tmp_path, describer, picture):
    said = []
    for n, more in enumerate(
        (["--beams", 3], ["--temperature", 2, "--top-k", 1], ["--temperature", 2, "--top-p", 0.01])
    ):
        code, text, _ = run(capsys, "caption", describer, picture, "--out", tmp_path / f"{n}.svg", "--json", *more)
        assert code == 0
        said.append(json.loads(text)["captions"][0]["caption"])
    _, text, _ = run(capsys, "caption", describer, picture, "--out", tmp_path / "greedy.svg", "--json")
    assert said[1] == said[2] == json.loads(text)["captions"][0]["caption"]  # one word is left to draw from


def test_without_a_picture_six_are_described(capsys, tmp_path, describer):
    _, text, _ = run(capsys, "caption", describer, "--out", tmp_path / "a.png", "--json")
    assert len(json.loads(text)["captions"]) == 6


def test_every_object_of_a_caption_is_drawn_as_the_attention_lit_it(capsys, tmp_path, monkeypatch):
    """Each picture with its caption; for each object that is named, the patches where it stands are the clear ones."""
    drawn, draw = [], figures.object_maps
    monkeypatch.setattr(figures, "object_maps", lambda described: (drawn.extend(described), draw(described))[1])
    scenes = sample_scenes(0, "C", np.array([14, 11]))  # two objects each, far apart
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for path, image in zip(paths, draw_scenes(scenes), strict=True):
        Image.fromarray((255 * image).round().astype(np.uint8)).save(path)
    _, text, _ = run(capsys, "caption", "system", *paths, "--out", tmp_path / "a.png", "--json")
    assert [caption for _, caption, _ in drawn] == [row["caption"] for row in json.loads(text)["captions"]]
    named = [[words for words, _ in objects] for *_, objects in drawn]
    assert named == [["small pink cross", "large orange heart"], ["small green star", "large red circle"]]
    for b, (image, _, objects) in enumerate(drawn):
        assert np.abs(image - draw_scenes(scenes)[b]).max() < 0.01
        for (_, seen), slot in zip(objects, in_reading_order(scenes, b), strict=True):
            on_it = object_window(scenes[[b]], slot, 4)[0]
            assert on_it[np.unravel_index(seen.argmax(), seen.shape)]
            assert seen[on_it].mean() > 2 * seen[~on_it].mean()


def test_saying_nothing_is_an_answer(capsys, tmp_path, describer, picture, monkeypatch):
    """An empty caption is told, and the picture drawn without an object."""
    nothing = Caption("", [], np.zeros((0, 17)), 0.5)
    monkeypatch.setattr(show, "caption", lambda model, images, *_, **__: [nothing] * len(images))
    code, text, _ = run(capsys, "caption", describer, picture, "--out", tmp_path / "a.png")
    assert (code, text.splitlines()[0]) == (0, f"'{picture}': ")


def test_eval_of_a_describer_scores_its_captions_and_answers_too(capsys, describer, folder):
    _, text, _ = run(capsys, "eval", describer, "--n", 128, "--json")
    scores = json.loads(text)["scores"]
    _, text, _ = run(capsys, "eval", folder, "--n", 128, "--json")
    plain = json.loads(text)["scores"]
    added = {name.split(":")[0] for name in scores.keys() - plain.keys()}
    assert (added, plain.keys() - scores.keys()) == ({"captions", "answers"}, set())
    assert scores["captions: exact, D"].keys() == {"model", "shuffled", "low", "high", "n"}
    assert scores["answers: number of shape"].keys() == {"model", "shuffled", "chance", "low", "high", "n"}
    assert (scores["captions: true, B"]["n"], scores["answers: side"]["n"]) == (128, 32)


def test_a_study_takes_seeds_and_a_clip_to_begin_with(capsys, monkeypatch, folder):
    """The command hands over what it was given."""
    given = []

    def one(*args):
        given.append(args)
        return {"row": {"model": 1.0}}

    monkeypatch.setattr(study, "study", one)
    monkeypatch.setattr(study, "study_seeds", one)
    code, text, _ = run(capsys, "study", "vqa", "--seeds", "2-4", "--run", folder, "--out", "x", "--json")
    assert (code, json.loads(text)["seeds"]) == (0, [2, 3, 4])
    run(capsys, "study", "seeds", "--seeds", "7,1", "--resume")
    run(capsys, "study", "fusion", "--seed", 5, "--run", folder)
    (what, seeds, out, resume, _, clip), (_, others, none, again, _, nothing), (name, seed, *_, same) = given
    assert (what, seeds, out, resume, clip.digest) == ("vqa", [2, 3, 4], "x", False, load(folder).digest)
    assert (others, none, again, nothing) == ([7, 1], None, True, None)
    assert (name, seed, same.digest) == ("fusion", 5, clip.digest)


@pytest.mark.parametrize("text", ["", "3-1", "1,1", "-1", "a", "0-", "1-2-3", "1,", "0-9007199254740991", "0.5"])
def test_seeds_that_are_none(capsys, text):
    code, _, err = run(capsys, "study", "vqa", f"--seeds={text}")
    assert code == 2
    assert "--seeds" in err


def test_ask_repeats_the_question(capsys, describer, picture):
    code, text, _ = run(capsys, "ask", describer, picture, "where is <end> the star?", "--json")
    assert code == 0
    assert json.loads(text)["question"] == "where is <end> the star?"
    assert len(json.loads(text)["answer"].split()) <= 4


@pytest.mark.parametrize(
    ("expected", "args", "words"),
    [
        (3, ["caption", "CLIP"], "is a CLIP, expected one that sees and writes: `miniclip study system` makes one"),
        (3, ["ask", "CLIP", "PICTURE", "where?"], "expected one that sees and writes"),
        (4, ["caption", "missing"], "missing"),
        (3, ["caption", "RUN", "--temperature", "-1"], "temperature is -1.0"),
        (3, ["caption", "RUN", "--temperature", "nan"], "temperature is nan"),
        (3, ["caption", "RUN", "--temperature", "1e-30"], "temperature is 1e-30"),
        (3, ["caption", "RUN", "missing.png"], "missing.png"),
        (3, ["caption", "RUN", "--out", "x.exe"], "expected .png, .svg or .pdf"),
        (3, ["caption", "RUN", "--out", "exists.png"], "exists already"),
        (3, ["ask", "RUN", "missing.png", "where?"], "missing.png"),
        (3, ["ask", "RUN", "PICTURE", ""], "question 0 is ''"),
        (3, ["ask", "RUN", "PICTURE", " ? "], "expected words"),
        (3, ["ask", "RUN", "PICTURE", "a " * 90], "expected at most 72: shorten the question"),
        (2, ["ask", "RUN", "PICTURE"], "QUESTION"),
        (2, ["caption"], "RUN"),
        (2, ["study", "everything"], "invalid choice: 'everything'"),
        (2, ["study"], "what"),
        (4, ["study", "system", "--out", "exists.png"], "cannot be a run folder"),
        (4, ["study", "system", "--resume"], "missing"),
        (3, ["search", "CLIP", "red", "--rerank", "CLIP"], "is a CLIP, expected a fusion encoder"),
        (3, ["search", "CLIP", "red", "--rerank", "default"], "is a CLIP, expected a fusion encoder"),
        (3, ["caption", "RUN", "--beams", "3", "--temperature", "1"], "draws at random: give one of them"),
        (3, ["caption", "RUN", "--top-k", "3"], "give --temperature as well"),
        (3, ["caption", "RUN", "--length-penalty", "0"], "give --beams as well"),
        (3, ["caption", "RUN", "--beams", "0"], "beams is 0, expected a whole number of at least 1"),
        (2, ["caption", "RUN", "--seed", "-1"], "'-1' is no seed, expected a whole number from 0"),
        (2, ["study", "vqa", "--seed", "9" * 26], "is no seed, expected a whole number from 0"),
        (3, ["caption", "RUN", "--top-k", "0"], "top_k is 0"),
        (3, ["caption", "RUN", "--top-p", "1.5"], "top_p is 1.5"),
    ],
    ids=lambda x: " ".join(x)[:60] if isinstance(x, list) else None,
)
def test_describing_refuses_bad_input_and_changes_nothing(
    capsys, tmp_path, monkeypatch, folder, describer, picture, expected, args, words
):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exists.png").write_text("mine")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    names = {"CLIP": folder, "RUN": describer, "PICTURE": picture}
    code, out, err = run(capsys, *(names.get(arg, arg) for arg in args))
    assert (code, out) == (expected, "")
    assert words in err
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


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
    (2, ["explain", "default", "example"]),
    (2, ["explain", "default", "example", "red", "--method", "magic"]),
    (3, ["explain", "default", "example", ""]),
    (3, ["explain", "default", "example", " ? "]),
    (3, ["explain", "default", "a file", "red"]),
    (3, ["explain", "default", "missing.png", "red"]),
    (3, ["explain", "default", "example", "red", "--out", "x.exe"]),
    (4, ["explain", "missing", "example", "red"]),
    (3, ["search", "default", "red", "--k", "0"]),
    (3, ["search", "default", "red", "--k", "-4"]),
    (3, ["search", "default", "  "]),
    (3, ["search", "default", "red", "--out", "no/where.png"]),
    (3, ["search", "default", "red", "--out", "exists.png"]),
    (4, ["export", "default", "."]),
    (2, ["index"]),
    (3, ["index", "default"]),
    (3, ["index", "default", "."]),
    (3, ["index", "default", "-o", "x"]),
    (3, ["index", "default", ".", "-o", "x"]),
    (3, ["index", "default", "missing", "-o", "x"]),
    (3, ["index", "default", "a file", "-o", "x"]),
    (3, ["index", "default", ".", "-o", "x", "--captions", "missing.txt"]),
    (3, ["index", "default", ".", "-o", "x", "--export", "y"]),
    (4, ["index", "default", "--export", "y"]),
    (4, ["index", "missing", ".", "-o", "x"]),
    (2, ["index", "default", ".", "-o", "x", "--kind", "pq"]),
    (2, ["index", "default", ".", "-o", ""]),
    (3, ["search", "default", "red", "--among", "captions"]),
    (3, ["search", "default", "red", "--run", "default"]),
    (3, ["search", "default"]),
    (3, ["search", "default", '"red" + circle']),
    (3, ["search", "default", '"red" - "red"']),
    (3, ["search", "default", "--image", "missing.png"]),
    (3, ["search", "default", "--image", "a file"]),
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

    monkeypatch.setattr(bench, "run", broken)
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
