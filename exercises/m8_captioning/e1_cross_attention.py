"""8.1 Cross-attention (4 points)

Level 2 of 3, about 20 minutes, builds on 3.4.

Let every word look at the picture.

A captioner has L word vectors (`text`) and P patch vectors (`patches`), all with d entries. Words ask, patches answer:
queries are text times Wq, keys are patches times Wk, values are patches times Wv. A word's score for a patch is the
dot product of its query and the patch's key, divided by the square root of d. A softmax over the patches turns the
scores of one word into weights; the weighted sum of the values, times Wo, is the new vector of the word: one row per
word.

One head, no mask, no residual, no bias. Vectors are rows, so matrices stand on the right. Large scores must not
overflow.
"""

import numpy as np


def cross_attention(text, patches, Wq, Wk, Wv, Wo):
    """What each word reads from the picture.

    text (L, d): one word a row; patches (P, d): one patch a row; Wq, Wk, Wv, Wo (d, d) -> (L, d)
    """
    raise NotImplementedError("8.1: write cross_attention")
