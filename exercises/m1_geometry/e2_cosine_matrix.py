"""1.2 A table of cosines (3 points)

Level 1 of 3, about 10 minutes, builds on 1.1.

Compare every row of A with every row of B.

The cosine of two vectors is their dot product divided by both lengths. It is 1 for the same direction, 0 for a right
angle and -1 for opposite directions, whatever the lengths.

A holds n vectors, one a row, and B holds m vectors of the same size d. Return the table of shape (n, m) whose entry in
row i and column j is the cosine of row i of A and row j of B. No row is all zeros.

Graded: n different from m, lengths from 0.1 to 10 in one matrix, opposite vectors, one row on either side, and the
picture of a cat, [0.6, 0.8], with the captions [0.5, 0.866] (a cat) and [0.8, -0.6] (a car).
"""

import numpy as np


def cosine_matrix(A, B):
    """The cosines of all rows of A with all rows of B.

    A (n, d), B (m, d): one vector a row, of any length but zero -> (n, m)
    """
    raise NotImplementedError("1.2: write cosine_matrix")
