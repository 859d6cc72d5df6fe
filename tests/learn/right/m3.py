import itertools
import math
from functools import partial, reduce

import numpy as np

# 3.1: apply_along_axis
def layernorm(x, gain, bias, eps=1e-05):
    def token(row):
        c = row - math.fsum(row) / len(row)
        return c / math.sqrt(math.fsum(c * c) / len(c) + eps) * gain + bias
    return np.apply_along_axis(token, -1, x.astype(float))

# 3.1: in place, with var
def layernorm(x, gain, bias, eps=1e-05):
    y = np.array(x, float, copy=True)
    y -= y.mean(-1, keepdims=True)
    y *= (np.einsum("...i,...i->...", y, y) / y.shape[-1] + eps)[..., None] ** -0.5
    y *= gain
    y += bias
    return y

# 3.1: flat rows, pure Python
import statistics

def layernorm(x, gain, bias, eps=1e-05):
    rows = []
    for row in np.reshape(x, (-1, np.shape(x)[-1])).tolist():
        m = statistics.fmean(row)
        s = math.sqrt(statistics.pvariance(row, m) + eps)
        rows.append([g * (v - m) / s + b for v, g, b in zip(row, gain, bias)])
    return np.array(rows).reshape(x.shape)

# 3.1: a projection
def layernorm(x, gain, bias, eps=1e-05):
    d = x.shape[-1]
    centre = np.eye(d) - 1 / d
    c = (np.float64(x) - np.float64(x)[..., :1]) @ centre
    return c * gain / np.hypot(np.linalg.norm(c, axis=-1, keepdims=True) / np.sqrt(d), np.sqrt(eps)) + bias

# 3.2: a Jacobian for each token
def layernorm_backward(dy, x, gain, eps=1e-05):
    d = x.shape[-1]
    dx, dgain, dbias = np.zeros(x.shape), np.zeros(d), np.zeros(d)
    for place in np.ndindex(x.shape[:-1]):
        c = x[place] - x[place].mean()
        s = math.sqrt(c @ c / d + eps)
        J = (np.eye(d) - 1 / d) / s - np.outer(c, c) / (d * s**3)
        dx[place] = J.T @ (dy[place] * gain)
        dgain += dy[place] * c / s
        dbias += dy[place]
    return dx, dgain, dbias

# 3.2: einsum, and a list of three
def layernorm_backward(dy, x, gain, eps=1e-05):
    c = x - x.mean(-1)[..., None]
    r = 1 / np.sqrt(c.var(-1) + eps)
    n = np.einsum("...d,...->...d", c, r)
    h = np.einsum("...d,d->...d", dy, gain)
    along = np.einsum("...d,...d->...", h, n) / len(gain)
    dx = np.einsum("...d,...->...d", h - h.mean(-1, keepdims=True) - n * along[..., None], r)
    tokens = [one.reshape(-1, len(gain)) for one in (dy, n)]
    return [dx, np.einsum("td,td->d", *tokens), np.einsum("td->d", tokens[0])]

# 3.2: flat tokens, in place
def layernorm_backward(dy, x, gain, eps=1e-05):
    D, X = dy.reshape(-1, len(gain)), x.reshape(-1, len(gain)).copy()
    X -= X.mean(1, keepdims=True)
    s = np.sqrt((X**2).mean(1, keepdims=True) + eps)
    X /= s
    dgain = (D * X).sum(0)
    out = D * gain
    out -= out.mean(1, keepdims=True) + X * (out * X).mean(1, keepdims=True)
    out /= s
    return out.reshape(x.shape), dgain, D.sum(0)

# 3.2: a complex step through the forward
def layernorm_backward(dy, x, gain, eps=1e-05):
    def forward(z):
        c = z - z.mean(-1, keepdims=True)
        return c / np.sqrt((c * c).mean(-1, keepdims=True) + eps)
    dx = np.zeros(x.shape)
    for i in range(x.shape[-1]):
        step = x.astype(complex)
        step[..., i] += 1e-30j
        dx[..., i] = (forward(step).imag / 1e-30 * gain * dy).sum(-1)
    axes = tuple(range(x.ndim - 1))
    return dx, np.sum(dy * forward(x), axes), np.sum(dy, axes)

# 3.3: a Jacobian for each row
def softmax_backward(dy, p):
    dz = np.empty_like(p)
    for row in np.ndindex(p.shape[:-1]):
        dz[row] = (np.diag(p[row]) - np.outer(p[row], p[row])) @ dy[row]
    return dz

# 3.3: pairs
def softmax_backward(dy, p):
    pairs = p[..., :, None] * p[..., None, :] * (dy[..., :, None] - dy[..., None, :])
    return pairs.sum(-1)

# 3.3: the dot product by matmul
def softmax_backward(dy, p):
    return p * dy - p * np.matmul(dy[..., None, :], p[..., :, None])[..., 0]

# 3.3: vectorize with a signature
@partial(np.vectorize, signature="(n),(n)->(n)")
def softmax_backward(dy, p):
    return p * (dy - np.average(dy, weights=p))

# 3.3: recursion over the axes
def softmax_backward(dy, p):
    if np.ndim(p) > 1:
        return [softmax_backward(a, b) for a, b in zip(dy, p)]
    a = sum(map(float.__mul__, map(float, dy), map(float, p)))
    return [q * (g - a) for g, q in zip(dy, p)]

# 3.4: a masked array
def attention(q, k, v, mask):
    s = np.ma.array(q @ k.T / math.sqrt(k.shape[1]), mask=~mask)
    e = np.ma.exp(s - s.max(axis=1, keepdims=True)).filled(0)
    return e @ v / e.sum(axis=1, keepdims=True)

# 3.4: only the keys that are seen
def attention(q, k, v, mask):
    out = []
    for query, sees in zip(q, mask):
        scores = k[sees] @ query / len(query) ** 0.5
        weights = np.exp(scores - scores.max())
        out.append(np.average(v[sees], axis=0, weights=weights))
    return np.vstack(out)

# 3.4: a running softmax, key after key
def attention(q, k, v, mask):
    top, total, out = np.full(len(q), -np.inf), np.zeros(len(q)), np.zeros((len(q), v.shape[1]))
    for j in range(len(k)):
        s = np.where(mask[:, j], q @ k[j] / np.sqrt(q.shape[1]), -np.inf)
        higher = np.maximum(top, s)
        with np.errstate(invalid="ignore"):
            old, new = (np.nan_to_num(np.exp(a - higher), nan=0.0) for a in (top, s))
        total = total * old + new
        out = out * old[:, None] + new[:, None] * v[j]
        top = higher
    return out / total[:, None]

# 3.4: pure Python
def attention(q, k, v, mask):
    def read(query, sees):
        scores = [sum(map(lambda a, b: a * b, query, key)) / math.sqrt(len(query)) for key in k]
        top = max(itertools.compress(scores, sees))
        weights = [math.exp(s - top) if see else 0.0 for s, see in zip(scores, sees)]
        return [sum(w * value[d] for w, value in zip(weights, v)) / sum(weights) for d in range(v.shape[1])]
    return list(map(read, q, mask))

# 3.4: logaddexp
def attention(q, k, v, mask):
    with np.errstate(divide="ignore"):
        s = np.einsum("nd,md->nm", q, k) / np.sqrt(q.shape[-1]) + np.log(mask)
    return np.exp(s - np.logaddexp.reduce(s, axis=1)[:, None]) @ v

# 3.5: fromfunction
def causal_mask(n):
    return np.fromfunction(lambda i, j: j <= i, (n, n))

# 3.5: accumulate rows
def causal_mask(n):
    return np.logical_or.accumulate(np.eye(n, dtype=bool)[:, ::-1], axis=1)[:, ::-1]

# 3.5: comprehension
def causal_mask(n):
    return [[j <= i for j in range(n)] for i in range(n)]

# 3.5: recursion
def causal_mask(n):
    if n == 1:
        return np.array([[True]])
    return np.block([[causal_mask(n - 1), np.zeros((n - 1, 1), bool)], [np.ones((1, n), bool)]])

# 3.5: in place
def causal_mask(n):
    mask = np.zeros((n, n), np.bool_)
    mask[np.tril_indices(n)] = True
    return mask

# 3.5: a ufunc of Python
at_most = np.frompyfunc(lambda i, j: bool(j <= i), 2, 1)

def causal_mask(n):
    return at_most.outer(np.arange(n), np.arange(n))

# 3.6: slices in a stack
def split_heads(x, h):
    w = x.shape[-1] // h
    return np.stack([x[..., i * w : (i + 1) * w] for i in range(h)], axis=1)

def merge_heads(x):
    return np.concatenate([x[:, i] for i in range(x.shape[1])], axis=-1)

# 3.6: np.split
def split_heads(x, h):
    return np.array(np.split(x, h, axis=2)).swapaxes(0, 1)

def merge_heads(x):
    return np.dstack(list(np.moveaxis(x, 1, 0))) if x.shape[0] else x

# 3.6: einsum
def split_heads(x, h):
    B, L, D = x.shape
    return np.einsum("blhw->bhlw", x.reshape(B, L, h, D // h))

def merge_heads(x):
    B, h, L, w = x.shape
    return np.einsum("bhlw->blhw", x).reshape(B, L, h * w)

# 3.6: loops over nested lists
def split_heads(x, h):
    w = x.shape[2] // h
    return [[[list(token[i * w : i * w + w]) for token in caption] for i in range(h)] for caption in x]

def merge_heads(x):
    return [[list(itertools.chain.from_iterable(token)) for token in zip(*caption)] for caption in x]

# 3.6: in place, head by head
def split_heads(x, h):
    B, L, D = x.shape
    out = np.empty((B, h, L, D // h), x.dtype)
    for i in range(h):
        out[:, i] = x[:, :, i * (D // h) :][:, :, : D // h]
    return out

def merge_heads(x):
    return np.reshape(np.rollaxis(x, 2, 1), (x.shape[0], x.shape[2], -1))

# 3.7: list.index
def eos_pool(x, tokens, eos=2):
    return [vectors[ids.index(eos)] for vectors, ids in zip(x, tokens.tolist())]

# 3.7: a cumulative sum
def eos_pool(x, tokens, eos=2):
    hit = tokens == eos
    first = hit & (np.cumsum(hit, axis=1) == 1)
    return x[first]

# 3.7: one-hot weights
def eos_pool(x, tokens, eos=2):
    place = np.argmax(np.equal(tokens, eos), axis=1)
    return np.einsum("bl,bld->bd", np.eye(tokens.shape[1])[place], x)

# 3.7: take_along_axis
def eos_pool(x, tokens, eos=2):
    place = np.where(tokens == eos, np.arange(tokens.shape[1]), tokens.shape[1]).min(1)
    return np.take_along_axis(x, place[:, None, None], 1).squeeze(1)

# 3.7: next of a generator
def eos_pool(x, tokens, eos=2):
    pick = lambda row: next(vector for vector, token in zip(x[row], tokens[row]) if token == eos)
    return np.stack([*map(pick, range(len(x)))])

# 3.8: query by query
def attention_backward(dout, q, k, v, mask):
    scale = 1 / math.sqrt(q.shape[1])
    dq, dk, dv = (np.zeros(np.shape(a)) for a in (q, k, v))
    for i, sees in enumerate(map(np.flatnonzero, mask)):
        s = k[sees] @ q[i] * scale
        p = np.exp(s - np.logaddexp.reduce(s))
        dp = v[sees] @ dout[i]
        ds = p * (dp - p @ dp) * scale
        dv[sees] += np.outer(p, dout[i])
        dq[i] = ds @ k[sees]
        dk[sees] += np.outer(ds, q[i])
    return dq, dk, dv

# 3.8: einsum
def attention_backward(dout, q, k, v, mask):
    r = q.shape[1] ** -0.5
    S = np.einsum("nd,md->nm", q, k) * r
    S = np.where(mask, S, -np.inf)
    P = np.exp(S - S.max(1, keepdims=True))
    P = P / np.einsum("nm->n", P)[:, None]
    dP = np.einsum("nv,mv->nm", dout, v)
    dS = np.einsum("nm,nm->nm", P, dP - np.einsum("nm,nm->n", P, dP)[:, None]) * r
    return np.einsum("nm,md->nd", dS, k), np.einsum("nm,nd->md", dS, q), np.einsum("nm,nv->mv", P, dout)

# 3.8: a class that keeps its forward
class Attention:
    def __init__(self, q, k, v, mask):
        self.q, self.k, self.v, self.scale = q, k, v, q.shape[1] ** -0.5
        s = np.ma.masked_array(q @ k.T * self.scale, ~mask)
        e = np.exp(s - s.max(1)[:, None])
        self.p = (e / e.sum(1)[:, None]).filled(0.0)

    def backward(self, dout):
        dp = dout @ self.v.T
        average = np.sum(dp * self.p, axis=1, keepdims=True)
        ds = self.scale * self.p * (dp - average)
        return dict(q=ds @ self.k, k=ds.T @ self.q, v=self.p.T @ dout).values()

def attention_backward(dout, *inputs):
    return Attention(*inputs).backward(dout)

# 3.8: Jacobians by a complex step
def attention_backward(dout, q, k, v, mask):
    def loss(*parts):
        a, b, c = parts
        s = a @ b.T / np.sqrt(q.shape[1])
        s = np.where(mask, s - np.where(mask, s.real, -np.inf).max(1, keepdims=True), -np.inf)
        e = np.exp(s)
        return np.sum(dout * (e @ c / e.sum(1, keepdims=True)))
    slopes = []
    for which, part in enumerate((q, k, v)):
        slope = np.zeros(part.shape)
        for place in np.ndindex(part.shape):
            moved = [np.array(one, complex) for one in (q, k, v)]
            moved[which][place] += 1e-30j
            slope[place] = loss(*moved).imag / 1e-30
        slopes.append(slope)
    return slopes
