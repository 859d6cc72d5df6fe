"""Compare every row of A with every row of B.

The cosine of two vectors is their dot product divided by both lengths. It is 1 for the same direction, 0 for a right
angle and -1 for opposite directions, whatever the lengths.

A holds n vectors, one a row, and B holds m vectors of the same size d. Return the table of shape (n, m) whose entry in
row i and column j is the cosine of row i of A and row j of B. No row is all zeros.

Graded: n different from m, lengths from 0.1 to 10 in one matrix, opposite vectors, one row on either side, and the
picture of a cat, [0.6, 0.8], with the captions [0.5, 0.866] (a cat) and [0.8, -0.6] (a car).
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, unit

exercise = Exercise(
    "1.2", "A table of cosines", points=3, level=1, minutes=10, needs=("1.1",),
    use="`logits_forward` in nn/losses.py makes this table for every batch, and the loss of CLIP is read from nothing "
        "else.",
    hints=(
        "If all vectors had length 1, a cosine would be a plain dot product. So bring all rows to length 1 first, "
        "those of A and those of B.",
        "Matrix multiplication takes rows with columns. You want rows with rows, so one of both must be transposed. "
        "Look at the shape: (n, d) with (d, m).",
        "A = [[3, 4]] and B = [[0, 2], [5, 0]]. The dot products are 8 and 15. The lengths are 5, then 2 and 5. The "
        "table is [[8/10, 15/25]] = [[0.8, 0.6]], of shape (1, 2).",
    ),
)  # fmt: skip


@exercise.solution
def cosine_matrix(A, B):
    """The cosines of all rows of A with all rows of B.

    A (n, d), B (m, d): one vector a row, of any length but zero -> (n, m)
    """
    A = A / np.linalg.norm(A, axis=1, keepdims=True)
    B = B / np.linalg.norm(B, axis=1, keepdims=True)
    return A @ B.T


@exercise.oracle
def by_the_law_of_cosines(A, B):
    table = np.zeros((len(A), len(B)))
    for i, a in enumerate(A):
        for j, b in enumerate(B):
            aa, bb, cc = (sum(x * x for x in v) for v in (a, b, a - b))
            table[i, j] = (aa + bb - cc) / (2 * (aa * bb) ** 0.5)
    return table


@exercise.also_right
def with_loops(A, B):
    return [[sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5 for b in B] for a in A]


@exercise.also_right
def with_einsum(A, B):
    lengths = np.outer(np.linalg.norm(A, axis=1), np.linalg.norm(B, axis=1))
    return np.einsum("id,jd->ij", A, B) / lengths


@exercise.also_right
def with_broadcasting(A, B):
    return (unit(A)[:, None] * unit(B)[None]).sum(axis=2)


@exercise.wrong("""These are dot products, and some lie outside -1 to 1: long vectors win by their length. Divide by
both lengths.""")
def dot_only(A, B):
    return A @ B.T


@exercise.wrong("""The rows of your table follow B and its columns follow A. Turn it round: rows follow A, columns
follow B.""")
def transposed(A, B):
    return cosine_table(B, A)


@exercise.wrong("""You divided by the size of a whole matrix. Each row is a vector with its own length: norm along axis
1.""")
def global_norm(A, B):
    return A @ B.T / (np.linalg.norm(A) * np.linalg.norm(B))


@exercise.wrong("You return 1 minus the cosine, a distance. A similarity is largest, 1, for the same direction.")
def distance(A, B):
    return 1 - cosine_table(A, B)


@exercise.wrong("""Row i of A met only row i of B. Every row of A must meet every row of B: that makes a table of n rows
and m columns. Multiply matrices instead of entries.""")
def rowwise_only(A, B):
    return (unit(A) * unit(B)).sum(axis=1)


@exercise.wrong("""The rows of A have length 1, but those of B keep their lengths, so a long row of B gets large values.
Normalise both.""")
def only_a_normalised(A, B):
    return unit(A) @ B.T


@exercise.wrong("The rows of B have length 1, but those of A keep their lengths. Normalise both sides.")
def only_b_normalised(A, B):
    return A @ unit(B).T


@exercise.wrong("""Your norm runs down axis 0, over the same feature of all vectors. A vector is a row: sum its squares
along axis 1.""")
def columns_normalised(A, B):
    return (A / np.linalg.norm(A, axis=0)) @ (B / np.linalg.norm(B, axis=0)).T


@exercise.wrong("""You divided by squared lengths. A vector of length 10 was divided by 100: take the root of the sum of
squares.""")
def squared_lengths(A, B):
    return A @ B.T / np.outer((A * A).sum(axis=1), (B * B).sum(axis=1))


@exercise.wrong("You divided by sums of absolute values. The length of [3, 4] is 5, not 7: square, sum, root.")
def l1_lengths(A, B):
    return A @ B.T / np.outer(np.abs(A).sum(axis=1), np.abs(B).sum(axis=1))


@exercise.wrong("""The minus signs are gone. A cosine of -1 means opposite, and that is not the same as equal: leave out
the absolute value.""")
def absolute(A, B):
    return np.abs(cosine_table(A, B))


@exercise.wrong("""You cut off everything below 0. A negative cosine says that two vectors point away from each other;
keep it.""")
def cut_at_zero(A, B):
    return np.maximum(cosine_table(A, B), 0)


@exercise.wrong("""That is the angle in radians, 0 for the same direction. The task asks for the cosine itself: leave
out `arccos`.""")
def angle(A, B):
    return np.arccos(np.clip(cosine_table(A, B), -1, 1))


@exercise.wrong("You multiplied the entries of each pair, but did not add them up. Sum over the last axis, axis 2.")
def no_sum(A, B):
    return unit(A)[:, None] * unit(B)[None]


exercise.case("3 rows with 2 rows in 5 dimensions", np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
              np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, -2, 3, 0]]))  # fmt: skip
exercise.case("the cat: 1 image and 2 captions", np.array([[0.6, 0.8]]), np.array([[0.5, 0.866], [0.8, -0.6]]))
exercise.case("lengths 10 and 0.1", np.array([[6.0, 0.0, -8.0], [0.06, 0.08, 0.0]]),
              np.array([[0, 0.1, 0], [2, -10, 11], [-3, 0, 4], [9, 12, 0], [1, 1, 1]]))  # fmt: skip
exercise.case("5 rows with 1 row", np.array([[1.0, 2.0], [-2.0, 1.0], [3.0, 0.5], [-4.0, -8.0], [0.1, 0.0]]),
              np.array([[2.0, 4.0]]))  # fmt: skip
