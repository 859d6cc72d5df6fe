"""A search that may say no, where no answers are known: pictures that stand out from what unrelated queries score.

Queries that have nothing to do with the pictures give a null distribution, and what rises above it is a discovery. It
knows nothing of near misses: a red square is nothing unrelated to "a red circle". So what is promised is less than what
`precision` promises: of those returned, at most a share of 1 - precision scores as an unrelated query would.

Source: Benjamini, Hochberg 1995, doi:10.1111/j.2517-6161.1995.tb02031.x.
"""

import numpy as np

from ..model import Model
from ..tasks.zero_shot import imagenet
from .precision import check_precision

TEXTS = 256
PICTURES = 4096  # of a gallery, at most, which unrelated queries are compared with


def unrelated_texts(model: Model) -> list[str]:
    """Texts that most pictures have nothing to do with: words of its own, or for byte pairs classes of ImageNet."""
    words = list(getattr(model.tokenizer, "words", ())) or [
        f"a photo of a {name}." for name in imagenet()["class_names"]
    ]
    return words[:: -(-len(words) // TEXTS)]


def p_values(scores, unrelated) -> np.ndarray:
    """How often a query that has nothing to do with the pictures scores a picture as high as this one does.

    Scores of one query are compared as distances from their mean, in their deviations.

    Parameters
    ----------
    scores : array (N,)
        Of the query, with N pictures.
    unrelated : array (U, N)
        Of U unrelated queries, with the same pictures.

    Returns
    -------
    float array (N,), above 0 and at most 1
    """
    null = np.sort(standardized(np.asarray(unrelated, np.float64)).ravel())
    z = standardized(np.asarray(scores, np.float64)[None])[0]
    return (len(null) - np.searchsorted(null, z) + 1) / (len(null) + 1)


def standardized(scores) -> np.ndarray:
    """(x - mean) / deviation of each row; 0 where all are equal."""
    centred = scores - scores.mean(1, keepdims=True)
    deviation = scores.std(1, keepdims=True)
    return centred / np.where(deviation > 1e-12, deviation, np.inf)


def discoveries(p, precision: float) -> int:
    """How many pictures to return, the smallest p first: the most, k, with N p_k <= (1 - precision) k.

    >>> discoveries(np.array([0.001, 0.02, 0.3, 0.9]), 0.9), discoveries(np.array([0.2, 0.5]), 0.9)
    (2, 0)
    """
    p, share = np.sort(p), 1.0 - check_precision(precision)
    enough = len(p) * p <= share * np.arange(1, len(p) + 1)
    return int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 0


def unrelated_scores(model: Model, images) -> np.ndarray:
    """(U, N): what unrelated texts score with pictures, or some of them, (N, E) unit vectors."""
    return model.encode_text(unrelated_texts(model)) @ images[:: -(-len(images) // PICTURES)].T
