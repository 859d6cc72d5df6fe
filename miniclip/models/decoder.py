"""The decoder: a causal transformer that writes one word after another, looking at a memory if it has one.

    ids -> token embedding + positions -> causal blocks, each with cross-attention to the memory -> ln_final -> logits

With the image tower's tokens as memory it captions, and answers when a question stands before the place where it goes
on; without a memory it is a language model; with vectors put before its words (`prefix`), a language model that is
shown something. Sources: Vaswani et al. 2017, arXiv:1706.03762; Yu et al. 2022, arXiv:2205.01917 (CoCa).
"""

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, InputError
from ..nn.cache import new_cache
from ..nn.decoder_blocks import decoder_blocks_backward, decoder_blocks_forward, init_decoder_block
from ..nn.layers import (
    embedding_backward,
    embedding_forward,
    init_embedding,
    init_layer_norm,
    init_position,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
    position_backward,
    position_forward,
)
from .checks import check_sizes, check_tower
from .clip import MAX_PARAMETERS
from .text import causal_mask


@dataclass(frozen=True)
class DecoderConfig:
    """Sizes of a decoder; `memory_width` is 0 for a language model, which looks at nothing but its words."""

    vocab_size: int
    context_length: int  # places: prefix and words together
    width: int = 64
    layers: int = 2
    heads: int = 8
    memory_width: int = 0
    activation: str = "quick_gelu"

    def __post_init__(self):
        check_tower(self, "vocab_size", "context_length", "width", "layers", "heads")
        check_sizes(self, "memory_width", least=0)
        if self.parameters > MAX_PARAMETERS:
            raise ConfigError(f"the decoder has {self.parameters:,} parameters, expected at most {MAX_PARAMETERS:,}")

    @property
    def mlp_width(self) -> int:
        """How wide its MLPs are inside."""
        return 4 * self.width

    @property
    def parameters(self) -> int:
        """How many numbers the decoder has, counted without making it."""
        V, D, M = self.vocab_size, self.width, self.memory_width
        block = 12 * D * D + 13 * D + (2 * D * D + 2 * M * D + 6 * D if M else 0)
        return V * D + self.context_length * D + self.layers * block + 2 * D + 2 * M


def init_decoder(rng, config: DecoderConfig):
    """Parameters of the decoder, as a tree; initial sizes as in GPT-2."""
    D = config.width
    p = {
        "token_embedding": init_embedding(rng, config.vocab_size, D, 0.02),
        "positional_embedding": init_position(rng, config.context_length, D, 0.01),
        "blocks": [init_decoder_block(rng, D, config.layers, config.memory_width) for _ in range(config.layers)],
        "ln_final": init_layer_norm(D),
    }
    if config.memory_width:
        p["ln_memory"] = init_layer_norm(config.memory_width)
    return p


def check_context(T: int, memory, prefix, config: DecoderConfig) -> None:
    """A memory of the right width where one is needed, a prefix of the right width, and room for it and T words."""
    M = 0 if prefix is None else prefix.shape[1]
    if (memory is not None) != bool(config.memory_width):
        raise InputError(f"got {'a' if memory is not None else 'no'} memory, and memory_width is {config.memory_width}")
    if memory is not None and memory.shape[-1] != config.memory_width:
        raise InputError(f"the memory has width {memory.shape[-1]}, expected {config.memory_width}: of another tower?")
    if prefix is not None and prefix.shape[-1] != config.width:
        raise InputError(f"the prefix has width {prefix.shape[-1]}, expected {config.width}: of another bridge?")
    if config.context_length < M + T:
        raise InputError(f"{M} places for the image + {T} words = {M + T}, expected at most {config.context_length}")


def decoder_trunk_forward(ids, p, config: DecoderConfig, memory=None, prefix=None):
    """h = ln_final(blocks([prefix, embedding[ids]] + positions, ln_memory(memory))): what each place knows.

    ids (B, T) integers; memory (B, S, D_memory); prefix (B, M, D), vectors before the words -> h (B, M + T, D)
    """
    check_context(ids.shape[1], memory, prefix, config)
    if memory is not None and len(memory) != len(ids):
        raise InputError(f"there are {len(memory)} memories for {len(ids)} texts, expected one each")
    c = new_cache(prefix=0 if prefix is None else prefix.shape[1])
    x, c["token_embedding"] = embedding_forward(ids, p["token_embedding"])
    if prefix is not None:
        x = np.concatenate([prefix, x], axis=1)
    x, c["positional_embedding"] = position_forward(x, p["positional_embedding"])
    if memory is not None:
        memory, c["ln_memory"] = layer_norm_forward(memory, p["ln_memory"])
    mask = causal_mask(x.shape[1])
    x, c["blocks"] = decoder_blocks_forward(x, memory, p["blocks"], config.heads, config.activation, mask)
    x, c["ln_final"] = layer_norm_forward(x, p["ln_final"])
    return x, c


def decoder_trunk_backward(dy, c):
    """dmemory, dprefix, g: the lines of the forward in reverse; None for what was not there."""
    g = {}
    dx, g["ln_final"] = layer_norm_backward(dy, c["ln_final"])
    dx, dmemory, g["blocks"] = decoder_blocks_backward(dx, c["blocks"])
    if dmemory is not None:
        dmemory, g["ln_memory"] = layer_norm_backward(dmemory, c["ln_memory"])
    dx, g["positional_embedding"] = position_backward(dx, c["positional_embedding"])
    M = c["prefix"]
    dprefix, dx = dx[:, :M] if M else None, dx[:, M:]
    g["token_embedding"] = embedding_backward(dx, c["token_embedding"])
    return dmemory, dprefix, g


def decoder_forward(ids, p, config: DecoderConfig, memory=None, prefix=None):
    """logits = h W^T,  h = trunk(ids, ...),  W the token embedding, used a second time: the next word, guessed.

    ids (B, T) integers -> logits (B, T, V); those of the prefix's places are left out
    """
    h, c = decoder_trunk_forward(ids, p, config, memory, prefix)
    h = h[:, c["prefix"] :]
    logits, c["head"] = linear_forward(h, p["token_embedding"])
    return logits, c


def decoder_backward(dlogits, c):
    """dmemory, dprefix, g: the embedding is used twice, so its two gradients add."""
    dh, g_head = linear_backward(dlogits, c["head"])
    if M := c["prefix"]:
        dh = np.concatenate([np.zeros((len(dh), M, dh.shape[2]), dh.dtype), dh], axis=1)
    dmemory, dprefix, g = decoder_trunk_backward(dh, c)
    g["token_embedding"]["weight"] += g_head["weight"]
    return dmemory, dprefix, g
