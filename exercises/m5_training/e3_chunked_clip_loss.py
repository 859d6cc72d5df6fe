"""5.3 The loss of a batch that does not fit (4 points)

Level 3 of 3, about 35 minutes, builds on 4.3.

Write CLIP's loss for a batch too large for its N x N table of logits.

Work on `chunk` rows of the table at a time, so that only chunk x N logits are in memory at once, and give exactly the
value of the whole batch: every image still competes against all N texts, and every text against all N images.

As before: rows of I and T are brought to length 1, logits are scale times cosines, pair i is row i of both, and the
loss is the mean of the row half and the column half, each the mean of -ln p(right answer).

A block of rows holds whole rows, so the row half is easy. A column is spread over all blocks: carry a running
log-sum-exp for each column. Graded with a chunk that does not divide N, a chunk of 1, a chunk larger than N, and a
scale of 1000 with cosines of exactly 1; and with 160 pairs in chunks of 4, where your memory is measured: the whole
table would need 200 KB, and 150 KB are allowed.
"""

import numpy as np


def chunked_clip_loss(I, T, scale, chunk):
    """The symmetric loss of the whole batch, with chunk x N logits in memory.

    I (N, d), T (N, d): one embedding a row, of any length; scale: a number; chunk: rows at a time -> a number, in nats
    """
    raise NotImplementedError("5.3: write chunked_clip_loss")
