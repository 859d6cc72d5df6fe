"""Where a captioner looked: the picture once for each word, bright where the word's attention lay."""

import numpy as np

from ..errors import InputError
from .page import clean, heading, page, thumbnail, write
from .style import BODY, WIDE, Figure, new_figure, styled

BODY_BOX = (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7)
MOST = 36  # words


def word_maps(image, words, maps) -> Figure:
    """A caption, word by word, each with the picture as its attention lit it.

    Parameters
    ----------
    image : float array (Y, X, 3), intensities in [0, 1]
    words : list of W str
    maps : float array (W, n, n)
        The attention to each patch, rows of patches downwards; the picture's sides are multiples of n.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no words, too many, or not as many maps.
    """
    image, maps = np.asarray(image), np.asarray(maps)
    n, (Y, X) = maps.shape[1:], image.shape[:2]
    fits = len(n) == 2 and len(maps) == len(words) and Y % n[0] == X % n[1] == 0
    if not 1 <= len(words) <= MOST or not fits:
        raise InputError(
            f"got {len(words)} words, maps {maps.shape} and a picture {image.shape}, expected 1 to {MOST} words and "
            "for each a map (n, n), n a divisor of the picture's sides"
        )
    with styled():
        figure = new_figure()
        sheet = page(figure, BODY_BOX)
        top = heading(sheet, f"“{clean(' '.join(words))}”", BODY)
        top += write(
            sheet, 0, top - 0.5 * BODY / 72, "Bright: the patches that the decoder looked at for the word", BODY
        )
        figure.tell("Bright: the patches that the decoder looked at for each word.")
        columns = min(max(-(-len(words) // 3), 6), 12)
        rows = -(-len(words) // columns)
        gap, under = 0.8 * BODY / 72, 1.6 * BODY / 72
        side = min((BODY_BOX[2] + gap) / columns - gap, (BODY_BOX[3] - top) / rows - under - 0.1, 2.2)
        for i, (word, one) in enumerate(zip(words, maps, strict=True)):
            x, y = i % columns * (side + gap), top + 0.5 * BODY / 72 + i // columns * (side + under + 0.1)
            thumbnail(sheet, lit(image, one), x, y, side)
            write(sheet, x + side / 2, y + side + 0.2 * BODY / 72, word, BODY, side + gap, ha="center")
        return figure


def lit(image, attention) -> np.ndarray:
    """The picture, each patch between dark and itself: full at the largest attention."""
    bright = np.kron(attention / max(attention.max(), 1e-12), np.ones([n // len(attention) for n in image.shape[:2]]))
    return image * (0.12 + 0.88 * bright)[:, :, None]
