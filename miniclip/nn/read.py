"""Attention where queries and keys come from two places; and where one token of each sequence is read.

A tower's features come out of one token: the class token of a picture, the end token of a caption. In the last block
nobody asks what becomes of the others, so they need no queries, no weights, no output map and no MLP. Value and
gradients are the same as with them, for a third less work in towers of two blocks.
"""

import numpy as np

from .cache import new_cache
from .layers import linear_backward, linear_forward
from .ops import attend_backward, attend_forward, pick_backward, pick_forward, split_heads, split_parts


def cross_attend_forward(q, kv, heads, mask=None):
    """h = concat_h(attend(q_h, k_h, v_h)), where queries come from elsewhere than keys and values.

    q (B, T, D); kv (B, S, 2 D), keys and values side by side; mask (..., T, S) bool or None -> h (B, T, D)
    """
    h, (k, v) = np.empty_like(q), split_parts(kv, 2, heads)
    _, c = attend_forward(split_heads(q, heads), k, v, mask, out=split_heads(h, heads))
    return h, c


def cross_attend_backward(dh, c):
    """dq, dkv: what `attend_backward` gives each head, written where the heads are merged."""
    _, k, _, _ = c
    B, heads, S, K = k.shape
    dq, dkv = np.empty_like(dh), np.empty((B, S, 2 * heads * K), dh.dtype)
    attend_backward(split_heads(dh, heads), c, [split_heads(dq, heads), *split_parts(dkv, 2, heads)])
    return dq, dkv


def read_attention_forward(x, p, heads, mask=None, *, read):
    """y[b] = attention(x)[b, read[b]]: one token of each sequence asks, all are asked. The parameters are the same.

    x (B, T, D); read (B,) integers; mask (T, T) bool or None -> y (B, D)
    """
    c, D = new_cache(), x.shape[-1]
    asks, c["pick"] = pick_forward(x, read)
    query, others = ({name: rows[part] for name, rows in p["in_proj"].items()} for part in (slice(D), slice(D, None)))
    q, c_q = linear_forward(asks, query)
    kv, c_kv = linear_forward(x, others)
    c["in_proj"] = (c_q, c_kv)
    mask = None if mask is None else mask[read][:, None, None]  # (B, 1, 1, T): what the token may look at
    h, c["attend"] = cross_attend_forward(q[:, None], kv, heads, mask)
    y, c["out_proj"] = linear_forward(h[:, 0], p["out_proj"])
    return y, c


def read_attention_backward(dy, c):
    """dx, g: the lines of the forward in reverse; the token that asks also has its part in keys and values."""
    g = {}
    dh, g["out_proj"] = linear_backward(dy, c["out_proj"])
    dq, dkv = cross_attend_backward(dh[:, None], c["attend"])
    c_q, c_kv = c["in_proj"]
    dasks, query = linear_backward(dq[:, 0], c_q)
    dx, others = linear_backward(dkv, c_kv)
    g["in_proj"] = {name: np.concatenate([query[name], others[name]]) for name in query}
    return dx + pick_backward(dasks, c["pick"]), g
