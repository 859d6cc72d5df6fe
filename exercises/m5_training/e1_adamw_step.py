"""5.1 One step of AdamW (4 points)

Level 2 of 3, about 20 minutes.

Write one step of AdamW, the optimiser that CLIP is trained with.

Keep a running mean `m` of the gradient and a running mean `v` of its square:

    m = beta1 m + (1 - beta1) g          v = beta2 v + (1 - beta2) g^2

Both start at zero, so early values are too small: divide m by 1 - beta1^t and v by 1 - beta2^t, where t counts the
steps from 1. Then every weight moves by -lr times (corrected m) / (sqrt(corrected v) + eps). The weight decay is
decoupled: the old weight itself, times lr and decay, is taken off too, and never passes through m and v.

Return the new (w, m, v); m and v as they are before the correction. Arrays of any shape, all of the same one. Leave
the inputs as they were. Graded at t = 1 and later, with tiny gradients, with a gradient of zero, and with decay on
and off.
"""

import numpy as np


def adamw_step(w, g, m, v, t, lr=0.001, beta1=0.9, beta2=0.98, eps=1e-06, decay=0.2):
    """Move the weights once.

    w, g, m, v: arrays of one shape (weights, gradient, the two running means); t: 1 at the first step
    -> the new (w, m, v)
    """
    raise NotImplementedError("5.1: write adamw_step")
