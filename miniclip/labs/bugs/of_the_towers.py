"""Bugs of the forwards of both towers: what is read, in which order, and who may look at whom.

Most of these models learn all the same: the loss falls, and a classifier of few classes finds them.
"""

import math

import numpy as np

from ...nn.erf import erf
from ...nn.ops import softmax_backward, softmax_forward
from ..harness import Bar
from .injection import Bug


def read_at_the_last_place(ids, eos_token_id):
    """end_b = T - 1."""
    return np.full(len(ids), ids.shape[1] - 1)


def read_at_the_highest_id(ids, eos_token_id):
    """end_b = argmax_t ids[b, t]: right only while the end token has the highest id of all."""
    return ids.argmax(1)


def read_without_asking(ids, eos_token_id):
    """argmax of no end at all is 0: the start token, which has seen nothing."""
    return (ids == eos_token_id).argmax(1)


def no_mask(T):
    """mask[t, s] = True."""
    return np.ones((T, T), bool)


def mask_off_by_one(T):
    """mask[t, s] = s <= t + 1."""
    return np.tri(T, k=1, dtype=bool)


def unscaled_attend_forward(q, k, v, mask=None, out=None):
    """y = softmax(q k^T) v."""
    scores = q @ k.swapaxes(-1, -2)
    if mask is not None:
        scores += np.where(mask, 0.0, -np.inf).astype(scores.dtype)
    weights, _ = softmax_forward(scores)
    return np.matmul(weights, v, out=out), (q, k, v, weights)


def unscaled_attend_backward(dy, c, out=(None, None, None)):
    """dv = w^T dy,  dw = dy v^T,  ds = w (dw - <dw, w>),  dq = ds k,  dk = ds^T q."""
    q, k, v, weights = c
    dscores = softmax_backward(dy @ v.swapaxes(-1, -2), (weights,))
    dq = np.matmul(dscores, k, out=out[0])
    dk = np.matmul(dscores.swapaxes(-1, -2), q, out=out[1])
    dv = np.matmul(weights.swapaxes(-1, -2), dy, out=out[2])
    return dq, dk, dv


def no_position_forward(x, p):
    """y = x."""
    return x, (p,)


def no_position_backward(dy, c):
    """dx = dy,  dp = 0."""
    return dy, np.zeros_like(c[0])


def patches_without_swapping(images, P):
    """The right shape, reached without `swapaxes`: each patch is a strip of two rows of the picture."""
    B, Y, X, C = images.shape
    return images.reshape(B, (Y // P) * (X // P), P * P * C), (images.shape, P)


def another_gelu(x):
    """y = x Phi(x), where QuickGELU was trained, and where its backward stays."""
    s = 0.5 * (1.0 + erf(x * math.sqrt(0.5)))
    y = x * s
    return y, (s, y)


def pixels_as_they_are(images, mean=0.0, std=1.0):
    """Intensities in [0, 1]."""
    return images.astype(np.float32)


BUGS = {
    "end by the last place": Bug(
        "A caption is read at the last place of its row, which in a batch is padding, not at its end token.",
        {"models.text:end_positions": read_at_the_last_place},
        Bar("towers: text moves with what follows its end", "padding is read", least=1e-3),
        "tests/nn/test_relations.py::test_relations_of_the_whole_model[0]",
    ),
    "end by the highest id": Bug(
        "A caption is read at its highest id, as if the end token had it: words after that one are not seen.",
        {"models.text:end_positions": read_at_the_highest_id},
        Bar("towers: text moves least with its last word", "some last words change nothing", most=1e-9),
        "tests/models/test_hugging_face.py::test_features_logits_and_every_gradient_agree[0]",
        "transformers #21029, #24650, PR 39821; diffusers #10754",
    ),
    "no end, no error": Bug(
        "A caption that was cut and lost its end token is read at its start token, silently.",
        {"models.text:end_positions": read_without_asking},
        Bar("towers: captions without an end that are read", "a text without an end is no error", least=1.0),
        "tests/models/test_decoder.py::test_a_text_without_an_end_is_never_read_at_another_place",
        "open_clip #1151; SLIP #18, open_clip #130",
    ),
    "no mask": Bug(
        "Every word sees all later ones, and padding too.",
        {"models.text:causal_mask": no_mask, "models.decoder:causal_mask": no_mask},
        Bar("towers: earlier places that a word moves", "words see the future", least=2.0),
        "tests/models/test_decoder.py::test_a_later_word_changes_nothing_before_it[4-given0]",
        "transformers #48745",
    ),
    "mask off by one": Bug(
        "Every word sees the next one too: the decoder copies the word that it should guess.",
        {"models.text:causal_mask": mask_off_by_one, "models.decoder:causal_mask": mask_off_by_one},
        Bar("decoder: loss on random words", "what cannot be guessed is known", most=1.0),
        "tests/test_describing.py::test_random_captions_cannot_be_learned",
        "open_clip #549, PR 550",
    ),
    "attention not scaled": Bug(
        "Scores are not divided by the square root of a head's width: few keys get nearly all of the attention.",
        {"nn.ops:attend_forward": unscaled_attend_forward, "nn.ops:attend_backward": unscaled_attend_backward},
        Bar("towers: attention that the favourite key gets", "attention is sharp from the start", least=0.6),
        "tests/models/test_hugging_face.py::test_features_logits_and_every_gradient_agree[0]",
    ),
    "no positions": Bug(
        "No position is added: a picture is a bag of patches.",
        {"nn.layers:position_forward": no_position_forward, "nn.layers:position_backward": no_position_backward},
        Bar("towers: picture moves with the order of its patches", "their order is not seen", most=1e-6),
        "tests/models/test_hugging_face.py::test_features_logits_and_every_gradient_agree[0]",
    ),
    "patches are strips": Bug(
        "Pixels are reshaped without changing their order, so a patch is a strip of the picture, not a square.",
        {"models.vision:patchify_forward": patches_without_swapping},
        Bar("towers: patches that a square touches", "a square lies in several patches", least=2.0),
        "tests/nn/test_relations.py::test_patches_are_those_of_a_strided_convolution_also_on_a_picture_that_is_not_square",
    ),
    "another GELU": Bug(
        "Weights that were trained with QuickGELU run with GELU, up to 0.02 away; the backward is QuickGELU's.",
        {"nn.ops:quick_gelu_forward": another_gelu},
        Bar("gradients: MLP", "the backward belongs to another forward", least=5e-3),
        "tests/nn/test_relations.py::test_operations_against_scipy_at_extreme_numbers",
        "open_clip #771, #915; timm #2031",
    ),
    "pixels as they are": Bug(
        "Intensities from 0 to 1 go into a tower that expects them less a mean and over a deviation.",
        {"data.pictures:normalize": pixels_as_they_are},
        Bar("towers: least pixel", "no pixel is below 0", least=0.0),
        "tests/data/test_pictures.py::test_pixels_are_normalised_by_clips_statistics_and_no_others",
    ),
}
