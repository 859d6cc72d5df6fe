"""Where a captioner looked: the picture again for each object of a caption, clear where its words' attention lay."""

import numpy as np

from ..errors import InputError
from .lessons.rows import MARGIN, SIZE, WIDTH
from .page import clean, page, text_height, thumbnail, write
from .style import Figure, new_figure, styled

EM, SIDE, GAP = SIZE / 72, 2.24, 0.2  # inches; a side is in whole pixels for each of the picture's own
ACROSS, NAME = WIDTH - 2 * MARGIN, SIDE + 0.8 * GAP  # the width of the captions, and of a name
COLUMNS, MOST = 4, 6  # the picture and three objects in a row; pictures
TITLE, TITLE_LINES, NAME_LINES = 1.2 * SIZE, 3, 2
SAID = "Clear: the patches that the decoder looked at while it wrote the words below"
DARK, VEIL = 0.3, 0.5  # intensities: a veil is black, but grey on a picture that is dark itself


def object_maps(described) -> Figure:
    """Pictures with their captions, each again for every object that its caption names, as the attention lit it.

    Parameters
    ----------
    described : list of (image, caption, objects)
        Up to 6. image (Y, X, 3), intensities in [0, 1]; objects: a list of (words, map), map (n, n) the attention to
        each patch, rows of patches downwards; the picture's sides are multiples of n.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no pictures, too many, or a map does not fit its picture.
    """
    if not 1 <= len(described) <= MOST:
        raise InputError(f"got {len(described)} pictures, expected 1 to {MOST}")
    parts = [(f"“{clean(caption)}”", [(image, "the picture"), *((lit(image, one), words) for words, one in objects)])
             for image, caption, objects in described]  # fmt: skip
    with styled():
        heights = [height(*part) for part in parts]
        figure = new_figure((WIDTH, 2 * MARGIN + 2 * EM + sum(heights)))
        sheet = page(figure, (MARGIN, MARGIN, ACROSS, 2 * EM + sum(heights)))
        write(sheet, 0, 0, SAID, SIZE)
        for part, y in zip(parts, 2 * EM + np.cumsum([0.0, *heights]), strict=False):
            draw_part(sheet, y, *part)
        figure.tell(f"{SAID}.")
        for caption, objects in parts:
            figure.tell(f"{caption}: {'; '.join(clean(words) for _, words in objects)}.")
        return figure


def tile_rows(tiles) -> list[tuple[list, float]]:
    """The tiles of each row, and the inches that it takes."""
    rows = [tiles[k : k + COLUMNS] for k in range(0, len(tiles), COLUMNS)]
    return [(row, SIDE + max(text_height(name, NAME, SIZE, NAME_LINES) for _, name in row) + EM) for row in rows]


def height(title: str, tiles) -> float:
    """Inches of a caption with its tiles, and of the room below."""
    return text_height(title, ACROSS, TITLE, TITLE_LINES, "bold") + EM + sum(high for _, high in tile_rows(tiles))


def draw_part(sheet, y: float, title: str, tiles) -> None:
    """A caption, and below it its tiles with their names."""
    y += write(sheet, 0, y, title, TITLE, ACROSS, TITLE_LINES, "bold") + 0.5 * EM
    for row, high in tile_rows(tiles):
        for column, (image, name) in enumerate(row):
            x = column * (SIDE + GAP)
            thumbnail(sheet, image, x, y, SIDE)
            write(sheet, x + SIDE / 2, y + SIDE + 0.2 * EM, name, SIZE, NAME, NAME_LINES, ha="center")
        y += high


def lit(image, attention) -> np.ndarray:
    """The picture, each patch between a veil and itself: clear at the largest attention."""
    image, attention = np.asarray(image), np.asarray(attention)
    if attention.ndim != 2 or any(n % m for n, m in zip(image.shape, attention.shape, strict=False)):
        raise InputError(
            f"got a map {attention.shape} for a picture {image.shape}, expected (n, n), n a divisor of its sides"
        )
    clear = np.kron(attention / max(attention.max(), 1e-12), np.ones([n // len(attention) for n in image.shape[:2]]))
    clear = 0.12 + 0.88 * clear[:, :, None]
    return image * clear + (1.0 - clear) * (VEIL if image.mean() < DARK else 0.0)
