"""Ways to fine-tune: what learns is what is named, the gradient at the border is right, and a line has its two ends."""

import numpy as np
import pytest

from miniclip.files.checkpoint import load
from miniclip.labs.domains import fine_tuned, labelled
from miniclip.nn.tree import flatten
from miniclip.train.fine_tune import FULL, PROBE, between, low_rank

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
