"""A picture in a terminal: two pixels in each letter, the upper one as ink, the lower one as paper."""

import os
import sys

import numpy as np


def can_show() -> bool:
    """Does standard output show colours? Neither a file does, nor a terminal that says no."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb" and "NO_COLOR" not in os.environ


def picture_lines(image) -> list[str]:
    """The lines of a picture.

    image (Y, X, 3), intensities in [0, 1], or NaN for a pixel that is left out; an odd Y gets one more row of those
    """
    image = np.asarray(image, float)
    if len(image) % 2:
        image = np.concatenate([image, np.full_like(image[:1], np.nan)])
    return [
        "".join(map(letter, upper, lower)) + "\x1b[0m" for upper, lower in zip(image[::2], image[1::2], strict=True)
    ]


def letter(upper, lower) -> str:
    """Two pixels, one over the other."""
    up, low = colour_code(upper, 38), colour_code(lower, 48)
    if not up and not low:
        return "\x1b[0m "
    if not up:
        return f"\x1b[0m{colour_code(lower, 38)}\u2584"
    return f"\x1b[0m{up}{low}\u2580"


def colour_code(pixel, ground: int) -> str:
    """The code for a colour: exactly where the terminal says that it can, otherwise the nearest of 216."""
    if np.isnan(pixel).any():
        return ""
    rgb = np.clip(pixel, 0, 1)
    if os.environ.get("COLORTERM") in ("truecolor", "24bit"):
        r, g, b = (round(255 * float(x)) for x in rgb)
        return f"\x1b[{ground};2;{r};{g};{b}m"
    r, g, b = (round(5 * float(x)) for x in rgb)
    return f"\x1b[{ground};5;{16 + 36 * r + 6 * g + b}m"


def in_a_row(images, gap: int = 2) -> np.ndarray:
    """Pictures of one height beside each other, with pixels left out between them."""
    space = np.full((len(images[0]), gap, 3), np.nan)
    parts = [part for image in images for part in (space, np.asarray(image, float))]
    return np.concatenate(parts[1:], axis=1)
