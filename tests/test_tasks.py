"""Zero-shot classification and retrieval, against slow references, and their bad inputs."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from miniclip.tasks.retrieval import first_ranks, mean_reciprocal_rank, median_rank, recall_at_k
from miniclip.tasks.shares import Share, over_seeds, table_of
from miniclip.tasks.zero_shot import build_prompts, classify, ensemble, zero_shot_probabilities, zero_shot_weights


class Words:
    """A stand-in for a model: every text has its own vector, of its own length."""

    logit_scale = math.log(10.0)

    def encode_text(self, texts):
        return np.array([np.random.default_rng([*text.encode()]).normal(size=6) * len(text) for text in texts])

    def encode_image(self, images):
        return images / np.linalg.norm(images, axis=1, keepdims=True)


NAMES, TEMPLATES = ["dog", "cat", "{0.__class__}", "a {} b"], ["a {}", "the {}!", "{}"]
IMAGES = np.random.default_rng(5).normal(size=(7, 6))


def test_ensemble_normalises_averages_normalises():
    """0.707 each; the average of the raw vectors would say 0.995 and 0.0995."""
    np.testing.assert_allclose(ensemble(np.array([[[10.0, 0.0], [0.0, 1.0]]])), [[0.5**0.5] * 2], atol=1e-12)
    np.testing.assert_allclose(ensemble(np.array([[[3.0, 0], [3.0, 4.0]]])), [[0.8944272, 0.4472136]], atol=1e-7)


def test_weights_are_the_ensemble_of_each_class():
    weights, model = zero_shot_weights(Words(), NAMES, TEMPLATES), Words()
    for name, row in zip(NAMES, weights, strict=True):
        unit = [v / np.linalg.norm(v) for v in model.encode_text([t.replace("{}", name) for t in TEMPLATES])]
        mean = np.mean(unit, axis=0)
        np.testing.assert_allclose(row, mean / np.linalg.norm(mean), atol=1e-12)


@given(st.permutations(range(4)))
def test_permuting_the_classes_permutes_the_probabilities(order):
    p = classify(Words(), IMAGES, NAMES, TEMPLATES)
    q = classify(Words(), IMAGES, [NAMES[i] for i in order], TEMPLATES)
    np.testing.assert_allclose(q, p[:, order], rtol=0, atol=1e-12)
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-12)


def test_another_class_leaves_the_logits_of_the_others():
    """A softmax differs by a factor, the same for all."""
    three, four = (zero_shot_weights(Words(), NAMES[:n], TEMPLATES) for n in (3, 4))
    np.testing.assert_allclose(four[:3], three, rtol=0, atol=1e-12)
    image = Words().encode_image(IMAGES)
    p, q = (np.log(zero_shot_probabilities(image, w, Words.logit_scale)) for w in (three, four))
    np.testing.assert_allclose(np.ptp(q[:, :3] - p, axis=1), 0, atol=1e-12)


def test_the_scale_is_a_logarithm():
    p = zero_shot_probabilities(np.array([[1.0, 0.0]]), np.eye(2), math.log(3.0))
    np.testing.assert_allclose(p, [[math.exp(3) / (math.exp(3) + 1), 1 / (math.exp(3) + 1)]], atol=1e-12)


def test_names_are_plain_text():
    """The name is put in as it is: no format language, no second round."""
    assert build_prompts(["{0.__class__}", "{}", "%s", "\\1"], ["a {}."]) == [
        ["a {0.__class__}."], ["a {}."], ["a %s."], ["a \\1."]
    ]  # fmt: skip
    assert build_prompts(("a", "b"), ("x {}", "{} {0}")) == [["x a", "a {0}"], ["x b", "b {0}"]]


@pytest.mark.parametrize(
    ("names", "templates", "error", "words"),
    [
        ([], ["{}"], ValueError, "class_names is empty"), (["a", "b"], [], ValueError, "templates is empty"),
        (["a", "b", "a"], ["{}"], ValueError, "'a' is named twice"), (["a", ""], ["{}"], ValueError, "name is empty"),
        (["a", " \t"], ["{}"], ValueError, "name is empty"), (["a", "b"], ["a photo"], ValueError, "0 times"),
        (["a", "b"], ["{} {}"], ValueError, "2 times"), (["a", "b"], ["{}", "{0.__class__}"], ValueError, "0 times"),
        ("dog", ["{}"], TypeError, "list of strings"), (["a", "b"], "{}", TypeError, "list of strings"),
        (["a", None], ["{}"], TypeError, "number 1 is NoneType, expected str"),
        ([b"a", b"b"], ["{}"], TypeError, "number 0 is bytes, expected str"),
        (None, ["{}"], TypeError, "NoneType"), (3, ["{}"], TypeError, "int"),
    ],
)  # fmt: skip
def test_names_and_templates_that_are_refused(names, templates, error, words):
    with pytest.raises(error, match=words):
        build_prompts(names, templates)


def test_one_class_is_certain_and_warned_about():
    with pytest.warns(UserWarning, match="only one class, 'dog': it gets probability 1"):
        p = classify(Words(), IMAGES, ["dog"], TEMPLATES)
    np.testing.assert_array_equal(p, np.ones((7, 1)))


def slow_rank(scores, relevant):
    """Sort the gallery, wrong answers first among equals, and count up to the first right one."""
    order = sorted(range(len(scores)), key=lambda n: (-scores[n], relevant[n]))
    return 1 + next(i for i, n in enumerate(order) if relevant[n])


@st.composite
def rankings(draw):
    """(scores, relevant): few different values, so that ties abound; several right answers, one at least."""
    shape = draw(st.tuples(st.integers(1, 5), st.integers(1, 7)))
    scores = draw(arrays(np.int64, shape, elements=st.integers(-2, 2))) / 2
    relevant = draw(arrays(bool, shape))
    relevant[np.arange(shape[0]), draw(arrays(np.int64, shape[0], elements=st.integers(0, shape[1] - 1)))] = True
    return scores, relevant


@given(rankings(), st.randoms(use_true_random=False))
def test_scores_of_a_ranking(ranking, random):
    scores, relevant = ranking
    Q, N = scores.shape
    slow = np.array([slow_rank(s, r) for s, r in zip(scores, relevant, strict=True)])
    np.testing.assert_array_equal(first_ranks(scores, relevant), slow)
    assert median_rank(scores, relevant) == np.median(slow)
    assert mean_reciprocal_rank(scores, relevant) == pytest.approx(np.mean(1 / slow), abs=1e-15)
    recalls = [recall_at_k(scores, relevant, k) for k in range(1, N + 1)]
    assert recalls == [np.mean(slow <= k) for k in range(1, N + 1)]
    assert recalls == sorted(recalls)
    assert recalls[-1] <= 1
    assert 0 <= recalls[0] <= mean_reciprocal_rank(scores, relevant) <= 1
    queries, items = random.sample(range(Q), Q), random.sample(range(N), N)
    shuffled = first_ranks(scores[queries][:, items], relevant[queries][:, items])
    np.testing.assert_array_equal(shuffled, slow[queries])
    np.testing.assert_array_equal(first_ranks(2 * scores - 3, relevant), slow)
    np.testing.assert_array_equal(first_ranks(relevant.astype(float), relevant), np.ones(Q))
    collapsed = first_ranks(np.full((Q, N), 0.5), relevant)
    np.testing.assert_array_equal(collapsed, N - relevant.sum(1) + 1)


def test_a_collapsed_model_is_last_and_a_perfect_one_first():
    right = np.eye(50, dtype=bool)
    assert (recall_at_k(np.ones((50, 50)), right, 49), median_rank(np.ones((50, 50)), right)) == (0.0, 50.0)
    assert mean_reciprocal_rank(np.ones((50, 50)), right) == pytest.approx(1 / 50)
    assert (recall_at_k(np.eye(50), right), median_rank(np.eye(50), right)) == (1.0, 1.0)
    assert recall_at_k(np.eye(50), right, k=51) == 1.0


BOTH = np.array([[True, False], [False, True]])


@pytest.mark.parametrize(
    ("scores", "relevant", "words"),
    [
        (np.eye(2), BOTH[:1], "expected numbers and bool"), (np.eye(2), BOTH.astype(int), "expected numbers and bool"),
        (np.ones(2), BOTH[0], "expected numbers and bool"), (np.eye(2), np.array([0, 1]), "expected numbers and bool"),
        (np.zeros((0, 2)), np.zeros((0, 2), bool), "no queries"), (np.zeros((2, 0)), np.zeros((2, 0), bool), "no item"),
        (np.array([[1, np.nan], [0, 1]]), BOTH, "not all finite"), (np.array([[1, 2], [0, np.inf]]), BOTH, "not all"),
        (np.eye(2), np.array([[True, True], [False, False]]), "query 1 has no right answer"),
    ],
)  # fmt: skip
def test_rankings_that_are_refused(scores, relevant, words):
    for score in (first_ranks, recall_at_k, median_rank, mean_reciprocal_rank):
        with pytest.raises(ValueError, match=words):
            score(scores, relevant)


@pytest.mark.parametrize("k", [0, -1, 2.5, True, np.True_, "3", None, float("nan")])
def test_k_that_is_refused(k):
    with pytest.raises(ValueError, match="expected a whole number above 0"):
        recall_at_k(np.eye(2), BOTH, k)


# Shares of right answers.


@pytest.mark.parametrize(
    ("right", "n", "low", "high"),
    [(50, 100, 0.40383, 0.59617), (0, 10, 0.0, 0.27753), (10, 10, 0.72247, 1.0), (1, 3, 0.06149, 0.79234)],
)
def test_intervals_are_wilsons(right, n, low, high):
    share = Share(np.arange(n) < right)
    assert (share, share.n) == (right / n, n)
    assert share.interval == pytest.approx((low, high), abs=1e-5)


@given(st.integers(1, 400), st.data())
def test_an_interval_is_where_the_share_may_lie(n, data):
    """p is an end of it just where (share - p)^2 = z^2 p (1 - p) / n; it shrinks with n, and mirrors."""
    right = data.draw(st.integers(0, n))
    share, other = Share(np.arange(n) < right), Share(np.arange(n) >= right)
    low, high = share.interval
    assert 0 <= low <= share <= high <= 1
    assert other.interval == pytest.approx((1 - high, 1 - low), abs=1e-12)
    for p in (low, high):
        assert (share - p) ** 2 == pytest.approx(1.959964**2 * p * (1 - p) / n, abs=1e-12)
    more = Share(np.arange(4 * n) < 4 * right)
    assert more.interval[1] - more.interval[0] < high - low


def test_columns_become_rows():
    table = table_of({"model": {"right": Share([True, False]), "loss": 2.0}, "chance": {"right": 0.25}})
    assert table["loss"] == {"model": 2.0}
    low, high = Share([True, False]).interval
    assert table["right"] == {"model": 0.5, "chance": 0.25, "low": low, "high": high, "n": 2.0}
    assert all(type(value) is float for row in table.values() for value in row.values())


def test_seeds_side_by_side():
    sure = {"low": 0.0, "high": 1.0}
    tables = {3: {"a": {"model": 0.5, "chance": 0.25, "n": 10.0, **sure}, "b": {"model": 4.0}},
              5: {"b": {"model": 2.0}, "a": {"model": 1.0, "chance": 0.75, "n": 30.0, **sure}}}  # fmt: skip
    tables[3]["rare"] = {"model": 1.0}
    assert over_seeds(tables) == {
        "a: model": {"mean": 0.75, "lowest": 0.5, "highest": 1.0, "n": 40.0, "seed 3": 0.5, "seed 5": 1.0},
        "a: chance": {"mean": 0.5, "lowest": 0.25, "highest": 0.75, "n": 40.0, "seed 3": 0.25, "seed 5": 0.75},
        "b": {"mean": 3.0, "lowest": 2.0, "highest": 4.0, "seed 3": 4.0, "seed 5": 2.0},
    }
