"""Train a small CLIP on one batch until it knows every pair.

params holds "image" (P, E), "text" (Q, E) and "log_scale" (0-d); the batch is (X, Y), X (N, P) and Y (N, Q), row i of
both one pair. Embeddings are the rows of X @ image and Y @ text, brought to length 1; logits are exp(log_scale) times
their cosines; the loss is CLIP's, the mean of the row half and the column half.

Take n steps, each with the whole batch. In each: note the loss, before anything moves; then move all three parameters.
Plain gradient descent with rate 0.3 is enough, AdamW is welcome. The slope in the logits is (rows' softmax + columns'
softmax - 2 identity) / 2N.

Return (new params, list of n losses). Graded by what comes out: the first loss is that of the params given, within 5 %
of ln N; after 200 steps the loss is below 0.05 and every picture finds its text; both towers and the scale have moved;
params and batch are untouched. No steps at all is fine too.
"""

from itertools import permutations

import numpy as np

from miniclip.learn.spec import Exercise, numeric
from miniclip.learn.specs.helpers import lengths, log_softmax, table_loss

exercise = Exercise(
    "5.4", "Overfit one batch", points=5, level=3, minutes=45, needs=("4.5",),
    use="train/loop.py is this loop with a data set; whoever cannot overfit one batch need not try a larger one.",
    hints=(
        "A step is always the same four lines: forward, loss, backward, move. Get one step right, then loop. If "
        "the first loss is not near ln N, look at the forward pass before anything else.",
        "Backwards: the slope in a cosine is the scale times the slope in its logit. Each tower gets it through "
        "the other tower's unit vectors. A length of 1 lets nothing through along the vector: take that part away, "
        "divide by the old length, and multiply by the input, transposed. The slope in log_scale is the sum of "
        "slope times logit.",
        "2 pairs at right angles, scale 1: the logits are [[1, 0], [0, 1]], each softmax is 0.73 on the diagonal, "
        "and the slope there is (0.73 + 0.73 - 2) / 4 = -0.134. The slope in log_scale is 2 times -0.134 = -0.269, "
        "so the scale grows.",
    ),
)  # fmt: skip


@exercise.solution
def train_steps(params, batch, n):
    """Fit the small model to one batch.

    params: "image" (P, E), "text" (Q, E), "log_scale" (); batch: (X (N, P), Y (N, Q)); n: steps
    -> (new params, list of n losses)
    """

    def unit(x):
        length = np.linalg.norm(x, axis=1, keepdims=True)
        return x / length, length

    def through_unit(du, u, length):
        return (du - u * (u * du).sum(axis=1, keepdims=True)) / length

    params = {name: np.array(value, dtype=float) for name, value in params.items()}
    (X, Y), losses = batch, []
    for _ in range(n):
        I, I_length = unit(X @ params["image"])
        T, T_length = unit(Y @ params["text"])
        scale = np.exp(params["log_scale"])
        S = scale * I @ T.T
        rows, columns = (S - np.logaddexp.reduce(S, axis=axis, keepdims=True) for axis in (1, 0))
        losses.append(-0.5 * np.mean(np.diag(rows) + np.diag(columns)))
        dS = (np.exp(rows) + np.exp(columns) - 2 * np.eye(len(S))) / (2 * len(S))
        slopes = {
            "image": X.T @ through_unit(scale * dS @ T, I, I_length),
            "text": Y.T @ through_unit(scale * dS.T @ I, T, T_length),
            "log_scale": (dS * S).sum(),
        }
        params = {name: params[name] - 0.3 * slopes[name] for name in params}
    return params, losses


def forward(params, X, Y):
    """The unit rows and lengths of both towers, and the logits."""
    I, T = X @ params["image"], Y @ params["text"]
    a, b = lengths(I), lengths(T)
    return I / a, a, T / b, b, np.exp(params["log_scale"]) * (I / a) @ (T / b).T


def halves(S):
    """ln softmax of each row, and of each column."""
    return log_softmax(S, 1), log_softmax(S, 0)


def gradients(params, X, Y, both=True, exp=True):
    """The loss and its slopes; of the row half alone, or with log_scale as the scale, if asked for."""
    I, a, T, b, _ = forward(params, X, Y)
    scale = np.exp(params["log_scale"]) if exp else params["log_scale"]
    S = scale * I @ T.T
    asked = halves(S) if both else halves(S)[:1]
    dS = sum(np.exp(half) - np.eye(len(S)) for half in asked) / (len(asked) * len(S))
    dI, dT = scale * dS @ T, scale * dS.T @ I
    return -np.mean([np.diag(half).mean() for half in asked]), {
        "image": X.T @ ((dI - I * (dI * I).sum(1, keepdims=True)) / a),
        "text": Y.T @ ((dT - T * (dT * T).sum(1, keepdims=True)) / b),
        "log_scale": (dS * (S if exp else I @ T.T)).sum(),
    }


def descend(params, batch, n, rate=0.3, frozen=(), accumulate=False, **asked):
    """Gradient descent, with the mistakes that are asked for."""
    params, losses = {name: np.array(value, float) for name, value in params.items()}, []
    total = dict.fromkeys(params, 0.0)
    for _ in range(n):
        loss, slopes = gradients(params, *batch, **asked)
        losses.append(loss)
        total = {name: slopes[name] + (total[name] if accumulate else 0.0) for name in params}
        params = {name: params[name] - (0.0 if name in frozen else rate) * total[name] for name in params}
    return params, losses


@exercise.judge
@np.errstate(all="ignore")
def judge(args, value):
    params, (X, Y), n = args
    N = len(X)
    if not (isinstance(value, tuple | list) and len(value) == 2 and isinstance(value[0], dict)):
        return "Return 2 things: the dict of new params, and the list of losses."
    new, losses = value
    if new.keys() != params.keys() or not all(numeric(new[k]) and np.size(new[k]) == params[k].size for k in params):
        return "The new params need the same 3 names and shapes as the old ones: image, text, log_scale."
    new = {name: np.reshape(new[name], params[name].shape).astype(float) for name in params}
    if numeric(losses) and np.shape(losses) == (n + 1,):
        return "one_loss_too_many"
    if not numeric(losses) or np.shape(losses) != (n,):
        return f"Return {n} losses, one for each step, as a flat list of numbers."
    losses = np.asarray(losses, float)
    if not (np.isfinite(losses).all() and all(np.isfinite(x).all() for x in new.values())):
        return "A loss or a parameter is not finite. Is a step of 0.3 times the gradient still small for your gradient?"
    still = [name for name in params if np.array_equal(new[name], params[name])]
    if n == 0:
        return None if len(still) == len(params) else "With n = 0 no step is taken: return the params as they came."
    if len(still) == len(params) or (n > 1 and np.ptp(losses) == 0):
        return "updates_a_copy"
    S, I, T = forward(params, X, Y)[4], X @ params["image"], Y @ params["text"]
    end = forward(new, X, Y)[4]
    if not np.isclose(losses[0], table_loss(S), rtol=1e-4):
        starts = {"one_direction": -np.diag(halves(S)[0]).mean(), "sum_not_mean": N * table_loss(S),
                  "forgot_exp": table_loss(0 * S), "not_normalized": table_loss(I @ T.T)}  # fmt: skip
        for name, start in starts.items():
            if np.isclose(losses[0], start, rtol=1e-6):
                return name
        if np.isclose(losses[-1], table_loss(end), rtol=1e-6):
            return "loss_after_step"
        mixed = [table_loss(S[:, list(order)]) for order in permutations(range(N))] if N < 6 else []
        if np.isclose(losses[0], mixed, rtol=1e-8).any():
            return "pairs_broken"
        return f"The first loss is {losses[0]:.4f}, but the given params have {table_loss(S):.4f} on this batch."
    if still:
        return "scale_frozen" if still == ["log_scale"] else "one_tower_frozen"
    if n < 200:
        return None
    if (np.diff(losses) > 0).all():
        return "lr_sign"
    if np.allclose(losses[:3], descend(params, (X, Y), 3, accumulate=True)[1], rtol=1e-6):
        return "grad_not_reset"
    if losses[-1] >= 0.05 or table_loss(end) >= 0.05:
        return f"After {n} steps the loss is {losses[-1]:.4f}, expected below 0.05. Check the slopes one by one."
    if (end.argmax(axis=1) != np.arange(N)).any():
        return f"The loss is low, but not all {N} pictures find their text. Do your returned params belong to it?"
    return None


@exercise.also_right
def with_adam(params, batch, n):
    params, losses = {name: np.array(value, float) for name, value in params.items()}, []
    m, v = ({name: np.zeros_like(value) for name, value in params.items()} for _ in range(2))
    for t in range(1, n + 1):
        loss, slopes = gradients(params, *batch)
        losses.append(float(loss))
        for name in params:
            m[name] = 0.9 * m[name] + 0.1 * slopes[name]
            v[name] = 0.95 * v[name] + 0.05 * slopes[name] ** 2
            params[name] -= 0.03 * m[name] / (1 - 0.9**t) / (np.sqrt(v[name] / (1 - 0.95**t)) + 1e-8)
    return params, losses


@exercise.also_right
def with_an_array_of_losses(params, batch, n):
    new, losses = descend(params, batch, n)
    return [new, np.array(losses)]


@exercise.also_right
def a_larger_rate_and_lists(params, batch, n):
    new, losses = descend(params, batch, n, rate=0.5)
    return {name: value.tolist() for name, value in new.items()}, losses


@exercise.wrong("""The loss runs wild after a few of the 200 steps: each step still contains all the gradients before
it. Compute the slopes afresh in every step, or set the old ones to 0 first.""")
def grad_not_reset(params, batch, n):
    return descend(params, batch, n, accumulate=True)


@exercise.wrong("""Every loss is the same, or nothing came back changed. You worked out new weights, but step 2 starts
from the old ones. Put the new ones back into params.""")
def updates_a_copy(params, batch, n):
    return params, [gradients(params, *batch)[0] for _ in range(n)]


@exercise.wrong("""The loss rises in every one of the 200 steps. You walk along the gradient, and it points uphill.
Subtract rate times slope.""")
def lr_sign(params, batch, n):
    return descend(params, batch, n, rate=-0.3)


@exercise.wrong("""Both towers moved, but log_scale still has its first value. At scale 1 the softmax stays soft and the
loss cannot come near 0.05. Give the scale its slope too.""")
def scale_frozen(params, batch, n):
    return descend(params, batch, n, frozen=("log_scale",))


@exercise.wrong("""One of the two towers has not moved. Pictures and texts have to come towards each other: update both
matrices in each step, each with its own slope.""")
def one_tower_frozen(params, batch, n):
    return descend(params, batch, n, frozen=("text",))


@exercise.wrong("""Your first loss belongs to wrong pairs: you shuffled X and Y in two different orders, so row i no
longer holds a picture and its text. A whole batch needs no shuffling, and a part of one needs a single order.""")
def pairs_broken(params, batch, n):
    rng = np.random.default_rng(0)
    return descend(params, [rng.permutation(part) for part in batch], n)


@exercise.wrong("""Your first loss already belongs to moved weights. Note the loss of each of the n steps before you
move, so that number 0 says where training began.""")
def loss_after_step(params, batch, n):
    return descend(params, batch, n)[0], descend(params, batch, n + 1)[1][1:]


@exercise.wrong("""There is one loss more than there are steps: n steps have n losses, not n + 1. Note one loss in each
step, before the weights move, and none after the last.""")
def one_loss_too_many(params, batch, n):
    return descend(params, batch, n)[0], descend(params, batch, n + 1)[1]


@exercise.wrong("""Your first loss is that of the row half alone. CLIP also lets each text choose its picture: a softmax
along axis 0. Average both halves, and both slopes.""")
def one_direction(params, batch, n):
    return descend(params, batch, n, both=False)


@exercise.wrong("""Your first loss is N times too large: you summed over the pairs. Take the mean, so that it starts
near ln N, which is 1.61 for 5 pairs.""")
def sum_not_mean(params, batch, n):
    new, losses = descend(params, batch, n, rate=0.3 * len(batch[0]))
    return new, [len(batch[0]) * loss for loss in losses]


@exercise.wrong("""Your first loss is exactly ln N, as if all logits were equal. You multiplied by log_scale, which is
0. The scale is exp(log_scale), so it begins at 1.""")
def forgot_exp(params, batch, n):
    return descend(params, batch, n, exp=False)


@exercise.wrong("""Your first loss is far from ln N. You used the rows of X @ image as they are. Bring each embedding to
length 1 along axis 1, or the loss measures lengths.""")
def not_normalized(params, batch, n):
    X, Y = batch
    params, losses = {name: np.array(value, float) for name, value in params.items()}, []
    for _ in range(n):
        I, T = X @ params["image"], Y @ params["text"]
        S = np.exp(params["log_scale"]) * I @ T.T
        losses.append(table_loss(S))
        dS = (sum(np.exp(half) for half in halves(S)) - 2 * np.eye(len(S))) / (2 * len(S))
        slopes = {"image": X.T @ dS @ T, "text": Y.T @ dS.T @ I, "log_scale": (dS * S).sum()}
        params = {name: params[name] - 0.001 * slopes[name] for name in params}
    return params, losses


@exercise.wrong("""The losses are right, but `-=` writes into the arrays of the caller: the params that you were given
have changed. Copy all 3 of them before the first step.""")
def changes_its_input(params, batch, n):
    new, losses = descend(params, batch, n)
    for name, value in params.items():
        value -= value - new[name]
    return params, losses


def wave(rows, columns, k):
    """A fixed matrix without pattern: sin(k (1 + i)^2) at entry i."""
    return np.sin(k * (1 + np.arange(float(rows * columns)).reshape(rows, columns)) ** 2)


def start(P, Q, E, k):
    return {"image": wave(P, E, k), "text": wave(Q, E, k + 0.3), "log_scale": np.array(0.0)}


SEVEN = start(13, 11, 5, 0.64), (wave(7, 13, 1.34), wave(7, 11, 1.74))
FIVE = start(7, 11, 3, 0.86), (wave(5, 7, 1.56), wave(5, 11, 1.96))

exercise.case("no step at all", *FIVE, 0)
exercise.case("1 step, 5 pairs", *FIVE, 1)
exercise.case("200 steps, 7 pairs", *SEVEN, 200)
exercise.needs_float64("no step at all", "the params must come back exactly as they were")
