"""f28: a finite difference is worst at both ends: curvature spoils long steps, rounding spoils short ones."""

from functools import cache

import numpy as np
from matplotlib.ticker import NullLocator

from ...nn.gradcheck import STEPS, slope
from ...nn.layers import layer_norm_backward, layer_norm_forward
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE
from . import Drawn

TITLE = "The step of a finite difference"
NOTEBOOK = "07"
NOTE = (
    "A gradient can be checked by moving a number a little, both ways, and dividing the change of the loss by the way. "
    "Ask which step is best, and expect 'the smallest'. Let the class read the curve from right to left: at first each "
    "tenth of the step gives two digits more, then digits are lost again, because two nearly equal numbers are "
    "subtracted and their last digits are all that is left. The top is where the two slopes meet: about 1e-5 for the "
    "usual central difference in float64. Then point at the float32 curve, never high enough to tell a right gradient "
    "from a slightly wrong one, and at the four-point formula that gradcheck uses."
)

H = 10.0 ** np.arange(-12, -0.49, 0.25)
SHAPE = (4, 8)  # the input of the layer
CENTRAL, FLOAT32, FOUR = "central, float64", "central, float32", "four-point, float64"
LOOKS = {CENTRAL: (POSITIVE, "-", "o"), FLOAT32: (NEGATIVE, (0, (4, 2)), "X"), FOUR: (IMAGE, (0, (1, 1.2)), "^")}


def central(f, h: float):
    """(f(h) - f(-h)) / 2h = f'(0) + O(h^2)."""
    return (f(h) - f(-h)) / (2 * h)


def error(rule, h: float, dtype) -> float:
    """|numerical - exact| / |exact| of the gradient of sum(R * layer_norm(x)); each entry moves in its own copy."""
    rng = np.random.default_rng(0)
    x, R = rng.standard_normal((2, *SHAPE))
    p = {"weight": 1 + 0.3 * rng.standard_normal(SHAPE[1]), "bias": 0.3 * rng.standard_normal(SHAPE[1])}
    exact = layer_norm_backward(R, layer_norm_forward(x, p)[1])[0]
    moves = np.eye(x.size).reshape(-1, *SHAPE).astype(dtype)
    small = {name: value.astype(dtype) for name, value in p.items()}

    def f(t):
        y = layer_norm_forward(x.astype(dtype) + dtype(t) * moves, small)[0]
        return (R.astype(dtype) * y).sum((1, 2), dtype=dtype).astype(float)

    return float(np.linalg.norm(rule(f, h) - exact.ravel()) / np.linalg.norm(exact))


@cache
def curves() -> dict[str, np.ndarray]:
    """The relative error at every step of H, for each way to compute the difference."""
    ways = {CENTRAL: (central, np.float64), FLOAT32: (central, np.float32), FOUR: (slope, np.float64)}
    return {name: np.array([error(rule, float(h), dtype) for h in H]) for name, (rule, dtype) in ways.items()}


def power(value: float) -> str:
    """A number as a power of ten, rounded: 1e-5.

    >>> power(0.000012)
    '1e-5'
    """
    return f"1e{round(np.log10(value))}"


def draw(slide: Slide, run) -> Drawn:
    found = curves()
    rows = [{"rule": name, "step": float(h), "relative_error": float(e)} for name in found
            for h, e in zip(H, found[name], strict=True)]  # fmt: skip
    best = {name: int(values.argmin()) for name, values in found.items()}
    k = best[CENTRAL]
    digits = {name: np.maximum(-np.log10(values), 0) for name, values in found.items()}
    top = slide.title(f"Neither long nor tiny: a step near {power(H[k])} gets {digits[CENTRAL][k]:.0f} digits of a "
                      "gradient right")  # fmt: skip
    left, bottom = 4.8 * slide.em, 4.2 * slide.em
    box = (left, top, slide.width - left - 1.5 * slide.em, slide.height - top - bottom)
    axes = slide.axes(box, "step", "right digits", grid=True)
    axes.set(xscale="log", xlim=(1e-12, 0.4), ylim=(-0.3, 15.5), yticks=(0, 5, 10, 15))
    axes.set_xticks([10.0**n for n in (-11, -9, -7, -5, -3, -1)], [f"1e{n}" for n in (-11, -9, -7, -5, -3, -1)])
    axes.xaxis.set_minor_locator(NullLocator())
    for name, values in digits.items():
        colour, dashes, marker = LOOKS[name]
        thick = 1.8 if name == CENTRAL else 1.0
        axes.plot(H, values, color=colour, linestyle=dashes, linewidth=thick * slide.line, clip_on=False)
        axes.plot(H[best[name]], values[best[name]], marker, color=colour, markersize=0.75 * slide.body,
                  markeredgecolor=slide.paper, linestyle="none")  # fmt: skip
    name_curves(slide, axes, digits, best)
    listed = "; ".join(f"{name}: {power(H[i])}, error {power(found[name][i])}" for name, i in best.items())
    return Drawn(
        f"The error of a numerical gradient of a layer norm with {SHAPE[0]} rows of {SHAPE[1]}, against the step. Long "
        f"steps suffer from curvature, short ones from rounding. Best steps: {listed}. The package's gradcheck tries "
        f"the four-point rule at {len(STEPS)} steps, {power(max(STEPS))} to {STEPS[-1]:.0e}, and keeps the best.",
        f"Three hills of right digits against the step. The central difference is best near {power(H[k])}, with an "
        f"error of about {power(found[CENTRAL][k])}; the four-point rule is lower, at longer steps; float32 never gets "
        f"below about {power(found[FLOAT32].min())}.",
        rows,
    )


def name_curves(slide: Slide, axes, digits, best) -> None:
    """The name of each curve at its top, and what spoils each end."""
    for name, across, up, side in (
        (CENTRAL, 0.25, 0.9, "right"),
        (FLOAT32, 0.3, 0.5, "right"),
        (FOUR, 1.0, 0.9, "center"),
    ):
        weight = "bold" if name == CENTRAL else "normal"
        x, y = across * H[best[name]], digits[name].max() + up
        slide.label(axes, x, y, name, ha=side, weight=weight)
    slide.label(axes, 1.5e-12, 14.6, "← too short: rounding")
    slide.label(axes, 0.38, 14.6, "too long: it bends →", ha="right")
