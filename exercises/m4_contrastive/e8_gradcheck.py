"""4.8 Is this gradient right? (5 points)

Level 3 of 3, about 30 minutes, builds on 4.4.

Write the tool that tells whether a gradient is right.

`f(x)` returns an array, `grad(x, dout)` claims to be the slope of sum(dout * f(x)) in x: same shape as x. Measure that
slope yourself: move one entry of x up and down by a small step, and divide the change of the weighted sum by the
distance between the two points. Return one number, the relative error: the length of (claimed - measured), all entries
together, divided by the larger of their two lengths, and 0 if both are zero. Work in float64 even if x comes in
float32, and leave x as it was. Your checker meets 5 correct gradients, where it must stay below 1e-7, and 7 wrong ones,
where it must exceed 1e-4. Their sizes run from 1e-8 to 1e60.
"""

import numpy as np


def gradcheck(f, grad, x, dout):
    """The relative error of a claimed gradient.

    f: array -> array; grad(x, dout) -> an array shaped as x; dout: shaped as f(x) -> a number, 0 for a perfect claim
    """
    raise NotImplementedError("4.8: write gradcheck")
