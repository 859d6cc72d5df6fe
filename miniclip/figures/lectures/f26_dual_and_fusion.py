"""f26: a dual encoder runs once for each thing, a fusion encoder once for each pair."""

from matplotlib.patches import Rectangle

from ..slide import Slide
from ..style import IMAGE, TEXT, Look
from . import Drawn

TITLE = "Dual and fusion encoders"
NOTEBOOK = "04"
NOTE = (
    "Ask what must be computed again when one more caption arrives. In the dual encoder on the left, one pass of the "
    "text tower: the images were embedded long ago, and a score is a dot product. In the fusion encoder on the right, "
    "one pass for every image, because words attend to patches inside the network and nothing can be kept. Then ask "
    "what the right side buys: a word can look at the patch it is about, which a single vector cannot hold. Hence the "
    "usual marriage: the dual encoder finds a hundred candidates, the fusion encoder puts them in order."
)

SHOWN, MANY = (4, 5), (1000, 1000)  # images, texts


def passes(images: int, texts: int) -> tuple[int, int]:
    """The forward passes that all scores take: dual, fusion.

    >>> passes(4, 5)
    (9, 20)
    """
    return images + texts, images * texts


def draw(slide: Slide, run) -> Drawn:
    (n, m), (big_n, big_m) = SHOWN, MANY
    rows = [{"images": a, "texts": b, "dual_passes": passes(a, b)[0], "fusion_passes": passes(a, b)[1],
             "one_more_text_dual": 1, "one_more_text_fusion": a} for a, b in (SHOWN, MANY)]  # fmt: skip
    few, many = passes(n, m), passes(big_n, big_m)
    top = slide.title(
        f"To score {big_n:,} images against {big_m:,} texts, a dual encoder runs {many[0]:,} times, a fusion encoder "
        f"{many[1]:,} times"
    )
    width, height = (slide.width - 4 * slide.em) / 2, slide.height - top - 1.2 * slide.em
    words = (
        (f"Dual: {n} + {m} = {few[0]} passes", "each score: a dot product", "one more text: 1 pass"),
        (
            f"Fusion: {n} × {m} = {few[1]} passes",
            "each score: a pass",
            f"one more text: {n} passes",
        ),
    )
    for k, (heading, *below) in enumerate(words):
        left = 1.5 * slide.em + k * (width + slide.em)
        panel(slide, (left, top, width, height), heading, below, fused=bool(k))
    return Drawn(
        f"Every framed box is one forward pass. A dual encoder runs once for each of {n} images and {m} texts, "
        f"{few[0]} passes, and each score is a dot product of two vectors of {run.model.config.embed_dim} numbers. A "
        f"fusion encoder runs once for each pair, {few[1]} passes; for {big_n:,} of each it is {many[0]:,} against "
        f"{many[1]:,}.",
        f"Two tables of {n} images by {m} texts. Left, the dual encoder: {n} framed boxes beside the rows and {m} "
        f"above the columns, dots in the cells. Right, the fusion encoder: {few[1]} framed boxes, one in each cell, "
        "with an image and a text in each.",
        rows,
    )


def panel(slide: Slide, box, heading: str, below: list[str], fused: bool) -> None:
    """A table of images (rows) and texts (columns); a framed box wherever the network runs."""
    n, m = SHOWN
    sheet, (_, _, width, height) = slide.sheet(box), box
    room, foot = 2.0 * slide.em, 3.2 * slide.em
    side = min(width / (m + 1.15), (height - room - foot) / (n + 1.15))
    left, high = (width - (m + 1.15) * side) / 2, (n + 1.15) * side
    above = (height - room - foot - high) / 2
    top = above + room
    slide.write(sheet, width / 2, above, heading, weight="bold", ha="center")
    for k, words in enumerate(below):
        look: Look = {"weight": "bold"} if k else {}
        slide.write(sheet, width / 2, top + high + (0.4 + 1.3 * k) * slide.em, words, ha="center", **look)
    for i in range(-1, n):
        for j in range(-1, m):
            x = left + (j + 1) * side + 0.15 * side * (j >= 0)
            y = top + (i + 1) * side + 0.15 * side * (i >= 0)
            runs = fused if i >= 0 and j >= 0 else not fused and i + j > -2 and min(i, j) < 0
            cell(slide, sheet, x, y, side, i, j, runs)


def cell(slide: Slide, sheet, x, y, side: float, i: int, j: int, runs: bool) -> None:
    """One place of the table: an image in the first column, a text in the first row, their score elsewhere."""
    if i < 0 and j < 0:
        return
    if runs:
        look: Look = {"facecolor": slide.faint, "edgecolor": slide.ink, "linewidth": 0.8 * slide.line}
        sheet.add_patch(Rectangle((x + 0.08 * side, y + 0.08 * side), 0.84 * side, 0.84 * side, **look))
    middle, down, points = x + side / 2, y + side / 2, 72 * side
    if i >= 0 and j >= 0 and not runs:
        sheet.plot([middle], [down], ".", color=slide.muted, markersize=0.2 * points)
        return
    both = i >= 0 and j >= 0
    size, apart = (0.26 if both else 0.42) * points, 0.17 * side if both else 0.0
    if j < 0 or both:
        sheet.plot([middle - apart], [down], "o", color=IMAGE, markersize=size, markeredgecolor=slide.paper)
    if i < 0 or both:
        sheet.plot([middle + apart], [down], "s", color=TEXT, markersize=0.9 * size, markeredgecolor=slide.paper)
