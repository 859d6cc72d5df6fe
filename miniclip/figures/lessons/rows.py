"""Pictures in rows that have names, words under each: to set two corpora, or two models, side by side."""

from ...errors import InputError
from ..page import clean, heading, page, text_height, thumbnail, write
from ..style import Figure, new_figure, styled

WIDTH, MARGIN, SIZE = 10.0, 0.2, 14.0  # inches, as wide as a notebook; points
MOST_ROWS, MOST_COLUMNS, LINES = 3, 5, 3  # of pictures; and of the words under one
NAMES, GAP, BELOW = 1.9, 0.25, 0.35  # inches: the names on the left; between pictures; between rows
LARGE, SMALL = 2.56, 1.28  # inches: a side, in whole pixels for each of the picture's own; so files of grain stay small


def picture_rows(finding, rows) -> Figure:
    """Rows of pictures, each row with its name on the left, each picture with words under it.

    Parameters
    ----------
    finding : str
        What they show together.
    rows : dict of str to a list of (image, words, right)
        Up to 3 rows of as many pictures, up to 5. image (Y, X, 3), intensities in [0, 1]; right: True or False frames
        and marks the picture, None does not.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no pictures, too many, or rows of different lengths.
    """
    lengths = sorted({len(row) for row in rows.values()})
    if not 1 <= len(rows) <= MOST_ROWS or len(lengths) != 1 or not 1 <= lengths[0] <= MOST_COLUMNS:
        raise InputError(
            f"got {len(rows)} rows of {' or '.join(map(str, lengths)) or 'no'} pictures, "
            f"expected 1 to {MOST_ROWS} rows of as many pictures, 1 to {MOST_COLUMNS}"
        )
    with styled():
        across = WIDTH - 2 * MARGIN
        wide = (across - NAMES) / lengths[0]
        side = LARGE if len(rows) == 1 and lengths[0] < 3 else SMALL
        texts = [words for row in rows.values() for _, words, _ in row]
        under = max(text_height(words, wide - GAP, SIZE, LINES) for words in texts) + 0.3 * SIZE / 72
        head = text_height(finding, across, 1.2 * SIZE, LINES, "bold") + SIZE / 72
        figure = new_figure((WIDTH, 2 * MARGIN + head + len(rows) * (side + under + BELOW) - BELOW))
        sheet = page(figure, (MARGIN, MARGIN, across, figure.get_figheight() - 2 * MARGIN))
        heading(sheet, finding, SIZE)
        for r, (name, row) in enumerate(rows.items()):
            y = head + r * (side + under + BELOW)
            write(sheet, 0, y + 0.1, name, SIZE, NAMES - GAP, 4, weight="bold")
            for c, (image, words, right) in enumerate(row):
                middle = NAMES + (c + 0.5) * wide
                thumbnail(sheet, image, middle - side / 2, y, side, right)
                write(sheet, middle, y + side + 0.25 * SIZE / 72, words, SIZE, wide - GAP, LINES, ha="center")
            figure.tell(f"{clean(name)}: {'; '.join(clean(words) for _, words, _ in row)}.")
        return figure
