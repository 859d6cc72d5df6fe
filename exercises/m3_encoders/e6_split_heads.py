"""3.6 Splitting and merging heads (3 points)

Level 2 of 3, about 15 minutes, builds on 2.3 and 3.4.

Cut features into heads, and put them together again.

Attention with h heads runs h small attentions side by side. Each works with its own block of the D features of a token:
head 0 has the first D/h of them, head 1 the next D/h, and so on.

`split_heads` takes x of shape (B, L, D), for B captions of L tokens, and returns (B, h, L, D/h), so that every head of
every caption is a table of tokens. `merge_heads` goes back: from (B, h, L, D/h) to (B, L, D), heads side by side in
order. h always divides D. A round trip must give x, but that alone does not show that the cut is right.
"""

import numpy as np


def split_heads(x, h):
    """Give every head its block of features.

    x (B, L, D); h: the number of heads, which divides D -> (B, h, L, D/h)
    """
    raise NotImplementedError("3.6: write split_heads")


def merge_heads(x):
    """Put the heads side by side again.

    x (B, h, L, w) -> (B, L, h w)
    """
    raise NotImplementedError("3.6: write merge_heads")
