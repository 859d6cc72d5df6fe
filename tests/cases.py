"""Every layer, operation, loss and tower, ready to run on random numbers: one table for what holds for all.

`build(name, seed, sizes)` gives a `Case`: float64 arrays, sizes that are distinct primes (a wrong axis cannot fit by
luck), parameters shaken away from their initial zeros and ones, and no two numbers alike.
"""

import numpy as np
from case import Case, Sizes, captions, causal, clip_config, heads, layer, op, random_mask, shake, to_pixels, unit
from decoder_cases import DECODER_LAYERS, DECODER_LOSSES, DESCRIBERS

from miniclip.models.clip import (
    ClipConfig,
    clip_backward,
    clip_forward,
    encode_image_backward,
    encode_image_forward,
    encode_text_backward,
    encode_text_forward,
    init_clip,
)
from miniclip.models.text import TextConfig, init_text, text_backward, text_forward
from miniclip.models.vision import (
    VisionConfig,
    init_vision,
    patchify_backward,
    patchify_forward,
    vision_backward,
    vision_forward,
)
from miniclip.nn import blocks as b
from miniclip.nn import chunked, decoder_ops, losses, ops
from miniclip.nn import decoder_blocks as d
from miniclip.nn import layers as l
from miniclip.nn.read import read_attention_backward, read_attention_forward
from miniclip.nn.tree import pack


def random_clip(seed):
    """config, params, images, ids: a small CLIP, its weights far from their start; ids above EOS, some after it."""
    rng = np.random.default_rng(seed)
    P, side, K, H = int(rng.integers(2, 5)), int(rng.integers(1, 4)), int(rng.integers(2, 6)), int(rng.integers(1, 4))
    activation = ("quick_gelu", "gelu")[seed % 2]
    V, T, end, B = int(rng.integers(11, 23)), int(rng.integers(3, 9)), int(rng.integers(4, 9)), int(rng.integers(2, 6))
    inner, eps = (int(n) for n in rng.integers(5, 30, 2)), (float(10.0**-n) for n in rng.integers(3, 8, 2))
    vision = VisionConfig(P * side, P, K * H, int(rng.integers(1, 3)), H, activation, next(inner), next(eps))
    text = TextConfig(V, T, 6, int(rng.integers(1, 3)), 3, activation, end, next(inner), next(eps))
    config = ClipConfig(vision, text, int(rng.integers(3, 8)))
    theta, params = pack(init_clip(rng, config), np.float64)
    theta += 0.2 * rng.standard_normal(theta.size)
    images = rng.standard_normal((B, P * side, P * side, 3))
    ids = rng.integers(0, V, (B, T))
    ids[ids == end] = V - 1
    ids[np.arange(B), rng.integers(1, T, B)] = end
    return config, params, images, ids


def attend(masked):
    def make(rng, z):
        q, k, v = (rng.normal(size=(z.B, z.H, n, w)) for n, w in ((z.T, z.K), (z.S, z.K), (z.S, z.E)))
        drawn = {"mask": random_mask(rng, z.T, z.S)} if masked else {}
        return Case(lambda q, k, v: ops.attend_forward(q, k, v, **drawn), ops.attend_backward, [q, k, v], None, drawn)

    return make


def read(init, forward, backward, **options):
    """A case of which one token of each sequence is read, at a random place."""

    def make(rng, z):
        drawn = {key: value(rng, z) if callable(value) else value for key, value in options.items()}
        x, place, p = rng.normal(size=(z.B, z.T, z.D)), rng.integers(z.T, size=z.B), shake(rng, init(rng, z.D))
        return Case(lambda x, place, p: forward(x, p, read=place, **drawn), backward, [x, place], p)

    return make


def two_blocks(rng, d):
    return [b.init_block(rng, d, 2) for _ in range(2)]


def cross_attention(masked):
    def make(rng, z):
        x, context = rng.normal(size=(z.B, z.T, z.D)), rng.normal(size=(z.B, z.S, z.E))
        drawn = {"mask": random_mask(rng, z.T, z.S)} if masked else {}
        p = shake(rng, d.init_cross_attention(rng, z.D, z.E))
        return Case(
            lambda x, context, p: d.cross_attention_forward(x, context, p, z.H, **drawn),
            d.cross_attention_backward,
            [x, context],
            p,
            drawn,
        )

    return make


def cross_entropy(rng, z):
    logits, targets = rng.normal(size=(z.B, z.T, z.V)), rng.integers(z.V, size=(z.B, z.T))
    return Case(
        decoder_ops.cross_entropy_forward, lambda dy, c: dy * decoder_ops.cross_entropy_backward(c), [logits, targets]
    )


def pick(rng, z):
    return Case(ops.pick_forward, ops.pick_backward, [rng.normal(size=(z.B, z.T, z.D)), rng.integers(z.T, size=z.B)])


def mean_of_first(rng, z):
    x, length = rng.normal(size=(z.B, z.T, z.D)), rng.integers(1, z.T + 1, size=z.B)
    return Case(decoder_ops.mean_of_first_forward, decoder_ops.mean_of_first_backward, [x, length])


def embedding(rng, z):
    return Case(l.embedding_forward, l.embedding_backward, [captions(rng, z, z.V // 2)],
                l.init_embedding(rng, z.V, z.D, 1.0))  # fmt: skip


def loss(forward, backward, *extra, **options):
    """A loss of (image, text, log-scale): its upstream gradient is a number, and multiplies."""

    def make(rng, z):
        inputs = [unit(rng, z.B, z.E), unit(rng, z.B, z.E), np.array(1.3), *(np.array(value) for value in extra)]
        drawn = {key: value(rng, z) if callable(value) else value for key, value in options.items()}

        def scaled_backward(dy, c):
            return tuple(dy * part for part in backward(c))

        return Case(lambda *inputs: forward(*inputs, **drawn), scaled_backward, inputs, None, drawn)

    return make


def logits(rng, z):
    return Case(losses.logits_forward, losses.logits_backward,
                [unit(rng, z.B, z.E), unit(rng, z.S, z.E), np.array(1.3)])  # fmt: skip


def duplicates(rng, z):
    """positives (B, B): a random group for each pair; equal groups match."""
    group = rng.integers(max(z.B - 1, 1), size=z.B)
    return group[:, None] == group


def tower(init, forward, backward, inputs, part=lambda config: config):
    """A tower or the whole of CLIP; `inputs` of "images" and "ids"."""

    def make(rng, z):
        config = clip_config(z)
        images, ids = rng.normal(size=(z.B, 6, 6, 3)), captions(rng, z, config.text.eos_token_id)
        p = shake(rng, init(rng, config))
        given = [{"images": images, "ids": ids}[name] for name in inputs.split()]
        return Case(lambda *given: forward(*given, part(config)), backward, given, p)

    return make


def clip_and_loss_forward(images, ids, p, config):
    (image, text), c = clip_forward(images, ids, p, config)
    loss, c_loss = losses.info_nce_forward(image, text, p["logit_scale"])
    return loss, (c, c_loss)


def clip_and_loss_backward(dy, c):
    c, c_loss = c
    dimage, dtext, dlogit_scale = losses.info_nce_backward(c_loss)
    dimages, g = to_pixels(clip_backward, "visual")(dy * dimage, dy * dtext, c)
    return dimages, g | {"logit_scale": dy * dlogit_scale}


OPS = {
    "gelu": op(ops.gelu_forward, ops.gelu_backward, *"BT"),
    "quick_gelu": op(ops.quick_gelu_forward, ops.quick_gelu_backward, *"BT"),
    "softmax": op(ops.softmax_forward, ops.softmax_backward, *"BTS"),
    "log_softmax": op(ops.log_softmax_forward, ops.log_softmax_backward, *"BTS"),
    "normalize": op(ops.normalize_forward, ops.normalize_backward, *"BE"),
    "normalize, of sequences": op(ops.normalize_forward, ops.normalize_backward, *"BTE"),
    "pick": pick,
    "mean of first": mean_of_first,
    "attend": attend(masked=False),
    "attend, masked": attend(masked=True),
    "patchify": lambda rng, z: Case(lambda x: patchify_forward(x, z.K), patchify_backward,
                                    [rng.normal(size=(z.B, 2 * z.K, 3 * z.K, 3))]),
}  # fmt: skip

LAYERS = {
    "linear": layer(l.init_linear, l.linear_forward, l.linear_backward, "D", "E"),
    "linear, of rows": layer(l.init_linear, l.linear_forward, l.linear_backward, "D", "E", shape="BD"),
    "linear, no bias": layer(lambda rng, i, o: l.init_linear(rng, i, o, bias=False), l.linear_forward,
                             l.linear_backward, "D", "E"),
    "layer_norm": layer(lambda rng, d: l.init_layer_norm(d), l.layer_norm_forward, l.layer_norm_backward, "D"),
    "layer_norm, of rows": layer(lambda rng, d: l.init_layer_norm(d), l.layer_norm_forward, l.layer_norm_backward,
                                 "E", shape="BE"),
    "embedding": embedding,
    "position": layer(l.init_position, l.position_forward, l.position_backward, "T", "D", 1.0),
    "position, shorter": layer(lambda rng, t, d: l.init_position(rng, t + 2, d, 1.0), l.position_forward,
                               l.position_backward, "T", "D"),
    "prepend": layer(l.init_prepend, l.prepend_forward, l.prepend_backward, "D", 1.0),
    "attention": layer(b.init_attention, b.attention_forward, b.attention_backward, "D", heads=heads),
    "attention, causal": layer(b.init_attention, b.attention_forward, b.attention_backward, "D", heads=heads,
                               mask=causal),
    "cross_attention": cross_attention(masked=False),
    "cross_attention, masked": cross_attention(masked=True),
    "attention, read": read(b.init_attention, read_attention_forward, read_attention_backward, heads=heads),
    "attention, read, causal": read(b.init_attention, read_attention_forward, read_attention_backward,
                                    heads=heads, mask=causal),
    "blocks, read": read(two_blocks, b.blocks_forward, b.blocks_backward, heads=heads, activation="gelu"),
    "blocks, read, causal": read(two_blocks, b.blocks_forward, b.blocks_backward, heads=heads,
                                 activation="quick_gelu", mask=causal),
    "mlp": layer(b.init_mlp, b.mlp_forward, b.mlp_backward, "D", activation="quick_gelu"),
    "mlp, gelu": layer(b.init_mlp, b.mlp_forward, b.mlp_backward, "D", activation="gelu"),
    "block": layer(b.init_block, b.block_forward, b.block_backward, "D", 2, heads=heads, activation="quick_gelu"),
    "block, causal gelu": layer(b.init_block, b.block_forward, b.block_backward, "D", 2, heads=heads,
                                activation="gelu", mask=causal),
    "blocks": layer(two_blocks, b.blocks_forward, b.blocks_backward,
                    "D", heads=heads, activation="quick_gelu", mask=causal),
} | DECODER_LAYERS  # fmt: skip

LOSSES = {
    "cross_entropy": cross_entropy,
    "logits": logits,
    "info_nce": loss(losses.info_nce_forward, losses.info_nce_backward),
    "multi_positive": loss(losses.multi_positive_forward, losses.multi_positive_backward, positives=duplicates),
    "sigmoid_loss": loss(losses.sigmoid_loss_forward, losses.sigmoid_loss_backward, -1.7),
    "chunked_info_nce": loss(chunked.chunked_info_nce_forward, chunked.chunked_info_nce_backward, chunk=2),
    "chunked_info_nce, one chunk": loss(chunked.chunked_info_nce_forward, chunked.chunked_info_nce_backward),
} | DECODER_LOSSES

TOWERS = {
    "vision": tower(lambda rng, c: init_vision(rng, c.vision, c.embed_dim), vision_forward,
                    to_pixels(vision_backward), "images", lambda c: c.vision),
    "text": tower(lambda rng, c: init_text(rng, c.text, c.embed_dim), text_forward, text_backward, "ids",
                  lambda c: c.text),
    "encode_image": tower(lambda rng, c: {"visual": init_clip(rng, c)["visual"]}, encode_image_forward,
                          to_pixels(encode_image_backward, "visual"), "images"),
    "encode_text": tower(lambda rng, c: {"text": init_clip(rng, c)["text"]}, encode_text_forward,
                         encode_text_backward, "ids"),
    "clip": tower(init_clip, clip_and_loss_forward, clip_and_loss_backward, "images ids"),
} | DESCRIBERS  # fmt: skip

CASES = OPS | LAYERS | LOSSES | TOWERS


def build(name, seed=0, sizes=None):
    """The named case on random numbers."""
    return CASES[name](np.random.default_rng(seed), sizes or Sizes())
