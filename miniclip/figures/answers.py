"""A picture, the sentence that a model writes about it, and its answers to questions."""

from ..errors import InputError
from .page import LINE, Box, clean, heading, mark, page, thumbnail, width_of, wrap, write
from .style import BODY, Figure, new_figure, styled

SIZE = (13.33, 5.6)  # inches
BOX: Box = (0.4, 0.35, SIZE[0] - 0.8, SIZE[1] - 0.7)
MOST, CAPTION_LINES = 5, 4  # answers; lines of the caption


def answers_sheet(image, caption, answers) -> Figure:
    """A picture, what is said of it, and what is answered about it.

    Parameters
    ----------
    image : float array (Y, X, 3), intensities in [0, 1]
    caption : (str, bool or None)
        The sentence, and whether it is right; None where nobody knows.
    answers : list of 1 to 5 (str, str, bool or None)
        The question, the answer, and whether it is right.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no answers, or too many.
    """
    with styled():
        figure = new_figure(SIZE)
        draw_answers(figure, BOX, image, caption, answers, BODY)
        return figure


def answers_finding(caption, answers) -> str:
    """What became of the caption and of the answers."""
    right = [one for *_, one in answers]
    if caption[1] is None or None in right:
        return "One system describes the picture, and answers"
    said = "The caption says all, and no more" if caption[1] else "The caption is not exact"
    return f"{said}; {sum(right)} of {len(right)} answers are right"


def draw_answers(figure: Figure, box: Box, image, caption, answers, size: float) -> None:
    """The picture on the left, the caption and the answers on the right, within a box of a figure."""
    if not 1 <= len(answers) <= MOST:
        raise InputError(f"got {len(answers)} answers, expected 1 to {MOST}")
    sheet, em = page(figure, box), size / 72
    top = heading(sheet, answers_finding(caption, answers), size)
    side = min(0.34 * box[2], box[3] - top)
    thumbnail(sheet, image, 0, top, side)
    left = side + 2.6 * em
    room = box[2] - left
    told: list[tuple[str, str, bool | None]] = [(f"“{clean(caption[0])}”", "", caption[1]), *answers]
    high = [1 if reply else wrap(said, room, size, CAPTION_LINES).count("\n") + 1 for said, reply, _ in told]
    gap = min(1.2 * em, (box[3] - top - sum(high) * size * LINE) / len(told))
    for said, reply, right in told:
        if right is not None:
            mark(sheet, left - 1.2 * em, top + 0.65 * em, right, 0.6 * em)
        write(sheet, box[2], top, reply, size, room, weight="bold", ha="right")
        beside = room - width_of(clean(reply, "bold"), size, "bold") - em if reply else room
        top += write(sheet, left, top, said, size, beside, 1 if reply else CAPTION_LINES) + gap
        judged = {True: ", right.", False: ", wrong.", None: "."}[right]
        figure.tell(f"{clean(said)} {clean(reply)}".strip() + judged)
