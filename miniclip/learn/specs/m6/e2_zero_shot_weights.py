"""Make one classifier vector for each class out of many prompts.

E holds the text embeddings, K classes by T templates by d numbers, of any length. For each class: bring every prompt's
vector to length 1, take the mean over its templates, and bring the mean to length 1 again. The result is (K, d).

Both steps matter. Without the first, prompts with long vectors outvote the others. Without the second, classes whose
prompts agree get longer vectors and win by size. A vector of zeros stays zero: divide by the length, but never by less
than 1e-12.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import unit

exercise = Exercise(
    "6.2", "An ensemble of prompts", points=4, level=2, minutes=15, needs=("1.1", "6.1"),
    use="`ensemble` in tasks/zero_shot.py makes a classifier of many templates; in the paper of CLIP 80 of them gain "
        "3.5 points on ImageNet.",
    hints=(
        "Each prompt has one vote about the direction of its class, whatever its length. The mean of unit vectors "
        "is shorter than 1 when the votes differ.",
        "Normalise along the last axis, average along the axis of the templates, normalise along the last axis "
        "again. keepdims=True lets the lengths divide the vectors.",
        "One class with prompts [3, 4] and [5, 0]: the unit vectors are [0.6, 0.8] and [1, 0], their mean is [0.8, "
        "0.4] with length 0.894, so the weight is [0.894, 0.447].",
    ),
)  # fmt: skip


@exercise.solution
def zero_shot_weights(E):
    """The classifier of an ensemble.

    E (K, T, d): the embedding of each class in each template -> (K, d)
    """

    def unit(x):
        return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)

    return unit(unit(E).mean(axis=1))


@exercise.oracle
def number_by_number(E):
    def unit(vector):
        length = max(math.hypot(*vector), 1e-12)
        return [x / length for x in vector]

    return np.array([unit([math.fsum(column) / len(prompts) for column in zip(*map(unit, prompts), strict=True)])
                     for prompts in E])  # fmt: skip


@exercise.also_right
def sum_instead_of_mean(E):
    lengths = np.sqrt(np.einsum("ktd,ktd->kt", E, E))
    total = np.einsum("ktd,kt->kd", E, 1 / np.where(lengths > 0, lengths, 1))
    return total / np.maximum(np.sqrt((total**2).sum(1)), 1e-12)[:, None]


@exercise.also_right
def class_by_class(E):
    weights = []
    for prompts in E:
        votes = [p / (np.linalg.norm(p) or 1.0) for p in prompts]
        mean = sum(votes) / len(votes)
        weights.append((mean / (np.linalg.norm(mean) or 1.0)).tolist())
    return weights


@exercise.also_right
def template_by_template(E):
    total = np.zeros((len(E), E.shape[2]))
    for prompts in E.swapaxes(0, 1):
        lengths = np.hypot.reduce(prompts, axis=1)
        total[lengths > 0] += prompts[lengths > 0] / lengths[lengths > 0, None]
    return total / np.fmax(np.hypot.reduce(total, axis=1), 1e-12)[:, None]


@exercise.wrong("""You averaged first, so the longest prompts decide the direction. Bring each prompt to length 1 before
the mean, as CLIP does.""")
def no_per_prompt_norm(E):
    return unit(E.mean(axis=1))


@exercise.wrong("""Your means have different lengths, all at most 1, and a class with a longer one wins more often.
Bring them to length 1 as well.""")
def no_final_norm(E):
    return unit(E).mean(axis=1)


@exercise.wrong("""You averaged the classes for each template. Average the templates of each class, which lie along axis
1.""")
def mean_over_classes(E):
    return unit(unit(E).mean(axis=0))


@exercise.wrong("""In the last step you divided each feature by its size over the classes. It is the vector of a class,
a row, that must have length 1.""")
def norm_over_classes(E):
    return unit(unit(E).mean(axis=1), axis=0)


@exercise.wrong("""You took the median over the templates. The ensemble is their mean, along axis 1: every prompt
counts, outliers too.""")
def median(E):
    return unit(np.median(unit(E), axis=1))


@exercise.wrong("""That is the plain mean of the raw vectors, so long prompts outvote the others and long means win.
Normalise before the mean, and once more after it.""")
def no_norm_at_all(E):
    return E.mean(axis=1)


@exercise.wrong("""You kept only template 0 of each class. The others are there to even out its quirks: average over all
along axis 1.""")
def first_template_only(E):
    return unit(E[:, 0])


@exercise.wrong("You still have one vector for each template. A class needs a single one: average over axis 1.")
def keeps_templates(E):
    return unit(E)


@exercise.wrong("""You normalised each feature over the templates, axis 1. It is a prompt's own vector, along the last
axis, that gets length 1.""")
def norm_over_templates(E):
    return unit(unit(E, axis=1).mean(axis=1))


@exercise.wrong("""You divided by the sum of the numbers, which makes shares. The length is the root of the sum of
squares; after it, a row times itself gives 1.""")
def divides_by_the_sum(E):
    mean = unit(E).mean(axis=1)
    return mean / np.maximum(np.abs(mean).sum(axis=-1, keepdims=True), 1e-12)


@exercise.wrong("""A vector of zeros became NaN: 0 / 0. Never divide by less than 1e-12, then zeros stay zeros and the
rest is unchanged.""")
def nan_on_zero(E):
    x = E / np.linalg.norm(E, axis=-1, keepdims=True)
    x = x.mean(axis=1)
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


exercise.case("2 classes, 3 templates, 5 features",
              np.array([[[1.0, 2, 0, -1, 3], [10, -3, 5, -2, 7], [0.2, 0.1, 0.4, 0.3, -0.5]],
                        [[0, -1, 4, 2, 1], [30, 10, -20, 10, 0], [-0.1, 0.2, 0.3, 0.7, 0.1]]]))  # fmt: skip
exercise.case("3 classes, 2 templates, lengths 5 and 13",
              np.array([[[3.0, 4], [5, -12]], [[0, -5], [12, 5]], [[-4, 3], [-12, 5]]]))  # fmt: skip
exercise.case("1 class, 1 template", np.array([[[2.0, -3.0, 6.0]]]))
exercise.case("a prompt of zeros, and a class of zeros",
              np.array([[[0.0, 0.0, 0.0], [2.0, 1.0, -2.0]], [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]]))  # fmt: skip
