"""The fusion encoder: picture and sentence read together, word by word, and judged: do they belong together?

    images -> trunk -> memory;  ids -> decoder's reading of them, looking at the memory -> mean over words -> one logit

A dual encoder sums up each side before they meet, so a gallery is embedded once. Here every pair is a forward pass of
its own: N x M of them. In return the words "red" and "circle" can be looked up at the same place of the picture.
Source: Li et al. 2021, arXiv:2107.07651 (ALBEF), section 3.2, image-text matching.
"""

from ..nn.cache import new_cache
from ..nn.decoder_ops import mean_of_first_backward, mean_of_first_forward
from ..nn.layers import init_linear, linear_backward, linear_forward
from .coca import CocaConfig
from .decoder import decoder_trunk_backward, decoder_trunk_forward, init_decoder
from .text import end_positions
from .vision import init_vision, vision_trunk_backward, vision_trunk_forward


def init_fusion(rng, config: CocaConfig):
    """Parameters of the image tower, of the reader, and of the head."""
    return {
        "visual": init_vision(rng, config.clip.vision, config.clip.embed_dim),
        "decoder": init_decoder(rng, config.decoder),
        "match": init_linear(rng, config.decoder.width, 1),
    }


def match_forward(memory, ids, p, config: CocaConfig):
    """logit = w . (mean of read(ids, memory) over the words) + b: every word may say whether it fits.

    memory (B, S, D_memory); ids (B, T), pair b is memory b with text b -> logits (B,)
    """
    c = new_cache()
    x, c["decoder"] = decoder_trunk_forward(ids, p["decoder"], config.decoder, memory)
    x, c["mean"] = mean_of_first_forward(x, 1 + end_positions(ids, config.clip.text.eos_token_id))
    x, c["match"] = linear_forward(x, p["match"])
    return x[:, 0], c


def match_backward(dlogits, c):
    """dmemory, g: the lines of the forward in reverse."""
    g = {}
    dx, g["match"] = linear_backward(dlogits[:, None], c["match"])
    dx = mean_of_first_backward(dx, c["mean"])
    dmemory, _, g["decoder"] = decoder_trunk_backward(dx, c["decoder"])
    return dmemory, g


def fusion_forward(images, ids, p, config: CocaConfig):
    """logits = match(trunk(images), ids).

    images (B, Y, X, C) normalised; ids (B, T) -> logits (B,)
    """
    c = new_cache()
    memory, c["visual"] = vision_trunk_forward(images, p["visual"], config.clip.vision)
    logits, c["match"] = match_forward(memory, ids, p, config)
    return logits, c


def fusion_backward(dlogits, c):
    """dpatches, g: the lines of the forward in reverse."""
    dmemory, g = match_backward(dlogits, c["match"])
    dpatches, g["visual"] = vision_trunk_backward(dmemory, c["visual"])
    return dpatches, g
