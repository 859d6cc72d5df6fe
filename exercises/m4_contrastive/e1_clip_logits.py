"""4.1 The table of logits (3 points)

Level 1 of 3, about 10 minutes, builds on 1.2.

Write the table of scores that CLIP compares.

n images and m texts come as rows of any length. The logit of image i and text j is the scale times the cosine of their
two rows. CLIP learns the natural logarithm of the scale, so that the scale stays positive: take exp of `log_scale`, and
let the scale never exceed `max_scale`. Rows of the table are images, columns are texts, and n and m may differ. A row
of zeros has no direction: all of its logits are 0, not NaN.
"""

import numpy as np


def clip_logits(I, T, log_scale, max_scale=100.0):
    """The scaled cosines of all images with all texts.

    I (n, d), T (m, d): one embedding a row, of any length; log_scale: a number; max_scale: the cap -> (n, m)
    """
    raise NotImplementedError("4.1: write clip_logits")
