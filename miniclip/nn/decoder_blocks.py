"""The block that also looks at a memory: cross-attention between a transformer block's two halves."""

from .blocks import (
    attention_backward,
    attention_forward,
    init_block,
    mlp_backward,
    mlp_forward,
)
from .cache import new_cache
from .layers import (
    init_layer_norm,
    init_linear,
    layer_norm_backward,
    layer_norm_forward,
    linear_backward,
    linear_forward,
)
from .read import cross_attend_backward, cross_attend_forward


def init_cross_attention(rng, d, d_context, out_std=None):
    """q_proj reads x; kv_proj reads the context and holds the rows of the key and value maps, in this order."""
    return {
        "q_proj": init_linear(rng, d, d),
        "kv_proj": init_linear(rng, d_context, 2 * d),
        "out_proj": init_linear(rng, d, d, out_std),
    }


def cross_attention_forward(x, context, p, heads, mask=None):
    """y = concat_h(attend(q_h, k_h, v_h)) W_o^T + b_o,  q = x W_q^T + b_q,  [k, v] = context W_kv^T + b_kv.

    x (B, T, D); context (B, S, D_context); mask (T, S) bool or None -> y (B, T, D)
    """
    c = new_cache()
    q, c["q_proj"] = linear_forward(x, p["q_proj"])
    kv, c["kv_proj"] = linear_forward(context, p["kv_proj"])
    h, c["attend"] = cross_attend_forward(q, kv, heads, mask)
    y, c["out_proj"] = linear_forward(h, p["out_proj"])
    return y, c


def cross_attention_backward(dy, c):
    """dx, dcontext, g: the lines of the forward in reverse."""
    g = {}
    dh, g["out_proj"] = linear_backward(dy, c["out_proj"])
    dq, dkv = cross_attend_backward(dh, c["attend"])
    dcontext, g["kv_proj"] = linear_backward(dkv, c["kv_proj"])
    dx, g["q_proj"] = linear_backward(dq, c["q_proj"])
    return dx, dcontext, g


def init_decoder_block(rng, d, layers, d_memory=0):
    """A block with cross-attention between its two halves; without a memory, `init_block`."""
    p = init_block(rng, d, layers)
    if not d_memory:
        return p
    out_std = (3 * layers * d) ** -0.5
    return p | {"ln_cross": init_layer_norm(d), "cross": init_cross_attention(rng, d, d_memory, out_std)}


def decoder_block_forward(x, memory, p, heads, activation, mask=None):
    """x = x + attention(ln_1(x)),  x = x + cross_attention(ln_cross(x), memory),  y = x + mlp(ln_2(x)).

    x (B, T, D); memory (B, S, D_memory), or None for a block without it; mask (T, T) bool or None -> y (B, T, D)
    Source: Vaswani et al. 2017, arXiv:1706.03762, figure 1, right; with the norms first.
    """
    c = new_cache()
    h, c["ln_1"] = layer_norm_forward(x, p["ln_1"])
    h, c["attn"] = attention_forward(h, p["attn"], heads, mask)
    x = x + h
    if memory is not None:
        h, c["ln_cross"] = layer_norm_forward(x, p["ln_cross"])
        h, c["cross"] = cross_attention_forward(h, memory, p["cross"], heads)
        x = x + h
    h, c["ln_2"] = layer_norm_forward(x, p["ln_2"])
    h, c["mlp"] = mlp_forward(h, p["mlp"], activation)
    return x + h, c


def decoder_block_backward(dy, c):
    """dx, dmemory, g: read upwards, this is the forward; dmemory is None where there was no memory."""
    g, dmemory = {}, None
    dh, g["mlp"] = mlp_backward(dy, c["mlp"])
    dh, g["ln_2"] = layer_norm_backward(dh, c["ln_2"])
    dy = dy + dh
    if "cross" in c:
        dh, dmemory, g["cross"] = cross_attention_backward(dy, c["cross"])
        dh, g["ln_cross"] = layer_norm_backward(dh, c["ln_cross"])
        dy = dy + dh
    dh, g["attn"] = attention_backward(dy, c["attn"])
    dh, g["ln_1"] = layer_norm_backward(dh, c["ln_1"])
    return dy + dh, dmemory, g


def decoder_blocks_forward(x, memory, p, heads, activation, mask=None):
    """The blocks, one after the other, all looking at the same memory. p a list -> y (B, T, D)"""
    c = []
    for block in p:
        x, cache = decoder_block_forward(x, memory, block, heads, activation, mask)
        c.append(cache)
    return x, c


def decoder_blocks_backward(dy, c):
    """dx, dmemory, g: the blocks, last one first; every block adds its part to the memory's gradient."""
    g: list[dict] = []
    dmemory = None
    for cache in reversed(c):
        dy, part, block = decoder_block_backward(dy, cache)
        dmemory = part if dmemory is None else dmemory + part
        g.insert(0, block)
    return dy, dmemory, g
