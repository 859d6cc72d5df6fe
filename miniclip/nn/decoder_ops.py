"""What models with a decoder need besides: the surprise at a word, a yes or no, the mean of a text's tokens."""

import numpy as np

from .ops import log_softmax_forward, sigmoid

IGNORE = -100  # a target that is not scored; the number that PyTorch uses


def cross_entropy_forward(logits, targets):
    """loss = -mean over the scored places of ln softmax(logits)[place, target].

    logits (..., V); targets (...) integers, IGNORE where nothing is scored -> a number, in nats
    """
    scored = targets != IGNORE
    if not scored.any():
        raise ValueError(f"all {targets.size} targets are IGNORE, expected at least one that is scored")
    log_p, _ = log_softmax_forward(logits)
    targets = np.where(scored, targets, 0)
    picked = np.take_along_axis(log_p, targets[..., None], axis=-1)[..., 0]
    return -picked[scored].mean(), (log_p, targets, scored)


def cross_entropy_backward(c):
    """dlogits = (softmax - onehot) / number of scored places, exactly 0 at the others."""
    log_p, targets, scored = c
    dlogits = np.exp(log_p)
    truth = targets[..., None]
    np.put_along_axis(dlogits, truth, np.take_along_axis(dlogits, truth, axis=-1) - 1.0, axis=-1)
    dlogits *= scored[..., None]
    dlogits /= scored.sum()
    return dlogits


def binary_cross_entropy_forward(logits, truth):
    """loss = mean of ln(1 + exp(-z)) where true and ln(1 + exp(z)) where false.

    logits (B,), truth (B,) bool -> a number, in nats
    """
    signs = np.where(truth, 1.0, -1.0).astype(logits.dtype)
    return np.logaddexp(0.0, -signs * logits).mean(), (logits, truth)


def binary_cross_entropy_backward(c):
    """dlogits = (sigmoid - truth) / B."""
    logits, truth = c
    return (sigmoid(logits) - truth) / logits.dtype.type(len(logits))


def mean_of_first_forward(x, length):
    """y[b] = mean of x[b, :length[b]]: what the tokens up to the end say on average.

    x (B, T, D); length (B,) integers, at least 1 -> y (B, D)
    """
    weight = (np.arange(x.shape[1]) < length[:, None]).astype(x.dtype)  # (B, T)
    weight /= length[:, None].astype(x.dtype)
    return (weight[:, None] @ x)[:, 0], (weight,)


def mean_of_first_backward(dy, c):
    """dx[b, t] = dy[b] / length[b] for t < length[b], zero beyond."""
    (weight,) = c
    return weight[:, :, None] * dy[:, None]
