"""Write CLIP's loss once more, in PyTorch, and let it find the gradients.

You get NumPy arrays I (N, d) and T (N, d), embeddings of any length, and a number log_scale. Turn all three into
float64 tensors that require gradients. Then the known recipe, all in torch: rows brought to length 1, logits
exp(log_scale) times the cosines, pair i on the diagonal, cross-entropy along the rows and along the columns, and the
mean of both. Call `backward` on the loss.

Return four tensors: (loss, gradient in I, gradient in T, gradient in log_scale). Import torch inside the function.
Graded in float64 against NumPy's value and slopes, with rows of very different lengths, a single pair, and a scale of
1000.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import UNTIDY

exercise = Exercise(
    "5.5", "The same loss in PyTorch", points=4, level=2, minutes=20, needs=("4.5",),
    use="torch/losses.py is the same loss for graphics cards, and autograd there must agree with the gradients "
        "written by hand.",
    hints=(
        "Torch writes down every operation on a tensor that requires gradients and walks back along that record. "
        "So everything between the inputs and the loss has to be torch.",
        "torch.tensor makes a leaf, if you ask it for a gradient and for float64. normalize, matrix products and "
        "cross_entropy, from torch.nn.functional, do the rest. cross_entropy takes logits and the number of the "
        "right column of each row, here 0 to N - 1. After backward, each leaf has a .grad.",
        "2 pairs at right angles with lengths of 1, log_scale = 0: the loss is 0.3133, and the gradient in "
        "log_scale is -0.2689. Make each row of I twice as long: the loss stays, and the gradient in I halves.",
    ),
)  # fmt: skip


@exercise.solution
def torch_clip_loss(I, T, log_scale):
    """The loss and its gradients, by autograd.

    I (N, d), T (N, d): arrays; log_scale: a number -> four float64 tensors: loss (), (N, d), (N, d), ()
    """
    import torch
    import torch.nn.functional as F

    I, T, log_scale = (torch.tensor(x, dtype=torch.float64, requires_grad=True) for x in (I, T, log_scale))
    logits = log_scale.exp() * F.normalize(I, dim=1) @ F.normalize(T, dim=1).T
    diagonal = torch.arange(len(logits))
    loss = (F.cross_entropy(logits, diagonal) + F.cross_entropy(logits.T, diagonal)) / 2
    loss.backward()
    return loss, I.grad, T.grad, log_scale.grad


@exercise.oracle
def with_complex_steps(I, T, log_scale):
    """f'(x) = Im f(x + ih) / h, for h so small that nothing is lost: derivatives without any calculus."""

    def loss(I, T, log_scale):
        I, T = (x / np.sqrt((x * x).sum(axis=1, keepdims=True)) for x in (I, T))
        S = np.exp(log_scale) * (I @ T.T)
        total = 0.0
        for i in range(len(S)):
            for line in (S[i], S[:, i]):
                top = line[np.argmax(line.real)]
                total = total + np.log(np.exp(line - top).sum()) + top - S[i, i]
        return total / (2 * len(S))

    inputs = [np.asarray(x, complex) for x in (I, T, log_scale)]
    slopes = [np.zeros(x.shape) for x in inputs]
    for which, x in enumerate(inputs):
        for place in np.ndindex(*x.shape):
            moved = [other.copy() for other in inputs]
            moved[which][place] += 1e-30j
            slopes[which][place] = loss(*moved).imag / 1e-30
    return (loss(*inputs).real, *slopes)


def leaves(*values):
    import torch

    return [torch.tensor(value, dtype=torch.float64, requires_grad=True) for value in values]


def unit(x):
    return x / x.norm(dim=1, keepdim=True)


def cross_entropy(logits):
    return -logits.log_softmax(dim=1).diagonal().mean()


def finish(loss, *inputs):
    """backward, then the loss and the gradients."""
    loss.backward()
    return (loss, *(x.grad for x in inputs))


@exercise.also_right
def with_log_softmax(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    loss = -0.5 * (S.log_softmax(0) + S.log_softmax(1)).diagonal().mean()
    return finish(loss, I, T, log_scale)


@exercise.also_right
def with_autograd_grad(I, T, log_scale):
    import torch

    inputs = leaves(I, T, log_scale)
    cosines = torch.einsum("id,jd->ij", unit(inputs[0]), unit(inputs[1]))
    S = cosines * inputs[2].exp()
    loss = ((S.logsumexp(0) + S.logsumexp(1)) / 2 - S.diagonal()).mean()
    return [loss.item(), *(slope.numpy() for slope in torch.autograd.grad(loss, inputs))]


@exercise.also_right
def pair_after_pair(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    loss = sum(S[i].logsumexp(0) + S[:, i].logsumexp(0) - 2 * S[i, i] for i in range(len(S))) / (2 * len(S))
    return [value.tolist() for value in map(np.asarray, (x.detach() for x in finish(loss, I, T, log_scale)))]


@exercise.wrong("""The loss is right, but the 3 gradients are None: no gradient reached I. You left torch for NumPy on
the way, and the record of operations ends there. Stay with tensors.""")
def numpy_inside(I, T, log_scale):
    import torch

    leaf_I, leaf_T, leaf_scale = leaves(I, T, log_scale)
    I, T = (x.detach().numpy() for x in (leaf_I, leaf_T))
    S = np.exp(log_scale) * (I / np.linalg.norm(I, axis=1)[:, None]) @ (T / np.linalg.norm(T, axis=1)[:, None]).T
    value = np.mean((np.logaddexp.reduce(S, 0) + np.logaddexp.reduce(S, 1)) / 2 - np.diag(S))
    loss = torch.tensor(value, requires_grad=True)
    return finish(loss, leaf_I, leaf_T, leaf_scale)


@exercise.wrong("""You applied softmax before cross_entropy, which takes its own softmax: now there are two. The loss
can then hardly move. Pass it the logits.""")
def cross_entropy_on_probs(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    return finish((cross_entropy(S.softmax(1)) + cross_entropy(S.T.softmax(1))) / 2, I, T, log_scale)


@exercise.wrong("""You returned one plain number. After `.item()` torch has nothing to walk back along. Keep the loss a
tensor, call backward on it, and return it with the 3 gradients.""")
def returns_item(I, T, log_scale):
    return torch_clip_loss(I, T, log_scale)[0].item()


@exercise.wrong("""Your numbers are those of the row half alone, where images choose texts. Add the same cross-entropy
for the transposed logits, axis 0, and take half of the sum.""")
def one_direction(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    return finish(cross_entropy(log_scale.exp() * unit(I) @ unit(T).T), I, T, log_scale)


@exercise.wrong("""Loss and gradients are exactly 2 times too large. You added the row half and the column half. CLIP
takes their mean.""")
def forgot_half(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    return finish(cross_entropy(S) + cross_entropy(S.T), I, T, log_scale)


@exercise.wrong("""The logits depend on how long the rows are. Bring each row of I and T to length 1 first, along dim 1,
so that the products are cosines.""")
def no_normalize(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * I @ T.T
    return finish((cross_entropy(S) + cross_entropy(S.T)) / 2, I, T, log_scale)


@exercise.wrong("""You multiplied the cosines by log_scale itself. It is the logarithm of the scale: log_scale = 0
stands for a scale of 1. Take exp, in torch.""")
def forgot_exp(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale * unit(I) @ unit(T).T
    return finish((cross_entropy(S) + cross_entropy(S.T)) / 2, I, T, log_scale)


@exercise.wrong("""The loss is right and the gradients are not: you cut the lengths out of the record with detach.
Making a row longer turns it nowhere, and that part of the slope is lost. Normalise without detach.""")
def detached_norm(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * (I / I.detach().norm(dim=1, keepdim=True)) @ (T / T.detach().norm(dim=1, keepdim=True)).T
    return finish((cross_entropy(S) + cross_entropy(S.T)) / 2, I, T, log_scale)


@exercise.wrong("""The loss is right, but the gradients are 2 times too large. You called backward on each half, and
torch adds up what it finds in .grad. Halve first, then go back once.""")
def backward_twice(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    rows, columns = cross_entropy(S), cross_entropy(S.T)
    rows.backward(retain_graph=True)
    columns.backward()
    return (rows + columns) / 2, I.grad, T.grad, log_scale.grad


@exercise.wrong("""You took the softmax, then its log. At a scale of 1000 a probability rounds to 0 and its log is minus
infinity. Use log_softmax or cross_entropy, which do both in one step.""")
def log_of_softmax(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    return finish(-(S.softmax(0).log() + S.softmax(1).log()).diagonal().mean() / 2, I, T, log_scale)


@exercise.wrong("""Everything is N times too large: you summed the surprise of the pairs. Use the mean over the batch,
axis 0, which is what cross_entropy does by default.""")
def sum_not_mean(I, T, log_scale):
    I, T, log_scale = leaves(I, T, log_scale)
    S = log_scale.exp() * unit(I) @ unit(T).T
    return finish(len(S) * (cross_entropy(S) + cross_entropy(S.T)) / 2, I, T, log_scale)


def shifted(shift):
    """A softmax by hand, that subtracts shift(rows) before exp."""

    def torch_clip_loss(I, T, log_scale):
        I, T, log_scale = leaves(I, T, log_scale)
        S = log_scale.exp() * unit(I) @ unit(T).T
        tables = [z - shift(z) for z in (S, S.T)]
        return finish(sum((z.exp().sum(1).log() - z.diagonal()).mean() for z in tables) / 2, I, T, log_scale)

    return torch_clip_loss


for name, shift in {
    "shifted_by_minimum": lambda z: z.min(1, keepdim=True).values, "shifted_by_mean": lambda z: z.mean(1, keepdim=True),
    "shifted_by_first": lambda z: z[:, :1], "shifted_by_table_maximum": lambda z: z.max(),
}.items():  # fmt: skip
    exercise.wrong(UNTIDY[name], name=name)(shifted(shift))


exercise.case("3 pairs in 5 dimensions, scale 10", np.array([[1.0, 2, 0, -1, 3], [0, -1, 4, 2, 1], [10, 3, 5, -2, 7]]),
              np.array([[0.2, 0.1, 0, 0.3, 0.5], [1, -1, 2, 3, 0], [4, 4, -1, 0, 2]]), 2.302585092994046)  # fmt: skip
exercise.case("5 pairs in 2 dimensions, scale 2", np.array([[1.0, 0.3], [-2, 5], [0.1, -0.2], [7, 11], [-3, -1]]),
              np.array([[0.5, 1.0], [-3, 0.2], [1, -4], [0.02, 0.01], [13, -2]]), 0.6931471805599453)  # fmt: skip
exercise.case("1 pair", np.array([[3.0, 4.0]]), np.array([[-2.0, 1.0]]), 1.5)
exercise.case("3 pairs at scale 1000", np.array([[2.0, 0, 0], [0, 0.5, 0], [3, 4, 0]]),
              np.array([[0.0, 3, 0], [5, 0, 0], [0, 0, 0.1]]), 6.907755278982137)  # fmt: skip
exercise.case("3 pairs at scale 1000, rows far apart", np.array([[2.0, 2, -2], [0, 2, 1], [0, 2, 2]]),
              np.array([[-2.0, -2, -2], [-1, -2, -2], [-1, 1, 0]]), 6.907755278982137)  # fmt: skip
exercise.case("3 pairs at scale 800, all rows wide", np.array([[1.0, 0, -2], [0, -2, -2], [0, 1, -1]]),
              np.array([[1.0, 2, -1], [1, 0, 2], [2, 1, 1]]), 6.684611727667927)  # fmt: skip
