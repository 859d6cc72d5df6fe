"""4.5 How the scale learns (4 points)

Level 3 of 3, about 25 minutes, builds on 4.4.

Write the slope of CLIP's loss in the number that sets its scale.

CLIP learns s, the natural logarithm of the scale: the logits are S = exp(s) times the cosines of images and texts, and
the loss is that of 4.3. The answer is one number, but s moves all N x N logits at once. How does one of them change
when s does? And how does the loss change when that logit does? (4.4 has this table.) Rows may have any length; there is
no cap here. Graded: batches that are mostly right, all wrong, perfect at a scale of 1000, and one pair alone.
"""

import numpy as np


def grad_log_scale(I, T, log_scale):
    """The derivative of clip_loss(I, T, exp(log_scale)) in log_scale.

    I (N, d), T (N, d): one embedding a row, of any length; log_scale: a number -> a number
    """
    raise NotImplementedError("4.5: write grad_log_scale")
