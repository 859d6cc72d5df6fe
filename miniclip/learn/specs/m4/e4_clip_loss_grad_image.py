"""Write the gradient of the loss of 4.3 with respect to the image embeddings.

The rows of I and T come in any length, and 4.3 normalises them: u = I / |I|, v = T / |T|, S = scale times u v^T. Go
through these steps in reverse: from the loss to the table S (1.5 did it for one row; here the columns ask as well, and
all is a mean), from S to u, and from u to I. The answer has the shape of I.

You can check it without a solution. A longer image has the same loss, so each row of the answer is at a right angle to
its image. And a small step against the gradient lowers your loss of 4.3. Graded in float64, with long and short rows,
one pair alone, and a scale of 1000.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, softmax, table_slope, unit, untidy_softmaxes

exercise = Exercise(
    "4.4", "Which way to turn an image", points=6, level=3, minutes=45, needs=("4.3",),
    use="`info_nce_backward` in nn/losses.py begins every training step with this gradient, and the image tower "
        "carries it on.",
    hints=(
        "Go backwards through 4.3, one step at a time: loss to logits, logits to unit vectors, unit vectors to the "
        "rows that came in. The first step is softmax minus truth, once for rows and once for columns.",
        "Check three things on your answer: every row of it is at a right angle to its image; a row ten times longer "
        "gets a gradient ten times smaller; the scale is in it as a factor as well as inside both softmaxes.",
        "Images (1, 0) and (0, 2), texts (1, 0) and (0, 1), scale 1. P and Q are [[0.731, 0.269], [0.269, 0.731]], so "
        "the slope in the table is 0.1345 times [[-1, 1], [1, -1]]. For image 0 that gives (-0.1345, 0.1345) at u; the "
        "part along u goes, which leaves (0, 0.1345). For image 1 halve what is left: (0.0672, 0).",
    ),
)  # fmt: skip


@exercise.solution
def clip_loss_grad_image(I, T, scale):
    """The gradient of clip_loss(I, T, scale) in I, whose rows need not have length 1.

    I (N, d), T (N, d), scale: a number -> dI (N, d)
    """
    lengths = np.linalg.norm(I, axis=1, keepdims=True)
    u = I / lengths
    v = T / np.linalg.norm(T, axis=1, keepdims=True)
    S = scale * (u @ v.T)
    rows = np.exp(S - S.max(axis=1, keepdims=True))
    columns = np.exp(S - S.max(axis=0))
    dS = (rows / rows.sum(axis=1, keepdims=True) + columns / columns.sum(axis=0) - 2 * np.eye(len(S))) / (2 * len(S))
    du = scale * (dS @ v)
    return (du - (du * u).sum(axis=1, keepdims=True) * u) / lengths


@exercise.oracle
def complex_step(I, T, scale):
    """A step of 1e-30 along the imaginary axis: the derivative without any difference, so without any rounding."""

    def loss(I):
        u = [row / np.sqrt((row * row).sum()) for row in I]
        v = [row / np.sqrt((row * row).sum()) for row in T]
        S = np.array([[scale * (a * b).sum() for b in v] for a in u])
        right = S.diagonal()
        tables = S - right[:, None], S.T - right[:, None]
        tops = [table.real.max(1, keepdims=True) for table in tables]
        return sum((np.log(np.exp(z - top).sum(1)) + top[:, 0]).sum() for z, top in zip(tables, tops, strict=True))

    dI = np.zeros(I.shape)
    for i in np.ndindex(I.shape):
        moved = I.astype(complex)
        moved[i] += 1e-30j
        dI[i] = loss(moved).imag / 1e-30 / (2 * len(I))
    return dI


def parts(I, T, scale):
    """Lengths of I, u, v, softmax of the rows, softmax of the columns."""
    u, v = unit(I), unit(T)
    S = scale * u @ v.T
    return np.linalg.norm(I, axis=1, keepdims=True), u, v, softmax(S, 1), softmax(S, 0)


def across(du, u):
    return du - (du * u).sum(1, keepdims=True) * u


def finish(G, I, T, scale):
    """From the slope in the table to the slope in I."""
    lengths, u, v, _, _ = parts(I, T, scale)
    return across(scale * G @ v, u) / lengths


@exercise.also_right
def image_by_image(I, T, scale):
    N, dI = len(I), []
    _, _, texts, P, Q = parts(I, T, scale)
    for i, row in enumerate(I):
        length = sum(x * x for x in row) ** 0.5
        turn = sum(scale * (P[i, j] + Q[i, j] - 2 * (i == j)) / (2 * N) * texts[j] for j in range(N))
        along = sum(a * b for a, b in zip(turn, row, strict=True)) / length**2
        dI.append([(a - along * b) / length for a, b in zip(turn, row, strict=True)])
    return dI


@exercise.also_right
def with_einsum_and_jacobians(I, T, scale):
    lengths, u, v, P, Q = parts(I, T, scale)
    J = (np.eye(I.shape[1]) - np.einsum("id,ie->ide", u, u)) / lengths[:, :, None]
    return np.einsum("ij,je,ide->id", scale * table_slope(P, Q), v, J)


@exercise.also_right
def two_losses(I, T, scale):
    lengths, u, v, P, Q = parts(I, T, scale)
    cosine = u @ v.T
    P[np.diag_indices(len(P))] -= 1
    Q[np.diag_indices(len(Q))] -= 1
    halves = [scale * (D @ v - (D * cosine).sum(1, keepdims=True) * u) / len(I) for D in (P, Q)]
    return 0.5 * (halves[0] + halves[1]) / lengths


@exercise.wrong("""Your gradient has a part along the image itself. A longer image has the same loss, so that part is 0:
take it away, row by row.""")
def no_tangent_projection(I, T, scale):
    lengths, _, v, P, Q = parts(I, T, scale)
    return scale * table_slope(P, Q) @ v / lengths


@exercise.wrong("""Each row has the right direction, not the right size. A row of length 10 turns 10 times less for the
same step: divide by its length.""")
def forgot_norm(I, T, scale):
    _, u, v, P, Q = parts(I, T, scale)
    return across(scale * table_slope(P, Q) @ v, u)


@exercise.wrong("You divided by the squared length. Normalising divides by the length once, and so does its slope.")
def squared_norm(I, T, scale):
    lengths, u, v, P, Q = parts(I, T, scale)
    return across(scale * table_slope(P, Q) @ v, u) / lengths**2


@exercise.wrong("""You went back through the rows only. Half of the loss is the softmax along axis 0, and it pulls at
the images too.""")
def one_direction(I, T, scale):
    P = parts(I, T, scale)[3]
    return finish((P - np.eye(len(P))) / len(P), I, T, scale)


@exercise.wrong("""The scale is missing as a factor. The logits are scale times cosine, so turning an image a little
moves them by scale times as much.""")
def forgot_scale(I, T, scale):
    return clip_loss_grad_image(I, T, scale) / scale


@exercise.wrong("""The sign is turned around. A gradient points to where the loss rises; the slope in the table is
softmax minus truth, so it is below 0 on the diagonal.""")
def sign(I, T, scale):
    return -clip_loss_grad_image(I, T, scale)


@exercise.wrong("""Your softmax of the texts lies as (text, image), and you added it to one that lies as (image, text).
Turn it back before adding: its axis 0 must be images.""")
def q_transposed(I, T, scale):
    _, _, _, P, Q = parts(I, T, scale)
    return finish(table_slope(P, Q.T), I, T, scale)


@exercise.wrong("""All entries are 0, as if the loss did not depend on the images. Turn one image a little and 4.3 gives
another number.""")
def zeros(I, T, scale):
    return np.zeros_like(I)


@exercise.wrong("""You left out the truth: each softmax needs 1 subtracted at the right answer. Without it nothing pulls
a pair together.""")
def no_one_hot(I, T, scale):
    _, _, _, P, Q = parts(I, T, scale)
    return finish((P + Q) / (2 * len(P)), I, T, scale)


@exercise.wrong("""Two softmaxes share the diagonal, and you subtracted the truth only once. Each direction has its own
right answer.""")
def one_identity(I, T, scale):
    _, _, _, P, Q = parts(I, T, scale)
    return finish((P + Q - np.eye(len(P))) / (2 * len(P)), I, T, scale)


@exercise.wrong("""Your gradient is too large by a factor of N. The loss is a mean over the pairs: divide by N, the
length of axis 0.""")
def sum_not_mean(I, T, scale):
    return len(I) * clip_loss_grad_image(I, T, scale)


@exercise.wrong("""Your gradient is exactly 2 times too large. The loss is the average of rows and columns, so the slope
is an average too.""")
def forgot_half(I, T, scale):
    return 2 * clip_loss_grad_image(I, T, scale)


@exercise.wrong("""On the way back you multiplied by the texts as they came in. The logits were made from texts of
length 1: use those.""")
def text_not_normalised(I, T, scale):
    lengths, u, _, P, Q = parts(I, T, scale)
    return across(scale * table_slope(P, Q) @ T, u) / lengths


@exercise.wrong("""You took the part along I away with I itself. Only a vector of length 1 measures that part: use the
normalised row.""")
def projects_with_raw_rows(I, T, scale):
    lengths, _, v, P, Q = parts(I, T, scale)
    return across(scale * table_slope(P, Q) @ v, I) / lengths


@exercise.wrong("""This is the gradient of the texts. Swap the roles: each row of the answer is a sum of texts, weighted
along axis 1 of the table.""")
def gradient_of_texts(I, T, scale):
    return clip_loss_grad_image(T, I, scale)


@exercise.wrong("""In the softmax exp(1000) overflowed. Subtract the maximum of each row, and of each column, before
exp.""")
def unstable_exp(I, T, scale):
    _, u, v, _, _ = parts(I, T, scale)
    e = np.exp(scale * u @ v.T)
    return finish(table_slope(e / e.sum(1, keepdims=True), e / e.sum(0)), I, T, scale)


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    def clip_loss_grad_image(I, T, scale):
        S = scale * cosine_table(I, T)
        return finish(table_slope(softmax(S, 1), softmax(S, 0)), I, T, scale)

    return clip_loss_grad_image


exercise.case("3 pairs in 5 dimensions, scale 10", np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
              np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2]]), 10.0)  # fmt: skip
exercise.case("2 pairs, an image of length 37 and one of 0.2", np.array([[0.1, -0.2, 0.05], [30.0, 10, -20]]),
              np.array([[1.0, 1, 4], [0.02, 0.03, -0.01]]), 3.0)  # fmt: skip
exercise.case("3 pairs, text 0 twice", np.array([[1.0, 0.2], [0.3, -2.0], [4.0, 4.0]]),
              np.array([[1.0, 1.0], [1.0, 1.0], [0.0, -3.0]]), 2.0)  # fmt: skip
exercise.case("1 pair", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 7.0)
exercise.case("2 pairs at scale 1000, cosine exactly 1", np.array([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]),
              np.array([[0.0, 3.0, 0.0], [1.0, 1.0, 5.0]]), 1000.0)  # fmt: skip
exercise.case("4 pairs at scale 1000, rows far apart", np.array([[-2.0, -2, 2], [-2, 2, 2], [2, -1, -2], [0, 2, -1]]),
              np.array([[2.0, -1, 2], [-1, 0, -1], [-1, 2, 2], [-2, 2, 2]]), 1000.0)  # fmt: skip
