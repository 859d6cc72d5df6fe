"""Ways to fine-tune: what learns is what is named, the gradient at the border is right, and a line has its two ends."""

import json
import signal

import numpy as np
import pytest
from PIL import Image

from miniclip.app import cli
from miniclip.data.drawing import draw_scenes
from miniclip.files.checkpoint import load
from miniclip.labs.domains import DOMAINS, NAMES, classes_of, fine_tuned, labelled
from miniclip.nn.tree import flatten
from miniclip.train import run as run_module
from miniclip.train.fine_tune import FULL, PROBE, SHARE, between, low_rank

WAYS = {"full": FULL, "probe": PROBE, "low-rank": low_rank(2)}
CHANGES = {
    "full": lambda name, leaf: True,
    "probe": lambda name, leaf: name == "visual.proj.weight",
    "low-rank": lambda name, leaf: ".blocks." in name and leaf.ndim == 2,
}


@pytest.mark.parametrize("name", WAYS)
def test_only_what_is_named_changes(name):
    model = load()
    new = flatten(fine_tuned(model, labelled(0, 1), "inverted", 0, 2, WAYS[name]).params)
    for leaf, old in flatten(model.params).items():
        if not CHANGES[name](leaf, old):
            assert np.array_equal(new[leaf], old), leaf
    changed = {leaf for leaf, old in flatten(model.params).items() if not np.array_equal(new[leaf], old)}
    assert "visual.proj.weight" in changed or name == "low-rank"
    assert len(changed) >= {"full": 30, "probe": 1, "low-rank": 16}[name]


@pytest.mark.parametrize("name", WAYS)
def test_nothing_changes_before_the_first_step(name):
    old = flatten(load().params)
    changed = WAYS[name].weights(WAYS[name].start(old), old)
    assert changed
    assert all(np.array_equal(leaf, old[at]) for at, leaf in changed.items())


@pytest.mark.parametrize("name", WAYS)
def test_the_gradient_at_the_border_is_that_of_finite_differences(name):
    """Of a weighted sum of all weights, in float64."""
    rng, way = np.random.default_rng(0), WAYS[name]
    old = {"visual.blocks.0.c_fc.weight": rng.normal(size=(6, 4)), "visual.proj.weight": rng.normal(size=(3, 4))}
    g = {at: rng.normal(size=leaf.shape) for at, leaf in old.items()}
    learned = {at: leaf + rng.normal(size=leaf.shape) for at, leaf in way.start(old).items()}

    def value(tree):
        return sum((g[at] * leaf).sum() for at, leaf in way.weights(tree, old).items())

    found = way.gradient(g, learned)
    assert found.keys() == learned.keys()
    for at, leaf in learned.items():
        step = rng.normal(size=leaf.shape)
        two = [value(learned | {at: leaf + sign * 1e-5 * step}) for sign in (1, -1)]
        assert (two[0] - two[1]) / 2e-5 == pytest.approx((found[at] * step).sum(), rel=1e-6)


def test_a_line_has_two_ends_and_a_middle():
    old = load()
    new = old.with_params({**old.params, "logit_scale": old.params["logit_scale"] - 1})
    for share in (0.0, 0.5, 1.0):
        found = between(old, new, share).params
        assert found["logit_scale"] == pytest.approx(old.params["logit_scale"] - share)
        assert np.allclose(found["visual"]["proj"]["weight"], old.params["visual"]["proj"]["weight"])


@pytest.fixture(scope="module")
def inverted(tmp_path_factory):
    """A folder of classes: three pictures of each, with inverted colours."""
    folder, scenes = tmp_path_factory.mktemp("inverted"), labelled(0, 3)
    pixels = np.round(255 * DOMAINS["inverted"](draw_scenes(scenes))).astype(np.uint8)
    for i, (picture, k) in enumerate(zip(pixels, classes_of(scenes), strict=True)):
        (folder / NAMES[k]).mkdir(exist_ok=True)
        Image.fromarray(picture).save(folder / NAMES[k] / f"{i}.png")
    return folder


def finetune(folder, out, *more):
    return cli.main(["finetune", "default", "--data", str(folder), "--out", str(out), "--steps", "6",
                     "--batch-size", "32", "--json", *more])  # fmt: skip


def test_the_command_leaves_a_run_between_old_and_new(inverted, tmp_path, capsys):
    assert finetune(inverted, tmp_path / "run") == 0
    found = json.loads(capsys.readouterr()[0])
    assert (found["pictures"], found["held_out"]) == (138, 15)
    assert {"after", "before"} <= found["scores"]["zero-shot"].keys()
    assert found["scores"]["at home, in the world"]["before"] > 0.98
    old, new, line = load(), load(tmp_path / "run" / "new"), load(tmp_path / "run")
    for name, leaf in flatten(between(old, new, SHARE).params).items():
        assert np.allclose(flatten(line.params)[name], leaf, atol=1e-6), name
    assert cli.main(["eval", str(tmp_path / "run"), "--data", str(inverted), "--json"]) == 0
    assert json.loads(capsys.readouterr()[0])["scores"]["zero-shot"]["n"] == 15
    assert finetune(inverted, tmp_path / "run") != 0
    assert "is not empty" in capsys.readouterr()[1]


def test_a_stopped_one_goes_on_as_if_it_had_never_stopped(inverted, tmp_path, capsys, monkeypatch):
    assert finetune(inverted, tmp_path / "whole") == 0
    fit = run_module.fit

    def stopped(learner, after_step, stop_signal, bar):
        def stop():
            if learner.steps == 3:
                signal.raise_signal(signal.SIGINT)
            return stop_signal()

        return fit(learner, after_step, stop, bar)

    with monkeypatch.context() as patch:
        patch.setattr(run_module, "fit", stopped)
        assert finetune(inverted, tmp_path / "two") == 130
    assert "with --resume" in capsys.readouterr()[1]
    assert finetune(inverted, tmp_path / "two", "--resume") == 0
    assert load(tmp_path / "two").digest == load(tmp_path / "whole").digest


@pytest.mark.parametrize(("more", "said"), [
    (["--steps", "0"], "steps is 0"),
    (["--batch-size", "0"], "batch_size is 0"),
    (["--resume"], "missing"),
])  # fmt: skip
def test_what_cannot_be_is_told_and_leaves_nothing(inverted, tmp_path, capsys, more, said):
    assert finetune(inverted, tmp_path / "run", *more) != 0
    assert said in capsys.readouterr()[1]
    assert not (tmp_path / "run").exists()


def test_a_folder_of_one_picture_is_too_small(inverted, tmp_path, capsys):
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "0.png").write_bytes(next(inverted.rglob("*.png")).read_bytes())
    (tmp_path / "one" / "0.txt").write_text("a red circle")
    assert finetune(tmp_path / "one", tmp_path / "run") != 0
    assert "expected at least 2 different pictures" in capsys.readouterr()[1]
    assert not (tmp_path / "run").exists()
