"""One batch -> its loss and its gradients. Only the loss needs all pairs at once, so the towers take them in parts.

    embed each part  ->  the loss on all embeddings  ->  send each part back, and add up the gradients

A tower never lets two pictures or two captions meet. Its parts can therefore run on all cores, stay small enough for
the cache of a core, or be computed twice to save memory, and nothing changes but the rounding. The loss is another
matter: it is *not* the mean of the parts' losses, as `ranks.accumulated_loss_and_gradients` shows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import numpy as np

from ..machine.threads import PART, in_parallel, parts
from ..models.clip import (
    ClipConfig,
    encode_image_backward,
    encode_image_forward,
    encode_text_backward,
    encode_text_forward,
)
from ..nn.losses import (
    info_nce_backward,
    info_nce_forward,
    multi_positive_backward,
    multi_positive_forward,
    sigmoid_loss_backward,
    sigmoid_loss_forward,
)
from ..nn.tree import add_trees

LOSSES = ("info_nce", "multi_positive", "sigmoid")


@dataclass(frozen=True)
class Tower:
    """One side of a batch, in parts that never meet.

    forward(rows) -> embeddings (b, E), cache; backward(dembeddings, cache) -> gradients, a tree
    """

    forward: Callable
    backward: Callable
    parts: list[slice]


def image_tower(images, params, config: ClipConfig, part: int = PART) -> Tower:
    """The side of the pictures. images (B, Y, X, C), normalised"""
    return Tower(
        lambda rows: encode_image_forward(images[rows], params, config),
        lambda dimage, c: encode_image_backward(dimage, c)[1],
        parts(len(images), part),
    )


def text_tower(ids, params, config: ClipConfig, part: int = PART) -> Tower:
    """The side of the captions. ids (B, T) integers"""
    return Tower(
        lambda rows: encode_text_forward(ids[rows], params, config),
        encode_text_backward,
        parts(len(ids), part),
    )


def replayed(tower: Tower) -> Tower:
    """The same tower without caches: for the backward, each part is computed a second time.

    The memory is that of a few parts and the logits, whatever B is, for about a third more time.
    Source: Gao et al. 2021, arXiv:2101.06983, section 3 ("GradCache").
    """
    return Tower(
        lambda rows: (tower.forward(rows)[0], rows),
        lambda dembeddings, rows: tower.backward(dembeddings, tower.forward(rows)[1]),
        tower.parts,
    )


def embed(*towers: Tower) -> list[tuple]:
    """(embeddings (B, E), caches) of each tower: all parts of all towers at once, on all cores."""
    done = iter(in_parallel([partial(tower.forward, rows) for tower in towers for rows in tower.parts]))
    found = []
    for tower in towers:
        embeddings, caches = zip(*islice(done, len(tower.parts)), strict=True)
        found.append((np.concatenate(embeddings), caches))
    return found


def send_back(towers, gradients, caches) -> list:
    """A tree of gradients for each part of each tower. gradients (B, E), of each tower's embeddings"""
    jobs = [
        partial(tower.backward, gradient[rows], cache)
        for tower, gradient, kept in zip(towers, gradients, caches, strict=True)
        for rows, cache in zip(tower.parts, kept, strict=True)
    ]
    return list(in_parallel(jobs))


def contrastive_loss(image, text, params, loss: str = "info_nce", groups=None):
    """loss, (dimage, dtext), gradients of the scale and the bias, told: where the two sides meet.

    image, text (B, E) unit vectors; loss: one of LOSSES; groups (B,) integers, for multi_positive: pairs of one group
    are right answers for each other
    told: the `scale`, the `bias` if there is one, and the `accuracy`, the share of best matches that are right
    """
    scale = params["logit_scale"]
    if loss == "sigmoid":
        value, c = sigmoid_loss_forward(image, text, scale, params["logit_bias"])
        dimage, dtext, *dscalars = sigmoid_loss_backward(c)
    elif loss == "multi_positive":
        value, c = multi_positive_forward(image, text, scale, groups[:, None] == groups)
        dimage, dtext, *dscalars = multi_positive_backward(c)
    else:
        value, c = info_nce_forward(image, text, scale)
        dimage, dtext, *dscalars = info_nce_backward(c)
    (_, _, _, S), *_ = c
    group = np.arange(len(S)) if groups is None else groups
    accuracy = 0.5 * ((group[S.argmax(1)] == group).mean() + (group[S.argmax(0)] == group).mean())
    told = {"scale": float(np.exp(scale)), "accuracy": float(accuracy)}
    if loss == "sigmoid":
        told["bias"] = float(params["logit_bias"])
    return float(value), (dimage, dtext), dict(zip(("logit_scale", "logit_bias"), dscalars, strict=False)), told


def gradients_in_parts(images, ids, params, config: ClipConfig, part: int = PART, replay: bool = False, **of_loss):
    """loss, trees, told: as `loss_and_gradients`, the gradients of the parts not yet added up."""
    towers = [image_tower(images, params, config, part), text_tower(ids, params, config, part)]
    if replay:
        towers = [replayed(tower) for tower in towers]
    (image, image_caches), (text, text_caches) = embed(*towers)
    loss, upstream, dscalars, told = contrastive_loss(image, text, params, **of_loss)
    return loss, [*send_back(towers, upstream, (image_caches, text_caches)), dscalars], told


def loss_and_gradients(images, ids, params, config: ClipConfig, part: int = PART, replay: bool = False, **of_loss):
    """loss, g, told: of the whole batch.

    images (B, Y, X, C) normalised; ids (B, T) integers -> a loss in nats, a tree like `params`
    part: pairs in a part; replay: keep no caches, compute each part twice; of_loss: the `loss` and `groups` of
    `contrastive_loss`, and told is what that tells
    """
    loss, trees, told = gradients_in_parts(images, ids, params, config, part, replay, **of_loss)
    return loss, add_trees(trees, params), told
