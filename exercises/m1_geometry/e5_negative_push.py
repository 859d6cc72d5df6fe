"""1.5 Who is pushed, and how hard? (4 points)

Level 2 of 3, about 20 minutes, builds on 0.1 and 1.4.

How hard does the loss push each text?

An image has the cosines c[0] ... c[k-1] with k texts, and text `pos` is the right one. The probabilities p are the
softmax of scale times c, and the loss is -ln p[pos]. Return the slope of the loss in each of the k cosines: how fast
the loss grows when this cosine grows. For a wrong text it is scale * p[j]. For the right text it is
scale * (p[pos] - 1), which is never above zero: its cosine should rise.

Look at your result for the cosines [0.96, 0.6, -0.96]: is it the opposite text that is pushed away most? It must also
survive a scale of 1000, where exp overflows unless you subtract the largest score first.

Graded: scales 1, 14.3 and 1000, a right text that is not the best, a single text.
"""

import numpy as np


def negative_push(cos, pos, scale):
    """The slope of the loss in each cosine.

    cos (k,): the cosines of one image with k texts; pos: the position of the right text; scale: a number -> (k,)
    """
    raise NotImplementedError("1.5: write negative_push")
