"""The handles a user holds: pictures and words in, unit vectors out. What comes in is checked here, once."""

import copy
from typing import Any

import numpy as np

from .data.pictures import Preprocessing, preprocess
from .models.bridge import BridgedConfig, bridge_forward
from .models.checks import check_images, check_token_ids
from .models.clip import ClipConfig, encode_image_forward, encode_text_forward
from .models.coca import CocaConfig
from .models.decoder import DecoderConfig
from .models.fusion import match_forward
from .models.inference import image_tokens, in_shares
from .models.text import end_positions
from .models.vision import VisionConfig
from .models.writer import Writer


class Handle:
    """What all models have.

    Attributes
    ----------
    params : tree of arrays
    digest : str
        Names the weights: an index made with one model refuses another. Empty where they were never saved.
    config
        All sizes.
    kind : str
        What it is, in words, which are written into its folder.
    """

    config: Any
    kind: str

    def __init__(self, params, digest: str = ""):
        self.params, self.digest = params, digest

    def with_params(self, params):
        """The same model with other weights."""
        other = copy.copy(self)
        other.params, other.digest = params, ""
        return other


class Sighted(Handle):
    """What models with an image tower have."""

    own_preprocessing: Preprocessing | None = None

    @property
    def preprocessing(self) -> Preprocessing:
        """How it wants its pictures; as the world's models do, where nothing else is said."""
        return self.own_preprocessing or Preprocessing(self.image_size)

    @property
    def of_the_world(self) -> bool:
        """Was it trained on scenes of `data.world`, where one object stands at one of nine places?"""
        return self.preprocessing.frame is not False

    @property
    def vision(self) -> VisionConfig:
        """The sizes of the image tower."""
        return getattr(self.config, "clip", self.config).vision

    @property
    def image_size(self) -> int:
        """The side of the pictures it takes, in pixels."""
        return self.vision.image_size

    def preprocess(self, images) -> np.ndarray:
        """Pictures made ready as this model wants them: `miniclip.preprocess` with its numbers."""
        return preprocess(images, **vars(self.preprocessing))

    def memory(self, images) -> np.ndarray:
        """What the image tower makes of pictures, which are normalised: (B, Y, X, C) -> tokens (B, 1 + N, D)."""
        return image_tokens(images, self.params["visual"], self.vision)


class Model(Sighted):
    """A trained CLIP: `encode_image`, `encode_text`, `logit_scale`.

    Attributes
    ----------
    config : ClipConfig
    params : tree of arrays, see `miniclip.models.clip.init_clip`
    tokenizer : has `encode(texts) -> (B, T) ids`
    """

    kind = "CLIP"

    def __init__(self, config: ClipConfig, params, tokenizer, digest: str = "",
                 preprocessing: Preprocessing | None = None):  # fmt: skip
        super().__init__(params, digest)
        self.config, self.tokenizer, self.own_preprocessing = config, tokenizer, preprocessing

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
        images = check_images(images, self.image_size)
        tokens = np.full(len(images), 1 + self.config.vision.patches)
        return in_shares(lambda x: encode_image_forward(x, self.params, self.config)[0], tokens,
                         self.config.vision, images)  # fmt: skip

    def encode_text(self, texts) -> np.ndarray:
        """Embed sentences.

        Parameters
        ----------
        texts : str, list or array of str, or integer array (B, T)
            Integers are token ids, when the text has been encoded already.

        Returns
        -------
        float32 array (B, E), unit vectors

        Raises
        ------
        TypeError, ValueError
            For ids that are no integers, out of range, without or with more than one end token, or too many.
        """
        is_ids = isinstance(texts, np.ndarray) and texts.dtype.kind not in "UO"  # an array of str is a list of them
        ids = texts if is_ids else self.tokenizer.encode(texts)
        ids = check_token_ids(ids, self.config.text)
        length = 1 + end_positions(ids, self.config.text.eos_token_id)
        order = np.argsort(length, kind="stable")  # neighbours of one length: what follows the longest is not computed
        found = in_shares(lambda x: encode_text_forward(x, self.params, self.config)[0], length[order],
                          self.config.text, ids[order])  # fmt: skip
        text = np.empty_like(found)
        text[order] = found
        return text


class Describer(Model):
    """A CLIP with a decoder: `tasks.captioning` and `tasks.vqa` make it write, and it is a CLIP as before.

    Attributes
    ----------
    coca : CocaConfig
    decoder_tokenizer : Tokenizer
        The decoder's, which also knows the words of questions.
    """

    kind = "CLIP that describes"
    image_places = 0  # the picture is looked at through cross-attention, and takes no place among the words

    def __init__(self, coca: CocaConfig, params, tokenizer, decoder_tokenizer, digest: str = "",
                 preprocessing: Preprocessing | None = None):  # fmt: skip
        super().__init__(coca.clip, params, tokenizer, digest, preprocessing)
        self.coca, self.decoder_tokenizer = coca, decoder_tokenizer

    @property
    def places(self) -> int:
        """How many words a text may have, prompt and answer together."""
        return self.coca.decoder.context_length

    def writer(self, images) -> Writer:
        """Something that writes about each of the pictures, which are normalised, (B, Y, X, C)."""
        return Writer(self.params["decoder"], self.coca.decoder, self.memory(images))


class LanguageModel(Handle):
    """A decoder that looks at nothing: what it answers about pictures is guessed.

    Attributes
    ----------
    config : DecoderConfig
    decoder_tokenizer : Tokenizer
    """

    kind = "language model"
    image_places = 0

    def __init__(self, config: DecoderConfig, params, decoder_tokenizer, digest: str = ""):
        super().__init__(params, digest)
        self.config, self.decoder_tokenizer = config, decoder_tokenizer

    @property
    def places(self) -> int:
        """How many places there are for words."""
        return self.config.context_length

    def writer(self, images) -> Writer:
        """Something that writes, whatever the pictures are."""
        return Writer(self.params["decoder"], self.config)


class BridgedModel(Sighted):
    """A frozen image tower, a bridge, and a frozen language model: see `models.bridge`.

    Attributes
    ----------
    config : BridgedConfig
    decoder_tokenizer : Tokenizer
    """

    kind = "bridged model"

    def __init__(self, config: BridgedConfig, params, decoder_tokenizer, digest: str = ""):
        super().__init__(params, digest)
        self.config, self.decoder_tokenizer = config, decoder_tokenizer

    @property
    def image_places(self) -> int:
        """How many places the picture takes among the words."""
        return self.config.bridge.length

    @property
    def places(self) -> int:
        """How many places there are, for picture and words together."""
        return self.config.decoder.context_length

    def writer(self, images) -> Writer:
        """Something that writes about each of the pictures, which are normalised, (B, Y, X, C)."""
        prefix, _ = bridge_forward(self.memory(images), self.params["bridge"], self.config.bridge)
        return Writer(self.params["decoder"], self.config.decoder, prefix=prefix)


class Matcher(Sighted):
    """A fusion encoder, which judges whether a sentence belongs to a picture: see `models.fusion`.

    Attributes
    ----------
    config : CocaConfig
        Of the describer that it began as.
    decoder_tokenizer : Tokenizer
    """

    kind = "fusion encoder"

    def __init__(self, config: CocaConfig, params, decoder_tokenizer, digest: str = ""):
        super().__init__(params, digest)
        self.config, self.decoder_tokenizer = config, decoder_tokenizer

    def logits(self, memory, texts) -> np.ndarray:
        """How likely text b belongs to picture b, as a logit: memory (B, S, D), B texts -> (B,)"""
        ids = self.decoder_tokenizer.encode_short(texts)
        return in_shares(lambda m, i: match_forward(m, i, self.params, self.config)[0], np.full(*ids.shape),
                         self.config.decoder, memory, ids)  # fmt: skip
