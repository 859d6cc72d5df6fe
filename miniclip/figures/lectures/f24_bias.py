"""f24: same code, same seed, same first weights, two corpora: opposite errors."""

import numpy as np

from ...data.pictures import denormalize
from ...data.world import sample_scenes
from ...labs.bias import KINDS, TESTED, TWO_SHAPES, grainy, kinds_of, two_by_two
from ...labs.sweeps import SEEDS, read_measured
from ..page import frame, thumbnail
from ..slide import Slide
from . import Drawn

TITLE = "Bias follows the data"
NOTEBOOK = "15"
NOTE = (
    "Cover the right half and ask what this model has learned: to tell circles from squares, or red from blue? Then "
    "uncover it. Code, seed and first weights are the same; in one corpus nine of ten red things are circles, in the "
    "other one of ten. Each answers by colour, so their errors are opposite. Let the class say what the average hides: "
    "both are right half of the time, like a coin, and neither guesses. Those who look for the fault in the code will "
    "not find it."
)

CORPORA = {"90 %": "9 of 10 red things were circles", "10 %": "1 of 10 red things was a circle"}
EVEN = "50 %"  # the baseline: errors, but no habit
PICTURES = 64  # among which one of each kind is found to show


def shares() -> dict[str, np.ndarray]:
    """(kinds, shapes): of the pictures of each kind, how many are called a circle, and a square."""
    found = {(row["corpus"], row["kind"]): row["misnamed"] for row in read_measured("bias")}
    return {name: np.array([[1 - found[name, kind], found[name, kind]][:: 1 if TWO_SHAPES[0] in kind else -1]
                            for kind in KINDS]) for name in CORPORA}  # fmt: skip


def one_of_each() -> np.ndarray:
    """(kinds, Y, X, 3): a grainy picture of each kind."""
    scenes = two_by_two(sample_scenes(SEEDS[0], "A", np.arange(PICTURES)), 0.5)
    large = np.flatnonzero((scenes.size[:, 0] == scenes.size[:, 0].max()) & (scenes.style == 0))
    first = [large[kinds_of(scenes[large]) == k][0] for k in range(len(KINDS))]
    return denormalize(grainy(scenes[first], np.full(len(first), TESTED))).clip(0, 1)


def draw(slide: Slide, run) -> Drawn:
    found = shares()
    rows = [
        {"corpus": said, "kind": kind, "called circle": float(circle), "called square": float(square)}
        for name, said in CORPORA.items()
        for kind, (circle, square) in zip(KINDS, found[name], strict=True)
    ]
    even = [row["misnamed"] for row in read_measured("bias") if row["corpus"] == EVEN]
    rows += [{"corpus": "5 of 10", "kind": kind, "misnamed": share} for kind, share in zip(KINDS, even, strict=True)]
    right = [TWO_SHAPES.index(kind.split()[1]) for kind in KINDS]
    wrong = {name: [kind for kind, row, j in zip(KINDS, table, right, strict=True) if row[j] < 0.5]
             for name, table in found.items()}  # fmt: skip
    one, other = (" and ".join(f"{kind}s" for kind in kinds) for kinds in wrong.values())
    top = slide.title(f"Same code, same seed, other pairs: one model errs on {one}, the other on {other}")
    draw_tables(slide, top, found)
    return Drawn(
        "What two models call grainy red and blue circles and squares that neither has seen, 2,048 of them, as many of "
        f"each kind. In one corpus {CORPORA['90 %']}, as many blue ones squares; in the other {CORPORA['10 %']}. A "
        f"frame marks the right answer. After a corpus with 5 of 10, {100 * min(even):.1f} to {100 * max(even):.1f} % "
        "of each kind are misnamed.",
        f"Two tables with four rows, a picture each, and two columns, circle and square. The left model calls what is "
        f"red a circle and what is blue a square, whatever its shape; the right model the reverse. So {one} are wrong "
        f"on the left, {other} on the right.",
        rows,
    )


def draw_tables(slide: Slide, top: float, found) -> None:
    """A row for each kind, its picture on the left; two columns for each corpus."""
    em, sheet = slide.em, slide.sheet()
    names = 4.2 * em + 4.0 * em  # a picture and its name
    cell = (slide.width - names - 4.5 * em) / 4
    lines = 1 if slide.wide else 3
    head = top + (lines + 1.4) * 1.35 * em
    row = min((slide.height - head - 2.8 * em) / len(KINDS), 4.2 * em)
    for k, (kind, picture) in enumerate(zip(KINDS, one_of_each(), strict=True)):
        thumbnail(sheet, picture, 1.5 * em, head + k * row, row - 0.3 * em)
        slide.write(sheet, 1.8 * em + row, head + k * row + row / 2 - 1.5 * em, kind, 4.0 * em, 2)
    under = head + len(KINDS) * row + 0.3 * em
    slide.write(sheet, 1.5 * em, under, "In a frame: the right answer.", color=slide.muted)
    for t, (name, table) in enumerate(found.items()):
        left = names + 2.2 * em + t * (2 * cell + 1.2 * em)
        slide.write(sheet, left + cell, top, CORPORA[name], 2 * cell, lines, ha="center", weight="bold")
        for j, shape in enumerate(TWO_SHAPES):
            slide.write(sheet, left + (j + 0.5) * cell, head - 1.5 * em, f"“{shape}”", ha="center", color=slide.muted)
            for k, kind in enumerate(KINDS):
                place = left + j * cell, head + k * row, cell - 0.15 * em, row - 0.3 * em
                draw_cell(slide, sheet, place, float(table[k, j]), kind.endswith(shape))


def draw_cell(slide: Slide, sheet, place, share: float, right: bool) -> None:
    """A share and its shade; framed where it is the right answer."""
    x, y, width, height = place
    sheet.fill_between([x, x + width], y, y + height, color=slide.shades(share), linewidth=0)
    slide.write(sheet, x + width / 2, y + height / 2 - 0.62 * slide.em, f"{share:.0%}".replace("%", " %"), ha="center",
                weight="bold" if right else "normal")  # fmt: skip
    if right:
        frame(sheet, x, y, width, height, True)
