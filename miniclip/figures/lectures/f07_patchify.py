"""f07: a picture becomes rows of numbers: patches in reading order, pixels in reading order, three colours each."""

import numpy as np
from matplotlib.patches import FancyArrowPatch

from ...data.drawing import draw_scenes
from ...data.world import sample_scenes
from ...models.vision import patchify_forward
from ..page import frame, mark, overhang
from ..slide import Slide
from ..style import INK, ROSE
from . import Drawn

TITLE = "Patches"
NOTEBOOK = "03"
NOTE = (
    "Ask first: where does patch 6 lie? With four patches in a row it is row 1, column 2. Then ask which of its 192 "
    "numbers is the red of the pixel below the first: number 24, after eight pixels of three colours. The last panel "
    "glues the same patches as if height and width were swapped. Square pictures hide this mistake: test "
    "code for patches with a picture that is not square."
)

SCENE, HEIGHT, P = 89, 24, 8  # of the split with many objects, its upper 24 of 32 rows of pixels; the side of a patch
LARGE = 6  # the patch that is looked into


def draw(slide: Slide, run) -> Drawn:
    picture = draw_scenes(sample_scenes(0, "many", np.array([SCENE])))[:, :HEIGHT]
    Y, X, C = picture.shape[1:]
    patches = patchify_forward(picture, P)[0][0]
    n, across = len(patches), X // P
    rows = [{"patch": k, "row": k // across, "column": k % across, "first pixel's row": k // across * P,
             "first pixel's column": k % across * P, "numbers": patches.shape[1], "mean": float(patches[k].mean())}
            for k in range(n)]  # fmt: skip
    top = slide.title(
        f"{Y} × {X} pixels are {n} patches of {patches.shape[1]} numbers; swapping H and W scrambles them"
    )
    tiles = patches.reshape(n, P, P, C)
    i, j = divmod(LARGE, across)
    rule = f"Patch {LARGE} is row {i}, column {j}: {LARGE} = {i} × {across} + {j}, with {across} patches in a row."
    place_panels(slide, top, tiles, (Y // P, across), rule)
    return Drawn(
        f"A picture of {Y} rows and {X} columns of pixels, cut into {Y // P} × {across} patches of {P} × {P}. {rule} "
        f"Inside it, pixels follow in reading order, red, green and blue of each. Glued as {across} rows of {Y // P}, "
        "the same patches show something else.",
        f"Left, a picture cut into {n} numbered patches, {across} in a row. Middle, patch {LARGE} enlarged: arrows run "
        f"along its {P} rows of pixels, {P * C} numbers a row. Right, in a dashed frame with a cross, the patches "
        f"glued {Y // P} in a row: a scrambled picture.",
        rows,
    )


def place_panels(slide: Slide, top: float, tiles, grid, rule: str) -> None:
    """Side by side on a wide slide; else two above, and the wrong picture below beside the rule."""
    em, (down, across) = slide.em, grid
    head, margin, sheet = 1.8 * em, 1.5 * em, slide.sheet()
    cell, large = (4.5 * em, 12.0 * em) if slide.wide else (2.75 * em, 10.8 * em)
    wide, names = across * cell + (across - 1) * 0.5 * em, 5.2 * em
    wrong = (3.4 if slide.wide else 2.3) * em  # side of a patch there
    used = wide + large + names + (down * wrong if slide.wide else 0)
    gap = min((slide.width - 2 * margin - used) / (2 if slide.wide else 1), 4 * em)
    x, y = margin, top + head
    slide.write(sheet, x, top, f"{down} × {across} patches", weight="bold")
    exploded(slide, sheet, (x, y, cell), tiles, grid)
    x += wide + gap
    slide.write(sheet, x, top, f"inside patch {LARGE}", weight="bold")
    inside(slide, sheet, (x, y, large), tiles[LARGE])
    if slide.wide:
        x, text = x + large + names + gap, (margin, slide.height - 2.5 * em, slide.width - 2 * margin)
    else:
        x, y = margin, y + max(down * (cell + 1.5 * em), large) + head + 0.6 * em
        wrong = min(wrong, (slide.height - y - 1.2 * em) / across)
        text = (x + down * wrong + 2.5 * em, y, slide.width - x - down * wrong - 4 * em)
    slide.write(sheet, x, y - head, f"glued as {across} × {down}", weight="bold")
    glued_wrongly(sheet, (x, y, wrong), tiles, (across, down))
    slide.write(sheet, text[0], text[1], rule, text[2], 5)


def show(sheet, picture, x, y, side) -> None:
    """A square of pixels, sharp."""
    sheet.imshow(np.clip(picture, 0, 1), extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")


def exploded(slide: Slide, sheet, place, tiles, grid) -> None:
    """The patches apart, each with its number below; the one that is looked into framed."""
    left, top, cell = place
    for n, tile in enumerate(tiles):
        i, j = divmod(n, grid[1])
        x, y = left + j * (cell + 0.5 * slide.em), top + i * (cell + 1.5 * slide.em)
        show(sheet, tile, x, y, cell)
        chosen = n == LARGE
        slide.write(sheet, x + cell / 2, y + cell, str(n), ha="center", weight="bold" if chosen else "normal")
        if chosen:
            edges = [x, x + cell, x + cell, x, x], [y, y, y + cell, y + cell, y]
            sheet.plot(*edges, color=ROSE, linewidth=1.5 * slide.line)


def inside(slide: Slide, sheet, place, tile) -> None:
    """One patch enlarged: an arrow along each row of pixels, beside it which of the numbers these are."""
    x, y, side = place
    show(sheet, tile, x, y, side)
    step, row = side / P, P * tile.shape[-1]
    for u in range(P):
        middle = y + (u + 0.5) * step
        ends = (x + 0.3 * step, middle), (x + side - 0.15 * step, middle)
        sheet.add_patch(FancyArrowPatch(*ends, arrowstyle="-|>", mutation_scale=0.8 * slide.body, color=INK, shrinkA=0,
                                        shrinkB=0, linewidth=0.8 * slide.line))  # fmt: skip
        slide.label(sheet, x + side + 0.4 * slide.em, middle, f"{u * row}–{(u + 1) * row - 1}")
    edges = [x, x + side, x + side, x, x], [y, y, y + side, y + side, y]
    sheet.plot(*edges, color=ROSE, linewidth=1.5 * slide.line)
    slide.write(sheet, x, y + side + 0.3 * slide.em, "each pixel: red, green, blue")


def glued_wrongly(sheet, place, tiles, grid) -> None:
    """The patches in reading order on a grid of the wrong shape, marked as wrong."""
    x, y, side = place
    for n, tile in enumerate(tiles):
        show(sheet, tile, x + n % grid[1] * side, y + n // grid[1] * side, side)
    width, height = grid[1] * side, grid[0] * side
    frame(sheet, x, y, width, height, right=False)
    mark(sheet, x + width, y + height / 2, False, overhang(width))
