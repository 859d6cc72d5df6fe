"""The same training in PyTorch: `TorchLearner` stands where `NumpyLearner` does; data, schedule, log and run folder are
the same. On one device, or on many:

    torchrun --standalone --nproc-per-node 2 -m miniclip.torch.train --out runs/two
"""

import hashlib
import json
import math
import sys
from contextlib import nullcontext
from dataclasses import asdict
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from .. import __version__
from ..data.captions import write_captions
from ..data.grammar import vocabulary
from ..data.pairs import batch
from ..data.world import sample_scenes
from ..errors import ConfigError
from ..files.state import Interrupted, State, interrupts, new_state
from ..machine.memory import keep_freed_memory
from ..machine.threads import parts
from ..model import Model
from ..models.clip import MAX_LOGIT_SCALE
from ..nn.tree import flatten, from_vector
from ..train.clip import TrainConfig, diverged, run_steps, untrained
from ..train.clip import train as train_with
from .distributed import Place, gathered_info_nce, leave, processes, require_same, shard, together
from .models import from_params, info_nce

PRECISIONS = ("fp32", "bf16")


def train(recipe: TrainConfig, out, resume: bool = False, device: str = "auto", precision: str = "fp32",
          compile: bool = False) -> Model:  # fmt: skip
    """`miniclip.train.clip.train` with PyTorch, alone or as one of torchrun's processes.

    Parameters
    ----------
    recipe, out, resume
        As in `miniclip.train.clip.train`; a run may change its backend when it resumes.
    device : "auto", "cpu", "cuda" or "mps"
    precision : "fp32" or "bf16"
        bf16: the towers in bfloat16 where PyTorch thinks it safe (autocast); weights, optimiser and loss in float32.
    compile : bool
        Fuse the towers with torch.compile.

    Returns
    -------
    Model

    Raises
    ------
    ConfigError
        Also for a device that is not here, or processes that were not started alike.
    ProcessLost
        If another process has ended, or does not answer for a minute.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"the precision is {precision!r}, expected {' or '.join(PRECISIONS)}")
    with processes(device) as place:
        if recipe.batch_size < 2 * place.size:
            raise ConfigError(f"batch_size is {recipe.batch_size} for {place.size} processes, expected at least 2 each")
        learner = TorchLearner(place, precision, compile)
        if place.rank == 0:
            return train_with(recipe, out, resume, learner)
        return follow(recipe, learner)


def follow(recipe: TrainConfig, learner: "TorchLearner") -> Model:
    """Every process but the first: the same steps, no scores and no files."""
    keep_freed_memory()
    model, like = untrained(recipe)
    state = new_state(recipe, like)
    model.params = from_vector(state.theta, like)
    with interrupts() as caught:
        learner.start(state, recipe, model)
        run_steps(learner, state, recipe, model, caught, save=lambda: None, silent=True)
    learner.sync()
    if caught:
        raise Interrupted(caught[0], f"process {learner.place.rank} stopped at step {state.step} of {recipe.steps}")
    return model


class TorchLearner:
    """The backend: `start` takes weights and moments from a state, `sync` writes them back under the same names."""

    def __init__(self, place: Place, precision: str = "fp32", compile: bool = False):
        self.place, self.precision, self.compile = place, precision, compile
        self.reports = place.rank == 0
        self.backend = f"torch {torch.__version__} {precision} on {place.size} x {place.device.type}"

    def start(self, state: State, recipe: TrainConfig, model: Model) -> None:
        self.state, self.recipe, self.model = state, recipe, model
        if self.place.size > 1:
            with together():
                require_same(fingerprint(recipe) | {"backend": self.backend})
                broadcast_state(state, self.place.device)
        self.sizes = [len(share) for share in np.array_split(np.arange(recipe.batch_size), self.place.size)]
        self.module = from_params(model.params, model.config).to(self.place.device)
        self.optimizer = make_optimizer(self.module, state, model.params)
        network = torch.compile(self.module) if self.compile else self.module
        self.network: Any = DistributedDataParallel(network) if self.place.size > 1 else network

    def descend(self, indices, lr: float) -> dict:
        """Draw this process's share of the pairs and make one step downhill together."""
        indices = shard(indices, self.place.rank, self.place.size)
        pairs = batch(self.recipe.seed, "train", indices, self.model.tokenizer)
        return self.step(pairs.images, pairs.tokens, lr)

    def step(self, images, ids, lr: float) -> dict:
        """Loss, gradients, clipping, AdamW; then the scale is kept in bounds."""
        images = torch.from_numpy(images).to(self.place.device, self.module.logit_scale.dtype)
        ids = torch.from_numpy(ids).to(self.place.device)
        with together() if self.place.size > 1 else nullcontext():
            loss, right = self.loss_and_gradients(images, ids)
        norm = clip_gradients(self.module, self.recipe.max_grad_norm)
        scale = self.module.logit_scale.detach().exp()
        loss, right, norm, scale = torch.stack([loss, right, norm, scale]).tolist()  # the one wait for the device
        if not math.isfinite(loss + norm):
            grads = {name: g.cpu().numpy() for name, g in gradients(self.module).items()}
            raise diverged(self.state.step, loss, grads, self.recipe)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        with torch.no_grad():
            self.module.logit_scale.clamp_(max=MAX_LOGIT_SCALE)  # after the step, as in the NumPy learner
        return {"loss": loss, "scale": scale, "gradient_norm": norm, "accuracy": right}

    def embed(self, images, ids):
        """(image, text) through both towers; in bfloat16 where PyTorch thinks it safe, if that was asked for."""
        with torch.autocast(self.place.device.type, torch.bfloat16, enabled=self.precision == "bf16"):
            image, text = self.network(images, ids)
        dtype = self.module.logit_scale.dtype
        return image.to(dtype), text.to(dtype)

    def contrast(self, image, text):
        """(loss, share of right matches) over the pairs of all processes."""
        if self.place.size > 1:
            return gathered_info_nce(image, text, self.module.logit_scale, self.sizes)
        return info_nce(image, text, self.module.logit_scale)

    def loss_and_gradients(self, images, ids):
        """(loss, share of right matches), the same in every process; the gradients are in the parameters."""
        self.optimizer.zero_grad()
        if self.recipe.replay:
            loss, right = self.replay(images, ids)
        else:
            image, text = self.embed(images, ids)
            loss, right = self.contrast(image, text)
            loss.backward()
        report = torch.stack([loss.detach(), right])
        if self.place.size > 1:
            dist.all_reduce(report)
            report /= self.place.size
        return report

    def replay(self, images, ids):
        """`miniclip.train.step.replayed_loss_and_gradients`: embed all parts, then each again for its gradient."""
        rows_of_parts = parts(len(images), self.recipe.replay)
        with torch.no_grad():
            embeddings = [self.embed(images[rows], ids[rows]) for rows in rows_of_parts]
        image, text = (torch.cat(half).requires_grad_() for half in zip(*embeddings, strict=True))
        loss, right = self.contrast(image, text)
        dimage, dtext, dlogit_scale = torch.autograd.grad(loss, [image, text, self.module.logit_scale])
        for rows in rows_of_parts:
            last = rows is rows_of_parts[-1]
            with nullcontext() if last or self.place.size == 1 else self.network.no_sync():  # meet once, at the end
                image, text = self.embed(images[rows], ids[rows])
                product = (image * dimage[rows]).sum() + (text * dtext[rows]).sum()
                (product + self.module.logit_scale * dlogit_scale if last else product).backward()
        return loss, right

    def sync(self) -> None:
        """Weights and moments, from the module into the state."""
        state = self.state
        views = [flatten(from_vector(vector, self.model.params))
                 for vector in (state.theta, state.optimizer.m, state.optimizer.v)]  # fmt: skip
        for name, p in self.module.named_parameters():
            moments = self.optimizer.state.get(p) or {}
            for view, tensor in zip(views, (p, moments.get("exp_avg"), moments.get("exp_avg_sq")), strict=True):
                if tensor is not None:
                    view[name][...] = tensor.detach().cpu().numpy()
        state.optimizer.t = state.step

    def agree(self, caught: list[int]) -> bool:
        """Is it time to stop? A signal that reached one process stops all, before the same step."""
        if self.place.size > 1:
            signal = torch.tensor(caught[0] if caught else 0, device=self.place.device)
            with together():
                dist.all_reduce(signal, dist.ReduceOp.MAX)
            if signal and not caught:
                caught.append(int(signal))
        return bool(caught)


def make_optimizer(module: nn.Module, state: State, params) -> torch.optim.AdamW:
    """torch.optim.AdamW with the settings, the moments and the step count of a state."""
    ours = state.optimizer
    parameters = list(module.parameters())
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": ours.decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, betas=(ours.b1, ours.b2), eps=ours.eps)
    m, v = (flatten(from_vector(vector, params)) for vector in (ours.m, ours.v))
    for name, p in module.named_parameters() if ours.t else ():
        moments = (torch.tensor(x, device=p.device) for x in (m[name], v[name]))
        optimizer.state[p] = dict(zip(("exp_avg", "exp_avg_sq"), moments, strict=True)) | {
            "step": torch.tensor(float(ours.t))
        }
    return optimizer


def gradients(module: nn.Module) -> dict[str, torch.Tensor]:
    """The gradient of every parameter, by name."""
    return {name: p.grad for name, p in module.named_parameters() if p.grad is not None}


def clip_gradients(module: nn.Module, max_norm: float):
    """g min(1, max_norm / |g|) over all parameters; returns |g|. PyTorch's own adds 1e-6 to |g|."""
    grads = list(gradients(module).values())
    norm = torch.nn.utils.get_total_norm(grads)
    torch._foreach_mul_(grads, torch.clamp(max_norm / norm, max=1.0))
    return norm


def fingerprint(recipe: TrainConfig) -> dict[str, str]:
    """What has to be the same in every process: the recipe, the pairs, the package."""
    scenes = sample_scenes(recipe.seed, "train", np.arange(256))
    data = [*write_captions(scenes), *vocabulary()]
    return {
        "recipe": json.dumps(asdict(recipe)),
        "data": hashlib.sha256("\n".join(data).encode()).hexdigest(),
        "version": __version__,
    }


def broadcast_state(state: State, device) -> None:
    """The first process's place in the run, for all."""
    step = [state.step]
    dist.broadcast_object_list(step, device=device)
    state.step = state.optimizer.t = step[0]
    for vector in (state.theta, state.optimizer.m, state.optimizer.v):
        tensor = torch.from_numpy(vector).to(device)
        dist.broadcast(tensor, 0)
        vector[...] = tensor.cpu().numpy()


if __name__ == "__main__":
    from ..app.cli import main

    leave(main(["train", "--backend", "torch", *sys.argv[1:]]))
