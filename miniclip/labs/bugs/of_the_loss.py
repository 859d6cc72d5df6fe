"""Bugs between the embeddings and the loss, and in what both sides are compared with."""

import numpy as np

from ...models.text import text_backward, text_forward
from ...nn.cache import new_cache
from ...nn.checks import check_pairs, scale_of
from ...nn.losses import logits_backward, logits_forward
from ...nn.ops import log_softmax_forward
from ..harness import Bar
from .injection import Bug


def no_exp_forward(image, text, logit_scale):
    """S = logit_scale image text^T."""
    S = image @ text.T
    S *= logit_scale
    return S, (image, text, logit_scale, S)


def no_exp_backward(dS, c):
    """dlogit_scale = sum(dS image text^T)."""
    image, text, scale, S = c
    return scale * (dS @ text), scale * (dS.T @ image), (dS * S).sum() / scale


def clamped_forward(image, text, logit_scale):
    """S = min(exp(logit_scale), 100) image text^T; the gradient does not know of the minimum."""
    scale = min(scale_of(logit_scale), 100.0)
    S = image @ text.T
    S *= scale
    return S, (image, text, scale, S)


def clamped_backward(dS, c):
    """As without a clamp: above it, the gradient should be 0."""
    image, text, scale, S = c
    return scale * (dS @ text), scale * (dS.T @ image), (dS * S).sum()


def one_direction_forward(image, text, logit_scale):
    """loss = -(1/B) sum_i ln softmax_row(S)[i, i]."""
    check_pairs(image, text)
    S, c_logits = logits_forward(image, text, logit_scale)
    rows, _ = log_softmax_forward(S)
    return -rows.diagonal().mean(), (c_logits, rows)


def one_direction_backward(c):
    """dS = (P_rows - I) / B."""
    c_logits, rows = c
    dS = np.exp(rows)
    dS[np.diag_indices(len(dS))] -= 1.0
    dS /= len(dS)
    return logits_backward(dS, c_logits)


def not_normalised_forward(x):
    """y = x."""
    return x, ()


def not_normalised_backward(dy, c):
    """dx = dy."""
    return dy


def raw_text_forward(ids, p, config):
    """text = features, while images are divided by their length."""
    c = new_cache()
    text, c["text"] = text_forward(ids, p["text"], config.text)
    return text, c


def raw_text_backward(dtext, c):
    """The lines of the forward in reverse."""
    return {"text": text_backward(dtext, c["text"])}


BUGS = {
    "no exp": Bug(
        "The logarithm of the scale is taken for the scale: logits lie within 2.66, not 14.3, and the softmax is flat.",
        {"nn.losses:logits_forward": no_exp_forward, "nn.losses:logits_backward": no_exp_backward},
        Bar("training: last loss", "the loss stays high, its floor at so small a scale", least=1.2),
        "tests/nn/test_relations.py::test_chunks_change_nothing[-3.0-2-1]",
    ),
    "clamp in the forward": Bug(
        "The scale is clamped where it is used, and the gradient goes on above the clamp as if there were none.",
        {"nn.losses:logits_forward": clamped_forward, "nn.losses:logits_backward": clamped_backward},
        Bar("gradients: temperature above 100", "above the clamp the gradient is no slope", least=0.5),
        "tests/nn/test_relations.py::test_chunks_change_nothing[9.0-2-1]",
        "openai/CLIP #46",
    ),
    "one direction": Bug(
        "Pictures look for their captions, and captions never look for their pictures.",
        {"nn.losses:info_nce_forward": one_direction_forward, "nn.losses:info_nce_backward": one_direction_backward},
        Bar("loss: changes when the sides change places", "the two sides are not alike to the loss", least=0.01),
        "tests/nn/test_relations.py::test_relations_of_the_loss[0]",
    ),
    "not normalised": Bug(
        "Features are multiplied as they are: long vectors win, whatever they point at.",
        {"nn.ops:normalize_forward": not_normalised_forward, "nn.ops:normalize_backward": not_normalised_backward},
        Bar("training: length of an image's vector", "embeddings are no unit vectors", least=1.5),
        "tests/test_model.py::test_unit_vectors_in_parts_of_any_size",
        "open_clip #68, PR 70; xpool #11",
    ),
    "one side normalised": Bug(
        "Images become unit vectors, texts keep their lengths.",
        {"models.clip:encode_text_forward": raw_text_forward, "models.clip:encode_text_backward": raw_text_backward},
        Bar("training: length of a text's vector", "texts are no unit vectors", least=1.5),
        "tests/test_model.py::test_unit_vectors_in_parts_of_any_size",
        "fashion-clip #31",
    ),
}
