"""Small tables of numbers as heat, side by side: pictures along their rows, captions along their columns."""

import numpy as np
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.patches import Rectangle

from ...errors import InputError
from ..page import LINE, clean, decimal, heading, page, thumbnail, wrap, write
from ..style import PAPER, SKY, Figure, new_figure, styled

WIDTH, MARGIN, SIZE = 10.0, 0.2, 14.0  # inches, as wide as a notebook; points
PICTURE, GAP, LINES = 0.62, 0.3, 6  # inches: a picture, and between tables; lines of a caption
ORANGE = "#EE8A4A"  # lighter than what is wrong, so that numbers can be read on it
SIGNED = LinearSegmentedColormap.from_list("pulled_to_pushed", [SKY, PAPER, ORANGE])
MOST = 4  # pairs


def heat_tables(finding, images, captions, tables) -> Figure:
    """Tables of one batch side by side: the larger a number, the stronger its colour; blue below 0, red above.

    Parameters
    ----------
    finding : str
        What they show together.
    images : float array (B, Y, X, 3), intensities in [0, 1]
        B from 1 to 4.
    captions : list of B str
    tables : dict of str to float array (B, B)
        By name. Each has colours of its own, from minus to plus its largest magnitude.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no tables, or they have other sizes than the pairs.
    """
    B = len(images)
    if not 1 <= B <= MOST or len(captions) != B or not tables or any(np.shape(t) != (B, B) for t in tables.values()):
        raise InputError(
            f"got {B} images, {len(captions)} captions and tables {[np.shape(t) for t in tables.values()]}, "
            f"expected 1 to {MOST} pairs and their square tables"
        )
    with styled():
        across = WIDTH - 2 * MARGIN
        wide = (across - PICTURE - 0.1 - GAP * (len(tables) - 1)) / len(tables)
        cell = wide / B
        texts = [wrap(caption, cell - 0.08, SIZE, LINES) for caption in captions]
        above = max(text.count("\n") + 1 for text in texts) * SIZE * LINE + 0.1
        titles = wrap(finding, across, 1.2 * SIZE, 3, "bold").count("\n") + 1
        head = (titles * 1.2 + 1.6) * SIZE * LINE
        figure = new_figure((WIDTH, 2 * MARGIN + head + above + B * cell))
        sheet = page(figure, (MARGIN, MARGIN, across, figure.get_figheight() - 2 * MARGIN))
        heading(sheet, finding, SIZE)
        for i, image in enumerate(images):
            thumbnail(sheet, image, 0, head + above + (i + 0.5) * cell - PICTURE / 2, PICTURE)
        for k, (name, table) in enumerate(tables.items()):
            left = PICTURE + 0.1 + k * (wide + GAP)
            write(sheet, left + wide / 2, head - 1.3 * SIZE * LINE, name, SIZE, wide, weight="bold", ha="center")
            draw_heat(sheet, (left, head + above, cell), np.asarray(table, float), texts)
            told = "; ".join(", ".join(map(decimal, row)) for row in np.asarray(table))
            figure.tell(f"{clean(name)}, row by row: {told}.")
        return figure


def draw_heat(sheet, place, table, texts) -> None:
    """The captions above the columns, a coloured cell for each number; a frame on the diagonal."""
    left, top, side = place
    shades = 0.5 + 0.5 * table / max(abs(table).max(), 1e-12)
    for j, text in enumerate(texts):
        high = (text.count("\n") + 1) * SIZE * LINE
        write(sheet, left + (j + 0.5) * side, top - high - 0.06, text, SIZE, side - 0.08, LINES, ha="center")
    for i, j in np.ndindex(table.shape):
        x, y = left + j * side, top + i * side
        line = 2.5 if i == j else 0.0
        sheet.add_patch(Rectangle((x + 0.02, y + 0.02), side - 0.04, side - 0.04, linewidth=line, edgecolor="black",
                                  facecolor=SIGNED(float(shades[i, j]))))  # fmt: skip
        weight = "bold" if i == j else "normal"
        write(
            sheet, x + side / 2, y + side / 2 - 0.6 * SIZE / 72, decimal(table[i, j]), SIZE, weight=weight, ha="center"
        )
