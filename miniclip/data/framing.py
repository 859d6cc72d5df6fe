"""A picture from elsewhere: where its object stands, and how it is moved to where the world has its own.

The towers know objects at nine places, in two sizes; what stands elsewhere, or is larger, they read one time in five.
So the object is found, as what differs from the border, and the picture is cut or widened such that it stands at the
nearest of these places, as large as the world's large objects, which are read best. What was on the left still is, but
how large it was is lost.
"""

import numpy as np

from .drawing import CENTRES
from .world import IMAGE_SIZE

COARSE = 64  # pixels a side: enough to find an object
FINEST = 512  # pixels a side: more would only take memory
FAINTEST = 0.08  # intensity: what differs less from the border belongs to it
FAINT = 0.15  # of the strongest difference: what is less is a shadow
GRAIN = 3.0  # times what the border differs from itself: what is less is its texture, or a slope of light
UNEVEN = 0.1  # intensity: a border with more than this deviation is no plain ground
CRUMB = 0.1  # of the largest part: what is smaller is no object
SIDES = np.array([8.4, 13.0])  # pixels of 32: the longer side of small and of large objects, in the mean over shapes
# What stands as the world's own objects do is left alone: its centre of mass so near to a place, its side so like one.
NEAR, LIKE = 1.25, (0.8, 1.3)  # pixels of 32; times SIDES


def resized(image: np.ndarray, width: int, height: int, box=None) -> np.ndarray:
    """(Y, X, 3) -> (height, width, 3) float32, bicubic; of a part, where `box` says left, top, right, bottom."""
    from PIL import Image

    planes = [Image.fromarray(np.float32(image[:, :, k])) for k in range(3)]
    planes = [plane.resize((width, height), Image.Resampling.BICUBIC, box) for plane in planes]
    return np.clip(np.stack([np.asarray(plane) for plane in planes], axis=2), 0.0, 1.0)


def border(image: np.ndarray) -> np.ndarray:
    """(n, 3): the pixels along the edges, a twentieth of each side deep."""
    from_edge = [np.minimum(np.arange(n), np.arange(n)[::-1]) < max(1, n // 20) for n in image.shape[:2]]
    return image[from_edge[0][:, None] | from_edge[1]]


def foreground(image: np.ndarray) -> np.ndarray:
    """(COARSE, COARSE) bool: what differs from the border's median colour, by more than the border itself does."""
    coarse = resized(image, COARSE, COARSE)
    colour = np.median(border(coarse), axis=0)
    difference = np.abs(coarse - colour).max(2)
    grain = np.quantile(np.abs(border(coarse) - colour).max(1), 0.75)  # an object may touch the border here and there
    return difference > max(FAINTEST, FAINT * np.quantile(difference, 0.99), GRAIN * grain)


def is_blank(image: np.ndarray) -> bool:
    """Is the border even, and does nothing differ from it? image (Y, X, 3), intensities in [0, 1]"""
    return border(image).std(0).max() < UNEVEN and not foreground(image).any()


def only_object(mask: np.ndarray) -> np.ndarray | None:
    """The one part of a mask (S, S) that hangs together, without crumbs; None if there is none, or several."""
    from PIL import Image, ImageFilter

    labels = np.where(mask, np.arange(1, mask.size + 1).reshape(mask.shape), 0).astype(np.int32)
    before = np.zeros_like(labels)
    while not np.array_equal(labels, before):  # the largest number of a neighbourhood spreads through its part
        before = labels
        labels = np.asarray(Image.fromarray(labels).filter(ImageFilter.MaxFilter(3))) * mask
    numbers, sizes = np.unique(labels[mask], return_counts=True)
    if (sizes > CRUMB * sizes.max(initial=0)).sum() != 1:
        return None
    return labels == numbers[sizes.argmax()]


def frame_object(image: np.ndarray, side: int) -> np.ndarray | None:
    """The picture with its object at the nearest of the world's places, as large as the large ones there.

    Parameters
    ----------
    image : float array (Y, X, 3), intensities in [0, 1]
        If it is no square, its border's colour makes it one.
    side : int

    Returns
    -------
    float32 array (side, side, 3)
        Or None, where the picture has to be read as it is: the object stands as those of the world already, there are
        several, or there is none.
    """
    square = make_square(image)
    found = only_object(foreground(square))
    if found is None:
        return None
    at = (np.argwhere(found) + 0.5) * (IMAGE_SIZE / COARSE)  # (n, 2), y and x, in pixels of 32
    low, high = at.min(0), at.max(0)
    centre, longer = (low + high) / 2, (high - low).max() + IMAGE_SIZE / COARSE
    place = CENTRES[np.abs(CENTRES[:, None] - centre).argmin(0)]
    like = (LIKE[0] * SIDES < longer) & (longer < LIKE[1] * SIDES)
    if like.any() and np.abs(at.mean(0) - place).max() < NEAR:
        return None
    scale = longer / SIDES.max()  # from the new pixels to the old
    return cut(square, (centre - scale * place) / IMAGE_SIZE, scale, side)


def make_square(image: np.ndarray) -> np.ndarray:
    """(S, S, 3), S at most FINEST: the picture in the middle, its border's colour beside it."""
    Y, X, _ = image.shape
    shrink = min(1.0, FINEST / max(Y, X))
    if shrink < 1.0:
        image = resized(image, max(1, round(X * shrink)), max(1, round(Y * shrink)))
        Y, X, _ = image.shape
    S = max(Y, X)
    square = np.tile(np.float32(np.median(border(image), axis=0)), (S, S, 1))
    top, left = (S - Y) // 2, (S - X) // 2
    square[top : top + Y, left : left + X] = image
    return square


def cut(square: np.ndarray, corner, scale: float, side: int) -> np.ndarray:
    """(side, side, 3): what begins at `corner` (y, x) and is `scale` wide, in shares of the square.

    What lies outside of it has the border's colour.
    """
    S = len(square)
    rim = int(np.ceil(S * max(-corner.min(), (corner + scale).max() - 1.0, 0.0)))
    ground = np.tile(np.median(border(square), axis=0), (S + 2 * rim, S + 2 * rim, 1))
    ground[rim : rim + S, rim : rim + S] = square
    y, x = corner * S + rim
    return resized(ground, side, side, (x, y, x + scale * S, y + scale * S))
