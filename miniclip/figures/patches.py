"""A picture, the patches that it is cut into, and the picture made of them again."""

import numpy as np

from ..errors import InputError
from .page import Box, heading, page, thumbnail, write
from .style import BODY, Figure, new_figure, styled

SIZE = (13.33, 5.9)  # inches
BODY_BOX: Box = (0.4, 0.35, SIZE[0] - 0.8, SIZE[1] - 0.7)


def patches_sheet(image, patches, rebuilt) -> Figure:
    """The picture on the left, its patches in the order of the list with their numbers, and what they give again.

    Parameters
    ----------
    image : float array (Y, Y, C), intensities in [0, 1]
    patches : float array (N, P * P * C)
        A square number of them, each row by row, the channels of a pixel together.
    rebuilt : float array (Y, Y, C)

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the patches have not the numbers of the picture.
    """
    image, patches = np.asarray(image, float), np.asarray(patches, float)
    across = int(len(patches) ** 0.5)
    if image.size != patches.size or across**2 != len(patches) or np.shape(rebuilt) != image.shape:
        raise InputError(f"patches have shape {patches.shape}, expected the numbers of a square picture {image.shape}")
    side = len(image) // across
    same = "and back again" if np.array_equal(image, rebuilt) else "and something else again"
    with styled():
        figure = new_figure(SIZE)
        sheet = page(figure, BODY_BOX)
        top = heading(sheet, f"{len(patches)} patches of {side} × {side} pixels, {same}", BODY) + 0.3
        gap, whole = 0.35, 3.3
        middle = BODY_BOX[2] - 2 * (whole + 2 * gap)
        thumbnail(sheet, image, 0, top, whole)
        thumbnail(sheet, rebuilt, BODY_BOX[2] - whole, top, whole)
        pitch = middle / across
        for n, patch in enumerate(patches.reshape(-1, side, side, image.shape[2])):
            x, y = whole + 2 * gap + n % across * pitch, top + n // across * pitch
            thumbnail(sheet, patch, x, y, 0.78 * pitch)
            write(sheet, x + 0.39 * pitch, y + 0.78 * pitch, str(n), 0.6 * BODY, ha="center")
        return figure
