"""One batch -> its loss and its gradients. Only the loss needs all pairs at once, so the towers take them in parts.

    embed each part  ->  the loss on all embeddings  ->  send each part back, and add up the gradients

A tower never lets two pictures or two captions meet. Its parts can therefore run on all cores, stay small enough for
the cache of a core, or be computed twice to save memory, and nothing changes but the rounding. The loss is another
matter: it is *not* the mean of the parts' losses, as `ranks.accumulated_loss_and_gradients` shows.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import chain

import numpy as np

from ..errors import ConfigError, quote
from ..machine.threads import LEAST, cores_taken, in_parallel, part_size, parts
from ..models.clip import (
    ClipConfig,
    encode_image_backward,
    encode_image_forward,
    encode_text_backward,
    encode_text_forward,
)
from ..models.text import end_positions, longest
from ..nn.blocks import largest_array
from ..nn.floors import caption_floor, chance_loss, sigmoid_caption_floor, sigmoid_chance_loss, temperature_floor
from ..nn.losses import (
    info_nce_backward,
    info_nce_forward,
    logits_of,
    multi_positive_backward,
    multi_positive_forward,
    sigmoid_loss_backward,
    sigmoid_loss_forward,
)
from ..nn.tree import add_trees


@dataclass(frozen=True)
class ContrastiveLoss:
    """A loss between two sides of a batch, and what it can be compared with.

    forward(image, text, *scalars) -> loss, cache; with `shares_positives` a (B, B) bool is its last argument
    backward(cache) -> dimage, dtext, *the gradients of the scalars
    """

    forward: Callable
    backward: Callable
    scalars: tuple[str, ...]  # parameters beside the towers'
    shares_positives: bool
    chance: Callable  # B -> the loss of guessing
    caption_floor: Callable  # information (B, B) -> the lowest loss that these captions allow
    temperature_floor: Callable | None  # B, scale -> the lowest loss at this scale, where it is known


SCALE, BOTH = ("logit_scale",), ("logit_scale", "logit_bias")
LOSSES = {
    "info_nce": ContrastiveLoss(
        info_nce_forward, info_nce_backward, SCALE, False, chance_loss, caption_floor, temperature_floor
    ),
    "multi_positive": ContrastiveLoss(
        multi_positive_forward, multi_positive_backward, SCALE, True, chance_loss, caption_floor, temperature_floor
    ),
    "sigmoid": ContrastiveLoss(
        sigmoid_loss_forward, sigmoid_loss_backward, BOTH, False, sigmoid_chance_loss, sigmoid_caption_floor, None
    ),
}


def check_loss(loss: str, groups=None, params=None) -> None:
    """A ConfigError unless there is such a loss and, where they are given, what it needs."""
    if type(loss) is not str or loss not in LOSSES:
        raise ConfigError(f"loss is {quote(loss)}, expected one of {', '.join(LOSSES)}")
    if params is None:
        return
    if LOSSES[loss].shares_positives and groups is None:
        raise ConfigError(f"the loss {loss} got no groups, expected a number for each pair: see `caption_groups`")
    for name in LOSSES[loss].scalars:
        if name not in params:
            raise ConfigError(f"the loss {loss} needs the parameter {name}, expected a model made for it")


@dataclass(frozen=True)
class Side:
    """The pictures of a batch, or its captions, in parts that never meet.

    forward(rows) -> embeddings (b, E), cache; backward(dembeddings, cache) -> gradients, a tree
    """

    forward: Callable
    backward: Callable
    parts: list[slice]


def fast_part(B: int, tokens: int, tower, share: float) -> int:
    """How many of B items at a time, for two cores: what fits a cache, no more than a share; of large ones, a half."""
    size = part_size(largest_array(tokens, tower.mlp_width, tower.heads))
    return max(1, min(size, math.ceil(B * (share if size > LEAST else 1 / 2))))


def image_side(images, params, config: ClipConfig, part: int = 0) -> Side:
    """images (B, Y, X, C), normalised; part: how many at a time, or 0 for what goes fastest"""
    # All captions are about a quarter of the work of all pictures: with them, three eighths of the pictures are half.
    size = part or fast_part(len(images), 1 + config.vision.patches, config.vision, share=5 / 8)
    return Side(
        lambda rows: encode_image_forward(images[rows], params, config),
        lambda dimage, c: encode_image_backward(dimage, c)[1],
        parts(len(images), size),
    )


def text_side(ids, params, config: ClipConfig, part: int = 0) -> Side:
    """ids (B, T) integers; part: how many at a time, or 0 for what goes fastest"""
    size = part or fast_part(len(ids), longest(end_positions(ids, config.text.eos_token_id)), config.text, share=1)
    return Side(
        lambda rows: encode_text_forward(ids[rows], params, config),
        encode_text_backward,
        parts(len(ids), size),
    )


def replayed(side: Side) -> Side:
    """The same side without caches: for the backward, each part is computed a second time.

    The memory is that of a few parts and the logits, whatever B is, for about a third more time.
    Source: Gao et al. 2021, arXiv:2101.06983, section 3 ("GradCache").
    """
    return Side(
        lambda rows: (side.forward(rows)[0], rows),
        lambda dembeddings, rows: side.backward(dembeddings, side.forward(rows)[1]),
        side.parts,
    )


def embed(*sides: Side) -> list[tuple]:
    """(embeddings (B, E), caches) of each side: all parts of all sides at once, on all cores."""
    done = list(in_parallel(partial(side.forward, rows) for side in sides for rows in side.parts))
    found = []
    for side in sides:
        mine, done = done[: len(side.parts)], done[len(side.parts) :]
        embeddings, caches = zip(*mine, strict=True)
        found.append((np.concatenate(embeddings), caches))
    return found


def send_back(sides, gradients, caches) -> Iterator:
    """A tree of gradients for each part of each side, one after the other: they are to be added up as they come.

    gradients (B, E), of each side's embeddings
    """
    return in_parallel(
        partial(side.backward, gradient[rows], cache)
        for side, gradient, kept in zip(sides, gradients, caches, strict=True)
        for rows, cache in zip(side.parts, kept, strict=True)
    )


def contrastive_loss(image, text, params, loss: str = "info_nce", groups=None):
    """Returns loss; (dimage, dtext), both (B, E); the gradients of the scale and the bias, a tree; and metrics.

    image, text (B, E) unit vectors; loss: one of LOSSES; groups (B,) integers, for multi_positive: pairs of one group
    are right answers for each other
    metrics: `scale`, `bias` if there is one, and `accuracy`, the share of best matches that are right
    """
    check_loss(loss, groups, params)
    kind = LOSSES[loss]
    positives = [groups[:, None] == groups] if kind.shares_positives else []
    value, c = kind.forward(image, text, *(params[name] for name in kind.scalars), *positives)
    dimage, dtext, *dscalars = kind.backward(c)
    metrics = {"scale": float(np.exp(params["logit_scale"])), "accuracy": match_accuracy(logits_of(c), groups)}
    if "logit_bias" in kind.scalars:
        metrics["bias"] = float(params["logit_bias"])
    return float(value), (dimage, dtext), dict(zip(kind.scalars, dscalars, strict=True)), metrics


def match_accuracy(S, groups=None) -> float:
    """The share of rows and columns whose largest logit is a right answer. S (B, B); groups (B,) integers"""
    group = np.arange(len(S)) if groups is None else groups
    return float(0.5 * ((group[S.argmax(1)] == group).mean() + (group[S.argmax(0)] == group).mean()))


def gradients_in_parts(images, ids, params, config: ClipConfig, part: int = 0, replay: bool = False,
                       loss: str = "info_nce", groups=None):  # fmt: skip
    """loss, trees, metrics: as `loss_and_gradients`, but the gradients of the parts are yet to be added up."""
    sides = [image_side(images, params, config, part), text_side(ids, params, config, part)]
    if replay:
        sides = [replayed(side) for side in sides]
    (image, image_caches), (text, text_caches) = embed(*sides)
    value, upstream, dscalars, metrics = contrastive_loss(image, text, params, loss, groups)
    return value, chain(send_back(sides, upstream, (image_caches, text_caches)), [dscalars]), metrics


def loss_and_gradients(images, ids, params, config: ClipConfig, part: int = 0, replay: bool = False,
                       loss: str = "info_nce", groups=None):  # fmt: skip
    """loss, g, metrics: of the whole batch.

    images (B, Y, X, C) normalised; ids (B, T) integers -> a loss in nats, a tree like `params`
    part: pairs in a part, or 0 for what goes fastest; replay: keep no caches, compute each part twice
    loss, groups, metrics: as in `contrastive_loss`
    """
    with cores_taken:
        value, trees, metrics = gradients_in_parts(images, ids, params, config, part, replay, loss, groups)
        return value, add_trees(trees, params), metrics
