"""Send a gradient back through layer normalisation.

Forwards, every token becomes n = (x - mean) / s with s = root(variance + eps), and y = gain n + bias. You get dy, the
slope of some loss in every entry of y, and return three slopes: in x, in gain and in bias.

Bias and gain are shared by all tokens, so their slopes add up over every axis but the last. For x, let h = dy gain be
the slope in n. Moving one feature also moves the mean and the variance of its token, which leaves

    dx = (h - mean(h) - n mean(h n)) / s

with both means along the features of one token. Graded: two and three axes, gains that differ, tiny inputs, a constant
token, another eps, and slopes that are not all ones.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.2", "Layer normalisation, backwards", points=5, level=3, minutes=35, needs=("3.1",),
    use="`layer_norm_backward` in nn/layers.py carries every gradient through the norms of both towers.",
    hints=(
        "Three roads lead from a feature to the loss: straight through its own output, through the mean of its token, "
        "and through the variance. The formula has one term for each.",
        "Rebuild n and s from x as in 3.1. Put gain into the slope before any mean is taken. For the two parameters, "
        "sum over all axes in front of the last, whether there is one or more.",
        "One token [1, 1, 3, 3] with gain all 1: n = [-1, -1, 1, 1] and s = 1. For dy = [4, 0, 0, 0]: mean(h) = 1 and "
        "mean(h n) = -1, so dx = [4 - 1 - 1, 0 - 1 - 1, 0 - 1 + 1, 0 - 1 + 1] = [2, -2, 0, 0]. dgain = dy n = [-4, 0, "
        "0, 0], dbias = dy.",
    ),
)  # fmt: skip


@exercise.solution
def layernorm_backward(dy, x, gain, eps=1e-5):
    """The slopes in x, gain and bias of y = layernorm(x, gain, bias, eps).

    dy (..., d); x (..., d); gain (d,) -> dx (..., d), dgain (d,), dbias (d,)
    """
    s = np.sqrt(x.var(axis=-1, keepdims=True) + eps)
    n = (x - x.mean(axis=-1, keepdims=True)) / s
    h = dy * gain
    dx = (h - h.mean(axis=-1, keepdims=True) - n * (h * n).mean(axis=-1, keepdims=True)) / s
    tokens = tuple(range(x.ndim - 1))
    return dx, (dy * n).sum(axis=tokens), dy.sum(axis=tokens)


@exercise.oracle
def by_complex_steps(dy, x, gain, eps=1e-5):
    def loss(x, gain, bias):
        centred = x - x.mean(-1, keepdims=True)
        y = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + eps)
        return (dy * (gain * y + bias)).sum()

    given = [x, gain, np.zeros(len(gain))]
    slopes = [np.zeros(part.shape) for part in given]
    for part, slope in enumerate(slopes):
        for at in np.ndindex(slope.shape):
            moved = [a.astype(complex) for a in given]
            moved[part][at] += 1e-30j
            slope[at] = loss(*moved).imag / 1e-30
    return slopes


@exercise.also_right
def with_loops(dy, x, gain, eps=1e-5):
    d, dx = len(gain), np.zeros(x.shape)
    dgain, dbias = [0.0] * d, [0.0] * d
    for at in np.ndindex(x.shape[:-1]):
        s = float(np.sqrt(np.var(x[at]) + eps))
        n = [(a - np.mean(x[at])) / s for a in x[at]]
        h = [a * g for a, g in zip(dy[at], gain, strict=True)]
        side = sum(a * b for a, b in zip(h, n, strict=True)) / d
        dx[at] = [(h[i] - sum(h) / d - n[i] * side) / s for i in range(d)]
        dgain = [dgain[i] + dy[at][i] * n[i] for i in range(d)]
        dbias = [dbias[i] + dy[at][i] for i in range(d)]
    return [dx, dgain, dbias]


@exercise.also_right
def with_a_jacobian(dy, x, gain, eps=1e-5):
    d = len(gain)
    n, s = normalised(x, eps)
    J = (np.eye(d) - 1 / d - n[..., :, None] * n[..., None, :] / d) / s[..., None]
    flat = dy.reshape(-1, d)
    return np.einsum("...i,i,...ij->...j", dy, gain, J), np.einsum("ti,ti->i", flat, n.reshape(-1, d)), sum(flat)


@exercise.also_right
def flattened(dy, x, gain, eps=1e-5):
    d = len(gain)
    n, s = normalised(x.reshape(-1, d), eps)
    flat = dy.reshape(-1, d)
    h = flat * gain
    dx = (d * h - h.sum(1)[:, None] - n * (h * n).sum(1)[:, None]) / (d * s)
    return dx.reshape(x.shape), (flat * n).sum(0), flat.sum(0)


def normalised(x, eps=1e-5):
    s = np.sqrt(x.var(-1, keepdims=True) + eps)
    return (x - x.mean(-1, keepdims=True)) / s, s


def mean(a):
    return a.mean(-1, keepdims=True)


def with_dx(dx, dy, x, gain, eps):
    """The right slopes of the parameters beside another dx."""
    return dx, *layernorm_backward(dy, x, gain, eps)[1:]


@exercise.wrong("""Your dx is 0 everywhere. That is right only where dy times gain is the same for every feature of a
token. Here it varies: use all 3 terms.""")
def zeros(dy, x, gain, eps=1e-5):
    return with_dx(np.zeros(x.shape), dy, x, gain, eps)


@exercise.wrong("""Your dx lacks the road through the variance. Moving one feature changes the spread that divides all
of them. Subtract n times the mean of h n.""")
def var_path_missing(dy, x, gain, eps=1e-5):
    s, h = normalised(x, eps)[1], dy * gain
    return with_dx((h - mean(h)) / s, dy, x, gain, eps)


@exercise.wrong("""Your dx does not add up to 0 within a token, yet adding 1 to all features must change nothing. The
road through the mean is missing: subtract mean(h).""")
def mean_path_missing(dy, x, gain, eps=1e-5):
    (n, s), h = normalised(x, eps), dy * gain
    return with_dx((h - n * mean(h * n)) / s, dy, x, gain, eps)


@exercise.wrong("""Your dx is dy gain / s alone, as if mean and spread were fixed. Both move when one feature moves.
Subtract mean(h) and n mean(h n), too.""")
def just_scale(dy, x, gain, eps=1e-5):
    return with_dx(dy * gain / normalised(x, eps)[1], dy, x, gain, eps)


@exercise.wrong("""Your gain came in after the means. The means must see the slope in n, which holds gain already.
Multiply dy by gain first of all.""")
def gain_after_means(dy, x, gain, eps=1e-5):
    n, s = normalised(x, eps)
    return with_dx(gain * (dy - mean(dy) - n * mean(dy * n)) / s, dy, x, gain, eps)


@exercise.wrong("""Your dx is what you would get with every gain equal to 1. On its way back the slope passes gain
before it meets the normalising. Begin with h = dy gain.""")
def gain_not_in_dx(dy, x, gain, eps=1e-5):
    return with_dx(layernorm_backward(dy, x, np.ones(len(gain)), eps)[0], dy, x, gain, eps)


@exercise.wrong("""The bracket of dx is right, its size is not. The forward step divides by s, so the slope is divided
by s as well, once.""")
def s_forgotten(dy, x, gain, eps=1e-5):
    dx, *rest = layernorm_backward(dy, x, gain, eps)
    return dx * normalised(x, eps)[1], *rest


@exercise.wrong("""Your dx is off by the factor s: you divided by the variance. The slope of (x - mean) / s holds 1 / s,
and s is the root of the variance. Divide by s only once.""")
def divided_by_variance(dy, x, gain, eps=1e-5):
    dx, *rest = layernorm_backward(dy, x, gain, eps)
    return dx / normalised(x, eps)[1], *rest


@exercise.wrong("""Your dx is right, dgain is not. Feature i of gain multiplies the normalised feature, with mean 0 and
variance 1, not the raw x. Use n in its sum.""")
def gain_grad_uses_x(dy, x, gain, eps=1e-5):
    dx, _, dbias = layernorm_backward(dy, x, gain, eps)
    return dx, (dy * x).reshape(-1, len(gain)).sum(0), dbias


@exercise.wrong("""Your dgain and dbias are too small by the number of tokens. All tokens share the same gain and bias,
and each adds its part. Sum; do not average.""")
def grads_averaged(dy, x, gain, eps=1e-5):
    dx, dgain, dbias = layernorm_backward(dy, x, gain, eps)
    tokens = x.size / len(gain)
    return dx, dgain / tokens, dbias / tokens


@exercise.wrong("""Your dgain and dbias still have 2 axes: you summed over axis 0 alone. There is one gain for each
feature, whatever the caption or place. Sum over all axes but the last.""")
def sums_axis_0_only(dy, x, gain, eps=1e-5):
    dx = layernorm_backward(dy, x, gain, eps)[0]
    return dx, (dy * normalised(x, eps)[0]).sum(0), dy.sum(0)


@exercise.wrong("""Your dgain and dbias keep one row for each token, but gain has only one axis. A slope has the shape
of its parameter: add up over the tokens.""")
def not_summed(dy, x, gain, eps=1e-5):
    return layernorm_backward(dy, x, gain, eps)[0], dy * normalised(x, eps)[0], dy


@exercise.wrong("""The 3 parts are fine, but two changed places. The order is dx, dgain, dbias: the plain sum of dy
belongs to the bias, so it comes last.""")
def swapped_parameters(dy, x, gain, eps=1e-5):
    dx, dgain, dbias = layernorm_backward(dy, x, gain, eps)
    return dx, dbias, dgain


@exercise.wrong("""You rebuilt s without eps, so s is 0 where all features of a token are equal. Use the same s as the
forward step, with eps under the root.""")
def no_eps(dy, x, gain, eps=1e-5):
    return layernorm_backward(dy, x, gain, 0.0)


@exercise.wrong("""This case passes its own eps, and your s still holds 1e-5. Forward and backward must share one s. Use
the argument.""")
def fixed_eps(dy, x, gain, eps=1e-5):
    return layernorm_backward(dy, x, gain)


GAIN = np.array([2.0, 0.5, 1.0, -3.0, 1.5])

exercise.case("3 tokens of 5 features", np.array([[0.3, -1.0, 2.0, 0.7, 0.1], [1.0, 0.0, -0.5, 0.2, 4.0],
              [-2.0, 1.5, 0.4, 0.6, -0.9]]), np.array([[10.0, 40.0, -20.0, 5.0, 30.0],
              [100.0, 130.0, 90.0, 95.0, 170.0], [20.0, 70.0, -10.0, 30.0, 50.0]]), GAIN)  # fmt: skip
exercise.case("1 token of 5 equal features", np.array([[1.0, 0.5, -2.0, 0.3, 0.9]]), np.full((1, 5), 7.0),
              GAIN)  # fmt: skip
exercise.case("2 captions of 3 tokens", np.array([
    [[0.5, 1.0, -1.0, 2.0, 0.3], [1.0, -2.0, 0.0, 0.4, 0.8], [0.1, 0.2, 0.3, -0.7, 1.1]],
    [[-0.6, 0.9, 1.4, 0.2, 2.2], [3.0, -1.0, 0.5, 0.0, 0.7], [0.0, 0.6, -0.8, 1.9, -1.3]],
]), np.array([
    [[1.0, 2.0, 4.0, 8.0, -1.0], [20.0, 10.0, 90.0, -40.0, 30.0], [30.0, 10.0, 20.0, 70.0, 50.0]],
    [[-5.0, 2.0, 2.0, 1.0, 6.0], [30.0, 0.0, 0.0, 0.0, 0.0], [11.0, 13.0, 2.0, 7.0, 5.0]],
]), GAIN)  # fmt: skip
exercise.case("2 tokens of size 0.001", np.array([[1.0, -0.5, 0.2, 0.8, 0.0], [0.4, 2.0, -1.0, 0.3, 0.6]]),
              np.array([[1.0, -2.0, 0.5, 3.0, 0.0], [4.0, 1.0, 1.0, 2.0, -1.0]]) * 1e-3, GAIN)  # fmt: skip
exercise.case("2 tokens with eps = 0.5", np.array([[0.4, 1.0, -0.3, 2.0, 0.6], [1.2, -0.7, 0.9, 0.1, -1.5]]),
              np.array([[1.0, 0.0, 2.0, 1.5, -1.0], [0.3, 0.1, 0.2, 0.9, 0.4]]), GAIN, 0.5)  # fmt: skip
exercise.needs_float64("2 captions of 3 tokens", "one slope, 2.7e-8, is less than float32 loses")
