"""4.4 Which way to turn an image (6 points)

Level 3 of 3, about 45 minutes, builds on 4.3.

Write the gradient of the loss of 4.3 with respect to the image embeddings.

The rows of I and T come in any length, and 4.3 normalises them: u = I / |I|, v = T / |T|, S = scale times u v^T. In the
table, the slope of the loss is (P + Q - 2 times the identity) / 2N, where P is the softmax along rows and Q the softmax
along columns. Carry it back through the scale and the texts to u, and through the normalisation to I: only the part at
a right angle to u counts, divided by the length of the row. The answer has the shape of I. Graded in float64, with long
and short rows, one pair alone, and a scale of 1000.
"""

import numpy as np


def clip_loss_grad_image(I, T, scale):
    """The gradient of clip_loss(I, T, scale) in I, whose rows need not have length 1.

    I (N, d), T (N, d), scale: a number -> dI (N, d)
    """
    raise NotImplementedError("4.4: write clip_loss_grad_image")
