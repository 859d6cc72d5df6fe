# 5.1: map over zipped flat lists
import math

import numpy as np


def adamw_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    def one(w, g, m, v):
        m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g * g
        return w - lr * (m / (1 - beta1**t) / (math.sqrt(v / (1 - beta2**t)) + eps) + decay * w), m, v

    return tuple(np.reshape(x, np.shape(w)) for x in zip(*map(one, *map(np.ravel, (w, g, m, v))), strict=True))


# 5.1: a class that holds the moments
import numpy as np


class Moments:
    def __init__(self, m, v, beta1, beta2):
        self.m, self.v, self.betas = m.copy(), v.copy(), (beta1, beta2)

    def see(self, g):
        for name, beta, x in zip("mv", self.betas, (g, np.square(g)), strict=True):
            setattr(self, name, beta * getattr(self, name) + (1 - beta) * x)
        return self

    def corrected(self, t):
        return [x / -np.expm1(t * np.log(beta)) for x, beta in zip((self.m, self.v), self.betas, strict=True)]


def adamw_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    moments = Moments(m, v, beta1, beta2).see(g)
    mean, square = moments.corrected(t)
    return [w - lr * decay * w - lr * mean / (square**0.5 + eps), moments.m, moments.v]


# 5.1: np.frompyfunc of a lambda with a walrus
import numpy as np


def adamw_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    step = np.frompyfunc(
        lambda w, g, m, v: (
            w * (1 - lr * decay)
            - lr
            * ((m1 := m + (1 - beta1) * (g - m)) / (1 - beta1**t))
            / (((v1 := v + (1 - beta2) * (g**2 - v)) / (1 - beta2**t)) ** 0.5 + eps),
            m1,
            v1,
        ),
        4,
        3,
    )
    return tuple(part.astype(float) for part in step(w, g, m, v))


# 5.1: np.nditer
import numpy as np


def adamw_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    outs = tuple(np.empty_like(w, dtype=float) for _ in range(3))
    for ww, gg, mm, vv, a, b, c in np.nditer([w, g, m, v, *outs], op_flags=[["readonly"]] * 4 + [["writeonly"]] * 3):
        b[...] = beta1 * mm + (1 - beta1) * gg
        c[...] = beta2 * vv + (1 - beta2) * gg**2
        a[...] = ww - lr * ((b / (1 - beta1**t)) / (np.sqrt(c / (1 - beta2**t)) + eps) + decay * ww)
    return outs


# 5.2: match with guards
import math


def lr_schedule(t, warmup, total, lr_max, lr_min):
    match t:
        case _ if t < warmup:
            return lr_max * (t + 1) / warmup
        case _ if t < total:
            return lr_max + (lr_min - lr_max) * math.sin(math.pi / 2 * (t - warmup) / (total - warmup)) ** 2
    return lr_min


# 5.2: np.piecewise
import numpy as np


def lr_schedule(t, warmup, total, lr_max, lr_min):
    return np.piecewise(
        float(t),
        [t < warmup, warmup <= t < total],
        [
            lambda t: lr_max * (t + 1) / warmup,
            lambda t: lr_min + (lr_max - lr_min) * (1 + np.cos(np.pi * (t - warmup) / (total - warmup))) / 2,
            lr_min,
        ],
    )


# 5.2: recursion on the angle
import cmath


def lr_schedule(t, warmup, total, lr_max, lr_min):
    if t >= warmup:
        if t >= total:
            return lr_min
        turn = cmath.exp(1j * cmath.pi / (total - warmup))
        half = lambda k: 1 + 0j if k == 0 else turn * half(k - 1)  # noqa: E731
        return lr_min + (lr_max - lr_min) * (1 + half(t - warmup).real) / 2
    return lr_max / warmup + (lr_schedule(t - 1, warmup, total, lr_max, lr_min) if t else 0.0)


# 5.3: functools.reduce over blocks
from functools import reduce

import numpy as np


def chunked_clip_loss(I, T, scale, chunk):
    N = len(I)
    I, T = (x / np.sqrt(np.einsum("nd,nd->n", x, x))[:, None] for x in (I, T))

    def add(state, first):
        columns, loss = state
        S = scale * np.einsum("cd,nd->cn", I[first : first + chunk], T)
        own = np.diagonal(S, offset=first).sum()
        return np.logaddexp(columns, np.logaddexp.reduce(S)), loss + np.logaddexp.reduce(S, axis=1).sum() - 2 * own

    columns, loss = reduce(add, range(0, N, chunk), (np.full(N, -np.inf), 0.0))
    return (loss + columns.sum()) / N / 2


# 5.3: a generator of blocks, and a class for the running sums
import numpy as np


class LogSum:
    def __init__(self, n):
        self.top, self.rest = np.full(n, -np.inf), np.zeros(n)

    def add(self, S):
        top = np.maximum(self.top, S.max(axis=0))
        self.rest = self.rest * np.exp(self.top - top) + np.exp(S - top).sum(axis=0)
        self.top = top

    def value(self):
        return self.top + np.log(self.rest)


def tables(I, T, scale, chunk):
    for first in range(0, len(I), chunk):
        yield first, scale * (I[first : first + chunk] @ T.T)


def chunked_clip_loss(I, T, scale, chunk):
    I = I / np.linalg.norm(I, axis=1, keepdims=True)
    T = T / np.linalg.norm(T, axis=1, keepdims=True)
    down, total = LogSum(len(I)), 0.0
    for first, S in tables(I, T, scale, chunk):
        down.add(S)
        across = LogSum(len(S))
        across.add(S.T)
        total += (across.value() - 2 * S[range(len(S)), range(first, first + len(S))]).sum()
    return float(total + down.value().sum()) / (2 * len(I))


# 5.3: both ways over blocks, with math.fsum
import math

import numpy as np


def chunked_clip_loss(I, T, scale, chunk):
    norm = lambda x: x / np.linalg.norm(x, axis=1)[:, None]  # noqa: E731
    I, T = norm(I), norm(T)

    def half(A, B):
        for first in range(0, len(A), chunk):
            for i, row in enumerate(scale * A[first : first + chunk] @ B.T, start=first):
                yield float(np.logaddexp.reduce(row) - row[i])

    return math.fsum([*half(I, T), *half(T, I)]) / (2 * len(I))


# 5.4: the gradient as products of Jacobians, with momentum
import numpy as np


def train_steps(params, batch, n):
    X, Y = batch
    W, V, s = (np.array(params[name], float) for name in ("image", "text", "log_scale"))
    speed, losses = [0.0, 0.0, 0.0], []
    eye = np.eye(len(X))
    while len(losses) < n:
        A, B = X @ W, Y @ V
        a, b = (np.sqrt(np.einsum("ne,ne->n", M, M))[:, None] for M in (A, B))
        U, Q = A / a, B / b
        S = np.exp(s) * U @ Q.T
        P, R = np.exp(S - np.logaddexp.reduce(S, 1)[:, None]), np.exp(S - np.logaddexp.reduce(S, 0))
        losses.append(-(np.log(np.diag(P)) + np.log(np.diag(R))).mean() / 2)
        D = (P + R - 2 * eye) / (2 * len(X))
        JU = (np.eye(U.shape[1]) - np.einsum("nd,ne->nde", U, U)) / a[:, :, None]
        JQ = (np.eye(Q.shape[1]) - np.einsum("nd,ne->nde", Q, Q)) / b[:, :, None]
        slopes = [
            np.einsum("np,nde,nd->pe", X, JU, np.exp(s) * D @ Q),
            np.einsum("np,nde,nd->pe", Y, JQ, np.exp(s) * D.T @ U),
            (D * S).sum(),
        ]
        speed = [0.5 * old + slope for old, slope in zip(speed, slopes, strict=True)]
        W, V, s = (x - 0.15 * v for x, v in zip((W, V, s), speed, strict=True))
    return {"image": W, "text": V, "log_scale": np.array(s)}, losses


# 5.4: a class with a step method
import numpy as np


class Clip:
    def __init__(self, params):
        self.params = {name: np.array(value, dtype=float) for name, value in params.items()}

    def towers(self, *inputs):
        for x, name in zip(inputs, ("image", "text"), strict=True):
            raw = x @ self.params[name]
            size = np.linalg.norm(raw, axis=1, keepdims=True)
            yield raw / size, size

    def step(self, X, Y, rate=0.4):
        (u, a), (v, b) = self.towers(X, Y)
        scale = np.exp(self.params["log_scale"])
        S = scale * u @ v.T
        P, Q = (np.exp(S - S.max(k, keepdims=True)) for k in (1, 0))
        P, Q = P / P.sum(1, keepdims=True), Q / Q.sum(0)
        G = (P + Q) / (2 * len(S)) - np.eye(len(S)) / len(S)
        du, dv = scale * G @ v, scale * G.T @ u
        self.params["image"] -= rate * X.T @ ((du - u * (u * du).sum(1, keepdims=True)) / a)
        self.params["text"] -= rate * Y.T @ ((dv - v * (v * dv).sum(1, keepdims=True)) / b)
        self.params["log_scale"] = self.params["log_scale"] - rate * np.vdot(G, S)
        return float(-np.mean([np.log(np.diag(P)), np.log(np.diag(Q))]))


def train_steps(params, batch, n):
    model = Clip(params)
    losses = [model.step(*batch) for _ in range(n)]
    return model.params, losses


# 5.4: recursion instead of a loop
import numpy as np


def slopes(W, V, s, X, Y):
    raw = X @ W, Y @ V
    sizes = [np.linalg.norm(r, axis=1, keepdims=True) for r in raw]
    u, v = (r / size for r, size in zip(raw, sizes, strict=True))
    S = np.exp(s) * u @ v.T
    rows, columns = S - np.logaddexp.reduce(S, 1, keepdims=True), S - np.logaddexp.reduce(S, 0, keepdims=True)
    G = (np.exp(rows) + np.exp(columns) - 2 * np.eye(len(S))) / (2 * len(S))
    back = lambda d, e, size: (d - e * (d * e).sum(1, keepdims=True)) / size  # noqa: E731
    dW = X.T @ back(np.exp(s) * G @ v, u, sizes[0])
    dV = Y.T @ back(np.exp(s) * G.T @ u, v, sizes[1])
    return -(np.trace(rows) + np.trace(columns)) / (2 * len(S)), dW, dV, (G * S).sum()


def train_steps(params, batch, n):
    if n == 0:
        return {name: value.copy() for name, value in params.items()}, []
    loss, *change = slopes(params["image"], params["text"], params["log_scale"], *batch)
    moved = {name: params[name] - 0.3 * d for name, d in zip(("image", "text", "log_scale"), change, strict=True)}
    end, losses = train_steps(moved, batch, n - 1)
    return end, [loss, *losses]


# 5.5: loops over pairs, gradients by a loop over leaves
def torch_clip_loss(I, T, log_scale):
    import torch

    leaves = []
    for x in (I, T, log_scale):
        leaf = torch.from_numpy(__import__("numpy").array(x, dtype="float64"))
        leaf.requires_grad_()
        leaves.append(leaf)
    i, t, s = leaves
    cos = torch.nn.functional.cosine_similarity(i[:, None], t[None], dim=2)
    z = torch.exp(s) * cos
    losses = [torch.logsumexp(z[k], 0) - z[k, k] for k in range(len(z))]
    losses += [torch.logsumexp(z[:, k], 0) - z[k, k] for k in range(len(z))]
    loss = torch.stack(losses).mean()
    loss.backward()
    return loss, *(leaf.grad for leaf in leaves)


# 5.5: a module with parameters
def torch_clip_loss(I, T, log_scale):
    import torch
    from torch import nn

    class Loss(nn.Module):
        def __init__(self):
            super().__init__()
            for name, x in (("i", I), ("t", T), ("s", log_scale)):
                setattr(self, name, nn.Parameter(torch.as_tensor(x, dtype=torch.float64).clone()))

        def forward(self):
            unit = lambda x: x * x.pow(2).sum(1, keepdim=True).rsqrt()  # noqa: E731
            z = self.s.exp() * torch.einsum("nd,md->nm", unit(self.i), unit(self.t))
            labels = torch.arange(z.shape[0])
            return sum(nn.CrossEntropyLoss()(a, labels) for a in (z, z.mT)) * 0.5

    model = Loss()
    loss = model()
    loss.backward()
    return [loss.detach(), model.i.grad, model.t.grad, model.s.grad]


# 5.5: torch.func
def torch_clip_loss(I, T, log_scale):
    import torch

    def loss(i, t, s):
        z = s.exp() * (i / i.norm(dim=1, keepdim=True)) @ (t / t.norm(dim=1, keepdim=True)).T
        p = z.log_softmax(1), z.T.log_softmax(1)
        return -(p[0].trace() + p[1].trace()) / (2 * len(z))

    inputs = tuple(torch.tensor(x, dtype=torch.float64) for x in (I, T, log_scale))
    slopes, value = torch.func.grad_and_value(loss, argnums=(0, 1, 2))(*inputs)
    return (value, *slopes)
