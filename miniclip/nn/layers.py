"""Layers with parameters: init, forward and backward stand together.

    y,  c = f_forward(x, p, ...)      p  parameters      c  cache: what the gradient will need
    dx, g = f_backward(dy, c)         g  gradients, with the names and shapes of p

p, c and g are trees. A leaf's cache is a tuple of what its gradient needs; a composite's is a dict with p's keys, and
one more for each operation without parameters. The forward fills it from input to output, the backward reads it from
output to input. g has exactly the keys of p. Weights are stored (out, in), as PyTorch does.
"""

import numpy as np

from .reduce import column_sum, row_dot, row_mean

EPS = 1e-5  # of layer norm: CLIP's, and PyTorch's


def init_linear(rng, d_in, d_out, std=None, bias=True):
    """weight (d_out, d_in) ~ N(0, std^2), by default 1 / sqrt(d_in) so that outputs are as large as inputs; bias 0."""
    p = {"weight": rng.normal(0.0, d_in**-0.5 if std is None else std, (d_out, d_in))}
    if bias:
        p["bias"] = np.zeros(d_out)
    return p


def linear_forward(x, p):
    """y = x W^T + b.

    x (..., D_in); weight (D_out, D_in), bias (D_out,) if there is one -> y (..., D_out)
    """
    x2d = x.reshape(-1, x.shape[-1])  # one large product is far faster than a stack of small ones
    y = x2d @ p["weight"].T
    if "bias" in p:
        y += p["bias"]
    return y.reshape(*x.shape[:-1], y.shape[-1]), (x2d, p)


def linear_backward(dy, c):
    """dx = dy W,  dW = dy^T x,  db = sum of dy: the sums run over every row, because all rows share W and b.

    dy (..., D_out) -> dx (..., D_in), g
    """
    x2d, p = c
    dy2d = dy.reshape(-1, dy.shape[-1])
    return (dy2d @ p["weight"]).reshape(*dy.shape[:-1], x2d.shape[-1]), linear_gradients(dy, c)


def linear_gradients(dy, c):
    """g alone, where x is data and nobody asks for dx."""
    x2d, p = c
    dy2d = dy.reshape(-1, dy.shape[-1])
    g = {"weight": dy2d.T @ x2d}
    if "bias" in p:
        g["bias"] = column_sum(dy2d)
    return g


def init_embedding(rng, size, d, std):
    """weight (size, d) ~ N(0, std^2)."""
    return {"weight": rng.normal(0.0, std, (size, d))}


def embedding_forward(ids, p):
    """y = W[ids].

    ids (...) integers in [0, V); weight (V, D) -> y (..., D)
    """
    return p["weight"][ids], (ids, p["weight"])


def embedding_backward(dy, c):
    """dW[v] = sum of dy over every place where v stands: a repeated token gathers all of its gradients.

    Integers have no gradient, so there is no dx.
    """
    ids, weight = c
    g = np.zeros_like(weight)
    np.add.at(g, ids.ravel(), dy.reshape(-1, weight.shape[1]))  # g[ids] += dy would keep only the last
    return {"weight": g}


def init_position(rng, length, d, std):
    """One vector for each position, (length, d) ~ N(0, std^2)."""
    return rng.normal(0.0, std, (length, d))


def position_forward(x, p):
    """y = x + p[:T]: a learned vector for each position.

    x (B, T, D); p (length, D), T <= length -> y (B, T, D)
    """
    return x + p[: x.shape[1]], (p,)


def position_backward(dy, c):
    """dx = dy,  dp = sum of dy over the batch, 0 for the positions beyond T."""
    (p,) = c
    g = np.zeros_like(p)
    g[: dy.shape[1]] = dy.sum(0)
    return dy, g


def init_prepend(rng, d, std):
    """One learned token, (d,) ~ N(0, std^2)."""
    return rng.normal(0.0, std, d)


def prepend_forward(x, p):
    """y = [p, x_1, ..., x_T]: the class token goes first.

    x (B, T, D); p (D,) -> y (B, 1 + T, D)
    """
    y = np.empty((x.shape[0], 1 + x.shape[1], x.shape[2]), x.dtype)
    y[:, 0], y[:, 1:] = p, x
    return y, ()


def prepend_backward(dy, c):
    """dx = dy[:, 1:],  dp = sum of dy[:, 0] over the batch."""
    return dy[:, 1:], dy[:, 0].sum(0)


def init_layer_norm(d):
    """weight 1, bias 0."""
    return {"weight": np.ones(d), "bias": np.zeros(d)}


def layer_norm_forward(x, p, eps=EPS):
    """y = n weight + bias,  n = (x - mean) / sqrt(var + eps), over the last axis.

    x (..., D); weight, bias (D,) -> y (..., D)
    Source: Ba, Kiros, Hinton 2016, arXiv:1607.06450, eq. 4.
    """
    n = x - row_mean(x)
    rstd = 1.0 / np.sqrt(row_dot(n, n) / x.shape[-1] + eps)
    n *= rstd
    y = n * p["weight"]
    y += p["bias"]
    return y, (n, rstd, p["weight"])


def layer_norm_backward(dy, c):
    """dx = rstd (dn - mean(dn) - n mean(n dn)),  dn = dy weight: neither a shift nor a stretch of x changes y."""
    n, rstd, weight = c
    dn = dy * weight
    dx = dn - row_mean(dn)
    dx -= n * (row_dot(n, dn) / n.shape[-1])
    dx *= rstd
    return dx, {"weight": column_sum(dy * n), "bias": column_sum(dy)}
