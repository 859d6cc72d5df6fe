"""Write the tool that tells whether a gradient is right.

`f(x)` returns an array, `grad(x, dout)` claims to be the slope of sum(dout * f(x)) in x: same shape as x. Measure that
slope yourself: move one entry of x up and down by a small step, and divide the change of the weighted sum by the
distance between the two points. Return one number, the relative error: the length of (claimed - measured), all entries
together, divided by the larger of their two lengths, and 0 if both are zero. Work in float64 even if x comes in
float32, and leave x as it was. Your checker meets 5 correct gradients, where it must stay below 1e-7, and 7 wrong ones,
where it must exceed 1e-4. Their sizes run from 1e-8 to 1e60.
"""

import numpy as np

from miniclip.learn.spec import Exercise, Fixture

exercise = Exercise(
    "4.8", "Is this gradient right?", points=5, level=3, minutes=30, needs=("4.4",),
    use="nn/gradcheck.py proves every backward of this package in this way, with the sharper line of 1e-7.",
    hints=(
        "A slope can be measured: go a little to the right, a little to the left, and see how much the value changed. "
        "Do it for one entry at a time, and ask how large the disagreement is compared with the gradient itself.",
        "A two-sided step of about 1e-5 in float64 is a good choice: a large step feels the curve, a tiny one drowns "
        "in rounding. Weigh the outputs with dout before you sum them, and move a float64 copy of x.",
        "f(x) = x * x at x = 3, dout = 2, step 0.1: 2 (3.1 * 3.1 - 2.9 * 2.9) / 0.2 = 12, exactly the slope. A claim "
        "of 12 has error 0. A claim of 6 has error |6 - 12| / 12 = 0.5, at any scale of f.",
    ),
)  # fmt: skip


@exercise.solution
def gradcheck(f, grad, x, dout):
    """The relative error of a claimed gradient.

    f: array -> array; grad(x, dout) -> an array shaped as x; dout: shaped as f(x) -> a number, 0 for a perfect claim
    """
    x = np.array(x, dtype=np.float64)
    claimed, measured = grad(x, dout), np.zeros_like(x)
    for i in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[i] = 1e-5
        measured[i] = (dout * (f(x + step) - f(x - step))).sum() / 2e-5
    size = max(np.linalg.norm(claimed), np.linalg.norm(measured))
    return np.linalg.norm(claimed - measured) / size if size > 0 else 0.0


CORRECT = "m4.huge_grad", "m4.square_grad", "m4.cube_grad", "m4.steps_grad", "m4.bend_grad"
# an error of this gradient between these bounds has this cause, if all cases before it went well
NAMES: list[tuple[str, float, float, str]] = [
    ("m4.huge_grad", 1e-7, 0.2, "tiny_eps"),
    ("m4.huge_grad", 0.3, 0.55, "forgets_the_two"),
    ("m4.huge_grad", 0.99, 1.01, "measures_nothing"),
    ("m4.huge_grad", 1e3, 1e300, "absolute_error"),
    ("m4.square_grad", 1e-7, 0.2, "forward_difference"),
    ("m4.sine_flipped", 0, 0, "trusts_the_claim"),
    ("m4.sine_flipped", 0, 1e-4, "compares_lengths"),
    ("m4.sine_reversed", 0, 1e-4, "all_entries_at_once"),
    ("m4.sine_last_doubled", 0, 1e-4, "first_entry_only"),
    ("m4.faint_half", 0, 1e-12, "angle_only"),
    ("m4.faint_half", 1e-12, 1e-4, "absolute_error"),
    ("m4.softmax_of_two_zeros", 0, 1e-4, "sums_output"),
    ("m4.sine_nearly", 0, 1e-4, "squared_error"),
    ("m4.cube_grad", 1e-7, 3e-3, "big_eps"),
    ("m4.cube_grad", 3e-3, 1.1, "per_entry"),
    ("m4.bend_grad", 1e-7, 1.1, "keeps_the_dtype"),
]
NOT_FINITE = {"m4.huge_grad": "float32", "m4.softmax_of_two_zeros": "sums_output", "m4.steps_grad": "nan_on_zero"}


@exercise.judge
def separates(args, value):
    """Below 1e-7 for correct gradients, above 1e-4 for wrong ones."""
    gradient = args[1].name
    if isinstance(value, bool | np.bool_):
        return "returns_a_verdict"
    if not isinstance(value, int | float | np.number | np.ndarray) or np.shape(value) != ():
        return "The answer is not a number, expected the relative error."
    error = float(value)
    if error < -1e-4:
        return "forgets_the_absolute_value"
    if (abs(error) < 1e-7) if gradient in CORRECT else (error > 1e-4):
        return None
    for name, low, high, cause in NAMES:
        if name == gradient and low <= abs(error) <= high:
            return cause
    if gradient in NOT_FINITE and not np.isfinite(error):
        return NOT_FINITE[gradient]
    line = "below 1e-7 for a correct" if gradient in CORRECT else "above 1e-4 for a wrong"
    return f"The error is {error:.1e}, expected {line} gradient."


def measure(f, x, dout, eps=1e-5):
    """The two-sided differences, entry by entry, in the type of x."""
    out = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[i] += eps
        down[i] -= eps
        out[i] = (dout * (f(up) - f(down))).sum() / (2 * eps)
    return out


def relative(a, b):
    size = max(np.linalg.norm(a), np.linalg.norm(b))
    return np.linalg.norm(a - b) / size if size > 0 else 0.0


def float64(x):
    return np.array(x, dtype=np.float64)


def checker(error, eps=1e-5):
    """A check that is right but for its measure of the error, or for its step."""

    def gradcheck(f, grad, x, dout):
        x = float64(x)
        return error(grad(x, dout), measure(f, x, dout, eps))

    return gradcheck


@exercise.also_right
def fourth_order(f, grad, x, dout):
    x, h = float64(x), 1e-3
    measured = (4 * measure(f, x, dout, h) - measure(f, x, dout, 2 * h)) / 3
    return relative(grad(x, dout), measured)


@exercise.also_right
def flat_lists_and_largest_entry(f, grad, x, dout):
    flat, worst, largest = [float(v) for v in np.ravel(x)], 0.0, 0.0
    for i, claim in enumerate(np.ravel(grad(x, dout)).tolist()):
        values = []
        for eps in (1e-6, -1e-6):
            moved = flat[:i] + [flat[i] + eps] + flat[i + 1 :]
            values.append(float(np.sum(f(np.reshape(moved, np.shape(x))) * dout)))
        slope = (values[0] - values[1]) / 2e-6
        worst, largest = max(worst, abs(slope - claim)), max(largest, abs(slope), abs(claim))
    return worst / largest if largest else 0.0


@exercise.also_right
def sum_of_lengths(f, grad, x, dout):
    x = float64(x)
    a, b = grad(x, dout), measure(f, x, dout, 1e-4)
    return np.array(np.linalg.norm(a - b) / (np.linalg.norm(a) + np.linalg.norm(b) + 1e-30))


@exercise.also_right
def jacobian_with_einsum(f, grad, x, dout):
    points = float64(x).reshape(-1) + 1e-5 * np.concatenate([np.eye(np.size(x)), -np.eye(np.size(x))])
    y = np.stack([f(point.reshape(np.shape(x))).ravel() for point in points])
    up, down = np.split(y, 2)
    measured = np.einsum("io,o->i", up - down, np.ravel(dout)) / 2e-5
    return relative(np.ravel(grad(x, dout)), measured)


@exercise.wrong("""The gradient is correct, but your error is above 1e-7. A step to one side only follows the bend of f.
Step to both sides, 1e-5 up and 1e-5 down.""")
def forward_difference(f, grad, x, dout):
    x, measured = float64(x), np.zeros(np.shape(x))
    for i in np.ndindex(x.shape):
        up = x.copy()
        up[i] += 1e-5
        measured[i] = (dout * (f(up) - f(x))).sum() / 1e-5
    return relative(grad(x, dout), measured)


@exercise.wrong("""The gradient is correct, but the slope that you measured is 0. Are both points the same array? Make a
copy for each, and change one entry in it.""")
def measures_nothing(f, grad, x, dout):
    x, measured = float64(x), np.zeros(np.shape(x))
    for i in np.ndindex(x.shape):
        up = down = x
        up[i] += 1e-5
        down[i] -= 1e-5
        measured[i] = (dout * (f(up) - f(down))).sum() / 2e-5
    return relative(grad(x, dout), measured)


@exercise.wrong("""You do not weigh the outputs with dout. A softmax always sums to 1, so its plain sum has slope 0, and
a gradient of zeros looks right. Multiply by dout before you sum.""")
def sums_output(f, grad, x, dout):
    x = float64(x)
    return relative(grad(x, np.ones_like(dout)), measure(f, x, np.ones_like(dout)))


@exercise.wrong("""Numbers overflowed: with 32 bits nothing exceeds 3.4e38, and differences keep few digits. Do all of
the check in float64.""")
def float32(f, grad, x, dout):
    x = np.asarray(x, dtype=np.float32)
    return relative(np.float32(grad(x, dout)), measure(f, x, np.float32(dout), 1e-3))


@exercise.wrong("""The gradient is correct. But x came as float32, and you kept it so: a step of 1e-5 is mostly rounding
there. Convert x to float64 first.""")
def keeps_the_dtype(f, grad, x, dout):
    return relative(grad(x, dout), measure(f, x, dout))


@exercise.wrong("""The gradient is wrong. You moved all entries of x together, which checks their sum only. Move one
entry at a time.""")
def all_entries_at_once(f, grad, x, dout):
    x = float64(x)
    measured = (dout * (f(x + 1e-5) - f(x - 1e-5))).sum() / 2e-5
    return relative(grad(x, dout).sum(), measured)


@exercise.wrong("""The errors are right, but you stepped up and down inside the caller's array, and rounding changed it
by about 1e-16. Move a copy, or keep the old entry and put it back.""")
def moves_x_itself(f, grad, x, dout):
    x = np.asarray(x, dtype=np.float64)
    claimed, measured = grad(x, dout), np.zeros_like(x)
    for i in np.ndindex(x.shape):
        x[i] += 1e-5
        up = f(x)
        x[i] -= 2e-5
        measured[i] = (dout * (up - f(x))).sum() / 2e-5
        x[i] += 1e-5
    return relative(claimed, measured)


WRONG_ERRORS = {
    "tiny_eps": (checker(relative, 1e-13),
        "The gradient is correct and f has no bend here, so your error is rounding. Numbers near 1 have 16 digits. "
        "Take a larger step, such as 1e-5."),
    "big_eps": (checker(relative, 1e-2),
        "The gradient is correct, but your error is above 1e-7: the step is so long that it feels how f curves. Take "
        "a shorter one, such as 1e-5."),
    "trusts_the_claim": (checker(lambda a, b: relative(a, a)),
        "No measured slope gives an error of exactly 0. You compared the claim with itself. Work out the slope from f "
        "alone."),
    "forgets_the_two": (checker(lambda a, b: relative(a, 2 * b)),
        "The gradient is correct. Your two points lie 2 steps apart: divide the change by that distance, not by one "
        "step."),
    "angle_only": (checker(lambda a, b: 1 - np.vdot(a, b) / (np.linalg.norm(a) * np.linalg.norm(b) or 1.0)),
        "You measured the angle between the two, and half of a gradient has the direction of the whole. Take the "
        "length of the difference, divided by the larger length."),
    "absolute_error": (checker(lambda a, b: np.linalg.norm(a - b)),
        "Your error depends on how large f is: a correct gradient of size 1e60 fails, and a wrong one of size 1e-8 "
        "passes. Divide by the larger of the two lengths."),
    "per_entry": (checker(lambda a, b: (abs(a - b) / np.maximum(abs(a) + abs(b), 1e-300)).max()),
        "The gradient is correct. One of its entries is 0, and noise divided by almost nothing is large. Compare the "
        "lengths of whole gradients, not entry by entry."),
    "nan_on_zero": (checker(lambda a, b: np.linalg.norm(a - b) / max(np.linalg.norm(a), np.linalg.norm(b))),
        "The claimed and the measured gradient are both 0, and you divided 0 by 0. They agree: return 0."),
    "compares_lengths": (checker(lambda a, b: relative(np.linalg.norm(a), np.linalg.norm(b))),
        "The gradient is wrong. You compared how long the two are, and a gradient of the wrong sign has the right "
        "length. Subtract first, then take the length."),
    "first_entry_only": (checker(lambda a, b: relative(a.flat[0], b.flat[0])),
        "The last entry of this gradient is wrong, and you checked entry 0 only. Go through all entries of x, along "
        "every axis."),
    "forgets_the_absolute_value": (checker(lambda a, b: (a - b).max() / max(abs(a).max(), abs(b).max(), 1e-300)),
        "An error cannot be below 0: differences of both signs cancel or hide. Take the length of the difference, or "
        "the largest absolute value."),
    "squared_error": (checker(lambda a, b: relative(a, b) ** 2),
        "The gradient is 1 part in 1000 too large, so its error is near 1e-3. You squared it: take the root of both "
        "sums of squares."),
    "returns_a_verdict": (checker(lambda a, b: relative(a, b) < 1e-7),
        "Yes or no hides how close it was: 1e-9 and 1e-6 are different news. Return the relative error itself."),
}  # fmt: skip
for name, (answer, hint) in WRONG_ERRORS.items():
    exercise.wrong(hint, name=name)(answer)


def pair(case, f, grad, x, dout):
    exercise.case(case, Fixture(f"m4.{f}"), Fixture(f"m4.{grad}"), np.array(x), np.array(dout))


x = [[0.3, -0.7, 1.1], [0.5, 0.9, -0.2]]
dout = [[-2.0, -0.5, 3.0], [-1.5, -0.7, 1.3]]
pair("a correct gradient of size 1e60", "huge", "huge_grad", [1.3, -0.7, 2.9], [-3.0, -0.4, -1.7])
pair("a correct gradient of size 1e6", "square", "square_grad", [[0.02, -0.03, 0.05]], [[1.5, -2.0, 0.7]])
pair("wrong gradient 1 of 7: the sign", "sine", "sine_flipped", x, dout)
pair("wrong gradient 2 of 7: entries in reverse", "sine", "sine_reversed", x, dout)
pair("wrong gradient 3 of 7: the last entry", "sine", "sine_last_doubled", x, dout)
pair("wrong gradient 4 of 7: half, of size 1e-8", "faint", "faint_half", [0.2, -1.0, 0.7, 1.5], [1.0, 2.0, 0.5, 3.0])
pair("wrong gradient 5 of 7: a softmax with zeros", "softmax_of_two", "softmax_of_two_zeros", [0.4, -0.9], [2.0, -1.0])
pair("wrong gradient 6 of 7: 1 part in 1000", "sine", "sine_nearly", x, dout)
pair("wrong gradient 7 of 7: without dout", "sine", "sine_deaf", x, [[-2.0, -0.5, 3.0], [-1.5, -0.7, 1.0]])
pair("a correct gradient with one entry 0", "cube", "cube_grad", [0.0, 5.0, -3.0], [1.5, 0.5, -2.0])
pair("a correct gradient, x in float32", "bend", "bend_grad", np.array([0.3, -1.7, 2.3], np.float32), [1.0, -0.5, 2.0])
pair("a correct gradient, 0 everywhere", "steps", "steps_grad", [1.0, -2.0], [3.0, 0.5])
exercise.needs_float64("a correct gradient of size 1e60", "1e60 is infinite in float32")
