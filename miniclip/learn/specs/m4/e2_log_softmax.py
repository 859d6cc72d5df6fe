"""Write the logarithm of the softmax, so that no number breaks it.

The softmax of z along an axis is exp(z) divided by the sum of exp(z) along that axis; we want its natural logarithm, in
the same shape as z. Logits of CLIP reach 100 and more, and exp(1000) is infinite, so do it in one stable step: shift z
by its maximum along the axis, then subtract the logarithm of the sum of the exponentials. Graded: any axis (the last
one unless told), logits of 1000 and -1000, rows far apart, and an input that stays as it was.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import untidy_softmaxes

exercise = Exercise(
    "4.2", "A softmax in logarithms", points=3, level=2, minutes=15, needs=("1.5",),
    use="`log_softmax_forward` in nn/ops.py keeps the loss finite at a scale of 100, where a plain softmax breaks.",
    hints=(
        "The logarithm of a quotient is a difference, and adding one number to all logits of a row changes nothing. "
        "Together they keep every exp at 1 or below.",
        "Look at where exp meets a large number, and where the logarithm meets a zero. Shift by the maximum of each "
        "row (keep the axis, so that shapes fit), and take the logarithm of the sum only, never of a quotient.",
        "z = [1000, 1000]: shifted it is [0, 0], the sum of exp is 2, ln 2 = 0.6931, so both answers are -0.6931. z = "
        "[0, -1000]: the sum is 1 + 0, its logarithm is 0, so the answers are 0 and -1000.",
    ),
)  # fmt: skip


@exercise.solution
def log_softmax(z, axis=-1):
    """ln softmax(z) along `axis`, for logits of any size.

    z: an array with any number of axes -> an array of the same shape
    """
    shifted = z - z.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


@exercise.oracle
def one_by_one(z, axis=-1):
    lines = np.moveaxis(z, axis, -1)
    out = np.empty(lines.shape)
    for i in np.ndindex(lines.shape):
        out[i] = -np.logaddexp.reduce([other - lines[i] for other in lines[i[:-1]]])
    return np.moveaxis(out, -1, axis)


@exercise.also_right
def with_logaddexp(z, axis=-1):
    return z - np.expand_dims(np.logaddexp.reduce(z, axis=axis), axis)


@exercise.also_right
def along_axis(z, axis=-1):
    def line(v):
        top = max(v)
        return [x - top - np.log(sum(np.exp(y - top) for y in v)) for x in v]

    return np.apply_along_axis(line, axis, z)


@exercise.also_right
def transposing_to_lists(z, axis=-1):
    lines = np.moveaxis(z, axis, 0)
    lines = lines - lines.max(0)
    return np.moveaxis(lines - np.log(np.exp(lines).sum(0)), 0, axis).tolist()


@exercise.wrong("No float can hold exp(1000). Subtract the maximum of each row before you take exp.")
def unstable(z, axis=-1):
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


@exercise.wrong("""Here exp(1000) overflows, and infinity over infinity is NaN. Shift each row by its maximum, and
subtract logarithms.""")
def unstable_quotient(z, axis=-1):
    return np.log(np.exp(z) / np.exp(z).sum(axis=axis, keepdims=True))


@exercise.wrong("""A small probability became exactly 0, and its logarithm is lost. Do not divide first: subtract the
logarithm of the sum.""")
def underflow(z, axis=-1):
    e = np.exp(z - z.max(axis=axis, keepdims=True))
    return np.log(e / e.sum(axis=axis, keepdims=True))


@exercise.wrong("""One maximum for the whole array leaves some rows with exp = 0 everywhere. Give each row its own
maximum.""")
def global_max_only(z, axis=-1):
    z = z - z.max()
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


@exercise.wrong("""Your columns sum to 1 after exp. Work along the axis that is asked for; if none is, that is the last,
not axis 0.""")
def axis0(z, axis=-1):
    return log_softmax(z, 0)


@exercise.wrong("""You always work along the last axis. Pass the argument on to the maximum and to the sum: both need
axis 0 when it is asked for.""")
def ignores_axis(z, axis=-1):
    return log_softmax(z, -1)


@exercise.wrong("""You added 1e-8 inside the logarithm, which bends small probabilities: no result can fall below -18.4.
The stable form needs no such help.""")
def eps_in_log(z, axis=-1):
    return np.log(np.exp(log_softmax(z, axis)) + 1e-8)


@exercise.wrong("""These are probabilities, between 0 and 1. The task asks for their natural logarithms, which are never
positive.""")
def no_log(z, axis=-1):
    return np.exp(log_softmax(z, axis))


@exercise.wrong("Your values are 1.4427 times the right ones: they are logarithms to base 2. Losses here are in nats.")
def log2(z, axis=-1):
    return log_softmax(z, axis) / np.log(2)


@exercise.wrong("""Your values are minus the logarithm. A probability is at most 1, so its logarithm is at most 0; the
minus sign belongs to the loss.""")
def sign(z, axis=-1):
    return -log_softmax(z, axis)


@exercise.wrong("""You shifted z inside the sum only, so the maximum is missing on one side. Use the shifted z in both
places.""")
def shifts_the_sum_only(z, axis=-1):
    return z - np.log(np.exp(z - z.max(axis=axis, keepdims=True)).sum(axis=axis, keepdims=True))


@exercise.wrong("All entries together sum to 1 after exp. Each row is a question of its own: sum along one axis.")
def one_sum_for_all(z, axis=-1):
    return z - np.logaddexp.reduce(z, axis=None)


@exercise.wrong("Without its axis, the maximum of the rows does not line up with them. Keep the axis with length 1.")
def no_keepdims(z, axis=-1):
    z = z - z.max(axis=axis)
    return z - np.log(np.exp(z).sum(axis=axis))


@exercise.wrong("""The values are right, but you shifted z in place: in the caller's array the largest entry of each row
is now 0. Make a new array.""")
def mutates_input(z, axis=-1):
    z -= z.max(axis=axis, keepdims=True)
    return z - np.log(np.exp(z).sum(axis=axis, keepdims=True))


@untidy_softmaxes(exercise, log=True, without=("shifted_by_table_maximum",))
def itself(log_softmax):
    return log_softmax


exercise.case("2 rows of 3", np.array([[1.0, -0.5, 2.0], [0.3, 0.0, -4.0]]))
exercise.case("2 rows of 3, along axis 0", np.array([[1.0, -0.5, 2.0], [0.3, 0.7, -4.0]]), 0)
exercise.case("shape (2, 3, 5), along axis 1", np.array([
    [[0.1, 2, -3, 0, 5], [1, 1, 4, -2, 0.5], [0, -7, 2, 3, 1]],
    [[11, 2, 3, 5, 7], [0, 0.5, 1, -1, -2], [6, 6, 6, -6, 0]]]), 1)  # fmt: skip
exercise.case("logits 1000, 0 and -1000", np.array([1000.0, 0.0, -1000.0]))
exercise.case("row 0 near 1000, row 1 near -1000", np.array([[1000.0, 1001, 998], [-1000, -1003, -999]]))
exercise.case("probability exp(-30)", np.array([[0.0, -30.0]]))
exercise.case("2 equal logits of 1000", np.array([1000.0, 1000.0]))
exercise.case("1 logit alone", np.array([[7.0]]))
exercise.case("3 logits, the first far below", np.array([-400.0, 400, 350]))
exercise.needs_float64("shape (2, 3, 5), along axis 1", "-0.001 is a small difference of large numbers")
