"""One of torchrun's processes: measures every way of sharing a batch with real processes and real DDP. See
test_distributed.py."""

import json
import os
import random
import signal
import sys
import threading
import time
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import torch
import torch.distributed as dist
from cases import Sizes, captions, clip_config
from torch.nn import functional as F
from torch.nn.parallel import DistributedDataParallel

from miniclip.machine.signals import interrupts
from miniclip.models.clip import init_clip
from miniclip.nn.tree import flatten
from miniclip.torch.distributed import Gather, Place, agree, average, gather, processes, shard
from miniclip.torch.losses import contrastive_loss, info_nce
from miniclip.torch.models import from_params
from miniclip.torch.objectives import Objectives
from miniclip.train.loop import fit

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


def whole_loss(image, text, logit_scale):
    """InfoNCE of embeddings that are all here."""
    rows = logit_scale.exp() * image @ text.T
    return info_nce(rows, rows.T, torch.arange(len(rows)))


def ways(place: Place, sizes):
    """Name -> loss of (image, text, module); the names are those of `miniclip.train.ranks.sharings`."""
    rank, R = place.rank, place.size
    first, share = sum(sizes[:rank]), R * sizes[rank] / sum(sizes)

    def everything(image, text, module):
        return whole_loss(gather(image, sizes, place), gather(text, sizes, place), module.logit_scale)

    def put_back(image, text, module):
        return whole_loss(gathered(image, sizes, True), gathered(text, sizes, True), module.logit_scale)

    def no_gradient(image, text, module):
        images, texts = gathered(image, sizes, False), gathered(text, sizes, False)
        return share * cross(image, texts, text, images, module.logit_scale, first)

    def no_offset(image, text, module):
        images, texts = Gather.apply(image, sizes), Gather.apply(text, sizes)
        return share * cross(image, texts, text, images, module.logit_scale, 0)

    return {
        "local loss, gather with gradient": lambda *x: contrastive_loss(*x, place)[0],
        "global loss, gather with gradient": everything,
        "global loss, own rows put back": put_back,
        "the same, times the number of ranks": lambda *x: R * put_back(*x),
        "local loss, gather without gradient": no_gradient,
        "local loss, labels not offset": no_offset,
        "no gather": lambda image, text, module: share * whole_loss(image, text, module.logit_scale),
    }


def gradients(module):
    """The gradient of every parameter, by name, as lists."""
    return {name: p.grad.flatten().tolist() for name, p in module.named_parameters()}


def measure(place: Place) -> dict:
    images, ids, params, config = world()
    own = shard(np.arange(B), place.rank, place.size)
    sizes = [len(part) for part in np.array_split(np.arange(B), place.size)]
    mine, words = torch.tensor(images[own]), torch.tensor(ids[own])
    results = {}

    def report(name, loss, module):
        mean = loss.detach().clone()
        dist.all_reduce(mean)
        results[name] = {"loss": float(mean) / place.size, "gradients": gradients(module)}

    for name, way in ways(place, sizes).items():
        module = from_params(params, config)
        network = DistributedDataParallel(module)  # held: its hooks, which average the gradients, live as long as it
        image, text = network(mine, words)
        loss = way(image, text, module)
        loss.backward()
        report(name, loss, module)
    groups = np.array([0, 1, 2, 0, 3, 1, 4])[own]  # some captions say the same, in processes apart
    for loss in ("info_nce", "multi_positive", "sigmoid"):
        for part in (0, 2):  # what training itself does, without and with replay
            module = from_params(params | {"logit_bias": np.array(-1.3)}, replace(config, logit_bias=True))
            more = {"groups": groups} if loss == "multi_positive" else {}
            value, _, _ = Objectives(place).contrast(images[own], ids[own], module, config, part, loss=loss, **more)
            for p in module.parameters():
                p.grad = torch.zeros_like(p) if p.grad is None else p.grad
            average([*(p.grad for p in module.parameters()), value[None]], place)
            results[f"{loss}, replay {part}"] = {"loss": float(value), "gradients": gradients(module)}
    for turned in ("gradients", "a gradient", "rows", "a row"):  # those that lie transposed, in all processes or in one
        everywhere = turned in ("gradients", "rows") or place.rank == 0
        x = torch.arange(6.0 * (place.rank + 1), dtype=torch.float64).reshape(place.rank + 1, 6)
        if everywhere and turned in ("rows", "a row"):
            x = x.T.contiguous().T
        x.requires_grad_()
        y = Gather.apply(x, list(range(1, place.size + 1)))
        upstream = torch.arange(6.0 * len(y), dtype=torch.float64).reshape(6, len(y)).T
        y.backward(upstream if everywhere and turned in ("gradients", "a gradient") else upstream.contiguous())
        results[f"transposed {turned}"] = [y.tolist(), x.grad.tolist()]
    results["leaves"] = sorted(flatten(params))
    return results


class Idle:
    """A learner that does nothing, now and then slowly."""

    def __init__(self, rank: int):
        self.stage = SimpleNamespace(name="idle", steps=10**9, peak_lr=0.0, warmup=0, cost=1, schedule=lambda *_: 0.0)
        self.steps, self.rank = 0, rank

    def step(self, lr):
        self.steps += 1
        if self.rank == 1 and self.steps % 3 == 0:
            time.sleep(2e-4)
        return {"loss": 0.0}


def stop_again_and_again(place: Place, times: int) -> list:
    """(steps, signal) with which this process leaves the loop, each time after a signal at a moment of its own."""
    rng, found = random.Random(place.rank), []
    for _ in range(times):
        dist.barrier()
        learner = Idle(place.rank)
        with interrupts() as caught:
            wait = rng.random() * 0.02
            timer = threading.Timer(wait, os.kill, (os.getpid(), rng.choice([signal.SIGINT, signal.SIGTERM])))
            timer.start()
            stopped = fit(learner, stop_signal=lambda caught=caught: agree(caught[0] if caught else 0, place))
            timer.join()
            while not caught:
                time.sleep(1e-4)
        found.append((learner.steps, stopped))
    return found


if __name__ == "__main__":
    with processes("cpu") as here:
        found = stop_again_and_again(here, int(sys.argv[2])) if len(sys.argv) > 2 else measure(here)
        everyone = [None] * here.size
        dist.all_gather_object(everyone, found)
        if here.rank == 0:
            with open(sys.argv[1], "w") as file:
                json.dump(everyone, file)
    os._exit(0)
