"""Every backward is the derivative of its forward: the recipe of `nn/gradcheck.py`, on every case of the table."""

import numpy as np
import pytest
from cases import CASES, TOWERS, Sizes, build
from hypothesis import given, settings
from hypothesis import strategies as st

from miniclip.nn.gradcheck import directional_error, gradcheck, gradcheck_tree, numerical_gradient, slope
from miniclip.nn.tree import flatten

TOLERANCE = 1e-7  # of the tensor's own gradient norm
FREE = sorted(CASES.keys() - TOWERS.keys())
WITH_KEYS = {"attention", "cross_attention", "block", "blocks", "vision", "text", "clip", "decoder_block",
             "decoder_blocks", "read", "decoder", "queries bridge", "describe", "see", "match", "fusion"}  # fmt: skip

primes = st.permutations((2, 3, 5, 7, 11)).map(lambda n: n[:3])
sizes = st.builds(lambda n, HK, EV: Sizes(*n, *HK, *EV), primes,
                  st.sampled_from([(2, 3), (3, 2), (2, 5), (3, 5), (1, 5)]),
                  st.sampled_from([(13, 17), (7, 11), (3, 5)]))  # fmt: skip
seeds = st.integers(0, 2**32 - 1)


def gradients(case, seed=1):
    """(objective, leaves, gradients) for a random upstream gradient."""
    y, c = case.run()
    dy = np.random.default_rng((seed, 1)).normal(size=np.shape(y))
    return case.objective(dy), case.leaves(), case.gradients(dy, c)


def key_bias(leaves):
    """The slices of every bias that the keys get: {name: slice}. They have no gradient at all."""
    return {name: slice(len(x) // 3, 2 * len(x) // 3) if "in_proj" in name else slice(len(x) // 2)
            for name, x in leaves.items() if name.endswith(("in_proj.bias", "kv_proj.bias"))}  # fmt: skip


@pytest.mark.parametrize("name", FREE)
def test_every_entry_of_every_gradient_is_the_slope_of_the_forward(name):
    f, leaves, claimed = gradients(build(name))
    errors = gradcheck_tree(f, leaves, claimed)
    assert errors
    assert max(errors.values()) <= TOLERANCE, errors


@pytest.mark.parametrize("name", sorted(CASES))
@settings(max_examples=5)
@given(sizes, seeds)
def test_gradients_are_slopes_at_every_size(name, sizes, seed):
    f, leaves, claimed = gradients(build(name, seed, sizes), seed)
    errors = gradcheck_tree(f, leaves, claimed, np.random.default_rng((seed, 2)))
    assert max(errors.values()) <= TOLERANCE, errors


@settings(max_examples=30)
@given(sizes, seeds)
def test_the_whole_of_clip_and_its_loss_have_right_gradients(sizes, seed):
    f, leaves, claimed = gradients(build("clip", seed, sizes), seed)
    errors = gradcheck_tree(f, leaves, claimed, np.random.default_rng((seed, 2)))
    assert len(errors) == 1 + 1 + 3 * 12 + 8 + 5  # images, scale, blocks, the rest of either tower
    assert max(errors.values()) <= TOLERANCE, errors


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_planted_one_percent_error_is_reported_in_every_tensor(name):
    f, leaves, claimed = gradients(build(name))
    leaves, claimed = flatten(leaves), flatten(claimed)
    for tensor, x in leaves.items():
        error = directional_error(f, x, 1.01 * claimed[tensor], np.random.default_rng((2, 2)))
        assert error > 10 * TOLERANCE, tensor
        if x.size <= 60 and name not in TOWERS:
            error = gradcheck(lambda _: f(), x, 1.01 * claimed[tensor])
            assert error == pytest.approx(0.01 / 1.01, rel=1e-3), tensor


@pytest.mark.parametrize("name", [name for name in CASES if name.split(",")[0] in WITH_KEYS])
def test_the_bias_of_the_keys_has_no_gradient(name):
    _, leaves, claimed = gradients(build(name))
    leaves, claimed = flatten(leaves), flatten(claimed)
    assert key_bias(leaves)
    for tensor, keys in key_bias(leaves).items():
        assert np.abs(claimed[tensor][keys]).max() <= 1e-12
        assert np.abs(claimed[tensor]).max() > 1e-3  # the others of the same tensor do have one


# The instrument itself: a wrong ruler would pass everything above.


def test_the_slope_is_exact_for_quartic_polynomials():
    coefficients = np.array([0.3, -1.7, 0.9, 2.3, -0.4])
    assert slope(lambda t: np.polyval(coefficients, t), 0.5) == pytest.approx(2.3, abs=1e-13)
    fifth = slope(lambda t: t**5, 0.5)
    assert fifth == pytest.approx(-4 * 0.5**4, abs=1e-13)  # the first term it misses: -4 h^4


def test_numerical_gradient_is_entry_by_entry_and_puts_x_back():
    x = np.random.default_rng(0).normal(size=(2, 3))
    kept, weights = x.copy(), np.arange(1.0, 7.0).reshape(2, 3)
    gradient = numerical_gradient(lambda x: float((weights * x * x).sum()), x, 1e-3)
    assert np.allclose(gradient, 2 * weights * kept, rtol=1e-11)
    assert np.array_equal(x, kept)


def test_gradcheck_measures_the_error_relative_to_the_gradient_and_restores_x():
    x = np.array([3.0, 4.0])
    f = lambda x: float(1e-6 * (x * x).sum())  # noqa: E731
    assert gradcheck(f, x, 2e-6 * x) < 1e-8
    assert gradcheck(f, x, 2e-6 * x * [1, 1.01]) == pytest.approx(0.0080 / np.hypot(3, 4.04) * 5, rel=1e-2)
    error = directional_error(lambda: f(x), x, 2e-6 * x * 2, np.random.default_rng(0))
    v = np.random.default_rng(0).standard_normal(2)
    assert error == pytest.approx(abs(x @ v) / np.linalg.norm(v) / 10, rel=1e-6)
    assert np.array_equal(x, [3.0, 4.0])


def test_where_the_claim_is_zero_the_error_is_absolute():
    assert gradcheck(lambda x: float(7 * x[0]), np.zeros(1), np.zeros(1)) == pytest.approx(7)
    x = np.zeros(1)
    assert directional_error(lambda: 7 * x[0], x, np.zeros(1), np.random.default_rng(0)) == pytest.approx(7)


def test_gradcheck_refuses_what_it_cannot_judge():
    with pytest.raises(TypeError, match="float32, expected float64"):
        gradcheck(lambda x: 0.0, np.zeros(2, np.float32), np.zeros(2))
    with pytest.raises(ValueError, match=r"shape \(1,\), expected that of x, \(2,\)"):
        gradcheck(lambda x: 0.0, np.zeros(2), np.zeros(1))
    with pytest.raises(ValueError, match="differ in \\['b', 'c'\\]"):
        gradcheck_tree(lambda: 0.0, {"a": np.zeros(1), "b": np.zeros(1)}, {"a": np.zeros(1), "c": np.zeros(1)})
