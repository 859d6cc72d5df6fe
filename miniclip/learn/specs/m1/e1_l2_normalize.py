"""Bring vectors to length 1.

Divide every vector by its length, the root of the sum of its squares. A vector lies along `axis`: with the default, the
last axis, every row of a matrix is one vector. The result has the shape of the input.

A vector of zeros has no direction; it must stay zero instead of turning into 0/0. So divide by the length or by `eps`,
whichever is larger. `eps` is only this lower limit: a vector that is longer than `eps` comes out with length exactly 1,
however short or long it was. Leave the caller's array as it is.

Graded: matrices and 3-D arrays, another axis, whole numbers, a zero row, very short and very long rows, another `eps`.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import lengths

exercise = Exercise(
    "1.1", "Vectors of length 1", points=3, level=1, minutes=10,
    use="`normalize_forward` in nn/ops.py does this to every embedding of both towers, so that only directions are "
        "compared.",
    hints=(
        "A cosine only cares about directions. Dividing a vector by its own length keeps the direction and makes the "
        "length 1. Each vector has its own length.",
        "Square, sum along the axis with `keepdims=True`, take the root. Then `np.maximum` sets the lower limit before "
        "you divide. Make a new array.",
        "Two rows: [[3, 4], [0, 0]]. The lengths are 5 and 0. The first row becomes [0.6, 0.8]. The second is divided "
        "by 1e-12 instead of 0 and stays [0, 0].",
    ),
)  # fmt: skip


@exercise.solution
def l2_normalize(x, axis=-1, eps=1e-12):
    """Vectors of length 1.

    x: an array of any shape, its vectors lie along `axis`; eps: the least number to divide by -> a new array like x
    """
    length = np.sqrt((x * x).sum(axis=axis, keepdims=True))
    return x / np.maximum(length, eps)


@exercise.oracle
def one_vector_at_a_time(x, axis=-1, eps=1e-12):
    rows = np.moveaxis(np.array(x, dtype=float), axis, -1)
    for place in np.ndindex(rows.shape[:-1]):
        length = sum(float(value) ** 2 for value in rows[place]) ** 0.5
        rows[place] = [value / (length if length > eps else eps) for value in rows[place]]
    return np.moveaxis(rows, -1, axis)


@exercise.also_right
def with_linalg_norm(x, axis=-1, eps=1e-12):
    length = np.expand_dims(np.linalg.norm(x, axis=axis), axis)
    return x / np.where(length < eps, eps, length)


@exercise.also_right
def with_hypot_as_list(x, axis=-1, eps=1e-12):
    length = np.hypot.reduce(np.abs(x), axis=axis, keepdims=True)
    return (x / np.clip(length, eps, None)).tolist()


@exercise.also_right
def with_einsum(x, axis=-1, eps=1e-12):
    rows = np.moveaxis(x, axis, -1)
    length = np.maximum(np.sqrt(np.einsum("...i,...i->...", rows, rows)), eps)
    return np.moveaxis(rows / length[..., None], -1, axis)


@exercise.wrong("""Axis 0 runs down the columns, so your columns have length 1. Each row is one vector: use the axis
that was asked for.""")
def wrong_axis(x, axis=-1, eps=1e-12):
    return x / np.maximum(lengths(x, 0), eps)


@exercise.wrong("""You always use the last axis, -1. The caller may say that the vectors lie along another one: pass
`axis` on.""")
def ignores_axis(x, axis=-1, eps=1e-12):
    return x / np.maximum(lengths(x, -1), eps)


@exercise.wrong("""You divided by the squared length: a row of length 13 came out with length 1/13. Take the root of the
sum first.""")
def squared_norm(x, axis=-1, eps=1e-12):
    return x / np.maximum(lengths(x, axis) ** 2, eps)


@exercise.wrong("In your rows the absolute values add up to 1. A length is another sum: the squares must add up to 1.")
def l1_norm(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.abs(x).sum(axis=axis, keepdims=True), eps)


@exercise.wrong("""You divided each row by its largest entry. The length takes all entries into account: it is the root
of the sum of squares.""")
def max_norm(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.abs(x).max(axis=axis, keepdims=True), eps)


@exercise.wrong("""You took the mean of the squares, not the sum. So a row of d numbers comes out with length root of d,
not 1.""")
def root_mean_square(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.sqrt(np.mean(x * x, axis=axis, keepdims=True)), eps)


@exercise.wrong("""You divided everything by one number, the size of the whole array. Each vector has its own length:
sum along one axis only.""")
def one_norm_for_all(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.sqrt(np.sum(x * x)), eps)


@exercise.wrong("""A row of zeros has length 0, and 0/0 is not a number. Divide by the length or by eps, whichever is
larger.""")
def nan_on_zero(x, axis=-1, eps=1e-12):
    return x / lengths(x, axis)


@exercise.wrong("""You guard against a length of exactly 0 only. Replace every length below eps by eps: take the larger
of both.""")
def guards_zero_only(x, axis=-1, eps=1e-12):
    return x / np.where(lengths(x, axis) == 0, 1, lengths(x, axis))


@exercise.wrong("""Short rows come out too short, because a number such as 1e-6 was added to their length. Use `eps` as
given, and as a lower limit.""")
def big_eps(x, axis=-1, eps=1e-12):
    return x / (lengths(x, axis) + 1e-6)


@exercise.wrong("""You added eps to every length. A row that is longer than eps must end with length exactly 1: take the
larger of both.""")
def adds_eps(x, axis=-1, eps=1e-12):
    return x / (lengths(x, axis) + eps)


@exercise.wrong("""Under the root, an eps of 1e-12 acts like a length of 1e-6 and shrinks short rows. Take the root
first, then compare it with eps.""")
def eps_under_the_root(x, axis=-1, eps=1e-12):
    return x / np.sqrt((x * x).sum(axis=axis, keepdims=True) + eps)


@exercise.wrong("You ignore the caller's eps and always use 1e-12. The limit is an argument of the function: use it.")
def ignores_eps(x, axis=-1, eps=1e-12):
    return x / np.maximum(lengths(x, axis), 1e-12)


@exercise.wrong("""The values look right, but you wrote the result into x, and x belongs to the caller. Return a new
array instead.""")
def mutates_input(x, axis=-1, eps=1e-12):
    x /= np.maximum(lengths(x, axis), eps)
    return x


@exercise.wrong("""You returned the lengths themselves. The result has the shape of x: divide the vectors by their
lengths.""")
def returns_lengths(x, axis=-1, eps=1e-12):
    return np.linalg.norm(x, axis=axis)


@exercise.wrong("""NumPy could not divide x by its lengths. The sum dropped an axis, so the shapes do not line up. Keep
it as an axis of size 1.""")
def no_keepdims(x, axis=-1, eps=1e-12):
    return x / np.maximum(np.linalg.norm(x, axis=axis), eps)


exercise.case("2 rows of lengths 13 and 0.3", np.array([[3.0, -4.0, 12.0], [0.1, 0.2, -0.2]]))
exercise.case("a 3-D array of shape (2, 3, 5)", np.array([
    [[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]],
    [[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [40, 4, -10, 0, 2]],
]))  # fmt: skip
exercise.case("a 3-D array along axis 1", np.array([
    [[1.0, -2], [3, 5], [0.5, 7]], [[20, 4], [-1, 30], [6, 0.1]], [[2, 2], [9, -8], [0, 3]],
    [[0.3, 0.2], [0.1, 0.4], [-0.6, 0.5]], [[5, 11], [13, -3], [1, 1]],
]), 1)  # fmt: skip
exercise.case("whole numbers, 3 rows", np.array([[2, -3, 6, 0, 0], [1, 1, 1, 1, 0], [0, 0, -5, 0, 12]]))
exercise.case("row 1 of 3 is all zeros", np.array([[2.0, 1.0], [0.0, 0.0], [-1.0, 5.0]]))
exercise.case("lengths 5e-9, 5e12 and 5e-13",
              np.array([[3e-9, 4e-9], [-3e12, 4e12], [-4e-13, 3e-13]]))  # fmt: skip
exercise.case("eps = 0.5 and rows of lengths 0.3 and 3", np.array([[0.1, -0.2, 0.2], [2.0, 1.0, -2.0]]), -1, 0.5)
exercise.case("one vector of 2 numbers", np.array([-6.0, 8.0]))
