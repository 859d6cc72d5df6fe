"""4.2 A softmax in logarithms (3 points)

Level 2 of 3, about 15 minutes, builds on 1.5.

Write the logarithm of the softmax, so that no number breaks it.

The softmax of z along an axis is exp(z) divided by the sum of exp(z) along that axis; we want its natural logarithm, in
the same shape as z. Logits of CLIP reach 100 and more, and exp(1000) is infinite, so do it in one stable step: shift z
by its maximum along the axis, then subtract the logarithm of the sum of the exponentials. Graded: any axis (the last
one unless told), logits of 1000 and -1000, rows far apart, and an input that stays as it was.
"""

import numpy as np


def log_softmax(z, axis=-1):
    """ln softmax(z) along `axis`, for logits of any size.

    z: an array with any number of axes -> an array of the same shape
    """
    raise NotImplementedError("4.2: write log_softmax")
