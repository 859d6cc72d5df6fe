"""Write CLIP's loss for a batch too large for its N x N table of logits.

Work on `chunk` rows of the table at a time, so that only chunk x N logits are in memory at once, and give exactly the
value of the whole batch: every image still competes against all N texts, and every text against all N images.

As before: rows of I and T are brought to length 1, logits are scale times cosines, pair i is row i of both, and the
loss is the mean of the row half and the column half, each the mean of -ln p(right answer).

A block of rows holds whole rows, so the row half is easy. A column is spread over all blocks: carry a running
log-sum-exp for each column. Graded with a chunk that does not divide N, a chunk of 1, a chunk larger than N, and a
scale of 1000 with cosines of exactly 1; and with 160 pairs in chunks of 4, where your memory is measured: the whole
table would need 200 KB, and 150 KB are allowed.
"""

import math

import numpy as np

from miniclip.learn.spec import Drawn, Exercise
from miniclip.learn.specs.helpers import cosine_table, log_softmax, table_loss, unit, untidy_softmaxes

exercise = Exercise(
    "5.3", "The loss of a batch that does not fit", points=4, level=3, minutes=35, needs=("4.3",),
    use="nn/chunked.py trains with batches whose table of logits would not fit into memory: 32,768 pairs would need 4 "
        "GiB.",
    hints=(
        "For one pair, -ln p is the log-sum-exp of its row (or column) minus its own logit. So you need N row "
        "sums, N column sums, and the diagonal. None of them needs the whole table at one time.",
        "Loop over blocks of images, always against all texts. np.logaddexp merges two log-sum-exps without "
        "overflow; start each column at minus infinity. The right answer of local row i sits in column first + i. "
        "Divide by 2N at the very end.",
        "N = 3, chunk = 2: the first block is 2 x 3 with answers in columns 0 and 1, the second is 1 x 3 with its "
        "answer in column 2. A column with logits 1, 2 | 0 has ln(e + e^2) = 2.3133, then ln(e^2.3133 + 1) = "
        "2.4076.",
    ),
)  # fmt: skip


@exercise.solution
def chunked_clip_loss(I, T, scale, chunk):
    """The symmetric loss of the whole batch, with chunk x N logits in memory.

    I (N, d), T (N, d): one embedding a row, of any length; scale: a number; chunk: rows at a time -> a number, in nats
    """
    N = len(I)
    I = I / np.linalg.norm(I, axis=1, keepdims=True)
    T = T / np.linalg.norm(T, axis=1, keepdims=True)
    columns, loss = np.full(N, -np.inf), 0.0
    for first in range(0, N, chunk):
        S = scale * (I[first : first + chunk] @ T.T)
        own = S[np.arange(len(S)), first + np.arange(len(S))]
        loss += np.logaddexp.reduce(S, axis=1).sum() - 2 * own.sum()
        columns = np.logaddexp(columns, np.logaddexp.reduce(S, axis=0))
    return (loss + columns.sum()) / (2 * N)


@exercise.oracle
def by_hand(I, T, scale, chunk):
    N = len(I)

    def cosine(u, v):
        return sum(a * b for a, b in zip(u, v, strict=True)) / (math.hypot(*u) * math.hypot(*v))

    def surprise(logits, right):
        return math.log(sum(math.exp(z - max(logits)) for z in logits)) + max(logits) - logits[right]

    rows = [surprise([scale * cosine(u, v) for v in T], i) for i, u in enumerate(I)]
    columns = [surprise([scale * cosine(u, v) for u in I], j) for j, v in enumerate(T)]
    return (sum(rows) + sum(columns)) / (2 * N)


def surprise(S, labels):
    """-ln softmax of each row at its label."""
    return -log_softmax(S)[np.arange(len(S)), labels]


def blocks(N, chunk):
    return [np.arange(N)[first : first + chunk] for first in range(0, N, chunk)]


@exercise.also_right
def two_passes(I, T, scale, chunk):
    I, T, parts = unit(I), unit(T), blocks(len(I), chunk)
    images = [surprise(scale * I[part] @ T.T, part) for part in parts]
    texts = [surprise(scale * T[part] @ I.T, part) for part in parts]
    return np.concatenate(images + texts).mean()


@exercise.also_right
def with_a_running_maximum(I, T, scale, chunk):
    I, T = unit(I), unit(T)
    top, total, loss = np.full(len(I), -1e30), np.zeros(len(I)), []
    for part in blocks(len(I), chunk):
        S = scale * np.einsum("id,jd->ij", I[part], T)
        loss.extend(surprise(S, part) - S[np.arange(len(S)), part])
        higher = np.maximum(top, S.max(axis=0))
        total = total * np.exp(top - higher) + np.exp(S - higher).sum(axis=0)
        top = higher
    return np.array(0.5 * (np.mean(loss) + np.mean(top + np.log(total))))


@exercise.also_right
def row_after_row(I, T, scale, chunk):
    I, T, columns, loss = unit(I).tolist(), unit(T).tolist(), [-math.inf] * len(I), 0.0
    for i, u in enumerate(I):
        row = [scale * sum(a * b for a, b in zip(u, v, strict=True)) for v in T]
        loss += np.logaddexp.reduce(row) - 2 * row[i]
        columns = [np.logaddexp(c, z) for c, z in zip(columns, row, strict=True)]
    return float(loss + sum(columns)) / len(I) / 2


def losses_of_chunks(I, T, scale, chunk):
    return [table_loss(scale * cosine_table(I[part], T[part])) for part in blocks(len(I), chunk)]


@exercise.wrong("""You treated each chunk as a batch of its own, with only chunk - 1 negatives for each image. That is
an easier game. Compare every block with all N texts.""")
def mean_of_chunk_losses(I, T, scale, chunk):
    return np.mean(losses_of_chunks(I, T, scale, chunk))


@exercise.wrong("""You added up the losses of small batches, each with chunk - 1 negatives. Compare every block with all
N texts, and average over the N pairs.""")
def sum_of_chunk_losses(I, T, scale, chunk):
    return np.sum(losses_of_chunks(I, T, scale, chunk))


@exercise.wrong("""In every block you took the answers from columns 0, 1, 2 and so on. The second block starts further
down: shift its columns by the number of rows before it.""")
def label_not_offset(I, T, scale, chunk):
    S = scale * cosine_table(I, T)
    local = np.concatenate([np.arange(len(part)) for part in blocks(len(I), chunk)])
    rows, columns = np.logaddexp.reduce(S, axis=1), np.logaddexp.reduce(S, axis=0)
    return 0.5 * (rows.mean() + columns.mean()) - S[np.arange(len(S)), local].mean()


@exercise.wrong("""You averaged the blocks, and a short last block counts as much as a full one. Sum over all pairs
first, then divide by N once.""")
def unweighted_last_chunk(I, T, scale, chunk):
    I, T, parts = unit(I), unit(T), blocks(len(I), chunk)
    halves = [
        surprise(scale * I[part] @ T.T, part).mean() + surprise(scale * T[part] @ I.T, part).mean() for part in parts
    ]
    return 0.5 * np.mean(halves)


@exercise.wrong("""That is the row half alone. Each text also chooses among all N images, along axis 0, and its column
is spread over the blocks: carry a running log-sum-exp.""")
def rows_only(I, T, scale, chunk):
    return surprise(scale * cosine_table(I, T), range(len(I))).mean()


@exercise.wrong("""Your rows see all N texts, but a column sees only the images of its own block. Merge the column sums
of all blocks before you take the loss.""")
def columns_within_chunk(I, T, scale, chunk):
    I, T, parts = unit(I), unit(T), blocks(len(I), chunk)
    rows = [surprise(scale * I[part] @ T.T, part) for part in parts]
    columns = [surprise(scale * T[part] @ I[part].T, range(len(part))) for part in parts]
    return np.concatenate(rows + columns).mean()


@exercise.wrong("""You used the rows as they came, so the long ones decide everything. Bring all of them to length 1
before the first block.""")
def no_normalize(I, T, scale, chunk):
    return table_loss(scale * I @ T.T)


@exercise.wrong("""A plain exp overflows for logits of 1000. Take the maximum out before exp, in the rows and in the
running sum of the columns.""")
def overflows(I, T, scale, chunk):
    S = scale * cosine_table(I, T)
    lse = np.log(np.exp(S).sum(axis=1)) + np.log(np.exp(S).sum(axis=0))
    return (0.5 * lse - np.diag(S)).mean()


@exercise.wrong("""You stop when no full chunk is left, so the last rows are never seen. Let the last block be shorter:
7 rows in blocks of 3 make 3 blocks.""")
def drops_last_chunk(I, T, scale, chunk):
    I, T, kept = unit(I), unit(T), len(I) // chunk * chunk
    S = scale * I[:kept] @ T.T
    rows = np.logaddexp.reduce(S, axis=1).sum() - 2 * np.diag(S).sum()
    return (rows + np.logaddexp.reduce(S, axis=0).sum()) / (2 * len(I))


@exercise.wrong("That is 2 times the right loss: you added both halves and never divided by 2. CLIP takes their mean.")
def forgot_half(I, T, scale, chunk):
    return 2 * chunked_clip_loss(I, T, scale, chunk)


@untidy_softmaxes(exercise, log=True)
def with_log_softmax(log_softmax):
    def chunked_clip_loss(I, T, scale, chunk):
        S = scale * cosine_table(I, T)
        return -0.5 * (np.diag(log_softmax(S, 1)).mean() + np.diag(log_softmax(S, 0)).mean())

    return chunked_clip_loss


@exercise.wrong("""The value is right, but all N x N logits were there at one time, and a large batch has no room for
them. Work on `chunk` rows at a time, and keep only their sums.""")
def full_table(I, T, scale, chunk):
    return table_loss(scale * cosine_table(I, T))


IMAGES = np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7], [0.2, 0.1, -0.3, 0.5, 0],
                   [2, -2, 1, 0, 1], [-3, 1, 1, 4, 2], [0.01, 0.02, 0, 0.05, -0.03]])  # fmt: skip
TEXTS = np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2], [1, 0, -1, 2, 0],
                  [30, -10, 20, 10, 0], [0, 1, 1, 1, 3], [-1, 2, 0.5, 1, 1]])  # fmt: skip

exercise.case("7 pairs in chunks of 3, scale 10", IMAGES, TEXTS, 10.0, 3)
exercise.case("7 pairs in chunks of 1, scale 2", IMAGES, TEXTS, 2.0, 1)
exercise.case("5 pairs in a chunk of 11, scale 14", IMAGES[:5], TEXTS[2:], 14.0, 11)
exercise.case("1 pair in a chunk of 1", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 7.0, 1)
exercise.case("3 pairs at scale 1000, chunks of 2", np.array([[2.0, 0], [0, 0.5], [-3, 0]]),
              np.array([[5.0, 0], [0, 3], [0, 0.25]]), 1000.0, 2)  # fmt: skip
exercise.case("3 pairs at scale 800, chunks of 2, rows far apart", np.array([[1.0, 1, 2], [-2, -2, 2], [-2, 0, -2]]),
              np.array([[-1.0, 0, 0], [0, -2, -2], [-2, -2, 1]]), 800.0, 2)  # fmt: skip
exercise.case("3 pairs at scale 1000, all rows wide", np.array([[0.0, -1, 0], [2, -2, 2], [2, -2, 1]]),
              np.array([[1.0, 1, 0], [-2, 1, 0], [-1, 2, 0]]), 1000.0, 1)  # fmt: skip
exercise.case("160 pairs in chunks of 4, scale 20", Drawn(3, (160, 3)), Drawn(5, (160, 3)), 20.0, 4, memory=150 * 2**10)
