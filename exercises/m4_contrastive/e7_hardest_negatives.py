"""4.7 The hardest negatives (3 points)

Level 2 of 3, about 15 minutes, builds on 1.5 and 2.4.

Find the wrong texts that an image is most likely to be confused with.

S is the n x n table of similarities, images in rows and texts in columns. `group` holds one integer for each pair;
pairs with the same number share a caption, so a text of the image's own group is no negative. For each image return the
positions of its k most similar negatives, the most similar first, and the lower position first among equals. Every
image has at least k negatives. The answer is an array of integers of shape (n, k), and S stays as it was.
"""

import numpy as np


def hardest_negatives(S, group, k):
    """For each image, the k most similar texts of other groups, the hardest first.

    S (n, n): similarities, images in rows; group (n,): integers -> (n, k) positions
    """
    raise NotImplementedError("4.7: write hardest_negatives")
