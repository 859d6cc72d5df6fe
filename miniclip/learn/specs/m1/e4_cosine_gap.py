"""Go back from two probabilities to the difference of two cosines.

CLIP turns the cosine of each text into a score, scale times cosine, and a softmax turns the scores into probabilities.
So p[0] / p[1] = exp(scale * cosine 0) / exp(scale * cosine 1). Given two of these probabilities and the scale, return
cosine 0 minus cosine 1, as one number. It is negative if the second text won.

An article reports that a better prompt raised a probability from 0.3164 to 0.6512, with scale 100. How far did the
cosines move? The probabilities may be two of several, so they need not add up to 1. Neither is zero, but one can be as
small as 1e-300.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "1.4", "Undo the softmax", points=3, level=1, minutes=10, needs=("1.3",),
    use="It tells what a probability of `zero_shot_probabilities` in tasks/zero_shot.py is worth: a large change can "
        "be 0.01 of a cosine.",
    hints=(
        "A softmax keeps one thing simple: the ratio of two probabilities is e to the power of the difference of their "
        "scores. All other texts cancel out.",
        "Take the natural logarithm of the ratio. That is the difference of the scores. One step remains from scores "
        "to cosines.",
        "Probabilities 0.8 and 0.2, scale 10. The ratio is 4, its natural logarithm 1.3863. The cosines differ by "
        "0.1386. A small gap became a clear vote.",
    ),
)  # fmt: skip


@exercise.solution
def cosine_gap(p, scale):
    """The difference of the cosines behind two probabilities, first minus second.

    p (2,): both above zero; scale: a number above zero -> a number
    """
    return (np.log(p[0]) - np.log(p[1])) / scale


@exercise.oracle
def by_bisection(p, scale):
    """The gap at which a softmax of two scores gives the share of the first in both."""
    low, high = -1000.0, 1000.0
    for _ in range(200):
        middle = (low + high) / 2
        score = scale * middle
        less = p[0] < p[1] * math.exp(score) if score < 0 else p[0] * math.exp(-min(score, 700)) < p[1]
        low, high = (low, middle) if less else (middle, high)
    return (low + high) / 2


@exercise.also_right
def with_a_ratio(p, scale):
    return math.log(p[0] / p[1]) / scale


@exercise.also_right
def with_diff(p, scale):
    return -np.diff(np.log(p))[0] / scale


@exercise.also_right
def with_scores(p, scale):
    cosines = [math.log(value) / scale for value in p]
    return np.array(cosines[0] - cosines[1])


@exercise.wrong("""That is the difference of the probabilities. Between them and the cosines stands an exponential:
compare logarithms, then use the scale.""")
def difference(p, scale):
    return p[0] - p[1]


@exercise.wrong("""You divided the difference of the probabilities by the scale. The way back from the softmax begins
with a logarithm: take it first.""")
def difference_over_scale(p, scale):
    return (p[0] - p[1]) / scale


@exercise.wrong("""You used the ratio of the probabilities itself. It is e to the power of the score gap, so it needs a
logarithm before it is divided by the scale.""")
def ratio(p, scale):
    return p[0] / p[1] / scale


@exercise.wrong("""That is the ratio of the probabilities. Two steps are missing: its natural logarithm, and then the
scale.""")
def bare_ratio(p, scale):
    return p[0] / p[1]


@exercise.wrong("""You multiplied by the scale. A score is scale times cosine, so the way back divides. No two cosines
differ by more than 2.""")
def times_s(p, scale):
    return np.log(p[0] / p[1]) * scale


@exercise.wrong("""This is the gap between the scores. One more step leads to the cosines: a score is scale times
cosine.""")
def forgot_scale(p, scale):
    return np.log(p[0] / p[1])


@exercise.wrong("""The size is right, the sign is not. Subtract the second from the first: a result below 0 says that
the second text won.""")
def sign(p, scale):
    return np.log(p[1] / p[0]) / scale


@exercise.wrong("You took the logarithm with base 2. The softmax uses e = 2.718, so the natural logarithm undoes it.")
def log2(p, scale):
    return np.log2(p[0] / p[1]) / scale


@exercise.wrong("You took the logarithm with base 10. The softmax uses e = 2.718, so the natural logarithm undoes it.")
def log10(p, scale):
    return np.log10(p[0] / p[1]) / scale


@exercise.wrong("""You compared p[0] with 1 - p[0], that is, with all others together. Other texts share in the sum:
compare it with p[1].""")
def log_odds_of_the_first(p, scale):
    return np.log(p[0] / (1 - p[0])) / scale


@exercise.wrong("""You took the size of the gap. The sign tells which text won: a first probability below the second
gives a number below 0.""")
def absolute(p, scale):
    return abs(np.log(p[0] / p[1])) / scale


@exercise.wrong("""You undid the softmax of the first text only. The logarithm of one probability still contains the sum
over all texts. In the difference of two logarithms it cancels.""")
def first_only(p, scale):
    return np.log(p[0]) / scale


@exercise.wrong("""You divided one logarithm by the other. The logarithm of a ratio is a difference of logarithms:
subtract, then use the scale.""")
def quotient_of_logs(p, scale):
    return np.log(p[0]) / np.log(p[1]) / scale


exercise.case("0.3164 and 0.6836 at scale 100", np.array([0.3164, 0.6836]), 100.0)
exercise.case("0.6512 and 0.3488 at scale 100", np.array([0.6512, 0.3488]), 100.0)
exercise.case("0.9 and 0.1 at scale 14.3", np.array([0.9, 0.1]), 14.3)
exercise.case("0.3 and 0.05 out of several, scale 7", np.array([0.3, 0.05]), 7.0)
exercise.case("equal, 0.3 and 0.3, scale 10", np.array([0.3, 0.3]), 10.0)
exercise.case("1e-300 and 0.75 at scale 1000", np.array([1e-300, 0.75]), 1000.0)
exercise.case("0.6 and 0.4 at scale 1", np.array([0.6, 0.4]), 1.0)
exercise.needs_float64("1e-300 and 0.75 at scale 1000", "1e-300 is 0 in float32")
