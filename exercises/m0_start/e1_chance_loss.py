"""0.1 The loss of knowing nothing (1 point)

Level 1 of 3, about 5 minutes.

Write the loss of a CLIP that knows nothing.

Show an untrained model one image and n texts, one of which belongs to the image. It has no idea, so it gives every text
the same probability. The loss of a question is minus the natural logarithm of the probability of the right answer.
Return that loss for a batch of n, as one number. It is the first number to look at when a training starts: a first
loss far above it means that something is broken. Graded for n = 1, 2, 8 and 32768.
"""

import numpy as np


def chance_loss(n):
    """The loss of an untrained CLIP on a batch of n pairs.

    n: a whole number, 1 or more -> a number, in nats
    """
    raise NotImplementedError("0.1: write chance_loss")
