"""9.3 Expected calibration error (3 points)

Level 2 of 3, about 20 minutes, builds on 6.3.

When the model says 0.9, is it right nine times out of ten?

`conf[i]` is the probability that the model gave to its own answer, `correct[i]` says whether it was right. Cut the
range from 0 to 1 into `bins` bins of equal width and sort the items into them by `conf`. In each bin, compare two
means: the mean confidence and the share of right answers. Take the absolute difference, weighted by the share of all
items that fall into the bin, and add these up.

Empty bins count nothing. A confidence of 0 belongs to the first bin, 1 to the last. No graded value lies on an edge
between two bins, so it does not matter which side you give them to. A model that is confidently wrong scores close to
1.
"""

import numpy as np


def expected_calibration_error(conf, correct, bins=10):
    """The mean distance between what the model promises and what it keeps.

    conf (n,): probabilities from 0 to 1; correct (n,): 1 or True where the answer was right; bins: how many
    -> a number from 0 to 1
    """
    raise NotImplementedError("9.3: write expected_calibration_error")
