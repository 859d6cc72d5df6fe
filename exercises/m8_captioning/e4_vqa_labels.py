"""8.4 Labels for visual question answering (3 points)

Level 1 of 3, about 10 minutes, builds on 8.2.

Answer questions about pictures with a captioner.

Visual question answering is captioning with a prompt: the model reads the tokens of the question, then writes the
answer. For training, the input is question, answer, and `eos`, in one row. Make the labels of that row, an array of
the same length: at the places of the question stands `ignore`, because the question is given and nothing is learned
from writing it. At the places of the answer stand its tokens, and `eos` comes last, so that the model learns to stop.

Do not shift: the loss does that, as in 8.2. Question and answer may share tokens, 0 is a token like any other, and
either of the two may be empty.
"""

import numpy as np


def vqa_labels(question, answer, eos, ignore=-100):
    """What each place of question + answer + eos is graded by.

    question (q,) and answer (a,): token ids; eos: the id of the end marker -> (q + a + 1,) ids, or ignore
    """
    raise NotImplementedError("8.4: write vqa_labels")
