"""3.2 Layer normalisation, backwards (5 points)

Level 3 of 3, about 35 minutes, builds on 3.1.

Send a gradient back through layer normalisation.

Forwards, every token becomes n = (x - mean) / s with s = root(variance + eps), and y = gain n + bias. You get dy, the
slope of some loss in every entry of y, and return three slopes: in x, in gain and in bias.

Bias and gain are shared by all tokens, so their slopes add up over every axis but the last. For x, let h = dy gain be
the slope in n. Moving one feature also moves the mean and the variance of its token, which leaves

    dx = (h - mean(h) - n mean(h n)) / s

with both means along the features of one token. Graded: two and three axes, gains that differ, tiny inputs, a constant
token, another eps, and slopes that are not all ones.
"""

import numpy as np


def layernorm_backward(dy, x, gain, eps=1e-05):
    """The slopes in x, gain and bias of y = layernorm(x, gain, bias, eps).

    dy (..., d); x (..., d); gain (d,) -> dx (..., d), dgain (d,), dbias (d,)
    """
    raise NotImplementedError("3.2: write layernorm_backward")
