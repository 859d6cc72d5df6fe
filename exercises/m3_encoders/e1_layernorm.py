"""3.1 Layer normalisation (3 points)

Level 1 of 3, about 10 minutes.

Bring the features of every token to mean 0 and variance 1, then stretch and shift them.

For one token with features x_1 .. x_d, let m be their mean and var the mean of (x_i - m) squared. The layer returns

    gain_i (x_i - m) / root(var + eps) + bias_i

The features are the last axis of `x`; every axis in front of it (tokens, captions) only counts tokens. So the layer
knows nothing of other tokens or of the batch. `eps` sits under the root and keeps a token whose features are all equal
finite: it becomes the bias. Graded: tiny inputs, features that all lie near one hundred million, a constant token,
three axes, another eps, and that the caller's array stays as it was.
"""

import numpy as np


def layernorm(x, gain, bias, eps=1e-05):
    """Normalise the features of every token.

    x (..., d); gain (d,); bias (d,); eps: a small number -> (..., d)
    """
    raise NotImplementedError("3.1: write layernorm")
