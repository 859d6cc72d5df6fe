"""The handle a user holds: pictures and words in, unit vectors out. What comes in is checked here, once."""

from functools import partial

import numpy as np

from .models.clip import ClipConfig, encode_image_forward, encode_text_forward
from .models.vision import CHANNELS
from .threads import in_parallel, parts


class Model:
    """A trained CLIP: `encode_image`, `encode_text`, `logit_scale`.

    Attributes
    ----------
    config : ClipConfig
    params : tree of arrays, see `miniclip.models.clip.init_clip`
    tokenizer : has `encode(texts) -> (B, T) ids`
    digest : str
        Names the weights: an index made with one model refuses another.
    """

    def __init__(self, config: ClipConfig, params, tokenizer, digest: str = ""):
        self.config, self.params, self.tokenizer, self.digest = config, params, tokenizer, digest

    @property
    def logit_scale(self) -> float:
        """The log of the scale, as CLIP stores it: logits are exp(logit_scale) times cosines."""
        return float(self.params["logit_scale"])

    def encode_image(self, images) -> np.ndarray:
        """Embed pictures.

        Parameters
        ----------
        images : float array (B, Y, X, C)
            Normalised, as `miniclip.preprocess` returns them.

        Returns
        -------
        float32 array (B, E), unit vectors

        Raises
        ------
        TypeError, ValueError
            For another dtype or shape, no image at all, or values that are not finite.
        """
        images = check_images(images, self.config.vision.image_size)
        return self.in_parts(encode_image_forward, images)

    def encode_text(self, texts) -> np.ndarray:
        """Embed sentences.

        Parameters
        ----------
        texts : str, list of str, or integer array (B, T)
            Token ids, when the text has been encoded already.

        Returns
        -------
        float32 array (B, E), unit vectors

        Raises
        ------
        TypeError, ValueError
            For ids that are no integers, out of range, without or with more than one end token, or too many.
        """
        ids = texts if isinstance(texts, np.ndarray) else self.tokenizer.encode(texts)
        ids = check_ids(ids, self.config.text)
        return self.in_parts(encode_text_forward, ids)

    def in_parts(self, forward, inputs) -> np.ndarray:
        """The embeddings of all inputs, part by part on all cores; the caches are for gradients, and let go."""
        jobs = (partial(lambda x: forward(x, self.params, self.config)[0], inputs[rows]) for rows in parts(len(inputs)))
        return np.concatenate(list(in_parallel(jobs)))


def check_images(images, image_size: int) -> np.ndarray:
    """The images as float32 (B, Y, X, C), or an error that says what they are instead."""
    images, want = np.asarray(images), f"(B, {image_size}, {image_size}, {CHANNELS})"
    if images.dtype == np.uint8:
        raise TypeError("images are uint8, expected normalised floats: pass them through miniclip.preprocess()")
    if images.dtype.newbyteorder("=") not in (np.dtype(np.float32), np.dtype(np.float64)):
        raise TypeError(f"images are {images.dtype}, expected float32 or float64: use miniclip.preprocess()")
    if images.shape[1:] != (image_size, image_size, CHANNELS):
        hint = "did you forget to transpose?" if images.shape[1:2] == (CHANNELS,) else "use miniclip.preprocess()"
        raise ValueError(f"images have shape {images.shape}, expected {want}: {hint}")
    if len(images) == 0:
        raise ValueError(f"there are no images, expected at least one of shape {want}")
    with np.errstate(over="ignore"):
        images = images.astype(np.float32, copy=False)
    finite = np.isfinite(images)
    if not finite.all():
        first = tuple(int(i) for i in np.argwhere(~finite)[0])
        raise ValueError(f"images hold {np.sum(~finite)} values that are not finite, the first at {first}: mend them")
    return images


def check_ids(ids, text) -> np.ndarray:
    """The ids as an array (B, T), or an error that names the row and the position."""
    ids = np.asarray(ids)
    if not np.issubdtype(ids.dtype, np.integer):
        raise TypeError(f"token ids are {ids.dtype}, expected integers: encode text with the tokenizer")
    if ids.ndim != 2 or not 0 < ids.shape[1] <= text.context_length:
        raise ValueError(f"token ids have shape {ids.shape}, expected (B, T) with T at most {text.context_length}")
    if len(ids) == 0:
        raise ValueError("there are no texts, expected at least one")
    outside = np.argwhere((ids < 0) | (ids >= text.vocab_size))
    if outside.size:
        row, place = outside[0]
        raise ValueError(f"row {row} has id {ids[row, place]} at {place}, expected 0 to {text.vocab_size - 1}")
    ends = (ids == text.eos_token_id).sum(1)
    if (ends != 1).any():
        row = np.flatnonzero(ends != 1)[0]
        raise ValueError(f"row {row} has {ends[row]} end tokens (id {text.eos_token_id}), expected exactly one")
    return ids
