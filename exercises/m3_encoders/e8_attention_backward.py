"""3.8 Attention, backwards (6 points)

Level 3 of 3, about 45 minutes, builds on 3.3 and 3.4.

Send a gradient back through attention.

Forwards, with one table P of weights (a row for each query, a column for each key):

    S = q k^T / root(d_k), minus infinity where the mask is False;  P = softmax of each row of S;  out = P v

You get dout, the slope of some loss in every entry of out, and the inputs. Return the slopes in q, k and v. Go back
step by step: from out to v and to P, from P to S (exercise 3.3), from S to q and k. A place that the mask hides has
weight 0 and passes nothing on. Rebuild P the stable way: scores in the thousands are graded, and so are d_v other than
d_k, more keys than queries, causal masks, and a query that sees one key.
"""

import numpy as np


def attention_backward(dout, q, k, v, mask):
    """The slopes in q, k and v of out = softmax(q k^T / root(d_k)) v.

    dout (n, d_v); q (n, d_k); k (m, d_k); v (m, d_v); mask (n, m) bool, True where the query may look
    -> dq (n, d_k), dk (m, d_k), dv (m, d_v)
    """
    raise NotImplementedError("3.8: write attention_backward")
