"""The cases of `cases.py` for everything that writes words or looks at a memory."""

import numpy as np
from case import Case, Sizes, captions, causal, clip_config, heads, layer, shake, to_pixels

from miniclip.models.bridge import BridgeConfig, bridge_backward, bridge_forward, init_bridge
from miniclip.models.clip import init_clip
from miniclip.models.coca import (
    CocaConfig,
    caption_backward,
    caption_forward,
    coca_backward,
    coca_forward,
)
from miniclip.models.decoder import (
    DecoderConfig,
    decoder_backward,
    decoder_forward,
    decoder_trunk_backward,
    decoder_trunk_forward,
    init_decoder,
)
from miniclip.models.fusion import (
    fusion_backward,
    fusion_forward,
    init_fusion,
    match_backward,
    match_forward,
)
from miniclip.nn import decoder_blocks as b
from miniclip.nn.decoder_ops import (
    IGNORE,
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)

BRIDGE_KINDS = ("linear", "mlp", "queries")


def decoder_config(z, memory_width=0, prefix=0, activation="quick_gelu"):
    """Room for two words more than there are."""
    return DecoderConfig(z.V, prefix + z.T + 2, z.H * z.K, 2, z.H, memory_width, activation)


def bridge_config(z, kind):
    return BridgeConfig(kind, z.D, z.E, z.S, z.T, 5 * z.H, layers=2, heads=z.H)


def coca_config(z):
    """The decoder is wider than the image tower, and has another activation."""
    return CocaConfig(clip_config(z), DecoderConfig(z.V, z.T + 2, 3 * z.K, 2, 3, z.D, "gelu"))


def init_coca(rng, config):
    """Parameters of CLIP, under CLIP's names, and of the decoder."""
    return init_clip(rng, config.clip) | {"decoder": init_decoder(rng, config.decoder)}


def random_describer(seed, z=None):
    """config, params, images, ids, targets: a small CLIP with a decoder, its weights far from their start."""
    z, rng = z or Sizes(), np.random.default_rng(seed)
    config = coca_config(z)
    p = shake(rng, init_coca(rng, config))
    images, ids = rng.normal(size=(z.B, 6, 6, 3)), captions(rng, z, z.V // 2)
    return config, p, images, ids, some_ignored(rng, z)


def some_ignored(rng, z):
    """targets (B, T): about half of them not scored, one at least is."""
    targets = np.where(rng.random((z.B, z.T)) < 0.5, IGNORE, rng.integers(z.V, size=(z.B, z.T)))
    targets[-1, -1] = 0
    return targets


def without_none(backward):
    """Where there is no memory or no prefix, there is no gradient of it."""
    return lambda dy, c: tuple(part for part in backward(dy, c) if part is not None)


def with_memory(init, forward, backward):
    """A decoder's block, or blocks, beside a memory."""

    def make(rng, z):
        x, memory, drawn = rng.normal(size=(z.B, z.T, z.D)), rng.normal(size=(z.B, z.S, z.E)), {"mask": causal(rng, z)}
        p = shake(rng, init(rng, z.D, z.E))
        return Case(lambda x, memory, p: forward(x, memory, p, z.H, "gelu", **drawn), backward, [x, memory], p)

    return make


def two_blocks(rng, d, d_memory):
    return [b.init_decoder_block(rng, d, 2, d_memory) for _ in range(2)]


def decoder(memory=False, prefix=False, head=True):
    """A decoder with what it is given besides its words; without `head`, its reading alone."""

    def make(rng, z):
        config = decoder_config(z, z.E if memory else 0, z.S if prefix else 0)
        shapes = {"memory": (z.B, z.S, z.E)} if memory else {}
        shapes |= {"prefix": (z.B, z.S, z.D)} if prefix else {}
        given = [captions(rng, z, z.V // 2), *(rng.normal(size=shape) for shape in shapes.values())]
        whole, trunk = (decoder_forward, decoder_backward), (decoder_trunk_forward, decoder_trunk_backward)
        forward, backward = whole if head else trunk

        def run(ids, *rest):
            *vectors, p = rest
            return forward(ids, p, config, **dict(zip(shapes, vectors, strict=True)))

        return Case(run, without_none(backward), given, shake(rng, init_decoder(rng, config)))

    return make


def bridge(kind):
    def make(rng, z):
        config, tokens = bridge_config(z, kind), rng.normal(size=(z.B, 1 + z.S, z.D))
        p = shake(rng, init_bridge(rng, config))
        return Case(lambda tokens, p: bridge_forward(tokens, p, config), bridge_backward, [tokens], p)

    return make


def trunk(visual):
    """Without the tensors of the head, which have no part in what only looks at the trunk."""
    return {name: child for name, child in visual.items() if name not in ("ln_post", "proj")}


def describer(forward, backward, parts, init=init_coca, given=("images", "ids")):
    """A model of pictures (or a memory) and words, with those parts of its tree that it reads."""

    def make(rng, z):
        config = coca_config(z)
        arrays = {"images": rng.normal(size=(z.B, 6, 6, 3)), "memory": rng.normal(size=(z.B, z.S, z.D))}
        arrays["ids"] = captions(rng, z, config.clip.text.eos_token_id)
        p = shake(rng, init(rng, config))
        p = {name: trunk(p["visual"]) if name == "trunk" else p[name] for name in parts.split()}
        p = {"visual" if name == "trunk" else name: child for name, child in p.items()}
        return Case(lambda *inputs: forward(*inputs, config), backward, [arrays[name] for name in given], p)

    return make


def see_as_one_forward(images, ids, p, config):
    """[image, logits] of each pair in one row, so that one upstream gradient serves both."""
    (image, logits), c = coca_forward(images, ids, p, config)
    return np.concatenate([image, logits.reshape(len(ids), ids.shape[1] * logits.shape[2])], 1), (c, image, logits)


def see_as_one_backward(dy, c):
    c, image, logits = c
    E = image.shape[1]
    return to_pixels(coca_backward, "trunk")(dy[:, :E], dy[:, E:].reshape(logits.shape), c)


def scaled(backward):
    """A loss has no upstream gradient of its own: a number, which multiplies."""
    return lambda dy, c: dy * backward(c)


def cross_entropy_ignoring(rng, z):
    return Case(cross_entropy_forward, scaled(cross_entropy_backward),
                [rng.normal(size=(z.B, z.T, z.V)), some_ignored(rng, z)])  # fmt: skip


def binary_cross_entropy(rng, z):
    return Case(binary_cross_entropy_forward, scaled(binary_cross_entropy_backward),
                [rng.normal(size=z.B), rng.random(z.B) < 0.5])  # fmt: skip


def block_alone_forward(x, p, heads, activation, mask):
    return b.decoder_block_forward(x, None, p, heads, activation, mask)


DECODER_LAYERS = {
    "decoder_block": with_memory(lambda rng, d, e: b.init_decoder_block(rng, d, 2, e), b.decoder_block_forward,
                                 b.decoder_block_backward),
    "decoder_block, no memory": layer(lambda rng, d: b.init_decoder_block(rng, d, 2), block_alone_forward,
                                      without_none(b.decoder_block_backward), "D", heads=heads, activation="gelu",
                                      mask=causal),
    "decoder_blocks": with_memory(two_blocks, b.decoder_blocks_forward, b.decoder_blocks_backward),
}  # fmt: skip

DECODER_LOSSES = {"cross_entropy, some ignored": cross_entropy_ignoring, "binary_cross_entropy": binary_cross_entropy}

DESCRIBERS = {
    "read": decoder(memory=True, head=False),
    "read, prefix": decoder(prefix=True, head=False),
    "decoder": decoder(memory=True),
    "decoder, prefix": decoder(prefix=True),
    "decoder, memory and prefix": decoder(memory=True, prefix=True),
    "decoder, language model": decoder(),
    "linear bridge": bridge("linear"),
    "mlp bridge": bridge("mlp"),
    "queries bridge": bridge("queries"),
    "describe": describer(caption_forward, to_pixels(caption_backward, "visual"), "trunk decoder"),
    "see": describer(see_as_one_forward, see_as_one_backward, "visual decoder"),
    "match": describer(match_forward, match_backward, "decoder match", init_fusion, ("memory", "ids")),
    "fusion": describer(fusion_forward, to_pixels(fusion_backward, "visual"), "trunk decoder match", init_fusion),
}
