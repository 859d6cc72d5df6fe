"""What may go into a model: the sizes of a tower, pictures, token ids. Each is checked once, at the border."""

import numpy as np

from ..errors import ConfigError, InputError, InputTypeError, quote
from ..nn.blocks import ACTIVATIONS

CHANNELS = 3
# The end token that old config.json files of transformers name, wrongly; it then reads a caption at its highest id, as
# OpenAI's code does. Source: transformers, modeling_clip.py, CLIPTextTransformer.forward.
HIGHEST_ID = 2
LARGEST = 2**31  # of any size: products of sizes are still numbers that can be written and compared


def check_tower(config, *sizes: str, across: str = "width") -> None:
    """Every size a positive whole number, heads that divide the width they go across, an activation we have."""
    check_sizes(config, *sizes)
    if getattr(config, across) % config.heads:
        raise ConfigError(
            f"{type(config).__name__}.{across} is {getattr(config, across)}, expected a multiple of heads = "
            f"{config.heads}"
        )
    check_word(config, "activation", ACTIVATIONS)


def check_encoder(config, *sizes: str) -> None:
    """A tower's sizes, and where real CLIPs may differ: the MLP's width, by default 4 width, and layer norm's eps."""
    check_tower(config, *sizes)
    if config.mlp_width is None:
        object.__setattr__(config, "mlp_width", 4 * config.width)  # of a frozen dataclass, while it is made
    check_sizes(config, "mlp_width")
    if type(config.eps) is not float or not 0.0 < config.eps < 1.0:
        raise ConfigError(f"{type(config).__name__}.eps is {quote(config.eps)}, expected a number between 0 and 1")


def check_sizes(config, *names: str, least: int = 1) -> None:
    """A ConfigError unless the fields of these names are whole numbers that a size can be."""
    for name in names:
        value = getattr(config, name)
        if type(value) is not int or not least <= value <= LARGEST:
            what, low = f"{type(config).__name__}.{name} is {quote(value)}", "above" if least else "of at least"
            raise ConfigError(f"{what}, expected a whole number {low} 0, at most {LARGEST:,}")


def check_word(config, name: str, words) -> None:
    """A ConfigError unless the field of this name is one of some words."""
    value = getattr(config, name)
    if type(value) is not str or value not in words:
        kind = type(config).__name__
        raise ConfigError(f"{kind}.{name} is {quote(value)}, expected one of {', '.join(words)}")


def check_parts(config, **kinds: type) -> None:
    """A ConfigError unless the fields of these names are of these types."""
    for name, kind in kinds.items():
        value = getattr(config, name)
        if type(value) is not kind:
            raise ConfigError(f"{type(config).__name__}.{name} is {quote(value)}, expected a {kind.__name__}")


def check_kind(model, *kinds) -> None:
    """An InputTypeError unless the model is one of these handles, which say their `kind`."""
    if not isinstance(model, kinds):
        found = getattr(model, "kind", type(model).__name__)
        raise InputTypeError(f"the model is a {found}, expected a {' or a '.join(one.kind for one in kinds)}")


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
    if text.eos_token_id != HIGHEST_ID:
        is_end = ids == text.eos_token_id
        ends = is_end.sum(1)
        odd = (ends != 1) & (ends != ids.shape[1] - is_end.argmax(1))  # or it is what fills the row, as in real CLIPs
        if odd.any():
            row = np.flatnonzero(odd)[0]
            raise InputError(f"row {row} has {ends[row]} end tokens (id {text.eos_token_id}), expected exactly one")
    return ids
