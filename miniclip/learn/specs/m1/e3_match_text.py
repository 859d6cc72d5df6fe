"""Find the text that belongs to an image.

You have the embedding of one image, d numbers, and the embeddings of k texts, one a row. Compute the cosine of the
image with every text, and say which text fits best. Return both: the k cosines in the order of the texts, and the
position of the largest one, counted from 0. If several are the largest, the first wins. The vectors can have any
length but zero.

Graded: the image [0.8, 0.6] with the texts [0.6, 0.8], [0.0, 1.0], [-0.6, -0.8]; the same texts in another order;
vectors of very different lengths; an image that no text fits; a tie; a single text.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table

exercise = Exercise(
    "1.3", "Which text belongs to the image?", points=3, level=1, minutes=10, needs=("1.2",),
    use="Zero-shot classification is this line with class names for texts: `classify` in tasks/zero_shot.py.",
    hints=(
        "The text that points in the direction of the image fits best. The cosine measures this, from -1 (opposite) to "
        "1 (same direction).",
        "One product of the (k, d) matrix and the (d,) vector gives all dot products. Divide each by both lengths. "
        "`argmax` gives the position of the first largest entry.",
        "Image [3, 4], texts [[0, 2], [5, 0]]. The dot products are 8 and 15, the lengths 5, then 2 and 5. The cosines "
        "are [0.8, 0.6] and the best position is 0, although 15 is larger than 8.",
    ),
)  # fmt: skip


@exercise.solution
def match_text(img, texts):
    """The cosines of an image with k texts, and the position of the best one.

    img (d,), texts (k, d): of any length but zero -> (cosines (k,), position)
    """
    cosines = texts @ img / (np.linalg.norm(texts, axis=1) * np.linalg.norm(img))
    return cosines, int(cosines.argmax())


@exercise.oracle
def one_at_a_time(img, texts):
    cosines, best = [], 0
    for j, text in enumerate(texts):
        dot = sum(a * b for a, b in zip(img, text, strict=True))
        cosines.append(dot / np.hypot.reduce(img) / np.hypot.reduce(text))
        best = j if cosines[j] > cosines[best] else best
    return np.array(cosines), best


@exercise.also_right
def with_lists(img, texts):
    cosines = [float(sum(img * text) / (sum(img * img) * sum(text * text)) ** 0.5) for text in texts]
    return cosines, cosines.index(max(cosines))


@exercise.also_right
def with_unit_vectors(img, texts):
    cosines = np.einsum("kd,d->k", texts / np.linalg.norm(texts, axis=1, keepdims=True), img / np.linalg.norm(img))
    return cosines, np.argmax(cosines)


@exercise.also_right
def with_a_stable_sort(img, texts):
    cosines = np.sum(texts * img, axis=1) / np.sqrt(np.sum(texts**2, axis=1) * np.sum(img**2))
    return [cosines, np.argsort(-cosines, kind="stable")[0]]


@exercise.wrong("""You picked the smallest cosine, the text that points away most. The best fit has the largest one: -1
is opposite, 1 is equal.""")
def argmin(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, int(cosines.argmin())


@exercise.wrong("The minus sign is gone. The text at -0.96 is opposite to the image, not close to it: keep the sign.")
def abs_cos(img, texts):
    cosines = np.abs(cosine_table(texts, img))
    return cosines, int(cosines.argmax())


@exercise.wrong("""Your cosines are right, but you chose by their size without the sign. A cosine of -0.96 is the worst
fit.""")
def abs_in_the_choice(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, int(np.abs(cosines).argmax())


@exercise.wrong("""These are distances: 0 means the same point. For vectors of length 1 they give the same order, but
other lengths disturb them. Return cosines.""")
def euclid_rank(img, texts):
    distances = np.linalg.norm(texts - img, axis=1)
    return distances, int(distances.argmin())


@exercise.wrong("You return 1 minus the cosine, a distance. A similarity is 1, not 0, when directions agree.")
def cosine_distance(img, texts):
    distances = 1 - cosine_table(texts, img)
    return distances, int(distances.argmin())


@exercise.wrong("""You multiplied the entries but did not add them up. A dot product is one number per text: sum along
axis 1.""")
def elementwise(img, texts):
    products = texts * img / (np.linalg.norm(texts, axis=1, keepdims=True) * np.linalg.norm(img))
    return products, int(products.argmax())


@exercise.wrong("""These are dot products: a long text wins by its length. Divide by both lengths, so that no value
exceeds 1.""")
def dot_only(img, texts):
    dots = texts @ img
    return dots, int(dots.argmax())


@exercise.wrong("""The texts have length 1 now, but the image kept its own. The choice survives this, the values do not:
divide by the image's length too.""")
def image_not_normalised(img, texts):
    dots = texts @ img / np.linalg.norm(texts, axis=1)
    return dots, int(dots.argmax())


@exercise.wrong("""You divided by the image's length only, so longer texts get larger values. Divide each text's value
by its own length, along axis 1.""")
def texts_not_normalised(img, texts):
    dots = texts @ img / np.linalg.norm(img)
    return dots, int(dots.argmax())


@exercise.wrong("""Your values add up to 1: they went through a softmax. That comes later; here the cosines themselves
are asked for.""")
def probabilities(img, texts):
    e = np.exp(cosine_table(texts, img))
    return e / e.sum(), int(e.argmax())


@exercise.wrong("Your position is 1 too large. Positions count from 0, as everywhere in NumPy.")
def counts_from_one(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, int(cosines.argmax()) + 1


@exercise.wrong("The second part is the best cosine itself. Return where it stands: a position from 0 on.")
def value_not_position(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, float(cosines.max())


@exercise.wrong("You sorted the cosines, so nobody knows which text number 0 is. Keep them in the order of the texts.")
def sorted_cosines(img, texts):
    cosines = cosine_table(texts, img)
    return np.sort(cosines)[::-1], int(cosines.argmax())


@exercise.wrong("""The last of the equal ones won. The first must win, as with `argmax`: position 0 goes before position
2.""")
def last_of_a_tie(img, texts):
    cosines = cosine_table(texts, img)
    return cosines, int(np.argsort(cosines, kind="stable")[-1])


@exercise.wrong("Both parts are there, in the wrong order. The cosines come first, the position comes second.")
def parts_swapped(img, texts):
    cosines = cosine_table(texts, img)
    return int(cosines.argmax()), cosines


exercise.case("3 texts in 2 dimensions", np.array([0.8, 0.6]), np.array([[0.6, 0.8], [0.0, 1.0], [-0.6, -0.8]]))
exercise.case("the 3 texts in another order", np.array([0.8, 0.6]), np.array([[-0.6, -0.8], [0.0, 1.0], [0.6, 0.8]]))
exercise.case("5 texts of lengths from 0.05 to 50", np.array([2.0, -1.0, 3.0]),
              np.array([[30.0, 0, 40], [0.03, -0.01, 0.04], [0, -1, 0], [-2, 1, -3], [5, 5, 0]]))  # fmt: skip
exercise.case(
    "an image that neither of 2 texts fits", np.array([1.0, 4.0, -2.0]), np.array([[-1.0, -3, 0.5], [3, -1, 7]])
)
exercise.case(
    "a tie of texts 0 and 2", np.array([0.0, 3.0, 0.0]), np.array([[0.0, 2, 0], [1, 0, 0], [0, 7, 0], [0, -1, 0]])
)
exercise.case("1 text", np.array([3.0, 4.0]), np.array([[-5.0, 12.0]]))
