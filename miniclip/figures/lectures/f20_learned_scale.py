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
    "sure; it climbs as the matches get better. The words at the marks say what a scale means: by how much the right "
    "text must lead one rival, in cosine, to be believed at 90 %. At the cap that lead is tiny, and a pair that is "
    "wrong by a gap in cosine costs a hundred times the gap: the cap keeps training stable, it is no target."
)

SURE = 0.9  # against one rival


def lead_for(scale: float) -> float:
    """The gap in cosine that makes the right one of two texts `SURE`: ln(p / (1 - p)) / scale.

    >>> round(lead_for(100.0), 3)
    0.022
    """
    return math.log(SURE / (1 - SURE)) / scale


def finding(rows, cap: float) -> str:
    """Where the scale went, and whether the cap held it."""
    first, last, highest = rows[0]["scale"], rows[-1]["scale"], max(row["scale"] for row in rows)
    held = "the cap of 100 is never touched" if highest < 0.999 * cap else "the cap of 100 holds it"
    return f"The model learns its own scale: from {first:.1f} to {last:.1f} in {rows[-1]['step']:,} steps, {held}"


def draw(slide: Slide, run) -> Drawn:
    start, cap = math.exp(INITIAL_LOGIT_SCALE), math.exp(MAX_LOGIT_SCALE)
    points = [(0, start), *((row["step"], row["scale"]) for row in run.log)]
    rows = [{"step": step, "scale": float(scale), "lead_for_90": lead_for(scale)} for step, scale in points]
    lowest, end = min(rows, key=lambda row: row["scale"]), rows[-1]
    top = slide.title(finding(rows, cap))
    left, bottom = 5.5 * slide.em, 4.2 * slide.em
    axes = slide.axes((left, top, slide.width - left - 2.5 * slide.em, slide.height - top - bottom), "step", "scale")
    axes.set(yscale="log", xlim=(0, 1.02 * end["step"]), ylim=(0.72 * min(lowest["scale"], start), 1.5 * cap))
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100) if tick > axes.get_ylim()[0]]
    axes.set_yticks(ticks, [str(tick) for tick in ticks])
    axes.yaxis.set_minor_locator(NullLocator())
    thick = 1.5 * slide.line
    axes.axhline(cap, color=NEGATIVE, linewidth=slide.line, linestyle=(0, (4, 2)))
    axes.axhline(start, color=slide.muted, linewidth=0.7 * slide.line, linestyle=(0, (1, 1.5)))
    axes.plot([row["step"] for row in rows], [row["scale"] for row in rows], color=POSITIVE, linewidth=thick)
    ends = [rows[0], end]
    axes.plot([row["step"] for row in ends], [row["scale"] for row in ends], "D", color=POSITIVE, clip_on=False,
              markersize=0.6 * slide.body, markeredgecolor=slide.paper, linestyle="none")  # fmt: skip
    cap_row = {"step": end["step"], "scale": cap, "lead_for_90": lead_for(cap), "what": "cap"}
    mark_levels(slide, axes, start, end, cap)
    return Drawn(
        f"The scale of the logits in each step's batch, on a log axis as it is learned. It starts at {start:.1f}, is "
        f"lowest at {lowest['scale']:.1f} in step {lowest['step']} and ends at {end['scale']:.1f}; the cap is 100. For "
        f"{SURE:.0%} against one rival a text must lead by {lead_for(start):.2f} in cosine at the start, by "
        f"{end['lead_for_90']:.3f} at the end, and by {lead_for(cap):.3f} at the cap.",
        f"A curve on a log axis runs from {start:.1f} at step 0 to {end['scale']:.1f} at step {end['step']:,}; its "
        f"lowest point is {lowest['scale']:.1f}, its highest {max(row['scale'] for row in rows):.1f}. A dashed line at "
        "100 marks the cap, a dotted line the start.",
        [*rows, cap_row],
    )


def mark_levels(slide: Slide, axes, start: float, end: dict, cap: float) -> None:
    """Beside each level, its name and the lead in cosine that it asks for."""
    last, lead = end["step"], "a cosine lead" if slide.wide else "a lead"
    for text, x, y, side in (
        (f"cap 100: {SURE:.0%} sure at {lead} of {lead_for(cap):.3f}", 0.02 * last, 1.13 * cap, "left"),
        (f"end {end['scale']:.1f}: at {lead} of {end['lead_for_90']:.3f}", last, 1.22 * end["scale"], "right"),
        (f"start {start:.1f}: at {lead} of {lead_for(start):.2f}", last, 0.85 * start, "right"),
    ):
        slide.label(axes, x, float(np.clip(y, *axes.get_ylim())), text, ha=side, weight="bold")
