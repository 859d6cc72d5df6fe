"""Classify images with the weights that names made.

X (n, d) are image embeddings of any length; W (K, d) are unit vectors, one a class. Bring each image to length 1,
take its cosine with every class, multiply by scale, and apply a softmax over the classes.

Return (probs, labels): probs (n, K), each row adding up to 1, and labels (n,), the number of the likeliest class of
each image, counted from 0; of equal ones the first. It must survive a scale of 1000 with cosines of exactly 1 and -1:
take the row's maximum off before exp.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, softmax, untidy_softmaxes

exercise = Exercise(
    "6.3", "Predict without training", points=3, level=2, minutes=15, needs=("1.5", "6.2"),
    use="`zero_shot_probabilities` in tasks/zero_shot.py is this: a classifier that saw no labelled picture.",
    hints=(
        "Each image makes its own choice among the classes. So a row of the table belongs to an image, and a row's "
        "probabilities add up to 1.",
        "Lengths of X along axis 1, a matrix product with W transposed, times scale, minus the maximum of each "
        "row, exp, divided by the sum of each row. The label is where the row is largest.",
        "Image [3, 4], classes [1, 0] and [0, 1], scale 10: cosines 0.6 and 0.8, logits 6 and 8, probabilities "
        "0.119 and 0.881, label 1.",
    ),
)  # fmt: skip


@exercise.solution
def zero_shot_predict(X, W, scale):
    """Probabilities and labels of images.

    X (n, d): image embeddings; W (K, d): a unit vector for each class; scale: a number -> (n, K), (n,)
    """
    z = scale * (X / np.linalg.norm(X, axis=1, keepdims=True)) @ W.T
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True), z.argmax(axis=1)


@exercise.oracle
def image_by_image(X, W, scale):
    probs, labels = [], []
    for x in X:
        logits = [scale * sum(a * b for a, b in zip(x, w, strict=True)) / math.hypot(*x) for w in W]
        probs.append([1 / sum(math.exp(min(other - z, 700)) for other in logits) for z in logits])
        labels.append(max(range(len(W)), key=lambda k: (logits[k], -k)))
    return np.array(probs), np.array(labels)


@exercise.also_right
def with_log_sum_exp(X, W, scale):
    z = scale * np.einsum("nd,kd->nk", X, W) / np.sqrt(np.einsum("nd,nd->n", X, X))[:, None]
    probs = np.exp(z - np.logaddexp.reduce(z, axis=1)[:, None])
    return [probs, [int(row.argmax()) for row in z]]


@exercise.also_right
def by_comparing_pairs(X, W, scale):
    z = scale * cosine_table(X, W)
    probs = 1 / np.exp(z[:, None, :] - z[:, :, None]).sum(axis=2)
    return probs, probs.argmax(axis=1).astype(np.int32)


@exercise.also_right
def as_lists(X, W, scale):
    probs, labels = image_by_image(X.tolist(), W.tolist(), scale)
    return probs.tolist(), labels.tolist()


def answer(z):
    return softmax(z), z.argmax(axis=1)


@exercise.wrong("""Your columns add up to 1, so images compete for a class. Each image chooses a class: take the softmax
along axis 1.""")
def softmax_over_images(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z, axis=0), z.argmax(axis=1)


@exercise.wrong("""The probabilities are right, but a label names the least similar class. The label is the column, from
0, where the row is largest.""")
def argmin(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z), z.argmin(axis=1)


@exercise.wrong("""Your probabilities are too flat. A cosine lies between -1 and 1, and the softmax of such numbers
never gets sure. Multiply by scale first.""")
def no_scale(X, W, scale):
    return answer(cosine_table(X, W))


@exercise.wrong("""Your probabilities are almost equal: you divided by scale, as one would by a temperature. The scale
is 1 over the temperature, so multiply.""")
def divides_scale(X, W, scale):
    return answer(cosine_table(X, W) / scale)


@exercise.wrong("""An image is surer than another one just because its vector is longer. Only the direction tells the
class. Bring each row of X to length 1.""")
def no_image_norm(X, W, scale):
    return answer(scale * X @ W.T)


@exercise.wrong("""An exp overflowed, and the probabilities are NaN. Logits reach scale times 1. Take the largest of
each row off before exp: the result stays the same.""")
def overflows(X, W, scale):
    z = scale * cosine_table(X, W)
    e = np.exp(z)
    return e / e.sum(axis=1, keepdims=True), z.argmax(axis=1)


@exercise.wrong("""Your labels are one too high. Classes count from 0, like the rows of W, so that names[label] is the
name.""")
def counts_from_one(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z), z.argmax(axis=1) + 1


@exercise.wrong("""You looked for the best image of each class, along axis 0. There is one label for each image: look
along axis 1 of the table.""")
def best_image_of_each_class(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z), z.argmax(axis=0)


@exercise.wrong("""You returned logits, not probabilities: a row does not add up to 1. Apply exp and divide by the sum
of the row.""")
def returns_logits(X, W, scale):
    z = scale * cosine_table(X, W)
    return z, z.argmax(axis=1)


@exercise.wrong("""Two classes are equally good and you took the last one. As argmax does, take the first, with the
lower number: 0 before 2.""")
def last_of_ties(X, W, scale):
    z = scale * cosine_table(X, W)
    return softmax(z), z.shape[1] - 1 - z[:, ::-1].argmax(axis=1)


@exercise.wrong("""Each class got its own yes or no, by a sigmoid, so a row adds up to something other than 1. Exactly
one class is right: use a softmax.""")
def sigmoid(X, W, scale):
    z = scale * cosine_table(X, W)
    return 1 / (1 + np.exp(-z)), z.argmax(axis=1)


@exercise.wrong("""You divided each feature of X by its size over all images, along axis 0. It is the row of an image
that gets length 1.""")
def norm_over_images(X, W, scale):
    return answer(scale * X / np.maximum(np.linalg.norm(X, axis=0), 1e-12) @ W.T)


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    def zero_shot_predict(X, W, scale):
        z = scale * cosine_table(X, W)
        return softmax(z), z.argmax(axis=1)

    return zero_shot_predict


exercise.case("5 images, 3 classes, scale 10",
              np.array([[3.0, 4.0], [-0.1, 0.2], [30, -7], [0.02, 0.005], [-5, -11]]),
              np.array([[1.0, 0.0], [0.6, 0.8], [-0.96, 0.28]]), 10.0)  # fmt: skip
exercise.case("2 images, 5 classes in 3 dimensions, scale 34",
              np.array([[1.0, 2.0, -2.0], [-0.3, 0.1, 0.2]]),
              np.array([[1.0, 0, 0], [0, 0.6, -0.8], [0, -0.6, -0.8], [-0.8, 0, 0.6], [2 / 7, 3 / 7, -6 / 7]]),
              34.0)  # fmt: skip
exercise.case("scale 1000, cosines of exactly 1 and -1", np.array([[2.0, 0.0, 0.0], [0.0, -0.5, 0.0]]),
              np.array([[0.0, 1.0, 0.0], [-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]]), 1000.0)  # fmt: skip
exercise.case("classes 0 and 2 are equal", np.array([[4.0, 0.0, 0.0], [0.0, 3.0, 0.0]]),
              np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]), 5.0)  # fmt: skip
exercise.case("1 image, 1 class", np.array([[3.0, -4.0]]), np.array([[0.6, 0.8]]), 7.0)
exercise.case("3 images at scale 1000, one far from all classes", np.array([[-1.0, 1, 0], [2, -1, 1], [2, 3, -1]]),
              np.array([[0.28, 0.96, 0], [0, 0.6, 0.8], [0.6, 0.8, 0]]), 1000.0)  # fmt: skip
