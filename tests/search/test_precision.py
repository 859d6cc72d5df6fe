"""A search that may say no: it returns what was promised where the truth is known exactly, on split D, and nothing
where there is nothing to find."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from precision_table import best, flat_cut, flat_cuts, returned, searches

import miniclip
from miniclip.errors import InputError
from miniclip.search.cut import Cut
from miniclip.search.index import Index
from miniclip.search.precision import Judged, likely, rising, world_searches
from miniclip.search.unrelated import discoveries, p_values, unrelated_scores, unrelated_texts
from miniclip.tasks.evaluate import untrained

SCALE = 30.0
LOG_SCALE = float(np.log(SCALE))
CHANCES = st.lists(st.floats(0, 1), max_size=30).map(lambda values: np.sort(values)[::-1])


def unit(rng, *shape):
    x = rng.standard_normal(shape)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def made_up(rng, q: int, n: int):
    """(queries, images, cosines, chance, kind): a picture is right with a chance that is known exactly. Queries are of
    two kinds, and one of them needs a much higher cosine."""
    kind = rng.random((q, 1)) < 0.5
    queries, images = unit(rng, q, 8) + np.where(kind, 1.5, -1.5) * np.eye(8)[0], unit(rng, n, 8)
    queries /= np.linalg.norm(queries, axis=1, keepdims=True)
    cosines = queries @ images.T
    return queries, images, cosines, 1 / (1 + np.exp(-SCALE * (cosines - np.where(kind, 0.7, 0.4)))), kind[:, 0]


@pytest.fixture(scope="module")
def made_up_judged():
    rng = np.random.default_rng(0)
    queries, images, _, chance, _ = made_up(rng, 2000, 1000)
    return Judged(queries, images, rng.random(chance.shape) < chance, LOG_SCALE)


@pytest.mark.parametrize("asked", [0.5, 0.8, 0.9, 0.95])
def test_on_a_mixture_whose_truth_is_known_it_keeps_its_word(made_up_judged, asked):
    """For each kind of query; the chances that are known decide, not drawn truths. A flat cut-off keeps it for none."""
    rng = np.random.default_rng(1)
    queries, _, cosines, chance, kind = made_up(rng, 300, 3000)
    found = made_up_judged.chances(queries, cosines)
    order = np.argsort(-cosines, axis=1)
    amounts = [likely(mine[ranks], asked) for mine, ranks in zip(found, order, strict=True)]
    kept = np.argsort(order, axis=1) < np.array(amounts)[:, None]
    flat = cosines >= flat_cut(cosines, rng.random(chance.shape) < chance, asked)
    for one in (kind, ~kind):
        assert abs(chance[one][kept[one]].mean() - asked) < 0.03
        assert abs(chance[one][flat[one]].mean() - asked) > 0.04


@pytest.fixture(scope="module")
def judged():
    return world_searches(miniclip.load("system"))


@pytest.fixture(scope="module")
def on_d():
    model = miniclip.load("system")
    return [searches(model, seed, 512, "others") for seed in range(4)]


def share_right(kept, found):
    return sum((k & f.right).sum() for k, f in zip(kept, found, strict=True)) / sum(k.sum() for k in kept)


def test_on_split_d_ninety_is_ninety_and_a_flat_cut_off_is_not(judged, on_d):
    """`tests/precision_table.py` has the whole table; of these queries, 40 % have no answer."""
    kept = [returned(one, judged.chances(one.queries, one.cosines), 0.9) for one in on_d]
    assert 0.88 <= share_right(kept, on_d) <= 0.92
    assert sum((k & f.right).sum() for k, f in zip(kept, on_d, strict=True)) / sum(f.right.sum() for f in on_d) > 0.45
    none = [~f.right.any(1) for f in on_d]
    assert np.mean(np.concatenate(none)) > 0.3
    assert sum(k.any(1)[n].sum() for k, n in zip(kept, none, strict=True)) / sum(n.sum() for n in none) < 0.03
    for cut in flat_cuts(miniclip.load("system"), 0.9).values():
        assert share_right([one.cosines >= cut for one in on_d], on_d) < 0.75


@pytest.mark.parametrize("asked", [0.5, 0.8, 0.9, 0.95])
def test_searches_that_bear_each_other_out_demand_no_more_than_was_asked(judged, made_up_judged, asked):
    assert judged.level(asked) == made_up_judged.level(asked) == asked


@pytest.mark.parametrize("queries", [1, 2, 60])
def test_searches_that_do_not_bear_each_other_out_promise_nothing(queries):
    """Right answers drawn at random: each query's own best picture looks certain, and no other query says so."""
    rng = np.random.default_rng(3)
    asked, images = unit(rng, queries, 32), unit(rng, 200, 32)
    cosines = asked @ images.T
    right = np.argsort(np.argsort(-cosines, axis=1), axis=1) == rng.integers(0, 2, (queries, 1)) * 3
    judged = Judged(asked, images, right, LOG_SCALE)
    assert judged.level(0.9) is None
    assert Cut(0.9, judged).ranking(miniclip.load(), Index(images, range(200)), asked[0])[0] == 0


def test_the_more_is_asked_the_less_is_returned(judged, on_d):
    one = on_d[0]
    chances = judged.chances(one.queries, one.cosines)
    amounts = [returned(one, chances, asked).sum(1) for asked in (0.3, 0.5, 0.8, 0.9, 0.95, 0.99)]
    assert all((more >= less).all() for more, less in pairwise(amounts))
    assert amounts[0].sum() > 2 * amounts[-1].sum() > 0


@given(CHANCES, st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_likely_is_the_longest_beginning_that_suffices(chances, a, b):
    n = likely(chances, a)
    assert n == max([k for k in range(len(chances) + 1) if not k or chances[:k].mean() >= a - 1e-9])
    assert likely(chances, max(a, b)) <= likely(chances, min(a, b))


def test_the_order_of_a_gallery_does_not_matter(judged, on_d):
    one, order = on_d[0], np.random.default_rng(0).permutation(512)
    chances = judged.chances(one.queries, one.cosines)
    assert np.array_equal(judged.chances(one.queries, one.cosines[:, order]), chances[:, order])
    assert np.allclose(judged.chances(one.queries[:3], one.cosines[:3]), chances[:3], atol=1e-12)


def test_a_higher_score_is_never_less_likely(judged, on_d):
    one = on_d[0]
    scores = np.tile(np.linspace(-1, 1, 200), (20, 1))
    assert (np.diff(judged.chances(one.queries[:20], scores), axis=1) >= 0).all()


def test_an_untrained_model_finds_nothing():
    model = untrained(miniclip.load())
    judged = world_searches(model, "train")
    for kind in ("others", "mixed"):
        one = searches(model, 0, 256, kind, "A")
        assert not returned(one, judged.chances(one.queries, one.cosines), 0.9).any()


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=12))
def test_rising_pools_what_would_fall_and_loses_nothing(pairs):
    right = np.array([min(pair) for pair in pairs], float)
    every = np.array([max(pair) for pair in pairs], float)
    found = rising(right, every)
    assert (np.diff(found) >= -1e-12).all()
    assert np.isclose((found * every).sum(), right.sum())
    rate = np.divide(right, every, out=np.zeros_like(right), where=every > 0)
    if (np.diff(rate[every > 0]) >= 0).all():
        assert np.allclose(found[every > 0], rate[every > 0])
    steps = np.linspace(0, 1, 11)
    for start in range(len(right)):  # no other rising curve is nearer: not one that has a single step
        other = [np.where(np.arange(len(right)) < start, a, b) for a in steps for b in steps if a <= b]
        assert min((every * (rate - curve) ** 2).sum() for curve in other) >= (
            every * (rate - found) ** 2).sum() - 1e-9  # fmt: skip


def test_unrelated_queries_keep_false_discoveries_to_what_was_allowed():
    """Of 200 galleries of 300, a tenth of each stands out by two to four deviations; a quarter of them hold nothing."""
    rng, false, nothing = np.random.default_rng(0), [], 0
    for n in range(200):
        real = np.arange(300) < (0 if n % 4 == 0 else 30)
        scores = rng.standard_normal(300) + real * rng.uniform(2, 4, 300)
        p = p_values(scores, rng.standard_normal((40, 300)))
        kept = p <= np.sort(p)[discoveries(p, 0.8) - 1] if discoveries(p, 0.8) else np.zeros(300, bool)
        false.append((kept & ~real).sum() / max(kept.sum(), 1))
        nothing += n % 4 == 0 and not kept.any()
    assert np.mean(false) < 0.2
    assert nothing >= 35


def test_without_judged_searches_a_cut_asks_unrelated_queries():
    model = miniclip.load()
    images = model.encode_image(miniclip.preprocess([miniclip.open_image(miniclip.EXAMPLE)]))
    gallery = np.concatenate([images, unit(np.random.default_rng(0), 400, images.shape[1])]).astype(np.float32)
    index = Index(gallery, range(len(gallery)))
    n, chances, ids, _ = Cut(0.5).ranking(model, index, images[0])
    assert (n, chances, ids[0]) == (1, None, 0)
    n, *_ = Cut(0.9).ranking(model, index, unit(np.random.default_rng(1), images.shape[1]))
    assert n == 0
    assert len(unrelated_texts(model)) <= 256
    assert unrelated_scores(model, gallery).shape == (len(unrelated_texts(model)), 401)


def test_nothing_is_nothing_in_small_galleries_too(judged):
    rng = np.random.default_rng(0)
    index = Index(unit(rng, 1, 64), ["a"])
    n, chances, ids, scores = Cut(0.9, judged).ranking(miniclip.load("system"), index, unit(rng, 64))
    assert (n, len(chances), ids, scores.shape) == (0, 1, ["a"], (1,))
    assert likely([], 0.9) == discoveries(np.array([]), 0.9) == 0


@pytest.mark.parametrize("precision", [0, 1, -0.1, 1.5, np.nan, True, "0.9", None])
def test_a_precision_that_is_none(precision):
    with pytest.raises(InputError, match="above 0 and below 1"):
        Cut(precision)


@pytest.mark.parametrize("right", [np.ones((2, 3)), np.ones((3, 2), bool), np.ones(6, bool), None])
def test_judged_searches_that_are_none(right):
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="expected bool"):
        Judged(unit(rng, 2, 4), unit(rng, 3, 4), right, LOG_SCALE)


@pytest.mark.parametrize("scores", [np.zeros(3), np.zeros((1, 3)), np.full((2, 3), np.nan), np.zeros((2, 3, 1))])
def test_scores_that_are_none(made_up_judged, scores):
    with pytest.raises(InputError, match="expected finite cosines"):
        made_up_judged.chances(unit(np.random.default_rng(0), 2, 8), scores)


def test_what_may_not_be_returned_is_not(on_d):
    found = searches(miniclip.load("system"), 0, 256, "removed")
    kept = best(found, np.full(len(found.queries), 3))
    assert not (kept & ~found.candidates).any()
    assert (kept.sum(1) == 3).all()
