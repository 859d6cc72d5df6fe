"""8.2 The loss of a captioner (4 points)

Level 2 of 3, about 20 minutes, builds on 4.2.

The loss of a captioner: how surprised is it by the next word?

A captioner reads tokens 0 to t and gives scores for token t + 1. So `logits[b, t]` is judged by `tokens[b, t + 1]`:
the last position has nothing to predict, and the first token is never predicted. Take -ln of the softmax probability
of each next token. Captions differ in length and are filled up with `pad`: a next token that equals `pad` does not
count. Return the mean over all next tokens that count, in the whole batch together.

At least one token counts. Scores may be in the thousands: take the logarithm of the softmax in one stable step.
"""

import numpy as np


def caption_loss(logits, tokens, pad=0):
    """The mean of -ln p(next token) over all next tokens that are not padding, in nats.

    logits (B, L, V): scores of the next token at every place; tokens (B, L): ids, filled up with pad -> a number
    """
    raise NotImplementedError("8.2: write caption_loss")
