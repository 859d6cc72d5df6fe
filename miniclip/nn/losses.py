"""The contrastive losses, and how low they can go.

All take embeddings (unit vectors), image (B, E) and text (B, E), pair i with pair i, and `logit_scale`, the *log* of
the scale, as CLIP stores it. S = exp(logit_scale) image text^T is the (B, B) matrix of logits: row i asks "which text
belongs to image i?", column j asks "which image belongs to text j?". Losses are in nats.

A loss has no upstream gradient: `dimage, dtext, dlogit_scale = info_nce_backward(c)`.
"""

import math

import numpy as np

from .ops import log_softmax_forward, sigmoid


def logits_forward(image, text, logit_scale):
    """S = exp(logit_scale) image text^T.

    image (N, E), text (M, E), logit_scale a number -> S (N, M)
    """
    scale = math.exp(logit_scale)
    S = image @ text.T
    S *= scale
    return S, (image, text, scale, S)


def logits_backward(dS, c):
    """dimage = s dS text,  dtext = s dS^T image,  dlogit_scale = sum(dS S), since dS/dlogit_scale = S."""
    image, text, scale, S = c
    return scale * (dS @ text), scale * (dS.T @ image), (dS * S).sum()


def check_pairs(image, text) -> None:
    """As many images as texts, and at least one: pair i is image i with text i."""
    if len(image) != len(text) or len(image) == 0:
        raise ValueError(f"there are {len(image)} images and {len(text)} texts, expected as many of each, at least one")


def info_nce_forward(image, text, logit_scale):
    """loss = -(1/2B) sum_i (ln softmax_row(S)[i, i] + ln softmax_column(S)[i, i]): symmetric InfoNCE.

    image, text (B, E) unit vectors, logit_scale the log of the scale -> a number, in nats
    Source: Radford et al. 2021, arXiv:2103.00020, figure 3; van den Oord et al. 2018, arXiv:1807.03748, eq. 4.
    """
    check_pairs(image, text)
    S, logits = logits_forward(image, text, logit_scale)
    rows, _ = log_softmax_forward(S)
    columns, _ = log_softmax_forward(S.T)
    loss = -0.5 * (rows.diagonal().mean() + columns.diagonal().mean())
    return loss, (logits, rows, columns)


def info_nce_backward(c):
    """dS = (P_rows + P_columns - 2 I) / 2B: softmax minus truth, in both directions; its entries sum to 0."""
    logits, rows, columns = c
    dS = np.exp(rows)
    dS += np.exp(columns).T
    dS[np.diag_indices(len(dS))] -= 2.0
    dS /= 2 * len(dS)
    return logits_backward(dS, logits)


def multi_positive_forward(image, text, logit_scale, positives):
    """loss = -(1/2B) sum_ij (Q_ij ln P_rows_ij + R_ij ln P_columns_ij): every positive must be matched.

    positives (B, B) bool, True where text j is a right answer for image i; each row and column has at least one.
    Q shares each row's weight among its positives, R each column's. With one positive each this is `info_nce`.
    Source: Khosla et al. 2020, arXiv:2004.11362, eq. 2, applied in both directions.
    """
    check_pairs(image, text)
    S, logits = logits_forward(image, text, logit_scale)
    rows, _ = log_softmax_forward(S)
    columns, _ = log_softmax_forward(S.T)
    Q = (positives / positives.sum(1, keepdims=True)).astype(S.dtype)
    R = (positives / positives.sum(0, keepdims=True)).astype(S.dtype)
    loss = -((Q * rows).sum() + (R * columns.T).sum()) / (2 * len(S))
    return loss, (logits, rows, columns, Q + R)


def multi_positive_backward(c):
    """dS = (P_rows + P_columns - Q - R) / 2B: softmax minus truth again, the truth now shared."""
    logits, rows, columns, targets = c
    dS = np.exp(rows)
    dS += np.exp(columns).T
    dS -= targets
    dS /= 2 * len(dS)
    return logits_backward(dS, logits)


def sigmoid_loss_forward(image, text, logit_scale, logit_bias):
    """loss = -(1/B) sum_ij ln sigmoid(z_ij (S_ij + b)),  z = 1 on the diagonal, -1 elsewhere: each pair on its own.

    logit_bias b starts near -ln B (SigLIP: -10), because almost every pair is a negative.
    Source: Zhai et al. 2023, arXiv:2303.15343, eq. 1.
    """
    check_pairs(image, text)
    S, logits = logits_forward(image, text, logit_scale)
    z = 2.0 * np.eye(len(S), dtype=S.dtype) - 1.0
    margin = z * (S + logit_bias)
    loss = np.logaddexp(0.0, -margin).sum() / len(S)
    return loss, (logits, z, margin)


def sigmoid_loss_backward(c):
    """dS = -z sigmoid(-margin) / B,  db = sum(dS); returns dimage, dtext, dlogit_scale, dlogit_bias."""
    logits, z, margin = c
    dS = -z * sigmoid(-margin) / len(z)
    return *logits_backward(dS, logits), dS.sum()


def chunked_info_nce_forward(image, text, logit_scale, chunk=256):
    """`info_nce`, with B x chunk logits in memory instead of B x B: value and gradients are the same.

    A row's log-sum-exp needs its whole row, which one chunk of rows holds; a column's is gathered chunk by chunk, as a
    running maximum and a running sum. The backward computes each chunk of logits a second time instead of keeping it.
    """
    check_pairs(image, text)
    scale, B = math.exp(logit_scale), len(image)
    row_lse, column_max = np.empty(B, image.dtype), np.full(B, -np.inf, image.dtype)
    column_sum, matched = np.zeros(B, image.dtype), (image * text).sum(-1) * scale
    for start in range(0, B, chunk):
        S = scale * (image[start : start + chunk] @ text.T)
        top = S.max(1)
        row_lse[start : start + chunk] = top + np.log(np.exp(S - top[:, None]).sum(1))
        new_max = np.maximum(column_max, S.max(0))
        column_sum *= np.exp(column_max - new_max)
        column_sum += np.exp(S - new_max).sum(0)
        column_max = new_max
    column_lse = column_max + np.log(column_sum)
    loss = (0.5 * (row_lse + column_lse) - matched).mean()
    return loss, (image, text, scale, chunk, row_lse, column_lse)


def chunked_info_nce_backward(c):
    """P_rows = exp(S - row_lse), P_columns = exp(S - column_lse), one chunk of rows at a time."""
    image, text, scale, chunk, row_lse, column_lse = c
    B, dimage, dtext = len(image), np.empty_like(image), np.zeros_like(text)
    dlogit_scale = 0.0
    for start in range(0, B, chunk):
        stop = min(start + chunk, B)
        S = scale * (image[start:stop] @ text.T)
        dS = np.exp(S - row_lse[start:stop, None])
        dS += np.exp(S - column_lse)
        dS[np.arange(stop - start), np.arange(start, stop)] -= 2.0  # the match of row i is column start + i
        dS /= 2 * B
        dimage[start:stop] = scale * (dS @ text)
        dtext += scale * (dS.T @ image[start:stop])
        dlogit_scale += float((dS * S).sum(dtype=np.float64))
    return dimage, dtext, image.dtype.type(dlogit_scale)


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
    """ln(1 + (B - 1) exp(-s B / (B - 1))): the lowest loss at scale s, reached by a regular simplex.

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
    return -0.5 * float(rows.diagonal().mean() + columns.diagonal().mean())


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
