"""The text tower: a causal transformer, as in OpenAI's CLIP.

ids -> token embedding + positions -> causal blocks -> ln_final -> the end token's vector -> projection.
Only the end token has seen the whole caption, because every token looks at itself and to its left.
Source: openai/CLIP model.py, CLIP.encode_text.
"""

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, InputError, quote
from ..nn.blocks import blocks_backward, blocks_forward, init_block
from ..nn.cache import new_cache
from ..nn.layers import (
    EPS,
    embedding_backward,
    embedding_forward,
    init_embedding,
    init_layer_norm,
    init_linear,
    init_position,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
    position_backward,
    position_forward,
)
from .checks import HIGHEST_ID, check_encoder


@dataclass(frozen=True)
class TextConfig:
    """Sizes of the text tower; `eos_token_id` is the end token, where the caption's vector is read."""

    vocab_size: int
    context_length: int
    width: int = 64
    layers: int = 2
    heads: int = 4
    activation: str = "quick_gelu"
    eos_token_id: int = 3  # Tokenizer.end
    mlp_width: int | None = None  # 4 width
    eps: float = EPS

    def __post_init__(self):
        check_encoder(self, "vocab_size", "context_length", "width", "layers", "heads")
        if type(self.eos_token_id) is not int or not 0 <= self.eos_token_id < self.vocab_size:
            raise ConfigError(
                f"TextConfig.eos_token_id is {quote(self.eos_token_id)}, expected a token id below {self.vocab_size}"
            )


def causal_mask(T: int) -> np.ndarray:
    """mask[t, s] = s <= t: a token may look at itself and at what came before (`nn.ops.attend_forward` applies it)."""
    return np.tri(T, dtype=bool)


def end_positions(ids, eos_token_id: int) -> np.ndarray:
    """end_b = the first t with ids[b, t] = eos; with an old config, argmax_t ids[b, t]. ids (B, T) -> (B,)"""
    if eos_token_id == HIGHEST_ID:
        return ids.argmax(1)
    is_end = ids == eos_token_id
    missing = np.flatnonzero(~is_end.any(1))
    if missing.size:
        raise InputError(f"row {missing[0]} has no end token (id {eos_token_id}): encode text with the tokenizer")
    return is_end.argmax(1)


def longest(end) -> int:
    """How many tokens the longest caption has, its end included; what follows nobody reads. end (B,) positions"""
    return 1 + int(end.max(initial=0))


def init_text(rng, config: TextConfig, embed_dim: int):
    """Parameters of the text tower, as a tree; initial sizes as in openai/CLIP."""
    D = config.width
    return {
        "token_embedding": init_embedding(rng, config.vocab_size, D, 0.02),
        "positional_embedding": init_position(rng, config.context_length, D, 0.01),
        "blocks": [init_block(rng, D, config.layers, config.mlp_width) for _ in range(config.layers)],
        "ln_final": init_layer_norm(D),
        "text_projection": init_linear(rng, D, embed_dim, bias=False),
    }


def text_trunk_forward(ids, p, config: TextConfig, read=None):
    """x = ln_final(blocks(embedding[ids] + positions)).

    ids (B, T) integers, T <= context_length -> x (B, T, D); with read (B,) only that token of each: (B, D)
    """
    c, mask = new_cache(), causal_mask(ids.shape[1])
    x, c["token_embedding"] = embedding_forward(ids, p["token_embedding"])
    x, c["positional_embedding"] = position_forward(x, p["positional_embedding"])
    x, c["blocks"] = blocks_forward(x, p["blocks"], config.heads, config.activation, mask, read, config.eps)
    x, c["ln_final"] = layer_norm_forward(x, p["ln_final"], config.eps)
    return x, c


def text_trunk_backward(dy, c):
    """g: the lines of the forward in reverse. Integers have no gradient, so there is no dx."""
    g = {}
    dx, g["ln_final"] = layer_norm_backward(dy, c["ln_final"])
    dx, g["blocks"] = blocks_backward(dx, c["blocks"])
    dx, g["positional_embedding"] = position_backward(dx, c["positional_embedding"])
    g["token_embedding"] = embedding_backward(dx, c["token_embedding"])
    return g


def text_forward(ids, p, config: TextConfig):
    """features = W (the trunk at the end token). What follows the longest caption is cut off first.

    ids (B, T) integers, T <= context_length -> features (B, E)
    """
    end = end_positions(ids, config.eos_token_id)
    x, c = text_trunk_forward(ids[:, : longest(end)], p, config, read=end)
    x, c["text_projection"] = linear_forward(x, p["text_projection"])
    return x, c


def text_backward(dy, c):
    """g: the lines of the forward in reverse."""
    dx, g = linear_backward(dy, c["text_projection"])
    return text_trunk_backward(dx, c) | {"text_projection": g}
