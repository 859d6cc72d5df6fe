"""6.2 An ensemble of prompts (4 points)

Level 2 of 3, about 15 minutes, builds on 1.1 and 6.1.

Make one classifier vector for each class out of many prompts.

E holds the text embeddings, K classes by T templates by d numbers, of any length. For each class: bring every prompt's
vector to length 1, take the mean over its templates, and bring the mean to length 1 again. The result is (K, d).

Both steps matter. Without the first, prompts with long vectors outvote the others. Without the second, classes whose
prompts agree get longer vectors and win by size. A vector of zeros stays zero: divide by the length, but never by less
than 1e-12.
"""

import numpy as np


def zero_shot_weights(E):
    """The classifier of an ensemble.

    E (K, T, d): the embedding of each class in each template -> (K, d)
    """
    raise NotImplementedError("6.2: write zero_shot_weights")
