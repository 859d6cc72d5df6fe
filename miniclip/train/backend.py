"""Where the work is done: in NumPy, here; or in PyTorch, on one device or in many processes (`miniclip.torch`).

A stage is the same for both: its data are drawn in NumPy, and its losses are asked of `backend.objectives`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import objectives
from .loop import Learner


@dataclass(frozen=True)
class Backend:
    """What differs between NumPy, PyTorch, and one of many processes.

    Attributes
    ----------
    name : str
        Written into the run.
    objectives : has a function for every loss, see `train.objectives`
    learner : function of (stage, model)
        See `loop.Learner`.
    processes : int
        How many share a batch.
    reports : bool
        Whether this process writes the run folder and shows bars: the first one does.
    shard : function of item numbers
        Those of a batch that this process draws.
    meet : function of (learner, recipe)
        Called before the first step: refuse processes that were started differently, and begin where the first one is.
    agree : function of a signal's number, or 0
        The signal that stops all processes before the same step, or 0.
    """

    name: str
    objectives: Any
    learner: Callable
    processes: int = 1
    reports: bool = True
    shard: Callable = lambda numbers: numbers
    meet: Callable = lambda learner, recipe: None
    agree: Callable = lambda signal: signal

    def items(self, step: int, size: int) -> np.ndarray:
        """The numbers of the items that this process draws for a step: every step has `size` of its own."""
        return self.shard(np.arange(step * size, (step + 1) * size))


NUMPY = Backend("numpy", objectives, lambda stage, model: Learner(stage, model.params))
