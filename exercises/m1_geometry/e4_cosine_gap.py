"""1.4 Undo the softmax (3 points)

Level 1 of 3, about 10 minutes, builds on 1.3.

Go back from two probabilities to the difference of two cosines.

CLIP turns the cosine of each text into a score, scale times cosine, and a softmax turns the scores into probabilities.
So p[0] / p[1] = exp(scale * cosine 0) / exp(scale * cosine 1). Given two of these probabilities and the scale, return
cosine 0 minus cosine 1, as one number. It is negative if the second text won.

An article reports that a better prompt raised a probability from 0.3164 to 0.6512, with scale 100. How far did the
cosines move? The probabilities may be two of several, so they need not add up to 1. Neither is zero, but one can be as
small as 1e-300.
"""

import numpy as np


def cosine_gap(p, scale):
    """The difference of the cosines behind two probabilities, first minus second.

    p (2,): both above zero; scale: a number above zero -> a number
    """
    raise NotImplementedError("1.4: write cosine_gap")
