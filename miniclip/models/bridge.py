"""The bridge of a vision-language model: the image tower's tokens -> vectors that a language model reads as words.

    linear    every patch by itself, through one map                       N patches -> N vectors
    mlp       every patch by itself, through two maps                      N patches -> N vectors
    queries   a few learned queries look at all patches, then one map      N patches -> Q vectors

The tower and the language model stay as they are: only the bridge learns. Sources: Liu et al. 2023, arXiv:2304.08485
(LLaVA: linear; its successor: MLP); Li et al. 2023, arXiv:2301.12597 (BLIP-2: queries).
"""

from dataclasses import dataclass

import numpy as np

from ..errors import ConfigError, InputError
from ..nn.blocks import ACTIVATIONS
from ..nn.cache import new_cache
from ..nn.decoder_blocks import decoder_blocks_backward, decoder_blocks_forward, init_decoder_block
from ..nn.layers import (
    init_layer_norm,
    init_linear,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
)
from .checks import check_parts, check_tower, check_word
from .clip import MAX_PARAMETERS, ClipConfig
from .decoder import DecoderConfig, init_decoder
from .vision import init_vision

BRIDGES = ("linear", "mlp", "queries")
SMALL = 0.02  # vectors begin as small as the words they stand for


@dataclass(frozen=True)
class BridgeConfig:
    """What the bridge is, and the widths at its two ends."""

    kind: str
    memory_width: int  # of the image tower
    width: int  # of the language model
    patches: int = 16
    queries: int = 4
    inner: int = 56  # width of the block that the queries go through
    layers: int = 1
    heads: int = 8
    activation: str = "quick_gelu"

    def __post_init__(self):
        check_word(self, "kind", BRIDGES)
        check_tower(self, "memory_width", "width", "patches", "queries", "inner", "layers", "heads", across="inner")
        if self.parameters > MAX_PARAMETERS:
            raise ConfigError(f"the bridge has {self.parameters:,} parameters, expected at most {MAX_PARAMETERS:,}")

    @property
    def parameters(self) -> int:
        """How many numbers the bridge has, counted without making it."""
        M, D, I = self.memory_width, self.width, self.inner
        if self.kind == "linear":
            return 2 * M + M * D + D
        if self.kind == "mlp":
            return 2 * M + 4 * M * (M + 1) + 4 * M * D + D
        block = 14 * I * I + 2 * M * I + 19 * I
        return 2 * M + self.queries * I + self.layers * block + 2 * I + I * D + D

    @property
    def length(self) -> int:
        """How many vectors the language model gets to read."""
        return self.queries if self.kind == "queries" else self.patches


@dataclass(frozen=True)
class BridgedConfig:
    """An image tower, a bridge, and the language model that reads what the bridge shows it."""

    clip: ClipConfig  # whose image tower it is
    bridge: BridgeConfig
    decoder: DecoderConfig

    def __post_init__(self):
        check_parts(self, clip=ClipConfig, bridge=BridgeConfig, decoder=DecoderConfig)
        ends = (self.bridge.memory_width, self.bridge.patches, self.bridge.width)
        between = (self.clip.vision.width, self.clip.vision.patches, self.decoder.width)
        if ends != between:
            raise ConfigError(f"the bridge has (memory width, patches, width) {ends}, expected {between}")

    @property
    def parameters(self) -> int:
        """How many numbers the model has at most, counted without making it."""
        return self.clip.parameters + self.bridge.parameters + self.decoder.parameters


def init_bridge(rng, config: BridgeConfig):
    """Parameters of the bridge, as a tree.

    The queries start at random: equal ones would look at everything alike, and only their places in the text that the
    language model reads could ever part them.
    """
    M, D = config.memory_width, config.width
    p = {"ln_memory": init_layer_norm(M), "proj": init_linear(rng, M, D, SMALL)}
    if config.kind == "mlp":
        return p | {"c_fc": init_linear(rng, M, 4 * M), "proj": init_linear(rng, 4 * M, D, SMALL)}
    if config.kind == "queries":
        I = config.inner
        blocks = [init_decoder_block(rng, I, config.layers, M) for _ in range(config.layers)]
        return p | {
            "queries": rng.normal(0.0, 1.0, (config.queries, I)),
            "blocks": blocks,
            "ln_final": init_layer_norm(I),
            "proj": init_linear(rng, I, D, SMALL),
        }
    return p


def init_bridged(rng, config: BridgedConfig):
    """Parameters of the image tower, the bridge and the language model."""
    return {
        "visual": init_vision(rng, config.clip.vision, config.clip.embed_dim),
        "bridge": init_bridge(rng, config.bridge),
        "decoder": init_decoder(rng, config.decoder),
    }


def bridge_forward(tokens, p, config: BridgeConfig):
    """prefix = proj(look(ln_memory(patches))): what the language model is shown.

    tokens (B, 1 + N, D_memory), the class token first, which is left out -> prefix (B, length, D)
    """
    if tokens.shape[1] != 1 + config.patches:
        raise InputError(f"there are {tokens.shape[1]} image tokens, expected 1 + {config.patches}: of another tower?")
    c = new_cache(kind=config.kind, activation=config.activation)
    x, c["ln_memory"] = layer_norm_forward(tokens[:, 1:], p["ln_memory"])
    if config.kind == "mlp":
        x, c["c_fc"] = linear_forward(x, p["c_fc"])
        x, c["act"] = ACTIVATIONS[config.activation][0](x)
    elif config.kind == "queries":
        q = np.broadcast_to(p["queries"], (len(x), *p["queries"].shape))
        x, c["blocks"] = decoder_blocks_forward(q, x, p["blocks"], config.heads, config.activation)
        x, c["ln_final"] = layer_norm_forward(x, p["ln_final"])
    prefix, c["proj"] = linear_forward(x, p["proj"])
    return prefix, c


def bridge_backward(dprefix, c):
    """dtokens, g: the lines of the forward in reverse."""
    g = {}
    dx, g["proj"] = linear_backward(dprefix, c["proj"])
    if c["kind"] == "mlp":
        dx = ACTIVATIONS[c["activation"]][1](dx, c["act"])
        dx, g["c_fc"] = linear_backward(dx, c["c_fc"])
    elif c["kind"] == "queries":
        dx, g["ln_final"] = layer_norm_backward(dx, c["ln_final"])
        dq, dx, g["blocks"] = decoder_blocks_backward(dx, c["blocks"])
        g["queries"] = dq.sum(0)  # all pictures share the queries
    dx, g["ln_memory"] = layer_norm_backward(dx, c["ln_memory"])
    dtokens = np.concatenate([np.zeros_like(dx[:, :1]), dx], axis=1)
    return dtokens, g
