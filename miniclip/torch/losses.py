"""The contrastive losses of one process's pairs among those of all.

rows (b, B): logits of every text for each image of this process; columns (b, B): of every image for each of its texts;
own (b,): where the pairs' own partners stand, the same for both. Read it beside `miniclip/nn/losses.py`.
"""

import torch
from torch.nn import functional as F

from .distributed import Place, gather, sizes_of


def info_nce(rows, columns, own):
    """-(1/2b) sum_i (ln softmax(rows)[i, own_i] + ln softmax(columns)[i, own_i])"""
    return 0.5 * (F.cross_entropy(rows, own) + F.cross_entropy(columns, own))


def multi_positive(rows, columns, positives):
    """-(1/2b) sum_ij Q_ij (ln softmax(rows)_ij + ln softmax(columns)_ij),  Q sharing each row among its positives

    positives (b, B) bool
    """
    Q = positives.to(rows.dtype) / positives.sum(1, keepdim=True)
    return 0.5 * (F.cross_entropy(rows, Q) + F.cross_entropy(columns, Q))


def sigmoid(rows, bias, own):
    """-(1/b) sum_ij ln sigmoid(z_ij (rows_ij + bias)),  z = 1 for one's own, -1 elsewhere"""
    z = 2 * F.one_hot(own, rows.shape[1]).to(rows.dtype) - 1
    return -F.logsigmoid(z * (rows + bias)).sum() / len(rows)


def contrastive_loss(image, text, module, place: Place, loss: str = "info_nce", groups=None):
    """(loss, metrics): their means over the processes are those of one process with all pairs.

    image, text (b, E) of this process; module: has the `logit_scale`, and for the sigmoid loss the `logit_bias`;
    groups (b,) integers, for multi_positive
    """
    sizes = sizes_of(len(image), place)
    images, texts = gather(image, sizes, place), gather(text, sizes, place)
    B, first = len(images), sum(sizes[: place.rank])  # this process's pairs begin at `first`
    scale = module.logit_scale.exp()
    rows = scale * image @ texts.T
    columns = rows.T if place.size == 1 else scale * text @ images.T
    own = first + torch.arange(len(image), device=image.device)
    group = torch.arange(B, device=image.device) if groups is None else gather(groups, sizes, place)
    positives = group[own, None] == group
    if loss == "sigmoid":
        value = sigmoid(rows, module.logit_bias, own)
    elif loss == "multi_positive":
        value = multi_positive(rows, columns, positives)
    else:
        value = info_nce(rows, columns, own)
    right = [positives.gather(1, z.argmax(1, keepdim=True)).to(rows.dtype).mean() for z in (rows, columns)]
    share = place.size * len(image) / B  # shares may differ: weigh this process's means
    metrics = {"scale": scale.detach(), "accuracy": share * 0.5 * (right[0] + right[1])}
    if loss == "sigmoid":
        metrics["bias"] = module.logit_bias.detach()
    return share * value, metrics
