"""f20: the scale is a parameter like any other, learned as its log and kept under a cap."""

import math

import numpy as np
from matplotlib.ticker import NullLocator

from ...models.clip import INITIAL_LOGIT_SCALE, MAX_LOGIT_SCALE
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE
from . import Drawn

TITLE = "The learned scale"
NOTEBOOK = "06"
NOTE = (
    "Ask who chose the temperature. Nobody: it is one number among the parameters, stored as a log so that it stays "
    "positive, and the gradient moves it. Early on it may dip, because a model that is mostly wrong pays for being "
    "sure; it climbs as the matches get better. The words at the marks say what a scale means: how sure it makes the "
    "model of a text that leads one rival by a little. At the cap it is all but certain, and a pair that is wrong by a "
    "gap in cosine costs a hundred times the gap: the cap keeps training stable, it is no target."
)

LEAD = 0.05  # in cosine, of the right text over one rival


def sure_of(scale: float) -> float:
    """The probability of the right one of two texts that leads by LEAD: 1 / (1 + exp(-scale LEAD)).

    >>> round(sure_of(100.0), 3)
    0.993
    """
    return 1 / (1 + math.exp(-scale * LEAD))


def finding(rows, cap: float) -> str:
    """Where the scale went, and whether the cap held it."""
    first, last, highest = rows[0]["scale"], rows[-1]["scale"], max(row["scale"] for row in rows)
    held = "the cap of 100 is never touched" if highest < 0.999 * cap else "the cap of 100 holds it"
    return f"The model learns its own scale: from {first:.1f} to {last:.1f} in {rows[-1]['step']:,} steps, {held}"


def draw(slide: Slide, run) -> Drawn:
    start, cap = math.exp(INITIAL_LOGIT_SCALE), math.exp(MAX_LOGIT_SCALE)
    points = [(0, start), *((row["step"], row["scale"]) for row in run.log)]
    rows = [{"step": step, "scale": float(scale), "sure": sure_of(scale)} for step, scale in points]
    lowest, end = min(rows, key=lambda row: row["scale"]), rows[-1]
    top = slide.title(finding(rows, cap))
    left, bottom = 5.5 * slide.em, 4.2 * slide.em
    axes = slide.axes((left, top, slide.width - left - 2.5 * slide.em, slide.height - top - bottom), "step", "scale")
    axes.set(yscale="log", xlim=(0, 1.02 * end["step"]), ylim=(0.72 * min(lowest["scale"], start), 1.5 * cap))
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick > axes.get_ylim()[0]]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    thick = 1.5 * slide.line
    axes.axhspan(cap, 2 * cap, color=slide.faint, alpha=0.5)
    axes.axhline(cap, color=NEGATIVE, linewidth=slide.line, linestyle=(0, (4, 2)))
    axes.axhline(start, color=slide.muted, linewidth=0.7 * slide.line, linestyle=(0, (1, 1.5)))
    axes.plot([row["step"] for row in rows], [row["scale"] for row in rows], color=POSITIVE, linewidth=thick)
    ends = [rows[0], end]
    axes.plot([row["step"] for row in ends], [row["scale"] for row in ends], "D", color=POSITIVE, clip_on=False,
              markersize=0.6 * slide.body, markeredgecolor=slide.paper, linestyle="none")  # fmt: skip
    cap_row = {"step": end["step"], "scale": cap, "sure": sure_of(cap), "lead": LEAD, "what": "cap"}
    mark_levels(slide, axes, start, end, cap)
    return Drawn(
        f"The scale of the logits in each step's batch, on a log axis as it is learned. It starts at {start:.1f}, is "
        f"lowest at {lowest['scale']:.1f} in step {lowest['step']} and ends at {end['scale']:.1f}; the cap is 100. Of "
        f"a text that leads one rival by {LEAD:.2f} in cosine, the model is {sure_of(start):.0%} sure at the start, "
        f"{end['sure']:.0%} at the end, and would be {sure_of(cap):.0%} sure at the cap.",
        f"A curve on a log axis runs from {start:.1f} at step 0 to {end['scale']:.1f} at step {end['step']:,}; its "
        f"lowest point is {lowest['scale']:.1f}, its highest {max(row['scale'] for row in rows):.1f}. A dashed line at "
        "100 marks the cap, a dotted line the start.",
        [*rows, cap_row],
    )


def mark_levels(slide: Slide, axes, start: float, end: dict, cap: float) -> None:
    """Beside each level, its name and how sure it makes the model of a small lead."""
    last = end["step"]
    long = f"a lead of {LEAD:.2f} in cosine" if slide.wide else f"a lead of {LEAD:.2f}"
    for text, x, y, side in (
        (f"cap 100: {long} makes {sure_of(cap):.0%} sure", 0.02 * last, 1.13 * cap, "left"),
        (f"end {end['scale']:.1f}: {end['sure']:.0%} sure", last, 1.2 * end["scale"], "right"),
        (f"start {start:.1f}: {long}, {sure_of(start):.0%} sure", 0.02 * last, 0.85 * start, "left"),
    ):
        slide.label(axes, x, float(np.clip(y, *axes.get_ylim())), text, ha=side, weight="bold")
