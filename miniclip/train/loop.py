"""The loop that trains everything: schedule, gradient, clipping, AdamW, the cap on the temperature.

    while there are steps:  loss, gradients = objective(step, params)  ->  clip  ->  AdamW at the schedule's rate

What is trained is a `Stage`. `fit` is handed what to do after a step and what stops it: it knows no models, no folders.
"""

import math
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field

import numpy as np
from tqdm import tqdm

from ..errors import TrainingDiverged
from ..machine.threads import cores_taken
from ..nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from ..nn.tree import flatten, pack, write_sum

ONLOOKER: ContextVar[Callable] = ContextVar("onlooker", default=lambda stage, row: None)  # sees whatever trains


@dataclass(frozen=True)
class Stage:
    """What is minimised, over which tensors, for how long and how fast.

    objective(step, params) -> loss, trees, metrics
        The loss at this step, counted from 0; its gradients, trees with some of the tensors each, which add up; and
        what else the log should have, numbers by name. In PyTorch a module stands for the parameters and keeps its
        gradients itself, so there are no trees.
    trained
        The sub-trees of the parameters that learn. The others are not even in the optimiser.
    caps
        Parameters that a step may not leave above a number, by name.
    prepare
        Called with a step's number while the one before it ends: to begin what its objective will need.
    cost
        The weight of one step in a bar over several stages.
    """

    name: str
    objective: Callable
    steps: int
    trained: tuple[str, ...]
    peak_lr: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0
    schedule: Callable = warmup_cosine
    caps: Mapping[str, float] = field(default_factory=dict)
    prepare: Callable[[int], None] = lambda step: None
    cost: float = 1.0


class Learner:
    """Parameters on their way down, in NumPy: one vector, its moments, and how many steps were taken.

    Attributes
    ----------
    stage : Stage
    params : tree of arrays
        Those of the stage's `trained` are views into one vector; the others are those that were given.
    steps : int
        Taken so far.
    """

    def __init__(self, stage: Stage, params: dict, dtype=np.float32):
        self.stage, self.steps = stage, 0
        self.theta, self.views = pack({name: params[name] for name in stage.trained}, dtype)
        self.params = params | self.views
        self.gradient, self.grads = pack(self.views, dtype)
        self.optimizer = AdamW(self.theta, decay_mask(self.views), decay=stage.weight_decay)

    def step(self, lr: float) -> dict:
        """Gradients, clipping, AdamW, then the caps. Returns a row of the log."""
        with cores_taken:
            loss, trees, metrics = self.stage.objective(self.steps, self.params)
            write_sum(self.grads, trees)
            self.stage.prepare(self.steps + 1)
            gradient, norm = clip_by_global_norm(self.gradient, self.stage.max_grad_norm)
            if not math.isfinite(loss + norm):
                raise diverged(self.stage, self.steps, loss, self.grads)
            self.optimizer.step(self.theta, gradient, lr)
        for name, cap in self.stage.caps.items():
            # After the step: a clamp in the forward has no gradient above the cap, and the scale would never come back.
            np.minimum(self.views[name], cap, out=self.views[name])
        self.steps += 1
        return {"loss": loss, "gradient_norm": norm} | metrics

    @property
    def vectors(self) -> dict[str, np.ndarray]:
        """Weights and moments: with `steps`, all that resuming needs. They may be written to."""
        return {"theta": self.theta, "m": self.optimizer.m, "v": self.optimizer.v}

    def resume(self, vectors: dict[str, np.ndarray], steps: int) -> None:
        """Take another learner's `vectors` and `steps`, and go on from there."""
        for name, vector in self.vectors.items():
            vector[...] = vectors[name]
        self.steps = self.optimizer.t = steps


def diverged(stage: Stage, step: int, loss: float, grads) -> TrainingDiverged:
    """The error for a loss or a gradient that is not finite: it names the first tensor at fault."""
    bad = {name: leaf for name, leaf in flatten(grads).items() if not np.isfinite(leaf).all()}
    # The gradient of a single number, such as the scale, is a sum over all others: not the first at fault.
    names = [name for name, leaf in bad.items() if leaf.ndim] or list(bad)
    where = f"the gradient of {names[0]}" if names else "the gradient's norm"
    return TrainingDiverged(
        f"{stage.name}, step {step}: the loss is {loss} and {where} is not finite: try a lower peak_lr "
        f"(now {stage.peak_lr:g}) or a longer warmup (now {stage.warmup})"
    )


def fit(learner, after_step: Callable = lambda row: None, stop_signal: Callable = lambda: 0, bar=None) -> int:
    """Step after step, until the stage is done or stopped.

    Parameters
    ----------
    learner : Learner, or miniclip.torch.learner.TorchLearner
    after_step : function of a row, optional
        Called with the step's number from 1, its learning rate, loss, gradient norm, and the metrics.
    stop_signal : function, optional
        Called before each step and after the last: the number of a signal that ends the loop, or 0.
    bar : tqdm, optional
        One that counts the steps of several stages.

    Returns
    -------
    int
        The signal that ended the loop, or 0.

    Raises
    ------
    TrainingDiverged
        For a loss or gradient that is not finite.
    """
    stage = learner.stage
    with own_bar(learner) if bar is None else nullcontext(bar) as shown:
        shown.set_description(stage.name)
        while not (signal := stop_signal()) and learner.steps < stage.steps:
            lr = stage.schedule(learner.steps, stage.steps, stage.warmup, stage.peak_lr)
            row = {"step": learner.steps + 1, "learning_rate": lr} | learner.step(lr)
            shown.set_postfix(loss=f"{row['loss']:.3f}", refresh=False)
            shown.update(stage.cost)
            after_step(row)
            ONLOOKER.get()(stage, row)
    return signal


def own_bar(learner) -> tqdm:
    """A bar for one stage alone; none where nobody looks."""
    stage = learner.stage
    return tqdm(initial=learner.steps * stage.cost, total=stage.steps * stage.cost, unit="step", disable=None)
