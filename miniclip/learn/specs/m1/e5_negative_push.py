"""How hard does the loss push each text?

An image has the cosines c[0] ... c[k-1] with k texts, and text `pos` is the right one. The probabilities p are the
softmax of scale times c, and the loss is -ln p[pos]. Return the slope of the loss in each of the k cosines: how fast
the loss grows when this cosine grows. For a wrong text it is scale * p[j]. For the right text it is
scale * (p[pos] - 1), which is never above zero: its cosine should rise.

Look at your result for the cosines [0.96, 0.6, -0.96]: is it the opposite text that is pushed away most? It must also
survive a scale of 1000, where exp overflows unless you subtract the largest score first.

Graded: scales 1, 14.3 and 1000, a right text that is not the best, a single text.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import softmax, untidy_softmaxes

exercise = Exercise(
    "1.5", "Who is pushed, and how hard?", points=4, level=2, minutes=20, needs=("0.1", "1.4"),
    use="`info_nce_backward` in nn/losses.py pushes every text of a batch so, and it explains why hard negatives "
        "teach the most.",
    hints=(
        "The loss only sees probabilities. A text with hardly any probability cannot lower the loss by moving, so it "
        "is hardly pushed. The close wrong texts take the probability away.",
        "Compute the softmax of scale times cosine, stable, then subtract 1 in one place. The chain rule brings the "
        "scale in a second time, as a factor.",
        "Cosines [0.5, 0.5], right text 0, scale 10. Both probabilities are 0.5. The slopes are 10 times [0.5 - 1, "
        "0.5] = [-5, 5]: pull the first, push the second.",
    ),
)  # fmt: skip


@exercise.solution
def negative_push(cos, pos, scale):
    """The slope of the loss in each cosine.

    cos (k,): the cosines of one image with k texts; pos: the position of the right text; scale: a number -> (k,)
    """
    z = scale * cos
    p = np.exp(z - z.max())
    p = p / p.sum()
    p[pos] -= 1
    return scale * p


@exercise.oracle
def by_a_complex_step(cos, pos, scale):
    """A tiny imaginary step h: the imaginary part of the loss, over h, is the slope without rounding errors."""
    h, slopes = 1e-30, []
    for j in range(len(cos)):
        moved = cos.astype(complex)
        moved[j] += 1j * h
        loss = np.log(sum(np.exp(scale * (c - cos.max())) for c in moved)) - scale * (moved[pos] - cos.max())
        slopes.append(loss.imag / h)
    return np.array(slopes)


@exercise.also_right
def with_loops(cos, pos, scale):
    e = [np.exp(scale * (c - max(cos))) for c in cos]
    return [scale * (e[j] / sum(e) - (j == pos)) for j in range(len(cos))]


@exercise.also_right
def with_logsumexp(cos, pos, scale):
    p = np.exp(scale * cos - np.logaddexp.reduce(scale * cos))
    return scale * (p - np.eye(len(cos))[pos])


@exercise.also_right
def with_the_jacobian(cos, pos, scale):
    """Row i holds the slopes of ln p[i] in the scores."""
    p = np.exp(scale * (cos - cos.max()))
    jacobian = np.eye(len(cos)) - np.broadcast_to(p / p.sum(), (len(cos), len(cos)))
    return -scale * np.einsum("ij,i->j", jacobian, (np.arange(len(cos)) == pos).astype(float))


def onehot(cos, pos):
    return np.eye(len(cos))[pos]


@exercise.wrong("""You took the cosines themselves, with a minus. What pushes is the probability after the softmax, and
it falls off much faster.""")
def push_is_minus_cosine(cos, pos, scale):
    return -cos


@exercise.wrong("""Your wrong texts share the push in equal parts. Each is pushed by its own probability: the one
closest to the image gets nearly all.""")
def uniform(cos, pos, scale):
    p = softmax(scale * cos)[pos]
    push = np.full(len(cos), (1 - p) / max(len(cos) - 1, 1))
    push[pos] = p - 1
    return scale * push


@exercise.wrong("""Your softmax favours the smallest cosine. The text at -0.96 is far away already and gets next to
nothing: leave out the minus in front of the cosines.""")
def opposite_pushed_most(cos, pos, scale):
    return scale * (softmax(-scale * cos) - onehot(cos, pos))


@exercise.wrong("All your slopes are positive, so even the right text is pushed away. Subtract 1 from its probability.")
def no_minus_one(cos, pos, scale):
    return scale * softmax(scale * cos)


@exercise.wrong("You took 1 off every probability. Only the right text is pulled: subtract it at position `pos`.")
def minus_one_everywhere(cos, pos, scale):
    return scale * (softmax(scale * cos) - 1)


@exercise.wrong("""Your softmax sees the bare cosines, which are almost equal. The scale acts twice: on the scores
inside, and as a factor outside. At scale 1 you cannot see this.""")
def scale_not_in_softmax(cos, pos, scale):
    return scale * (softmax(cos) - onehot(cos, pos))


@exercise.wrong("""This is the slope in the scores. A score is scale times cosine, so the chain rule brings a second
factor. At scale 1 you cannot see this.""")
def slope_in_the_scores(cos, pos, scale):
    return softmax(scale * cos) - onehot(cos, pos)


@exercise.wrong("You divide by the scale at the end. A score moves by the scale when a cosine moves by 1, so multiply.")
def divides_by_scale(cos, pos, scale):
    return (softmax(scale * cos) - onehot(cos, pos)) / scale


@exercise.wrong("""Your sign is turned: you return the step that lowers the loss. The loss falls when the right cosine
rises, so its slope is below 0.""")
def sign(cos, pos, scale):
    return scale * (onehot(cos, pos) - softmax(scale * cos))


@exercise.wrong("""You subtracted 1 at the largest cosine. The right text is the one at `pos`, even when the model likes
another one better.""")
def best_taken_for_right(cos, pos, scale):
    return scale * (softmax(scale * cos) - onehot(cos, cos.argmax()))


@exercise.wrong("""The exponential of a score as large as 1000 overflows. Subtract the largest score before exp: the
softmax stays the same.""")
def unstable(cos, pos, scale):
    e = np.exp(scale * cos)
    return scale * (e / e.sum() - onehot(cos, pos))


@exercise.wrong("""Only the right text moves in your answer. The wrong ones share in the softmax: each is pushed with
scale times its probability, and all slopes add up to 0.""")
def positive_only(cos, pos, scale):
    return scale * (softmax(scale * cos)[pos] - 1) * onehot(cos, pos)


@exercise.wrong("""These are the probabilities. Two things are missing: minus 1 at the right text, and the scale as a
factor.""")
def probabilities(cos, pos, scale):
    return softmax(scale * cos)


@exercise.wrong("""You left the right text out of the softmax sum. It takes its share of the probability: sum over all
texts, so that the slopes add up to 0.""")
def positive_not_in_sum(cos, pos, scale):
    p = softmax(scale * cos)
    p = p / np.maximum(p.sum() - p[pos], 1e-300)
    p[pos] = -1
    return scale * p


@untidy_softmaxes(exercise, without=("shifted_by_table_maximum",))
def with_softmax(softmax):
    return lambda cos, pos, scale: scale * (softmax(scale * cos) - onehot(cos, pos))


exercise.case("cosines 0.96, 0.6, -0.96 at scale 1", np.array([0.96, 0.6, -0.96]), 0, 1.0)
exercise.case("cosines 0.96, 0.6, -0.96 at scale 14.3", np.array([0.96, 0.6, -0.96]), 0, 14.3)
exercise.case("5 texts, the right one is third best, scale 5", np.array([0.31, -0.2, 0.12, 0.25, 0.07]), 2, 5.0)
exercise.case("scale 1000 and a cosine of exactly 1", np.array([0.999, 1.0]), 0, 1000.0)
exercise.case("a tie of 2 texts, right text last, scale 3", np.array([0.4, -0.1, 0.4]), 2, 3.0)
exercise.case("1 text, scale 10", np.array([0.7]), 0, 10.0)
exercise.case("4 texts at scale 1000, the first far below", np.array([-0.25, 0.5, 0.25, 0.0]), 2, 1000.0)
exercise.case("4 texts at scale 1000, the right one far below", np.array([0.125, 0.25, -0.5, 0.0]), 2, 1000.0)
exercise.case("4 texts at scale 1000, one far above", np.array([0.5, -1.0, -1.0, -1.0]), 0, 1000.0)
