"""Functions and gradients for exercise 4.8: `grad(x, dout)` claims to be the slope of sum(dout * f(x)) in x."""

import numpy as np


def huge(x):
    """So large that 32 bits overflow."""
    return 1e60 * x


def huge_grad(x, dout):
    return 1e60 * dout


def square(x):
    return 1e7 * x * x


def square_grad(x, dout):
    return 2e7 * x * dout


def cube(x):
    return x * x * x


def cube_grad(x, dout):
    return 3 * x * x * dout


def bend(x):
    return x * abs(x)


def bend_grad(x, dout):
    return 2 * abs(x) * dout


def steps(x):
    """Flat everywhere but at 0."""
    return np.sign(x)


def steps_grad(x, dout):
    return 0 * dout


def sine(x):
    return np.sin(x)


def sine_flipped(x, dout):
    """Planted bug: the sign."""
    return -np.cos(x) * dout


def sine_reversed(x, dout):
    """Planted bug: the right numbers in the wrong places."""
    return np.flip(np.cos(x) * dout)


def sine_last_doubled(x, dout):
    """Planted bug: the last entry alone."""
    dx = np.cos(x) * dout
    dx.flat[-1] *= 2
    return dx


def sine_nearly(x, dout):
    """Planted bug: 1 part in 1000 too large."""
    return 1.001 * np.cos(x) * dout


def sine_deaf(x, dout):
    """Planted bug: does not listen to dout."""
    return np.cos(x)


def faint(x):
    return 1e-8 * np.exp(x)


def faint_half(x, dout):
    """Planted bug: half of the slope."""
    return 0.5e-8 * np.exp(x) * dout


def softmax_of_two(x):
    """The softmax of two logits, written so that its outputs sum to exactly 1."""
    p = 1 / (1 + np.exp(x[1] - x[0]))
    return np.array([p, 1 - p])


def softmax_of_two_zeros(x, dout):
    """Planted bug: no gradient at all."""
    return np.zeros_like(x)
