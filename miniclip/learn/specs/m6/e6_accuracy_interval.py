"""Say how sure an accuracy is: Wilson's interval.

correct holds 0 or 1 (or False and True) for each of n test images. Let p be their mean. Return (p, low, high) with

    centre = (p + z^2 / 2n) / (1 + z^2 / n)
    half   = z / (1 + z^2 / n) sqrt(p (1 - p) / n + z^2 / 4n^2)

and low = centre - half, high = centre + half. These are the accuracies that p could come from by luck: those x with
(p - x)^2 = z^2 x (1 - x) / n are the two ends. z = 1.96 stands for 95 %.

All three are fractions between 0 and 1. Ten right out of ten must not give [1, 1]. Graded with n = 1, with 3 of 3
wrong, 10 of 10 right, 7 of 10, and with another z.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "6.6", "How sure is an accuracy?", points=3, level=1, minutes=15,
    use="`Share` in tasks/shares.py gives every accuracy of the evaluation its interval, so that luck is not taken "
        "for progress.",
    hints=(
        "A model that is right 90 % of the time gets ten out of ten in one test of three. So ten of ten cannot "
        "prove 100 %. The interval leans towards one half, and the more so, the fewer the images.",
        "Compute p and n, then the two formulas of the brief, word for word. The larger n, the smaller every term "
        "with z. Return three numbers: the mean and the two ends.",
        "2 images, 1 right, z = 2: p = 0.5 and z^2 / n = 2. The centre is (0.5 + 1) / 3 = 0.5, half is 2 / 3 times "
        "sqrt(0.125 + 0.25) = 0.408, so the result is (0.5, 0.092, 0.908).",
    ),
)  # fmt: skip


@exercise.solution
def accuracy_interval(correct, z=1.96):
    """Accuracy with Wilson's interval.

    correct (n,): 0 or 1 for each image; z: width in standard deviations -> (accuracy, low, high)
    """
    n, p = len(correct), np.mean(correct)
    shrink = 1 + z**2 / n
    centre = (p + z**2 / (2 * n)) / shrink
    half = z / shrink * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    return p, centre - half, centre + half


@exercise.oracle
def by_bisection(correct, z=1.96):
    n = len(correct)
    p = sum(1 for c in correct if c) / n

    def end(inside, outside):
        for _ in range(200):
            x = (inside + outside) / 2
            if (p - x) ** 2 <= z * z * x * (1 - x) / n:
                inside = x
            else:
                outside = x
        return inside

    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    return p, end(middle, 0.0), end(middle, 1.0)


@exercise.also_right
def from_counts(correct, z=1.96):
    n, k = len(correct), int(np.count_nonzero(correct))
    root = z * math.sqrt(z * z + 4 * k * (n - k) / n)
    return [k / n, (2 * k + z * z - root) / (2 * (n + z * z)), (2 * k + z * z + root) / (2 * (n + z * z))]


@exercise.also_right
def by_the_quadratic_formula(correct, z=1.96):
    p, q = float(np.average(correct)), z * z / len(correct)
    a, b, c = 1 + q, -(2 * p + q), p * p
    root = math.sqrt(max(0.0, b * b - 4 * a * c))
    return np.array([p, (-b - root) / (2 * a), (-b + root) / (2 * a)])


@exercise.also_right
def with_roots(correct, z=1.96):
    p, q = sum(correct) / len(correct), z * z / len(correct)
    return p, *sorted(np.roots([1 + q, -2 * p - q, p * p]).real)


@exercise.wrong("""That is p plus and minus z standard errors, which has no width at all where p is 0 or 1. Can a few
images make you that sure? Use Wilson's formula.""")
def wald(correct, z=1.96):
    p, n = np.mean(correct), len(correct)
    half = z * np.sqrt(p * (1 - p) / n)
    return p, p - half, p + half


@exercise.wrong("""These are per cent. Return fractions between 0 and 1, and leave the factor of 100 to whoever prints
them.""")
def percent(correct, z=1.96):
    return tuple(100 * x for x in accuracy_interval(correct, z))


@exercise.wrong("""You used the spread of single answers, which stays the same however many there are. The spread of
their mean shrinks with n: divide by n under the root.""")
def std_not_se(correct, z=1.96):
    p = np.mean(correct)
    half = z * np.sqrt(p * (1 - p))
    return p, p - half, p + half


@exercise.wrong("""Your accuracy is the number of right answers. Divide it by n: the accuracy is their mean, at most
1.""",
                name="sum")  # fmt: skip
def counts(correct, z=1.96):
    _, low, high = accuracy_interval(correct, z)
    return np.sum(correct), low, high


@exercise.wrong("You returned half the width. Return the 2 end points, centre minus half and centre plus half.")
def half_width(correct, z=1.96):
    p, low, high = accuracy_interval(correct, z)
    return p, (high - low) / 2, (high - low) / 2


@exercise.wrong("""Your half width is right, but you put it around p. Wilson's interval has its own centre, drawn
towards 0.5.""")
def centred_on_p(correct, z=1.96):
    p, low, high = accuracy_interval(correct, z)
    return p, p - (high - low) / 2, p + (high - low) / 2


@exercise.wrong("""You hand back the centre of the interval as the accuracy. The first of the 3 numbers is the plain
mean p.""")
def centre_for_accuracy(correct, z=1.96):
    _, low, high = accuracy_interval(correct, z)
    return (low + high) / 2, low, high


@exercise.wrong("You always use 1.96 and do not look at the argument z. A smaller z makes a narrower interval.")
def ignores_z(correct, z=1.96):
    return accuracy_interval(correct)


@exercise.wrong("""You left out the last division by 1 + z^2 / n. Centre and half both need it, or the ends can leave
the range from 0 to 1.""")
def forgets_to_shrink(correct, z=1.96):
    p, low, high = accuracy_interval(correct, z)
    shrink = 1 + z**2 / len(correct)
    return p, low * shrink, high * shrink


@exercise.wrong("""The centre is Wilson's, but the width is the simple one, taken at that centre. Add the term z^2 /
4n^2 under the root.""")
def width_at_the_centre(correct, z=1.96):
    p, low, high = accuracy_interval(correct, z)
    centre, n = (low + high) / 2, len(correct)
    half = z * np.sqrt(centre * (1 - centre) / (n + z**2))
    return p, centre - half, centre + half


@exercise.wrong("""You cut the simple interval off at 0 and 1. It looks tidier, but ten of ten still claims certainty.
Use Wilson's centre and width.""")
def clipped_wald(correct, z=1.96):
    p, low, high = wald(correct, z)
    return p, max(0.0, low), min(1.0, high)


exercise.case("7 of 10 right", np.array([1, 0, 1, 1, 0, 1, 1, 1, 0, 1]))
exercise.case("10 of 10 right", np.ones(10, bool))
exercise.case("3 of 3 wrong", np.array([0, 0, 0]))
exercise.case("n = 1", np.array([True]))
exercise.case("1 of 5 right, z = 1", np.array([0, 0, 1, 0, 0]), 1.0)
exercise.case("12 of 13 right, as a list", [True] * 5 + [False] + [True] * 7)
