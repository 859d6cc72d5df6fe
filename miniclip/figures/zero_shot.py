"""Zero-shot classification, seen: each picture beside the bars of its likeliest classes."""

import numpy as np

from ..errors import InputError
from .page import Box, bar, clean, heading, page, thumbnail, write
from .style import BODY, NEGATIVE_INK, WIDE, Figure, new_figure, styled

TOP = 3  # classes shown of each picture
MOST = 6  # pictures


def zero_shot_bars(images, class_names, probabilities, truth=None, nearer=None) -> Figure:
    """Pictures, each with its likeliest classes; framed and marked right or wrong where the truth is known.

    Parameters
    ----------
    images : float array (B, Y, X, 3), intensities in [0, 1]
        B from 1 to 6.
    class_names : list of K str
    probabilities : float array (B, K)
        The rows sum to 1.
    truth : int array (B,), optional
        Indices into `class_names`. A class that only ties for the first place is not counted as right.
    nearer : list of B str or None, optional
        For each picture the name that fits much better than all classes, where there is one.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    with styled():
        figure = new_figure()
        box = (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7)
        draw_bars(figure, box, images, class_names, probabilities, truth, BODY, "pictures", nearer)
        return figure


def first_alone(probabilities, truth) -> np.ndarray:
    """Is the true class likelier than every other? (B, K), (B,) -> (B,)

    >>> first_alone(np.array([[0.7, 0.3], [0.5, 0.5]]), [0, 0])
    array([ True, False])
    """
    others = np.array(probabilities, float)
    rows = np.arange(len(others))
    true = others[rows, truth]
    others[rows, truth] = -np.inf
    return true > others.max(1)


def zero_shot_finding(probabilities, truth, what: str, nearer=()) -> str:
    """How many are right; without a truth, how many fit no class, or how sure the answers are."""
    B, K = probabilities.shape
    if truth is None and any(nearer):
        return f"{sum(map(bool, nearer))} of {B} {what} fit none of the {K} classes"
    if truth is None:
        return f"On average the likeliest of {K} classes gets {probabilities.max(1).mean():.0%}"
    return f"{first_alone(probabilities, truth).sum()} of {B} {what} named right among {K} classes"


def draw_bars(figure: Figure, box: Box, images, class_names, probabilities, truth, size: float, what: str,
              nearer=None) -> None:  # fmt: skip
    """The pictures and their bars in a grid within a box of a figure."""
    probabilities, B = np.asarray(probabilities, float), len(images)
    if not 1 <= B <= MOST or probabilities.shape != (B, len(class_names)) or (truth is not None and len(truth) != B):
        raise InputError(
            f"got {B} images, {len(class_names)} class names and probabilities {probabilities.shape}, "
            f"expected 1 to {MOST} images and a row of probabilities for each"
        )
    sheet = page(figure, box)
    nearer = nearer or [None] * B
    top = heading(sheet, zero_shot_finding(probabilities, truth, what, nearer), size)
    columns = 2
    rows = -(-B // columns)
    gap = 1.4 * size / 72
    width, height = (box[2] - (columns - 1) * gap) / columns, min((box[3] - top) / rows, 3.0)
    side = min(0.28 * width, height - 1.2 * size / 72)
    right = [False if one else None for one in nearer] if truth is None else first_alone(probabilities, truth).tolist()
    for b, image in enumerate(images):
        x, y = b % columns * (width + gap), top + b // columns * height
        thumbnail(sheet, image, x, y + 0.3 * size / 72, side, right[b])
        start = x + side + 1.1 * size / 72
        true = None if truth is None else int(truth[b])
        for k in shown(probabilities[b], true)[: TOP - bool(nearer[b])]:
            percent = f"{probabilities[b, k]:.0%}"
            y += bar(sheet, start, y, x + width - start, class_names[k], percent, probabilities[b, k], size, k == true)
        best = int(probabilities[b].argmax())
        said = f"fits none: rather “{clean(nearer[b])}”" if nearer[b] else ""
        write(sheet, start, y, said, size, x + width - start, 2, color=NEGATIVE_INK)
        figure.tell(f"{clean(class_names[best])} {probabilities[b, best]:.0%}; {said}".strip("; ") + ".")


def shown(probabilities, true) -> list[int]:
    """The likeliest classes, best first; the true one takes the last place if it is not among them."""
    order = np.argsort(-probabilities, kind="stable")[:TOP].tolist()
    return order if true is None or true in order else [*order[:-1], true]
