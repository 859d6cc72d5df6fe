"""One contract for every layer, operation, loss and tower: what any of them may do to its arguments, and may not."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from cases import CASES, LOSSES, Sizes, build
from hypothesis import given, settings
from hypothesis import strategies as st

from miniclip.nn.cache import forgetting
from miniclip.nn.tree import flatten

EACH = pytest.mark.parametrize("name", sorted(CASES))
BATCHED = pytest.mark.parametrize("name", sorted(CASES.keys() - LOSSES.keys() - {"clip"}))  # rows that do not meet


def arrays(tree):
    """Every array of nested tuples, lists and dicts; a cache may also hold shapes, names and numbers."""
    if isinstance(tree, dict | list | tuple):
        return [x for child in (tree.values() if isinstance(tree, dict) else tree) for x in arrays(child)]
    return [tree] if isinstance(tree, np.ndarray | np.generic) else []


def answers(case, dy):
    """The output and all gradients, by name."""
    y, c = case.run()
    return {"y": y} | flatten(case.gradients(dy, c))


def upstream(case):
    return np.asarray(case.upstream(np.random.default_rng(1)))


def same(ours, expected, tolerance=1e-12):
    assert ours.keys() == expected.keys()
    for name, x in expected.items():
        assert np.shape(ours[name]) == np.shape(x), name
        assert np.allclose(ours[name], x, rtol=tolerance, atol=tolerance), name


def rows(case, keep):
    """The case with these rows of the batch."""
    part = case.map(lambda x: x)
    part.inputs = [x[keep] for x in case.inputs]
    return part


@EACH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_dtype_is_kept_in_the_output_the_cache_and_every_gradient(name, dtype):
    case = build(name).map(lambda x: x.astype(dtype) if x.dtype.kind == "f" else x)
    y, c = case.run()
    found = arrays(c) + [y, *flatten(case.gradients(dtype(1) * upstream(case).astype(dtype), c)).values()]
    assert len(found) > 1
    assert {x.dtype for x in found if x.dtype.kind == "f"} == {np.dtype(dtype)}


@EACH
def test_gradients_have_the_names_and_shapes_of_what_they_belong_to(name):
    case = build(name)
    g, leaves = flatten(case.gradients(upstream(case), case.run()[1])), flatten(case.leaves())
    assert g.keys() == leaves.keys()
    assert all(np.shape(g[tensor]) == x.shape for tensor, x in leaves.items())


def strided(x):
    wide = np.zeros([2 * n for n in x.shape], x.dtype)
    view = wide[tuple(slice(None, None, 2) for _ in x.shape)]
    view[...] = x
    return view


def reversed_view(x):
    return np.flip(np.flip(x).copy())


def read_only(x):
    x = x.copy()
    x.setflags(write=False)
    return x


def big_endian(x):
    return x.astype(x.dtype.newbyteorder(">"))


@EACH
@pytest.mark.parametrize("layout", [strided, reversed_view, read_only, big_endian, np.asfortranarray])
def test_the_layout_of_memory_does_not_matter(name, layout):
    case = build(name)
    dy = upstream(case)
    changed = case.map(lambda x: layout(x) if x.ndim else x)
    same(answers(changed, layout(dy) if dy.ndim else dy), answers(case, dy))


@EACH
def test_forward_and_backward_leave_their_arguments_and_the_cache_alone_and_repeat_themselves(name):
    case = build(name)
    before = [x.copy() for x in arrays([case.inputs, case.params])]
    y, c = case.run()
    dy = upstream(case)
    kept_y, kept_dy, kept_c = y.copy(), dy.copy(), [x.copy() for x in arrays(c)]
    first = flatten(case.gradients(dy, c))
    second = flatten(case.gradients(dy, c))
    assert all(np.array_equal(first[tensor], second[tensor]) for tensor in first)
    assert np.array_equal(case.run()[0], y)
    for now, then in zip([*arrays([case.inputs, case.params]), y, dy, *arrays(c)],
                         [*before, kept_y, kept_dy, *kept_c], strict=True):  # fmt: skip
        assert np.array_equal(now, then)


@BATCHED
@settings(max_examples=5)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_rows_of_a_batch_do_not_meet(name, seed):
    """Any selection of rows gives that selection of outputs and of input gradients, and parameter gradients add up."""
    case, rng = build(name, seed), np.random.default_rng(seed)
    dy = upstream(case)
    whole = answers(case, dy)
    order = rng.permutation(len(dy))
    for keep in (order, order[:1], order[:2]):
        part = answers(rows(case, keep), dy[keep])
        for tensor, x in part.items():
            if not tensor.startswith("params"):
                assert np.allclose(x, whole[tensor][keep], rtol=1e-11, atol=1e-11), tensor
    halves = [answers(rows(case, keep), dy[keep]) for keep in (order[:2], order[2:])]
    for tensor in part.keys() - {"y"}:
        if tensor.startswith("params"):
            assert np.allclose(halves[0][tensor] + halves[1][tensor], whole[tensor], rtol=1e-10, atol=1e-10), tensor


@BATCHED
def test_an_empty_batch_has_an_empty_answer_and_no_gradient(name):
    case = rows(build(name), slice(0, 0))
    y, c = case.run()
    assert len(y) == 0
    for tensor, g in flatten(case.gradients(np.zeros(np.shape(y)), c)).items():
        assert not np.any(g), tensor
        assert np.shape(g) == flatten(case.leaves())[tensor].shape


@BATCHED
def test_nan_is_not_hidden_and_stays_in_its_row(name):
    case = build(name)
    for i, x in enumerate(case.inputs):
        if x.dtype.kind == "f":
            case.inputs[i] = x.copy()
            case.inputs[i][1] = np.nan
            y = case.run()[0]
            assert np.isnan(y[1]).any()
            assert np.isfinite(np.delete(y, 1, 0)).all()
            case.inputs[i] = x


@pytest.mark.parametrize("name", sorted(LOSSES))
def test_nan_is_not_hidden_in_a_loss(name):
    case = build(name)
    case.inputs[0][1] = np.nan
    with np.errstate(invalid="ignore"):  # logaddexp also warns
        assert np.isnan(case.run()[0]).any()


@EACH
def test_nan_in_a_parameter_is_not_hidden(name):
    params = build(name).params
    for tensor in flatten({} if params is None else params):
        case = build(name)
        flatten(case.params)[tensor][...] = np.nan
        assert np.isnan(case.run()[0]).any(), tensor


def test_one_sequence_of_one_token_works():
    for name in ("attention", "attention, causal", "block", "layer_norm", "linear", "embedding", "position", "prepend"):
        case = build(name, sizes=Sizes(B=1, T=1, V=3))
        y, c = case.run()
        assert np.isfinite(y).all()
        assert all(np.isfinite(g).all() for g in flatten(case.gradients(upstream(case), c)).values())


@EACH
def test_where_nothing_is_kept_the_values_are_the_same(name):
    """Bit for bit. The cache of what is made of layers is empty then, in this thread, and for no longer."""
    case = build(name)
    y, kept = case.run()
    with forgetting:
        again, c = case.run()
        with ThreadPoolExecutor(1) as other:
            _, elsewhere = other.submit(case.run).result()
    assert np.array_equal(y, again)
    _, later = case.run()
    assert len(arrays(kept)) == len(arrays(elsewhere)) == len(arrays(later))
    if type(kept) is dict:
        assert arrays(kept)
        assert not arrays(c)
