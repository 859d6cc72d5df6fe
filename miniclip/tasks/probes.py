"""Classifiers made of a few labelled pictures, on embeddings that stay as they are."""

import numpy as np

RIDGE = 1e-2
SHARPNESS = 5.5  # beta of the Tip-Adapter paper


def ridge_probe(embeddings, labels, classes: int, ridge: float = RIDGE) -> np.ndarray:
    """W = (X^T X + ridge I)^-1 X^T Y, with X (N, E + 1), a column of ones at its end, Y (N, K) one-hot: (E + 1, K)

    A linear probe by least squares, in closed form. Source: Hoerl, Kennard 1970, doi:10.1080/00401706.1970.10488634.
    """
    X = with_ones(embeddings)
    return np.linalg.solve(X.T @ X + ridge * np.eye(X.shape[1]), X.T @ np.eye(classes)[labels])


def probe_scores(weights, embeddings) -> np.ndarray:
    """X W: (E + 1, K), (B, E) -> (B, K)"""
    return with_ones(embeddings) @ weights


def with_ones(embeddings) -> np.ndarray:
    """(N, E) -> (N, E + 1) float64"""
    return np.concatenate([embeddings, np.ones((len(embeddings), 1))], axis=1, dtype=np.float64)


def cache_scores(embeddings, known, labels, classes: int, sharpness: float = SHARPNESS) -> np.ndarray:
    """exp(-beta (1 - f F^T)) Y: (B, E) against N known pictures F (N, E) with one-hot labels Y -> (B, K)

    Nothing is trained: the known pictures vote, those alike the most. Source: Tip-Adapter, Zhang et al. 2021,
    arXiv:2111.03930, eq. 3, without the prompts' own logits.
    """
    return np.exp(-sharpness * (1.0 - embeddings @ known.T)) @ np.eye(classes)[labels]
