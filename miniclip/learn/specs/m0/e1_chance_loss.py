"""Write the loss of a CLIP that knows nothing.

Show an untrained model one image and n texts, one of which belongs to the image. It has no idea, so it gives every text
the same probability. The loss of a question is minus the natural logarithm of the probability of the right answer.
Return that loss for a batch of n, as one number. It is the first number to look at when a training starts: a first
loss far above it means that something is broken. Graded for n = 1, 2, 8 and 32768.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "0.1", "The loss of knowing nothing", points=1, level=1, minutes=5,
    use="`chance_loss` in nn/floors.py stands beside every loss that a training prints, so that a flat curve at ln n "
        "explains itself.",
    hints=(
        "Someone who guesses among n texts is right once in n times, on average. The loss turns this chance into a "
        "number that is 0 for a sure hit and grows as the chance falls.",
        "Take the natural logarithm of the chance and turn its sign. NumPy calls the natural logarithm `log`.",
        "With 4 texts the chance is 0.25. Its natural logarithm is -1.3863, so the loss is 1.3863. With 1 text the "
        "guess cannot be wrong and the loss is 0.",
    ),
)  # fmt: skip


@exercise.solution
def chance_loss(n):
    """The loss of an untrained CLIP on a batch of n pairs.

    n: a whole number, 1 or more -> a number, in nats
    """
    return float(np.log(n))


@exercise.oracle
def by_factors_of_two(n):
    """ln 2 is the sum of 1 / (k 2^k), and every n of the cases is a power of 2."""
    ln2, total = sum(1 / (k * 2.0**k) for k in range(1, 60)), 0.0
    while n > 1:
        n, total = n / 2, total + ln2
    return total


@exercise.also_right
def with_the_standard_library(n):
    return -math.log(1 / n)


@exercise.also_right
def cross_entropy_of_equal_scores(n):
    p = np.exp(np.zeros(n)) / np.exp(np.zeros(n)).sum()
    return np.array(-np.log(p[0]))


@exercise.also_right
def log_sum_of_equal_scores(n):
    return np.logaddexp.reduce(np.zeros(n))


@exercise.wrong("""That is the chance of a hit, 1 in n. A loss is 0 when the answer is sure and grows with doubt: take
minus the logarithm of the chance.""")
def chance_not_loss(n):
    return 1 / n


@exercise.wrong("""Your logarithm has base 2, so it counts bits: a choice among 2 texts costs 1. Losses here are in
nats: use the natural logarithm.""")
def log2(n):
    return np.log2(n)


@exercise.wrong("You took the logarithm with base 10, as a calculator does. Losses are in nats, with base e = 2.718.")
def log10(n):
    return np.log10(n)


@exercise.wrong("""A loss is never below 0, but the logarithm of a chance is negative. Turn the sign, so that less
knowledge means more loss.""")
def sign(n):
    return -np.log(n)


@exercise.wrong("""You left the right text out of the choice. It is one of the n texts that the guess falls on, so count
it.""")
def n_minus_1(n):
    return np.log(n - 1)


@exercise.wrong("""There is no extra answer such as "none of these": the guess falls on n texts, not on n plus 1.""")
def n_plus_1(n):
    return np.log(n + 1)


@exercise.wrong("""That is 1 minus the chance: how often the guess fails. It never exceeds 1, but a loss can. Take minus
the logarithm of the chance.""")
def error_rate(n):
    return 1 - 1 / n


@exercise.wrong("""That is 2 times the right loss. Images ask for texts and texts ask for images, but CLIP averages both
questions. Both losses are equal here, so the mean is just one of them.""")
def both_directions_added(n):
    return 2 * np.log(n)


@exercise.wrong("""That is n times the right loss: you added the losses of all n images. The loss of a batch is their
mean, and here all of them are equal.""")
def sum_over_batch(n):
    return n * np.log(n)


@exercise.wrong("""You weighted the loss with the chance 1/n, as if only one of the n images counted. Every image has
the same loss, and so has the mean: leave the factor out.""")
def weighted_with_chance(n):
    return np.log(n) / n


exercise.case("n = 1", 1)
exercise.case("n = 2", 2)
exercise.case("n = 8", 8)
exercise.case("n = 32768, the batch of the CLIP paper", 32768)
