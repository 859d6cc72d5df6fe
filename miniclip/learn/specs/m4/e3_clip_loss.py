"""Write the loss that CLIP is trained with.

A batch has N images and N texts, and text i belongs to image i. Bring every row to length 1, multiply all cosines by
`scale`, and ask two questions of the N x N table: which text belongs to this image (a softmax along each row), and which
image belongs to this text (a softmax along each column)? The loss of a question is the mean of -ln p(right answer). The
loss of CLIP is the mean of both. It must survive a scale of 1000: take the logarithm of the softmax in one stable step.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "4.3", "The loss of CLIP", points=5,
    hints=(
        "The table of cosines answers two questions: rows ask for the text of an image, columns for the image of a text. "
        "Both have the right answer on the diagonal.",
        "You need ln softmax along axis 1 and along axis 0, the diagonal of each, minus, the mean, and then the mean of "
        "the two. Subtract the maximum of a row before exp.",
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


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def log_softmax(z, axis=1):
    z = z - z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


@exercise.also_right
def with_lists(I, T, scale):
    return [[float(x)] for x in [clip_loss(I, T, scale)]][0][0]


@exercise.also_right
def in_float32(I, T, scale):
    return np.float32(clip_loss(I, T, scale))


@exercise.also_right
def with_einsum(I, T, scale):
    S = scale * np.einsum("id,jd->ij", unit(I), unit(T))
    rows, columns = log_softmax(S, 1), log_softmax(S, 0)
    return np.array(-0.5 * (np.trace(rows) + np.trace(columns)) / len(S))


@exercise.wrong("""Your value {got} is the image-to-text half alone, expected {expected}. CLIP also asks which image fits
each text: the softmax along axis 0. Average both questions.""")
def image_to_text_only(I, T, scale):
    return -np.diag(log_softmax(scale * unit(I) @ unit(T).T, 1)).mean()


@exercise.wrong("""You got {got}, exactly 2 times {expected}. You added the loss of the rows and the loss of the columns.
CLIP takes their average, so that it stays comparable with ln N.""")
def forgot_half(I, T, scale):
    return 2 * clip_loss(I, T, scale)


@exercise.wrong("""You got {got}, which is N times {expected}. You summed over the N pairs of the batch. Take the mean, so
that a batch of another size gives a loss of the same size.""")
def sum_not_mean(I, T, scale):
    return len(I) * clip_loss(I, T, scale)


exercise.case("3 pairs in 5 dimensions, scale 10", np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
              np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2]]), 10.0)  # fmt: skip
exercise.case("1 pair", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 7.0)
exercise.case("2 pairs at scale 1000, cosine exactly 1", np.array([[2.0, 0.0], [0.0, 0.5]]),
              np.array([[0.0, 3.0], [5.0, 0.0]]), 1000.0)  # fmt: skip
