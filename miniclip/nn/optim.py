"""AdamW on one flat vector, the learning-rate schedule, and gradient clipping."""

import math

import numpy as np

from .tree import flatten


def decay_mask(params) -> np.ndarray:
    """1.0 where weight decay applies, 0.0 where it does not, laid out as the flat vector of `params`.

    Matrices decay; biases, layer norms, single vectors and the logit scale (every tensor of fewer than two
    dimensions) do not: they set levels and lengths, and pulling them to zero only costs accuracy.
    """
    return np.concatenate([np.full(leaf.size, float(leaf.ndim >= 2), np.float32) for leaf in flatten(params).values()])


def warmup_cosine(step: int, steps: int, warmup: int, peak: float) -> float:
    """peak (step + 1) / warmup, then peak (1 + cos(pi t)) / 2,  t = (step - warmup) / (steps - warmup).

    Up a line, down half a cosine. step counts from 0 to steps - 1; the last rate is just above 0.

    >>> [round(warmup_cosine(s, steps=6, warmup=2, peak=1.0), 3) for s in range(6)]
    [0.5, 1.0, 1.0, 0.854, 0.5, 0.146]
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    return 0.5 * peak * (1.0 + math.cos(math.pi * (step - warmup) / (steps - warmup)))


def constant(step: int, steps: int, warmup: int, peak: float) -> float:
    """peak: the same rate in every step."""
    return peak


def clip_by_global_norm(gradient: np.ndarray, max_norm: float) -> tuple[np.ndarray, float]:
    """(g min(1, max_norm / |g|), |g|): a shorter step, never another direction."""
    with np.errstate(over="ignore"):  # a norm that overflows is inf, which the caller refuses
        norm = math.sqrt(float(np.dot(gradient, gradient)))
    return (gradient * (max_norm / norm) if norm > max_norm else gradient), norm


BETAS, EPS = (0.9, 0.95), 1e-6


CHUNK = 32_768  # numbers that move at once: all that is made of them stays in the cache of a core


class AdamW:
    """m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,  theta -= lr (m^ / (sqrt(v^) + eps) + decay theta).

    m^ = m / (1 - b1^t) and v^ = v / (1 - b2^t) undo the start at zero. The decay acts on theta itself, not through m
    and v ("decoupled"), and only where `mask` is 1.
    Source: Loshchilov, Hutter 2019, arXiv:1711.05101, algorithm 2. CLIP has b2 = 0.98; two thousand steps go better
    with a shorter memory.
    """

    def __init__(self, theta: np.ndarray, mask: np.ndarray, betas=BETAS, eps=EPS, decay=0.1):
        self.m, self.v, self.t = np.zeros_like(theta), np.zeros_like(theta), 0
        self.mask, self.eps, self.decay = mask.astype(theta.dtype), eps, decay
        self.b1, self.b2 = betas

    def step(self, theta: np.ndarray, gradient: np.ndarray, lr: float) -> None:
        """Move theta, in place: it is the optimiser's to move, and the model's tensors are views into it."""
        self.t += 1
        for start in range(0, len(theta), CHUNK):
            rows = slice(start, start + CHUNK)
            self.move(theta[rows], gradient[rows], self.m[rows], self.v[rows], self.mask[rows], lr)

    def move(self, theta, g, m, v, mask, lr: float) -> None:
        """The formula, on some of the numbers."""
        m += (1.0 - self.b1) * (g - m)
        v += (1.0 - self.b2) * (g * g - v)
        denominator = np.sqrt(v / (1.0 - self.b2**self.t)) + self.eps
        theta -= (lr * self.decay) * (mask * theta)
        theta -= (lr / (1.0 - self.b1**self.t)) * (m / denominator)
