"""One batch -> its loss and its gradients. Only the loss needs all pairs at once, so the towers take them in parts.

    each part through its tower  ->  the loss on all embeddings  ->  each part back, gradients added up

A tower never lets two pictures or two captions meet. Its parts can therefore run on all cores, stay small enough for
the cache of a core, or be computed twice to save memory, and nothing changes but the rounding. The loss is another
matter: it is *not* the mean of the parts' losses, see `accumulated_loss_and_gradients`.
"""

from functools import partial
from itertools import chain

import numpy as np

from ..machine.threads import PART, in_parallel, parts
from ..models.clip import (
    ClipConfig,
    encode_image_backward,
    encode_image_forward,
    encode_text_backward,
    encode_text_forward,
)
from ..nn.losses import info_nce_backward, info_nce_forward
from ..nn.tree import flatten, unflatten


def forwards(images, ids, params, config: ClipConfig, part: int) -> list:
    """A job for each part of the images, then one for each part of the captions: () -> embeddings (b, E), cache."""
    rows = parts(len(images), part)
    return [partial(encode_image_forward, images[r], params, config) for r in rows] + [
        partial(encode_text_forward, ids[r], params, config) for r in rows
    ]


def backward(dembedding, cache):
    """The gradients of the tower whose cache this is, as a tree of its own."""
    if "visual" in cache:
        _, g = encode_image_backward(dembedding, cache)
        return g
    return encode_text_backward(dembedding, cache)


def contrast(embeddings, logit_scale):
    """loss, the gradient of each part's embeddings, dlogit_scale, share of right matches.

    embeddings: those of all parts, first the images', then the captions'
    """
    half = len(embeddings) // 2
    image, text = np.concatenate(embeddings[:half]), np.concatenate(embeddings[half:])
    loss, c = info_nce_forward(image, text, logit_scale)
    dimage, dtext, dlogit_scale = info_nce_backward(c)
    ends = np.cumsum([len(part) for part in embeddings[: half - 1]])
    _, rows, columns = c
    truth = np.arange(len(image))
    right = 0.5 * ((rows.argmax(1) == truth).mean() + (columns.argmax(1) == truth).mean())
    return float(loss), np.split(dimage, ends) + np.split(dtext, ends), dlogit_scale, float(right)


def add_up(trees, params):
    """The sum of trees that have some of the tensors of `params` each, as a tree of all of them."""
    total = {name: np.zeros_like(leaf) for name, leaf in flatten(params).items()}
    for tree in trees:
        for name, leaf in flatten(tree).items():
            total[name] += leaf
    return unflatten(total)


def loss_and_gradients(images, ids, params, config: ClipConfig, part: int = PART):
    """loss, g, right: of the whole batch, computed in parts whose caches are kept.

    images (B, Y, X, C) normalised; ids (B, T) integers -> InfoNCE in nats, a tree like `params`, share of right matches
    """
    embeddings, caches = zip(*in_parallel(forwards(images, ids, params, config, part)), strict=True)
    loss, upstream, dlogit_scale, right = contrast(embeddings, params["logit_scale"])
    trees = in_parallel(partial(backward, d, c) for d, c in zip(upstream, caches, strict=True))
    return loss, add_up(chain(trees, [{"logit_scale": dlogit_scale}]), params), right


def replayed_loss_and_gradients(images, ids, params, config: ClipConfig, part: int = PART):
    """The same, but no cache outlives its part: for the backward each part is computed a second time.

    The memory is that of a few parts and the logits, whatever B is, for about a third more time.
    Source: Gao et al. 2021, arXiv:2101.06983, section 3 ("GradCache").
    """
    jobs = forwards(images, ids, params, config, part)
    embeddings = list(in_parallel(partial(lambda job: job()[0], job) for job in jobs))
    loss, upstream, dlogit_scale, right = contrast(embeddings, params["logit_scale"])
    again = zip(upstream, jobs, strict=True)
    trees = in_parallel(partial(lambda d, job: backward(d, job()[1]), d, job) for d, job in again)
    return loss, add_up(chain(trees, [{"logit_scale": dlogit_scale}]), params), right


def accumulated_loss_and_gradients(images, ids, params, config: ClipConfig, part: int = PART):
    """What adding up micro-batches gives, as one would for a classifier: the mean of the parts' own losses. A lesson.

    In a part of b pairs each has b - 1 wrong answers, not B - 1: an easier question, another loss, other gradients.
    """
    loss, right, trees = 0.0, 0.0, []
    for rows in parts(len(images), part):
        share = (rows.stop - rows.start) / len(images)
        its_loss, g, its_right = loss_and_gradients(images[rows], ids[rows], params, config, part)
        loss, right = loss + share * its_loss, right + share * its_right
        trees.append({name: leaf * leaf.dtype.type(share) for name, leaf in flatten(g).items()})
    return loss, add_up(trees, params), right
