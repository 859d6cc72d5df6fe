"""The contrastive losses.

All take embeddings (unit vectors), image (B, E) and text (B, E), pair i with pair i, and `logit_scale`, the *log* of
the scale, as CLIP stores it. S = exp(logit_scale) image text^T is the (B, B) matrix of logits: row i asks "which text
belongs to image i?", column j asks "which image belongs to text j?". Losses are in nats.

A loss has no upstream gradient: `dimage, dtext, dlogit_scale = info_nce_backward(c)`.
The cap on the scale is in `train/loop.py`, after the step; which captions count as positives, in `data/captions.py`.
"""

import numpy as np

from .checks import check_pairs, check_positives, scale_of
from .ops import log_softmax_forward, sigmoid


def logits_forward(image, text, logit_scale):
    """S = exp(logit_scale) image text^T.

    image (N, E), text (M, E), logit_scale a number -> S (N, M)
    """
    scale = scale_of(logit_scale)
    S = image @ text.T
    S *= scale
    return S, (image, text, scale, S)


def logits_backward(dS, c):
    """dimage = s dS text,  dtext = s dS^T image,  dlogit_scale = sum(dS S), since dS/dlogit_scale = S.

    dS (N, M) -> dimage (N, E), dtext (M, E), a number
    """
    image, text, scale, S = c
    return scale * (dS @ text), scale * (dS.T @ image), (dS * S).sum()


def logits_of(c):
    """S, out of the cache of any loss in this file: all begin with that of the logits."""
    return c[0][-1]


def info_nce_forward(image, text, logit_scale):
    """loss = -(1/2B) sum_i (ln softmax_row(S)[i, i] + ln softmax_column(S)[i, i]): symmetric InfoNCE.

    image, text (B, E) unit vectors, logit_scale the log of the scale -> a number, in nats
    Source: Radford et al. 2021, arXiv:2103.00020, figure 3; van den Oord et al. 2018, arXiv:1807.03748, eq. 4.
    """
    check_pairs(image, text)
    S, c_logits = logits_forward(image, text, logit_scale)
    rows, _ = log_softmax_forward(S)
    columns, _ = log_softmax_forward(S.T)
    loss = -(0.5 * (rows.diagonal() + columns.diagonal())).mean()  # numbers meet arrays only: NumPy 1 keeps float32
    return loss, (c_logits, rows, columns)


def info_nce_backward(c):
    """dS = (P_rows + P_columns - 2 I) / 2B: softmax minus truth, in both directions; its entries sum to 0.

    Row i's part of the loss is -S_ii + ln sum_j exp S_ij. Its derivative by S_ij is exp S_ij / sum_k exp S_ik = P_ij,
    less 1 where j = i. Column j's part gives the same with its own softmax. S_ij stands in one row and one column, and
    the 2B parts are averaged.
    -> dimage, dtext (B, E), dlogit_scale a number
    """
    c_logits, rows, columns = c
    dS = np.exp(rows)
    dS += np.exp(columns).T
    dS[np.diag_indices(len(dS))] -= 2.0
    dS /= 2 * len(dS)
    return logits_backward(dS, c_logits)


def multi_positive_forward(image, text, logit_scale, positives):
    """loss = -(1/2B) sum_ij (Q_ij ln P_rows_ij + R_ij ln P_columns_ij): every positive must be matched.

    positives (B, B) bool, True where text j is a right answer for image i (`data.captions.caption_groups` says which);
    each row and column has at least one.
    Q shares each row's weight among its positives, R each column's. With one positive each this is `info_nce`.
    Source: Khosla et al. 2020, arXiv:2004.11362, eq. 2, applied in both directions.
    """
    check_pairs(image, text)
    check_positives(positives, len(image))
    S, c_logits = logits_forward(image, text, logit_scale)
    rows, _ = log_softmax_forward(S)
    columns, _ = log_softmax_forward(S.T)
    Q = (positives / positives.sum(1, keepdims=True)).astype(S.dtype)
    R = (positives / positives.sum(0, keepdims=True)).astype(S.dtype)
    loss = -(0.5 * (Q * rows + R * columns.T)).sum(1).mean()
    return loss, (c_logits, rows, columns, Q + R)


def multi_positive_backward(c):
    """dS = (P_rows + P_columns - Q - R) / 2B: softmax minus truth again, the truth now shared.

    -> dimage, dtext (B, E), dlogit_scale a number
    """
    c_logits, rows, columns, targets = c
    dS = np.exp(rows)
    dS += np.exp(columns).T
    dS -= targets
    dS /= 2 * len(dS)
    return logits_backward(dS, c_logits)


def sigmoid_loss_forward(image, text, logit_scale, logit_bias):
    """loss = -(1/B) sum_ij ln sigmoid(z_ij (S_ij + b)),  z = 1 on the diagonal, -1 elsewhere: each pair on its own.

    image, text (B, E) unit vectors, logit_scale and logit_bias numbers -> a number, in nats
    logit_bias b starts far below 0 (SigLIP: -10), because almost every pair is a negative.
    Source: Zhai et al. 2023, arXiv:2303.15343, eq. 1.
    """
    check_pairs(image, text)
    S, c_logits = logits_forward(image, text, logit_scale)
    z = 2.0 * np.eye(len(S), dtype=S.dtype) - 1.0
    margin = z * (S + logit_bias)
    loss = np.logaddexp(0.0, -margin).sum(1).mean()
    return loss, (c_logits, z, margin)


def sigmoid_loss_backward(c):
    """dS = -z sigmoid(-margin) / B,  db = sum(dS); returns dimage, dtext, dlogit_scale, dlogit_bias."""
    c_logits, z, margin = c
    dS = -z * sigmoid(-margin) / len(z)
    return *logits_backward(dS, c_logits), dS.sum()
