"""Known bugs: each goes in and out, shows its symptom, and is caught by the test that is named for it."""

import io
import json
import os
import subprocess
import sys
from functools import cache, reduce
from importlib import import_module
from pathlib import Path
from types import FunctionType

import numpy as np
import pytest

from miniclip.app import cli
from miniclip.errors import InputError
from miniclip.labs import guess
from miniclip.labs.broken import LAB, losses, of_one
from miniclip.labs.bugs import evidence, plain
from miniclip.labs.bugs.evidence import signs_of
from miniclip.labs.bugs.known import BUGS, broken
from miniclip.labs.guess import Riddle, laid_out, play, riddles
from miniclip.nn.losses import info_nce_forward, logits_forward

EACH = pytest.mark.parametrize("name", BUGS)
ROOT = Path(__file__).parents[1]


def state(place: str):
    """What stands at a place: the code of a function, or a value."""
    module, _, path = place.partition(":")
    found = reduce(getattr, path.split("."), import_module(f"miniclip.{module}"))
    return found.__code__ if isinstance(found, FunctionType) else found


@EACH
def test_a_bug_goes_in_and_comes_out_again_after_an_exception_too(name):
    places = BUGS[name].puts
    before = [state(place) for place in places]
    with broken(name):
        assert all(state(place) is not was for place, was in zip(places, before, strict=True))
    with pytest.raises(ZeroDivisionError), broken(name):
        raise ZeroDivisionError
    assert all(state(place) is was for place, was in zip(places, before, strict=True))


def test_whoever_has_a_function_runs_the_bug():
    """Here it was imported before the bug was put in; and two bugs at once come out in their order."""
    one = np.ones((1, 1))
    assert logits_forward(one, one, 2.0)[0].item() == pytest.approx(np.exp(2.0))
    with broken("no exp"):
        assert logits_forward(one, one, 2.0)[0].item() == 2.0
        with broken("clamp in the forward"):
            assert logits_forward(one, one, 9.0)[0].item() == 100.0
        assert logits_forward(one, one, 2.0)[0].item() == 2.0
    assert logits_forward(one, one, 2.0)[0].item() == pytest.approx(np.exp(2.0))
    assert info_nce_forward(one, one, 2.0)[0] == 0.0


def test_a_bug_that_nobody_knows():
    with pytest.raises(InputError, match=r"there is no bug 'none', expected one of no exp, clamp"):
        broken("none")


@EACH
def test_what_is_said_of_a_bug(name):
    """A sentence; a place for each function, which takes the same arguments; a test that exists."""
    bug = BUGS[name]
    assert bug.what.endswith(".")
    for place, value in bug.puts.items():
        if isinstance(value, FunctionType):
            ours, theirs = ((code.co_varnames[: code.co_argcount]) for code in (value.__code__, state(place)))
            assert ours == theirs, place
            assert not value.__code__.co_freevars
    path, _, test = bug.test.partition("::")
    assert f"def {test.partition('[')[0]}(" in (ROOT / path).read_text()


def test_twenty_of_them_were_found_in_public():
    assert len(BUGS) == 38
    assert sum(bool(bug.threads) for bug in BUGS.values()) >= 20


@cache
def healthy(group: str) -> dict[str, float]:
    return signs_of(group, 0, plain.FEW)


@EACH
def test_a_symptom_is_the_bugs_and_not_the_healthy_ones(name):
    symptom = BUGS[name].symptom
    group, _, _ = symptom.row.partition(": ")
    with broken(name):
        found = signs_of(group, 0, plain.FEW)
    assert symptom.met({symptom.row: {"mean": found[symptom.row]}})
    assert not symptom.met({symptom.row: {"mean": healthy(group)[symptom.row]}})


def test_a_healthy_one_learns_and_its_signs_are_where_they_belong():
    found = healthy("training")
    assert found["training: zero-shot"] >= 0.95
    assert found["training: last loss"] < found["training: floor of the captions"] + 0.2
    assert found["training: length of a text's vector"] == pytest.approx(1, abs=1e-5)
    assert found["training: first scale"] == pytest.approx(1 / 0.07, rel=1e-5)
    assert max(healthy("gradients").values()) < 1e-7
    assert healthy("learning")["learning: first step over the rate"] == pytest.approx(1, rel=1e-5)
    assert healthy("decoder")["decoder: loss on random words"] == pytest.approx(np.log(8), abs=0.05)


def test_the_test_that_is_named_catches_each_bug(tmp_path):
    """All of them, in one process: each with the bug, where it must fail, and without, where it must pass."""
    out, nodes = tmp_path / "found.json", list(dict.fromkeys(bug.test for bug in BUGS.values()))
    command = [sys.executable, "-m", "pytest", "-q", "-o", "addopts=", "-p", "broken_plugin", "-p", "no:cacheprovider"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")]), "BROKEN_OUT": str(out)}
    done = subprocess.run([*command, *nodes], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert out.exists(), done.stdout + done.stderr
    found = json.loads(out.read_text())
    assert found.keys() == BUGS.keys(), BUGS.keys() - found.keys()
    missed = [name for name, one in found.items() if one["broken"]]
    assert not missed, f"a bug that no test sees: {missed}"
    assert all(one["healthy"] for one in found.values()), found


@pytest.fixture
def quick(monkeypatch):
    """A round of two riddles, and two groups of signs that take no time."""
    some = {group: evidence.GROUPS[group] for group in ("loss", "scores")}
    monkeypatch.setattr(guess, "GROUPS", some)
    monkeypatch.setattr(guess, "ROUND", 2)


def replies(*given):
    """Someone who says this, and then goes."""
    left = list(given)

    def ask(prompt):
        if not left:
            raise EOFError
        if isinstance(left[0], BaseException):
            raise left.pop(0)
        return left.pop(0)

    return ask


def test_a_round_is_the_seeds_and_can_be_won(quick):
    first, again, other = (list(riddles(seed)) for seed in (3, 3, 4))
    assert first == again != other
    for riddle in first:
        assert riddle.answer in riddle.choices
        assert len(set(riddle.choices)) == guess.CHOICES == len(riddle.choices)
        assert riddle.evidence.keys() == riddle.healthy.keys()
    said: list[str] = []
    number = str(1 + first[0].choices.index(first[0].answer))
    assert play(first, replies(number, first[1].answer.upper()), said.append) == {"right": 2, "answered": 2}
    assert all(any(BUGS[riddle.answer].test in text for text in said) for riddle in first)


WRONG = next(str(i) for i in range(1, 9) if i != 2)


@pytest.mark.parametrize(
    ("given", "score"),
    [((), (0, 0)), (("q",), (0, 0)), (("2", "q"), (1, 1)), ((KeyboardInterrupt(),), (0, 0)), (("1", "2"), (1, 2)),
     (("nonsense", "9", "2"), (1, 1)), (("", ""), (0, 2)), (("2", KeyboardInterrupt()), (1, 1))],
)  # fmt: skip
def test_however_a_round_ends_there_is_a_score(given, score):
    one = Riddle("no exp", ["no mask", "no exp"], {"loss: a": 2.0}, {"loss: a": 1.0})
    assert tuple(play([one, one], replies(*given), lambda text: None).values()) == score


def test_ctrl_c_while_one_is_trained_takes_the_bug_out(quick, monkeypatch):
    def stopped(seed):
        raise KeyboardInterrupt

    asked, before = riddles(0), [state(place) for bug in BUGS.values() for place in bug.puts]

    def all_asked():
        yield next(asked)
        monkeypatch.setitem(evidence.GROUPS, "loss", stopped)
        yield next(asked)

    assert play(all_asked(), replies(""), lambda text: None) == {"right": 0, "answered": 1}
    assert before == [state(place) for bug in BUGS.values() for place in bug.puts]


def test_what_differs_is_marked():
    usual = {"training: a": 1.0, "training: b": 1.0, "loss: c": 0.0, "loss: d": 1.0, "scores: e": -1.0}
    found = usual | {"training: a": 2.0, "loss: c": 1e-12, "loss: d": -1.0, "scores: e": -1.05}
    lines = laid_out(Riddle("no exp", ["no mask", "no exp"], found, usual)).splitlines()
    assert [" ".join(line.split()) for line in lines if not line.startswith("training: ")] == [
        "healthy this one", "a 1 2 <", "b 1 1", "loss: The loss of given embeddings: do both sides count alike?",
        "d 1 -1 <", "as usual: gradients, towers, shared, learning, decoder, scores", "", "1 no mask", "2 no exp",
    ]  # fmt: skip


def test_the_loss_is_drawn_where_it_was_measured():
    """Between the first step and the last; in blocks, none of which is above a full one; no number no matter."""
    found, steps = healthy("training"), plain.FEW
    rows = evidence.curve_of(found)
    assert [rows[0]["step"], rows[-1]["step"]] == [1, steps]
    assert rows[0]["loss"] > rows[0]["chance"] - 0.5 > rows[-1]["loss"] > rows[-1]["caption_floor"]
    lost = found | dict.fromkeys(list(guess.DRAWN)[:3], np.nan) | {"training: loss at 0 %": np.inf}
    said = laid_out(Riddle("no exp", ["no mask", "no exp"], lost, found))
    usual, this = (
        next(line for line in said.splitlines() if f"loss, {who}" in line) for who in ("healthy", "this one")
    )
    assert {*usual.split()[-1]} <= {*guess.BLOCKS}
    assert usual.split()[-1][0] == this.split()[-1][0] == guess.BLOCKS[-1]
    assert len(usual.split()[-1]) == len(rows)
    assert not any(f"{sign.partition(': ')[2]} " in said for sign in guess.DRAWN)


def test_the_lab_draws_every_loss_it_measured():
    """The healthy one first, then the worst; and none of a bug that was not trained with."""
    signs = healthy("training")
    curves = of_one("healthy", signs) | of_one("no exp", signs) | of_one("no mask", {"scores: a": 1.0})
    scores = {row: {"mean": value} for row, value in (curves | {"the loss: no exp": 0.5}).items()}
    logs, words = losses(scores)
    assert list(logs) == ["healthy", "no exp"]
    assert logs["no exp"] == evidence.curve_of(signs)
    assert words["no exp"] == "✗ 50 %"


def test_guessing_from_the_command_line(quick, monkeypatch, capsys):
    assert cli.main(["lab", "broken", "--guess", "--seed", "3", "--json"]) == 0
    found = json.loads(capsys.readouterr()[0])
    assert found["seed"] == 3
    assert [one["answer"] for one in found["riddles"]] == [one.answer for one in riddles(3)]
    monkeypatch.setattr("sys.stdin", io.StringIO())
    assert cli.main(["lab", "broken", "--guess"]) == 0
    assert capsys.readouterr()[0].endswith("0 of 0 right\n")


@pytest.mark.parametrize("words", [["templates"], ["broken", "--out", "x"]])
def test_only_broken_is_guessed(words, capsys):
    assert cli.main(["lab", *words, "--guess"]) == 3
    assert "got --guess for the lab " in capsys.readouterr()[1]


def test_every_bug_has_its_bars():
    rows = [bar.row for bar in LAB.bars]
    assert all(f"{name}: {bug.symptom.row}" in rows and f"healthy: {bug.symptom.row}" in rows
               for name, bug in BUGS.items())  # fmt: skip
    assert plain.FEW < plain.STEPS
