"""The labs: each runs fast and its claims point the right way; the harness keeps what was measured."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from miniclip.app import cli
from miniclip.app.arguments import LAB_NAMES
from miniclip.data.captions import is_true, truth_matrix
from miniclip.data.grammar import WORDS
from miniclip.data.world import COLOURS, SHAPES, STYLES
from miniclip.errors import CheckpointError, DataError, InputError, Interrupted
from miniclip.labs import (
    bias,
    catalogue,
    descriptions,
    ensemble,
    harness,
    noisy_web,
    out_of_domain,
    parts,
    registers,
    scaling,
    understanding,
    unsaid,
)
from miniclip.labs import sweeps as kept
from miniclip.labs.bugs.known import BUGS
from miniclip.labs.harness import Bar, Lab, run_lab, with_intervals
from miniclip.learn.specs import all_exercises
from miniclip.nn.tree import add_trees, pack
from miniclip.tasks.probes import cache_scores, probe_scores, ridge_probe
from miniclip.train.sources import World


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


KNOWN = pytest.mark.parametrize("name", sorted(path.stem for path in harness.MEASURED.glob("*.csv")))


@KNOWN
def test_a_table_in_the_package_is_one_that_its_lab_wrote(name):
    """Its means and intervals are those of its seeds, its bars are met, and what is drawn is there."""
    scores, lab = harness.known_scores(name), catalogue.find_lab(name)
    assert harness.as_table(scores) == (harness.MEASURED / f"{name}.csv").read_bytes()
    seeds = {seed: {row: cells[f"seed {seed}"] for row, cells in scores.items()} for seed in range(3)}
    assert with_intervals(seeds) == scores
    assert set(lab.shown) <= set(scores)
    assert all(bar.met(scores) for bar in lab.bars)


@KNOWN
@pytest.mark.nightly
def test_a_table_in_the_package_is_what_its_lab_finds(name):
    """Seed 0 again, on this machine: where the three seeds say, or a tenth beside."""
    scores, lab = harness.known_scores(name), catalogue.find_lab(name)
    found = lab.measure(0, False, lambda text: None)
    assert found.keys() == scores.keys()
    assert not {row: found[row] for row in lab.shown
                if not scores[row]["low"] - 0.1 <= found[row] <= scores[row]["high"] + 0.1}  # fmt: skip


def test_probes_find_classes_that_are_apart_and_chance_where_there_are_none():
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    apart = np.eye(3)[labels] + 0.1 * rng.standard_normal((60, 3))
    for scores in (lambda x, y: probe_scores(ridge_probe(x, labels, 3), y), lambda x, y: cache_scores(y, x, labels, 3)):
        assert (scores(apart, apart + 0.1 * rng.standard_normal((60, 3))).argmax(1) == labels).mean() == 1
    noise = rng.standard_normal((60, 3))
    guessed = probe_scores(ridge_probe(noise, labels, 3), rng.standard_normal((600, 3))).argmax(1)
    assert abs((guessed == np.arange(600) % 3).mean() - 1 / 3) < 0.1


@pytest.mark.parametrize("bins", [1, 10, 15])
def test_the_calibration_error_is_that_of_the_exercise(bins):
    """One error, in the lab, in the lecture figure and in exercise 9.3; its bins hold every picture once."""
    rng = np.random.default_rng(bins)
    p = rng.dirichlet(np.full(3, 0.3), 400)
    right = rng.random(400) < 0.6
    expected = all_exercises()["9.3"].solutions["expected_calibration_error"](p.max(1), right, bins)
    assert out_of_domain.calibration_error(p, right, bins) == pytest.approx(expected)
    many, sure, share = out_of_domain.reliability(p, right, bins).T
    assert many.sum() == 400
    assert many @ sure == pytest.approx(p.max(1).sum())
    assert many @ share == pytest.approx(right.sum())


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
    first = sum(SHAPES[s] in text.split(" and ")[0] for s, text in zip(scenes.shape[:, 0], texts, strict=True))
    assert 120 < first < 280
    alone = source.scenes(np.arange(400)[7:9])
    assert [scene.tolist() for scene in alone.colour] == scenes.colour[7:9].tolist()
    assert len({*understanding.TwoObjects(3).write(understanding.TwoObjects(3).scenes(np.arange(400)))}) > 200


def test_corpora_of_a_bias_differ_in_their_shapes_alone():
    numbers = np.arange(4000)
    often, seldom = (bias.Skewed(3, share).scenes(numbers) for share in (0.9, 0.1))
    for name in ("key", "style", "count", "colour", "size", "row", "column"):
        assert (getattr(often, name) == getattr(seldom, name)).all()
    for scenes, share in ((often, 0.9), (seldom, 0.1)):
        shares = np.bincount(bias.kinds_of(scenes), minlength=4) / len(numbers)
        assert shares == pytest.approx(np.array([share, 1 - share, 1 - share, share]) / 2, abs=0.02)


def test_a_balanced_corpus_has_the_pairs_of_the_skewed_one_and_each_kind_as_often():
    source = bias.Balanced(3, 0.9)
    scenes, skewed = source.scenes(np.arange(4000)), bias.Skewed(3, 0.9).scenes(np.arange(bias.POOL))
    assert np.bincount(bias.kinds_of(scenes)) / 4000 == pytest.approx(0.25, abs=0.02)
    assert {*zip(scenes.key, bias.kinds_of(scenes), strict=True)} <= {
        *zip(skewed.key, bias.kinds_of(skewed), strict=True)
    }


@pytest.mark.parametrize("source", [bias.Skewed(3, 0.9), bias.Balanced(3, 0.9), unsaid.RarelySaid(3, 20, 100)])
def test_a_pair_of_a_lab_s_corpus_is_the_same_in_any_batch(source):
    images, ids, texts = source.pairs(np.arange(12))
    some, few, said = source.pairs([7, 2])
    assert (some == images[[7, 2]]).all()
    assert (few == ids[[7, 2]]).all()
    assert said == [texts[7], texts[2]]
    assert (ids != source.tokenizer.unk).all()


def test_a_gap_by_hand():
    """Shares 0, 1/2, 1/2, 0 of 2: the gap is 1/2; each p (1 - p) / n is 3/32 or 1/8, of which a quarter is added up."""
    gap, variance = bias.gap_of([(0, 2), (1, 2), (1, 2), (0, 2)])
    assert gap == 0.5
    assert variance == pytest.approx((2 * 3 / 32 + 2 / 8) / 4)
    assert bias.gap_of([(1, 2), (0, 2), (0, 2), (1, 2)])[0] == -0.5


@pytest.mark.parametrize("mentions", [0, 1, 30, 1000])
def test_so_many_captions_say_the_style_and_the_others_do_not(mentions):
    source = unsaid.RarelySaid(3, mentions, 1000)
    images, _, texts = source.pairs(np.arange(1000))
    scenes = source.scenes(np.arange(1000))
    said = [{*text.split()} & registers.SAY_STYLE for text in texts]
    assert sum(map(bool, said)) == mentions
    assert all(words <= {STYLES[style]} for words, style in zip(said, scenes.style, strict=True))
    assert (images == unsaid.RarelySaid(3, 500, 1000).pairs(np.arange(1000))[0]).all()
    assert all(is_true(text, scenes[[i]])[0] for i, text in enumerate(texts[:100]))


FAST = {  # bars that must hold in the fast form too
    "templates": {f"{style}: right over wrong" for style in STYLES},
    "ensemble": {"gain: all over one", "order: named otherwise"},
    "descriptions": {f"{descriptions.NEW}: {what}" for what in ("name only", "described", "random words")},
    "out-of-domain": {"inverted: templates gain", "channels exchanged: templates gain", "inverted: 10 labels gain",
                      "channels exchanged: 10 labels gain", "edges: 10 labels gain"},
    "fine-tune": {"lost: full", "lost: line"},
    "label-economy": {"probe gain"},
    "understanding": {*(f"swap: {name}" for name in (*understanding.IN_VAIN, understanding.BOTH)),
                      "negation: is shown", "counting: single objects", "counting: asked",
                      "words: in any order"},
    "bias": {"deviations: 90 % and 50 %", "deviations: 50 % and 10 %", "gap, grainy: 90 %", "gap, grainy: 10 %"},
    "unsaid": {"from chance: 0 captions", "probe: 0 captions", "zero-shot: 30,000 captions"},
    "batch-size": {"cost: 128 pairs", "equal words: difference", "recovered: no text twice"},
    "hard-negatives": {"one word: random", "exchanged: untrained"},
    "noisy-web": {"gain: oracle", "recovered: CLIP score", "recovered: random"},
    "scaling": {"floor not taken off: error"},
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


def test_popular_pairs_are_so_many_and_show_what_they_say():
    from miniclip.labs.popular import THINGS, Apart, Few, Popular

    for source in (Popular(3, 0.6), Few(3, 0.6, 1500)):
        scenes = source.scenes(np.arange(1500))
        thing, texts = source.popular(scenes), source.write(scenes)
        assert (thing >= 0).mean() == pytest.approx(0.6, abs=0.05)
        assert {*thing[thing >= 0].tolist()} == {*range(len(THINGS))}
        assert all(is_true(text, scenes[[i]])[0] for i, text in enumerate(texts))
        said = {text for text, k in zip(texts, thing, strict=True) if k >= 0}
        assert len(said) == len(THINGS) if type(source) is Popular else len(said) > 20
        copies = source.groups([text for text, k in zip(texts, thing, strict=True) if k >= 0])
        assert len({*copies.tolist()}) == len(THINGS)
    few = Few(3, 0.6, 40)
    assert sorted(few.scenes(np.arange(40, 80)).key.tolist()) == sorted(few.scenes(np.arange(40)).key.tolist())
    assert few.scenes(np.arange(40, 80)).key.tolist() != few.scenes(np.arange(40)).key.tolist()
    apart = [Apart(3, 0.6).pairs(np.arange(32) + 32 * step)[2] for step in (0, 1)]
    assert [len({*texts}) for texts in apart] == [32, 32]
    assert apart[0] != apart[1]


def test_of_equal_words_infonce_and_multi_positive_are_the_same_function():
    """And not of equal meaning in other words."""
    from miniclip.labs.batch_size import loss_difference
    from miniclip.train.step import contrastive_loss

    assert loss_difference(3) < 1e-6
    rng = np.random.default_rng(0)
    image, text = (one / np.linalg.norm(one, axis=1, keepdims=True) for one in rng.standard_normal((2, 6, 4)))
    losses = [contrastive_loss(image, text, {"logit_scale": np.array(1.0)}, loss, np.array([0, 0, 0, 1, 2, 3]))[0]
              for loss in ("info_nce", "multi_positive")]  # fmt: skip
    assert abs(losses[0] - losses[1]) > 1e-3


def test_a_mined_batch_has_a_text_and_then_those_nearest_to_it_of_other_meanings():
    from miniclip.labs.hard_negatives import BATCH, Both, Mined, nearest_texts, neighbours

    angles = np.radians([0, 90, 1, 2, 92, 3, 4, 94, 96, 180])
    text = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    groups = np.array([0, 1, 0, 2, 3, 4, 5, 6, 7, 8])  # the nearest to the first means the same
    assert nearest_texts(text, groups, 8).tolist() == [0, 3, 5, 6, 1, 4, 7, 8]
    keys = [Mined(3).scenes(np.arange(BATCH) + BATCH * step).key for step in (0, 1)]
    assert len({*np.concatenate(keys).tolist()}) == 2 * BATCH
    assert neighbours(Mined(3), 4) > neighbours(Both(3), 4)


def test_the_captions_of_two_objects_are_true_and_their_negatives_one_word_or_an_exchange_apart():
    from miniclip.data.captions import is_true
    from miniclip.data.negatives import falsify
    from miniclip.labs.hard_negatives import Both, words_apart

    source = Both(3)
    scenes = source.scenes(np.arange(200))
    texts = source.write(scenes)
    assert all(is_true(text, scenes[[i]])[0] for i, text in enumerate(texts))
    assert (source.tokenizer.encode(texts) != source.tokenizer.unk).all()
    for text, false in zip(texts, falsify(texts, scenes), strict=True):
        apart = words_apart(text, false)
        assert apart == 1 or (apart == 2 and sorted(text.split()) == sorted(false.split()))


def test_the_gradient_of_written_negatives_is_that_of_finite_differences():
    from miniclip.labs.hard_negatives import negatives_backward, negatives_forward

    rng = np.random.default_rng(0)
    found = [one / np.linalg.norm(one, axis=1, keepdims=True) for one in rng.standard_normal((3, 5, 4))]
    at = [*found, np.array(1.2)]
    _, c = negatives_forward(*at)
    dimage, dtext, dscale = negatives_backward(c)
    for i, gradient in enumerate((dimage, dtext[:5], dtext[5:], dscale)):
        step = rng.standard_normal(np.shape(at[i]))
        two = [negatives_forward(*at[:i], at[i] + sign * 1e-5 * step, *at[i + 1 :])[0] for sign in (1, -1)]
        assert (two[0] - two[1]) / 2e-5 == pytest.approx(float((gradient * step).sum()), rel=1e-6)


def test_each_pair_of_the_web_is_of_its_kind():
    web = noisy_web.Web(3, 1500)
    scenes = web.scenes(np.arange(1500))
    is_kind = [np.flatnonzero(web.kinds == k) for k in range(len(noisy_web.KINDS))]
    assert np.abs([len(rows) / 1500 for rows in is_kind] - noisy_web.SHARES).max() < 0.05
    right, wrong, junk, repeated, boastful = is_kind
    true = web.write(scenes)
    assert all(web.texts[i] == true[i] for i in right)
    assert sorted(web.texts[i] for i in wrong) == sorted(true[i] for i in wrong)
    assert np.mean([web.texts[i] == true[i] for i in wrong]) < 0.05
    assert {"a picture", "an image"} < {web.texts[i] for i in junk}
    pairs = noisy_web.Collected(web.images, web.texts, web.images, web.images)
    mask = noisy_web.deduplicated(pairs)
    assert mask[repeated].sum() == noisy_web.ORIGINALS
    assert mask[right].all()
    for i in boastful:
        said = [word for word in web.texts[i].split() if word in COLOURS]
        assert len(said) == 3
        assert COLOURS[scenes.colour[i, 0]] in said
        assert web.texts[i].endswith(SHAPES[scenes.shape[i, 0]])
    assert (web.ids != web.tokenizer.unk).all()


def test_training_goes_round_what_is_kept():
    web = noisy_web.Web(3, 300)
    web.kept = np.arange(5, 12)
    _, _, texts = web.pairs(np.arange(3 * 7))
    assert all(sorted(texts[turn : turn + 7]) == sorted(web.texts[5:12]) for turn in (0, 7, 14))
    assert texts[:7] != texts[7:14]
    assert web.pairs(np.array([9, 2]))[2] == [texts[9], texts[2]]


@pytest.mark.parametrize(
    ("mask", "said"),
    [(np.ones(299, bool), r"returned bool of shape \(299,\) with 299 kept"), (np.ones(300), "keep returned float64"),
     (np.arange(300) < 20, "with 20 kept, expected 300 of bool, at least 128 kept")],
)  # fmt: skip
def test_a_filter_of_ones_own_is_checked(mask, said):
    with pytest.raises(InputError, match=said):
        noisy_web.checked(mask, 300, 128)


def test_a_power_law_is_found_where_there_is_one():
    sizes, pairs = (grid.ravel() for grid in np.meshgrid([1e3, 2e3, 5e3], [1e4, 3e4, 8e4]))
    law, fit_of = scaling.power_law(sizes, pairs, 70 * sizes**-0.4 * pairs**-0.25)
    assert np.allclose(law, [np.log(70), 0.4, 0.25])
    assert fit_of == pytest.approx(1)
    assert scaling.value_at(law, 1e4, 1e5) == pytest.approx(70 * 1e4**-0.4 * 1e5**-0.25)
    _, fit_with_floor = scaling.power_law(sizes, pairs, 0.3 + 70 * sizes**-0.4 * pairs**-0.25)
    assert fit_with_floor < 0.9999


def test_a_locked_tower_s_gradient_is_that_of_finite_differences():
    rng, source = np.random.default_rng(0), World(0)
    model = scaling.Locked(4, 5, source, rng)
    _, params = pack(model.params, np.float64)
    texts = source.write(source.scenes(np.arange(6)))
    pairs = scaling.Seen(rng.standard_normal((6, 5)), source.tokenizer.encode(texts))
    _, trees, _ = model.contrast(pairs, slice(0, 6), params)
    found = add_trees(trees, params)
    for path in (("map", "weight"), ("text", "text_projection", "weight")):
        weight, gradient = params, found
        for name in path:
            weight, gradient = weight[name], gradient[name]
        step, start, two = rng.standard_normal(weight.shape), weight.copy(), []
        for sign in (1, -1):
            weight[...] = start + sign * 1e-5 * step
            two.append(model.contrast(pairs, slice(0, 6), params)[0])
        weight[...] = start
        assert (two[0] - two[1]) / 2e-5 == pytest.approx((gradient * step).sum(), rel=1e-5)


def test_the_numbers_of_figures_are_those_of_their_code():
    """The quickest row anew; each training there is once."""
    rows = kept.read_measured("batch size")
    assert kept.batch_size(0, 16, kept.STEPS)["first hit"] == pytest.approx(rows[0]["first hit"], abs=0.01)
    assert len({(row["seed"], row["batch"], row["steps"]) for row in rows}) == len(rows)
    assert {row["seed"] for row in rows} == {*kept.SEEDS}
    assert {row["batch"] for row in rows} == {*kept.SIZES}


@pytest.mark.nightly
def test_the_bias_of_a_figure_is_that_of_the_lab():
    for old, new in zip(kept.read_measured("bias"), kept.biases(), strict=True):
        assert new["misnamed"] == pytest.approx(old["misnamed"], abs=0.03)
        assert (old["corpus"], old["kind"]) == (new["corpus"], new["kind"])
