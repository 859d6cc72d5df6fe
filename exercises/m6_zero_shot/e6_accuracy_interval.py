"""6.6 How sure is an accuracy? (3 points)

Level 1 of 3, about 15 minutes.

Say how sure an accuracy is: Wilson's interval.

correct holds 0 or 1 (or False and True) for each of n test images. Let p be their mean. Return (p, low, high) with

    centre = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) sqrt(p (1 - p) / n + z^2 / 4n^2)

and low = centre - half, high = centre + half. These are the accuracies that p could come from by luck: those x with
(p - x)^2 = z^2 x (1 - x) / n are the two ends. z = 1.96 stands for 95 %.

All three are fractions between 0 and 1. Ten right out of ten must not give [1, 1]. Graded with n = 1, with 3 of 3
wrong, 10 of 10 right, 7 of 10, and with another z.
"""

import numpy as np


def accuracy_interval(correct, z=1.96):
    """Accuracy with Wilson's interval.

    correct (n,): 0 or 1 for each image; z: width in standard deviations -> (accuracy, low, high)
    """
    raise NotImplementedError("6.6: write accuracy_interval")
