"""CLIP: two towers that never see each other, and meet only in the cosine of their outputs.

`images` and `ids` are what the towers read; `image` and `text` are the embeddings that they make of it.
Source: Radford et al. 2021, arXiv:2103.00020.
"""

import math
from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError
from ..nn.cache import new_cache
from ..nn.ops import normalize_backward, normalize_forward
from .checks import CHANNELS, check_parts, check_sizes
from .text import TextConfig, init_text, text_backward, text_forward
from .vision import VisionConfig, init_vision, vision_backward, vision_forward

INITIAL_LOGIT_SCALE = math.log(1 / 0.07)  # CLIP's, section 2.5: cosines alone are too small for a softmax
INITIAL_LOGIT_BIAS = -10.0  # of the sigmoid loss alone, whatever B; Zhai et al. 2023, arXiv:2303.15343, section 3.2
MAX_LOGIT_SCALE = math.log(100)  # CLIP's, against instability; `train.loop` applies it after each step
MAX_PARAMETERS = 2**31


@dataclass(frozen=True)
class ClipConfig:
    """Both towers and the width of the space they share."""

    vision: VisionConfig
    text: TextConfig
    embed_dim: int = 64
    logit_bias: bool = False  # the sigmoid loss learns one beside the scale

    def __post_init__(self):
        check_parts(self, vision=VisionConfig, text=TextConfig, logit_bias=bool)
        check_sizes(self, "embed_dim")
        if self.parameters > MAX_PARAMETERS:
            raise ConfigError(
                f"the model has {self.parameters:,} parameters ({4 * self.parameters / 2**30:.0f} GiB), expected at "
                f"most {MAX_PARAMETERS:,}: choose smaller sizes"
            )

    @property
    def parameters(self) -> int:
        """How many numbers the model has, counted without making it."""

        def blocks(tower):
            # Attention has four matrices, the MLP two; then the biases and two layer norms.
            D, inner = tower.width, tower.mlp_width
            return tower.layers * (4 * D * D + 2 * D * inner + 9 * D + inner)

        v, t, E = self.vision, self.text, self.embed_dim
        visual = v.width * (v.patch_size**2 * CHANNELS + 1 + (1 + v.patches) + 4 + E) + blocks(v)
        text = t.width * (t.vocab_size + t.context_length + 2 + E) + blocks(t)
        return visual + text + 1 + self.logit_bias


def init_clip(rng, config: ClipConfig):
    """Parameters of both towers and the log of the scale, as a tree of float64 arrays (see `nn.tree.pack`)."""
    p = {
        "visual": init_vision(rng, config.vision, config.embed_dim),
        "text": init_text(rng, config.text, config.embed_dim),
        "logit_scale": np.array(INITIAL_LOGIT_SCALE),
    }
    if config.logit_bias:
        p["logit_bias"] = np.array(INITIAL_LOGIT_BIAS)
    return p


def encode_image_forward(images, p, config: ClipConfig):
    """image = features / |features|,  features = vision(images).

    images (B, Y, X, C) normalised -> embeddings (B, E), unit vectors
    """
    c = new_cache()
    features, c["visual"] = vision_forward(images, p["visual"], config.vision)
    image, c["normalize_image"] = normalize_forward(features)
    return image, c


def encode_image_backward(dimage, c):
    """dpatches, g: the lines of the forward in reverse."""
    g = {}
    dfeatures = normalize_backward(dimage, c["normalize_image"])
    dpatches, g["visual"] = vision_backward(dfeatures, c["visual"])
    return dpatches, g


def encode_text_forward(ids, p, config: ClipConfig):
    """text = features / |features|,  features = text(ids).

    ids (B, T) integers -> embeddings (B, E), unit vectors
    """
    c = new_cache()
    features, c["text"] = text_forward(ids, p["text"], config.text)
    text, c["normalize_text"] = normalize_forward(features)
    return text, c


def encode_text_backward(dtext, c):
    """g: the lines of the forward in reverse."""
    g = {}
    dfeatures = normalize_backward(dtext, c["normalize_text"])
    g["text"] = text_backward(dfeatures, c["text"])
    return g


def clip_forward(images, ids, p, config: ClipConfig):
    """(image, text): both towers, each (B, E) unit vectors. The loss does the rest.

    images (B, Y, X, C) normalised; ids (B, T) integers
    """
    image, c_image = encode_image_forward(images, p, config)
    text, c_text = encode_text_forward(ids, p, config)
    return (image, text), c_image | c_text


def clip_backward(dimage, dtext, c):
    """dpatches, g for both towers; the gradient of `logit_scale` comes from the loss that used it."""
    dpatches, g_image = encode_image_backward(dimage, c)
    return dpatches, g_image | encode_text_backward(dtext, c)
