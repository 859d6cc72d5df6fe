"""What can be minimised: one batch -> loss, gradients, and what the log should know; in parts, on all cores.

    contrast     which caption belongs to which picture?
    captioning   the next word of a text, given the picture
    coca         both at once
    language     the next word of a text, given nothing else
    bridging     the next word of a text, given what a bridge shows of the picture
    alignment    a bridge's vectors are to be the words of a text
    matching     does this sentence belong to this picture?

Gradients are a list of trees, one for each part, that add up. A loss per word is a mean over words: unlike the
contrastive loss it may be computed part by part, each part weighted with its share of the scored words.
"""

from collections.abc import Callable
from functools import partial
from itertools import chain

import numpy as np

from ..data.prompts import Texts
from ..machine.threads import in_parallel, parts
from ..models.bridge import BridgedConfig, bridge_backward, bridge_forward
from ..models.clip import ClipConfig
from ..models.coca import CocaConfig, caption_backward, caption_forward, coca_backward, coca_forward
from ..models.decoder import DecoderConfig, decoder_backward, decoder_forward
from ..models.fusion import fusion_backward, fusion_forward
from ..models.vision import vision_trunk_forward
from ..nn.decoder_ops import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)
from .step import Side, contrastive_loss, embed, gradients_in_parts, send_back, text_side

PART = 64  # pictures with their texts: enough for long products, few enough for the cache of a core


def at_least_two(length: int) -> list[slice]:
    """Parts for two cores, or more."""
    return parts(length, min(PART, -(-length // 2)))


def word_loss(logits, targets, weight: float):
    """weight * mean surprise at the scored words, and its gradient; 0 where no word is scored."""
    if not weight:
        return 0.0, np.zeros_like(logits)
    loss, c = cross_entropy_forward(logits, targets)
    dlogits = cross_entropy_backward(c)
    dlogits *= dlogits.dtype.type(weight)
    return weight * float(loss), dlogits


def contrast(images, ids, params, config: ClipConfig, replay: int = 0, loss: str = "info_nce", groups=None):
    """Both towers and the loss between them: see `step.loss_and_gradients`; replay: pairs in a part, or 0."""
    return gradients_in_parts(images, ids, params, config, replay, bool(replay), loss, groups)


def text_by_text(job: Callable, texts: Texts):
    """loss, trees, no metrics, of `job(rows, some texts, weight)`: parts weighted with their share of the words."""

    def one(rows):
        some = texts[rows]
        return job(rows, some, some.scored / max(texts.scored, 1))

    return part_by_part(one, len(texts))


def part_by_part(job: Callable, n: int):
    """loss, trees, no metrics, of `job(rows)`, whose results add up."""
    losses, trees = zip(*in_parallel(partial(job, rows) for rows in at_least_two(n)), strict=True)
    return sum(losses), trees, {}


def captioning(images, texts: Texts, params, config: CocaConfig, frozen: bool = False):
    """The next word of each text, given its picture; frozen: the tower's backward is not called."""

    def job(rows, some, weight):
        logits, c = caption_forward(images[rows], some.ids, params, config)
        loss, dlogits = word_loss(logits, some.targets, weight)
        if frozen:
            return loss, {"decoder": decoder_backward(dlogits, c["decoder"])[2]}
        return loss, caption_backward(dlogits, c)[1]

    return text_by_text(job, texts)


def coca(images, ids, texts: Texts, params, config: CocaConfig):
    """Contrast pictures with captions and describe them, one pass through the trunk for both.

    loss = InfoNCE + mean surprise at a word. Source: Yu et al. 2022, arXiv:2205.01917, eq. 5; with weights 1 and 1.
    """

    def forward(rows):
        some = texts[rows]
        (image, logits), c = coca_forward(images[rows], some.ids, params, config)
        return image, (*word_loss(logits, some.targets, some.scored / texts.scored), c)

    def backward(dimage, cache):
        _, dlogits, c = cache
        return coca_backward(dimage, dlogits, c)[1]

    rows = at_least_two(len(images))
    sides = Side(forward, backward, rows), text_side(ids, params, config.clip, rows[0].stop)
    (image, image_caches), (text, text_caches) = embed(*sides)
    loss, upstream, dscale, metrics = contrastive_loss(image, text, params)
    words = sum(part_loss for part_loss, _, _ in image_caches)
    trees = chain(send_back(sides, upstream, (image_caches, text_caches)), [dscale])
    return loss + words, trees, metrics | {"words": words}


def language(texts: Texts, params, config: DecoderConfig):
    """A language model, which sees words alone."""

    def job(rows, some, weight):
        logits, c = decoder_forward(some.ids, params["decoder"], config)
        loss, dlogits = word_loss(logits, some.targets, weight)
        return loss, {"decoder": decoder_backward(dlogits, c)[2]}

    return text_by_text(job, texts)


def bridging(images, texts: Texts, params, config: BridgedConfig):
    """The bridge alone learns. Its gradient comes back *through* the frozen language model."""

    def job(rows, some, weight):
        tokens, _ = vision_trunk_forward(images[rows], params["visual"], config.clip.vision)
        prefix, c_bridge = bridge_forward(tokens, params["bridge"], config.bridge)
        logits, c = decoder_forward(some.ids, params["decoder"], config.decoder, prefix=prefix)
        loss, dlogits = word_loss(logits, some.targets, weight)
        _, dprefix, _ = decoder_backward(dlogits, c)
        return loss, {"bridge": bridge_backward(dprefix, c_bridge)[1]}

    return text_by_text(job, texts)


def alignment(images, ids, params, config: BridgedConfig):
    """(prefix - E[ids])^2 / E^2, means of all numbers: vector k is to be the k-th word.

    ids (B, tokens), words of the language model; E, their embedding, stays as it is, and the model is not even run.
    """
    words = params["decoder"]["token_embedding"]["weight"]
    weight = words.dtype.type(1.0 / (np.square(words).mean() * ids.size * words.shape[1]))

    def job(rows):
        tokens, _ = vision_trunk_forward(images[rows], params["visual"], config.clip.vision)
        prefix, c = bridge_forward(tokens, params["bridge"], config.bridge)
        error = prefix - words[ids[rows]]
        return float(weight * np.square(error).sum()), {"bridge": bridge_backward(2 * weight * error, c)[1]}

    return part_by_part(job, len(ids))


def matching(images, ids, truth, params, config: CocaConfig):
    """Does text b belong to picture b? Pairs never meet, so parts add up."""

    def job(rows):
        weight = len(truth[rows]) / len(truth)
        logits, c = fusion_forward(images[rows], ids[rows], params, config)
        loss, c_loss = binary_cross_entropy_forward(logits, truth[rows])
        _, g = fusion_backward(logits.dtype.type(weight) * binary_cross_entropy_backward(c_loss), c)
        return weight * float(loss), g

    return part_by_part(job, len(truth))
