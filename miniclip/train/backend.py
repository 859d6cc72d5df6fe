"""Where the work is done: in NumPy, here; or in PyTorch, on one device or in many processes (`miniclip.torch`).

A stage is the same for both: its data are drawn in NumPy, and its losses are asked of `backend.objectives`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ConfigError
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
    first_decides : function of a function without arguments
        Call it in the first process; its result, or its error, is that of all of them.
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
    first_decides: Callable = lambda decide: decide()
    meet: Callable = lambda learner, recipe: None
    agree: Callable = lambda signal: signal

    def items(self, step: int, size: int) -> np.ndarray:
        """The numbers of the items that this process draws for a step, of a batch of `size`."""
        self.check_size(size)
        return self.shard(step_items(step, size))

    def check_size(self, size: int) -> None:
        """A ConfigError unless a batch has two items for each process: one alone is compared with nothing."""
        if size < 2 * self.processes:
            raise ConfigError(f"batch_size is {size} for {self.processes} processes, expected at least 2 each")


def step_items(step: int, size: int) -> np.ndarray:
    """The numbers of a step's items: every step has `size` of its own."""
    return np.arange(step * size, (step + 1) * size)


NUMPY = Backend("numpy", objectives, lambda stage, model: Learner(stage, model.params))
