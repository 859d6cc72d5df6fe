"""Bugs of the backwards, and of gradients that are shared, cut or added up. No forward changes."""

import numpy as np

from ...machine.threads import parts
from ...nn.blocks import attention_backward, mlp_backward
from ...nn.decoder_ops import cross_entropy_backward, cross_entropy_forward
from ...nn.layers import layer_norm_backward
from ...nn.losses import logits_backward, logits_forward
from ...nn.ops import pick_backward
from ...nn.read import read_attention_backward
from ...nn.reduce import column_sum
from ...nn.tree import flatten
from ...train.step import contrastive_loss, embed, image_side, send_back, text_side
from ..harness import Bar
from .injection import Bug


def lost_repeats(dy, c):
    """dW[ids] += dy: of several places with the same word only the last one counts."""
    ids, weight = c
    g = np.zeros_like(weight)
    g[ids.ravel()] += dy.reshape(-1, weight.shape[1])
    return {"weight": g}


def stretched_only(dy, c):
    """dx = rstd dn: mean and deviation are taken for constants."""
    n, rstd, weight = c
    return dy * weight * rstd, {"weight": column_sum(dy * n), "bias": column_sum(dy)}


def diagonal_only(dp, c):
    """dz = p (1 - p) dp: the derivative of each entry by its own logit alone."""
    (p,) = c
    return p * (1.0 - p) * dp


def branches_only(dy, c):
    """dx, g: where the attention's branch joins, the gradient of the straight path is left out."""
    g = {}
    dh, g["mlp"] = mlp_backward(dy, c["mlp"])
    dh, g["ln_2"] = layer_norm_backward(dh, c["ln_2"])
    dy = dy + dh
    if "pick" in c:
        dh, g["attn"] = read_attention_backward(dy, c["attn"])
        dy = pick_backward(dy, c["pick"])
    else:
        dh, g["attn"] = attention_backward(dy, c["attn"])
    dh, g["ln_1"] = layer_norm_backward(dh, c["ln_1"])
    return dh, g


def length_is_constant(dy, c):
    """dx = dy / |x|: the part that would only make x longer is not taken out."""
    _, length = c
    return dy / length


def gathered_constants(query, keys, first, logit_scale):
    """(loss, dquery, 0, dlogit_scale): what was gathered from other ranks comes without a way back."""
    S, c_logits = logits_forward(query, keys, logit_scale)
    loss, c_loss = cross_entropy_forward(S, first + np.arange(len(query)))
    dquery, dkeys, dlogit_scale = logits_backward(cross_entropy_backward(c_loss), c_logits)
    return loss, dquery, np.zeros_like(dkeys), dlogit_scale


def labels_from_zero(query, keys, first, logit_scale):
    """Every rank counts its labels from 0, though its pairs stand further down among those that were gathered."""
    S, c_logits = logits_forward(query, keys, logit_scale)
    loss, c_loss = cross_entropy_forward(S, np.arange(len(query)))
    return loss, *logits_backward(cross_entropy_backward(c_loss), c_logits)


def mean_of_parts(images, ids, params, config, part=0, replay=False, loss="info_nce", groups=None):
    """Each part is a batch of its own, as it would be for a classifier: its wrong answers are only its own."""
    total, trees, metrics = 0.0, list[dict](), dict[str, float]()
    for rows in parts(len(images), part or len(images)):
        share = len(images[rows]) / len(images)
        sides = [image_side(images[rows], params, config, part), text_side(ids[rows], params, config, part)]
        (image, image_caches), (text, text_caches) = embed(*sides)
        some = None if groups is None else groups[rows]
        value, upstream, dscalars, metrics = contrastive_loss(image, text, params, loss, some)
        total += share * value
        trees += send_back(sides, [share * one for one in upstream], (image_caches, text_caches))
        trees.append({name: share * one for name, one in dscalars.items()})
    return total, trees, metrics


def mean_of_trees(total, trees):
    """Gradients of parts are averaged; they belong to one loss of the whole batch, and must be added."""
    trees, named = list(trees), flatten(total)
    for leaf in named.values():
        leaf[...] = 0.0
    for tree in trees:
        for name, g in flatten(tree).items():
            named[name] += g / len(trees)


ENTRIES = "tests/nn/test_gradients.py::test_every_entry_of_every_gradient_is_the_slope_of_the_forward"

BUGS = {
    "repeated words lost": Bug(
        "`g[ids] += dy` adds only once to a word that stands at several places.",
        {"nn.layers:embedding_backward": lost_repeats},
        Bar("gradients: words", "the gradient of words is no slope", least=0.05),
        f"{ENTRIES}[embedding]",
    ),
    "layer norm, no means": Bug(
        "The gradient of layer norm leaves out that mean and deviation change too.",
        {"nn.layers:layer_norm_backward": stretched_only},
        Bar("gradients: layer norms", "what lies before a layer norm gets no slope", least=0.05),
        f"{ENTRIES}[layer_norm]",
    ),
    "softmax diagonal only": Bug(
        "The gradient of softmax leaves out that all entries share one sum.",
        {"nn.ops:softmax_backward": diagonal_only},
        Bar("gradients: attention", "what asks and answers gets no slope", least=0.05),
        f"{ENTRIES}[softmax]",
    ),
    "straight path dropped": Bug(
        "The gradient goes back through the branches and not beside them.",
        {"nn.blocks:block_backward": branches_only},
        Bar("gradients: positions", "what lies before the blocks gets no slope", least=0.05),
        f"{ENTRIES}[block]",
    ),
    "length as a constant": Bug(
        "The gradient of x / |x| leaves out that |x| changes too.",
        {"nn.ops:normalize_backward": length_is_constant},
        Bar("gradients: projections", "projections gain by growing", least=0.05),
        "tests/nn/test_relations.py::test_relations_of_the_whole_model[0]",
    ),
    "gather without gradient": Bug(
        "Embeddings are gathered from all ranks, and what a rank does to the others' losses is never sent back.",
        {"train.ranks:direction": gathered_constants},
        Bar("shared: towers of two ranks", "the loss is right and the towers' gradient is not", least=0.2),
        "tests/test_step.py::test_simulated_ranks[0-2]",
        "open_clip #616, #894; SLIP #31; vissl PR 123; pytorch-metric-learning #363",
    ),
    "labels not offset": Bug(
        "The second rank takes the first rank's captions for its own.",
        {"train.ranks:direction": labels_from_zero},
        Bar("shared: loss of two ranks", "the loss of shared batches is another", least=0.02),
        "tests/test_step.py::test_simulated_ranks[0-2]",
    ),
    "mean of parts": Bug(
        "A batch taken in parts is the mean of the parts' losses: each has fewer wrong answers to be told from.",
        {"train.step:gradients_in_parts": mean_of_parts},
        Bar("shared: loss in parts", "a batch in parts has another loss", least=0.1),
        "tests/test_step.py::test_parts_of_any_size_give_the_whole[0-False]",
        "open_clip PR 267; sentence-transformers PR 1822",
    ),
    "gradients averaged": Bug(
        "The parts' gradients are averaged: with more parts the towers learn more slowly.",
        {"nn.tree:write_sum": mean_of_trees},
        Bar("shared: towers in parts", "a batch in parts has a shorter gradient", least=0.2),
        "tests/test_step.py::test_parts_of_any_size_give_the_whole[0-False]",
    ),
}
