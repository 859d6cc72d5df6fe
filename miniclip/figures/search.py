"""What a search found: the pictures of a sentence, or the sentences of a picture, best first."""

from ..errors import InputError
from .page import Box, bar, clean, decimal, heading, mark, page, thumbnail, write
from .style import BODY, WIDE, Figure, new_figure, styled

BODY_BOX = (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7)
MOST, ROW, LOW = 12, 6, 4.4  # pictures on a sheet, and in a row; inches: as high as one row needs


def contact_sheet(query, images, scores, right=None, finding="") -> Figure:
    """The pictures that a sentence found, best first, each with its score.

    Parameters
    ----------
    query : str
    images : float array (B, Y, X, 3), intensities in [0, 1]
        In the order of the search, B from 1 to 12.
    scores : float array (B,)
        Cosines.
    right : bool array (B,), optional
        Is the sentence true of the picture?
    finding : str
        What the pictures show, where nobody searched for them: it takes the place of the title.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no pictures, too many, or not as many scores.
    """
    with styled():
        high = WIDE[1] if len(images) > ROW else LOW
        figure = new_figure((WIDE[0], high))
        box = (0.4, 0.35, WIDE[0] - 0.8, high - 0.7)
        draw_sheet(figure, box, query, images, scores, right, BODY, finding)
        return figure


def captions_sheet(image, captions, scores, right=None) -> Figure:
    """The sentences that a picture found, best first, each with its score.

    Parameters
    ----------
    image : float array (Y, X, 3), intensities in [0, 1]
    captions : list of B str
        In the order of the search, B from 1 to 8.
    scores : float array (B,)
        Cosines.
    right : bool array (B,), optional
        Is the sentence true of the picture?

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no captions, too many, or not as many scores.
    """
    with styled():
        figure = new_figure()
        draw_captions(figure, BODY_BOX, image, captions, scores, right, BODY)
        return figure


def search_finding(found: int, right, claim: str) -> str:
    """Of how many answers the claim holds, and whether of the first; without marks, only the order."""
    if right is None:
        return f"{claim.split()[0].capitalize()}, best first"
    first = (", the first one included" if right[0] else ", but not the first") if any(right) else ""
    return f"{sum(map(bool, right))} of {found} {claim}{first}"


def check_found(found, scores, right, most: int, what: str) -> list:
    """The marks, one for each answer, once everything has one length."""
    if not 1 <= found <= most or len(scores) != found or (right is not None and len(right) != found):
        raise InputError(f"got {found} {what} and {len(scores)} scores, expected 1 to {most} of them and a score each")
    return [None] * found if right is None else [bool(r) for r in right]


def scored(score, right) -> str:
    """A score, and whether the answer is right, in words."""
    return decimal(score) + {True: " (right)", False: " (wrong)", None: ""}[right]


def draw_sheet(figure: Figure, box: Box, query, images, scores, right, size: float, finding="") -> None:
    """The query in quotes, what came of it, and the pictures in rows of up to six, within a box of a figure."""
    marks = check_found(len(images), scores, right, MOST, "images")
    sheet = page(figure, box)
    top = heading(sheet, finding or f"“{clean(query)}”", size)
    top += (
        write(
            sheet,
            0,
            top - 0.5 * size / 72,
            f"“{clean(query)}”" if finding else search_finding(len(images), right, "pictures are right"),
            size,
        )
        + 0.5 * size / 72
    )
    columns = max(len(images), 3) if len(images) <= ROW else -(-len(images) // 2)
    rows = -(-len(images) // columns)
    gap, under = 1.5 * size / 72, 1.6 * size / 72
    side = min((box[2] - (columns - 0.5) * gap) / columns, (box[3] - top) / rows - under - 0.1, 3.0)
    pitch = min((box[3] - top) / rows, 1.25 * (side + under))
    for b, image in enumerate(images):
        x, y = b % columns * (side + gap), top + b // columns * pitch
        thumbnail(sheet, image, x, y, side, marks[b])
        write(sheet, x + side / 2, y + side + 0.3 * size / 72, decimal(scores[b]), size, ha="center")
    figure.tell(f"Pictures with {', '.join(map(scored, scores, marks))}.")


def draw_captions(figure: Figure, box: Box, image, captions, scores, right, size: float) -> None:
    """The picture on the left, its sentences with score bars on the right, within a box of a figure."""
    marks = check_found(len(captions), scores, right, 8, "captions")
    sheet = page(figure, box)
    top = heading(sheet, search_finding(len(captions), right, "sentences are true of this picture"), size)
    side = min(0.28 * box[2], box[3] - top)
    thumbnail(sheet, image, 0, top, side)
    start = side + 3 * size / 72
    step = min((box[3] - top) / len(captions), 3.8 * size / 72)
    for b, caption in enumerate(captions):
        y = top + b * step - 0.2 * size / 72
        bar(sheet, start, y, box[2] - start, caption, decimal(scores[b]), scores[b], size)
        if marks[b] is not None:
            mark(sheet, start - size / 72, y + 0.6 * size / 72, marks[b], 0.6 * size / 72)
        figure.tell(f"“{clean(caption)}” {scored(scores[b], marks[b])}.")
