"""f04: the push on a negative is its softmax weight: the near miss gets all of it, the opposite nothing."""

import math

import numpy as np
from matplotlib.ticker import FixedLocator, NullLocator

from ...data.captions import truth_matrix
from ...data.pairs import batch
from ...nn.ops import softmax_forward
from ..page import decimal
from ..slide import Slide
from ..style import NEGATIVE, ROSE
from . import Drawn

TITLE = "Who gets pushed"
NOTEBOOK = "05"
NOTE = (
    "Ask before showing: of two wrong texts, one nearly right and one pointing the opposite way, which does the loss "
    "push harder? Most say the opposite one. The slope of the loss in a negative's cosine is the scale times its "
    "softmax weight: an opposite has no weight left, and the near miss has all of it. Every tick is a factor of 1000. "
    "The second panel, where there is room, is a batch of the trained model: the hardest of its wrong texts carries "
    "most of the push. The word is hard negatives, not opposites. Ask next what happens if the hardest one is true."
)

COSINES = np.array([0.96, 0.6, -0.96])  # Part A of the practice page; the first is the right text
SCALE = 1 / 0.07
BATCH, SHOWN = 64, 5  # pairs of the second panel; how many of its wrong texts
DECADES = (-12, -9, -6, -3, 0)
LEAST = 1e-14  # where the bars begin: a logarithm has no zero


def draw(slide: Slide, run) -> Drawn:
    p = softmax_forward(SCALE * COSINES)[0]
    toy = [toy_row(name, cosine, weight) for name, cosine, weight in zip("BC", COSINES[1:], p[1:], strict=True)]
    times, shares = float(p[1] / p[2] / 1e9), batch_shares(run)
    rows = [*toy, {"negative": "B over C", "billions": times}]
    rows += [{"negative": f"hardest {k + 1} in a batch of {BATCH}", "share": float(v)} for k, v in enumerate(shares)]
    top = slide.title(f"The near miss is pushed {times:.1f} billion times harder than the opposite")
    draw_toy(slide, top, toy)
    if slide.wide:
        draw_batch(slide, top, shares)
    near, opposite = (f"text {row['negative']} (cosine {decimal(row['cosine'])}) has {power(row)}" for row in toy)
    return Drawn(
        f"Softmax weights of two wrong texts beside a right one, at scale {SCALE:.1f}: {near}, {opposite}. In {BATCH} "
        f"pairs of the trained model the hardest wrong text takes {shares[0]:.0%} of the push of an image, on average.",
        f"Two bars on a logarithmic axis: {near}, nearly right and long; {opposite}, the opposite and hardly there. "
        f"Where there is room, falling bars for a batch, the first at {shares[0]:.0%}.",
        rows,
    )


def toy_row(name: str, cosine, weight) -> dict:
    """A wrong text, its weight, and the weight as a number from 1 to 10 times a power of ten."""
    exponent = math.floor(math.log10(weight))
    return {"negative": name, "cosine": float(cosine), "scale": round(SCALE, 4), "weight": float(weight),
            "mantissa": float(weight) / 10.0**exponent, "exponent": exponent}  # fmt: skip


def power(row: dict) -> str:
    """1.2 × 10⁻¹²"""
    return f"{row['mantissa']:.1f} × {ten(row['exponent'])}"


def ten(exponent: int) -> str:
    """10⁻¹², or 1"""
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")) if exponent else "1"


def batch_shares(run) -> np.ndarray:
    """Of the weight of all wrong texts of an image, what the hardest takes, the second, ...: (SHOWN,), the mean."""
    pairs = batch(0, "A", np.arange(BATCH), run.model.tokenizer)
    cosines = run.model.encode_image(pairs.images) @ run.model.encode_text(pairs.ids).T
    p = softmax_forward(math.exp(run.model.logit_scale) * cosines)[0]
    wrong = np.where(truth_matrix(pairs.texts, pairs.scenes), 0.0, p)  # a text that is true of the picture is not wrong
    ranked = -np.sort(-wrong, axis=1)
    return (ranked / ranked.sum(1, keepdims=True)).mean(0)[:SHOWN]


def draw_toy(slide: Slide, top: float, toy: list[dict]) -> None:
    """The two weights, as bars that begin at LEAST."""
    em = slide.em
    left, above = 8.5 * em, top + 2.2 * em
    width = (0.56 * slide.width if slide.wide else slide.width - 2.5 * em) - left
    slide.write(slide.sheet(), 1.5 * em, top, f"Softmax weight at scale {SCALE:.1f}", weight="bold")
    axes = slide.axes((left, above, width, slide.height - above - 4.6 * em), "every tick: 1000 times more")
    bars = axes.barh([0, 1], [row["weight"] - LEAST for row in toy], left=LEAST, height=0.45, color=[NEGATIVE, ROSE])
    for patch, hatch in zip(bars, ("//", ".."), strict=True):
        patch.set(hatch=hatch, edgecolor=slide.paper)
    axes.set(xscale="log", xlim=(LEAST, 10.0), ylim=(1.6, -0.75))
    axes.xaxis.set_major_locator(FixedLocator([10.0**k for k in DECADES]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels([ten(k) for k in DECADES])
    axes.set_yticks([0, 1], [f"text {row['negative']}\ncos {decimal(row['cosine'])}" for row in toy])
    axes.grid(axis="x", color=slide.faint, linewidth=slide.line / 3)
    axes.set_axisbelow(True)
    for i, (row, what) in enumerate(zip(toy, ("near miss", "opposite"), strict=True)):
        slide.label(axes, 2 * LEAST, i - 0.4, f"{what}: {power(row)}", fontweight="bold")


def draw_batch(slide: Slide, top: float, shares) -> None:
    """The hardest wrong texts of a trained batch, and what each takes of the push."""
    em = slide.em
    left, above = 0.64 * slide.width, top + 2.2 * em
    slide.write(slide.sheet(), left, top, "Trained: share of the push", weight="bold")
    axes = slide.axes(
        (left, above, slide.width - left - 1.5 * em, slide.height - above - 4.6 * em), "wrong texts, hardest first"
    )
    axes.bar(range(1, SHOWN + 1), shares, color=NEGATIVE, hatch="//", edgecolor=slide.paper, width=0.65)
    axes.set(ylim=(0, 1.12 * shares[0]), yticks=[], xticks=range(1, SHOWN + 1))
    axes.spines["left"].set_visible(False)
    for k, share in enumerate(shares):
        slide.label(axes, k + 1, share + 0.05 * shares[0], f"{share:.0%}", ha="center")
