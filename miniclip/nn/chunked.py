"""InfoNCE where the table of logits does not fit in memory: a chunk of its rows at a time."""

import math

import numpy as np

from .losses import check_pairs


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
