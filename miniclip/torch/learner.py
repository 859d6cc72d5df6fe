"""The same training in PyTorch: a backend whose learner stands where `miniclip.train.loop.Learner` does.

    with backend("cuda") as on:
        train(TrainConfig(), "runs/one", backend=on)

Data, schedule, log and run folder are the same, and so is the way to many processes:

    torchrun --standalone --nproc-per-node 2 -m miniclip train --backend torch --out runs/two
"""

import hashlib
import json
import math
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

from .. import __version__
from ..data.captions import write_captions
from ..data.grammar import vocabulary
from ..data.world import sample_scenes
from ..errors import ConfigError, quote
from ..model import BridgedModel, Describer, Handle, LanguageModel, Matcher, Model
from ..nn.optim import BETAS, EPS
from ..nn.tree import flatten, from_vector, pack
from ..train.backend import Backend
from ..train.loop import Stage, diverged
from .describers import Bridged, Coca, Fusion, Language
from .distributed import Place, agree, average, first_decides, processes, require_same, shard, together
from .models import Clip, from_params
from .objectives import Objectives

PRECISIONS = ("fp32", "bf16")


@contextmanager
def backend(device: str = "auto", precision: str = "fp32", compile: bool = False):
    """PyTorch as a Backend; under torchrun, of as many processes as it started.

    Parameters
    ----------
    device : "auto", "cpu", "cuda" or "mps"
    precision : "fp32" or "bf16"
        bf16: forwards in bfloat16 where PyTorch thinks it safe (autocast); weights, optimiser and losses in float32.
    compile : bool
        Fuse the forwards with torch.compile.

    Raises
    ------
    ConfigError
        For a device that is not here, or processes that were not started alike.
    ProcessLost
        If another process has ended, or does not answer for a minute.
    """
    if precision not in PRECISIONS:
        raise ConfigError(f"the precision is {quote(precision)}, expected {' or '.join(PRECISIONS)}")
    with processes(device) as place:
        yield backend_at(place, precision, compile)


def backend_at(place: Place, precision: str = "fp32", compile: bool = False, dtype=np.float32) -> Backend:
    """The backend of one process."""
    name = f"torch {torch.__version__} {precision} on {place.size} x {place.device.type}"
    return Backend(
        name,
        objectives=Objectives(place, precision),
        learner=partial(TorchLearner, place=place, compile=compile, dtype=dtype),
        processes=place.size,
        reports=place.leads,
        shard=partial(shard, rank=place.rank, size=place.size),
        first_decides=partial(first_decides, place=place),
        meet=partial(meet, name=name),
        agree=partial(agree, place=place),
    )


def module_of(model: Handle, params) -> Any:
    """The twin of a model, with these parameters."""
    if isinstance(model, Describer):
        return from_params(params, model.coca, Coca)
    kinds = {Model: Clip, LanguageModel: Language, BridgedModel: Bridged, Matcher: Fusion}
    return from_params(params, model.config, kinds[type(model)])


class TorchLearner:
    """Parameters on their way down: `miniclip.train.loop.Learner` in PyTorch, on one device or in many processes."""

    module_of = staticmethod(module_of)

    def __init__(self, stage: Stage, model: Handle, place: Place, compile: bool = False, dtype=np.float32):
        self.stage, self.steps, self.place = stage, 0, place
        _, params = pack(model.params, dtype)
        self.initial = model.params
        self.like = {name: params[name] for name in stage.trained}
        self.module = self.module_of(model, params).to(place.device).requires_grad_(False)
        self.named: dict[str, Any] = {name: self.module.get_parameter(name) for name in flatten(self.like)}
        for p in self.named.values():
            p.requires_grad_()
            p.grad = torch.zeros_like(p)  # what no loss reaches has the gradient 0, and decays, as in NumPy
        self.optimizer = make_optimizer(list(self.named.values()), stage.weight_decay)
        for name in type(self.module).forwards if compile else ():
            setattr(self.module, name, torch.compile(getattr(self.module, name)))

    def step(self, lr: float) -> dict:
        """Gradients, clipping, AdamW, then the caps. Returns a row of the log."""
        grads = [p.grad for p in self.named.values()]
        torch._foreach_zero_(grads)
        with together() if self.place.size > 1 else nullcontext():
            try:
                loss, _, metrics = self.stage.objective(self.steps, self.module)
            except torch.OutOfMemoryError as error:
                raise MemoryError(f"{error}; a smaller batch fits, or for a CLIP, its parts: --replay 256") from error
            report = torch.stack([value.detach().to(loss.dtype) for value in (loss, *metrics.values())])
            self.stage.prepare(self.steps + 1)  # while the device is at work
            average([*grads, report], self.place)
        norm = clip_gradients(grads, self.stage.max_grad_norm)
        values = torch.cat([report, norm[None]]).tolist()  # the one wait for the device
        row = dict(zip(("loss", *metrics, "gradient_norm"), values, strict=True))
        if not math.isfinite(row["loss"] + row["gradient_norm"]):
            named = {name: p.grad.cpu().numpy() for name, p in self.named.items()}
            raise diverged(self.stage, self.steps, row["loss"], named)
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        self.optimizer.step()
        with torch.no_grad():
            for name, cap in self.stage.caps.items():
                self.named[name].clamp_(max=cap)  # after the step, as in NumPy
        self.steps += 1
        return row

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """Weights and moments, copied from the device: see `Learner.vectors`."""

        def joined(tensors):
            return torch.cat([x.detach().flatten() for x in tensors]).cpu().numpy()

        def moment(name):  # before the first step there is none
            return joined(self.optimizer.state[p].get(name, torch.zeros_like(p)) for p in self.named.values())

        return {"theta": joined(self.named.values()), "m": moment("exp_avg"), "v": moment("exp_avg_sq")}

    @property
    def params(self) -> dict:
        """All parameters as a NumPy tree, those that are trained copied from the device."""
        return self.initial | from_vector(self.vectors["theta"], self.like)

    def resume(self, vectors, steps: int) -> None:
        """Take another learner's `vectors` and `steps`, and go on from there."""
        theta, m, v = (flatten(from_vector(vectors[name], self.like)) for name in ("theta", "m", "v"))
        for name, p in self.named.items():
            with torch.no_grad():
                p.copy_(torch.as_tensor(theta[name]))
            if steps:
                moments = {"exp_avg": m[name], "exp_avg_sq": v[name]}
                state = {key: torch.tensor(x, device=p.device) for key, x in moments.items()}
                self.optimizer.state[p] = state | {"step": torch.tensor(float(steps))}
        self.steps = steps


def make_optimizer(parameters: list, decay: float) -> torch.optim.AdamW:
    """torch.optim.AdamW with our settings; matrices decay, as in `nn.optim.decay_mask`."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=BETAS, eps=EPS)


def clip_gradients(grads: list, max_norm: float):
    """g min(1, max_norm / |g|) over all parameters; returns |g|. PyTorch's own adds 1e-6 to |g|."""
    norm = torch.nn.utils.get_total_norm(grads)
    torch._foreach_mul_(grads, torch.clamp(max_norm / norm, max=1.0))
    return norm


def meet(learner: TorchLearner, recipe: dict, name: str) -> None:
    """Many processes, before their first step: refuse those started differently, and begin where the first one is."""
    if learner.place.size == 1:
        return
    with together():
        require_same(fingerprint(recipe) | {"backend": name})
        steps, vectors = [learner.steps], learner.vectors
        dist.broadcast_object_list(steps, device=learner.place.device)
        for vector in vectors.values():
            tensor = torch.from_numpy(vector).to(learner.place.device)
            dist.broadcast(tensor, 0)
            vector[...] = tensor.cpu().numpy()
    learner.resume(vectors, steps[0])


def fingerprint(recipe: dict) -> dict[str, str]:
    """What has to be the same in every process: the recipe, the data, the package."""
    scenes = sample_scenes(recipe["seed"], "train", np.arange(256))
    data = [*write_captions(scenes), *vocabulary()]
    return {
        "recipe": json.dumps(recipe),
        "data": hashlib.sha256("\n".join(data).encode()).hexdigest(),
        "version": __version__,
    }
