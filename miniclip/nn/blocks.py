"""Layers made of layers: attention, the MLP, and the transformer block.

A composite's cache and gradients are dicts under its children's keys. The steps of a backward are those of its forward
in reverse: the chain rule, visible as symmetry. Names of tensors are OpenAI's, who took them from GPT-2: `c_fc` and
`c_proj` are the two maps of the MLP, and have nothing to do with the cache c.
"""

import numpy as np

from .cache import new_cache
from .layers import (
    EPS,
    init_layer_norm,
    init_linear,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
)
from .ops import (
    attend_backward,
    attend_forward,
    gelu_backward,
    gelu_forward,
    pick_backward,
    pick_forward,
    quick_gelu_backward,
    quick_gelu_forward,
    split_heads,
    split_parts,
)
from .read import read_attention_backward, read_attention_forward

ACTIVATIONS = {"quick_gelu": (quick_gelu_forward, quick_gelu_backward), "gelu": (gelu_forward, gelu_backward)}


def largest_array(tokens, inner, heads) -> int:
    """Bytes of the largest array that a block makes of one sequence, in float32: within the MLP, or the weights."""
    return 4 * tokens * max(inner, heads * tokens)


def init_attention(rng, d, out_std=None):
    """in_proj holds the rows of the query, key and value maps, in this order."""
    return {"in_proj": init_linear(rng, d, 3 * d), "out_proj": init_linear(rng, d, d, out_std)}


def attention_forward(x, p, heads, mask=None):
    """y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  [q, k, v] = x W_in^T + b_in.

    x (B, T, D); mask (T, T) bool or None -> y (B, T, D)
    Source: Vaswani et al. 2017, arXiv:1706.03762, section 3.2.2.
    """
    c, h = new_cache(), np.empty_like(x)
    qkv, c["in_proj"] = linear_forward(x, p["in_proj"])
    q, k, v = split_parts(qkv, 3, heads)
    _, c["attend"] = attend_forward(q, k, v, mask, out=split_heads(h, heads))
    y, c["out_proj"] = linear_forward(h, p["out_proj"])
    return y, c


def attention_backward(dy, c):
    """dx, g: merged heads, each head's dq, dk, dv from `attend_backward`, and x, which made all three.

    The key bias gets 0 but for rounding: it shifts all scores of a query alike.
    """
    g, dqkv = {}, np.empty((*dy.shape[:-1], 3 * dy.shape[-1]), dy.dtype)
    dh, g["out_proj"] = linear_backward(dy, c["out_proj"])
    heads = c["attend"][0].shape[1]
    attend_backward(split_heads(dh, heads), c["attend"], out=split_parts(dqkv, 3, heads))
    dx, g["in_proj"] = linear_backward(dqkv, c["in_proj"])
    return dx, g


def init_mlp(rng, d, out_std=None, inner=None):
    """c_fc (inner, d) ~ N(0, 1 / 2d), c_proj (d, inner) ~ N(0, out_std^2): by default four times as wide inside."""
    inner = inner or 4 * d
    return {"c_fc": init_linear(rng, d, inner, (2 * d) ** -0.5), "c_proj": init_linear(rng, inner, d, out_std)}


def mlp_forward(x, p, activation):
    """y = act(x W_1^T + b_1) W_2^T + b_2.

    x (..., D) -> y (..., D); activation "quick_gelu" or "gelu"
    """
    c = new_cache()
    h, c["c_fc"] = linear_forward(x, p["c_fc"])
    activation_forward, _ = ACTIVATIONS[activation]
    h, cache = activation_forward(h)
    c["activation"] = (activation, cache)
    y, c["c_proj"] = linear_forward(h, p["c_proj"])
    return y, c


def mlp_backward(dy, c):
    """dx, g: the lines of the forward in reverse."""
    g = {}
    dh, g["c_proj"] = linear_backward(dy, c["c_proj"])
    activation, cache = c["activation"]
    _, activation_backward = ACTIVATIONS[activation]
    dh = activation_backward(dh, cache)
    dx, g["c_fc"] = linear_backward(dh, c["c_fc"])
    return dx, g


def init_block(rng, d, n_layers, inner=None):
    """Both output maps ~ N(0, 1 / (2 L d)), as in OpenAI's CLIP: L blocks add 2 L branches to the residual stream."""
    out_std = (2 * n_layers * d) ** -0.5
    return {
        "ln_1": init_layer_norm(d),
        "attn": init_attention(rng, d, out_std),
        "ln_2": init_layer_norm(d),
        "mlp": init_mlp(rng, d, out_std, inner),
    }


def block_forward(x, p, heads, activation, mask=None, read=None, eps=EPS):
    """x = x + attention(ln_1(x)),  y = x + mlp(ln_2(x)): the pre-norm block.

    x (B, T, D); mask (T, T) bool or None -> y (B, T, D)
    read: (B,) integers, where only one token of each sequence is wanted -> y (B, D), for much less work
    """
    c = new_cache()
    h, c["ln_1"] = layer_norm_forward(x, p["ln_1"], eps)
    if read is None:
        h, c["attn"] = attention_forward(h, p["attn"], heads, mask)
    else:
        h, c["attn"] = read_attention_forward(h, p["attn"], heads, mask, read=read)
        x, c["pick"] = pick_forward(x, read)
    x = x + h
    h, c["ln_2"] = layer_norm_forward(x, p["ln_2"], eps)
    h, c["mlp"] = mlp_forward(h, p["mlp"], activation)
    return x + h, c


def block_backward(dy, c):
    """dx, g: the lines of the forward in reverse; at each sum of two paths their two gradients add."""
    g = {}
    dh, g["mlp"] = mlp_backward(dy, c["mlp"])
    dh, g["ln_2"] = layer_norm_backward(dh, c["ln_2"])
    dy = dy + dh
    if "pick" in c:
        dh, g["attn"] = read_attention_backward(dy, c["attn"])
        dy = pick_backward(dy, c["pick"])
    else:
        dh, g["attn"] = attention_backward(dy, c["attn"])
    dh, g["ln_1"] = layer_norm_backward(dh, c["ln_1"])
    return dy + dh, g


def blocks_forward(x, p, heads, activation, mask=None, read=None, eps=EPS):
    """The blocks, one after the other.

    x (B, T, D); p a list -> y (B, T, D)
    read: (B,) integers, where only one token of each sequence is wanted -> y (B, D). What the other tokens become in
    the last block nobody asks, so there only this one asks, and only it goes through the MLP. Value and gradients are
    exactly the same.
    """
    c = []
    for n, block in enumerate(p, 1):
        x, cache = block_forward(x, block, heads, activation, mask, read if n == len(p) else None, eps)
        c.append(cache)
    return x, c


def blocks_backward(dy, c):
    """dx, g: the blocks, last one first."""
    g: list[dict] = []
    for cache in reversed(c):
        dy, block = block_backward(dy, cache)
        g.insert(0, block)
    return dy, g
