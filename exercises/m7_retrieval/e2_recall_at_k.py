"""7.2 Recall at k (4 points)

Level 2 of 3, about 20 minutes, builds on 7.1.

How often is the right answer among the first k?

`S` holds scores: row i is a query, column j an item of the gallery, and a larger score is a better match. The right
item of query i is column `target[i]`. A picture may have several captions, so several queries can share one target,
and the right column is in general not column i. Pass the table one way round to search pictures for texts; transposed,
with other targets, it searches texts for pictures.

Return the share of queries, between 0 and 1, whose right item is among the k best of its row. Ties count against you:
an item that scores exactly as high as the right one is placed before it. So a model that gives everything the same
score finds nothing, as it should.
"""

import numpy as np


def recall_at_k(S, target, k):
    """The share of queries whose right item is among the k best.

    S (n, m): scores, a query a row; target (n,): the right column of each row; k -> a number from 0 to 1
    """
    raise NotImplementedError("7.2: write recall_at_k")
