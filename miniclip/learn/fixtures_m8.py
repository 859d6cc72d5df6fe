"""Decoders for exercise 8.3: the tokens so far -> a score for each word of a vocabulary of 7."""

import numpy as np


def scores(best: int, second: int) -> np.ndarray:
    """Logarithms of probabilities, the largest at `best`."""
    out = np.array([-5.0, -6.5, -4.8, -7.2, -5.6, -6.1, -9.0])
    out[second], out[best] = -1.2, -0.4
    return out


def by_place(tokens) -> np.ndarray:
    """Says 3 5 2 6 1, whatever stands before."""
    return scores((3, 5, 2, 6, 1, 4, 0)[min(len(tokens), 7) - 1], 4)


def by_last(tokens) -> np.ndarray:
    """0 -> 4 -> 2 -> 5 -> 3 -> 4, round and round, and from 1 to 6: nothing leads to 1."""
    return scores((4, 6, 5, 4, 2, 3, 0)[tokens[-1]], 1)


def by_sum(tokens) -> np.ndarray:
    """Looks at all tokens so far: their sum decides."""
    return scores((2, 4, 3, 5, 0, 1, 5)[sum(int(token) for token in tokens) % 7], 6)


def undecided(tokens) -> np.ndarray:
    """Two words with exactly the same score; the end marker 1 wins from the fourth place on."""
    out = np.array([-3.0, -2.5, -0.5, -4.0, -3.5, -0.5, -6.0])
    return out if len(tokens) < 4 else scores(1, 2)


def same_marker(tokens) -> np.ndarray:
    """Says 4 2 and then 0, which is both the start and the end marker."""
    return scores((4, 2, 0, 3, 5, 6, 1)[min(len(tokens), 7) - 1], 3)
