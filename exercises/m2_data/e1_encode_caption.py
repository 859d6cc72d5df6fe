"""2.1 A caption as a row of ids (4 points)

Level 1 of 3, about 10 minutes.

Turn a caption into a row of fixed length.

A caption comes as a list of word ids. A batch of captions is a table, so every caption must become a row of exactly
`context_length` ids: the start marker `sos`, the words, the end marker `eos`, and then as many `pad` as are needed to
fill the row. If the words do not all fit, keep the first ones and drop the rest; both markers always stay, and then the
last place of the row holds `eos`.

Return a list or an array of length `context_length`, which is 2 or more. Leave the caller's list as it is.

Graded: a short caption, an empty one, one that fits exactly, overlong ones, other markers, room for the markers only.
"""

import numpy as np


def encode_caption(ids, context_length, sos=1, eos=2, pad=0):
    """A caption as a row of fixed length.

    ids: a list of word ids, of any length; context_length: 2 or more; sos, eos, pad: the ids of the markers
    -> context_length ids
    """
    raise NotImplementedError("2.1: write encode_caption")
