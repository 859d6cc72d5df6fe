"""9.1 The gap between groups (3 points)

Level 1 of 3, about 10 minutes.

Does the model serve all groups equally well?

`correct[i]` says whether item i was classified right (1 or True) or wrong (0 or False); `group[i]` is the number of
the group that it belongs to: a country, a camera, a skin tone. The accuracy of a group is the share of its own items
that are right. Return the accuracy of the best group minus the accuracy of the worst: a number from 0 to 1.

There may be any number of groups, of very different sizes, and their numbers may be anything (3, 8, 11). With one
group the gap is 0. Run it on two training sets with the same code and the same seed: the gap follows the data.
"""

import numpy as np


def group_gap(correct, group):
    """The accuracy of the best group minus that of the worst.

    correct (n,): 1 or True where the answer was right; group (n,): the group of each item -> a number from 0 to 1
    """
    raise NotImplementedError("9.1: write group_gap")
