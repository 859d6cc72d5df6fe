"""What may go into a loss: a share of nothing is NaN, and says so to nobody."""

import math

import numpy as np

from ..errors import InputError, InputTypeError, quote


def as_array(values, what: str) -> np.ndarray:
    """The values as an array; a TypeError for rows of several lengths."""
    try:
        return np.asarray(values)
    except ValueError:
        raise InputTypeError(f"{what} are rows of several lengths, expected an array: all rows alike") from None


def scale_of(logit_scale) -> float:
    """exp(logit_scale); an error for what is no number, or one whose exponential is none. NaN stays NaN, and shows."""
    try:
        return math.exp(logit_scale)
    except (TypeError, OverflowError):
        raise InputError(f"logit_scale is {quote(logit_scale)}, expected the log of a number") from None


def check_pairs(image, text) -> None:
    """As many images as texts, at least one, in a space of the same width: pair i is image i with text i."""
    if len(image) != len(text) or len(image) == 0:
        raise InputError(f"there are {len(image)} images and {len(text)} texts, expected as many of each, at least one")
    if image.ndim != 2 or image.shape != text.shape:
        raise InputError(f"images have shape {image.shape} and texts {text.shape}, expected (B, E) twice")


def check_positives(positives, B: int) -> None:
    """bool (B, B), and nobody without a right answer: a share of no positives is not a number."""
    positives = np.asarray(positives)
    if positives.shape != (B, B) or positives.dtype != bool:
        raise InputError(f"positives are {positives.dtype} {positives.shape}, expected bool {(B, B)}")
    for axis, what in ((1, "row"), (0, "column")):
        lonely = np.flatnonzero(~positives.any(axis))
        if lonely.size:
            raise InputError(f"{what} {lonely[0]} of positives has none, expected at least its own pair: (i, i)")
