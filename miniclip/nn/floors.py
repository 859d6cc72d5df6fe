"""What a contrastive loss can be compared with: chance, and how low it can go. In nats."""

import math

import numpy as np

from .ops import log_softmax_forward


def chance_loss(B: int) -> float:
    """ln B: the loss when all embeddings are equal, and every text is as good as any other.

    >>> round(chance_loss(8), 2), round(chance_loss(64), 2), round(chance_loss(32_768), 2)
    (2.08, 4.16, 10.4)
    """
    return math.log(B)


def untrained_loss(B: int, scale: float, E: int) -> float:
    """ln B + s^2 / 2E: the loss of random directions, whose cosines have variance 1 / E.

    >>> round(untrained_loss(128, 1 / 0.07, 64) - chance_loss(128), 2)
    1.59
    """
    return math.log(B) + scale * scale / (2 * E)


def temperature_floor(B: int, scale: float) -> float:
    """ln(1 + (B - 1) exp(-s B / (B - 1))): the lowest loss at scale s, reached by a regular simplex; B >= 2.

    All embeddings cannot point away from each other more than cosine -1 / (B - 1): no loss at this scale is lower.

    >>> round(temperature_floor(2, 1.0), 4), round(temperature_floor(128, 1 / 0.07), 6)
    (0.1269, 7.1e-05)
    """
    return math.log1p((B - 1) * math.exp(-scale * B / (B - 1)))


def duplicate_floor(captions) -> float:
    """mean over the batch of ln n_i, n_i the copies of caption i: nobody can tell equal captions apart.

    >>> round(duplicate_floor(["a circle", "a circle", "a square", "a star"]), 4)  # half of ln 2
    0.3466
    """
    _, inverse, copies = np.unique(np.asarray(captions), return_inverse=True, return_counts=True)
    return float(np.log(copies[inverse]).mean())


def caption_floor(information) -> float:
    """The loss of the best possible logits, ln p(text | image) - ln p(text): what is left is what captions leave open.

    information (B, B): that pointwise mutual information, -inf where the caption could not be said of the image. A
    caption such as "something red" fits many images of a batch, and no model can know which one was meant. With full
    captions and equal priors this is `duplicate_floor`.
    Source: van den Oord et al. 2018, arXiv:1807.03748, eq. 5: the optimal critic is the density ratio.
    """
    rows, _ = log_softmax_forward(information)
    columns, _ = log_softmax_forward(information.T)
    return 0.0 - 0.5 * float(rows.diagonal().mean() + columns.diagonal().mean())  # never -0.0


def sigmoid_chance_loss(B: int) -> float:
    """ln B + (B - 1) ln(B / (B - 1)): the sigmoid loss when every pair gets the share 1 / B of matches as its chance.

    >>> round(sigmoid_chance_loss(128), 2)
    5.85
    """
    return math.log(B) + (B - 1) * math.log(B / (B - 1))


def sigmoid_caption_floor(information) -> float:
    """The sigmoid loss of the best possible logits, ln p(text | image) - ln p(text) - ln(B - 1).

    Of a batch's pairs a share 1 / B match: the odds of a match are the density ratio over B - 1. See `caption_floor`.
    """
    B = len(information)
    margin = np.where(np.eye(B, dtype=bool), 1.0, -1.0) * (information - math.log(B - 1))
    return float(np.logaddexp(0.0, -margin).sum() / B)
