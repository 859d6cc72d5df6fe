"""Teacher forcing: what a captioner reads, what it must say next, and how likely it says so."""

import numpy as np
from matplotlib.patches import Rectangle

from ...errors import InputError
from ..page import clean, heading, page, text_height, thumbnail, width_of, wrap, write
from ..style import FAINT, IMAGE, INK, SEQUENTIAL, TEXT, Figure, new_figure, styled
from .rows import MARGIN, SIZE, SMALL, WIDTH

EM, LEFT, GAP, ACROSS = SIZE / 72, 1.6, 0.25, WIDTH - 2 * MARGIN  # inches
LONGEST = 1.2  # inches of a word
MOST_ROWS, MOST_WORDS = 3, 36
ROLES = ("it reads", "it must say")


def next_words(finding, read, wanted, rows) -> Figure:
    """The words read over the words wanted, and below them bars: how likely the decoder holds what is wanted.

    Parameters
    ----------
    finding : str
        What they show together.
    read, wanted : lists of W str
        The word that is read at each place, and that which follows: at most 36.
    rows : list of (image, words, probabilities)
        Up to 3 pictures that the decoder saw. image (Y, X, 3), intensities in [0, 1]; probabilities (W,), of `wanted`.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no words, too many, or not as many probabilities.
    """
    counts = sorted({len(read), len(wanted), *(len(each) for *_, each in rows)})
    if len(counts) != 1 or not 1 <= counts[0] <= MOST_WORDS or not 1 <= len(rows) <= MOST_ROWS:
        raise InputError(
            f"got {len(rows)} rows of {' or '.join(map(str, counts))} words, "
            f"expected 1 to {MOST_ROWS} rows of as many words, 1 to {MOST_WORDS}"
        )
    with styled():
        step = (ACROSS - LEFT) / len(read)
        tall = min(max(width_of(clean(word), SIZE) for word in (*read, *wanted)), LONGEST) + EM
        title = text_height(finding, ACROSS, 1.2 * SIZE, 3, "bold") + 0.8 * EM
        high = title + 2 * tall + len(rows) * (GAP + SMALL + 1.5 * EM)
        figure = new_figure((WIDTH, 2 * MARGIN + high))
        sheet = page(figure, (MARGIN, MARGIN, ACROSS, high))
        top = heading(sheet, finding, SIZE)
        figure.tell(f"It reads {clean(' '.join(read))}, and must say {clean(' '.join(wanted))}.")
        for row, (role, words, colour) in enumerate(zip(ROLES, (read, wanted), (SEQUENTIAL(0.5), TEXT), strict=True)):
            y = top + row * tall
            write(sheet, 0, y + tall / 2 - 0.6 * EM, role, SIZE, LEFT - GAP, weight="bold")
            for t, word in enumerate(words):
                draw_word(sheet, (LEFT + t * step, y, step, tall), word, colour)
        for row, (image, words, probabilities) in enumerate(rows):
            y = top + 2 * tall + GAP + row * (GAP + SMALL + 1.5 * EM)
            thumbnail(sheet, image, 0, y, SMALL)
            write(sheet, 0, y + SMALL + 0.2 * EM, words, SIZE, ACROSS)
            draw_sure(sheet, (LEFT, y, step, SMALL), np.asarray(probabilities, float))
        return figure


def draw_word(sheet, box, word: str, colour) -> None:
    """A word that stands upright in its cell: box is (x, y, width, height)."""
    x, y, width, height = box
    sheet.add_patch(Rectangle((x + 0.02, y + 0.02), width - 0.04, height - 0.04, facecolor=colour, linewidth=0))
    low = y + height - 0.5 * EM
    shown = wrap(word, height - EM, SIZE)
    sheet.text(x + width / 2, low, shown, fontsize=SIZE, color=INK, rotation=90, ha="center", va="bottom")


def draw_sure(sheet, box, probabilities) -> None:
    """A bar from 0 to 1 for each word; box is (x, y, width of one, height)."""
    x, y, width, height = box
    for t, p in enumerate(probabilities):
        left, full = x + (t + 0.1) * width, {"width": 0.8 * width, "linewidth": 0}
        sheet.add_patch(Rectangle((left, y), height=height, facecolor=FAINT, **full))
        sheet.add_patch(Rectangle((left, y + (1 - p) * height), height=p * height, facecolor=IMAGE, **full))
