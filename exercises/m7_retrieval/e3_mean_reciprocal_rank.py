"""7.3 Mean reciprocal rank (3 points)

Level 1 of 3, about 10 minutes, builds on 7.2.

One number for a whole ranking.

`S` holds scores: row i is a query, column j an item, larger is better; the right item of query i is column
`target[i]`. The rank of the right item is its place in the sorted row: 1 is best. Take 1 / rank for each query, and
return the mean. A right answer in first place earns 1, in second place 1/2, in tenth place 1/10, so the top of the
list counts most.

Several queries may share a target. Ties count against you: an item that scores exactly as high as the right one is
placed before it.
"""

import numpy as np


def mean_reciprocal_rank(S, target):
    """The mean over queries of 1 / rank of the right item.

    S (n, m): scores, a query a row; target (n,): the right column of each row -> a number from 0 to 1
    """
    raise NotImplementedError("7.3: write mean_reciprocal_rank")
