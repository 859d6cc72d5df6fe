"""f03: the temperature decides how sure a softmax is, never the order."""

import math

import numpy as np

from ...nn.ops import softmax_forward
from ..page import decimal
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE
from . import Drawn

TITLE = "Temperature"
NOTEBOOK = "01"
NOTE = (
    "Ask first: which text wins at scale 1, which at 100? The same one: the scale stretches all gaps alike. Then ask "
    "how sure the model is. At scale 1 it looks undecided about cosines that could hardly differ more; CLIP starts at "
    "14.3 and may go up to 100. Those who think that the temperature changes the answer see here that it does not."
)

COSINES = np.array([0.96, 0.6, -0.96])  # Part A of the practice page
SCALES = (1.0, 10.0, 1 / 0.07, 100.0)
NAMES = ("text A", "text B", "text C")


def draw(slide: Slide, run) -> Drawn:
    p = np.array([softmax_forward(scale * COSINES)[0] for scale in SCALES])
    rows = [{"scale": round(scale, 4), "text": name, "cosine": cosine, "probability": float(value)}
            for scale, row in zip(SCALES, p, strict=True)
            for name, cosine, value in zip(NAMES, COSINES, row, strict=True)]  # fmt: skip
    sure, surest = (f"{share:.0%}" for share in p[[0, -1], 0])
    top = slide.title(f"The scale decides how sure, not which: text A gets {sure} at scale 1, {surest} at 100")
    columns = 4 if slide.wide else 2
    left, gap, below = 6.5 * slide.em, 2.0 * slide.em, 3.0 * slide.em
    width = (slide.width - left - 1.5 * slide.em - (columns - 1) * gap) / columns
    lines = math.ceil(len(SCALES) / columns)
    height = (slide.height - top - 1.5 * slide.em) / lines - below
    for k, (scale, row) in enumerate(zip(SCALES, p, strict=True)):
        x, y = left + k % columns * (width + gap), top + k // columns * (height + below) + 2.0 * slide.em
        axes = slide.axes((x, y, width, height))
        bars = axes.barh(range(len(NAMES)), row, color=[POSITIVE, NEGATIVE, NEGATIVE], height=0.6)
        for bar, hatch in zip(bars, ("", "//", ".."), strict=True):
            bar.set(hatch=hatch, edgecolor=slide.paper)
        axes.set(xlim=(0, 1.55), xticks=[])
        axes.set_yticks(range(len(NAMES)), NAMES if k % columns == 0 else [""] * len(NAMES))
        axes.invert_yaxis()
        axes.spines["bottom"].set_visible(False)
        for i, value in enumerate(row):
            slide.label(axes, value + 0.05, i, f"{value:.3f}")
        over = slide.sheet((x, y - 2.0 * slide.em, width, 2.0 * slide.em))
        slide.write(over, 0, 0, f"scale {scale:.3g}", weight="bold")
    listed = ", ".join(decimal(cosine) for cosine in COSINES)
    return Drawn(
        f"Three texts with cosines {listed} to one image, after a softmax at four scales. Text A wins at each; its "
        f"share grows from {p[0, 0]:.3f} to {p[-1, 0]:.3f}.",
        f"Four bar charts of three probabilities. At scale 1 the bars are {p[0, 0]:.3f}, {p[0, 1]:.3f} and "
        f"{p[0, 2]:.3f} long; at scale 10 the first has {p[1, 0]:.3f}; at 14.3 and 100 the first bar is nearly alone.",
        rows,
    )
