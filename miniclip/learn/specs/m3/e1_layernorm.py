"""Bring the features of every token to mean 0 and variance 1, then stretch and shift them.

For one token with features x_1 .. x_d, let m be their mean and var the mean of (x_i - m) squared. The layer returns

    gain_i (x_i - m) / root(var + eps) + bias_i

The features are the last axis of `x`; every axis in front of it (tokens, captions) only counts tokens. So the layer
knows nothing of other tokens or of the batch. `eps` sits under the root and keeps a token whose features are all equal
finite: it becomes the bias. Graded: tiny inputs, features that all lie near one hundred million, a constant token,
three axes, another eps, and that the caller's array stays as it was.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.1", "Layer normalisation", points=3, level=1, minutes=10,
    use="`layer_norm_forward` in nn/layers.py stands before every attention and every MLP of both towers.",
    hints=(
        "Each token is a small data set of d numbers. Centre it, give it spread 1, and let two learned vectors choose "
        "a new spread and a new centre for every feature.",
        "Take mean and variance along the last axis and keep that axis, so that they broadcast. Subtract first, then "
        "square: that stays exact for numbers far from 0. eps joins the variance before the root is taken.",
        "The token [1, 3] has mean 2 and variance 1, so it becomes [-1, 1] (with a tiny eps). Gain [10, 1] and bias "
        "[0, 5] turn that into [-10, 6]. The token [4, 4] becomes [0, 0] and then [0, 5], the bias.",
    ),
)  # fmt: skip


@exercise.solution
def layernorm(x, gain, bias, eps=1e-5):
    """Normalise the features of every token.

    x (..., d); gain (d,); bias (d,); eps: a small number -> (..., d)
    """
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred**2).mean(axis=-1, keepdims=True)
    return gain * centred / np.sqrt(variance + eps) + bias


@exercise.oracle
def token_by_token(x, gain, bias, eps=1e-5):
    d, y = x.shape[-1], np.zeros(x.shape)
    for at in np.ndindex(x.shape[:-1]):
        mean = math.fsum(x[at]) / d
        root = math.sqrt(math.fsum((x[at][i] - mean) ** 2 for i in range(d)) / d + eps)
        for i in range(d):
            y[at][i] = gain[i] * ((x[at][i] - mean) / root) + bias[i]
    return y


@exercise.also_right
def with_var(x, gain, bias, eps=1e-5):
    y = (x - np.mean(x, -1, keepdims=True)) / (np.var(x, -1, keepdims=True) + eps) ** 0.5
    return gain * y + bias


@exercise.also_right
def with_einsum(x, gain, bias, eps=1e-5):
    d = x.shape[-1]
    centred = np.einsum("...i,ij->...j", x - x[..., :1], np.eye(d) - 1 / d)
    variance = np.einsum("...i,...i->...", centred, centred) / d
    return np.einsum("...i,...,i->...i", centred, 1 / np.sqrt(variance + eps), gain) + bias


@exercise.also_right
def with_lists(x, gain, bias, eps=1e-5):
    if x.ndim > 1:
        return [with_lists(part, gain, bias, eps) for part in x]
    mean = sum(x) / len(x)
    variance = sum((a - mean) ** 2 for a in x) / len(x)
    return [g * (a - mean) / math.sqrt(variance + eps) + b for a, g, b in zip(x, gain, bias, strict=True)]


def normalise(x, gain, bias, eps, axis):
    root = np.sqrt(x.var(axis=axis, keepdims=True) + eps)
    return gain * (x - x.mean(axis=axis, keepdims=True)) / root + bias


@exercise.wrong("""Mean and variance ran along axis 0, over the tokens, so one token changes another. Each token uses
its own features: the last axis.""")
def batch_axis(x, gain, bias, eps=1e-5):
    return normalise(x, gain, bias, eps, 0)


@exercise.wrong("""Matrices come out right, but here are 3 axes. You fixed axis 1, and here it counts tokens. The
features are always the last one: use axis -1.""")
def axis_1(x, gain, bias, eps=1e-5):
    return normalise(x, gain, bias, eps, 1)


@exercise.wrong("""You took one mean and one variance for the whole array, so a loud token makes the others quiet. Work
along axis -1 and keep it, to get one mean for each token.""")
def whole_array(x, gain, bias, eps=1e-5):
    return normalise(x, gain, bias, eps, None)


@exercise.wrong("""Your values are a little too small: you divided the variance by d - 1, the rule for a sample. Here
the d features are all there is: divide by d (ddof 0).""")
def ddof1(x, gain, bias, eps=1e-5):
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).sum(-1, keepdims=True) / (x.shape[-1] - 1)
    return gain * centred / np.sqrt(variance + eps) + bias


@exercise.wrong("""You added eps after the root. For large inputs nobody sees it, but these are tiny. Put eps under the
root, beside the variance.""")
def eps_outside(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdims=True)) / (x.std(-1, keepdims=True) + eps) + bias


@exercise.wrong("""A token without any spread has variance 0, and dividing by it gives nan. Add eps to the variance
before the root.""")
def no_eps(x, gain, bias, eps=1e-5):
    return normalise(x, gain, bias, 0.0, -1)


@exercise.wrong("""This case passes its own eps, and you used 1e-5. Take the argument rather than a number written into
the code.""")
def fixed_eps(x, gain, bias, eps=1e-5):
    return normalise(x, gain, bias, 1e-5, -1)


@exercise.wrong("""Every token has mean 0 and variance 1: the last step is missing. Multiply feature i by gain[i] and
add bias[i]; both broadcast along the last axis.""")
def no_affine(x, gain, bias, eps=1e-5):
    return normalise(x, 1.0, 0.0, eps, -1)


@exercise.wrong("""You added the bias before you multiplied by gain, so the bias got stretched as well. Multiply first,
add the bias last. A constant token must give exactly the bias.""")
def bias_before_gain(x, gain, bias, eps=1e-5):
    return gain * (normalise(x, 1.0, 0.0, eps, -1) + bias)


@exercise.wrong("""You applied gain and bias to x and normalised after that, which undoes part of them: mean 0 and
variance 1 come back. Normalise first, then apply both.""")
def affine_first(x, gain, bias, eps=1e-5):
    return normalise(gain * x + bias, 1.0, 0.0, eps, -1)


@exercise.wrong("""Your tokens do not have mean 0 before the bias. You divided by the root of the mean square; that is
RMS norm. Subtract the mean of each token first.""")
def rmsnorm(x, gain, bias, eps=1e-5):
    return gain * x / np.sqrt((x**2).mean(-1, keepdims=True) + eps) + bias


@exercise.wrong("""You divided by the variance, so the spread comes out as 1 / spread of the input. The root of the
variance has the units of x: divide by that.""")
def divide_by_var(x, gain, bias, eps=1e-5):
    return gain * (x - x.mean(-1, keepdims=True)) / (x.var(-1, keepdims=True) + eps) + bias


@exercise.wrong("""You took the variance as mean of squares less square of mean. For features near 1e8 these are two
huge numbers that cancel, and 16 digits are not enough. Subtract the mean, then square.""")
def cancelling_variance(x, gain, bias, eps=1e-5):
    mean = x.mean(-1, keepdims=True)
    return gain * (x - mean) / np.sqrt((x**2).mean(-1, keepdims=True) - mean**2 + eps) + bias


@exercise.wrong("""The values are right, but `x -= mean` writes into the caller's array. Write `x = x - mean`, which
makes a new one.""")
def mutates_input(x, gain, bias, eps=1e-5):
    x -= x.mean(-1, keepdims=True)
    x /= np.sqrt((x**2).mean(-1, keepdims=True) + eps)
    return gain * x + bias


GAIN, BIAS = np.array([2.0, 0.5, 1.0, -3.0, 1.5]), np.array([0.3, -1.0, 0.0, 2.0, 0.7])

exercise.case("a token of 5 equal features", np.array([[7.0, 7.0, 7.0, 7.0, 7.0], [0.0, 10.0, 0.0, 30.0, -20.0]]),
              GAIN, BIAS)  # fmt: skip
exercise.case("3 tokens of size 0.001", np.array([[1.0, -2.0, 0.5, 3.0, 0.0], [4.0, 1.0, 1.0, 2.0, -1.0],
              [0.1, 0.2, 0.7, 0.4, 0.3]]) * 1e-3, GAIN, BIAS)  # fmt: skip
exercise.case("2 tokens of 5 features", np.array([[1.0, 4.0, -2.0, 0.5, 3.0], [100.0, 130.0, 90.0, 95.0, 170.0]]),
              GAIN, BIAS)  # fmt: skip
exercise.case("2 captions of 3 tokens", np.array([
    [[1.0, 2.0, 4.0, 8.0, -1.0], [0.2, 0.1, 0.9, -0.4, 0.3], [30.0, 10.0, 20.0, 70.0, 50.0]],
    [[-5.0, 2.0, 2.0, 1.0, 6.0], [3.0, 0.0, 0.0, 0.0, 0.0], [11.0, 13.0, 2.0, 7.0, 5.0]],
]), GAIN, BIAS)  # fmt: skip
exercise.case("features near 1e8", 1e8 + np.array([[1.0, 4.0, -2.0, 0.0, 3.0], [10.0, 30.0, -90.0, 9.0, 17.0]]),
              GAIN, BIAS)  # fmt: skip
exercise.case("2 tokens with eps = 0.5", np.array([[1.0, 0.0, 2.0, 1.5, -1.0], [0.3, 0.1, 0.2, 0.9, 0.4]]),
              GAIN, BIAS, 0.5)  # fmt: skip
exercise.case("2 tokens of 1 feature", np.array([[3.0], [-8.0]]), np.array([2.0]), np.array([0.25]))
exercise.needs_float64("3 tokens of size 0.001", "an exact 0 comes out as 1.6e-8 in float32")
exercise.needs_float64("features near 1e8", "with its 7 digits float32 cannot tell the features apart")
