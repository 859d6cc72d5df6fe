"""f04: the push on a negative is its softmax weight: the near miss gets all of it, the opposite nothing."""

import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle, Rectangle

from ...data.captions import truth_matrix
from ...data.drawing import draw_scenes
from ...data.pairs import batch
from ...nn.ops import softmax_forward
from ..page import decimal, thumbnail
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, TEXT
from . import Drawn

TITLE = "Who gets pushed"
NOTEBOOK = "01"
NOTE = (
    "Ask before showing: of two wrong texts, one nearly right and one pointing the opposite way, which does the loss "
    "push harder? Most say the opposite one. The slope of the loss in a negative's cosine is the scale times its "
    "softmax weight: an opposite has no weight left, and the near miss has all of it. Arrows and bars are drawn to "
    "scale, so what is not there is too small to be drawn. Where there is room, a picture of the trained model and "
    "wrong captions of its batch: the hardest carries most of the push. The word is hard negatives, not opposites. Ask "
    "next what happens if the hardest one is true."
)

COSINES = np.array([0.96, 0.6, -0.96])  # Part A of the practice page; the first is the right text
SCALE = 1 / 0.07
BATCH, EXAMPLE = 64, 16  # pairs of the trained model; the one that is shown
SHOWN = (0, 1, -1)  # of its wrong texts, the hardest first
PUSH = 5.0  # how long the longest arrow is, in letters


def draw(slide: Slide, run) -> Drawn:
    p = softmax_forward(SCALE * COSINES)[0]
    toy = [toy_row(name, cosine, weight) for name, cosine, weight in zip("BC", COSINES[1:], p[1:], strict=True)]
    times = float(p[1] / p[2] / 1e9)
    pairs, shares, hardest = trained(run)
    order = sorted(np.flatnonzero(shares[EXAMPLE]), key=lambda k: -shares[EXAMPLE, k])
    wrong = [(pairs.texts[order[k]], float(shares[EXAMPLE, order[k]])) for k in SHOWN]
    rows = [*toy, {"negative": "B over C", "billions": times},
            {"negative": f"the hardest of {BATCH} pairs, on average", "share": hardest}]  # fmt: skip
    rows += [{"negative": text, "share": share} for text, share in wrong]
    top = slide.title(f"The near miss is pushed {times:.1f} billion times harder than the opposite")
    width = 27 * slide.em if slide.wide else slide.width - 3 * slide.em
    draw_circle(slide, (1.5 * slide.em, top, width, slide.height - top - slide.em), toy)
    if slide.wide:
        draw_example(slide, top, draw_scenes(pairs.scenes[[EXAMPLE]])[0], pairs.texts[EXAMPLE], wrong, hardest)
    near, opposite = (f"text {row['negative']} (cosine {decimal(row['cosine'])}) has {power(row['weight'])}"
                      for row in toy)  # fmt: skip
    return Drawn(
        f"Softmax weights of two wrong texts beside a right one, at scale {SCALE:.1f}: {near}, {opposite}. In {BATCH} "
        f"pairs of the trained model the hardest wrong text takes {hardest:.0%} of the push of an image, on average.",
        f"A circle with an image, its text A, and two wrong texts. {near}, nearly right, with an arrow; {opposite}, "
        f"the opposite, with none. Where there is room, bars for wrong captions, {wrong[0][1]:.0%} the first.",
        rows,
    )


def toy_row(name: str, cosine, weight) -> dict:
    """A wrong text, its weight, and the weight as a number from 1 to 10 times a power of ten."""
    exponent = math.floor(math.log10(weight))
    return {"negative": name, "cosine": float(cosine), "scale": round(SCALE, 4), "weight": float(weight),
            "mantissa": float(weight) / 10.0**exponent, "exponent": exponent}  # fmt: skip


def power(value: float) -> str:
    """1.2 × 10⁻¹²"""
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa} × 10" + str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def trained(run):
    """Pairs, of the weight of all wrong texts of each image the share of each (B, B), and the mean of the largest."""
    pairs = batch(0, "A", np.arange(BATCH), run.model.tokenizer)
    cosines = run.model.encode_image(pairs.images) @ run.model.encode_text(pairs.ids).T
    logits = math.exp(run.model.logit_scale) * cosines.astype(float)
    logits[truth_matrix(pairs.texts, pairs.scenes)] = -np.inf  # a text that is true of the picture is not wrong
    shares = softmax_forward(logits)[0]
    return pairs, shares, float(shares.max(1).mean())


def draw_circle(slide: Slide, box, toy: list[dict]) -> None:
    """The image, the right text and the two wrong ones at their angles, and the pushes as arrows, to scale."""
    em, (x, y, width, height) = slide.em, box
    r = min((height - 5.2 * em) / 1.96, (width - 9 * em) / 1.9)
    middle, sheet = (x + r, y + r + 1.7 * em), slide.sheet()
    sheet.add_patch(Circle(middle, r, fill=False, edgecolor=slide.faint, linewidth=slide.line))
    turns = np.array([0.0, *np.arccos(COSINES)])
    spots = np.stack([middle[0] + r * np.sin(turns), middle[1] - r * np.cos(turns)], 1)
    for spot, shape, colour in zip(spots, "osss", (IMAGE, TEXT, TEXT, TEXT), strict=True):
        sheet.plot(*zip(middle, spot, strict=True), color=slide.muted, linewidth=slide.line / 2)
        sheet.plot(*spot, shape, color=colour, markersize=0.9 * slide.body, zorder=4)
    for row, spot, turn in zip(toy, spots[2:], turns[2:], strict=True):
        way = PUSH * slide.em * row["weight"] / toy[0]["weight"] * np.array([math.cos(turn), math.sin(turn)])
        if np.hypot(*way) > 0.01:  # of an inch: a shorter one would be all head
            slide.arrow(sheet, spot, spot + way, NEGATIVE, 2.0)
    slide.write(sheet, spots[0][0] - 0.8 * em, spots[0][1] - 1.5 * em, "image", weight="bold", ha="right")
    name(slide, sheet, spots[1] + (1.2 * em, -1.9 * em), "right text A", COSINES[0])
    name(slide, sheet, spots[2] + (1.8 * em, -2.4 * em), "near miss B", toy[0]["cosine"], toy[0]["weight"])
    name(slide, sheet, spots[3] + (1.2 * em, -0.6 * em), "opposite C", toy[1]["cosine"], toy[1]["weight"])


def name(slide: Slide, sheet: Axes, place, what: str, cosine: float, weight: float | None = None) -> None:
    """A point's name and cosine, and under them how hard it is pushed."""
    x, y = place
    y += slide.write(sheet, x, y, what, weight="bold")
    y += slide.write(sheet, x, y, f"cosine {decimal(cosine)}")
    if weight is not None:
        slide.write(sheet, x, y, f"push {power(weight)}")


def draw_example(slide: Slide, top: float, picture, caption: str, wrong, hardest: float) -> None:
    """A picture, and wrong captions with their share of all its pushes, as bars from 0."""
    em, sheet = slide.em, slide.sheet()
    left, side = 30.5 * em, 5.0 * em
    width = slide.width - left - 1.5 * em
    thumbnail(sheet, picture, left, top, side)
    slide.write(sheet, left + side + em, top, "Trained, with the picture of", width - side - em, 2)
    slide.write(sheet, left + side + em, top + 1.4 * em, f"“{caption}”", width - side - em, 2, weight="bold")
    y = top + side + 1.2 * em
    for text, share in wrong:
        y += slide.write(sheet, left, y, f"“{text}”", width, 2) + 0.2 * em
        full, number = 0.75 * width * share, f"{share:.0%}" if share > 0.001 else power(share)
        sheet.add_patch(Rectangle((left, y), full, 1.3 * em, facecolor=NEGATIVE, linewidth=0))
        slide.write(sheet, left + full + (0.5 * em if full > 0.01 else 0), y, number, weight="bold")
        y += 2.0 * em
    said = f"of the push on wrong captions; on average the hardest of {BATCH} gets {hardest:.0%}"
    slide.write(sheet, left, y, said, width, 2, color=slide.muted)
