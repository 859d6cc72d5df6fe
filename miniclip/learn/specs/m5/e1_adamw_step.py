"""Write one step of AdamW, the optimiser that CLIP is trained with.

Keep a running mean `m` of the gradient and a running mean `v` of its square:

    m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2

Both start at zero, so early values are too small: divide m by 1 - beta1^t and v by 1 - beta2^t, where t counts the
steps from 1. Then every weight moves by -lr times (corrected m) / (sqrt(corrected v) + eps). The weight decay is
decoupled: the old weight itself, times lr and decay, is taken off too, and never passes through m and v.

Return the new (w, m, v); m and v as they are before the correction. Arrays of any shape, all of the same one. Leave
the inputs as they were. Graded at t = 1 and later, with tiny gradients, with a gradient of zero, and with decay on
and off.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "5.1", "One step of AdamW", points=4, level=2, minutes=20,
    use="`AdamW` in nn/optim.py makes this step for all weights of CLIP at once, as one long vector.",
    hints=(
        "AdamW divides a smoothed gradient by its usual size. A weight with tiny gradients therefore moves as far "
        "as one with huge ones. The decay is a separate pull towards zero.",
        "Update m and v first. Make corrected copies of both with 1 minus the power t of each beta, and use those "
        "for the step only. Add eps after the square root. Take the decay from the weight that came in.",
        "One weight: w = 2, g = 0.5, m = v = 0, t = 1, lr = 0.1, decay = 0.1. Whatever the betas, the corrected m "
        "is 0.5 and the corrected v is 0.25. The ratio is 0.5 / 0.5 = 1, the decay adds 0.2, and the weight goes "
        "down by 0.12 to 1.88.",
    ),
)  # fmt: skip


@exercise.solution
def adamw_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    """Move the weights once.

    w, g, m, v: arrays of one shape (weights, gradient, the two running means); t: 1 at the first step
    -> the new (w, m, v)
    """
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    direction = (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)
    return w - lr * (direction + decay * w), m, v


@exercise.oracle
def weight_by_weight(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    new = [np.zeros(np.shape(w)) for _ in range(3)]
    root = math.sqrt(1 - beta2**t)
    for i in np.ndindex(*np.shape(w)):
        new[1][i] = m[i] + (1 - beta1) * (g[i] - m[i])
        new[2][i] = v[i] + (1 - beta2) * (g[i] ** 2 - v[i])
        rate = lr * root / (1 - beta1**t)
        new[0][i] = w[i] * (1 - lr * decay) - rate * new[1][i] / (math.sqrt(new[2][i]) + eps * root)
    return tuple(new)


@exercise.also_right
def decay_first(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    w = w.copy()
    w *= 1 - lr * decay
    m, v = m + (1 - beta1) * (g - m), v + (1 - beta2) * (g * g - v)
    w -= lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)) ** 0.5 + eps)
    return w, m, v


@exercise.also_right
def as_lists(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return [array.tolist() for array in weight_by_weight(w, g, m, v, t, lr, beta1, beta2, eps, decay)]


@exercise.also_right
def with_average(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    m, v = (np.average([old, x], axis=0, weights=[b, 1 - b]) for old, x, b in ((m, g, beta1), (v, g * g, beta2)))
    step = np.divide(m / (1 - beta1**t), eps + np.sqrt(v / (1 - beta2**t)))
    return w - lr * step - lr * decay * w, m, v


@exercise.wrong("""The decay reached m and v: you added it to the gradient, which is L2 regularisation. AdamW keeps the
two apart. Leave g alone and take the decay off the weight itself.""")
def l2_not_decoupled(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adamw_step(w, g + decay * w, m, v, t, lr, beta1, beta2, eps, 0.0)


@exercise.wrong("""No decay acts on the weights, so large ones never shrink. Take off one more term: the rate times the
decay times the old weight.""")
def no_decay(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, 0.0)


@exercise.wrong("""The decay pulls too hard. It has to shrink with the learning rate, or a rate of 0 would still move
the weights. Multiply it by the rate too.""")
def decay_without_lr(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay / lr)


@exercise.wrong("""You added eps under the square root. For v = 0 that gives the root of eps, which is far larger than
eps and makes small gradients stand still. Take the root, then add.""")
def eps_inside_sqrt(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    _, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    return w - lr * (m / (1 - beta1**t) / np.sqrt(v / (1 - beta2**t) + eps) + decay * w), m, v


@exercise.wrong("""The two betas have changed places. The mean of the gradient forgets with the first beta, the mean of
its square with the second. Swap them, in the corrections as well.""")
def betas_swapped(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    return adamw_step(w, g, m, v, t, lr, beta2, beta1, eps, decay)


@exercise.wrong("""You corrected m and v with the power t + 1. Here t is already 1 at the first step, so the power is t
itself. Check: at t = 1 the corrected m equals g.""")
def t_from_zero(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    _, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    step = m / (1 - beta1 ** (t + 1)) / (np.sqrt(v / (1 - beta2 ** (t + 1))) + eps)
    return w - lr * (step + decay * w), m, v


@exercise.wrong("""You used m and v as they are. They began at 0, so early on they are too small, and not by the same
factor. Divide each by 1 minus its beta to the power t.""")
def no_bias_correction(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    _, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    return w - lr * (m / (np.sqrt(v) + eps) + decay * w), m, v


@exercise.wrong("Your weights climb. The gradient points to where the loss grows, so subtract the step.")
def climbs(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    new, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, 0.0)
    return 2 * w - new - lr * decay * w, m, v


@exercise.wrong("""You divided by the corrected v without its root. The step is then g / g^2, so a gradient 10 times
larger moves a weight 10 times less. Take the square root first.""")
def forgets_root(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    _, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    return w - lr * (m / (1 - beta1**t) / (v / (1 - beta2**t) + eps) + decay * w), m, v


@exercise.wrong("""The weights are right, but you handed back the corrected m and v. The next step would correct them a
second time. Return the plain running means.""")
def returns_corrected(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    w, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, decay)
    return w, m / (1 - beta1**t), v / (1 - beta2**t)


@exercise.wrong("""You took the step first and let the decay act on the moved weight. Both changes start from the weight
that came in.""")
def decay_after_step(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    w, m, v = adamw_step(w, g, m, v, t, lr, beta1, beta2, eps, 0.0)
    return w * (1 - lr * decay), m, v


@exercise.wrong("""The numbers are right, but `*=` and `-=` write into the arrays that came in. Make 3 new arrays, since
the caller may still need the old ones.""")
def in_place(w, g, m, v, t, lr=1e-3, beta1=0.9, beta2=0.98, eps=1e-6, decay=0.2):
    m *= beta1
    m += (1 - beta1) * g
    v *= beta2
    v += (1 - beta2) * g**2
    w -= lr * (m / (1 - beta1**t) / (np.sqrt(v / (1 - beta2**t)) + eps) + decay * w)
    return w, m, v


exercise.case("the first step of 3 weights", np.array([1.0, -2.0, 0.5]), np.array([0.1, -3.0, 20.0]), np.zeros(3),
              np.zeros(3), 1, 0.1, 0.9, 0.999, 1e-8, 0.1)  # fmt: skip
exercise.case("step 4 of a matrix (2, 3)", np.array([[0.3, -1.2, 4.0], [2.5, 0.0, -0.7]]),
              np.array([[0.02, 1.5, -0.3], [-2.0, 0.6, 0.9]]), np.array([[0.1, 0.4, -0.2], [0.3, -0.5, 0.05]]),
              np.array([[0.05, 0.8, 0.3], [1.1, 0.2, 0.02]]), 4, 0.05, 0.8, 0.95, 1e-6, 0.2)  # fmt: skip
exercise.case("gradients near 1e-8, no decay", np.array([0.2, -0.1, 0.05]), np.array([1e-8, -3e-8, 2e-9]), np.zeros(3),
              np.zeros(3), 1, 0.01, 0.9, 0.98, 1e-8, 0.0)  # fmt: skip
exercise.case("a gradient of 0", np.array([3.0, -1.0]), np.zeros(2), np.zeros(2), np.zeros(2), 1, 0.1, 0.9, 0.98, 1e-6,
              0.5)  # fmt: skip
exercise.case("1 weight at step 7, the usual settings", np.array([0.7]), np.array([0.3]), np.array([0.02]),
              np.array([0.05]), 7)  # fmt: skip
