"""One batch -> losses and gradients, for everything that has a decoder; in parts on all cores, as in `step`.

A loss per word is a mean over words. Unlike the contrastive loss it may be computed part by part and added up, each
part weighted with its share of the scored words.
"""

from collections.abc import Callable
from functools import partial

import numpy as np

from ..data.prompts import Texts
from ..machine.threads import PART, in_parallel, parts
from ..models.bridge import BridgeConfig, bridge_backward, bridge_forward
from ..models.clip import encode_text_backward, encode_text_forward
from ..models.coca import (
    CocaConfig,
    describe_backward,
    describe_forward,
    see_backward,
    see_forward,
)
from ..models.decoder import DecoderConfig, decoder_backward, decoder_forward
from ..models.fusion import fusion_backward, fusion_forward
from ..models.vision import vision_trunk_forward
from ..nn.ops import (
    binary_cross_entropy_backward,
    binary_cross_entropy_forward,
    cross_entropy_backward,
    cross_entropy_forward,
)
from .step import contrast


def shares(length: int) -> list[slice]:
    """Parts for two cores at least."""
    return parts(length, min(PART, -(-length // 2)))


def word_loss(logits, targets, weight: float):
    """weight * mean surprise at the scored words, and its gradient."""
    loss, c = cross_entropy_forward(logits, targets)
    dlogits = cross_entropy_backward(c)
    dlogits *= dlogits.dtype.type(weight)
    return weight * float(loss), dlogits


def in_shares(job: Callable, texts: Texts):
    """loss, gradient trees of `job(rows, some texts, weight)`, for parts weighted with their share of the words."""
    some = [(rows, texts[rows]) for rows in shares(len(texts))]
    some = [(rows, one) for rows, one in some if one.scored] or some  # a part without a scored word has no loss
    jobs = [partial(job, rows, one, one.scored / max(texts.scored, 1)) for rows, one in some]
    losses, trees = zip(*in_parallel(jobs), strict=True)
    return sum(losses), list(trees)


def describe(images, texts: Texts, p, config: CocaConfig, frozen: bool = False):
    """loss, trees: the next word of each text, given its picture; frozen: the tower's backward is not called."""

    def job(rows, some, weight):
        logits, c = describe_forward(images[rows], some.ids, p, config)
        loss, dlogits = word_loss(logits, some.targets, weight)
        if frozen:
            return loss, {"decoder": decoder_backward(dlogits, c["decoder"])[2]}
        return loss, describe_backward(dlogits, c)[1]

    return in_shares(job, texts)


def coca(images, ids, texts: Texts, p, config: CocaConfig):
    """loss, trees: contrast pictures with captions and describe them, one pass through the trunk for both.

    loss = InfoNCE + mean surprise at a word. Source: Yu et al. 2022, arXiv:2205.01917, eq. 5; with weights 1 and 1.
    """

    def see(rows):
        some = texts[rows]
        (image, logits), c = see_forward(images[rows], some.ids, p, config)
        return image, (*word_loss(logits, some.targets, some.scored / texts.scored), c)

    rows = shares(len(images))
    n, towers = len(rows), [partial(see, r) for r in rows]
    towers += [partial(encode_text_forward, ids[r], p, config.clip) for r in rows]
    embeddings, caches = zip(*in_parallel(towers), strict=True)
    loss, upstream, dlogit_scale, _ = contrast(embeddings, p["logit_scale"])
    jobs = [
        partial(lambda d, kept: see_backward(d, *kept[1:])[1], d, c)
        for d, c in zip(upstream[:n], caches[:n], strict=True)
    ]
    jobs += [partial(encode_text_backward, d, c) for d, c in zip(upstream[n:], caches[n:], strict=True)]
    return loss + sum(kept[0] for kept in caches[:n]), [*in_parallel(jobs), {"logit_scale": dlogit_scale}]


def read(texts: Texts, p, config: DecoderConfig):
    """loss, trees: a language model, which sees words alone."""

    def job(rows, some, weight):
        logits, c = decoder_forward(some.ids, p["decoder"], config)
        loss, dlogits = word_loss(logits, some.targets, weight)
        return loss, {"decoder": decoder_backward(dlogits, c)[2]}

    return in_shares(job, texts)


def bridge(images, texts: Texts, p, config: BridgeConfig, vision, decoder: DecoderConfig):
    """loss, trees: the bridge alone learns. Its gradient comes back *through* the frozen language model."""

    def job(rows, some, weight):
        tokens, _ = vision_trunk_forward(images[rows], p["visual"], vision)
        prefix, c_bridge = bridge_forward(tokens, p["bridge"], config)
        logits, c = decoder_forward(some.ids, p["decoder"], decoder, prefix=prefix)
        loss, dlogits = word_loss(logits, some.targets, weight)
        _, dprefix, _ = decoder_backward(dlogits, c)
        return loss, {"bridge": bridge_backward(dprefix, c_bridge)[1]}

    return in_shares(job, texts)


def align(images, ids, p, config: BridgeConfig, vision):
    """loss, trees: (prefix - E[ids])^2 / E^2, means of all numbers: vector k is to be the k-th word.

    ids (B, tokens), words of the language model; E, their embedding, stays as it is, and the model is not even run.
    """
    words = p["decoder"]["token_embedding"]["weight"]
    weight = words.dtype.type(1.0 / (np.square(words).mean() * ids.size * words.shape[1]))

    def job(rows):
        tokens, _ = vision_trunk_forward(images[rows], p["visual"], vision)
        prefix, c = bridge_forward(tokens, p["bridge"], config)
        error = prefix - words[ids[rows]]
        return float(weight * np.square(error).sum()), {"bridge": bridge_backward(2 * weight * error, c)[1]}

    losses, trees = zip(*in_parallel([partial(job, rows) for rows in shares(len(ids))]), strict=True)
    return sum(losses), list(trees)


def match(images, ids, truth, p, config: CocaConfig):
    """loss, trees: does text b belong to picture b? Pairs never meet, so parts add up."""

    def job(rows):
        weight = len(truth[rows]) / len(truth)
        logits, c = fusion_forward(images[rows], ids[rows], p, config)
        loss, c_loss = binary_cross_entropy_forward(logits, truth[rows])
        _, g = fusion_backward(logits.dtype.type(weight) * binary_cross_entropy_backward(c_loss), c)
        return weight * float(loss), g

    losses, trees = zip(*in_parallel([partial(job, rows) for rows in shares(len(truth))]), strict=True)
    return sum(losses), list(trees)
