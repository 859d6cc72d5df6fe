"""One of torchrun's processes: measures every way of sharing a batch with real processes and real DDP. See
test_distributed.py."""

import json
import sys

import numpy as np
import torch
import torch.distributed as dist
from cases import Sizes, captions, clip_config
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from miniclip.models.clip import init_clip
from miniclip.nn.tree import flatten
from miniclip.torch.distributed import Gather, Place, gathered_info_nce, leave, processes, shard
from miniclip.torch.models import from_params, info_nce
from miniclip.torch.train import TorchLearner, gradients

B = 7  # uneven: no number of processes but 1 and 7 divides it


def world():
    """The same pairs and weights in every process, and in the test."""
    rng, z = np.random.default_rng(5), Sizes()
    config = clip_config(z)
    images, params = rng.normal(size=(B, 6, 6, 3)), init_clip(rng, config)
    ids = np.concatenate([captions(rng, z, config.text.eos_token_id) for _ in range(B)])[:B]
    return images, ids, params, config


def gathered(x, sizes, own_rows_back: bool):
    """What `dist.all_gather` gives: no gradient, unless one's own rows are put back by hand."""
    rows = Gather.apply(x.detach(), sizes)
    if own_rows_back:
        parts = list(rows.split(sizes))
        parts[dist.get_rank()] = x
        rows = torch.cat(parts)
    return rows


def cross(image, texts, text, images, logit_scale, first):
    truth = first + torch.arange(len(image))
    scale = logit_scale.exp()
    return 0.5 * (F.cross_entropy(scale * image @ texts.T, truth) + F.cross_entropy(scale * text @ images.T, truth))


def ways(sizes):
    """Name -> loss of (image, text, logit_scale); the names are those of `miniclip.train.ranks.sharings`."""
    rank, R = dist.get_rank(), len(sizes)
    first, share = sum(sizes[:rank]), R * sizes[rank] / sum(sizes)

    def put_back(image, text, s):
        return info_nce(gathered(image, sizes, True), gathered(text, sizes, True), s)[0]

    def no_gradient(image, text, s):
        images, texts = gathered(image, sizes, False), gathered(text, sizes, False)
        return share * cross(image, texts, text, images, s, first)

    def no_offset(image, text, s):
        images, texts = Gather.apply(image, sizes), Gather.apply(text, sizes)
        return share * cross(image, texts, text, images, s, 0)

    return {
        "local loss, gather with gradient": lambda *x: gathered_info_nce(*x, sizes)[0],
        "global loss, gather with gradient": lambda *x: gathered_info_nce(*x, sizes, local=False)[0],
        "global loss, own rows put back": put_back,
        "the same, times the number of ranks": lambda *x: R * put_back(*x),
        "local loss, gather without gradient": no_gradient,
        "local loss, labels not offset": no_offset,
        "no gather": lambda *x: share * info_nce(*x)[0],
    }


def measure(place: Place) -> dict:
    images, ids, params, config = world()
    own = shard(np.arange(B), place.rank, place.size)
    sizes = [len(part) for part in np.array_split(np.arange(B), place.size)]
    mine, words = torch.tensor(images[own]), torch.tensor(ids[own])
    results = {}

    def report(name, loss, module):
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        results[name] = {"loss": float(mean) / place.size,
                         "gradients": {k: g.flatten().tolist() for k, g in gradients(module).items()}}  # fmt: skip

    for name, way in ways(sizes).items():
        module = from_params(params, config)
        network = DistributedDataParallel(module)  # held: its hooks, which average the gradients, live as long as it
        image, text = network(mine, words)
        loss = way(image, text, module.logit_scale)
        loss.backward()
        report(name, loss, module)
    for part in (0, 2):  # what training itself does, without and with replay
        learner = TorchLearner(place)
        learner.module = from_params(params, config)
        learner.network = DistributedDataParallel(learner.module)
        learner.optimizer = torch.optim.SGD(learner.module.parameters())
        learner.sizes = sizes
        learner.recipe = type("Recipe", (), {"replay": part})
        loss, _ = learner.loss_and_gradients(mine, words)
        results[f"training, replay {part}"] = {
            "loss": float(loss), "gradients": {k: g.flatten().tolist() for k, g in gradients(learner.module).items()}
        }  # fmt: skip
    x = torch.arange(6.0 * (place.rank + 1), dtype=torch.float64).reshape(place.rank + 1, 6).requires_grad_()
    y = Gather.apply(x, list(range(1, place.size + 1)))
    (y.T * torch.arange(6.0 * len(y)).reshape(6, len(y))).sum().backward()  # a transposed gradient: not contiguous
    results["transposed"] = x.grad.tolist()
    results["leaves"] = sorted(flatten(params))
    return results


if __name__ == "__main__":
    with processes("cpu") as here:
        found = measure(here)
        everyone = [None] * here.size
        dist.all_gather_object(everyone, found)
        if here.rank == 0:
            with open(sys.argv[1], "w") as file:
                json.dump(everyone, file)
    leave(0)
