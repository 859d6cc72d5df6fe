"""f19: what a larger batch buys, what it costs, and what it does not cure: five seeds, and false negatives counted."""

import numpy as np
from matplotlib.ticker import NullLocator

from ...data.captions import truth_matrix, write_captions
from ...data.world import sample_scenes
from ...labs.batch_size import PAIRS
from ...labs.sweeps import SEEDS, SIZES, STEPS, read_measured
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, TEXT, Look
from . import Drawn

TITLE = "Batch size and false negatives"
NOTEBOOK = "16"
NOTE = (
    "Ask first: which of two classmates is right, the one whose larger batch did better, or the one whose did worse? "
    "Both: one gave every training as many steps, the other as many pairs. A step with more pairs teaches more, but "
    "there are fewer such steps in the same data. Then the right panel: a large batch is said to overcome false "
    "negatives. Count them: each other caption is true of my picture with the same small probability, so the more "
    "there are, the more of them the loss calls wrong. What cures them is knowing which captions fit."
)

COUNTED = 2048  # training pairs in which false negatives are counted
WAYS = {"as many steps": (IMAGE, "o", "-"), "as many pairs": (TEXT, "s", (0, (4, 1.5)))}


def scores() -> dict[str, np.ndarray]:
    """(sizes, seeds): R@1 in per cent by what all trainings have alike."""
    found = {(row["seed"], row["batch"], row["steps"]): 100 * row["first hit"] for row in read_measured("batch size")}
    steps = dict(zip(WAYS, (lambda size: STEPS, lambda size: PAIRS // size), strict=True))
    return {way: np.array([[found[seed, size, of(size)] for seed in SEEDS] for size in SIZES])
            for way, of in steps.items()}  # fmt: skip


def false_negatives() -> tuple[list[float], list[float]]:
    """Of pictures the share, in per cent, beside whose caption a batch has another true one; and how many such ones."""
    scenes = sample_scenes(SEEDS[0], "train", np.arange(COUNTED))
    true = truth_matrix(write_captions(scenes), scenes)
    shares, numbers = [], []
    for size in SIZES:
        others = [true[k : k + size, k : k + size].sum(1) - 1 for k in range(0, COUNTED, size)]
        shares.append(100 * float((np.concatenate(others) > 0).mean()))
        numbers.append(float(np.concatenate(others).mean()))
    return shares, numbers


def panel(slide: Slide, box, ylabel: str):
    """Axes of per cent against the size of the batch, on a logarithmic scale."""
    axes = slide.axes(box, "pairs in a batch", ylabel, grid=True)
    axes.set_xscale("log", base=2)
    axes.set_xticks(SIZES, [str(size) for size in SIZES])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(ylim=(0, 112), yticks=(0, 25, 50, 75, 100), xlim=(SIZES[0] / 1.25, SIZES[-1] * 1.25))
    return axes


def draw_hits(slide: Slide, box, found) -> None:
    """A dot for each seed, a line through their means."""
    axes = panel(slide, box, "R@1, in %")
    for way, (colour, marker, dash) in WAYS.items():
        axes.plot(SIZES, found[way].mean(1), color=colour, linestyle=dash, linewidth=slide.line, zorder=2)
        dot: Look = {"markersize": 0.4 * slide.body, "markeredgecolor": slide.paper, "zorder": 3}
        axes.plot(SIZES, found[way], marker, color=colour, **dot)
    slide.label(axes, SIZES[0] * 1.15, found["as many steps"].mean(1)[0] - 11, f"{STEPS} steps")
    slide.label(axes, SIZES[-1] / 1.35, found["as many pairs"].mean(1)[-1] + 4, f"{PAIRS:,} pairs", ha="right")


def draw_negatives(slide: Slide, box, shares) -> None:
    """How many pictures have a false negative."""
    axes = panel(slide, box, "with a false negative, in %")
    axes.plot(SIZES, shares, "-D", color=NEGATIVE, linewidth=slide.line, markersize=0.5 * slide.body)
    for size, share in list(zip(SIZES, shares, strict=True))[1::2]:
        slide.label(axes, size / 1.12, share + 7, f"{share:.0f} %", ha="right", weight="bold")


def draw(slide: Slide, run) -> Drawn:
    found, (shares, numbers) = scores(), false_negatives()
    rows = [{"batch": size, "with a false negative": share, "false negatives a picture": number}
            | {f"{way}, seed {seed}": hit for way in WAYS for seed, hit in zip(SEEDS, found[way][k], strict=True)}
            for k, (size, share, number) in enumerate(zip(SIZES, shares, numbers, strict=True))]  # fmt: skip
    top = slide.title("A larger batch learns more a step, less a pair, and holds more false negatives")
    em, left, below = slide.em, 4.8 * slide.em, 4.0 * slide.em
    if slide.wide:
        half, high = slide.width / 2, slide.height - top - below
        boxes = [(x + left, top, half - left - 1.2 * em, high) for x in (0, half)]
    else:
        high = (slide.height - top - 2 * below) / 2
        boxes = [(left, y, slide.width - left - 1.2 * em, high) for y in (top, top + high + below)]
    draw_hits(slide, boxes[0], found)
    draw_negatives(slide, boxes[1], shares)
    ends = {way: f"from {hits.mean(1)[0]:.0f} to {hits.mean(1)[-1]:.0f} %" for way, hits in found.items()}
    return Drawn(
        f"R@1 on 512 new pairs after trainings with batches of {SIZES[0]} to {SIZES[-1]}, a dot for each of "
        f"{len(SEEDS)} seeds, none of their pairs popular. Counted in {COUNTED:,} training pairs: how many pictures "
        f"have another caption in their batch that is true of them; at {SIZES[-1]} each has {numbers[-1]:.2f} of them.",
        f"Two panels against the size of the batch, {SIZES[0]} to {SIZES[-1]}. With {STEPS} steps for each R@1 rises "
        f"{ends['as many steps']}, with {PAIRS:,} pairs for each it goes {ends['as many pairs']}. Pictures with a "
        f"false negative go from {shares[0]:.0f} to {shares[-1]:.0f} %.",
        rows,
    )
