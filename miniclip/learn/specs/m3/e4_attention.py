"""Let every query read a weighted average of the values.

The score of a query and a key is their dot product divided by the root of d_k, the number of features of both. Where
the mask is False the score becomes minus infinity: that key does not exist for that query. A softmax over the keys
turns the scores of a query into weights that add up to 1, and the output for the query is the values averaged with
these weights.

Queries, keys and features have different numbers, and values may be wider or narrower than keys. Every query may look
at one key at least. Graded: masks of several kinds, scores in the thousands (subtract the largest score of each query
before exp), a query that sees a single key, and 1 query alone.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import attention_weights, softmax, untidy_softmaxes

exercise = Exercise(
    "3.4", "Attention", points=4, level=2, minutes=20, needs=("1.5",),
    use="`attend_forward` in nn/ops.py is how patches and words exchange what they know, in every block of CLIP.",
    hints=(
        "A query asks, keys answer how well they fit, values hold what is read. The answer is a blend: the better the "
        "fit of a key, the more of its value.",
        "Build a table with one row for each query and one column for each key. Divide by the root of d_k, fill the "
        "forbidden places with minus infinity (np.where), take a stable softmax of each row, multiply by the values.",
        "One query [2, 0, 0, 0], keys [1, 0, 0, 0] and [0, 0, 0, 1]: scores 2 / 2 = 1 and 0, weights 0.731 and 0.269. "
        "With values [10] and [0] the output is 7.31. If the mask hides the first key, the weights are 0 and 1 and the "
        "output is 0.",
    ),
)  # fmt: skip


@exercise.solution
def attention(q, k, v, mask):
    """Average the values with softmax weights.

    q (n, d_k); k (m, d_k); v (m, d_v); mask (n, m) bool, True where the query may look -> (n, d_v)
    """
    scores = np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf)
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return weights @ v


@exercise.oracle
def key_by_key(q, k, v, mask):
    out = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        score = [sum(a * b for a, b in zip(q[i], key, strict=True)) / math.sqrt(k.shape[1]) for key in k]
        seen = [j for j in range(len(k)) if mask[i, j]]
        for j in seen:
            weight = 1 / sum(np.exp(score[other] - score[j]) for other in seen)
            out[i] += [weight * feature for feature in v[j]]
    return out


@exercise.also_right
def with_lists(q, k, v, mask):
    out = []
    for query, allowed in zip(q, mask, strict=True):
        score = [float(query @ key) / len(query) ** 0.5 for key in k]
        top = max(s for s, a in zip(score, allowed, strict=True) if a)
        weight = [math.exp(s - top) if a else 0.0 for s, a in zip(score, allowed, strict=True)]
        out.append([sum(w * row[c] for w, row in zip(weight, v, strict=True)) / sum(weight) for c in range(v.shape[1])])
    return out


@exercise.also_right
def with_einsum_and_a_big_number(q, k, v, mask):
    scores = np.einsum("id,jd->ij", q, k) / math.sqrt(k.shape[-1]) - 1e9 * ~mask
    weights = np.exp(scores - np.logaddexp.reduce(scores, axis=1, keepdims=True))
    return np.einsum("ij,jc->ic", weights, v)


@exercise.also_right
def only_the_keys_it_sees(q, k, v, mask):
    rows = []
    for query, allowed in zip(q / q.shape[1] ** 0.25, mask, strict=True):
        score = (k[allowed] / k.shape[1] ** 0.25) @ query
        weight = np.exp(score - score.max())
        rows.append(v[allowed].T @ (weight / weight.sum()))
    return np.array(rows)


@exercise.wrong("""The scores are bare dot products, so the softmax is too sharp. Divide them by the root of d_k, which
keeps their spread near 1.""")
def no_scale(q, k, v, mask):
    return attention_weights(q, k, mask, 1.0) @ v


@exercise.wrong("""You divided the scores by d_k itself, so all weights are too equal. A dot product of d_k terms
spreads like the root: with d_k = 4, divide by 2.""")
def scale_by_d(q, k, v, mask):
    return attention_weights(q, k, mask, 1 / q.shape[1]) @ v


@exercise.wrong("""You divided by the root of the width of v. A score is a sum over the features of query and key: use
axis 1 of q, which is d_k.""")
def scale_by_values(q, k, v, mask):
    return attention_weights(q, k, mask, 1 / np.sqrt(v.shape[1])) @ v


@exercise.wrong("""You divided by the root of the number of keys. More keys do not make a dot product longer; more
features do. Use axis 1 of k, not axis 0.""")
def scale_by_keys(q, k, v, mask):
    return attention_weights(q, k, mask, 1 / np.sqrt(len(k))) @ v


@exercise.wrong("""You multiplied the scores by the root of d_k. That makes the softmax pick almost a single key.
Divide, so that wider features do not sharpen it.""")
def multiplies_scale(q, k, v, mask):
    return attention_weights(q, k, mask, np.sqrt(q.shape[1])) @ v


@exercise.wrong("""Your weights add up to 1 for each key, along axis 0. A query spends a total of 1 on the keys it sees.
Take the softmax over the keys, axis 1.""")
def softmax_over_queries(q, k, v, mask):
    return attention_weights(q, k, mask, axis=0) @ v


@exercise.wrong("""A hidden key still counts. You set its score to 0, but exp(0) is 1, not 0. Only minus infinity gives
it a weight of 0.""")
def mask_is_zero_logit(q, k, v, mask):
    return softmax(mask * (q @ k.T) / np.sqrt(q.shape[1])) @ v


@exercise.wrong("""Your output is nearly right: you took 10 off hidden scores, so they keep some weight, and large
scores win anyway. Use minus infinity: the weight must be 0.""")
def mask_minus_10(q, k, v, mask):
    return softmax(q @ k.T / np.sqrt(q.shape[1]) - 10.0 * ~mask) @ v


@exercise.wrong("""You gave hidden keys a score of -10000. Here the keys that may be seen have less, so the hidden one
wins. Minus infinity is below every score.""")
def mask_minus_10000(q, k, v, mask):
    return softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -1e4)) @ v


@exercise.wrong("""You subtracted the largest of all scores, and hid keys only after that. The largest is hidden here,
so every exp that is left is 0. Hide first, then subtract the maximum.""")
def shifted_by_a_hidden_score(q, k, v, mask):
    scores = q @ k.T / np.sqrt(q.shape[1])
    e = np.exp(scores - scores.max(1, keepdims=True)) * mask
    return e / e.sum(1, keepdims=True) @ v


@exercise.wrong("""You used exactly the keys that are hidden, and here none is. In this mask True means that the query
may look. Put minus infinity where it is False.""")
def mask_inverted(q, k, v, mask):
    return attention(q, k, v, ~mask)


@exercise.wrong("""The mask is never used, so hidden keys count too. Set their scores to minus infinity before exp, so
that they weigh 0.""")
def mask_ignored(q, k, v, mask):
    return attention(q, k, v, np.ones(mask.shape, bool))


@exercise.wrong("""You cleared hidden weights after the softmax, so the rest adds up to less than 1. Hide the scores
before it: then the weights that are left fill up to 1.""")
def masked_after_softmax(q, k, v, mask):
    return (softmax(q @ k.T / np.sqrt(q.shape[1])) * mask) @ v


@exercise.wrong("""A score above 709 makes exp overflow. Subtract the largest score of each query first: that changes no
weight.""")
def unstable(q, k, v, mask):
    e = np.exp(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf))
    return e / e.sum(1, keepdims=True) @ v


@exercise.wrong("You returned the weights. They say where a query looks; what it reads is the weights times v.")
def returns_weights(q, k, v, mask):
    return attention_weights(q, k, mask)


@exercise.wrong("""You mixed the values with raw scores, and those can be negative and add up to anything. Put a softmax
along axis 1 in between.""")
def no_softmax(q, k, v, mask):
    return (q @ k.T / np.sqrt(q.shape[1]) * mask) @ v


@exercise.wrong("""Each query copies one value, that of its best key. Attention is soft: every key that may be seen has
a share. Average with the softmax weights.""")
def picks_the_best(q, k, v, mask):
    return v[attention_weights(q, k, mask).argmax(1)]


@exercise.wrong("""The values are not read: you averaged the keys. Keys only decide the weights, axis 1 of the table.
Multiply the weights by v.""")
def reads_keys(q, k, v, mask):
    return attention_weights(q, k, mask) @ k


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    return lambda q, k, v, mask: softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf)) @ v


Q = np.array([[1.0, 0.5, -1.0, 2.0], [0.0, 3.0, 1.0, -0.5], [-2.0, 0.3, 0.8, 1.0]])
K = np.array([[0.4, 1.0, -0.6, 1.2], [2.0, -1.0, 0.5, 0.0], [0.1, 0.2, 0.3, -0.4], [-1.0, 1.5, 1.0, 0.7],
              [0.9, -0.2, -1.1, 0.3]])  # fmt: skip
V = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0], [10.0, 0.1], [0.2, 7.0]])

exercise.case("3 queries, 5 keys, nothing hidden", Q, K, V, np.ones((3, 5), bool))
exercise.case("3 queries, 5 keys, 7 places hidden", Q, K, V,
              np.array([[1, 0, 0, 1, 1], [0, 1, 1, 0, 0], [1, 1, 0, 0, 1]], bool))  # fmt: skip
exercise.case("3 queries, 1 key left to each", Q, K, V,
              np.array([[0, 0, 1, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 0, 1]], bool))  # fmt: skip
exercise.case("2 queries, scores in the thousands", np.array([[60.0, -20.0, 30.0], [-50.0, 40.0, 10.0]]),
              np.array([[50.0, 1.0, 2.0], [50.0, 1.0, 2.01], [-70.0, 30.0, 9.0], [3.0, -2.0, 80.0]]),
              np.array([[1.0, 0.0, 2.0, -1.0, 5.0], [0.0, 3.0, 1.0, 4.0, -2.0], [2.0, 2.0, 0.5, 1.0, 0.0],
                        [-3.0, 1.0, 6.0, 0.0, 0.7]]),
              np.array([[1, 1, 1, 0], [0, 1, 1, 1]], bool))  # fmt: skip
exercise.case("1 query, 2 keys, 1 value feature", np.array([[2.0, 0.0, 0.0, 0.0]]),
              np.array([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]]), np.array([[10.0], [0.0]]),
              np.array([[True, True]]))  # fmt: skip
exercise.case("2 queries, 4 keys, scores far apart", np.array([[-40.0, 20, 0, 40], [20, 40, 20, -20]]),
              np.array([[-20.0, 0, 10, -10], [-20, -30, -30, -20], [-10, -20, -20, -10], [20, -10, 30, 10]]),
              np.array([[-3.0, 3], [3, 2], [-2, 2], [1, 2]]), np.array([[1, 0, 1, 1], [1, 1, 1, 1]], bool))  # fmt: skip
exercise.case("1 query, scores from -30100 to 30000, the largest hidden", np.array([[200.0, 0, 0, 0]]),
              np.array([[-300.0, 1, 0, 0], [-301, 0, 0, 2], [300, 0, 1, 0]]),
              np.array([[1.0, 2], [3, -1], [5, 4]]), np.array([[True, True, False]]))  # fmt: skip
exercise.needs_float64("2 queries, scores in the thousands", "float32 is off by 3e-5 there")
