import math
from fractions import Fraction
from functools import partial, reduce

import numpy as np

def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)

# 4.1: cell by cell
def clip_logits(I, T, log_scale, max_scale=100.0):
    scale = min(math.exp(min(log_scale, 700)), max_scale)
    def logit(u, v):
        size = math.hypot(*u) * math.hypot(*v)
        return scale * math.fsum(a * b for a, b in zip(u, v)) / size if size else 0.0
    return [[logit(u, v) for v in T.tolist()] for u in I.tolist()]

# 4.1: divide where
def clip_logits(I, T, log_scale, max_scale=100.0):
    size = np.multiply.outer(np.sqrt((I * I).sum(1)), np.sqrt((T * T).sum(1)))
    cosines = np.divide(I @ T.T, size, out=np.zeros(size.shape), where=size > 0)
    return cosines * np.exp(np.minimum(log_scale, np.log(max_scale)))

# 4.1: nan_to_num, einsum
def clip_logits(I, T, log_scale, max_scale=100.0):
    with np.errstate(invalid="ignore", over="ignore"):
        u, v = (np.nan_to_num(x / np.linalg.norm(x, axis=-1)[:, None]) for x in (I, T))
        return np.einsum("id,jd->ij", u, v) * np.clip(np.exp(log_scale), 0, max_scale)

# 4.1: in place
def clip_logits(I, T, log_scale, max_scale=100.0):
    out = np.inner(I, T).astype(float)
    for x, axis in ((I, 1), (T, 0)):
        lengths = np.linalg.norm(x, axis=1)
        lengths[lengths == 0] = 1
        out /= np.expand_dims(lengths, axis)
    out *= max_scale if log_scale > math.log(max_scale) else math.e**log_scale
    return out

# 4.2: logaddexp along an axis
def log_softmax(z, axis=-1):
    return z - np.expand_dims(np.logaddexp.reduce(z, axis=axis), axis)

# 4.2: apply_along_axis with fsum
def log_softmax(z, axis=-1):
    def one(row):
        top = max(row)
        return row - top - math.log(math.fsum(math.exp(a - top) for a in row))
    return np.apply_along_axis(one, axis, np.asarray(z, float))

# 4.2: differences of every two
def log_softmax(z, axis=-1):
    y = np.moveaxis(z, axis, -1)
    with np.errstate(over="ignore"):
        gaps = y[..., None, :] - y[..., :, None]
    top = gaps.max(-1)
    return np.moveaxis(-top - np.log(np.exp(gaps - top[..., None]).sum(-1)), -1, axis)

# 4.2: in place, on swapped axes
def log_softmax(z, axis=-1):
    out = np.swapaxes(np.array(z, float), axis, 0)
    out -= out.max(0)
    out -= np.log(sum(np.exp(layer) for layer in out))
    return np.swapaxes(out, 0, axis)

# 4.2: reduce in pairs
def log_softmax(z, axis=-1):
    layers = list(np.moveaxis(np.asarray(z, float), axis, 0))
    total = reduce(lambda a, b: np.maximum(a, b) + np.log1p(np.exp(-np.abs(a - b))), layers)
    return np.stack([layer - total for layer in layers], axis=axis)

# 4.3: softplus of differences
def clip_loss(I, T, scale):
    S = scale * unit(I) @ unit(T).T
    d = S.diagonal()
    return (np.logaddexp.reduce(S - d[:, None], axis=1) + np.logaddexp.reduce(S - d, axis=0)).mean() / 2

# 4.3: a recursion of logaddexp, loops
def clip_loss(I, T, scale):
    def cosine(a, b):
        return sum(map(lambda x, y: x * y, a, b)) / (math.hypot(*a) * math.hypot(*b))
    def lse(zs):
        return zs[0] if len(zs) == 1 else np.logaddexp(zs[0], lse(zs[1:]))
    S = [[scale * cosine(a, b) for b in T] for a in I]
    ask = lambda table: sum(lse(row) - row[i] for i, row in enumerate(table)) / len(table)
    return 0.5 * (ask(S) + ask([*zip(*S)]))

# 4.3: one-hot labels
def clip_loss(I, T, scale):
    S = np.einsum("id,jd->ij", unit(I), unit(T)) * scale
    one_hot = np.identity(len(S))
    def cross_entropy(logits):
        z = logits - np.amax(logits, axis=1, keepdims=True)
        return -np.sum(one_hot * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))) / len(z)
    return np.mean([cross_entropy(S), cross_entropy(S.T)])

# 4.3: a class
class CLIP:
    def __init__(self, scale):
        self.scale = scale

    def table(self, I, T):
        return self.scale * (unit(I) @ unit(T).T)

    def __call__(self, I, T):
        S = self.table(I, T)
        labels = range(len(S))
        rows = [-self.log_p(S[i])[i] for i in labels]
        columns = [-self.log_p(S[:, i])[i] for i in labels]
        return float(np.mean(rows + columns))

    @staticmethod
    def log_p(z):
        return (z := z - z.max()) - np.log(np.exp(z).sum())

def clip_loss(I, T, scale):
    return CLIP(scale)(I, T)

# 4.3: a generator of surprises
def clip_loss(I, T, scale):
    S = scale * unit(I) @ unit(T).T
    surprises = (np.logaddexp.reduce(z) - z[i] for table in (S, S.T) for i, z in enumerate(table))
    return sum(surprises) / (2 * len(S))

# 4.4: row by row with a projector
def clip_loss_grad_image(I, T, scale):
    u, v, N = unit(I), unit(T), len(I)
    S = scale * u @ v.T
    P = np.exp(S - np.logaddexp.reduce(S, 1)[:, None])
    Q = np.exp(S - np.logaddexp.reduce(S, 0))
    out = []
    for i in range(N):
        g = sum((P[i, j] + Q[i, j] - 2 * (i == j)) * v[j] for j in range(N)) * scale / (2 * N)
        out.append((np.eye(len(g)) - np.outer(u[i], u[i])) @ g / np.linalg.norm(I[i]))
    return np.array(out)

# 4.4: einsum
def clip_loss_grad_image(I, T, scale):
    r = np.einsum("id,id->i", I, I) ** -0.5
    u, v = I * r[:, None], unit(T)
    S = scale * np.einsum("id,jd->ij", u, v)
    softmax = lambda z, a: (e := np.exp(z - z.max(a, keepdims=True))) / e.sum(a, keepdims=True)
    G = (softmax(S, 1) + softmax(S, 0)) / (2 * len(S)) - np.eye(len(S)) / len(S)
    du = scale * np.einsum("ij,jd->id", G, v)
    return np.einsum("id,i->id", du - np.einsum("id,ie,ie->id", u, u, du), r)

# 4.4: in place
def clip_loss_grad_image(I, T, scale):
    lengths = np.linalg.norm(I, axis=1, keepdims=True)
    u, v = I / lengths, unit(T)
    S = scale * (u @ v.T)
    G = np.zeros_like(S)
    for axis in (0, 1):
        e = S - S.max(axis, keepdims=True)
        np.exp(e, out=e)
        e /= e.sum(axis, keepdims=True)
        G += e
    G.flat[:: len(S) + 1] -= 2
    G *= scale / (2 * len(S))
    dI = G @ v
    dI -= u * (u * dI).sum(1, keepdims=True)
    dI /= lengths
    return dI

# 4.4: a complex step
def clip_loss_grad_image(I, T, scale):
    v, dI = unit(T), np.zeros(np.shape(I))
    for place in np.ndindex(*I.shape):
        z = np.array(I, complex)
        z[place] += 1e-40j
        S = scale * z / np.sqrt((z * z).sum(1, keepdims=True)) @ v.T
        halves = []
        for table in (S, S.T):
            shifted = table - table.real.max(1, keepdims=True)
            halves.append(np.log(np.exp(shifted).sum(1)) - np.diag(shifted))
        dI[place] = np.mean(halves).imag / 1e-40
    return dI

# 4.5: an expectation minus the truth
def grad_log_scale(I, T, log_scale):
    S = math.exp(log_scale) * unit(I) @ unit(T).T
    average = lambda z: np.average(z, weights=np.exp(z - z.max()))
    rows = sum(average(z) for z in S)
    columns = sum(map(average, S.T))
    return (rows + columns) / (2 * len(S)) - S.trace() / len(S)

# 4.5: a complex step
def grad_log_scale(I, T, log_scale):
    S = np.exp(log_scale + 1e-40j) * (unit(I) @ unit(T).T)
    halves = []
    for table in (S, S.T):
        z = table - table.real.max(axis=1, keepdims=True)
        halves.append(np.log(np.exp(z).sum(1)) - z.diagonal())
    return np.mean(halves).imag / 1e-40

# 4.5: einsum
def grad_log_scale(I, T, log_scale):
    S = np.exp(log_scale) * np.einsum("id,jd->ij", unit(I), unit(T))
    P, Q = (np.exp(S - np.logaddexp.reduce(S, axis=a, keepdims=True)) for a in (1, 0))
    return np.einsum("ij,ij->", P / 2 + Q / 2 - np.eye(len(S)), S) / len(S)

# 4.5: entry by entry
def grad_log_scale(I, T, log_scale):
    u, v, N, total = unit(I), unit(T), len(I), 0.0
    scale = math.exp(log_scale)
    S = [[scale * math.fsum(a * b for a, b in zip(x, y)) for y in v] for x in u]
    with np.errstate(over="ignore"):
        for i in range(N):
            for j in range(N):
                p = 1 / np.exp(np.array(S[i]) - S[i][j]).sum()
                q = 1 / np.exp(np.array([row[j] for row in S]) - S[i][j]).sum()
                total += (p + q - 2 * (i == j)) / (2 * N) * S[i][j]
    return total

# 4.6: members by loops
def multi_positive_loss(S, group):
    n = len(S)
    def half(table):
        losses = []
        for i in range(n):
            friends = [j for j in range(n) if group[j] == group[i]]
            losses.append(np.logaddexp.reduce(table[i]) - sum(table[i][j] for j in friends) / len(friends))
        return sum(losses) / n
    return (half(S) + half(np.transpose(S))) / 2

# 4.6: weights that add up to 1
def multi_positive_loss(S, group):
    same = np.equal.outer(group, group) / np.bincount(np.unique(group, return_inverse=True)[1])[
        np.unique(group, return_inverse=True)[1]]
    lse = np.logaddexp.reduce(S, axis=1) + np.logaddexp.reduce(S, axis=0)
    return (lse.sum() - ((same + same.T) * S).sum()) / (2 * len(S))

# 4.6: a masked array
def multi_positive_loss(S, group):
    others = np.asarray(group)[:, None] != np.asarray(group)
    total = 0
    for table in (S, S.T):
        z = table - table.max(1)[:, None]
        log_p = z - np.log(np.exp(z).sum(1))[:, None]
        total -= np.ma.array(log_p, mask=others).mean(axis=1).mean() / 2
    return total

# 4.6: groups as a dict, exact weights
def multi_positive_loss(S, group):
    members = {}
    for i, g in enumerate(group):
        members.setdefault(int(g), []).append(i)
    log_p = [z - np.logaddexp.reduce(z, axis=1, keepdims=True) for z in (S, S.T)]
    return -sum(float(Fraction(1, len(rows) * len(S) * 2)) * table[np.ix_(rows, rows)].sum()
                for table in log_p for rows in members.values())

# 4.7: sorted with a key
def hardest_negatives(S, group, k):
    n = len(S)
    return [sorted((j for j in range(n) if group[j] != group[i]), key=lambda j: (-S[i, j], j))[:k] for i in range(n)]

# 4.7: heapq
import heapq

def hardest_negatives(S, group, k):
    found = np.zeros((len(S), k), dtype=np.int32)
    for i, row in enumerate(S):
        found[i] = heapq.nsmallest(k, np.flatnonzero(group != group[i]), key=lambda j, row=row: -row[j])
    return found

# 4.7: k times the maximum
def hardest_negatives(S, group, k):
    left = np.where(np.not_equal.outer(group, group), S, -np.inf).astype(float)
    columns = []
    for _ in range(k):
        columns.append(left.argmax(axis=1))
        np.put_along_axis(left, columns[-1][:, None], -np.inf, axis=1)
    return np.column_stack(columns)

# 4.7: lexsort
def hardest_negatives(S, group, k):
    friends = np.asarray(group)[None] == np.asarray(group)[:, None]
    return np.stack([np.lexsort((np.arange(len(S)), -S[i], friends[i])) for i in range(len(S))])[:, :k]

# 4.7: a stable sort of a masked array
def hardest_negatives(S, group, k):
    table = np.ma.array(-S, mask=group[:, None] == group)
    return table.argsort(axis=1, kind="stable", fill_value=np.inf)[:, :k]

# 4.8: nditer over the entries
def gradcheck(f, grad, x, dout):
    x = np.array(x, np.float64)
    dout = np.asarray(dout, np.float64)
    claimed = np.asarray(grad(x.copy(), dout), np.float64)
    measured = np.empty_like(x)
    for place in np.ndindex(x.shape):
        h = 1e-5 * max(1.0, abs(x[place]))
        up, down = x.copy(), x.copy()
        up[place] += h
        down[place] -= h
        measured[place] = np.sum((f(up) - f(down)) * dout) / (up[place] - down[place])
    sizes = [math.hypot(*a.ravel()) for a in (claimed - measured, claimed, measured)]
    return sizes[0] / max(sizes[1:]) if any(sizes[1:]) else 0.0

# 4.8: unit vectors, in a comprehension
def gradcheck(f, grad, x, dout):
    x, h = np.asarray(x, float), 2.0**-17
    loss = lambda flat: np.vdot(dout, f(flat.reshape(x.shape)))
    measured = np.array([(loss(x.ravel() + h * e) - loss(x.ravel() - h * e)) / (2 * h) for e in np.eye(x.size)])
    claimed = np.ravel(grad(np.array(x), np.asarray(dout, float)))
    largest = max(np.abs(claimed).max(), np.abs(measured).max())
    if largest == 0:
        return 0
    a, b = claimed / largest, measured / largest
    return np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))

# 4.8: in place, four points
def gradcheck(f, grad, x, dout):
    y = np.float64(x).copy()
    claimed = np.float64(grad(y.copy(), np.float64(dout)))
    slope = np.zeros(y.shape)
    for i in range(y.size):
        kept = y.flat[i]
        h = 1e-4
        values = []
        for step in (-2, -1, 1, 2):
            y.flat[i] = kept + step * h
            values.append((np.float64(f(y)) * dout).sum())
            y.flat[i] = kept
        slope.flat[i] = (values[0] - 8 * values[1] + 8 * values[2] - values[3]) / (12 * h)
    norm = partial(np.linalg.norm, axis=None)
    sizes = [norm(one.ravel()) for one in (claimed, slope)]
    return norm((claimed - slope).ravel()) / max(sizes) if max(sizes) > 0 else 0.0
