"""The decoder, one word at a time: keys and values of what was read are kept, so a new word costs only itself.

The same numbers as `decoder_forward` on the whole text, which the tests insist on; and no gradients.
"""

import numpy as np

from ..errors import InputError
from ..nn.blocks import mlp_forward
from ..nn.layers import embedding_forward, layer_norm_forward, linear_forward
from ..nn.ops import attend_forward, split_heads, split_parts
from .decoder import DecoderConfig, check_context


class Writer:
    """A batch of texts that grow: `feed` words, get the logits of the next.

    Parameters
    ----------
    p : tree of arrays, see `init_decoder`
    config : DecoderConfig
    memory : array (B, S, D_memory), or None
    prefix : array (B, M, D), or None
        Read first; it takes M places.
    """

    def __init__(self, p, config: DecoderConfig, memory=None, prefix=None):
        check_context(0, memory, prefix, config)
        self.p, self.config, self.length = p, config, 0
        self.past: list[tuple] = [() for _ in p["blocks"]]  # of each block: the keys and values of all words so far
        self.memory: list[tuple] = [() for _ in p["blocks"]]  # and those of the memory, computed once
        given = prefix if memory is None else memory
        self.texts = None if given is None else len(given)  # how many it writes; None: as many as it is fed
        self.attention: list[np.ndarray] = []  # of the last words, for each block: (B, H, T, S) weights on the memory
        if memory is not None:
            memory, _ = layer_norm_forward(memory, p["ln_memory"])
            for i, block in enumerate(p["blocks"]):
                kv, _ = linear_forward(memory, block["cross"]["kv_proj"])
                self.memory[i] = tuple(split_heads(part, config.heads) for part in np.split(kv, 2, axis=-1))
        if prefix is not None:
            self.advance(prefix)

    def feed(self, ids) -> np.ndarray:
        """Read more words; the logits of what follows each of them. ids (B, T) -> (B, T, V)"""
        h = self.advance(embedding_forward(ids, self.p["token_embedding"])[0])
        return linear_forward(h, self.p["token_embedding"])[0]

    def advance(self, x) -> np.ndarray:
        """Vectors (B, T, D) at the next T places, through all blocks -> (B, T, D)."""
        T, heads = x.shape[1], self.config.heads
        if self.length + T > self.config.context_length:
            raise InputError(
                f"{self.length} places are taken and {T} more asked for, expected at most {self.config.context_length}"
            )
        x = x + self.p["positional_embedding"][self.length : self.length + T]
        self.length, self.attention = self.length + T, []
        mask = np.tri(T, self.length, self.length - T, dtype=bool)  # a word sees all earlier ones and itself
        for i, block in enumerate(self.p["blocks"]):
            h, _ = layer_norm_forward(x, block["ln_1"])
            qkv, _ = linear_forward(h, block["attn"]["in_proj"])
            q, *kv = split_parts(qkv, 3, heads)
            if self.past[i]:
                kv = [np.concatenate(both, axis=2) for both in zip(self.past[i], kv, strict=True)]
            self.past[i] = tuple(kv)
            x = x + self.mix(q, self.past[i], block["attn"], mask)
            if self.memory[i]:
                h, _ = layer_norm_forward(x, block["ln_cross"])
                q, _ = linear_forward(h, block["cross"]["q_proj"])
                x = x + self.mix(split_heads(q, heads), self.memory[i], block["cross"])
            h, _ = layer_norm_forward(x, block["ln_2"])
            x = x + mlp_forward(h, block["mlp"], self.config.activation)[0]
        return layer_norm_forward(x, self.p["ln_final"])[0]

    def mix(self, q, kv, p, mask=None) -> np.ndarray:
        """Attention's second half: mix the values, join the heads, map. Without a mask it looks at the memory."""
        (B, heads, T, K), (k, v) = q.shape, kv
        h = np.empty((B, T, heads * K), q.dtype)
        _, (_, _, _, weights) = attend_forward(q, k, v, mask, out=split_heads(h, heads))
        if mask is None:
            self.attention.append(weights)
        return linear_forward(h, p["out_proj"])[0]

    def select(self, rows) -> None:
        """Keep these texts, in this order; a text may be kept twice, as in beam search."""
        self.past = [tuple(part[rows] for part in kv) for kv in self.past]
        self.memory = [tuple(part[rows] for part in kv) for kv in self.memory]
        self.attention = [weights[rows] for weights in self.attention]
