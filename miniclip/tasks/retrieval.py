"""Retrieval and its scores: from words to pictures, and from pictures to words.

The two directions are one function: queries are rows, the gallery is columns, `scores = queries @ gallery.T`.
A query may have several right answers. Ties count against us: an item that scores as high as the best right answer is
ranked before it, so a model that maps everything to one point gets rank last, not rank first.
"""

import numpy as np

from ..errors import InputError, quote
from .shares import Share


def first_ranks(scores, relevant) -> np.ndarray:
    """rank_q = 1 + the number of wrong answers that score at least as high as the best right one.

    Parameters
    ----------
    scores : array (Q, N)
    relevant : bool array (Q, N)
        True where item n is a right answer to query q; at least one a query.

    Returns
    -------
    int array (Q,), 1 is best

    Raises
    ------
    ValueError
        For other shapes, no query, scores that are not finite, or a query without a right answer.
    """
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 2 or scores.shape != relevant.shape or relevant.dtype != bool:
        raise InputError(
            f"scores {scores.shape} and relevant {relevant.shape} {relevant.dtype}: expected numbers and bool, (Q, N)"
        )
    if scores.size == 0:
        raise InputError("there are no queries or no items: recall of nothing is not a number")
    if not np.isfinite(scores).all():
        raise InputError("scores are not all finite: no ranking exists")
    lonely = np.flatnonzero(~relevant.any(1))
    if lonely.size:
        raise InputError(f"query {lonely[0]} has no right answer: leave such queries out")
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    return 1 + (~relevant & (scores >= best)).sum(1)


def recall_at_k(scores, relevant, k: int = 1) -> Share:
    """The share of queries with a right answer among the first k; arguments and errors as `first_ranks`.

    >>> recall_at_k([[0.9, 0.1], [0.8, 0.7]], np.eye(2, dtype=bool), k=1)
    0.5
    """
    return Share(first_ranks(scores, relevant) <= check_k(k))


def median_rank(scores, relevant) -> float:
    """The median over queries of the rank of the first right answer; 1 is best."""
    return float(np.median(first_ranks(scores, relevant)))


def mean_reciprocal_rank(scores, relevant) -> float:
    """The mean over queries of 1 / rank of the first right answer; 1 is best."""
    return float((1.0 / first_ranks(scores, relevant)).mean())


def check_k(k) -> int:
    """k as a whole number above 0, or a ValueError."""
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"k is {quote(k)}, expected a whole number above 0")
    return int(k)
