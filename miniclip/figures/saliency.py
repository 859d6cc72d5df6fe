"""Which pixels made it say so: the picture, what its pixels say for and against a caption, and its patches."""

import numpy as np
from matplotlib.patches import Rectangle

from ..errors import InputError
from .page import clean, decimal, frame, heading, page, thumbnail, write
from .style import BODY, ROSE, WIDE, Figure, new_figure, styled
from .words import lit

BODY_BOX = (0.4, 0.35, WIDE[0] - 0.8, WIDE[1] - 0.7)
AGAINST_AND_FOR = "PuOr_r"  # from purple, against, to orange, for; told apart by all common kinds of colour vision


def saliency_maps(image, caption: str, cosine: float, pixels, patches, method: str) -> Figure:
    """A picture, the map of its pixels, and its patches, each as clear as its share.

    Parameters
    ----------
    image : float array (Y, X, 3), intensities in [0, 1]
    caption : str
    cosine : float
    pixels : float array (Y, X)
        What each says for the caption, or against it.
    patches : float array (n, n)
        Shares of the map, which sum to 1, or to 0; the picture's sides are multiples of n.
    method : str
        How the map was made, such as "integrated_gradients".

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    image, pixels, patches = np.asarray(image), np.asarray(pixels), np.asarray(patches)
    (Y, X), n = image.shape[:2], patches.shape
    if pixels.shape != (Y, X) or len(n) != 2 or Y % n[0] or X % n[1]:
        raise InputError(
            f"got a picture {image.shape}, a map {pixels.shape} and patches {n}, expected as many pixels, and sides "
            "that are multiples of the patches'"
        )
    with styled():
        figure = new_figure()
        sheet = page(figure, BODY_BOX)
        top = heading(sheet, finding(caption, cosine, patches, method), BODY) + 0.3
        gap = 0.35
        side = min((BODY_BOX[2] - 2 * gap) / 3, BODY_BOX[3] - top - 3.0 * BODY / 72)
        colours = "orange for, purple against" if pixels.min() < 0 else "the more orange, the more"
        names = ("the picture", colours, "the clearer, the more")
        for k, name in enumerate(names):
            x = (BODY_BOX[2] - 3 * side - 2 * gap) / 2 + k * (side + gap)
            write(sheet, x, top + side + 0.4 * BODY / 72, name, BODY, side, 2)
            if k == 1:
                signed_map(sheet, pixels, x, top, side)
            else:
                thumbnail(sheet, lit(image, patches) if k else image, x, top, side)
        if patches.max() > 0:
            frame_hottest(sheet, patches, x, top, side, 3.0)
        return figure


def finding(caption: str, cosine: float, patches, method: str) -> str:
    """What the map says of the caption."""
    share = f"the framed patch has {patches.max():.0%} of the map" if patches.max() > 0 else "nothing speaks for it"
    return f"“{clean(caption)}”, cosine {decimal(cosine)}: {share}, by {method.replace('_', ' ')}"


def signed_map(sheet, pixels, x, y, side) -> None:
    """A map in a square: orange what speaks for, purple what speaks against, the ground where nothing does."""
    most = max(float(np.abs(pixels).max()), 1e-30)
    sheet.imshow(pixels, cmap=AGAINST_AND_FOR, vmin=-most, vmax=most, extent=(x, x + side, y + side, y),
                 interpolation="nearest", aspect="auto")  # fmt: skip
    frame(sheet, x, y, side, side)


def frame_hottest(sheet, patches, x, y, side, width: float) -> None:
    """An outline around the patch with the largest share, on a square that shows all of them."""
    row, column = np.unravel_index(np.argmax(patches), patches.shape)
    cell = side / len(patches)
    sheet.add_patch(Rectangle((x + column * cell, y + row * cell), cell, cell, fill=False, edgecolor=ROSE,
                              linewidth=width, joinstyle="miter"))  # fmt: skip
