"""The labs: each runs fast and its claims point the right way; the harness keeps what was measured."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from miniclip.app import cli
from miniclip.app.arguments import LAB_NAMES
from miniclip.data.captions import truth_matrix
from miniclip.data.grammar import WORDS
from miniclip.data.world import SHAPES, STYLES
from miniclip.errors import CheckpointError, DataError, Interrupted
from miniclip.labs import catalogue, descriptions, ensemble, harness, parts, registers, understanding
from miniclip.labs.bugs.known import BUGS
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


def test_a_word_of_the_register_corpus_has_one_meaning_in_each_register():
    source = registers.Registers(3)
    scenes = source.scenes(np.arange(4000))
    texts = source.write(scenes)
    for name, shapes in registers.MEANINGS.items():
        for r, shape in enumerate(shapes):
            there = registers.REGISTER[scenes.style] == r
            drawn = scenes.shape[:, 0] == SHAPES.index(shape)
            said = np.array([name in text.split() for text in texts])
            plain = np.array([bool({*WORDS[shape]} & {*text.split()}) for text in texts])
            assert (said & there).sum() > 50
            assert not (said & there & ~drawn).any()
            assert not (plain & there).any()
            assert (plain & ~there).sum() > 20
    assert (source.tokenizer.encode(texts) != source.tokenizer.unk).all()


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_runs_of_the_register_corpus_are_in_the_package(seed):
    model = registers.reader_of_registers(seed, tell=lambda text: pytest.fail("it is trained"))
    assert model.digest
    assert model.config.embed_dim == registers.RECIPE.embed_dim
    assert {*registers.MEANINGS} < {*model.tokenizer.words}


def test_what_is_never_drawn_is_never_drawn_nor_said():
    source = parts.Parts(3)
    scenes = source.scenes(np.arange(3000))
    assert {parts.NAMES[k] for k in scenes.shape[:, 0]} == {*parts.SEEN}
    said = {word for text in source.write(scenes) for word in text.split()}
    assert said == parts.SAID_WORDS
    assert {*parts.UNSEEN, *parts.TWINS.values()} <= {*parts.UNSAID}
    for sentences in descriptions.read_descriptions().values():
        assert {word for one in sentences for word in one.split()} <= said
    parts_of = dict(zip(parts.NAMES, parts.PARTS, strict=True))
    assert not {parts_of[name] for name in parts.UNSEEN} & {parts_of[name] for name in parts.SEEN}
    assert all(parts_of[one] == parts_of[other] for one, other in parts.TWINS.items())


def test_a_hole_is_a_hole():
    """In every style the deepest point inside a shape is painted where it is whole, and left where it has a hole."""
    axis = np.linspace(-1.2, 1.2, 97)
    whole, hollow = parts.distances_of_parts(axis[None, :], axis[:, None]).reshape(-1, 2, 97 * 97).transpose(1, 0, 2)
    assert (whole.min(1) < -parts.WALL - 0.1).all()
    assert (hollow[np.arange(len(hollow)), whole.argmin(1)] > 0.1).all()
    assert ((hollow > 0) >= (whole > 0)).all()
    scenes = replace(parts.scenes_of(0, "A", [0], ["disc"]), colour=np.array([[0, -1, -1]]))
    pictures = [parts.pictures_of_parts(replace(scenes, shape=np.array([[k, -1, -1]]))) for k in (0, 1)]
    assert np.abs(pictures[0] - pictures[1]).max() > 0.5


@pytest.mark.parametrize("text", ["[]", "{}", '{"disc": []}', '{"disc": "a disc"}', '{"disc": [""]}', '{"disc": [3]}'])
def test_descriptions_of_ones_own_are_checked(tmp_path, text):
    file = tmp_path / "answers.json"
    file.write_text(text)
    with pytest.raises(DataError, match="has no list of sentences for disc: expected one for every shape"):
        descriptions.read_descriptions(file)


def test_ensembles_by_hand():
    """Two classes, two templates, one a long vector: averaged first it decides, normalised first it has one vote."""
    pictures = ensemble.Pictures.__new__(ensemble.Pictures)
    pictures.seen, pictures.labels, pictures.register = np.eye(2), np.array([0, 1]), np.array([0, 1])
    features = np.tile([[[1.0, 0.0], [0.0, 0.9]], [[0.0, 1.0], [9.0, 0.0]]], (2, 1, 1, 1))
    assert pictures.names(features.mean(2)).tolist() == [1, 0]
    unit = features / np.linalg.norm(features, axis=-1, keepdims=True)
    assert pictures.accuracy(unit).tolist() == [1.0, 0.0]


def test_complete_captions_are_true_and_every_other_mined_picture_is_the_one_before_with_colours_exchanged():
    source = understanding.TwoObjects(3, complete=True, mined=True)
    scenes = source.scenes(np.arange(400))
    texts = source.write(scenes)
    true = truth_matrix(texts, scenes)
    assert true.diagonal().all()
    assert not true[np.arange(400), np.arange(400) ^ 1].any()
    for name in ("shape", "row", "column", "size", "style"):
        assert (getattr(scenes, name)[::2] == getattr(scenes, name)[1::2]).all()
    assert (scenes.colour[::2, :2] == scenes.colour[1::2, 1::-1]).all()
    assert (
        120 < sum(SHAPES[s] in text.split(" and ")[0] for s, text in zip(scenes.shape[:, 0], texts, strict=True)) < 280
    )
    alone = source.scenes(np.arange(400)[7:9])
    assert [scene.tolist() for scene in alone.colour] == scenes.colour[7:9].tolist()
    assert len({*understanding.TwoObjects(3).write(understanding.TwoObjects(3).scenes(np.arange(400)))}) > 200


FAST = {  # bars that must hold in the fast form too
    "templates": {f"{style}: right over wrong" for style in STYLES},
    "ensemble": {"gain: all over one", "order: named otherwise"},
    "descriptions": {f"{descriptions.NEW}: {what}" for what in ("name only", "described", "random words")},
    "out-of-domain": {"inverted: templates gain", "channels exchanged: templates gain", "inverted: 10 labels gain",
                      "channels exchanged: 10 labels gain", "edges: 10 labels gain"},
    "fine-tune": {"lost: full", "lost: line"},
    "label-economy": {"probe gain"},
    "understanding": {*(f"swap: {name}" for name in (*understanding.IN_VAIN, understanding.BOTH)),
                      "negation: shows what is not wanted", "counting: single objects", "counting: asked",
                      "words: in any order"},
    "broken": {"the loss: healthy", *(f"{name}: {bug.symptom.row}" for name, bug in BUGS.items()),
               *(f"healthy: {bug.symptom.row}" for bug in BUGS.values())},
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
