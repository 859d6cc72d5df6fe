"""The handle a user holds: pictures and words in, unit vectors out. What comes in is checked here, once."""

from functools import partial

import numpy as np

from .machine.threads import in_parallel, parts
from .models.bridge import BridgeConfig, bridge_forward
from .models.clip import ClipConfig, encode_image_forward, encode_text_forward
from .models.coca import CocaConfig
from .models.decoder import DecoderConfig
from .models.vision import CHANNELS, VisionConfig, vision_trunk_forward
from .models.writer import Writer


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


class Describer(Model):
    """A CLIP with a decoder: `tasks.captioning` and `tasks.vqa` make it write, and it is a CLIP as before.

    Attributes
    ----------
    coca : CocaConfig
    words : Tokenizer
        The decoder's, which also knows the words of questions.
    """

    image_places = 0  # the picture is looked at through cross-attention, and takes no place among the words

    def __init__(self, coca: CocaConfig, params, tokenizer, words, digest: str = ""):
        super().__init__(coca.clip, params, tokenizer, digest)
        self.coca, self.words = coca, words

    @property
    def places(self) -> int:
        """How many words a text may have, prompt and answer together."""
        return self.coca.decoder.context_length

    def writer(self, images) -> Writer:
        """Something that writes about each of the pictures, which are normalised, (B, Y, X, C)."""
        memory = self.in_parts(look, check_images(images, self.config.vision.image_size))
        return Writer(self.params["decoder"], self.coca.decoder, memory)


class LanguageModel:
    """A decoder that looks at nothing: what it answers about pictures is guessed."""

    image_places = 0

    def __init__(self, decoder: DecoderConfig, params, words):
        self.decoder, self.params, self.words = decoder, params, words

    @property
    def places(self) -> int:
        """How many places there are, for picture and words together."""
        return self.decoder.context_length

    def writer(self, images) -> Writer:
        """Something that writes, whatever the pictures are."""
        return Writer(self.params["decoder"], self.decoder)


class BridgedModel(LanguageModel):
    """A frozen image tower, a bridge, and a frozen language model: see `models.bridge`."""

    def __init__(self, vision: VisionConfig, bridge: BridgeConfig, decoder: DecoderConfig, params, words):
        super().__init__(decoder, params, words)
        self.vision, self.bridge, self.image_places = vision, bridge, bridge.tokens

    def writer(self, images) -> Writer:
        """Something that writes about each of the pictures, which are normalised, (B, Y, X, C)."""
        images = check_images(images, self.vision.image_size)
        tokens, _ = vision_trunk_forward(images, self.params["visual"], self.vision)
        prefix, _ = bridge_forward(tokens, self.params["bridge"], self.bridge)
        return Writer(self.params["decoder"], self.decoder, prefix=prefix)


def look(images, params, config):
    """The image tower's tokens, as a forward of `Model.in_parts`."""
    return vision_trunk_forward(images, params["visual"], config.vision)


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
