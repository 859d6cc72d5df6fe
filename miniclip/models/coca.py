"""One model for all: CLIP, and a decoder that looks at the image tower's tokens.

    images -> trunk -> head -> embedding   (compared with captions: the contrastive loss)
                    -> memory -> decoder   (asked for the next word: captions, and answers to questions)

Both losses pull on one trunk, and their gradients add where it forks. Source: Yu et al. 2022, arXiv:2205.01917 (CoCa);
ours has CLIP's text tower, CoCa's is the lower half of its decoder.
"""

from dataclasses import dataclass

from ..errors import ConfigError
from ..nn.cache import new_cache
from ..nn.ops import normalize_backward, normalize_forward, pick_backward, pick_forward
from .checks import check_parts
from .clip import ClipConfig
from .decoder import DecoderConfig, decoder_backward, decoder_forward
from .vision import (
    class_positions,
    vision_head_backward,
    vision_head_forward,
    vision_trunk_backward,
    vision_trunk_forward,
)


@dataclass(frozen=True)
class CocaConfig:
    """A CLIP, and the decoder that reads its image tower."""

    clip: ClipConfig
    decoder: DecoderConfig

    def __post_init__(self):
        check_parts(self, clip=ClipConfig, decoder=DecoderConfig)
        if self.decoder.memory_width != self.clip.vision.width:
            raise ConfigError(
                f"DecoderConfig.memory_width is {self.decoder.memory_width}, expected the image tower's width, "
                f"{self.clip.vision.width}"
            )

    @property
    def parameters(self) -> int:
        """How many numbers the model has, counted without making it."""
        return self.clip.parameters + self.decoder.parameters


def caption_forward(images, ids, p, config: CocaConfig):
    """logits = decoder(ids, memory = trunk(images)): the next word of each text, given the picture.

    images (B, Y, X, C) normalised; ids (B, T) integers -> logits (B, T, V)
    """
    c = new_cache()
    memory, c["visual"] = vision_trunk_forward(images, p["visual"], config.clip.vision)
    logits, c["decoder"] = decoder_forward(ids, p["decoder"], config.decoder, memory)
    return logits, c


def caption_backward(dlogits, c):
    """dpatches, g: the lines of the forward in reverse."""
    g = {}
    dmemory, _, g["decoder"] = decoder_backward(dlogits, c["decoder"])
    dpatches, g["visual"] = vision_trunk_backward(dmemory, c["visual"])
    return dpatches, g


def coca_forward(images, ids, p, config: CocaConfig):
    """(image, logits): one pass through the trunk, then the head for the contrast and the decoder for the words.

    images (B, Y, X, C) normalised; ids (B, T) integers -> embeddings (B, E), unit vectors; logits (B, T, V)
    """
    c = new_cache()
    tokens, c["trunk"] = vision_trunk_forward(images, p["visual"], config.clip.vision)
    x, c["pick"] = pick_forward(tokens, class_positions(images))
    features, c["head"] = vision_head_forward(x, p["visual"], config.clip.vision.eps)
    image, c["normalize_image"] = normalize_forward(features)
    logits, c["decoder"] = decoder_forward(ids, p["decoder"], config.decoder, tokens)
    return (image, logits), c


def coca_backward(dimage, dlogits, c):
    """dpatches, g: the lines of the forward in reverse."""
    g = {}
    dtokens, _, g["decoder"] = decoder_backward(dlogits, c["decoder"])
    dfeatures = normalize_backward(dimage, c["normalize_image"])
    dx, g_head = vision_head_backward(dfeatures, c["head"])
    dhead = pick_backward(dx, c["pick"])
    dpatches, g_trunk = vision_trunk_backward(dtokens + dhead, c["trunk"])  # the fork: gradients add
    return dpatches, g | {"visual": g_trunk | g_head}
