"""7.4 The modality gap (3 points)

Level 1 of 3, about 10 minutes, builds on 1.1.

Measure how far pictures and texts live apart.

In a trained CLIP all pictures sit in one corner of the sphere and all texts in another. The gap is the distance
between the centres of the two clouds. Scale every row of `I` and of `T` to length 1. The centre of a cloud is the mean
of its unit rows; it lies inside the sphere and is not scaled again. Return the Euclidean length of the difference of
the two centres: 0 when the clouds share a centre, 2 when they are single points on opposite sides.

The clouds may have different numbers of rows. There are no rows of zeros.
"""

import numpy as np


def modality_gap(I, T):
    """The distance between the centre of the pictures and the centre of the texts.

    I (n, d) and T (m, d): one embedding a row, of any length -> a number from 0 to 2
    """
    raise NotImplementedError("7.4: write modality_gap")
