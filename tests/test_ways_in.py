"""What users give by mistake or by malice, a table for each kind: told at once, in one line, and nothing is lost."""

import json
import os
import socket
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from describers import new_bridged, new_describer, new_language_model, tiny_matcher
from PIL import Image

import miniclip
from miniclip.app import arguments, cli
from miniclip.data.drawing import draw_scenes
from miniclip.data.world import sample_scenes
from miniclip.errors import CheckpointError, InputError, InputTypeError, MiniclipError, one_line, quote
from miniclip.files import storage
from miniclip.files.storage import DEEPEST, parse_json, write_free, write_new
from miniclip.learn import files, practice, report, results, sandbox, session
from miniclip.learn.grade import grade
from miniclip.learn.specs import all_exercises
from miniclip.machine import terminal
from miniclip.models.bridge import BridgeConfig, BridgedConfig
from miniclip.models.clip import ClipConfig
from miniclip.models.coca import CocaConfig
from miniclip.models.decoder import DecoderConfig
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.search.index import Index
from miniclip.tasks.captioning import caption, caption_beams, reread
from miniclip.tasks.evaluate import evaluate
from miniclip.tasks.generation import Sampling
from miniclip.tasks.vqa import answer
from miniclip.train.clip import TrainConfig, train
from miniclip.train.loop import Learner
from miniclip.train.study import study

TINY = TrainConfig(steps=4, batch_size=8, warmup=1, vision_width=16, text_width=16, heads=2, embed_dim=16)
LONG = "x" * 5000


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(capsys, *words):
    """(exit code, stdout, the last line of stderr); all that stands on stderr is printable and short."""
    code = cli.main([str(word) for word in words])
    out, err = capsys.readouterr()
    assert "Traceback" not in err
    assert "bug of ours" not in err
    for line in err.splitlines():
        assert line.isprintable()
        assert len(line) < 600
    return code, out, (err.splitlines() or [""])[-1]


def save_picture(path, n=0):
    pixels = draw_scenes(sample_scenes(0, "A", np.arange(n, n + 1)))[0]
    Image.fromarray((pixels * 255).astype(np.uint8)).save(path)
    return path


# Files that are none


def no_files(folder):
    """A pipe, a device, a folder and a socket."""
    os.mkfifo(folder / "pipe")
    (folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(folder / "socket"))
    return [(folder / "pipe", "a pipe"), (Path("/dev/zero"), "a device"), (folder / "folder", "a folder"),
            (folder / "socket", "a socket")]  # fmt: skip


def test_only_files_are_opened(here, capsys):
    for path, what in no_files(here):
        for words in (["zeroshot", "default", "--classes", "a,b", path], ["caption", "default", path],
                      ["ask", "default", path, "where?"], ["explain", "default", path, "star"]):  # fmt: skip
            code, _, err = run(capsys, *words)
            assert code == 3
            assert f"it is {what}, expected a file" in err
        for words in (["eval", path], ["export", path, "out"], ["search", path, "red"]):
            assert run(capsys, *words)[0] == 4


def test_a_learner_s_files_that_are_none(here, capsys):
    (exercise, *_) = all_exercises().values()
    folder = files.exercises_folder()
    path = files.path_of(exercise, folder)
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    assert grade(exercise, path).status == "error"
    files.sync(folder)
    assert not path.is_file()  # it is left alone
    (here / ".miniclip").mkdir()
    for name in ("progress.json", "quiz.json", "cards.json"):
        os.mkfifo(here / ".miniclip" / name)
    assert results.load_progress(folder) == practice.recall(practice.kept(folder, "quiz.json")) == {}
    (here / "class").mkdir()
    os.mkfifo(here / "class" / "ada.json")
    code, _, err = run(capsys, "learn", "report", "--class", "class")
    assert (code, "it is a pipe" in err) == (2, True)
    assert files.reset(exercise, folder).name.endswith(".bak")
    assert path.is_file()


def test_a_pipe_under_the_name_of_a_temporary_file_holds_nobody_up(here):
    os.mkfifo(here / "a.png.tmp")
    storage.replace(here, "a.png", b"whole")
    assert (here / "a.png").read_bytes() == b"whole"


# Input that is closed, output that goes nowhere

SHELL = "{python} -m miniclip {words} {redirect}"


@pytest.mark.parametrize(("words", "redirect", "code", "said"), [
    ("learn", "<&-", 1, "The input is at its end."), ("learn", "</dev/null", 1, "The input is at its end."),
    ("learn quiz tables", "<&-", 0, "Stopped."), ("learn cards --seed", "<&-", 0, "Stopped, with"),
    ("learn list", ">/dev/full", 4, "No space left"), ("figures list", ">/dev/full", 4, "No space left"),
    ("learn solution 4.3", ">/dev/full", 4, "No space left"), ("figures list --json", ">/dev/full", 4, "No space"),
    ("learn list", ">&-", 4, "standard output is closed"),
])  # fmt: skip
def test_closed_and_full_streams_end_with_a_sentence(here, words, redirect, code, said):
    line = SHELL.format(python=sys.executable, words=words, redirect=redirect)
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(line, shell=True, cwd=here, env=buffered, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "Exception" in done.stderr) == (code, False), done.stderr
    assert said in done.stdout + done.stderr


@pytest.mark.parametrize("error", [EOFError, RuntimeError, OSError, ValueError])
def test_whatever_ends_the_input_ends_the_watch(here, monkeypatch, error):
    def lost(prompt=""):
        raise error

    said = []
    assert session.watch(here / "exercises", lost, said.append) == 1
    assert said[-1].startswith("The input is at its end")
    monkeypatch.setattr("builtins.input", lost)
    with pytest.raises(EOFError):
        terminal.read_line()


# Places to write


WRITERS = [
    ["train", "--out"], ["demo", "--out"], ["study", "vqa", "--out"], ["export", "default"],
    ["index", "default", ".", "-o"],
    ["search", "default", "red", "--out"], ["zeroshot", "default", "--classes", "a,b", "--out"],
    ["caption", "default", "--out"], ["explain", "default", "example", "red", "--out"],
    ["figures", "sheet", "--out"], ["figures", "render", "f03", "--out"],
    ["learn", "report", "-o"], ["class-pack", "--modules", "m4", "--out"],
    ["class-marks", "results", "--roster", "roster.csv", "--modules", "m4", "--out"],
    ["learn", "cards", "--print"], ["learn", "cards", "--anki"], ["learn", "cheatsheet", "--print"],
]  # fmt: skip
ENDINGS = {"sheet": ".png", "class-marks": ".csv", "--print": ".pdf", "--anki": ".txt"}


@pytest.fixture
def no_work(monkeypatch):
    """Whoever begins to work before the place was looked at is caught."""

    def begun(*args, **options):
        raise AssertionError("the work has begun")

    for name in ("app.show.zeroshot", "app.find.search", "app.show.captions", "app.show.explanation",
                 "figures.gallery.all_figures", "figures.render.lecture", "train.loop.Learner.step",
                 "train.study.trained", "learn.commands.check_all", "learn.cards.html_page",
                 "classroom.pack.write_files", "learn.report.load_submission",
                 "search.folder.embed_all"):  # fmt: skip
        monkeypatch.setattr(f"miniclip.{name}", begun)


@pytest.mark.parametrize("words", WRITERS, ids=" ".join)
def test_places_that_cannot_be_written_are_told_before_the_work(here, capsys, no_work, words):
    end = next((ENDINGS[word] for word in words if word in ENDINGS), ".png")
    mine = here / f"mine{end}"
    mine.write_bytes(b"mine")
    before = sorted(here.iterdir())
    for place in ("", mine, f"no/where{end}" if words[0] not in ("train", "demo", "study", "export", "index") and
                  words[1] != "render" else mine, f"/proc/no{end}", f"{mine}/inside{end}", LONG + end):  # fmt: skip
        code, _, err = run(capsys, *words, place)
        assert code in (2, 3, 4), place
        assert err
        assert sorted(here.iterdir()) == before
    assert mine.read_bytes() == b"mine"


@pytest.mark.parametrize("give", [lambda x: train(TINY, x), lambda x: study("vqa", out=x), miniclip.load,
                                  Index(np.eye(2), "ab").save, Index.load])  # fmt: skip
def test_an_empty_path_is_not_the_folder_that_we_are_in(here, give):
    with pytest.raises(InputError, match=r"'\.' is the folder that we are in"):
        give("")
    assert not list(here.iterdir())


def test_a_file_is_not_written_where_one_has_appeared_meanwhile(here):
    write_new(here / "a.png", b"1")
    with pytest.raises(FileExistsError):
        write_new(here / "a.png", b"2")
    (here / "link-2.png").symlink_to("nowhere")
    names = [write_free(here / name, b"3").name for name in ("a.png", "a.png", "link.png", "link.png")]
    assert names == ["a-2.png", "a-3.png", "link.png", "link-3.png"]
    assert (here / "a.png").read_bytes() == b"1"
    assert not list(here.glob("*.tmp"))


@pytest.mark.parametrize("words", [["search", "default", "red"], ["zeroshot", "default", "--classes", "a,b"],
                                   ["explain", "default", "example", "red"], ["caption", "default"]],
                         ids=lambda words: words[0])  # fmt: skip
def test_a_second_run_gets_a_picture_of_its_own(here, capsys, words):
    names = [json.loads(run(capsys, *words, "--json")[1])["picture"] for _ in range(3)]
    assert names == [f"{words[0]}.png", f"{words[0]}-2.png", f"{words[0]}-3.png"]
    assert all((here / name).stat().st_size > 1000 for name in names)
    code, _, err = run(capsys, *words, "--out", names[0])
    assert (code, "exists already" in err) == (3, True)


# A run that fails


@pytest.mark.parametrize("where", ["lock", "save", "step"])
def test_a_run_that_fails_before_its_first_step_leaves_nothing(here, monkeypatch, where):
    def fails(*args, **options):
        raise MemoryError

    if where == "step":
        monkeypatch.setattr(Learner, "step", fails)
    else:
        monkeypatch.setattr(f"miniclip.train.run.{ {'lock': 'check_fresh', 'save': 'model_files'}[where] }", fails)
    with pytest.raises(MemoryError):
        train(TINY, here / "runs" / "new")
    assert not list(here.iterdir())
    (here / "notes").mkdir()
    (here / "notes" / "mine.txt").write_text("mine")
    with pytest.raises((MemoryError, CheckpointError)):
        train(TINY, here / "notes")
    assert [path.name for path in (here / "notes").iterdir()] == ["mine.txt"]


def test_a_run_that_fails_later_keeps_what_it_has_saved(here, monkeypatch):
    real = Learner.step

    def fails(self, lr):
        if self.steps == 2:
            raise MemoryError
        return real(self, lr)

    monkeypatch.setattr(Learner, "step", fails)
    with pytest.raises(MemoryError):
        train(replace(TINY, save_every=1), here / "run")
    monkeypatch.undo()
    train(replace(TINY, save_every=1), here / "run", resume=True)


@pytest.mark.parametrize(("words", "warmup"), [([], 480), (["--steps", "50"], 10), (["--steps", "1"], 0),
                                               (["--steps", "8000"], 1600),
                                               (["--steps", "50", "--warmup", "7"], 7)])  # fmt: skip
def test_a_short_run_warms_up_for_less(words, warmup):
    assert arguments.recipe_of(cli.parse_arguments(["demo", *words])).warmup == warmup


@pytest.mark.parametrize("words", [["list"], ["sheet"], ["render", "f03"], ["render", "f06"]])
def test_figures_of_a_run_that_is_missing(here, capsys, words):
    code, out, err = run(capsys, "figures", *words, "--run", "missing")
    assert (code, out) == ((3, "") if words == ["list"] else (4, ""))
    assert "--run" in err or "missing is missing" in err


# Some pictures that cannot be read


@pytest.mark.parametrize("words", [["zeroshot", "default", "--classes", "red,blue"], ["caption", "default"]])
def test_a_picture_that_cannot_be_read_costs_no_answer_of_the_others(here, capsys, words):
    for n, name in enumerate(("a.png", "bad.png", "c.png")):
        save_picture(here / name, n)
    (here / "bad.png").write_bytes((here / "bad.png").read_bytes()[:200])
    code, out, err = run(capsys, *words, "a.png", "bad.png", "c.png", "none.png", "--json")
    result = json.loads(out)
    rows = result.get("images") or result["captions"]
    assert (code, [row["image"] for row in rows]) == (3, ["a.png", "c.png"])
    assert [row["image"] for row in result["unreadable"]] == ["bad.png", "none.png"]
    assert all(row["image"] in row["error"] for row in result["unreadable"])
    code, out, err = run(capsys, *words, "a.png", "bad.png")
    assert (code, "'bad.png' is not a picture" in err, "'a.png': " in out) == (3, True, True)
    assert run(capsys, *words, "bad.png")[:2] == (3, "")


# Numbers


HUGE = ["-1", "-99999999999999999999999", "0", "99999999999999999999999", "9" * 5000, "1e400", "nan", "³"]
INTEGERS = [(["search", "default", "red"], "--k"), (["eval", "default"], "--n"), (["eval", "default"], "--seed"),
            (["caption", "default"], "--seed"), (["caption", "default"], "--beams"), (["study", "vqa"], "--seed"),
            (["caption", "default", "--temperature", "1"], "--top-k"), (["learn", "hint", "4.3"], "--rung"),
            *((["train", "--out", "x"], f"--{name.replace('_', '-')}") for name in arguments.RECIPE)]  # fmt: skip


@pytest.mark.parametrize(("words", "option"), INTEGERS, ids=lambda x: x if isinstance(x, str) else x[0])
def test_numbers_without_sense_are_refused(here, capsys, monkeypatch, words, option):
    def trained(*args, **options):
        raise InputError("this recipe can be trained")

    monkeypatch.setattr("miniclip.train.clip.train", trained)
    for number in HUGE:
        monkeypatch.setattr("miniclip.tasks.evaluate.zero_shot_accuracy", lambda *_: 0.0)
        if (words[0], option, number) == ("eval", "--seed", "0"):
            continue  # this one has sense, and takes its time
        if words[0] == "study" and number == "0":
            continue
        code, _, err = run(capsys, *words, f"{option}={number}")
        assert code in (0, 2, 3), (number, err)


@pytest.mark.parametrize("n", [0, 127, 2**15 + 1, 10**30, True, 128.0, "128", None])
def test_how_many_pairs_are_scored_is_a_number_that_can_be(n):
    with pytest.raises(InputError, match="expected a whole number from 128 to 32,768"):
        evaluate(miniclip.load(), n=n)


# Sizes and kinds of models


VISION, TEXT, DECODER = VisionConfig(), TextConfig(20, 8), DecoderConfig(20, 8, memory_width=64)
CLIP, BRIDGE = ClipConfig(VISION, TEXT), BridgeConfig("mlp", 64, 64)
CONFIGS = [VISION, TEXT, DECODER, CLIP, BRIDGE, CocaConfig(CLIP, DECODER),
           BridgedConfig(CLIP, BRIDGE, DecoderConfig(20, 24)), TrainConfig(), Sampling()]  # fmt: skip
ODD = [[], {}, set(), None, "", "\x1b", LONG, b"x", 2.5, -1, 10**30, 10**5000, float("nan"), np.ones(2), object()]
SENSE = {("Sampling", "top_k"): {None, 10**30, 10**5000}, ("Sampling", "temperature"): {2.5, 10**30}}


@pytest.mark.parametrize("config", CONFIGS, ids=lambda config: type(config).__name__)
def test_odd_values_of_every_config_are_refused_by_name(config):
    said = []
    for field in fields(config):
        for value in ODD:
            try:
                made = replace(config, **{field.name: value})
            except MiniclipError as error:
                said.append(str(error))
            else:
                allowed = SENSE.get((type(config).__name__, field.name), set())
                assert made == config or (value.__hash__ and value in allowed) or field.name in ZERO_OR_MORE, field.name
    assert len(said) > 10
    assert all(len(each) < 600 and each.isprintable() for each in said)


ZERO_OR_MORE = {"peak_lr", "weight_decay", "max_grad_norm"}  # 2.5 and 10**30 / 10**5000 are judged by their bounds


CLIP_ONLY, IMAGES = miniclip.load(), np.zeros((1, 32, 32, 3), np.float32)


@pytest.mark.parametrize("call", [
    lambda model: caption(model, IMAGES), lambda model: caption_beams(model, IMAGES[0]),
    lambda model: reread(model, IMAGES[0], "a star"),
])  # fmt: skip
@pytest.mark.parametrize("make", [lambda: CLIP_ONLY, new_bridged, new_language_model, tiny_matcher, lambda: None])
def test_models_that_cannot_describe_say_so(call, make):
    with pytest.raises(InputTypeError, match="expected a CLIP that describes"):
        call(make())


@pytest.mark.parametrize("make", [lambda: CLIP_ONLY, tiny_matcher, lambda: None, lambda: "default"])
def test_models_that_cannot_answer_say_so(make):
    with pytest.raises(InputTypeError, match="expected a CLIP that describes or a bridged model or a language model"):
        answer(make(), IMAGES, ["where is the star?"])
    assert answer(new_describer(), IMAGES, ["where is the star?"])


# JSON


DEEP = [b"[" * n + b"]" * n for n in (DEEPEST + 1, 900, 100_000)] + [b'{"a":' * 5000 + b"1" + b"}" * 5000]
BAD_JSON = [*DEEP, b"9" * 5000, b"", b"\xff", b"[3]", b"null", b'{"exercises": 3}', b'{"exercises": [{"id": []}]}']


@pytest.mark.parametrize("data", DEEP, ids=len)
def test_deep_json_is_refused_at_one_place(data):
    with pytest.raises(CheckpointError, match="is not JSON"):
        parse_json(data, Path("a.json"))
    assert parse_json(b"[" * DEEPEST + b"]" * DEEPEST, Path("a.json"))
    assert sandbox.understand(data + b"\n", 3).outcomes == {}


@pytest.mark.parametrize("data", BAD_JSON, ids=range(len(BAD_JSON)))
def test_json_of_learners_that_is_not_ours(here, capsys, data):
    (here / "class").mkdir()
    (here / "class" / "ada.json").write_bytes(data)
    assert run(capsys, "learn", "report", "--class", "class")[0] == 2
    (here / ".miniclip").mkdir()
    for name in ("progress.json", "quiz.json", "cards.json"):
        (here / ".miniclip" / name).write_bytes(data)
    assert run(capsys, "learn", "list")[0] == 0
    assert results.load_progress(files.exercises_folder()) == {}
    assert len(practice.quiz_results(files.exercises_folder())) == 20


ODD_RECORDS = [{}, {"points": "1"}, {"points": []}, {"status": []}, {"status": "great"}, {"id": "99.9"}, {"id": {}}]


@pytest.mark.parametrize("change", ODD_RECORDS, ids=str)
def test_records_are_believed_one_by_one(here, change):
    (one, other, *_) = all_exercises().values()
    records = [results.Result(each.id, each.title, "m0", 1, "pass", 1).record() for each in (one, other)]
    records[1] |= change
    results.save_progress({"a": records[0], "b": records[1]}, files.exercises_folder())
    assert set(results.load_progress(files.exercises_folder())) == ({one.id} if change else {one.id, other.id})


@pytest.mark.parametrize("data", [{"boxes": 3}, {"seen": {"logits": "x"}}, {"session": []}, {"boxes": {"a": None}}])
def test_the_progress_of_cards_is_believed_as_far_as_it_is_one(here, capsys, monkeypatch, data):
    (here / ".miniclip").mkdir()
    (here / ".miniclip" / "cards.json").write_text(json.dumps(data))
    monkeypatch.setattr("builtins.input", lambda prompt="": "q")
    assert run(capsys, "learn", "cards")[0] == 0


@pytest.mark.parametrize("data", [3, [], {"points": "x"}, {"points": 1}, None])
def test_the_results_of_the_quiz_are_believed_as_far_as_they_are_some(here, data):
    (here / ".miniclip").mkdir()
    (here / ".miniclip" / "quiz.json").write_text(json.dumps({"pitfall-1": data, "self-check-1": data}))
    assert practice.quiz_records(files.exercises_folder()) == {}
    assert report.export_results(results.results(practice.quiz_results(files.exercises_folder())), "junit")


@pytest.mark.parametrize("name", ["study.json", "scores.json"])
@pytest.mark.parametrize("data", [*DEEP, b"3", b"[]", b"null", b'{"a": 3}'], ids=range(len(DEEP) + 4))
def test_a_study_s_files_that_are_not_ours(here, name, data):
    recipe = {"study": "vqa", "seed": 0, "clip": miniclip.load().digest}
    storage.commit(here / "run", {"study.json": json.dumps(recipe).encode(), "scores.json": b"{}"} | {name: data})
    with pytest.raises(CheckpointError, match=r"is not JSON|another layout|another study|not empty"):
        study("vqa", out=here / "run", resume=data != b'{"a": 3}' or name == "study.json")


# Messages


@pytest.mark.parametrize("value", ["a\x1b[31m\nb", LONG, "ü" * 99, Path(LONG), [1] * 9999, 10**5000, b"\0" * 999, None],
                         ids=range(8))  # fmt: skip
def test_a_quote_is_short_and_harmless(value):
    assert quote(value).isprintable()
    assert len(quote(value)) <= 84
    assert one_line(value if isinstance(value, str) else "a").isprintable()
    assert len(one_line(LONG)) <= 80


@pytest.mark.parametrize("name", [LONG, "a\x1b[31mb\x07\n.png", "y " * 2500], ids=["long", "control", "spaces"])
@pytest.mark.parametrize("words", [
    ["NAME"], ["eval", "NAME"], ["zeroshot", "default", "--classes", "a,b", "NAME"], ["ask", "default", "NAME", "x"],
    ["explain", "default", "NAME", "red"], ["explain", "default", "example", "NAME"],
    ["explain", "default", "example", "red", "--method", "NAME"], ["explain", "NAME", "example", "red"],
    ["zeroshot", "default", "--classes", "NAME"], ["zeroshot", "default", "--classes", "a,b,NAME,NAME"],
    ["export", "NAME", "x"], ["search", "default", "red", "--out", "NAME"], ["figures", "render", "NAME"],
    ["figures", "render", "f03", "--format", "NAME"], ["figures", "render", "f03", "--theme", "NAME"],
    ["study", "NAME"], ["train", "--out", "x", "--loss", "NAME"], ["train", "--out", "x", "--steps", "NAME"],
    ["learn", "NAME"], ["learn", "check", "NAME"], ["learn", "cards", "--print", "NAME"],
    ["learn", "report", "--class", "NAME"], ["train", "--out", "NAME", "--resume"], ["eval", "default", "--NAME"],
], ids=" ".join)  # fmt: skip
def test_names_are_repeated_shortly_and_without_control(here, capsys, words, name):
    code, _, err = run(capsys, *(word.replace("NAME", name) for word in words))
    assert code in (0, 2, 3, 4)
    assert len(err) < 600
