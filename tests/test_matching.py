"""Picture and sentence read together: one pair at a time, and the candidates alone are put in order again."""

import re
from types import SimpleNamespace

import numpy as np
from describers import tiny_matcher

from miniclip.data.captions import is_true, write_descriptions
from miniclip.data.world import COLOURS, EXCHANGEABLE, HELD_OUT, SHAPES, sample_scenes
from miniclip.tasks import matching
from miniclip.tasks.retrieval import recall_at_k


def test_swapped_captions_exchange_the_colours():
    scenes = sample_scenes(2, "C", np.arange(200))
    true, false = matching.swapped_captions(np.stack([scenes.shape[:, :2], scenes.colour[:, :2]], axis=2))
    for b, (good, bad) in enumerate(zip(true, false, strict=True)):
        assert is_true(good, scenes[[b]])[0]
        assert not is_true(bad, scenes[[b]])[0]
        one, other = good.split(" and "), bad.split(" and ")
        colours, shapes = ([part.split()[i] for part in one] for i in (1, 2))
        assert [part.split()[1:] for part in other] == [[colours[1], shapes[0]], [colours[0], shapes[1]]]
    assert not re.search(r"\ba [aeio]|\ban [^aeio]", " ".join(true + false))


def test_pairs_of_objects_are_judged_with_a_held_out_combination_or_without():
    """Both sentences have equally many: whoever knows only which ones they are has nothing to choose by."""

    seen = []

    def mentions(text):
        named = re.findall(r"an? (\w+) (\w+)", text)
        return sum(bool(HELD_OUT[SHAPES.index(s), COLOURS.index(c)]) for c, s in named)

    def judge(images, texts):
        seen.append((images, texts))
        return np.array([mentions(text) for text in texts])

    for held_out in (True, False):
        seen.clear()
        share = matching.swap_accuracy(judge, 3, held_out, 60)
        (images, true), (again, false) = seen
        assert np.array_equal(images, again)
        assert (share, share.n, len(images)) == (0.0, 60, 60)
        assert [mentions(text) for text in true] == [mentions(text) for text in false]
        assert {mentions(text) > 0 for text in true} == {held_out}


def test_the_blind_reader_is_given_its_best_bet():
    ways = EXCHANGEABLE
    assert matching.blind_bound(ways) == 0.5
    for held_out in (True, False):
        assert matching.blind_bound(ways[matching.with_held_out(ways, held_out)]) == 0.5
    seen = np.argwhere(~HELD_OUT)
    pairs = np.array([(a, b) for a in seen for b in seen if (a != b).all()])
    bound = matching.blind_bound(pairs)  # a sentence that names what is held out is false: often enough to betray it
    false = [HELD_OUT[s, d] or HELD_OUT[t, c] for (s, c), (t, d) in pairs]
    assert bound == np.mean(np.where(false, 1.0, 0.5)) > 0.7


def test_reranking_reorders_the_candidates_alone():
    """With a judge that is always right, R@1 is what the candidates allow."""
    rng = np.random.default_rng(0)
    T, N, k = 12, 20, 5
    cosines, relevant = rng.uniform(-1, 1, (T, N)).astype(np.float32), rng.random((T, N)) < 0.1
    relevant[np.arange(T), rng.integers(N, size=T)] = True
    texts, memory = [str(t) for t in range(T)], np.arange(N)[:, None, None]
    asked_for = []

    def judge(memory, texts):
        pairs = [(int(t), int(i)) for t, i in zip(texts, memory[:, 0, 0], strict=True)]
        asked_for.extend(pairs)
        return np.array([500.0 * relevant[pair] - 40 + rng.random() for pair in pairs], np.float32)

    kept = cosines.copy()
    scores = matching.rerank(SimpleNamespace(logits=judge), memory, texts, cosines, 2.0, k)
    assert np.array_equal(cosines, kept)
    nearest = np.argsort(-cosines, axis=1)
    assert set(asked_for) == {(t, int(i)) for t in range(T) for i in nearest[t, :k]}
    order = np.argsort(-scores, axis=1)
    assert np.array_equal(order[:, k:], nearest[:, k:])
    assert np.array_equal(np.sort(order[:, :k]), np.sort(nearest[:, :k]))
    assert recall_at_k(scores, relevant, 1) == recall_at_k(cosines, relevant, k) > recall_at_k(cosines, relevant, 1)


def test_pairs_are_judged_one_by_one(sixteen):
    """A pair's logit does not depend on the others, nor on how much padding they need."""
    matcher = tiny_matcher()
    memory, texts = matcher.memory(sixteen.images), write_descriptions(sixteen.scenes)
    together = matcher.logits(memory, texts)
    assert together.shape == (16,)
    alone = [matcher.logits(memory[[b]], [texts[b]])[0] for b in range(16)]
    np.testing.assert_allclose(together, alone, atol=1e-5)
