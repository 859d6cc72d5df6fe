"""8.5 The bridge of a vision-language model (4 points)

Level 2 of 3, about 15 minutes, builds on 8.1.

Build the bridge between an image encoder and a language model.

An encoder gives P patches, often hundreds. A language model should get m of them, few and always as many. So m learned
queries, the rows of `Q`, read from all patches: keys are patches times Wk, values are patches times Wv. The score of a
query for a patch is their dot product (query with key) divided by the square root of d. A softmax over the patches
gives weights, and each query returns the weighted sum of the values.

No mask, no residual, no positions: patches in another order give the same m tokens. Vectors are rows, so matrices
stand on the right. m can be larger or smaller than P. Large scores must not overflow.
"""

import numpy as np


def query_tokens(Q, patches, Wk, Wv):
    """The m tokens that learned queries read from a picture.

    Q (m, d): one query a row; patches (P, d): one patch a row; Wk, Wv (d, d) -> (m, d)
    """
    raise NotImplementedError("8.5: write query_tokens")
