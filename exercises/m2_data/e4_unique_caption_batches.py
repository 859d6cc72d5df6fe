"""2.4 Batches without repeated captions (4 points)

Level 2 of 3, about 25 minutes.

Make batches in which no caption stands twice.

Item i of a data set has the caption `caption_ids[i]`; equal ids mean equal captions. If a caption stands twice in a
batch, the loss treats each copy as a wrong text for the other's image: a false negative.

Return one epoch as a list of arrays of item positions, counted from 0, in random order: shuffle with `rng`, so that an
equal `rng` gives equal batches. Four rules are graded:

- every batch has exactly `batch_size` items;
- no caption stands twice in a batch;
- no item appears twice in the epoch;
- stop only when the items left over cannot make another batch: they have fewer than `batch_size` different captions.

So copies of a caption are spread over several batches. Any list that keeps the rules is right. It can be empty.
"""

import numpy as np


def unique_caption_batches(caption_ids, batch_size, rng):
    """One epoch of full batches in which no caption stands twice.

    caption_ids (n,): the caption of each item; batch_size: 1 or more; rng: a NumPy Generator
    -> a list of arrays (batch_size,) of item positions
    """
    raise NotImplementedError("2.4: write unique_caption_batches")
