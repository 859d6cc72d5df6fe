"""4.4 Which way to turn an image (6 points)

Level 3 of 3, about 45 minutes, builds on 4.3.

Write the gradient of the loss of 4.3 with respect to the image embeddings.

The rows of I and T come in any length, and 4.3 normalises them: u = I / |I|, v = T / |T|, S = scale times u v^T. Go
through these steps in reverse: from the loss to the table S (1.5 did it for one row; here the columns ask as well, and
all is a mean), from S to u, and from u to I. The answer has the shape of I.

You can check it without a solution. A longer image has the same loss, so each row of the answer is at a right angle to
its image. And a small step against the gradient lowers your loss of 4.3. Graded in float64, with long and short rows,
one pair alone, and a scale of 1000.
"""

import numpy as np


def clip_loss_grad_image(I, T, scale):
    """The gradient of clip_loss(I, T, scale) in I, whose rows need not have length 1.

    I (N, d), T (N, d), scale: a number -> dI (N, d)
    """
    raise NotImplementedError("4.4: write clip_loss_grad_image")
