"""What the right and wrong answers of several exercises share; no solution uses it, as learners read those alone."""

import numpy as np


def lengths(x, axis=-1):
    """|x|, the root of the sum of x^2 along an axis, which stays with size 1."""
    return np.linalg.norm(x, axis=axis, keepdims=True)


def unit(x, axis=-1):
    """x / |x| along an axis; a vector of zeros stays one."""
    return x / np.maximum(lengths(x, axis), 1e-12)


def cosine_table(A, B):
    """a.b / (|a| |b|) of every row a of A with every row b of B, or with the one vector B."""
    return unit(A) @ unit(B).T


def softmax(z, axis=-1):
    """exp(z) / sum of exp(z) along an axis, for z of any size."""
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return e / e.sum(axis=axis, keepdims=True)


def log_softmax(z, axis=-1):
    """z - ln sum of exp(z) along an axis, for z of any size."""
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


def attention_weights(q, k, mask, scale=None, axis=-1):
    """softmax(scale q k^T) where the mask is True, 0 elsewhere; the scale is 1 / root(d_k) unless told."""
    return softmax(np.where(mask, q @ k.T * (scale or q.shape[1] ** -0.5), -np.inf), axis)


def table_loss(S):
    """-(ln softmax of the rows + ln softmax of the columns) / 2, the mean over the diagonal: the loss of CLIP."""
    return -0.5 * (np.diag(log_softmax(S, 1)).mean() + np.diag(log_softmax(S, 0)).mean())


def table_slope(P, Q):
    """(P + Q - 2 I) / 2N, the slope of that loss in S, from the softmax P of the rows and Q of the columns."""
    return (P + Q - 2 * np.eye(len(P))) / (2 * len(P))


def same_group(group):
    """group_i == group_j as a table."""
    return group[:, None] == group


def largest(S, k):
    """argsort(-S): the positions of the k largest entries of each row, equal ones in their order."""
    return np.argsort(-S, axis=-1, kind="stable")[..., :k]


def ranks(S, target):
    """1 + the number of other entries at least as large as S_i,target(i), in each row i."""
    return (np.take_along_axis(S, np.asarray(target)[:, None], 1) <= S).sum(1)


OVERFLOWS = "Subtract the largest score of each row: then every exp is at most 1."
UNTIDY = {
    "shifted_by_minimum": f"You subtracted the smallest score, so the largest still makes exp overflow. {OVERFLOWS}",
    "shifted_by_mean": f"You subtracted the mean of a row. A score 709 above it still makes exp overflow. {OVERFLOWS}",
    "shifted_by_first": f"You subtracted the first score of a row. Another one, 709 above it, overflows. {OVERFLOWS}",
    "shifted_by_table_maximum": """You subtracted one maximum for the whole table. In a row far below it every exp is 0,
    and 0/0 is not a number. Give each row its own maximum.""",
    "clipped": """You cut the scores off before exp, so all beyond the limit look alike. Subtract the largest score of
    each row instead: that changes no probability.""",
    "nan_to_num": """You replaced what was not a number after it had happened, and the probabilities of that row are
    lost. Subtract the largest score of each row before exp: then nothing overflows.""",
}  # fmt: skip


def untidy_softmax(name, log=False):
    """A softmax, or its logarithm, that is stable for tidy rows only."""

    def softmax(z, axis=-1):
        shifts = {
            "shifted_by_minimum": lambda: z.min(axis=axis, keepdims=True),
            "shifted_by_mean": lambda: z.mean(axis=axis, keepdims=True),
            "shifted_by_first": lambda: np.take(z, [0], axis=axis),
            "shifted_by_table_maximum": lambda: z.max(),
        }
        z = z - shifts[name]() if name in shifts else np.clip(z, -700, 700) if name == "clipped" else z
        e = np.exp(z)
        if name == "nan_to_num":
            return np.nan_to_num(np.log(e / e.sum(axis, keepdims=True)) if log else e / e.sum(axis, keepdims=True))
        return z - np.log(e.sum(axis, keepdims=True)) if log else e / e.sum(axis, keepdims=True)

    return softmax


def untidy_softmaxes(exercise, log=False, without=()):
    """Decorate what makes an answer out of a softmax: with each of these it is a wrong answer."""

    def add(answer_with):
        for name, hint in UNTIDY.items():
            if name not in without:
                exercise.wrong(hint, name=name)(answer_with(untidy_softmax(name, log)))
        return answer_with

    return add
