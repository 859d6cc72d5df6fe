"""Write the table of scores that CLIP compares.

n images and m texts come as rows of any length. The logit of image i and text j is the scale times the cosine of their
two rows. CLIP learns the natural logarithm of the scale, so that the scale stays positive: take exp of `log_scale`, and
let the scale never exceed `max_scale`. Rows of the table are images, columns are texts, and n and m may differ. A row
of zeros has no direction: all of its logits are 0, not NaN.
"""

import math

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, unit

exercise = Exercise(
    "4.1", "The table of logits", points=3, level=1, minutes=10, needs=("1.2",),
    use="`logits_forward` in nn/losses.py keeps the logarithm of the scale as a parameter, and the trainer caps the "
        "scale at 100.",
    hints=(
        "A logit is a cosine, made larger by one number that the model learns. Only the direction of an embedding "
        "counts, and the learned number is stored as a logarithm.",
        "Three steps: turn the logarithm into a scale, cap the scale, multiply it with the matrix of cosines. Divide "
        "every row by its own length first; a tiny floor under the length saves rows of zeros.",
        "Image (3, 4), texts (1, 0) and (0, 2), log_scale ln 10, cap 100. The cosines are 0.6 and 0.8, the scale is "
        "10, so the only row of the table is [6, 8]. With a cap of 5 it is [3, 4].",
    ),
)  # fmt: skip


@exercise.solution
def clip_logits(I, T, log_scale, max_scale=100.0):
    """The scaled cosines of all images with all texts.

    I (n, d), T (m, d): one embedding a row, of any length; log_scale: a number; max_scale: the cap -> (n, m)
    """
    scale = min(np.exp(log_scale), max_scale)
    I = I / np.maximum(np.linalg.norm(I, axis=1, keepdims=True), 1e-12)
    T = T / np.maximum(np.linalg.norm(T, axis=1, keepdims=True), 1e-12)
    return scale * I @ T.T


@exercise.oracle
def pair_by_pair(I, T, log_scale, max_scale=100.0):
    scale = max_scale if log_scale > math.log(max_scale) else math.e**log_scale
    table: list[list[float]] = []
    for u in I:
        table.append([])
        for v in T:
            lengths = math.hypot(*u) * math.hypot(*v)
            table[-1].append(scale * sum(map(float.__mul__, u, v)) / lengths if lengths else 0.0)
    return table


@exercise.also_right
def nested_lists(I, T, log_scale, max_scale=100.0):
    scale = min(math.exp(log_scale), max_scale)
    rows = [[a / (math.sqrt(sum(a * a for a in u)) or 1.0) for a in u] for u in I]
    others = [[b / (math.sqrt(sum(b * b for b in v)) or 1.0) for b in v] for v in T]
    return [[scale * sum(a * b for a, b in zip(u, v, strict=True)) for v in others] for u in rows]


@exercise.also_right
def einsum_then_lengths(I, T, log_scale, max_scale=100.0):
    lengths = np.sqrt(np.einsum("id,id->i", I, I))[:, None] * np.sqrt(np.einsum("jd,jd->j", T, T))
    return np.clip(np.exp(log_scale), None, max_scale) * np.einsum("id,jd->ij", I, T) / np.where(lengths, lengths, 1)


@exercise.also_right
def caps_before_exp(I, T, log_scale, max_scale=100.0):
    return np.array([unit(T) @ row for row in unit(I)]) * np.exp(np.minimum(log_scale, np.log(max_scale)))


@exercise.wrong("""You used log_scale itself as the scale. It is a logarithm: a stored 2.66 means a scale of 14.3. Undo
the logarithm.""")
def no_exp(I, T, log_scale, max_scale=100.0):
    return min(log_scale, max_scale) * cosine_table(I, T)


@exercise.wrong("Your scale went past its cap: a log_scale of 7 alone would give 1097. Hold the scale at max_scale.")
def no_clip(I, T, log_scale, max_scale=100.0):
    return np.exp(log_scale) * cosine_table(I, T)


@exercise.wrong("""You capped the logarithm; a log_scale of 7 then slips under a cap of 100. The cap is for the scale,
after exp.""")
def clips_log(I, T, log_scale, max_scale=100.0):
    return np.exp(min(log_scale, max_scale)) * cosine_table(I, T)


@exercise.wrong("""You cut each logit off at max_scale. Then large cosines all look alike. Cap the one scale that all
entries share.""")
def clips_logits(I, T, log_scale, max_scale=100.0):
    return np.minimum(np.exp(log_scale) * cosine_table(I, T), max_scale)


@exercise.wrong("Your cap is always 100. The caller chose another one: use the argument max_scale.")
def ignores_max_scale(I, T, log_scale, max_scale=100.0):
    return min(np.exp(log_scale), 100.0) * cosine_table(I, T)


@exercise.wrong("""In your table long embeddings get large logits. Bring every row of I and of T to length 1 before the
product.""")
def no_norm(I, T, log_scale, max_scale=100.0):
    return min(np.exp(log_scale), max_scale) * I @ T.T


@exercise.wrong("Your images have length 1, your texts do not. A cosine needs both sides at length 1.")
def image_side_only_normalised(I, T, log_scale, max_scale=100.0):
    return min(np.exp(log_scale), max_scale) * unit(I) @ T.T


@exercise.wrong("You gave length 1 to the columns of I and T. One embedding is one row: sum the squares along axis 1.")
def columns_normalised(I, T, log_scale, max_scale=100.0):
    return min(np.exp(log_scale), max_scale) * unit(I, 0) @ unit(T, 0).T


@exercise.wrong("""You divided by the size of the whole matrix. Each row has a length of its own: sum the squares along
axis 1.""")
def global_norm(I, T, log_scale, max_scale=100.0):
    return min(np.exp(log_scale), max_scale) * (I / np.linalg.norm(I)) @ (T / np.linalg.norm(T)).T


@exercise.wrong("You put texts in the rows. Row i belongs to image i, column j to text j.")
def transposed(I, T, log_scale, max_scale=100.0):
    return clip_logits(T, I, log_scale, max_scale)


@exercise.wrong("""You divided by the scale, as one does with a temperature. A scale of 14.3 makes logits larger:
multiply.""")
def divides_by_scale(I, T, log_scale, max_scale=100.0):
    return cosine_table(I, T) / min(np.exp(log_scale), max_scale)


@exercise.wrong("You raised 10 to the power of log_scale. CLIP stores a natural logarithm: its base is 2.718.")
def base_ten(I, T, log_scale, max_scale=100.0):
    return min(10.0**log_scale, max_scale) * cosine_table(I, T)


@exercise.wrong("A row of zeros made 0/0. Put a tiny floor, say 1e-12, under the lengths that you divide by.")
def nan_on_zero(I, T, log_scale, max_scale=100.0):
    lengths = np.linalg.norm(I, axis=1)[:, None] * np.linalg.norm(T, axis=1)
    return min(np.exp(log_scale), max_scale) * (I @ T.T) / lengths


images = np.array([[2.0, -4, 0, 1, 2], [0.1, 0.2, -0.05, 0, 0.3], [20, 10, -30, 5, 7]])
texts = np.array([[1.0, -1, 2, 0, 5], [0.02, 0.01, 0.03, -0.04, 0.01]])
exercise.case("3 images, 2 texts, log_scale 2.659", images, texts, 2.659)
exercise.case("log_scale 7, beyond the cap of 100", images, texts, 7.0)
exercise.case("log_scale 3 with a cap of 2", texts, images, 3.0, 2.0)
exercise.case("log_scale -1, a scale below 1", texts, images[:, ::-1], -1.0, 7.0)
exercise.case("1 image and 1 text in the same direction", np.array([[3.0, 4.0]]), np.array([[0.3, 0.4]]), 9.0)
exercise.case("image 1 is all zeros", np.array([[1.0, 2, 2], [0, 0, 0]]), np.array([[2.0, 0, 1]]), 1.0, 50.0)
