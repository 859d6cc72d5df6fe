"""1.3 Which text belongs to the image? (3 points)

Level 1 of 3, about 10 minutes, builds on 1.2.

Find the text that belongs to an image.

You have the embedding of one image, d numbers, and the embeddings of k texts, one a row. Compute the cosine of the
image with every text, and say which text fits best. Return both: the k cosines in the order of the texts, and the
position of the largest one, counted from 0. If several are the largest, the first wins. The vectors can have any
length but zero.

Graded: the image [0.8, 0.6] with the texts [0.6, 0.8], [0.0, 1.0], [-0.6, -0.8]; the same texts in another order;
vectors of very different lengths; an image that no text fits; a tie; a single text.
"""

import numpy as np


def match_text(img, texts):
    """The cosines of an image with k texts, and the position of the best one.

    img (d,), texts (k, d): of any length but zero -> (cosines (k,), position)
    """
    raise NotImplementedError("1.3: write match_text")
