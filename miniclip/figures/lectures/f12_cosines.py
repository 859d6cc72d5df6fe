"""f12: cosines of right and wrong pairs, before and after training: right ones end high, not at 1."""

import numpy as np
from matplotlib.ticker import PercentFormatter

from ...data.captions import truth_matrix
from ...data.pairs import batch
from ...tasks.evaluate import untrained
from ..page import decimal
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE
from . import Drawn

TITLE = "Cosines of right and wrong pairs"
NOTEBOOK = "11"
NOTE = (
    "Ask first: where will the cosine of a picture and its own caption be after training? Most say 1. The loss never "
    "asks for that: it compares, and a gap to the wrong captions is enough. Toy examples by hand, with 0.99 and 0, "
    "spread this error. Before training both hills are the same hill: a right pair is no nearer than a wrong one. "
    "Point at the wrong pairs on the right that come close: most share a colour or a shape."
)

PAIRS = 512
BINS = np.linspace(-0.9, 1.0, 39)
KINDS = ("right", "wrong")
DASHES = (0, (4, 2))


def draw(slide: Slide, run) -> Drawn:
    measured = cosines(run.model)
    rows = [{"training": when, "pairs": kind, "n": len(values), "mean": float(values.mean()),
             "deviation": float(values.std()), "lowest": float(values.min()), "highest": float(values.max())}
            for when, both in measured.items() for kind, values in zip(KINDS, both, strict=True)]  # fmt: skip
    before, wrong_before, right, wrong = (float(values.mean()) for both in measured.values() for values in both)
    highest = float(measured["after"][0].max())
    top = slide.title(f"Training parts the pairs, but right is not 1: means {decimal(right)} and {decimal(wrong)}")
    tall = 1.1 * max(shares(values).max() for both in measured.values() for values in both)
    for k, (when, both) in enumerate(measured.items()):
        panel(slide, top, k, when, both, tall)
    return Drawn(
        f"Cosines of {PAIRS} held-out pictures with their own captions and with captions that are false of them. "
        f"Before training the means are {decimal(before)} and {decimal(wrong_before)}, after it {decimal(right)} and "
        f"{decimal(wrong)}; the highest cosine of a right pair is {decimal(highest)}.",
        f"Two panels of two histograms each. Before training, right and wrong pairs lie on top of each other at "
        f"{decimal(before)}. After training, wrong pairs are a wide hill around {decimal(wrong)}, right pairs a narrow "
        f"one around {decimal(right)}; none is above {decimal(highest)}.",
        rows,
    )


def cosines(model) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Before and after training: the cosines of the pairs, and of every picture with every false caption."""
    pairs = batch(0, "A", np.arange(PAIRS), model.tokenizer)
    false = ~truth_matrix(pairs.texts, pairs.scenes)
    found = {}
    for when, one in (("before", untrained(model)), ("after", model)):
        all_cosines = one.encode_image(pairs.images) @ one.encode_text(pairs.ids).T
        found[when] = (all_cosines.diagonal(), all_cosines[false])
    return found


def shares(values) -> np.ndarray:
    """Which share of the values falls into each bin."""
    return np.histogram(values, BINS)[0] / len(values)


def panel(slide: Slide, top: float, k: int, when: str, both, tall: float) -> None:
    """One pair of histograms, each in shares of its own pairs, their means marked and named."""
    left, below, over, gap = 6.4 * slide.em, 4.0 * slide.em, 1.8 * slide.em, 2.5 * slide.em
    columns = 2 if slide.wide else 1
    width = (slide.width - left - 1.5 * slide.em - (columns - 1) * gap) / columns
    room = (slide.height - top - below) / (3 - columns) - over - (0 if slide.wide else 0.8 * slide.em)
    x = left + (k * (width + gap) if slide.wide else 0)
    y = top + over + (0 if slide.wide else k * (room + over + 1.6 * slide.em))
    last = slide.wide or k == 1
    names = ("cosine of picture and caption" if last else "", "share of the pairs" if k == 0 or not slide.wide else "")
    axes = slide.axes((x, y, width, room), *names)
    for values, colour, line, hatch in zip(both, (POSITIVE, NEGATIVE), ("-", DASHES), ("", "//"), strict=True):
        axes.stairs(
            shares(values), BINS, fill=True, facecolor=colour + "66", hatch=hatch, edgecolor=colour, linewidth=0
        )
        axes.stairs(shares(values), BINS, color=colour, linewidth=slide.line, linestyle=line)
    axes.set(xlim=(-0.9, 1.05), ylim=(0, tall))
    name_hills(slide, axes, both, tall)
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.tick_params(labelleft=k == 0 or not slide.wide)
    axes.set_xticks((-0.5, 0, 0.5, 1), ("−0.5", "0", "0.5", "1") if last else [""] * 4)
    slide.write(slide.sheet((x, y - over, width, over)), 0, 0, f"{when} training", weight="bold")


def name_hills(slide: Slide, axes, both, tall: float) -> None:
    """Each hill's name and mean beside its top; one name if both stand in one place."""
    means, tops = [values.mean() for values in both], [shares(values).max() for values in both]
    if abs(means[0] - means[1]) < 0.05:
        slide.label(axes, means[0] - 0.2, tops[0], f"right and wrong:\n{decimal(means[0])}", ha="right", va="top")
        return
    slide.label(axes, means[0] - 0.12, tops[0], f"right: {decimal(means[0])}", ha="right", va="top", weight="bold")
    slide.label(
        axes, means[1], tops[1] + 0.03 * tall, f"wrong: {decimal(means[1])}", ha="center", va="bottom", weight="bold"
    )
