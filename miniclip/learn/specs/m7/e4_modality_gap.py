"""Measure how far pictures and texts live apart.

In a trained CLIP all pictures sit in one corner of the sphere and all texts in another. The gap is the distance
between the centres of the two clouds. Scale every row of `I` and of `T` to length 1. The centre of a cloud is the mean
of its unit rows; it lies inside the sphere and is not scaled again. Return the Euclidean length of the difference of
the two centres: 0 when the clouds share a centre, 2 when they are single points on opposite sides.

The clouds may have different numbers of rows. There are no rows of zeros.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import unit

exercise = Exercise(
    "7.4", "The modality gap", points=3, level=1, minutes=10, needs=("1.1",),
    use="figures/lectures/f13_gap.py draws this gap of the trained model, and what closing it does to loss and "
        "accuracy.",
    hints=(
        "Two clouds, two centres, one distance. Only the directions of the embeddings matter, so lengths go first.",
        "Scale along axis 1, average along axis 0, subtract, and take one norm of a vector with d entries.",
        "Pictures [2, 0] and [0, 5], one text [0, -3]. The unit pictures [1, 0] and [0, 1] have the centre [0.5, 0.5]; "
        "the text has [0, -1]. The difference is [0.5, 1.5], of length 1.5811.",
    ),
)  # fmt: skip


@exercise.solution
def modality_gap(I, T):
    """The distance between the centre of the pictures and the centre of the texts.

    I (n, d) and T (m, d): one embedding a row, of any length -> a number from 0 to 2
    """
    I = I / np.linalg.norm(I, axis=1, keepdims=True)
    T = T / np.linalg.norm(T, axis=1, keepdims=True)
    return np.linalg.norm(I.mean(axis=0) - T.mean(axis=0))


@exercise.oracle
def from_pairs(I, T):
    def mean_cosine(A, B):
        total = 0.0
        for a in A:
            for b in B:
                total += sum(a * b) / (sum(a * a) * sum(b * b)) ** 0.5
        return total / (len(A) * len(B))

    return max(0.0, mean_cosine(I, I) - 2 * mean_cosine(I, T) + mean_cosine(T, T)) ** 0.5


@exercise.also_right
def with_loops(I, T):
    difference = [0.0] * I.shape[1]
    for cloud, sign in ((I, 1), (T, -1)):
        for row in cloud:
            length = sum(x * x for x in row) ** 0.5
            for j, x in enumerate(row):
                difference[j] += sign * x / (length * len(cloud))
    return sum(x * x for x in difference) ** 0.5


@exercise.also_right
def with_einsum(I, T):
    gap = np.average(unit(I), axis=0) - np.average(unit(T), axis=0)
    return np.array(np.sqrt(np.einsum("d,d->", gap, gap)))


@exercise.also_right
def as_one_weighted_sum(I, T):
    weights = np.repeat([1 / len(I), -1 / len(T)], [len(I), len(T)])
    return np.hypot.reduce(weights @ unit(np.concatenate([I, T])))


@exercise.wrong("""You averaged the distances of the pairs. Two clouds with the same centre can have distant pairs.
Average the rows first, then measure once.""")
def mean_pair_distance(I, T):
    return np.linalg.norm(unit(I) - unit(T), axis=1).mean()


@exercise.wrong("""You compared every picture with every text and averaged the distances. That also measures how wide
the clouds are. Use their two centres only.""")
def mean_distance_of_all(I, T):
    return np.linalg.norm(unit(I)[:, None] - unit(T)[None], axis=2).mean()


@exercise.wrong("""Raw rows went into the mean, so a few long vectors set the centre. CLIP compares directions: scale
every row to length 1 before.""")
def no_norm(I, T):
    return np.linalg.norm(I.mean(0) - T.mean(0))


@exercise.wrong("""That is the square of the right value. A distance is the root of the sum of squares: take the power
1/2 at the end.""")
def squared(I, T):
    return modality_gap(I, T) ** 2


@exercise.wrong("""That is 1 minus a cosine: it sees only the angle between the centres, not how far out they lie.
Measure the length of their difference.""")
def one_minus_cos_of_means(I, T):
    a, b = unit(I).mean(0), unit(T).mean(0)
    return 1 - a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


@exercise.wrong("""You pushed the centres out to length 1 before measuring. A centre lies inside the sphere, the deeper
the wider its cloud. Leave it there.""")
def normalised_centres(I, T):
    a, b = unit(unit(I).mean(0, keepdims=True)), unit(unit(T).mean(0, keepdims=True))
    return np.linalg.norm(a - b)


@exercise.wrong("""You averaged raw rows and scaled only the result. Long rows then count more. Scale the rows, along
axis 1, before the mean.""")
def normalised_only_the_centres(I, T):
    return np.linalg.norm(unit(I.mean(0, keepdims=True)) - unit(T.mean(0, keepdims=True)))


@exercise.wrong("""You added the absolute differences of the coordinates. That is the city-block distance. The Euclidean
one squares, adds, and takes the power 1/2.""")
def city_block(I, T):
    return np.abs(unit(I).mean(0) - unit(T).mean(0)).sum()


@exercise.wrong("""You took the mean of the squared differences over the d numbers. A length takes their sum, however
many there are.""")
def root_mean_square(I, T):
    return np.sqrt(((unit(I).mean(0) - unit(T).mean(0)) ** 2).mean())


@exercise.wrong("""You divided a whole cloud by one norm, so its rows still differ in length. Take one norm per row:
axis 1, with the axis kept.""")
def one_norm_for_all(I, T):
    return np.linalg.norm((I / np.linalg.norm(I)).mean(0) - (T / np.linalg.norm(T)).mean(0))


@exercise.wrong("""A vector came out, but the gap is one number. You have the difference of the centres; its length is
still missing.""")
def difference_vector(I, T):
    return unit(I).mean(0) - unit(T).mean(0)


pictures = np.array([[3.0, 1, 0, -1, 2], [0.2, 0.1, 0.05, 0, 0.3], [10, -4, 5, 7, 20]])
exercise.case("3 pairs in 5 dimensions", pictures,
              np.array([[-1.0, 2, 0, 3, 0.5], [0.1, 0.4, -0.3, 0.2, 0], [5, 60, 10, -20, 8]]))  # fmt: skip
exercise.case("2 pictures, 7 texts", np.array([[40.0, 3, 1], [0.5, 0.1, -0.2]]),
              np.array([[1.0, 2, 2], [0, 3, -4], [-6, 2, 3], [0.1, 0.7, 0.5], [9, 12, 20], [-1, 1, 0.5], [2, 0, 11]]),
              )  # fmt: skip
exercise.case("almost the same directions in another order", pictures,
              np.array([[20.0, -8, 10, 14, 40], [3, 1, 0, -1, 2], [4, 2, 1, 0, 7]]))  # fmt: skip
exercise.case("1 picture opposite to 1 text", np.array([[3.0, -4.0]]), np.array([[-0.6, 0.8]]))
