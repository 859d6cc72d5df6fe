"""3.4 Attention (4 points)

Level 2 of 3, about 20 minutes, builds on 1.5.

Let every query read a weighted average of the values.

The score of a query and a key is their dot product divided by the root of d_k, the number of features of both. Where
the mask is False the score becomes minus infinity: that key does not exist for that query. A softmax over the keys
turns the scores of a query into weights that add up to 1, and the output for the query is the values averaged with
these weights.

Queries, keys and features have different numbers, and values may be wider or narrower than keys. Every query may look
at one key at least. Graded: masks of several kinds, scores in the thousands (subtract the largest score of each query
before exp), a query that sees a single key, and 1 query alone.
"""

import numpy as np


def attention(q, k, v, mask):
    """Average the values with softmax weights.

    q (n, d_k); k (m, d_k); v (m, d_v); mask (n, m) bool, True where the query may look -> (n, d_v)
    """
    raise NotImplementedError("3.4: write attention")
