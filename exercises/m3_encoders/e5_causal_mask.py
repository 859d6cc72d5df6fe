"""3.5 The causal mask (2 points)

Level 1 of 3, about 5 minutes, builds on 3.4.

Make the mask that hides the future from every word.

A text tower reads from left to right: when it works on token i it may look at token i itself and at all tokens before
it, never at a later one. Row i of the mask belongs to the token that looks, column j to the token that is looked at.

Return a table of n rows and n columns with the truth values True (may look) and False (may not), not with numbers. It
works for a caption of one token, too.
"""

import numpy as np


def causal_mask(n):
    """Which token may look at which: itself and the past.

    n: the number of tokens -> (n, n) bool, row i for the token that looks
    """
    raise NotImplementedError("3.5: write causal_mask")
