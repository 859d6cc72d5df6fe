"""8.3 Greedy decoding (3 points)

Level 1 of 3, about 15 minutes, builds on 8.2.

Write a caption word by word, always taking the likeliest word.

`step(tokens)` gets the list of all tokens so far and gives a score for each word of the vocabulary. Start with the
list [bos]. Ask `step`, append the word with the largest score (the lowest id, if scores are equal), and go on with the
longer list. Stop after appending `eos`, or when `max_len` new tokens have been appended; `bos` is not a new token.

Return the whole list, with `bos` in front and with `eos` at the end if it was reached. Do not add an `eos` that was
not chosen. `max_len` may be 0, and some models use the same id for `bos` and `eos`.
"""

import numpy as np


def greedy_decode(step, bos, eos, max_len):
    """The tokens that follow when the likeliest word is taken each time.

    step: list of tokens -> (V,) scores of the next one; bos, eos: the markers; max_len: how many new tokens at most
    -> list of tokens, markers included
    """
    raise NotImplementedError("8.3: write greedy_decode")
