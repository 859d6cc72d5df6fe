"""What may go into a model: the sizes of a tower, pictures, token ids. Each is checked once, at the border."""

import numpy as np

from ..errors import ConfigError, InputError, InputTypeError
from ..nn.blocks import ACTIVATIONS

CHANNELS = 3


def check_tower(config, *sizes: str, across: str = "width") -> None:
    """Every size a positive whole number, heads that divide the width they go across, an activation we have."""
    kind = type(config).__name__
    for name in sizes:
        value = getattr(config, name)
        if type(value) is not int or value <= 0:
            raise ConfigError(f"{kind}.{name} is {value!r}, expected a whole number above 0")
    if getattr(config, across) % config.heads:
        raise ConfigError(
            f"{kind}.{across} is {getattr(config, across)}, expected a multiple of heads = {config.heads}"
        )
    if config.activation not in ACTIVATIONS:
        raise ConfigError(f"{kind}.activation is {config.activation!r}, expected one of {', '.join(ACTIVATIONS)}")


def check_images(images, image_size: int) -> np.ndarray:
    """The images as float32 (B, Y, X, C), or an error that says what they are instead."""
    images, want = np.asarray(images), f"(B, {image_size}, {image_size}, {CHANNELS})"
    if images.dtype == np.uint8:
        raise InputTypeError("images are uint8, expected normalised floats: pass them through miniclip.preprocess()")
    if images.dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise InputTypeError(f"images are {images.dtype}, expected float32 or float64: use miniclip.preprocess()")
    if images.shape[1:] != (image_size, image_size, CHANNELS):
        hint = "did you forget to transpose?" if images.shape[1:2] == (CHANNELS,) else "use miniclip.preprocess()"
        raise InputError(f"images have shape {images.shape}, expected {want}: {hint}")
    if len(images) == 0:
        raise InputError(f"there are no images, expected at least one of shape {want}")
    with np.errstate(over="ignore"):
        images = images.astype(np.float32, copy=False)
    finite = np.isfinite(images)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise InputError(f"images hold {np.sum(~finite)} values that are not finite, the first at {first}: mend them")
    return images


def check_token_ids(ids, text) -> np.ndarray:
    """The ids as an array (B, T), or an error that names the row and the position."""
    ids = np.asarray(ids)
    if not np.issubdtype(ids.dtype, np.integer):
        raise InputTypeError(f"token ids are {ids.dtype}, expected integers: encode text with the tokenizer")
    if ids.ndim != 2 or not 0 < ids.shape[1] <= text.context_length:
        raise InputError(f"token ids have shape {ids.shape}, expected (B, T) with T at most {text.context_length}")
    if len(ids) == 0:
        raise InputError("there are no texts, expected at least one")
    outside = np.argwhere((ids < 0) | (ids >= text.vocab_size))
    if outside.size:
        row, place = outside[0]
        raise InputError(f"row {row} has id {ids[row, place]} at {place}, expected 0 to {text.vocab_size - 1}")
    ends = (ids == text.eos_token_id).sum(1)
    if (ends != 1).any():
        row = np.flatnonzero(ends != 1)[0]
        raise InputError(f"row {row} has {ends[row]} end tokens (id {text.eos_token_id}), expected exactly one")
    return ids
