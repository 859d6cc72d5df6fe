"""The labs: each runs fast and its claims point the right way; the harness keeps what was measured."""

import json
import math

import numpy as np
import pytest

from miniclip.app import cli
from miniclip.app.arguments import LAB_NAMES
from miniclip.errors import CheckpointError, Interrupted
from miniclip.labs import catalogue, harness
from miniclip.labs.harness import Bar, Lab, run_lab, with_intervals
from miniclip.tasks.probes import cache_scores, probe_scores, ridge_probe


def counted(calls):
    """A lab that counts how often it is asked."""

    def measure(seed, fast, tell):
        calls.append(seed)
        tell("measuring")
        return {"a: x": 0.5 + 0.1 * seed, "a: y": float(fast)}

    return Lab("why?", measure, [Bar("a: x", "more", least=0.55), Bar("a: y", "less", most=0.5)], ["a: x"])


def test_what_was_measured_is_kept(tmp_path):
    calls = []
    first = run_lab("one", counted(calls), tmp_path / "out", [0, 1])
    again = run_lab("one", counted(calls), tmp_path / "out", [0, 1, 2])
    assert calls == [0, 1, 2]
    assert {row: again[row]["seed 1"] for row in again} == {row: first[row]["seed 1"] for row in first}
    table = (tmp_path / "out" / "one.csv").read_text().splitlines()
    assert table[0] == "row,mean,low,high,seed 0,seed 1,seed 2"
    with pytest.raises(CheckpointError, match="holds another lab"):
        run_lab("two", counted(calls), tmp_path / "out", [0])
    with pytest.raises(CheckpointError, match="holds another lab"):
        run_lab("one", counted(calls), tmp_path / "out", [0], fast=True)


def test_a_signal_ends_a_lab_and_keeps_the_seeds_that_are_done(tmp_path, monkeypatch):
    import signal

    calls = []
    lab = counted(calls)

    def tell(text):
        if text == "seed 1":
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted, match=r"1 of 3 seeds are kept in .*: give the same command again") as caught:
        run_lab("one", lab, tmp_path / "out", [0, 1, 2], tell=tell)
    assert caught.value.exit_code == 130
    run_lab("one", lab, tmp_path / "out", [0, 1, 2])
    assert calls == [0, 1, 2]


def test_means_and_intervals():
    """Three numbers by hand: the mean of 1, 2, 3 is 2, s = 1, t = 4.303."""
    found = with_intervals({seed: {"x": seed + 1.0} for seed in range(3)})["x"]
    assert found["mean"] == 2
    assert found["high"] - 2 == pytest.approx(4.303 / math.sqrt(3))
    assert with_intervals({0: {"x": 1.0}})["x"] == {"mean": 1.0, "seed 0": 1.0}
    assert Bar("x", "", least=2.0).met({"x": found})
    assert not Bar("x", "", most=1.9).met({"x": found})
    assert harness.said_of(Bar("x", "so much", least=2.5), {"x": found}) == "MISSED: x 2.000, at least 2.5: so much"


def test_probes_find_classes_that_are_apart_and_chance_where_there_are_none():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    apart = np.eye(3)[labels] + 0.1 * rng.standard_normal((60, 3))
    for scores in (lambda x, y: probe_scores(ridge_probe(x, labels, 3), y), lambda x, y: cache_scores(y, x, labels, 3)):
        assert (scores(apart, apart + 0.1 * rng.standard_normal((60, 3))).argmax(1) == labels).mean() == 1
    noise = rng.standard_normal((60, 3))
    guessed = probe_scores(ridge_probe(noise, labels, 3), rng.standard_normal((600, 3))).argmax(1)
    assert abs((guessed == np.arange(600) % 3).mean() - 1 / 3) < 0.1


def test_names_are_written_down_twice():
    assert LAB_NAMES == catalogue.NAMES
    assert all(isinstance(catalogue.find_lab(name), Lab) for name in LAB_NAMES)


FAST = {  # bars that must hold in the fast form too
    "out-of-domain": {"inverted: templates gain", "channels exchanged: templates gain", "inverted: 10 labels gain",
                      "channels exchanged: 10 labels gain", "edges: 10 labels gain"},
    "fine-tune": {"lost: full", "lost: line"},
    "label-economy": {"probe gain"},
}  # fmt: skip


@pytest.mark.parametrize("name", LAB_NAMES)
def test_a_lab_points_the_right_way(tmp_path, monkeypatch, capsys, name):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", name, "--fast", "--seeds", "0", "--json"]) == 0
    found = json.loads(capsys.readouterr()[0])
    met = {bar["row"]: bar["met"] for bar in found["bars"]}
    assert FAST[name] <= met.keys()
    assert all(met[row] for row in FAST[name]), found["verdicts"]
    shown = catalogue.find_lab(name).shown
    assert any(row in found["scores"] for row in shown)
    assert (tmp_path / found["picture"]).exists()


def test_a_crossing_lies_between_the_amounts_that_enclose_it():
    """On a line over the logarithm: half-way from 1 to 100 is 10."""
    from miniclip.labs.label_economy import crossing

    assert crossing([1, 100], [-0.2, 0.2]) == pytest.approx(10)
    assert crossing([1, 100], [0.1, 0.2]) == 1
    assert crossing([1, 100], [-0.2, -0.1]) == 100


def test_parts_of_a_batch_are_the_whole_and_a_label_s_gradient_is_that_of_finite_differences():
    from miniclip.labs.label_economy import classification
    from miniclip.models.vision import VisionConfig, init_vision, vision_forward
    from miniclip.nn.ops import log_softmax_forward
    from miniclip.nn.tree import add_trees

    rng, config = np.random.default_rng(0), VisionConfig(16, 8, 8, 1, 2)
    params = {"visual": init_vision(rng, config, 3)}
    images, labels = rng.standard_normal((5, 16, 16, 3)), np.array([0, 1, 2, 1, 0])

    def value():
        logits, _ = vision_forward(images, params["visual"], config)
        return -log_softmax_forward(logits)[0][np.arange(5), labels].mean()

    loss, trees, _ = classification(images, labels, params, config)
    found = add_trees(trees, params)["visual"]["proj"]["weight"]
    assert loss == pytest.approx(value())
    weight = params["visual"]["proj"]["weight"]
    step, start = rng.standard_normal(weight.shape), weight.copy()
    two = []
    for sign in (1, -1):
        weight[...] = start + sign * 1e-5 * step
        two.append(value())
    assert (two[0] - two[1]) / 2e-5 == pytest.approx((found * step).sum(), rel=1e-5)
