"""f32: what two printed probabilities say of the cosines behind them, and how little one picture proves."""

import math

import numpy as np
from matplotlib.patches import Rectangle

from ...models.clip import INITIAL_LOGIT_SCALE, MAX_LOGIT_SCALE
from ...tasks.shares import Share
from ..page import decimal
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE
from . import Drawn

TITLE = "One picture"
NOTEBOOK = "17"
NOTE = (
    "An article shows CLIP a photograph of a tree frog and prints two probabilities, once with a prompt for each class "
    "and once with thirty descriptions. Ask what the second printout proves. Then work backwards: the ratio of two "
    "probabilities is a difference of two logits, and that divided by the scale a difference of two cosines, the only "
    "thing the model measured. Let the class see how flat the dashed curve is: at the scale with which training begins "
    "the same cosines say next to nothing. On the right, the share of all such pictures that each way may get right, "
    "with what one picture allows. The two bars overlap over more than half of all there is."
)

CLASSES = ("tree frog", "tailed frog")  # the photograph shows the first
PRINTED = {"one prompt": (0.3164, 0.6836), "30 descriptions": (0.6512, 0.3488)}  # to four decimals, as in the article
SCALE = math.exp(MAX_LOGIT_SCALE)  # of the published ViT-B/32, which training brought to its cap
LOOKS = {"one prompt": (NEGATIVE, "X"), "30 descriptions": (POSITIVE, "o")}


def cosine_gap(p, scale: float = SCALE) -> float:
    """The cosine with the first of two classes, less that with the second: p1 / p2 = exp(scale x gap).

    >>> round(cosine_gap((0.3164, 0.6836), 100), 4)
    -0.0077
    """
    return math.log(p[0] / p[1]) / scale


def fewest_to_convince(certainty: float = 0.05) -> int:
    """How many pictures must all change to the same side before a coin does so, in n throws, less often than that.

    >>> fewest_to_convince(0.05)
    6
    """
    return next(n for n in range(1, 99) if 2 * 0.5**n < certainty)


def draw(slide: Slide, run) -> Drawn:
    rows: list[dict] = []
    for name, p in PRINTED.items():
        low, high = Share([p[0] > p[1]]).interval
        gap = cosine_gap(p)
        rows.append({"texts": name, CLASSES[0]: p[0], CLASSES[1]: p[1], "logits_apart": SCALE * gap,
                     "cosines_apart": gap, "right": float(p[0] > p[1]), "low": low, "high": high})  # fmt: skip
    one, thirty = rows
    moved = thirty["cosines_apart"] - one["cosines_apart"]
    rows.append({"texts": "the change", "logits_apart": SCALE * moved, "cosines_apart": moved})
    shared = f"{thirty['low']:.0%} to {one['high']:.0%}"
    top = slide.title(
        f"From {one[CLASSES[0]]:.0%} to {thirty[CLASSES[0]]:.0%}: the cosines moved by {moved:.3f}; one picture "
        f"leaves {shared} open"
    )
    em, high = slide.em, slide.height
    if slide.wide:
        half = slide.width / 2
        curve(slide, (6.0 * em, top + em, half - 8.5 * em, high - top - 5.2 * em))
        intervals(slide, (half + 1.5 * em, top + em, half - 4.0 * em, high - top - 5.2 * em), rows[:2])
    else:
        room = high - top - 8.4 * em
        curve(slide, (5.5 * em, top, slide.width - 8.0 * em, 0.56 * room))
        intervals(slide, (2.5 * em, high - 4.2 * em - 0.44 * room, slide.width - 5.0 * em, 0.44 * room), rows[:2])
    return Drawn(
        f"Printed for a photograph of a {CLASSES[0]}: {one[CLASSES[0]]:.4f} with one prompt, {thirty[CLASSES[0]]:.4f} "
        f"with thirty descriptions. At a scale of {SCALE:.0f} the cosine with “{CLASSES[0]}”, less that with "
        f"“{CLASSES[1]}”, is {decimal4(one['cosines_apart'])} and {decimal4(thirty['cosines_apart'])}. Of one picture "
        f"none right leaves 0 to {one['high']:.2f} for all pictures, one right {thirty['low']:.2f} to 1 (95 %).",
        f"Left, an S-shaped curve of probability against the difference of two cosines, with a cross at "
        f"{one[CLASSES[0]]:.2f} and a dot at {thirty[CLASSES[0]]:.2f}; a dashed curve is much flatter. Right, two long "
        "bars, of the shares that one picture allows, which overlap in the middle.",
        rows,
    )


def decimal4(value: float) -> str:
    """Four decimals, with a minus sign that is as wide as a plus."""
    return f"{value:.4f}".replace("-", "−")


def curve(slide: Slide, box) -> None:
    """Probability against the difference of the cosines, at CLIP's scale and at the one it began with."""
    axes = slide.axes(box, "cosine with one, less the other", f"p({CLASSES[0]})")
    gaps = np.linspace(-0.04, 0.04, 161)
    start = math.exp(INITIAL_LOGIT_SCALE)
    for scale, dashes in ((SCALE, "-"), (start, (0, (4, 2)))):
        axes.plot(gaps, 1 / (1 + np.exp(-scale * gaps)), color=slide.ink, linestyle=dashes, linewidth=slide.line)
    axes.set(xlim=(-0.04, 0.04), ylim=(0, 1))
    axes.set_xticks([-0.03, 0, 0.03], [decimal(-0.03), "0", decimal(0.03)])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    for name, p in PRINTED.items():
        colour, marker = LOOKS[name]
        axes.plot([cosine_gap(p)], [p[0]], marker, color=colour, markersize=0.8 * slide.body,
                  markeredgecolor=slide.paper, zorder=3)  # fmt: skip
        side = -1 if p[0] > p[1] else 1  # of the curve, on which the name stands
        slide.label(axes, cosine_gap(p) + 0.004 * side, p[0] - 0.05 * side, name, ha="left" if side > 0 else "right")
    slide.label(axes, 0.019, 0.97, f"scale {SCALE:.0f}", ha="right")
    slide.label(axes, -0.0395, 0.3, f"scale {start:.1f}", ha="left")


def intervals(slide: Slide, box, rows) -> None:
    """What one picture allows for the share of all that are right, for each way to prompt."""
    axes = slide.axes(box, "share of all pictures that it names rightly")
    axes.spines["left"].set_visible(False)
    axes.set(xlim=(0, 1), ylim=(2, 0), yticks=[])
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    low, high = rows[1]["low"], rows[0]["high"]
    axes.add_patch(Rectangle((low, 0), high - low, 2, facecolor=slide.faint, linewidth=0, zorder=0))
    for k, row in enumerate(rows):
        colour, marker = LOOKS[row["texts"]]
        axes.plot([row["low"], row["high"]], [k + 0.62] * 2, color=colour, linewidth=3 * slide.line)
        axes.plot([row["right"]], [k + 0.62], marker, color=colour, markersize=slide.body, clip_on=False,
                  markeredgecolor=slide.paper, zorder=3)  # fmt: skip
        said = f"{row['texts']}: {row['right']:.0f} of 1"
        slide.label(axes, row["low"] if k == 0 else row["high"], k + 0.3, said, ha="right" if k else "left")
