"""f03: the temperature decides how sure a softmax is, never the order."""

import numpy as np

from ...nn.ops import softmax_forward
from ..page import decimal
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE, ROSE
from . import Drawn

TITLE = "Temperature"
NOTEBOOK = "01"
NOTE = (
    "Ask first: which text wins at scale 1, which at 100? The same one: the scale stretches all gaps alike, so the "
    "curves never cross. Then ask how sure the model is. On the left all texts are alike; at scale 1 it still looks "
    "undecided about cosines that could hardly differ more; CLIP starts at 14.3 and may go up to 100. Those who think "
    "that the temperature changes the answer see here that it does not."
)

COSINES = np.array([0.96, 0.6, -0.96])  # Part A of the practice page
SCALES = (1.0, 10.0, 1 / 0.07, 100.0)
ALL = np.geomspace(0.1, 100, 121)  # the curves
NAMES = ("text A", "text B", "text C")
LOOKS = ((POSITIVE, "-"), (NEGATIVE, (0, (4, 2))), (ROSE, (0, (1, 1.2))))
NAMED = ((0.12, 0.6), (2.15, 0.37), (0.11, 0.055))  # where a curve has its name, x and y


def draw(slide: Slide, run) -> Drawn:
    p = np.array([softmax_forward(scale * COSINES)[0] for scale in SCALES])
    rows = [{"scale": round(scale, 4), "text": name, "cosine": cosine, "probability": float(value)}
            for scale, row in zip(SCALES, p, strict=True)
            for name, cosine, value in zip(NAMES, COSINES, row, strict=True)]  # fmt: skip
    sure, surest = (f"{share:.0%}" for share in p[[0, -1], 0])
    top = slide.title(f"The scale decides how sure, not which: text A gets {sure} at scale 1, {surest} at 100")
    draw_curves(slide, top, p)
    listed = ", ".join(decimal(cosine) for cosine in COSINES)
    return Drawn(
        f"Three texts with cosines {listed} to one image, after a softmax at four scales. Text A wins at each; its "
        f"share grows from {p[0, 0]:.3f} to {p[-1, 0]:.3f}.",
        f"Three curves of probability against scale, which begin together and never cross. At scale 1 they are at "
        f"{p[0, 0]:.3f}, {p[0, 1]:.3f} and {p[0, 2]:.3f}; at scale 10 the first has {p[1, 0]:.3f}; at 100 it is alone.",
        rows,
    )


def draw_curves(slide: Slide, top: float, p) -> None:
    """The probability of each text at every scale, with the four scales marked on the first."""
    em = slide.em
    left, below = 5.5 * em, 4.2 * em
    axes = slide.axes((left, top, slide.width - left - 2.5 * em, slide.height - top - below), "scale", "probability")
    axes.set(xscale="log", xlim=(ALL[0], 1.1 * ALL[-1]), ylim=(0, 1.2))
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xticks([1, 10, 100], ["1", "10", "100"])
    axes.set_xticks([], minor=True)
    who = "CLIP's " if slide.wide else ""
    for start, said in ((SCALES[2], f"{who}start: {SCALES[2]:.1f}"), (SCALES[3], f"{who}limit: 100")):
        axes.plot([start, start], [0, 1], ":", color=slide.muted, linewidth=slide.line / 2)
        slide.label(axes, 0.92 * start, 0.6 if start == SCALES[2] else 0.8, said, ha="right")
    curves = np.array([softmax_forward(scale * COSINES)[0] for scale in ALL]).T
    for curve, (colour, dash), name, cosine, place in zip(curves, LOOKS, NAMES, COSINES, NAMED, strict=True):
        axes.plot(ALL, curve, color=colour, linestyle=dash, linewidth=1.5 * slide.line, clip_on=False)
        slide.label(axes, *place, f"{name[-1]}: cosine {decimal(cosine)}", weight="bold")
    axes.plot(SCALES, p[:, 0], "o", color=POSITIVE, markersize=0.6 * slide.body, markeredgecolor=slide.paper, zorder=4)
    beside = ((1.18, -0.03, "left"), (0.9, 0.08, "right"), (0.9, 0.1, "left"), (1.08, 0.1, "right"))
    for scale, value, (across, up, side) in zip(SCALES, p[:, 0], beside, strict=True):
        slide.label(axes, scale * across, value + up, f"{value:.3f}", ha=side)
