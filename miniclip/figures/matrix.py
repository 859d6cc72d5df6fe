"""The contrastive matrix: every image against every caption of a batch, as in the CLIP paper."""

import numpy as np
from matplotlib.patches import Rectangle

from ..errors import InputError
from .page import LINE, Box, clean, decimal, frame, heading, page, thumbnail, wrap, write
from .style import BODY, IMAGE, SEQUENTIAL, TEXT, WIDE, Figure, Look, new_figure, styled

MOST = 10  # pairs whose captions can still be read
GAP = 0.05  # inches between two cells
CAPTION_LINES = 6


def contrastive_matrix(images, captions, cosines, finding="") -> Figure:
    """Images along the rows, captions along the columns, their cosines between; the pairs are on the diagonal.

    Parameters
    ----------
    images : float array (B, Y, X, 3), intensities in [0, 1]
        B from 1 to 10.
    captions : list of B str
    cosines : float array (B, B)
        cosines[i, j] of image i and caption j.
    finding : str
        What the numbers show, where they are not cosines: it takes the place of the title.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no pairs, or more than can be read.
    """
    with styled():
        figure = new_figure()
        draw_matrix(figure, (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7), images, captions, cosines, BODY, finding)
        return figure


def wins(scores) -> np.ndarray:
    """Does the pair on the diagonal beat all others of its row? (B, B) -> (B,); a tie is no win.

    >>> wins(np.array([[0.9, 0.1], [0.5, 0.5]]))
    array([ True, False])
    """
    others = np.where(np.eye(len(scores), dtype=bool), -np.inf, scores)
    return np.diag(scores) > others.max(1)


def wrong_winners(scores) -> np.ndarray:
    """The best of each row that the pair on the diagonal did not win: (B, B) -> (B, B) bool."""
    return ~wins(scores)[:, None] & (scores == scores.max(1, keepdims=True)) & ~np.eye(len(scores), dtype=bool)


def matrix_finding(cosines) -> str:
    """What the matrix says, read by rows and by columns."""
    B, rows, columns = len(cosines), wins(cosines).sum(), wins(np.transpose(cosines)).sum()
    return f"{rows} of {B} images find their caption, {columns} of {B} captions their image"


def draw_matrix(figure: Figure, box: Box, images, captions, cosines, size: float, finding="") -> None:
    """The matrix within a box of a figure, its smallest text of `size` points."""
    cosines, B = np.asarray(cosines, float), len(images)
    if not 1 <= B <= MOST or len(captions) != B or cosines.shape != (B, B):
        raise InputError(
            f"got {B} images, {len(captions)} captions and cosines {cosines.shape}, "
            f"expected 1 to {MOST} pairs and their square of cosines"
        )
    sheet = page(figure, box)
    top = heading(sheet, finding or matrix_finding(cosines), size)
    tallest = min((box[3] - top - 2 * size * LINE) / B, box[2] / (B + 1), 1.2)
    width = min((box[2] - tallest - 2 * GAP) / B, 2.4)  # of a column; of the thumbnails' at most `tallest`
    texts = [wrap(caption, width - GAP, size, CAPTION_LINES) for caption in captions]
    line = top + max(text.count("\n") + 1 for text in texts) * size * LINE + 1.5 * GAP
    below = line + 1.5 * GAP
    side = min((box[3] - below) / B, tallest)
    left = side + 3 * GAP
    for j, text in enumerate(texts):
        middle, high = left + j * width + (width - GAP) / 2, line - 2 * GAP - (text.count("\n") + 1) * size * LINE
        write(sheet, middle, high, text, size, width - GAP, CAPTION_LINES, ha="center")
    edge = left - 1.5 * GAP
    bars: Look = {"linewidth": 3, "solid_capstyle": "butt"}
    sheet.plot([left, left + B * width - GAP], [line, line], color=TEXT, **bars)
    sheet.plot([edge, edge], [below, below + B * side - GAP], color=IMAGE, **bars)
    for i, image in enumerate(images):
        thumbnail(sheet, image, 0, below + i * side, side - GAP)
        figure.tell(f"“{clean(captions[i])}”: {', '.join(map(decimal, cosines[:, i]))}.")
    draw_cells(sheet, left, below, width, side, cosines, size)


def draw_cells(sheet, left, top, width, height, cosines, size) -> None:
    """A coloured cell with its number for each cosine; pairs framed solid, wrong winners dashed."""
    shades = np.clip(cosines / max(cosines.max(), 1e-12), 0, 1)  # from 0: nearly equal cosines look nearly equal
    wrong = wrong_winners(cosines) | wrong_winners(cosines.T).T
    for i, j in np.ndindex(cosines.shape):
        x, y, colour = left + j * width, top + i * height, SEQUENTIAL(float(shades[i, j]))
        sheet.add_patch(Rectangle((x, y), width - GAP, height - GAP, facecolor=colour, linewidth=0))
        weight = "bold" if i == j else "normal"
        high = y + (height - GAP) / 2 - 0.59 * size / 72  # digits are 0.73 of the size high
        write(sheet, x + (width - GAP) / 2, high, decimal(cosines[i, j]), size, weight=weight, ha="center")
        if i == j or wrong[i, j]:
            frame(sheet, x, y, width - GAP, height - GAP, i == j)
