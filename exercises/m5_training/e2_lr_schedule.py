"""5.2 Warm up, then cool down (3 points)

Level 1 of 3, about 15 minutes.

Write the learning rate of step t: up along a line, then down along half a cosine.

Steps count from 0.

* Warm-up, t < warmup: lr_max (t + 1) / warmup. The first step already gets a little, and step warmup - 1 gets all of
  it.
* Then half a cosine from lr_max, at t = warmup, down to lr_min, at t = total. With x the share of this stretch that
  is done, from 0 to 1, the rate is lr_min + (lr_max - lr_min) (1 + cos(pi x)) / 2.
* From t = total on it stays at lr_min.

Return a number. A warm-up of 0 steps starts at lr_max, and a warm-up as long as the whole training must not divide by
zero. Graded at the ends of each stretch, in the middle, and after the end.
"""

import numpy as np


def lr_schedule(t, warmup, total, lr_max, lr_min):
    """The learning rate of one step.

    t, warmup, total: whole numbers of steps; lr_max, lr_min: numbers -> a number
    """
    raise NotImplementedError("5.2: write lr_schedule")
