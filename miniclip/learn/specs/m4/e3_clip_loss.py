"""Write the loss that CLIP is trained with.

A batch has N images and N texts, and text i belongs to image i. Bring every row to length 1, multiply all cosines by
`scale`, and ask two questions of the N x N table: which text belongs to this image (a softmax along each row), and
which image belongs to this text (a softmax along each column)? The loss of a question is the mean of -ln p(right
answer). The loss of CLIP is the mean of both. It must survive a scale of 1000: take the logarithm of the softmax in one
stable step, as in 4.2.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, log_softmax, table_loss, unit, untidy_softmaxes

exercise = Exercise(
    "4.3", "The loss of CLIP", points=5, level=2, minutes=25, needs=("4.1", "4.2"),
    use="`info_nce_forward` in nn/losses.py is this number, which every training of CLIP makes smaller.",
    hints=(
        "The table of cosines answers two questions: rows ask for the text of an image, columns for the image of a "
        "text. Both have the right answer on the diagonal.",
        "Your function of 4.2 does the hard part: `from e2_log_softmax import log_softmax` brings it in. Use it along "
        "axis 1 and along axis 0, take the diagonal of each, minus, the mean, and then the mean of the two.",
        "Two pairs at right angles, scale 1: the table is [[1, 0], [0, 1]]. Each row gives -ln(e / (e + 1)) = 0.3133, "
        "each column too, so the loss is 0.3133.",
    ),
)  # fmt: skip


@exercise.solution
def clip_loss(I, T, scale):
    """The symmetric contrastive loss of a batch.

    I (N, d) and T (N, d): one embedding a row, of any length; scale: a number -> a number, in nats
    """
    I = I / np.linalg.norm(I, axis=1, keepdims=True)
    T = T / np.linalg.norm(T, axis=1, keepdims=True)
    S = scale * (I @ T.T)
    loss = 0.0
    for z in (S, S.T):
        z = z - z.max(axis=1, keepdims=True)
        log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
        loss -= 0.5 * np.diag(log_p).mean()
    return loss


@exercise.oracle
def by_hand(I, T, scale):
    N, total = len(I), 0.0
    cosine = [[sum(a * b for a, b in zip(u, v, strict=True)) / (np.hypot.reduce(u) * np.hypot.reduce(v)) for v in T]
              for u in I]  # fmt: skip
    for i in range(N):
        row = [scale * (cosine[i][j] - cosine[i][i]) for j in range(N)]
        column = [scale * (cosine[j][i] - cosine[i][i]) for j in range(N)]
        total += np.logaddexp.reduce(row) + np.logaddexp.reduce(column)
    return total / (2 * N)


@exercise.also_right
def in_python_loops(I, T, scale):
    images = [[a / math.hypot(*u) for a in u] for u in I.tolist()]
    texts = [[b / math.hypot(*v) for b in v] for v in T.tolist()]
    S = [[scale * sum(a * b for a, b in zip(u, v, strict=True)) for v in texts] for u in images]
    losses = []
    for table in (S, [list(column) for column in zip(*S, strict=True)]):
        for i, row in enumerate(table):
            top = max(row)
            losses.append(top - row[i] + math.log(sum(math.exp(z - top) for z in row)))
    return sum(losses) / len(losses)


@exercise.also_right
def with_einsum(I, T, scale):
    S = scale * np.einsum("id,jd->ij", unit(I), unit(T))
    rows, columns = log_softmax(S, 1), log_softmax(S, 0)
    return np.array(-0.5 * (np.trace(rows) + np.trace(columns)) / len(S))


@exercise.also_right
def log_sum_minus_diagonal(I, T, scale):
    S = scale * (I @ T.T) / np.outer(np.linalg.norm(I, axis=1), np.linalg.norm(T, axis=1))
    return (np.logaddexp.reduce(S, 0) + np.logaddexp.reduce(S, 1) - 2 * S.diagonal()).sum() / (2 * len(S))


@exercise.wrong("""That is the image-to-text half alone. CLIP also asks which image fits each text: the softmax along
axis 0. Average both questions.""")
def image_to_text_only(I, T, scale):
    return -np.diag(log_softmax(scale * cosine_table(I, T), 1)).mean()


@exercise.wrong("""That is the text-to-image half alone. CLIP also asks which text fits each image: the softmax along
axis 1. Average both questions.""")
def text_to_image_only(I, T, scale):
    return -np.diag(log_softmax(scale * cosine_table(I, T), 0)).mean()


@exercise.wrong("""That is 2 times the right loss: you added the loss of the rows and the loss of the columns. CLIP
takes their average, so that it stays comparable with ln N.""")
def forgot_half(I, T, scale):
    return 2 * clip_loss(I, T, scale)


@exercise.wrong("""That is N times the right loss: you summed over the N pairs of the batch. Take the mean, so that a
batch of another size gives a loss of the same size.""")
def sum_not_mean(I, T, scale):
    return len(I) * clip_loss(I, T, scale)


@exercise.wrong("""You divided the cosines by the scale, which makes the batch look flat. A scale of 10 makes
differences 10 times larger: multiply.""")
def divide_by_scale(I, T, scale):
    return table_loss(cosine_table(I, T) / scale)


@exercise.wrong("""Your loss changes when an embedding gets longer. Divide each row of I and of T by its length, so that
all have length 1.""")
def not_normalised(I, T, scale):
    return table_loss(scale * I @ T.T)


@exercise.wrong("""Your images have length 1, your texts have not: a long text wins too often. Normalise the rows of T
as well.""")
def image_side_only_normalised(I, T, scale):
    return table_loss(scale * unit(I) @ T.T)


@exercise.wrong("""Your loss is too small by a factor of N. The table has N x N entries, but only N right answers, those
on the diagonal. Take the mean of those N.""")
def mean_over_n_squared(I, T, scale):
    return clip_loss(I, T, scale) / len(I)


@exercise.wrong("""You summed exp over the wrong answers only. The right one belongs in that sum too; without it p is no
probability, and the loss can fall below 0.""")
def positive_not_in_denominator(I, T, scale):
    S = scale * cosine_table(I, T)
    others = np.where(np.eye(len(S), dtype=bool), -np.inf, S)
    return 0.5 * (np.logaddexp.reduce(others, 1) + np.logaddexp.reduce(others, 0) - 2 * S.diagonal()).mean()


@exercise.wrong("""No float can hold exp(1000), and so your quotient broke. Use the stable logarithm of the softmax from
4.2.""")
def unstable_exp(I, T, scale):
    e = np.exp(scale * cosine_table(I, T))
    return -0.5 * (np.log(np.diag(e / e.sum(1, keepdims=True))) + np.log(np.diag(e / e.sum(0)))).mean()


@exercise.wrong("""The sum of exp(1000) is infinite, and so is its logarithm. Subtract the maximum of each row first, as
in 4.2.""")
def unstable_log_sum(I, T, scale):
    S = scale * cosine_table(I, T)
    return 0.5 * (np.log(np.exp(S).sum(1)) + np.log(np.exp(S).sum(0)) - 2 * S.diagonal()).mean()


@exercise.wrong("""The chance of the right answer became 0 before you took its logarithm. Subtract logarithms instead of
dividing.""")
def log_of_zero(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * (np.log(np.diag(np.exp(log_softmax(S, 1)))) + np.log(np.diag(np.exp(log_softmax(S, 0))))).mean()


@exercise.wrong("The size is right, the sign is not: ln p is never above 0, so a loss needs a minus sign.")
def sign(I, T, scale):
    return -clip_loss(I, T, scale)


@exercise.wrong("""Your loss is 1.4427 times the right one: you took logarithms to base 2. Losses here are in nats, with
the natural logarithm.""")
def log2(I, T, scale):
    return clip_loss(I, T, scale) / np.log(2)


@exercise.wrong("""You made one softmax of the whole table. Each image asks a question of its own: probabilities sum to
1 in every row, and then in every column.""")
def one_softmax_for_all(I, T, scale):
    S = scale * cosine_table(I, T)
    return np.logaddexp.reduce(S, axis=None) - S.diagonal().mean()


@exercise.wrong("""You averaged probabilities first and took one logarithm at the end. Take -ln p for every question,
then the mean.""")
def log_of_mean(I, T, scale):
    S = scale * cosine_table(I, T)
    return -0.5 * sum(np.log(np.diag(np.exp(log_softmax(S, axis))).mean()) for axis in (0, 1))


@exercise.wrong("""You applied exp to the scale. In this exercise `scale` is the scale itself, 10 means 10; the
logarithm appears only in 4.1 and 4.5.""")
def scale_is_log(I, T, scale):
    return table_loss(np.exp(scale) * cosine_table(I, T))


@exercise.wrong("""You left the scale out, so the softmax sees cosines between -1 and 1 only. Multiply them by the scale
first.""")
def forgot_scale(I, T, scale):
    return table_loss(cosine_table(I, T))


@untidy_softmaxes(exercise, log=True)
def with_log_softmax(log_softmax):
    def clip_loss(I, T, scale):
        S = scale * cosine_table(I, T)
        return -0.5 * (np.diag(log_softmax(S, 1)).mean() + np.diag(log_softmax(S, 0)).mean())

    return clip_loss


exercise.case("3 pairs in 5 dimensions, scale 10", np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
              np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2]]), 10.0)  # fmt: skip
exercise.case("2 pairs in 3 dimensions, scale 0.5", np.array([[0.1, -0.2, 0.05], [30.0, 10, -20]]),
              np.array([[1.0, 1, 4], [0.02, 0.03, -0.01]]), 0.5)  # fmt: skip
exercise.case("1 pair", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 7.0)
exercise.case("2 pairs at scale 1000, swapped", np.array([[2.0, 0.0], [0.0, 0.5]]),
              np.array([[0.0, 3.0], [5.0, 0.0]]), 1000.0)  # fmt: skip
exercise.case("2 pairs at scale 1000, cosine exactly 1", np.array([[2.0, 0.0, 0.0], [0.0, 0.5, 0.0]]),
              np.array([[7.0, 0.0, 0.0], [0.0, 3.0, 0.0]]), 1000.0)  # fmt: skip
exercise.case("3 pairs, text 0 twice", np.array([[1.0, 0.2], [0.3, -2.0], [4.0, 4.0]]),
              np.array([[1.0, 1.0], [1.0, 1.0], [0.0, -3.0]]), 3.0)  # fmt: skip
exercise.case("3 pairs at scale 1000, rows far apart", np.array([[2.0, 2, -2], [0, 2, 1], [0, 2, 2]]),
              np.array([[-2.0, -2, -2], [-1, -2, -2], [-1, 1, 0]]), 1000.0)  # fmt: skip
exercise.case("3 pairs at scale 800, all rows wide", np.array([[1.0, 0, -2], [0, -2, -2], [0, 1, -1]]),
              np.array([[1.0, 2, -1], [1, 0, 2], [2, 1, 1]]), 800.0)  # fmt: skip
