"""Sums, means, dot products and maxima over the last axis or all others, fast also where that axis is short.

NumPy's own reductions walk short rows one number at a time. A product with a vector of ones is a sum that BLAS takes,
and a maximum is fast across rows: they are laid side by side first.
"""

import numpy as np


def row_sum(x):
    """x.sum(-1), the axis kept: x (..., D) -> (..., 1)"""
    D = x.shape[-1]
    return (x.reshape(-1, D) @ np.ones(D, x.dtype)).reshape(*x.shape[:-1], 1)


def row_mean(x):
    """x.mean(-1), the axis kept: x (..., D) -> (..., 1)"""
    D = x.shape[-1]
    return (x.reshape(-1, D) @ np.full(D, 1.0 / D, x.dtype)).reshape(*x.shape[:-1], 1)


def row_dot(x, y):
    """(x * y).sum(-1), the axis kept, without the product's array: x, y (..., D) -> (..., 1)"""
    return np.einsum("...d,...d->...", x, y)[..., None]


def row_max(x):
    """x.max(-1), the axis kept: x (..., D) -> (..., 1)"""
    if x.shape[-1] > 64:
        return x.max(-1, keepdims=True)
    columns = np.ascontiguousarray(x.reshape(-1, x.shape[-1]).T)
    return columns.max(0).reshape(*x.shape[:-1], 1)


def column_sum(x):
    """The sum over all axes but the last: x (..., D) -> (D,)"""
    rows = x.reshape(-1, x.shape[-1])
    return np.ones(len(rows), x.dtype) @ rows
