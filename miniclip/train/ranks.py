"""Many GPUs in one NumPy process: what each way of sharing a batch among ranks does to the loss and the gradients.

R ranks hold a share of the pairs each. A rank embeds its own share, gathers all embeddings, computes a loss, and sends
it back through its towers; then the ranks average their parameters' gradients, as DistributedDataParallel does. Here
one process plays all ranks in turn, and every way is measured against the loss of the whole batch.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..errors import InputError
from ..machine.threads import parts
from ..models.clip import ClipConfig, clip_backward, clip_forward
from ..nn.decoder_ops import cross_entropy_backward, cross_entropy_forward
from ..nn.losses import info_nce_backward, info_nce_forward, logits_backward, logits_forward
from ..nn.tree import add_trees, flatten, to_vector
from .step import loss_and_gradients


@dataclass(frozen=True)
class Sharing:
    """A way to share one batch among ranks."""

    local: bool = True  # a rank scores its own rows of the logits; otherwise all of them
    gathers: bool = True  # against the embeddings of all ranks; otherwise its own
    gradient: str = "all"  # the gathered rows that carry gradients: "all", "own" (put back by hand) or "none"
    offset: bool = True  # a rank's labels count from the first of its pairs
    times: int = 1  # what the loss is multiplied with


def sharings(R: int) -> dict[str, Sharing]:
    """The two right ways, then the five wrong ones that people publish."""
    return {
        "local loss, gather with gradient": Sharing(),
        "global loss, gather with gradient": Sharing(local=False),
        "global loss, own rows put back": Sharing(local=False, gradient="own"),
        "the same, times the number of ranks": Sharing(local=False, gradient="own", times=R),
        "local loss, gather without gradient": Sharing(gradient="none"),
        "local loss, labels not offset": Sharing(offset=False),
        "no gather": Sharing(gathers=False),
    }


def direction(query, keys, first: int, logit_scale):
    """(loss, dquery, dkeys, dlogit_scale) of one direction: query i belongs to key first + i."""
    S, c_logits = logits_forward(query, keys, logit_scale)
    loss, c_loss = cross_entropy_forward(S, first + np.arange(len(query)))
    return loss, *logits_backward(cross_entropy_backward(c_loss), c_logits)


def rank_gradients(image, text, own: slice, B: int, R: int, sharing: Sharing, logit_scale):
    """One rank's (loss, dimage, dtext, dlogit_scale): what it sends to the rows of all ranks, zero where it is cut."""
    dimage, dtext, loss, dlogit_scale = np.zeros_like(image), np.zeros_like(text), 0.0, 0.0
    gathered = slice(0, B) if sharing.gathers else own
    rows = own if sharing.local else gathered
    first = own.start - gathered.start if sharing.local and sharing.offset else 0
    share = R * (rows.stop - rows.start) / B if sharing.local else 1.0  # shares may differ: weigh this rank's mean
    received = {"all": gathered, "own": own, "none": slice(0, 0)}[sharing.gradient if sharing.gathers else "all"]
    for query, keys, dquery, dkeys in ((image, text, dimage, dtext), (text, image, dtext, dimage)):
        part, from_queries, from_keys, dscale = direction(query[rows], keys[gathered], first, logit_scale)
        weight = 0.5 * share * sharing.times
        loss += weight * part
        dlogit_scale += weight * dscale
        kept = rows if sharing.local else received  # a global loss has gathered its queries too
        dquery[kept] += weight * from_queries[kept.start - rows.start : kept.stop - rows.start]
        dkeys[received] += weight * from_keys[received.start - gathered.start : received.stop - gathered.start]
    return loss, dimage, dtext, dlogit_scale


def simulate_ranks(images, ids, params, config: ClipConfig, R: int) -> dict[str, dict[str, float]]:
    """How wrong each way of sharing a batch is.

    Parameters
    ----------
    images : float array (B, Y, X, C)
        Normalised.
    ids : integer array (B, T)
    params : tree of arrays
        float64 shows zeros as zeros.
    config : ClipConfig
    R : int
        Ranks, at most B. Rank r holds the r-th of R runs of the pairs, lengths equal or one apart.

    Returns
    -------
    dict
        For each way the absolute error of its `loss`, and the relative errors |g - g_full| / |g_full| of the gradients
        of `image tower`, `text tower` and `temperature`.
    """
    B = len(images)
    if not 1 <= R <= B:
        raise InputError(f"there are {R} ranks for {B} pairs, expected 1 to {B}")
    ends = np.cumsum([0] + [len(share) for share in np.array_split(np.arange(B), R)])
    owns = [slice(int(start), int(stop)) for start, stop in pairwise(ends)]
    (image, text), c = clip_forward(images, ids, params, config)
    full, c_loss = info_nce_forward(image, text, params["logit_scale"])
    dimage, dtext, dlogit_scale = info_nce_backward(c_loss)
    truth = clip_backward(dimage, dtext, c)[1] | {"logit_scale": dlogit_scale}
    table = {}
    for name, sharing in sharings(R).items():
        results = [rank_gradients(image, text, own, B, R, sharing, params["logit_scale"]) for own in owns]
        loss, dimage, dtext, dlogit_scale = (sum(parts) / R for parts in zip(*results, strict=True))
        table[name] = errors(loss - full, clip_backward(dimage, dtext, c)[1] | {"logit_scale": dlogit_scale}, truth)
    part = -(-B // R)
    loss, grads, _ = loss_and_gradients(images, ids, params, config, part, replay=True)
    table["parts replayed"] = errors(loss - full, grads, truth)
    loss, grads = accumulated_loss_and_gradients(images, ids, params, config, part)
    table["parts accumulated"] = errors(loss - full, grads, truth)
    return table


def accumulated_loss_and_gradients(images, ids, params, config: ClipConfig, part: int):
    """loss, g of adding up micro-batches, as one would for a classifier: the mean of the parts' own losses. A lesson.

    In a part of b pairs each has b - 1 wrong answers, not B - 1: an easier question, another loss, other gradients.
    """
    loss, trees = 0.0, []
    for rows in parts(len(images), part):
        share = (rows.stop - rows.start) / len(images)
        its_loss, g, _ = loss_and_gradients(images[rows], ids[rows], params, config, part)
        loss += share * its_loss
        trees.append({name: leaf * leaf.dtype.type(share) for name, leaf in flatten(g).items()})
    return loss, add_trees(trees, params)


def errors(loss: float, grads, truth) -> dict[str, float]:
    """The error of the loss, and how far each tower's and the temperature's gradient is from the true one."""
    row = {"loss": abs(float(loss))}
    for name, key in (("image tower", "visual"), ("text tower", "text"), ("temperature", "logit_scale")):
        g, true = to_vector(grads[key], like=truth[key]), to_vector(truth[key])
        row[name] = float(np.linalg.norm(g - true) / np.linalg.norm(true))
    return row


if __name__ == "__main__":
    from ..data.pairs import batch
    from .clip import TrainConfig, new_clip

    recipe = TrainConfig()
    model = new_clip(recipe)
    pairs = batch(recipe.seed, "train", np.arange(14), model.tokenizer)
    for R in (2, 4):
        print(f"\n{f'{R} ranks, 14 pairs':38}{'loss':>10}{'image tower':>14}{'text tower':>14}{'temperature':>14}")
        for name, row in simulate_ranks(pairs.images.astype(float), pairs.ids, model.params, model.config, R).items():
            print(f"{name:38}{row['loss']:10.2g}" + "".join(f"{row[key]:14.2g}" for key in list(row)[1:]))
