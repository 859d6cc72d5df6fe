"""The loop that trains everything: schedule, gradient, clipping, AdamW. It knows neither CLIP nor run folders.

    while there are steps:  loss, gradients = objective(step, params)  ->  clip  ->  AdamW at the schedule's rate

What is trained is a `Stage`. Whoever calls `fit` hands it what to do after a step (log, score, save) and what stops it.
"""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ..errors import TrainingDiverged
from ..machine.memory import keep_freed_memory
from ..models.clip import MAX_LOGIT_SCALE
from ..nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from ..nn.tree import add_trees, flatten, pack, to_vector


@dataclass(frozen=True)
class Stage:
    """What is minimised, over which tensors, for how long and how fast.

    objective(step, params) -> loss, trees, told
        The loss at this step, counted from 0; its gradients, trees that hold some of the tensors each and add up; and
        what else the log should know, numbers by name.
    trained
        The sub-trees of the parameters that learn. The others are not even in the optimiser.
    cost
        How long a step takes beside those of other stages, for a bar over several of them.
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
        self.theta, self.trained = pack({name: params[name] for name in stage.trained}, dtype)
        self.params = params | self.trained
        self.optimizer = AdamW(self.theta, decay_mask(self.trained), decay=stage.weight_decay)

    def step(self, lr: float) -> dict:
        """Gradients, clipping, AdamW; then the scale is kept in bounds. Returns what the log wants to know."""
        loss, trees, told = self.stage.objective(self.steps, self.params)
        gradient, norm = clip_by_global_norm(to_vector(add_trees(trees, self.trained)), self.stage.max_grad_norm)
        if not math.isfinite(loss + norm):
            raise diverged(self.stage, self.steps, loss, add_trees(trees, self.trained))
        self.optimizer.step(self.theta, gradient, lr)
        if "logit_scale" in self.trained:
            # After the step: a clamp in the forward has no gradient above the cap, and the scale would never come back.
            np.minimum(self.trained["logit_scale"], MAX_LOGIT_SCALE, out=self.trained["logit_scale"])
        self.steps += 1
        return {"loss": loss, "gradient_norm": norm} | told

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
    bad = [name for name, leaf in flatten(grads).items() if not np.isfinite(leaf).all()]
    towers = [name for name in bad if name != "logit_scale"]  # the scale's gradient is the sum of all others' troubles
    where = f"the gradient of {(towers or bad)[0]}" if bad else "the gradient's norm"
    return TrainingDiverged(
        f"{stage.name}, step {step}: the loss is {loss} and {where} is not finite: try a lower peak_lr "
        f"(now {stage.peak_lr:g}) or a longer warmup (now {stage.warmup})"
    )


def fit(learner, each: Callable = lambda row: None, stopped: Callable = lambda: 0, bar=None) -> int:
    """Step after step, until the stage is done or stopped.

    Parameters
    ----------
    learner : Learner, or miniclip.torch.learner.TorchLearner
    each : function of a row, optional
        Called after each step with its number from 1, learning rate, loss, gradient norm and whatever else it told.
    stopped : function, optional
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
    keep_freed_memory()
    stage = learner.stage
    steps = {"initial": learner.steps * stage.cost, "total": stage.steps * stage.cost, "unit": "step"}
    with tqdm(**steps, disable=None) if bar is None else nullcontext(bar) as bar:
        bar.set_description(stage.name)
        while not (signal := stopped()) and learner.steps < stage.steps:
            lr = stage.schedule(learner.steps, stage.steps, stage.warmup, stage.peak_lr)
            row = {"step": learner.steps + 1, "learning_rate": lr} | learner.step(lr)
            bar.set_postfix(loss=f"{row['loss']:.3f}", refresh=False)
            bar.update(stage.cost)
            each(row)
    return signal
