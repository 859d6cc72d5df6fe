"""3.3 Softmax, backwards (3 points)

Level 2 of 3, about 15 minutes, builds on 1.5.

Send a gradient back through a softmax.

Forwards, every row of scores z became probabilities p = softmax(z) along the last axis. You get p, and dy, the slope of
some loss in every entry of p. Return dz, the slope in every score. Pushing one score up takes probability from all
others of its row, so every entry of a row matters to every other. Written out:

    dz_i = p_i (dy_i - a),    a = the sum over j of dy_j p_j

Here a is the average of dy with the probabilities as weights, one number for each row. All arrays share one shape, with
one, two or three axes; the last is the one that sums to 1. Do not change the arrays you are given.
"""

import numpy as np


def softmax_backward(dy, p):
    """The slope of the loss in the scores z, where p = softmax(z) along the last axis.

    dy (..., n); p (..., n), each row sums to 1 -> dz (..., n)
    """
    raise NotImplementedError("3.3: write softmax_backward")
