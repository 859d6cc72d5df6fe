"""Zero-shot classification and retrieval, against slow references, and their bad inputs."""

import io
import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from miniclip.errors import IndexFileError
from miniclip.files.storage import commit
from miniclip.tasks.retrieval import Index, first_ranks, mean_reciprocal_rank, median_rank, recall_at_k
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
    with pytest.raises(ValueError, match="expected a whole number above 0"):
        Index(np.eye(2), "ab").search(np.eye(2), k)


def vectors(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


@given(st.integers(1, 9), st.integers(1, 4), st.integers(1, 12), st.integers(0, 99))
def test_search_equals_brute_force(N, Q, k, seed):
    """Cosines to 1e-5, all of them, ties by the lowest position; k beyond N gives N."""
    gallery, queries = vectors(N, 5, seed=seed), vectors(Q, 5, seed=seed + 100)
    gallery[N // 2 :] = gallery[: N - N // 2] * (1 + seed)  # twins of another length: equal cosines
    names = [f"item {n}" for n in range(N)]
    found, scores = Index(gallery, names).search(queries, k)
    assert scores.shape == (Q, min(k, N)) == np.shape(found)
    for q in range(Q):
        cosines = [float(v @ queries[q] / np.linalg.norm(v) / np.linalg.norm(queries[q])) for v in gallery]
        best = sorted(range(N), key=lambda n: (-round(cosines[n], 6), n))[: min(k, N)]
        assert found[q] == [names[n] for n in best]
        np.testing.assert_allclose(scores[q], [cosines[n] for n in best], atol=1e-5)


def test_equal_scores_keep_the_order_of_the_index():
    found, scores = Index(np.ones((40, 3)), range(40)).search([1.0, 2.0, 3.0], 40)
    assert found == [list(range(40))]
    assert np.ptp(scores) == 0


@pytest.mark.parametrize("kind", ["float64", "float16", "int64", "uint8", ">f4"])
def test_numbers_of_every_kind_are_cast(kind):
    index = Index(np.array([[3, 4], [0, 2]], kind), ["a", "b"])
    assert index.embeddings.dtype == np.float32
    np.testing.assert_allclose(index.embeddings, [[0.6, 0.8], [0, 1]], atol=1e-7)
    assert index.search(np.array([0, 1], kind), 1)[0] == [["b"]]


@pytest.mark.parametrize("size", [1e-160, 1e160, 1e300])
def test_vectors_of_any_length_have_a_direction(size):
    np.testing.assert_allclose(Index([[3 * size, 4 * size]], ["a"]).embeddings, [[0.6, 0.8]], atol=1e-7)


BAD_VECTORS = {
    "nan": ([[1, np.nan]], "not all finite"), "inf": ([[1, np.inf]], "not all finite"),
    "zero": ([[0.0, 0.0]], "zero vector in row 0"), "1-d": ([1.0, 2.0], r"shape \(2,\)"),
    "3-d": ([[[1.0, 2.0]]], r"shape \(1, 1, 2\)"), "text": ([["a", "b"]], "expected numbers"),
    "bool": ([[True, False]], "type bool"), "complex": ([[1j, 2]], "type complex128"),
}  # fmt: skip


@pytest.mark.parametrize(("bad", "words"), BAD_VECTORS.values(), ids=BAD_VECTORS)
def test_vectors_that_are_refused(bad, words):
    with pytest.raises(ValueError, match=words):
        Index(np.array(bad), ["a"])
    if np.ndim(bad) == 2:
        with pytest.raises(ValueError, match="queries"):
            Index(np.eye(2), "ab").search(np.array(bad))


def test_queries_of_another_width():
    for queries in (np.ones((2, 3)), np.ones(3), np.ones((1, 2, 2)), np.ones(())):
        with pytest.raises(ValueError, match=r"expected \(Q, 2\)"):
            Index(np.eye(2), "ab").search(queries)


@pytest.mark.parametrize(
    ("ids", "words"),
    [("a", "1 ids for 2"), ("abc", "3 ids for 2"), ("aa", "same id"), ([1, 1], "same id"), ([1, 2.0], "str and int"),
     ([None, "a"], "str and int"), ([["a"], ["b"]], "str and int"), ([True, 2], "str and int")],
)  # fmt: skip
def test_ids_that_are_refused(ids, words):
    with pytest.raises(ValueError, match=words):
        Index(np.eye(2), ids)


def test_mixed_ids_need_no_order():
    assert Index(np.eye(2), ["1", 1]).search(np.eye(2), 1)[0] == [["1"], [1]]


@pytest.fixture
def saved(tmp_path):
    Index(vectors(20, 5), [*range(19), "häß"], "d1").save(tmp_path / "index")
    return tmp_path / "index"


def test_index_round_trip(saved):
    index, queries = Index.load(saved, "d1"), vectors(3, 5, seed=1)
    assert isinstance(index.embeddings, np.memmap)
    assert not index.embeddings.flags.writeable
    assert (index.ids, index.digest) == ([*range(19), "häß"], "d1")
    original = Index(vectors(20, 5), index.ids)
    for a, b in zip(index.search(queries, 7), original.search(queries, 7), strict=True):
        np.testing.assert_array_equal(a, b)
    assert sorted(path.name for path in saved.iterdir()) == ["embeddings.npy", "index.json", "manifest.json"]
    Index(np.eye(3), "abc").save(saved)
    assert Index.load(saved).ids == ["a", "b", "c"]


def test_empty_index(tmp_path):
    empty = Index(np.zeros((0, 4)), [])
    empty.save(tmp_path)
    for index in (empty, Index.load(tmp_path)):
        assert index.embeddings.shape == (0, 4)
        with pytest.raises(ValueError, match="the index is empty"):
            index.search(np.ones((1, 4)))


def test_index_of_another_model(saved):
    with pytest.raises(IndexFileError, match=r"made with model d1, expected d2: make the index again") as caught:
        Index.load(saved, "d2")
    assert caught.value.exit_code == 4


@pytest.mark.parametrize("name", ["embeddings.npy", "index.json", "manifest.json"])
def test_index_damage(saved, name):
    data = (saved / name).read_bytes()
    bits = [bytes([*data[:i], data[i] ^ 4, *data[i + 1 :]]) for i in range(0, len(data), 7)]
    for damaged in (*bits, data[:-2], data[: len(data) // 2], data + b"\0", b"", b"<html>"):
        (saved / name).write_bytes(damaged)
        with pytest.raises(IndexFileError, match=name):
            Index.load(saved)
    (saved / name).unlink()
    with pytest.raises(IndexFileError, match=f"{name} is missing"):
        Index.load(saved)


@pytest.mark.parametrize(
    "about",
    [
        [],
        {},
        None,
        {"ids": 3, "model": ""},
        {"ids": ["a"], "model": ""},
        {"ids": None},
        {"ids": [*range(19), 0], "model": ""},
        {"ids": list(range(20)), "model": 7},
    ],
)
def test_index_from_a_stranger(saved, about):
    commit(saved, {"index.json": json.dumps(about).encode()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        Index.load(saved, "d1")


@pytest.mark.parametrize("array", [np.array([{"a": 1}]), np.ones(20), np.ones((20, 2, 2)), np.array([["x"]] * 20)],
                         ids=["pickle", "1-d", "3-d", "text"])  # fmt: skip
def test_index_of_other_arrays(saved, array):
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=True)
    commit(saved, {"embeddings.npy": buffer.getvalue()})
    with pytest.raises(IndexFileError, match="no index that can be opened"):
        Index.load(saved)


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
