"""Let every word look at the picture.

A captioner has L word vectors (`text`) and P patch vectors (`patches`), all with d entries. Words ask, patches answer:
queries are text times Wq, keys are patches times Wk, values are patches times Wv. A word's score for a patch is the
dot product of its query and the patch's key, divided by the square root of d. A softmax over the patches turns the
scores of one word into weights; the weighted sum of the values, times Wo, is the new vector of the word: one row per
word.

One head, no mask, no residual, no bias. Vectors are rows, so matrices stand on the right. Large scores must not
overflow.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import softmax, untidy_softmaxes

exercise = Exercise(
    "8.1", "Cross-attention", points=4, level=2, minutes=20, needs=("3.4",),
    use="`cross_attention_forward` in nn/decoder_blocks.py lets each word that is written look at the picture.",
    hints=(
        "It is self-attention with one change: the words only ask. What they read, keys and values, is made of "
        "patches.",
        "The table of scores has one row per word and one column per patch. The softmax runs along axis 1. Subtract "
        "the maximum of each row before exp.",
        "d = 1, all four matrices [[1]], one word [2], patches [0] and [1]. The scores are 0 and 2, the weights 0.1192 "
        "and 0.8808, and the output is [[0.8808]].",
    ),
)  # fmt: skip


@exercise.solution
def cross_attention(text, patches, Wq, Wk, Wv, Wo):
    """What each word reads from the picture.

    text (L, d): one word a row; patches (P, d): one patch a row; Wq, Wk, Wv, Wo (d, d) -> (L, d)
    """
    Q, K, V = text @ Wq, patches @ Wk, patches @ Wv
    scores = Q @ K.T / np.sqrt(text.shape[1])
    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
    weights = weights / weights.sum(axis=1, keepdims=True)
    return weights @ V @ Wo


@exercise.oracle
def by_loops(text, patches, Wq, Wk, Wv, Wo):
    d, out = text.shape[1], []

    def times(row, W):
        return [sum(row[i] * W[i, j] for i in range(d)) for j in range(d)]

    for word in text:
        query = times(word, Wq)
        scores = [sum(q * k for q, k in zip(query, times(patch, Wk), strict=True)) / d**0.5 for patch in patches]
        read = np.zeros(d)
        for score, patch in zip(scores, patches, strict=True):
            read += np.exp(score - np.logaddexp.reduce(scores)) * np.array(times(patch, Wv))
        out.append(times(read, Wo))
    return np.array(out)


@exercise.also_right
def with_einsum(text, patches, Wq, Wk, Wv, Wo):
    scores = np.einsum("li,ik,jk,pj->lp", text, Wq, Wk, patches) / text.shape[1] ** 0.5
    return np.einsum("lp,pi,ij,jd->ld", softmax(scores), patches, Wv, Wo)


@exercise.also_right
def word_by_word(text, patches, Wq, Wk, Wv, Wo):
    out = []
    for word in text:
        weights = softmax((patches @ Wk @ (Wq.T @ word))[None] / np.sqrt(len(word)))[0]
        out.append((Wo.T @ (Wv.T @ (weights @ patches))).tolist())
    return out


@exercise.also_right
def patch_by_patch(text, patches, Wq, Wk, Wv, Wo):
    """A running softmax: what was read so far shrinks when a larger score comes."""
    top, total, read = np.full(len(text), -1e30), np.zeros(len(text)), np.zeros(text.shape)
    for patch in patches:
        scores = text @ Wq @ (patch @ Wk) / text.shape[1] ** 0.5
        higher = np.maximum(top, scores)
        kept, weights = np.exp(top - higher), np.exp(scores - higher)
        total, read = total * kept + weights, read * kept[:, None] + np.outer(weights, patch @ Wv)
        top = higher
    return read @ Wo / total[:, None]


@exercise.wrong("""Your output does not depend on the picture: keys and values were made of words, which is
self-attention. Make both of the patches.""")
def self_attention(text, patches, Wq, Wk, Wv, Wo):
    return cross_attention(text, text, Wq, Wk, Wv, Wo)


@exercise.wrong("""You let the patches ask and the words answer. A captioner needs one row per word, so the queries come
from the text.""")
def query_from_image(text, patches, Wq, Wk, Wv, Wo):
    return cross_attention(patches, text, Wq, Wk, Wv, Wo)


@exercise.wrong("""You stopped at the weighted values, and Wo was never used. There are 4 matrices: the last one maps
what was read.""")
def no_output_projection(text, patches, Wq, Wk, Wv, Wo):
    return softmax((text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1])) @ (patches @ Wv)


@exercise.wrong("""The keys served as values too. A patch shows one vector to be found by and another to be read: use Wv
for the second.""")
def shared_kv(text, patches, Wq, Wk, Wv, Wo):
    return cross_attention(text, patches, Wq, Wk, Wk, Wo)


@exercise.wrong("""The weighted sum ran over the raw patches, so Wv is unused. Map the patches with Wv first, then sum
them, weighted along axis 1.""")
def ignores_values(text, patches, Wq, Wk, Wv, Wo):
    return softmax((text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1])) @ patches @ Wo


@exercise.wrong("""Your softmax is too sharp. Dot products grow with the size of the vectors, so divide the scores by d
to the power 1/2.""")
def no_scale(text, patches, Wq, Wk, Wv, Wo):
    return softmax((text @ Wq) @ (patches @ Wk).T) @ (patches @ Wv) @ Wo


@exercise.wrong("You divided the scores by d itself, so the weights are too even. Use d to the power 1/2.")
def scale_by_d(text, patches, Wq, Wk, Wv, Wo):
    return softmax((text @ Wq) @ (patches @ Wk).T / text.shape[1]) @ (patches @ Wv) @ Wo


@exercise.wrong("""You hid the later patches from the first words. Only words have a before and an after. Every word
sees all patches: drop the mask.""")
def causal_on_patches(text, patches, Wq, Wk, Wv, Wo):
    scores = (text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1])
    return softmax(np.where(np.tri(*scores.shape) > 0, scores, -np.inf)) @ (patches @ Wv) @ Wo


@exercise.wrong("""Your weights sum to 1 over the words, so words compete for a patch. For each word its patches
compete: softmax along axis 1.""")
def softmax_over_words(text, patches, Wq, Wk, Wv, Wo):
    return softmax((text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1]), 0) @ (patches @ Wv) @ Wo


@exercise.wrong("""You added the old word vectors to what they read. The block around this step does that. Return only
what was read.""")
def adds_residual(text, patches, Wq, Wk, Wv, Wo):
    return text + cross_attention(text, patches, Wq, Wk, Wv, Wo)


@exercise.wrong("The exponential of a score above about 709 is infinite. Subtract the largest score of each row first.")
def overflows(text, patches, Wq, Wk, Wv, Wo):
    weights = np.exp((text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1]))
    return weights / weights.sum(1, keepdims=True) @ (patches @ Wv) @ Wo


@exercise.wrong("Your matrices stand transposed. A word is a row, so it meets a matrix as row times matrix.")
def transposed_weights(text, patches, Wq, Wk, Wv, Wo):
    return cross_attention(text, patches, Wq.T, Wk.T, Wv.T, Wo.T)


@exercise.wrong("""You took the raw dot products as weights. They can be negative and do not sum to 1. A softmax along
axis 1 is missing.""")
def no_softmax(text, patches, Wq, Wk, Wv, Wo):
    return (text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1]) @ (patches @ Wv) @ Wo


@untidy_softmaxes(exercise)
def with_softmax(softmax):
    def cross_attention(text, patches, Wq, Wk, Wv, Wo):
        return softmax((text @ Wq) @ (patches @ Wk).T / np.sqrt(text.shape[1])) @ (patches @ Wv) @ Wo

    return cross_attention


words = np.array([[0.5, -1.0, 0.3], [1.2, 0.1, -0.7], [0.0, 0.8, 0.4], [-2.0, 0.6, 1.1], [0.3, 0.9, -1.4]])
patches = np.array([[1.0, 0.2, -0.5], [-0.3, 1.5, 0.7]])
Wq = np.array([[0.7, -0.2, 1.1], [0.4, 0.9, -0.6], [-1.3, 0.5, 0.2]])
Wk = np.array([[-0.8, 1.2, 0.1], [0.6, 0.3, -1.5], [0.9, -0.4, 0.7]])
Wv = np.array([[1.4, 0.2, -0.9], [-0.1, 0.8, 0.6], [0.5, -1.1, 0.3]])
Wo = np.array([[0.2, 1.3, -0.4], [-0.7, 0.6, 0.9], [1.1, -0.5, 0.8]])
exercise.case("2 words, 5 patches", patches, words, Wq, Wk, Wv, Wo)
exercise.case("5 words, 2 patches", words, patches, Wq, Wk, Wv, Wo)
exercise.case("2 words, 5 patches, scores in the thousands", 100 * patches, 50 * words, Wq, Wk, Wv, Wo)
exercise.case("1 word, 1 patch", np.array([[2.0, -1.0]]), np.array([[0.5, 3.0]]), np.array([[1.0, 2], [3, -1]]),
              np.array([[0.5, 1], [-2, 1]]), np.array([[2.0, 1], [0, -3]]), np.array([[1.0, -1], [4, 2]]))  # fmt: skip
exercise.case("2 words, 3 patches that are all zero", patches, np.zeros((3, 3)), Wq, Wk, Wv, Wo)
exercise.case("2 words, 5 patches, the first far below", np.array([[-10.0, -20, 0], [-10, 0, -20]]),
              20 * np.array([[-2.0, -3, -1], [-1, -3, 0], [-2, 0, -3], [1, 1, 0], [-2, -1, 2]]),
              Wq, Wk, Wv, Wo)  # fmt: skip
