"""Operations without parameters, each with its gradient.

`y, c = f_forward(x)` and `dx = f_backward(dy, c)`: c is the cache, a tuple of what the gradient will need. `row_sum(x)`
and the like are x.sum(-1, keepdims=True) and so on, only faster.
"""

import math

import numpy as np

from .erf import erf
from .reduce import row_dot, row_max, row_sum


def gelu_forward(x):
    """y = x Phi(x), Phi the normal distribution function: the exact form, not the tanh approximation.

    Source: Hendrycks, Gimpel 2016, arXiv:1606.08415, eq. 1.
    """
    cdf = 0.5 * (1.0 + erf(x * math.sqrt(0.5)))
    return x * cdf, (x, cdf)


def gelu_backward(dy, c):
    """dx = dy (Phi(x) + x Phi'(x)),  Phi'(x) = exp(-x^2 / 2) / sqrt(2 pi)."""
    x, cdf = c
    return dy * (cdf + x * np.exp(-0.5 * x * x) * math.sqrt(0.5 / math.pi))


def sigmoid(x, slope=1.0):
    """1 / (1 + exp(-slope x)) = (1 + tanh(slope x / 2)) / 2: written like this, no exponential overflows."""
    y = (0.5 * slope) * x
    np.tanh(y, out=y)
    y += 1.0
    y *= 0.5
    return y


def quick_gelu_forward(x):
    """y = x sigmoid(1.702 x): OpenAI's activation. Up to 0.02 away from `gelu`: weights of one do not fit the other.

    Source: Hendrycks, Gimpel 2016, arXiv:1606.08415, section 2; openai/CLIP model.py, QuickGELU.
    """
    s = sigmoid(x, 1.702)
    y = x * s
    return y, (s, y)


def quick_gelu_backward(dy, c):
    """dx = dy (s + 1.702 y (1 - s)),  s = sigmoid(1.702 x): x itself is not needed, since x s' = y (1 - s)."""
    s, y = c
    dx = 1.0 - s
    dx *= y
    dx *= 1.702
    dx += s
    dx *= dy
    return dx


def softmax_forward(z):
    """p_i = exp(z_i) / sum_j exp(z_j), over the last axis; -inf gives exactly 0.

    To subtract max z from all z changes nothing but the size of the exponentials, and takes as long as they do: it is
    done only where a sum comes near to an overflow, or to 0.
    """
    with np.errstate(over="ignore"):
        p = np.exp(z)
        total = row_sum(p)
    if not (total.min(initial=1.0) > 1e-20 and total.max(initial=1.0) < 1e20):
        p = np.exp(z - row_max(z))
        total = row_sum(p)
    p /= total
    return p, (p,)


def softmax_backward(dp, c):
    """dz = p (dp - <dp, p>): a number added to all logits changes nothing, so dz must sum to 0."""
    (p,) = c
    dz = dp - row_dot(dp, p)
    dz *= p
    return dz


def log_softmax_forward(z):
    """y = z - max z - ln sum exp(z - max z), over the last axis: no overflow, and no log of an underflowed 0."""
    y = z - row_max(z)
    y -= np.log(row_sum(np.exp(y)))
    return y, (y,)


def log_softmax_backward(dy, c):
    """dz = dy - p sum(dy),  p = exp(y)."""
    (y,) = c
    return dy - np.exp(y) * row_sum(dy)


def normalize_forward(x):
    """y = x / |x|, over the last axis; the zero vector stays zero.

    x (..., E) features -> y (..., E) embeddings
    """
    # Divide by the largest entry first: its square can neither overflow nor underflow.
    largest = np.abs(x).max(-1, keepdims=True)
    y = x / np.where(largest > 0.0, largest, 1.0)
    length = np.sqrt(row_dot(y, y))
    y /= np.where(length > 0.0, length, 1.0)
    return y, (y, largest * length)


def normalize_backward(dy, c):
    """dx = (dy - y <y, dy>) / |x|: only the part along the sphere survives, longer vectors turn less; 0 at x = 0."""
    y, length = c
    dx = dy - y * row_dot(y, dy)
    tiny = np.finfo(length.dtype).tiny  # 0 where 1 / |x| would overflow
    dx *= np.divide(1.0, length, out=np.zeros_like(length), where=length > tiny)
    return dx


def pick_forward(x, position):
    """y[b] = x[b, position[b]]: one token of each sequence.

    x (B, T, D); position (B,) integers -> y (B, D)
    """
    return x[np.arange(len(x)), position], (x.shape, position)


def pick_backward(dy, c):
    """dx[b, position[b]] = dy[b], zero elsewhere."""
    shape, position = c
    dx = np.zeros(shape, dy.dtype)
    dx[np.arange(len(dx)), position] = dy
    return dx


def split_heads(x, heads):
    """(B, T, H K) -> (B, H, T, K): a head is a contiguous run of K features.

    It is the same memory: what is written to the heads stands in x, merged.
    """
    B, T, D = x.shape
    return x.reshape(B, T, heads, D // heads).swapaxes(1, 2)


def split_parts(x, n, heads):
    """The heads of n arrays that stand side by side: x (B, T, n H K) -> n times (B, H, T, K), the same memory"""
    return [split_heads(part, heads) for part in np.split(x, n, axis=-1)]


def attend_forward(q, k, v, mask=None, out=None):
    """y = softmax(q k^T / sqrt(K)) v: every query reads a mixture of the values.

    q (..., T, K); k (..., S, K); v (..., S, K'); mask (..., T, S) bool, True where the query may look
    -> y (..., T, K'), written to `out` where it is given
    Source: Vaswani et al. 2017, arXiv:1706.03762, eq. 1.
    """
    scale = 1.0 / math.sqrt(q.shape[-1])
    scores = (q * scale) @ k.swapaxes(-1, -2)
    if mask is not None:
        scores += np.where(mask, 0.0, -np.inf).astype(scores.dtype)
    weights, _ = softmax_forward(scores)
    return np.matmul(weights, v, out=out), (q, k, v, weights)


def attend_backward(dy, c, out=(None, None, None)):
    """dv = w^T dy,  dw = dy v^T,  ds = w (dw - <dw, w>) / sqrt(K),  dq = ds k,  dk = ds^T q.

    A masked weight is exactly 0, so its score gets exactly no gradient. dq, dk and dv are written to `out`.
    """
    q, k, v, weights = c
    scale = 1.0 / math.sqrt(q.shape[-1])
    dscores = softmax_backward(dy @ v.swapaxes(-1, -2), (weights,))
    dscores *= scale
    dq = np.matmul(dscores, k, out=out[0])
    dk = np.matmul(dscores.swapaxes(-1, -2), q, out=out[1])
    dv = np.matmul(weights.swapaxes(-1, -2), dy, out=out[2])
    return dq, dk, dv
