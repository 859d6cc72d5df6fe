"""9.2 A probe with few labels (4 points)

Level 3 of 3, about 30 minutes, builds on 1.3.

Train a linear probe with a handful of labels.

`X` holds frozen image features, one row per image; `y` their classes, whole numbers from 0 to K - 1, where K is the
largest label plus 1. Write every label as a row with a 1 at its class and 0 elsewhere. Find weights W and an intercept
row b that minimise the sum of all squared errors of X W + b, plus `lam` times the sum of all squared weights. The
intercept is not penalised: lam must not pull the predictions towards 0.

Return one array with d + 1 rows and K columns: the rows of W, then b as the last row. There may be fewer images than
features, features far from centred, and classes without an image. lam is above 0. There is a closed form: no gradient
steps.
"""

import numpy as np


def ridge_probe(X, y, lam):
    """Weights and intercept of a linear classifier, by penalised least squares on one-hot labels.

    X (n, d): features; y (n,): classes from 0; lam: the price of a squared weight -> (d + 1, K), intercept last
    """
    raise NotImplementedError("9.2: write ridge_probe")
