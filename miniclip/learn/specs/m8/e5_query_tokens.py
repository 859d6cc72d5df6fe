"""Build the bridge between an image encoder and a language model.

An encoder gives P patches, often hundreds. A language model should get m of them, few and always as many. So m learned
queries, the rows of `Q`, read from all patches: keys are patches times Wk, values are patches times Wv. The score of a
query for a patch is their dot product (query with key) divided by the square root of d. A softmax over the patches
gives weights, and each query returns the weighted sum of the values.

No mask, no residual, no positions: patches in another order give the same m tokens. Vectors are rows, so matrices
stand on the right. m can be larger or smaller than P. Large scores must not overflow.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import softmax, untidy_softmaxes

exercise = Exercise(
    "8.5", "The bridge of a vision-language model", points=4, level=2, minutes=15, needs=("8.1",),
    use="models/bridge.py hands a picture to a frozen language model as a few such tokens.",
    hints=(
        "It is cross-attention whose questions do not come from words: they are parameters, the same for every "
        "picture.",
        "There are as many output rows as queries. Scores have one row per query and one column per patch; the softmax "
        "runs along axis 1. Keys decide how much is read, values decide what.",
        "d = 1, Wk = [[1]], Wv = [[10]], queries [0] and [2], patches [0] and [1]. The first query weighs both patches "
        "1/2, the second 0.1192 and 0.8808. The values are 0 and 10, so the tokens are [5] and [8.808].",
    ),
)  # fmt: skip


@exercise.solution
def query_tokens(Q, patches, Wk, Wv):
    """The m tokens that learned queries read from a picture.

    Q (m, d): one query a row; patches (P, d): one patch a row; Wk, Wv (d, d) -> (m, d)
    """
    K, V = patches @ Wk, patches @ Wv
    scores = Q @ K.T / np.sqrt(Q.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    return weights @ V / weights.sum(axis=1, keepdims=True)


@exercise.oracle
def by_loops(Q, patches, Wk, Wv):
    m, d = Q.shape
    out = np.zeros((m, d))
    for i in range(m):
        scores = []
        for patch in patches:
            key = [sum(patch[a] * Wk[a, b] for a in range(d)) for b in range(d)]
            scores.append(sum(Q[i, b] * key[b] for b in range(d)) / d**0.5)
        for score, patch in zip(scores, patches, strict=True):
            weight = np.exp(score - np.logaddexp.reduce(scores))
            for b in range(d):
                out[i, b] += weight * sum(patch[a] * Wv[a, b] for a in range(d))
    return out


@exercise.also_right
def with_einsum(Q, patches, Wk, Wv):
    scores = np.einsum("mb,ab,pa->mp", Q, Wk, patches) / Q.shape[1] ** 0.5
    return np.einsum("mp,pa,ab->mb", softmax(scores), patches, Wv)


@exercise.also_right
def query_by_query(Q, patches, Wk, Wv):
    tokens = []
    for q in Q:
        weights = softmax((patches @ (Wk @ q))[None] / np.sqrt(q.size))[0]
        tokens.append(list((weights @ patches) @ Wv))
    return tokens


@exercise.also_right
def patches_in_rows(Q, patches, Wk, Wv):
    weights = softmax((patches @ Wk) @ Q.T / np.sqrt(Q.shape[1]), axis=0)
    return weights.T @ (patches @ Wv)


@exercise.wrong("One token per patch came out. The bridge is there to compress: each query asks, and gives one token.")
def one_per_patch(Q, patches, Wk, Wv):
    return softmax(patches @ Wk @ Q.T / np.sqrt(Q.shape[1])) @ (Q @ Wv)


@exercise.wrong("""All your tokens are equal: you averaged the patches and repeated the mean. Each query weighs the
patches in its own way, along axis 1.""")
def mean_pool_repeat(Q, patches, Wk, Wv):
    return np.repeat((patches @ Wv).mean(0, keepdims=True), len(Q), 0)


@exercise.wrong("""You read the raw patches, and Wv is unused. There are two matrices: one to find patches, one for what
is read from them.""")
def ignores_values(Q, patches, Wk, Wv):
    return query_tokens(Q, patches, Wk, np.eye(len(Wv)))


@exercise.wrong("You read the keys. They only decide the weights, which sum to 1; what flows out is made with Wv.")
def keys_as_values(Q, patches, Wk, Wv):
    return query_tokens(Q, patches, Wk, Wk)


@exercise.wrong("""You compared queries with raw patches, and Wk is unused. Map each patch to its key first, then take
the dot product of query and key.""")
def ignores_keys(Q, patches, Wk, Wv):
    return query_tokens(Q, patches, np.eye(len(Wk)), Wv)


@exercise.wrong("""You kept the first patches, from row 0 on, and dropped the rest. That crops the picture. Every query
reads from all patches.""")
def first_m_patches(Q, patches, Wk, Wv):
    return patches[: len(Q)] @ Wv


@exercise.wrong("You added the queries to the result. There is no residual here: return only what was read.")
def adds_query(Q, patches, Wk, Wv):
    return Q + query_tokens(Q, patches, Wk, Wv)


@exercise.wrong("""Your scores depend on the place of a patch in the list, so shuffling axis 0 changes the tokens. Add
nothing for positions.""")
def position_bias(Q, patches, Wk, Wv):
    scores = Q @ (patches @ Wk).T / np.sqrt(Q.shape[1]) - 0.1 * np.arange(len(patches))
    return softmax(scores) @ (patches @ Wv)


@exercise.wrong("""The scores were not divided, so one patch takes nearly all the weight. Divide them by d to the power
1/2.""")
def no_scale(Q, patches, Wk, Wv):
    return softmax(Q @ (patches @ Wk).T) @ (patches @ Wv)


@exercise.wrong("""Your weights sum to 1 over the queries. Each query shares out its attention among the patches:
softmax along axis 1.""")
def softmax_over_queries(Q, patches, Wk, Wv):
    return softmax(Q @ (patches @ Wk).T / np.sqrt(Q.shape[1]), 0) @ (patches @ Wv)


@exercise.wrong("""Each query took one patch, the one with the largest score. That step has no gradient. Mix all patches
with softmax weights.""")
def hard_choice(Q, patches, Wk, Wv):
    return (patches @ Wv)[(Q @ (patches @ Wk).T).argmax(1)]


@exercise.wrong("The exponential of a score above about 709 is infinite. Subtract the largest score of a row first.")
def overflows(Q, patches, Wk, Wv):
    weights = np.exp(Q @ (patches @ Wk).T / np.sqrt(Q.shape[1]))
    return weights @ (patches @ Wv) / weights.sum(1, keepdims=True)


@exercise.wrong("""You sent the queries through Wk too. They are parameters already and need no matrix: only the patches
are mapped to keys.""")
def projects_queries(Q, patches, Wk, Wv):
    return query_tokens(Q @ Wk, patches, Wk, Wv)


@exercise.wrong("Your matrices stand transposed. A patch is a row, and a row meets a matrix from the left.")
def transposed_weights(Q, patches, Wk, Wv):
    return query_tokens(Q, patches, Wk.T, Wv.T)


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    return lambda Q, patches, Wk, Wv: softmax(Q @ (patches @ Wk).T / np.sqrt(Q.shape[1])) @ (patches @ Wv)


Q = np.array([[0.9, -0.4, 1.3], [-1.1, 0.7, 0.2]])
patches = np.array([[1.0, 0.2, -0.5], [-0.3, 1.5, 0.7], [0.6, -0.8, 1.2], [2.1, 0.4, 0.1], [-0.7, -1.3, 0.9]])
Wk = np.array([[-0.8, 1.2, 0.1], [0.6, 0.3, -1.5], [0.9, -0.4, 0.7]])
Wv = np.array([[1.4, 0.2, -0.9], [-0.1, 0.8, 0.6], [0.5, -1.1, 0.3]])
exercise.case("2 queries, 5 patches", Q, patches, Wk, Wv)
exercise.case("the same 5 patches in another order", Q, patches[[3, 0, 4, 2, 1]], Wk, Wv)
exercise.case("7 queries, 2 patches", np.vstack([patches, Q]), patches[1:3], Wk, Wv)
exercise.case("2 queries, 3 patches, scores in the thousands", 70 * Q, 60 * patches[2:], Wk, Wv)
exercise.case("1 query, 1 patch", np.array([[0.5, -2.0]]), np.array([[3.0, 1.0]]), np.array([[1.0, -1], [2, 0.5]]),
              np.array([[0.0, 2], [-3, 1]]))  # fmt: skip
exercise.case("2 queries, 4 patches, scores far apart", np.array([[-10.0, -30, 30], [-20, 20, 30]]),
              20 * np.array([[1.0, 1, -1], [1, 0, 2], [2, 1, 2], [-3, 2, 3]]), Wk, Wv)  # fmt: skip
