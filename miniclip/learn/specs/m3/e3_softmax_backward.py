"""Send a gradient back through a softmax.

Forwards, every row of scores z became probabilities p = softmax(z) along the last axis. You get p, and dy, the slope of
some loss in every entry of p. Return dz, the slope in every score. Pushing one score up takes probability from all
others of its row, so every entry of a row matters to every other. Written out:

    dz_i = p_i (dy_i - a),    a = the sum over j of dy_j p_j

Here a is the average of dy with the probabilities as weights, one number for each row. All arrays share one shape, with
one, two or three axes; the last is the one that sums to 1. Do not change the arrays you are given.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "3.3", "Softmax, backwards", points=3, level=2, minutes=15, needs=("1.5",),
    use="`softmax_backward` in nn/ops.py is the heart of the way back through attention.",
    hints=(
        "A softmax shares out a total of 1. A score gains only if its own slope beats the average slope of its row, "
        "and it moves in proportion to the share it has.",
        "Three steps: an average of dy with p as weights along the last axis (keep the axis), a difference, a product. "
        "Check: each row of dz adds up to 0.",
        "p = [0.75, 0.25] and dy = [2, 0]: the weighted average is 1.5, so dz = [0.75 x 0.5, 0.25 x (-1.5)] = [0.375, "
        "-0.375].",
    ),
)  # fmt: skip


@exercise.solution
def softmax_backward(dy, p):
    """The slope of the loss in the scores z, where p = softmax(z) along the last axis.

    dy (..., n); p (..., n), each row sums to 1 -> dz (..., n)
    """
    average = (dy * p).sum(axis=-1, keepdims=True)
    return p * (dy - average)


@exercise.oracle
def by_jacobian(dy, p):
    dz, n = np.zeros(p.shape), p.shape[-1]
    for at in np.ndindex(p.shape[:-1]):
        for i in range(n):
            for j in range(n):
                slope = p[at][j] * (1 - p[at][j]) if i == j else -p[at][i] * p[at][j]
                dz[at][i] += slope * dy[at][j]
    return dz


@exercise.also_right
def with_a_matrix(dy, p):
    J = p[..., :, None] * (np.eye(p.shape[-1]) - p[..., None, :])
    return np.einsum("...ij,...j->...i", J, dy)


@exercise.also_right
def with_lists(dy, p):
    if p.ndim > 1:
        return [with_lists(a, b) for a, b in zip(dy, p, strict=True)]
    average = sum(float(a) * float(b) for a, b in zip(dy, p, strict=True))
    return [float(b) * (float(a) - average) for a, b in zip(dy, p, strict=True)]


@exercise.also_right
def multiplied_out(dy, p):
    flow = p * dy
    return flow - p * np.einsum("...i->...", flow)[..., None]


@exercise.wrong("""Your dz is 0 everywhere. That is right only where all entries of dy in a row are equal, because
probabilities always add up to 1. Here they differ: use the formula.""")
def zeros(dy, p):
    return np.zeros(p.shape)


@exercise.wrong("""You subtracted the plain mean of dy. Likely entries count more: weight dy with p, then add up along
axis -1.""")
def mean_not_dot(dy, p):
    return p * (dy - dy.mean(-1, keepdims=True))


@exercise.wrong("""You subtracted the bare sum of dy along axis -1. Each slope counts with its probability: multiply by
p before you add up.""")
def sum_not_dot(dy, p):
    return p * (dy - dy.sum(-1, keepdims=True))


@exercise.wrong("""Your rows do not add up to 0. The average ran down axis 0, through different softmaxes. Rows sum to 1
along the last axis: average there.""")
def wrong_axis(dy, p):
    return p * (dy - (dy * p).sum(0, keepdims=True))


@exercise.wrong("""All your rows share one average. Each row is a softmax of its own and knows nothing of the others.
Take one average for each row, along axis -1.""")
def whole_array(dy, p):
    return p * (dy - (dy * p).sum())


@exercise.wrong("""The average is right, but the factor in front is missing: an entry with probability 0 cannot move.
Multiply the difference by p.""")
def no_outer_p(dy, p):
    return dy - (dy * p).sum(-1, keepdims=True)


@exercise.wrong("""You returned p dy, as if the sum inside the softmax stayed fixed. That sum moves too. Subtract the
weighted average of dy, one number for each row, before you multiply.""")
def no_average(dy, p):
    return p * dy


@exercise.wrong("""You used p (1 - p) dy: how a probability reacts to its own score. The other scores of the row act on
it as well. Add their part, or use the average.""")
def diagonal_only(dy, p):
    return p * (1 - p) * dy


@exercise.wrong("""All your entries have the sign turned. A score whose slope beats the average must get a positive
slope. Take dy less the average.""")
def sign(dy, p):
    return p * ((dy * p).sum(-1, keepdims=True) - dy)


@exercise.wrong("""You took a softmax of p. But p already holds probabilities: its rows add up to 1. Use p as it is; the
scores are not needed.""")
def softmax_again(dy, p):
    e = np.exp(p)
    return softmax_backward(dy, e / e.sum(-1, keepdims=True))


@exercise.wrong("""That is the way back through the logarithm of a softmax: dy less p times its sum. Here dy is a slope
in p itself: put p dy in place of dy.""")
def log_softmax_gradient(dy, p):
    return dy - p * dy.sum(-1, keepdims=True)


@exercise.wrong("""The sum along the last axis lost that axis, so it no longer lines up with the rows. Keep it with
length 1: keepdims.""")
def no_keepdims(dy, p):
    return p * (dy - (dy * p).sum(-1))


@exercise.wrong("The values are right, but `dy -= ...` writes into the caller's dy. Make a new array: `dy - ...`.")
def mutates_input(dy, p):
    dy -= (dy * p).sum(-1, keepdims=True)
    return p * dy


exercise.case("2 rows of 3", np.array([[2.0, -1.0, 0.5], [0.3, 4.0, -2.0]]),
              np.array([[0.7, 0.2, 0.1], [0.05, 0.15, 0.8]]))  # fmt: skip
exercise.case("1 row of 5, no further axis", np.array([1.0, 0.0, -3.0, 2.0, 0.5]),
              np.array([0.1, 0.4, 0.25, 0.05, 0.2]))  # fmt: skip
exercise.case("a row with all its weight on 1 entry", np.array([[1.0, -2.0, 5.0, 0.5], [3.0, 1.0, -1.0, 0.0]]),
              np.array([[0.0, 1.0, 0.0, 0.0], [0.1, 0.2, 0.3, 0.4]]))  # fmt: skip
exercise.case("5 heads, 2 queries, 3 keys", np.array([
    [[1.0, 0.0, 2.0], [0.5, -1.0, 3.0]], [[-2.0, 1.0, 0.1], [4.0, 0.2, -0.3]], [[0.0, 0.0, 1.0], [7.0, -5.0, 2.0]],
    [[0.6, 0.9, -0.4], [1.5, 2.5, 3.5]], [[-1.0, -2.0, -3.0], [0.8, 0.1, 0.2]],
]), np.array([
    [[0.2, 0.3, 0.5], [0.6, 0.3, 0.1]], [[0.9, 0.05, 0.05], [0.1, 0.1, 0.8]], [[0.4, 0.4, 0.2], [0.25, 0.5, 0.25]],
    [[0.7, 0.1, 0.2], [0.15, 0.35, 0.5]], [[0.0, 0.6, 0.4], [0.3, 0.3, 0.4]],
]))  # fmt: skip
exercise.case("2 rows of 1", np.array([[3.0], [-7.0]]), np.array([[1.0], [1.0]]))
