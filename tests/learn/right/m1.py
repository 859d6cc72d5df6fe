import math
from functools import reduce

import numpy as np

# 1.1: apply_along_axis
def l2_normalize(x, axis=-1, eps=1e-12):
    def one(v):
        return v / max(math.hypot(*v), eps)
    return np.apply_along_axis(one, axis, np.asarray(x, float))

# 1.1: einsum on moved axes
def l2_normalize(x, axis=-1, eps=1e-12):
    y = np.moveaxis(np.array(x, dtype=float), axis, -1)
    big = np.abs(y).max(-1, keepdims=True)
    big = np.where(big == 0, 1, big)
    z = y / big
    length = big[..., 0] * np.sqrt(np.einsum("...i,...i->...", z, z))
    return np.moveaxis(y / np.maximum(length, eps)[..., None], -1, axis)

# 1.1: in place, on a copy
def l2_normalize(x, axis=-1, eps=1e-12):
    out = x.astype(np.float64)
    out /= np.clip(np.linalg.norm(out, axis=axis, keepdims=True), eps, None)
    return out

# 1.1: a loop over an index of everything else
def l2_normalize(x, axis=-1, eps=1e-12):
    moved = np.swapaxes(np.array(x, float), axis, -1)
    for index in np.ndindex(moved.shape[:-1]):
        length = math.sqrt(math.fsum((v := float(a)) * v for a in moved[index]))
        moved[index] = [a / (length if length > eps else eps) for a in moved[index]]
    return np.swapaxes(moved, axis, -1)

# 1.1: where
def l2_normalize(x, axis=-1, eps=1e-12):
    n = np.sqrt(np.sum(np.square(x, dtype=float), axis=axis, keepdims=True))
    return np.divide(x, np.where(n > eps, n, eps))

# 1.2: a comprehension over dot products
def cosine_matrix(A, B):
    return [[np.vdot(a, b) / math.sqrt(np.vdot(a, a) * np.vdot(b, b)) for b in B] for a in A]

# 1.2: einsum with the lengths at the end
def cosine_matrix(A, B):
    lengths = np.multiply.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1))
    return np.einsum("id,jd->ij", A, B) / lengths

# 1.2: from distances, by the law of cosines
def cosine_matrix(A, B):
    a, b = (x / np.sqrt((x * x).sum(1))[:, None] for x in (np.asarray(A, float), np.asarray(B, float)))
    return 1 - ((a[:, None] - b[None]) ** 2).sum(-1) / 2

# 1.2: math and reduce, no NumPy
def cosine_matrix(A, B):
    def dot(u, v):
        return reduce(lambda s, ab: s + ab[0] * ab[1], zip(u, v), 0.0)
    return tuple(tuple(dot(a, b) / math.hypot(*a) / math.hypot(*b) for b in B.tolist()) for a in A.tolist())

# 1.2: angles
def cosine_matrix(A, B):
    out = np.empty((len(A), len(B)))
    for (i, j), _ in np.ndenumerate(out):
        out[i, j] = A[i] @ B[j] / np.sqrt(A[i] @ A[i]) / np.sqrt(B[j] @ B[j])
    return np.cos(np.arccos(out.clip(-1, 1)))

# 1.2: fromfunction
def cosine_matrix(A, B):
    u, v = A / np.linalg.norm(A, axis=1, keepdims=True), B / np.linalg.norm(B, axis=1, keepdims=True)
    return np.fromfunction(np.vectorize(lambda i, j: float(u[int(i)] @ v[int(j)])), (len(A), len(B)))

# 1.3: a dataclass on the way, max with a key
from dataclasses import astuple, dataclass

@dataclass
class Match:
    cosines: list
    best: int

def match_text(img, texts):
    cosines = [float(np.dot(img, t) / np.linalg.norm(img) / np.linalg.norm(t)) for t in texts]
    return astuple(Match(cosines, max(range(len(cosines)), key=cosines.__getitem__)))

# 1.3: a running best
def match_text(img, texts):
    best, found = -2.0, []
    for i, text in enumerate(texts):
        c = sum(a * b for a, b in zip(img, text)) / (sum(a * a for a in img) * sum(b * b for b in text)) ** 0.5
        found.append(c)
        if c > best + 1e-12:
            best, at = c, i
    return found, at

# 1.3: named results
from typing import NamedTuple

class Best(NamedTuple):
    cosines: np.ndarray
    position: int

def match_text(img, texts):
    c = texts @ img / np.sqrt(np.einsum("kd,kd->k", texts, texts) * (img @ img))
    return Best(c, np.argmax(c.round(12)))

# 1.3: a generator of two
def match_text(img, texts):
    unit = lambda v: v / np.linalg.norm(v, axis=-1, keepdims=True)
    yield (c := unit(texts) @ unit(img))
    yield c.round(12).tolist().index(c.round(12).max())

# 1.4: logs by math
def cosine_gap(p, scale):
    first, second = map(math.log, p)
    return (first - second) / scale

# 1.4: the ratio, guarded
def cosine_gap(p, scale):
    return -np.subtract(*np.log2(p)[::-1]) * math.log(2) / scale

# 1.4: np.diff
def cosine_gap(p, scale):
    return -np.diff(np.log(np.longdouble(p))).item() / scale

# 1.4: by frexp
def cosine_gap(p, scale):
    (a, b), (i, j) = np.frexp(p)
    return (math.log(a / b) + int(i - j) * math.log(2)) / scale

# 1.4: Newton's method on a growing exponent
def cosine_gap(p, scale):
    log = lambda y: reduce(lambda z, _: z + 2 * (y - math.exp(z)) / (y + math.exp(z)), range(60), math.frexp(y)[1] * 0.693)
    return (log(p[0]) - log(p[1])) / scale

# 1.5: a difference of logarithms
def negative_push(cos, pos, scale):
    z = scale * np.asarray(cos)
    p = np.exp(z - np.logaddexp.reduce(z))
    return scale * (p - np.eye(len(p))[pos])

# 1.5: in place
def negative_push(cos, pos, scale):
    g = np.multiply(cos, scale, dtype=float)
    g -= g.max()
    np.exp(g, out=g)
    g /= g.sum()
    g[pos] -= 1
    g *= scale
    return g

# 1.5: one over a sum of exponentials of differences
def negative_push(cos, pos, scale):
    with np.errstate(over="ignore"):
        p = [1 / float(np.exp(scale * (np.asarray(cos) - c)).sum()) for c in cos]
    return [scale * (q - (j == pos)) for j, q in enumerate(p)]

# 1.5: a sigmoid against the rest
def negative_push(cos, pos, scale):
    out = []
    for j in range(len(cos)):
        rest = [scale * (c - cos[j]) for i, c in enumerate(cos) if i != j]
        p = 1.0 if not rest else 0.5 * (1 - math.tanh(np.logaddexp.reduce(rest) / 2))
        out.append(scale * p - scale * (pos == j))
    return np.array(out)
