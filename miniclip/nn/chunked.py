"""InfoNCE where the table of logits does not fit in memory: a chunk of its rows at a time, on all cores."""

import numpy as np

from ..errors import InputError, quote
from ..machine.threads import in_parallel, parts
from .checks import check_pairs, scale_of

CHUNK_BYTES = 2**22  # of logits in float32, at once on a core: what its cache holds


def chunks(B: int, chunk: int) -> list[slice]:
    """The rows, so many at a time; 0 for what goes fastest."""
    if type(chunk) is not int or chunk < 0:
        raise InputError(f"chunk is {quote(chunk)}, expected a whole number of rows, or 0 for what goes fastest")
    return parts(B, chunk or max(64, CHUNK_BYTES // (4 * B)))


def log_sums(image, text, scale):
    """ln sum exp S over each row and each column of a chunk: (n,), (B,)"""
    S = (scale * image) @ text.T
    return log_sum_exp(S, 1), log_sum_exp(S, 0)


def log_sum_exp(S, axis: int):
    """max S + ln sum exp(S - max S) over an axis."""
    top = S.max(axis, keepdims=True)
    shifted = S - top
    np.exp(shifted, out=shifted)
    return top.squeeze(axis) + np.log(shifted.sum(axis))


def gradients_of_chunk(rows: slice, c):
    """dimage (n, E) of some rows, and their parts of dtext (B, E) and of dlogit_scale."""
    image, text, scale, _, row_lse, column_lse = c
    B, some = len(text), scale * image[rows]
    S = some @ text.T
    dS = np.exp(S - row_lse[rows, None])
    shifted = S - column_lse
    dS += np.exp(shifted, out=shifted)
    dS[np.arange(len(some)), np.arange(rows.start, rows.stop)] -= 2.0  # the match of a row is the column of its number
    dS /= 2 * B
    return scale * (dS @ text), dS.T @ some, np.vdot(dS, S)


def chunked_info_nce_forward(image, text, logit_scale, chunk=0):
    """`info_nce`, with B x chunk logits in memory instead of B x B: value and gradients are the same.

    A row's log-sum-exp needs its whole row, which one chunk of rows holds; a column's is gathered chunk by chunk, as a
    running maximum and a running sum. The backward computes each chunk of logits a second time instead of keeping it.
    """
    check_pairs(image, text)
    scale, B = scale_of(logit_scale), len(image)
    rows_of_chunks = chunks(B, chunk)
    jobs = (lambda rows=rows: log_sums(image[rows], text, scale) for rows in rows_of_chunks)
    row_lse, column_lse = np.empty(B, image.dtype), np.full(B, -np.inf, image.dtype)
    for rows, (of_rows, of_columns) in zip(rows_of_chunks, in_parallel(jobs), strict=True):
        row_lse[rows] = of_rows
        np.logaddexp(column_lse, of_columns, out=column_lse)
    matched = (image * text).sum(-1) * scale
    loss = (0.5 * (row_lse + column_lse) - matched).mean()
    return loss, (image, text, scale, rows_of_chunks, row_lse, column_lse)


def chunked_info_nce_backward(c):
    """P_rows = exp(S - row_lse), P_columns = exp(S - column_lse), one chunk of rows at a time."""
    image, text, _, rows_of_chunks, _, _ = c
    dimage, dtext, dlogit_scale = np.empty_like(image), np.zeros_like(text), 0.0
    jobs = (lambda rows=rows: gradients_of_chunk(rows, c) for rows in rows_of_chunks)
    for rows, (of_rows, of_all, of_scale) in zip(rows_of_chunks, in_parallel(jobs), strict=True):
        dimage[rows] = of_rows
        dtext += of_all
        dlogit_scale += of_scale
    return dimage, dtext, image.dtype.type(dlogit_scale)
