"""Write the slope of CLIP's loss in the number that sets its scale.

CLIP learns s, the natural logarithm of the scale: the logits are S = exp(s) times the cosines of images and texts, and
the loss is that of 4.3. The answer is one number, but s moves all N x N logits at once. How does one of them change
when s does? And how does the loss change when that logit does? (4.4 has this table.) Rows may have any length; there is
no cap here. Graded: batches that are mostly right, all wrong, perfect at a scale of 1000, and one pair alone.
"""

import cmath
import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, softmax, table_slope, untidy_softmaxes

exercise = Exercise(
    "4.5", "How the scale learns", points=4, level=3, minutes=25, needs=("4.4",),
    use="`logits_backward` in nn/losses.py gives the scale its slope, which is how CLIP learns its own temperature.",
    hints=(
        "A good batch gains from a larger scale, a confused one from a smaller: the answer is negative for the first "
        "and positive for the second. One number moves all logits at once, so their effects add up.",
        "You have the slope in the table from 4.4. Multiply it with the table of logits, entry by entry, and add. The "
        "logits contain the scale already, because the slope of exp(s) in s is exp(s).",
        "Two pairs at right angles, s = 0: S is [[1, 0], [0, 1]], the softmax gives 0.731 on the diagonal. The slope "
        "in the table there is (0.731 + 0.731 - 2) / 4 = -0.1345, so the answer is 2 times -0.1345 times 1 = -0.2689.",
    ),
)  # fmt: skip


@exercise.solution
def grad_log_scale(I, T, log_scale):
    """The derivative of clip_loss(I, T, exp(log_scale)) in log_scale.

    I (N, d), T (N, d): one embedding a row, of any length; log_scale: a number -> a number
    """
    u = I / np.linalg.norm(I, axis=1, keepdims=True)
    v = T / np.linalg.norm(T, axis=1, keepdims=True)
    S = np.exp(log_scale) * (u @ v.T)
    rows = np.exp(S - S.max(axis=1, keepdims=True))
    columns = np.exp(S - S.max(axis=0))
    dS = (rows / rows.sum(axis=1, keepdims=True) + columns / columns.sum(axis=0) - 2 * np.eye(len(S))) / (2 * len(S))
    return (dS * S).sum()


@exercise.oracle
def complex_step(I, T, log_scale):
    """A step of 1e-30 along the imaginary axis: the derivative without any difference, so without any rounding."""
    scale, total = cmath.exp(complex(log_scale, 1e-30)), 0j
    cosine = [[float(u @ v) / (math.hypot(*u) * math.hypot(*v)) for v in T] for u in I]
    for i in range(len(I)):
        for line in (cosine[i], [row[i] for row in cosine]):
            top = max(line)
            total += cmath.log(sum(cmath.exp(scale * (c - top)) for c in line)) + scale * (top - cosine[i][i])
    return total.imag / 1e-30 / (2 * len(I))


def parts(I, T, scale):
    """Cosines, softmax of the rows, softmax of the columns."""
    cosine = cosine_table(I, T)
    return cosine, softmax(scale * cosine, 1), softmax(scale * cosine, 0)


@exercise.also_right
def expected_minus_actual(I, T, log_scale):
    scale = math.exp(log_scale)
    cosine, P, Q = parts(I, T, scale)
    return scale * (0.5 * (P + Q) * cosine).sum() / len(I) - scale * cosine.trace() / len(I)


@exercise.also_right
def in_python_loops(I, T, log_scale):
    N, scale, total = len(I), math.exp(log_scale), 0.0
    cosine, P, Q = parts(I, T, scale)
    for i in range(N):
        for j in range(N):
            total += (P[i, j] / 2 + Q[i, j] / 2 - (i == j)) / N * scale * cosine[i, j]
    return total


@exercise.also_right
def with_einsum(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return np.einsum("ij,ij->", table_slope(P, Q), cosine * np.exp(log_scale))


@exercise.also_right
def as_an_array(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return np.array(np.vdot(cosine, table_slope(P, Q)) * np.exp(log_scale))


@exercise.wrong("""That is the slope in the scale itself. When log_scale moves a little, the scale moves exp(log_scale)
times as much: multiply by the scale once.""")
def d_scale_not_log(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return (table_slope(P, Q) * cosine).sum()


@exercise.wrong("""You averaged over all entries of the table. The slope contains 1/N already, and the effects of all
logits add up: sum them.""")
def mean(I, T, log_scale):
    return grad_log_scale(I, T, log_scale) / len(I) ** 2


@exercise.wrong("The scale came in twice. The logits contain it; do not multiply by it once more.")
def uses_logits_twice(I, T, log_scale):
    return np.exp(log_scale) * grad_log_scale(I, T, log_scale)


@exercise.wrong("""The sign is turned around. For a batch that is right, a larger scale lowers the loss, so its slope is
below 0.""")
def sign(I, T, log_scale):
    return -grad_log_scale(I, T, log_scale)


@exercise.wrong("This is the slope of the image-to-text half alone. Average it with the softmax along axis 0.")
def one_direction(I, T, log_scale):
    cosine, P, _ = parts(I, T, np.exp(log_scale))
    return (table_slope(P, P) * np.exp(log_scale) * cosine).sum()


@exercise.wrong("You used log_scale as the scale. Take exp of it first: a log_scale of 0 is a scale of 1, not of 0.")
def no_exp(I, T, log_scale):
    cosine, P, Q = parts(I, T, log_scale)
    return (table_slope(P, Q) * log_scale * cosine).sum()


@exercise.wrong("""You multiplied the slope in the scale by log_scale. The derivative of exp(s) is exp(s): the factor is
the scale, which is 1 when s is 0.""")
def times_log_scale(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return log_scale * (table_slope(P, Q) * cosine).sum()


@exercise.wrong("""You counted the right answers only, the N entries on the diagonal. The other logits move with the
scale too: sum over axis 0 and axis 1.""")
def diagonal_only(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return np.trace(table_slope(P, Q) * np.exp(log_scale) * cosine)


@exercise.wrong("""You forgot to subtract the truth: 1 at each right answer, in both directions. The slope is softmax
minus truth.""")
def no_one_hot(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return ((P + Q) / (2 * len(P)) * np.exp(log_scale) * cosine).sum()


@exercise.wrong("""Your slope is too large by a factor of N. The loss is a mean over N pairs, so divide the sum by N as
well.""")
def sum_not_mean(I, T, log_scale):
    return len(I) * grad_log_scale(I, T, log_scale)


@exercise.wrong("Your slope is exactly 2 times too large. The loss averages rows and columns; so does its slope.")
def forgot_half(I, T, log_scale):
    return 2 * grad_log_scale(I, T, log_scale)


@exercise.wrong("Your logits come from rows as they were given. Bring each row of I and T to length 1, as in 4.3.")
def not_normalised(I, T, log_scale):
    S = np.exp(log_scale) * I @ T.T
    return (table_slope(softmax(S, 1), softmax(S, 0)) * S).sum()


@exercise.wrong("""Your softmax of the texts lies as (text, image). Turn it back before you add the two: axis 0 must be
images.""")
def q_transposed(I, T, log_scale):
    cosine, P, Q = parts(I, T, np.exp(log_scale))
    return (table_slope(P, Q.T) * np.exp(log_scale) * cosine).sum()


@exercise.wrong("""In the softmax exp(1000) overflowed. Subtract the maximum of each row, and of each column, before
exp.""")
def unstable_exp(I, T, log_scale):
    cosine, _, _ = parts(I, T, 1.0)
    S = np.exp(log_scale) * cosine
    e = np.exp(S)
    return (table_slope(e / e.sum(1, keepdims=True), e / e.sum(0)) * S).sum()


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    def grad_log_scale(I, T, log_scale):
        S = np.exp(log_scale) * cosine_table(I, T)
        return (table_slope(softmax(S, 1), softmax(S, 0)) * S).sum()

    return grad_log_scale


mixed = (np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
         np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2]]))  # fmt: skip
exercise.case("3 pairs in 5 dimensions, log_scale 2.659", *mixed, 2.659)
exercise.case("the same 3 pairs at log_scale 0", *mixed, 0.0)
exercise.case("3 pairs, all of them wrong", mixed[0], -2 * mixed[1][[1, 2, 0]], 1.5)
exercise.case("2 pairs, an image of length 37 and one of 0.2", np.array([[0.1, -0.2, 0.05], [30.0, 10, -20]]),
              np.array([[1.0, 1, 4], [0.02, 0.03, -0.01]]), -0.5)  # fmt: skip
exercise.case("1 pair", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 1.0)
exercise.case("2 perfect pairs at scale 1000", np.array([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]),
              np.array([[7.0, 0.0, 0.0], [0.0, 3.0, 0.0]]), float(np.log(1000.0)))  # fmt: skip
exercise.case("3 pairs at scale 800, rows far apart", np.array([[0.0, 1, 0], [-2, 2, 1], [-2, 2, 1]]),
              np.array([[-2.0, 1, 0], [-2, 2, 1], [-1, -2, -2]]), float(np.log(800.0)))  # fmt: skip
exercise.case("4 pairs at scale 800, all rows wide", np.array([[-2.0, -1, -1], [-2, -2, -2], [0, -2, 2], [2, 0, 0]]),
              np.array([[-1.0, 0, 0], [-1, 1, 2], [-2, 0, -2], [2, -1, 1]]), float(np.log(800.0)))  # fmt: skip
