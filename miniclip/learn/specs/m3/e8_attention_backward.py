"""Send a gradient back through attention.

Forwards, with one table P of weights (a row for each query, a column for each key):

    S = q k^T / root(d_k), minus infinity where the mask is False;  P = softmax of each row of S;  out = P v

You get dout, the slope of some loss in every entry of out, and the inputs. Return the slopes in q, k and v. Go back
step by step: from out to v and to P, from P to S (exercise 3.3), from S to q and k. A place that the mask hides has
weight 0 and passes nothing on. Rebuild P the stable way: scores in the thousands are graded, and so are d_v other than
d_k, more keys than queries, causal masks, and a query that sees one key.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import attention_weights, softmax, untidy_softmaxes

exercise = Exercise(
    "3.8", "Attention, backwards", points=6, level=3, minutes=45, needs=("3.3", "3.4"),
    use="`attend_backward` in nn/ops.py is this, head by head; without it no block of CLIP could be trained.",
    hints=(
        "A product C = A B sends its slope back as dA = dC B^T and dB = A^T dC. Attention is two such products with a "
        "softmax between them.",
        "out = P v gives dv and dP. The softmax turns dP into dS: P times (dP less the weighted average of its row). "
        "S, a product of q and k, gives dq and dk, and both carry the factor 1 / root(d_k). Check every shape.",
        "One query [0], keys [1] and [2], d_k = 1: P = [0.5, 0.5]. With v = [4] and [0] and dout = [1]: dv = [0.5], "
        "[0.5]; dP = [4, 0]; dS = [0.5 x 2, 0.5 x (-2)] = [1, -1]; dq = 1 x 1 - 1 x 2 = [-1]; dk = [0], [0], as q is "
        "0.",
    ),
)  # fmt: skip


@exercise.solution
def attention_backward(dout, q, k, v, mask):
    """The slopes in q, k and v of out = softmax(q k^T / root(d_k)) v.

    dout (n, d_v); q (n, d_k); k (m, d_k); v (m, d_v); mask (n, m) bool, True where the query may look
    -> dq (n, d_k), dk (m, d_k), dv (m, d_v)
    """
    scale = 1 / np.sqrt(q.shape[1])
    S = np.where(mask, scale * q @ k.T, -np.inf)
    P = np.exp(S - S.max(axis=1, keepdims=True))
    P /= P.sum(axis=1, keepdims=True)
    dP = dout @ v.T
    dS = P * (dP - (dP * P).sum(axis=1, keepdims=True))
    return scale * dS @ k, scale * dS.T @ q, P.T @ dout


@exercise.oracle
def by_complex_steps(dout, q, k, v, mask):
    def loss(q, k, v):
        S = q @ k.T / np.sqrt(q.shape[1])
        top = np.where(mask, S.real, -np.inf).max(1, keepdims=True)
        e = np.where(mask, np.exp(np.where(mask, S - top, 0)), 0)
        return (dout * (e @ v / e.sum(1, keepdims=True))).sum()

    given = [q, k, v]
    slopes = [np.zeros(part.shape) for part in given]
    for part, slope in enumerate(slopes):
        for at in np.ndindex(slope.shape):
            moved = [a.astype(complex) for a in given]
            moved[part][at] += 1e-30j
            slope[at] = loss(*moved).imag / 1e-30
    return slopes


@exercise.also_right
def query_by_query(dout, q, k, v, mask):
    dq, dk, dv = np.zeros(q.shape), np.zeros(k.shape), np.zeros(v.shape)
    root = q.shape[1] ** 0.5
    for i in range(len(q)):
        seen = [j for j in range(len(k)) if mask[i, j]]
        score = [float(q[i] @ k[j]) / root for j in seen]
        weight = [np.exp(s - max(score)) for s in score]
        weight = [w / sum(weight) for w in weight]
        slope = [float(dout[i] @ v[j]) for j in seen]
        average = sum(w * s for w, s in zip(weight, slope, strict=True))
        for j, w, s in zip(seen, weight, slope, strict=True):
            dv[j] += w * dout[i]
            dq[i] += w * (s - average) / root * k[j]
            dk[j] += w * (s - average) / root * q[i]
    return [dq, dk, dv]


@exercise.also_right
def with_einsum_and_a_jacobian(dout, q, k, v, mask):
    P = attention_weights(q, k, mask)
    J = P[:, :, None] * (np.eye(len(k)) - P[:, None, :])
    dS = np.einsum("ic,jc,ijl->il", dout, v, J) / np.sqrt(k.shape[-1])
    return np.einsum("ij,jd->id", dS, k), np.einsum("ij,id->jd", dS, q), np.einsum("ij,ic->jc", P, dout)


@exercise.also_right
def with_the_output(dout, q, k, v, mask):
    P = attention_weights(q, k, mask)
    average = (dout * (P @ v)).sum(1)[:, None]
    dS = P * (dout @ v.T - average) / q.shape[1] ** 0.5
    return dS @ k, dS.T @ q, P.T @ dout


def through_softmax(dP, P):
    return P * (dP - (dP * P).sum(1, keepdims=True))


def finish(dS, q, k, dv, scale=None):
    """The slopes from dS on."""
    scale = scale or q.shape[1] ** -0.5
    return scale * dS @ k, scale * dS.T @ q, dv


def with_softmax_slope(slope):
    """All steps right but the one through the softmax."""

    def attention_backward(dout, q, k, v, mask):
        P = attention_weights(q, k, mask)
        return finish(slope(dout @ v.T, P), q, k, P.T @ dout)

    return attention_backward


@exercise.wrong("""Your dq and dk are right, dv is not: you used the scores before the softmax. What multiplied v were
the weights, whose rows add up to 1. Use their transpose times dout.""")
def dv_uses_scores(dout, q, k, v, mask):
    dq, dk, _ = attention_backward(dout, q, k, v, mask)
    return dq, dk, (mask * (q @ k.T) / np.sqrt(q.shape[1])).T @ dout


@exercise.wrong("""Your dq and dk are too large by the root of d_k. Scores are products divided by that root, so each of
these two slopes has the same factor.""")
def forgot_scale(dout, q, k, v, mask):
    P = attention_weights(q, k, mask)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout, 1.0)


@exercise.wrong("""Your dq and dk were divided by d_k, not by its root. The scale enters S once, so it comes back once.
Use it in dS or in both products, not in both places.""")
def scale_twice(dout, q, k, v, mask):
    P = attention_weights(q, k, mask)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout, 1 / q.shape[1])


@exercise.wrong("""All 3 slopes are off: you rebuilt the weights without the root of d_k, so they are too sharp. Use
exactly the P of the forward step.""")
def no_scale_in_weights(dout, q, k, v, mask):
    P = attention_weights(q, k, mask, 1.0)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout)


@exercise.wrong("""Your scale came from the width of v. Scores add up over the features of q and k, so the root is that
of d_k: axis 1 of q.""")
def scale_by_values(dout, q, k, v, mask):
    scale = v.shape[1] ** -0.5
    P = attention_weights(q, k, mask, scale)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout, scale)


@exercise.wrong("""Your dv is right, but dq and dk use dP where dS belongs. Between weights and scores lies a softmax;
exercise 3.3 tells how to go back through it.""")
def skips_softmax(dout, q, k, v, mask):
    return with_softmax_slope(lambda dP, P: dP)(dout, q, k, v, mask)


@exercise.wrong("""You went through the softmax as P (1 - P) dP. That forgets that the other keys of the row react, too.
Take dP less the weighted average of its row, times P, as in 3.3.""")
def diagonal_softmax(dout, q, k, v, mask):
    return with_softmax_slope(lambda dP, P: P * (1 - P) * dP)(dout, q, k, v, mask)


@exercise.wrong("""You subtracted the plain mean of each row of dP, so the rows of dS do not add up to 0. The average
needs the weights P, as in exercise 3.3.""")
def mean_not_dot(dout, q, k, v, mask):
    return with_softmax_slope(lambda dP, P: P * (dP - dP.mean(1, keepdims=True)))(dout, q, k, v, mask)


@exercise.wrong("""You multiplied dP by P and stopped. A higher score takes weight from the rest of its row. Subtract
the weighted average along axis 1 first.""")
def no_average(dout, q, k, v, mask):
    return with_softmax_slope(lambda dP, P: P * dP)(dout, q, k, v, mask)


@exercise.wrong("""The average in dS ran over the queries, axis 0. Each query has a softmax of its own over the keys:
sum along axis 1.""")
def average_over_queries(dout, q, k, v, mask):
    return with_softmax_slope(lambda dP, P: P * (dP - (dP * P).sum(0, keepdims=True)))(dout, q, k, v, mask)


@exercise.wrong("""The mask is not used, so hidden keys get a slope, too. Rebuild P with minus infinity there, and their
slope is exactly 0.""")
def mask_leaks(dout, q, k, v, mask):
    return attention_backward(dout, q, k, v, np.ones(mask.shape, bool))


@exercise.wrong("""You rebuilt P without the mask and cleared hidden places of dS later. But hiding a key makes the
others of its row weigh more, so P itself changes. Mask the scores.""")
def mask_on_slope_only(dout, q, k, v, mask):
    P = attention_weights(q, k, np.ones(mask.shape, bool))
    return finish(through_softmax(dout @ v.T, P) * mask, q, k, P.T @ dout)


@exercise.wrong("""You gave hidden keys a score of -10000. Here the keys that may be seen have less, so the hidden one
wins. Minus infinity is below every score.""")
def mask_minus_10000(dout, q, k, v, mask):
    P = softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -1e4))
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout)


@exercise.wrong("""You subtracted the largest of all scores, and hid keys only after that. The largest is hidden here,
so every exp that is left is 0. Hide first, then subtract the maximum.""")
def shifted_by_a_hidden_score(dout, q, k, v, mask):
    scores = q @ k.T / np.sqrt(q.shape[1])
    P = np.exp(scores - scores.max(1, keepdims=True)) * mask
    P = P / P.sum(1, keepdims=True)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout)


@exercise.wrong("""You used exactly the places that are hidden, and here none is. In this mask True means that the query
may look. Put minus infinity where it is False.""")
def mask_inverted(dout, q, k, v, mask):
    return attention_backward(dout, q, k, v, ~mask)


@exercise.wrong("""Your dq and dk use dS the wrong way round. Row i of dS belongs to query i. So dq is dS times k, and
dk needs the transpose; 4 by 4 tables hide this.""")
def dq_dk_roles_swapped(dout, q, k, v, mask):
    P = attention_weights(q, k, mask)
    dq, dk, dv = finish(through_softmax(dout @ v.T, P).T, q, k, P.T @ dout)
    return dq, dk, dv


@exercise.wrong("""You multiplied P with dout as it stands. Rows of dv belong to keys, and those are axis 1 of P.
Transpose P first.""")
def dv_not_transposed(dout, q, k, v, mask):
    dq, dk, _ = attention_backward(dout, q, k, v, mask)
    return dq, dk, attention_weights(q, k, mask) @ dout


@exercise.wrong("""The slopes are right, but they stand in the order in which they are found, dv first. Return dq, dk,
dv.""")
def found_order(dout, q, k, v, mask):
    dq, dk, dv = attention_backward(dout, q, k, v, mask)
    return dv, dq, dk


@exercise.wrong("""Your dq and dk point the wrong way: their sign is turned. A key whose value helps more than average
gets a positive dS. Take dP less its average, not the reverse.""")
def sign(dout, q, k, v, mask):
    dq, dk, dv = attention_backward(dout, q, k, v, mask)
    return -dq, -dk, dv


@exercise.wrong("""A score above 709 makes exp overflow. Subtract the largest score of each row before exp; no weight
changes.""")
def unstable(dout, q, k, v, mask):
    P = np.exp(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf))
    P /= P.sum(1, keepdims=True)
    return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout)


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    def attention_backward(dout, q, k, v, mask):
        P = softmax(np.where(mask, q @ k.T / np.sqrt(q.shape[1]), -np.inf))
        return finish(through_softmax(dout @ v.T, P), q, k, P.T @ dout)

    return attention_backward


Q = np.array([[1.0, 0.5, -1.0, 2.0], [0.0, 3.0, 1.0, -0.5], [-2.0, 0.3, 0.8, 1.0]])
K = np.array([[0.4, 1.0, -0.6, 1.2], [2.0, -1.0, 0.5, 0.0], [0.1, 0.2, 0.3, -0.4], [-1.0, 1.5, 1.0, 0.7],
              [0.9, -0.2, -1.1, 0.3]])  # fmt: skip
V = np.array([[1.0, -2.0], [3.0, 0.5], [-1.0, 4.0], [10.0, 0.1], [0.2, 7.0]])
DOUT = np.array([[0.7, -1.1], [2.0, 0.4], [-0.3, 1.6]])

exercise.case("3 queries, 5 keys, nothing hidden", DOUT, Q, K, V, np.ones((3, 5), bool))
exercise.case("3 queries, 5 keys, 7 places hidden", DOUT, Q, K, V,
              np.array([[1, 0, 0, 1, 1], [0, 1, 1, 0, 0], [1, 1, 0, 0, 1]], bool))  # fmt: skip
exercise.case("4 tokens with a causal mask", np.array([[1.0, 0.2, -0.5], [0.3, -2.0, 1.0], [0.9, 0.6, 0.0],
              [-1.5, 0.8, 2.0]]), np.array([[1.0, -0.5], [0.3, 2.0], [-1.0, 0.7], [0.6, 1.4]]),
              np.array([[0.5, 1.0], [-1.0, 0.4], [1.2, -0.3], [0.8, 0.9]]),
              np.array([[2.0, 0.0, 1.0], [-1.0, 3.0, 0.5], [0.1, 0.4, -2.0], [5.0, 1.0, 0.7]]),
              np.array([[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]], bool))  # fmt: skip
exercise.case("2 queries, scores in the thousands", np.array([[1.0, -0.5, 2.0, 0.3, 0.8], [-1.0, 0.6, 0.1, 1.5, 0.4]]),
              np.array([[60.0, -20.0, 30.0], [-50.0, 40.0, 10.0]]),
              np.array([[50.0, 1.0, 2.0], [50.0, 1.0, 2.01], [-70.0, 30.0, 9.0], [3.0, -2.0, 80.0]]),
              np.array([[1.0, 0.0, 2.0, -1.0, 5.0], [0.0, 3.0, 1.0, 4.0, -2.0], [2.0, 2.0, 0.5, 1.0, 0.0],
                        [-3.0, 1.0, 6.0, 0.0, 0.7]]),
              np.array([[1, 1, 1, 0], [0, 1, 1, 1]], bool))  # fmt: skip
exercise.case("1 query, scores from -30100 to 30000, the largest hidden", np.array([[1.0, -2]]),
              np.array([[200.0, 0, 0, 0]]),
              np.array([[-300.0, 1, 0, 0], [-301, 0, 0, 2], [300, 0, 1, 0]]),
              np.array([[1.0, 2], [3, -1], [5, 4]]), np.array([[True, True, False]]))  # fmt: skip
exercise.case("1 query, 1 key", np.array([[2.0, -3.0]]), np.array([[1.0, 0.5, -1.0]]), np.array([[0.2, 4.0, 1.0]]),
              np.array([[5.0, 7.0]]), np.array([[True]]))  # fmt: skip
exercise.case("2 queries, 4 keys, scores far apart", np.array([[3.0, 0], [3, -2]]),
              np.array([[40.0, 60, -60, -40], [-40, -40, -20, -60]]),
              np.array([[30.0, -20, 30, 20], [-20, 10, 20, -30], [-30, -10, -30, -10], [0, 10, 10, 0]]),
              np.array([[-2.0, 1], [0, 2], [1, 2], [1, -1]]), np.ones((2, 4), bool))  # fmt: skip
