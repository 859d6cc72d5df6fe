"""4.3 The loss of CLIP (5 points)

Level 2 of 3, about 25 minutes, builds on 4.1 and 4.2.

Write the loss that CLIP is trained with.

A batch has N images and N texts, and text i belongs to image i. Bring every row to length 1, multiply all cosines by
`scale`, and ask two questions of the N x N table: which text belongs to this image (a softmax along each row), and
which image belongs to this text (a softmax along each column)? The loss of a question is the mean of -ln p(right
answer). The loss of CLIP is the mean of both. It must survive a scale of 1000: take the logarithm of the softmax in one
stable step, as in 4.2.
"""

import numpy as np


def clip_loss(I, T, scale):
    """The symmetric contrastive loss of a batch.

    I (N, d) and T (N, d): one embedding a row, of any length; scale: a number -> a number, in nats
    """
    raise NotImplementedError("4.3: write clip_loss")
