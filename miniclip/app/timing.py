"""Runs taken in turn, in one process: ratios hold where times do not, on a machine that is busy with other things."""

import math
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from ..files.state import environment
from ..machine.threads import cores, in_parallel, libraries

WITHIN = 0.05  # an interval this wide, as a share of the ratio, ends the rounds
INSTRUCTIONS = {"avx2", "avx512f", "amx_tile", "asimd", "sve"}  # of a processor, as Linux names them
ROUNDS, SECONDS = 15, 60.0  # of one group of jobs: at least, at most


@dataclass
class Times:
    """Seconds of each job, one number a round; "numpy" is compared with the others."""

    seconds: dict[str, list[float]] = field(default_factory=dict)

    def median(self, name: str) -> float:
        """Seconds that a job takes."""
        return float(np.median(self.seconds[name]))

    def ratios(self, other: str) -> np.ndarray:
        """NumPy's seconds over the other's, of each round, in ascending order."""
        return np.sort(np.divide(self.seconds["numpy"], self.seconds[other]))

    def interval(self, other: str) -> tuple[float, float]:
        """Where the median ratio lies, in 95 of 100 cases: the order statistics around the middle (binomial)."""
        ratios = self.ratios(other)
        half = 1.96 * math.sqrt(len(ratios)) / 2
        low, high = math.floor((len(ratios) - 1) / 2 - half), math.ceil((len(ratios) - 1) / 2 + half)
        return float(ratios[max(low, 0)]), float(ratios[min(high, len(ratios) - 1)])

    @property
    def settled(self) -> bool:
        """Whether every interval is narrow."""
        others = [other for other in self.seconds if other != "numpy" and "numpy" in self.seconds]
        spans = [(np.median(self.ratios(other)), *self.interval(other)) for other in others]
        return all(high - low < WITHIN * middle for middle, low, high in spans)

    def report(self, what: str, others=None) -> dict:
        """what_ms of NumPy; what_vs_OTHER, the median ratio to each of the others, and what_vs_OTHER_interval."""
        found: dict = {f"{what}_ms": 1e3 * self.median("numpy")}
        for other in [name for name in self.seconds if name != "numpy"] if others is None else others:
            found[f"{what}_vs_{other}"] = float(np.median(self.ratios(other)))
            found[f"{what}_vs_{other}_interval"] = list(self.interval(other))
        return found


def in_turn(jobs: dict[str, Callable], rounds: int = ROUNDS, seconds: float = SECONDS) -> Times:
    """Time the jobs: so many rounds at least, then until the ratios have settled or the seconds are over.

    Every round does all of them, so a busy moment of the machine meets all alike.
    """
    times, begun = Times({name: [] for name in jobs}), time.perf_counter()
    for job in jobs.values():
        job()  # unmeasured: the first call builds tables and compiles
    done = 0
    while done < rounds or (not times.settled and time.perf_counter() - begun < seconds):
        for name, job in jobs.items():
            job()  # unmeasured: the threads of the job before it may still spin on these cores
            start = time.perf_counter()
            job()
            times.seconds[name].append(time.perf_counter() - start)
        done += 1
    return times


def products() -> None:
    """One matrix product on each core: what the machine can do at best."""
    square = np.ones((1024, 1024), np.float32)
    list(in_parallel([lambda: square @ square] * cores()))


def product_flops() -> float:
    """Multiplications and additions of `products`."""
    return 2.0 * 1024**3 * cores()


def machine() -> dict[str, str]:
    """What the figures hold for."""
    kernels = [f"{one['internal_api']} {one['version']} {one.get('architecture', '')}".strip()
               for one in libraries().info() if one["user_api"] == "blas"]  # fmt: skip
    here = {"cpu": cpu(), "cores": str(cores())} | environment() | {"blas": ", ".join(kernels) or "unknown"}
    if find_spec("torch"):
        from ..torch.measure import versions

        here |= versions()
    return here


def cpu() -> str:
    """The processor's name and, of those that matter here, its instructions."""
    try:
        lines = dict(line.split(":", 1) for line in Path("/proc/cpuinfo").read_text().splitlines() if ":" in line)
    except OSError:
        return platform.processor() or platform.machine()
    fields = {name.strip(): value.strip() for name, value in lines.items()}
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    return " ".join([fields.get("model name", platform.machine()), *sorted(flags & INSTRUCTIONS)])
