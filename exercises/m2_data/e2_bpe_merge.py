"""2.2 One merge of byte pair encoding (4 points)

Level 2 of 3, about 15 minutes.

Merge one pair of tokens: the step that byte pair encoding repeats.

`tokens` is a list of ids, `pair` holds two ids, and `new` is the id of the merged token. Walk through the list from
left to right. Wherever the first id of the pair is followed directly by the second, write `new` instead of both and go
on after them. All other tokens stay as they are. A token takes part in one merge only, and what has just been written
is not merged again in the same pass.

Return a new list; leave the caller's list as it is. Graded: the pair (1, 1) in 1 1 1 and in five ones, the pair the
wrong way round, several hits, a hit at the end, no hit, ids with several digits, an empty list.
"""

import numpy as np


def bpe_merge(tokens, pair, new):
    """The tokens with every occurrence of a pair merged.

    tokens: a list of ids; pair: two ids, in order; new: the id of the merged token -> a new list
    """
    raise NotImplementedError("2.2: write bpe_merge")
