"""Jobs that do not need each other's results, on all cores at once."""

import os
import sys
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache, partial
from itertools import pairwise
from threading import Lock

import numpy as np
from threadpoolctl import ThreadpoolController

from .memory import keep_freed_memory

PART_BYTES, LEAST = 1_600_000, 8  # of the largest array of a part: it fits the cache of a core; and of items
AHEAD = 2  # jobs for each core that are begun before the first result is taken
TURN = 1e-4  # seconds that a thread may keep Python's lock while another one waits; Python's own 0.005 is a layer long


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def part_size(nbytes: int) -> int:
    """How many items make a part, where the largest array of one takes `nbytes`; eight at least."""
    return max(LEAST, PART_BYTES // nbytes)


def parts(length: int, size: int) -> list[slice]:
    """[0:size], [size:2 size], ... up to length; one empty part of nothing."""
    return [slice(start, min(start + size, length)) for start in range(0, max(length, 1), size)]


def shares(work, n: int) -> list[slice]:
    """Up to n runs of neighbours with about the same work; one empty run of nothing. work (B,), of each item"""
    before = np.concatenate([[0], np.cumsum(work)])  # the work before each item, and all of it
    cuts = np.unique(np.searchsorted(before, before[-1] * np.arange(n + 1) / n)).tolist()
    return [slice(start, stop) for start, stop in pairwise(cuts)] or [slice(0, 0)]


@cache
def threads() -> ThreadPoolExecutor:
    """One thread for each core but the caller's, kept: to start new ones for every step costs as much as a layer."""
    return ThreadPoolExecutor(max(cores() - 1, 1))


class CoresTaken:
    """While it is entered, all cores are ours: no library starts threads of its own, and ours take short turns.

    A product that every one of our threads hands to as many threads of BLAS is ten times as much work. What was set
    before is put back when the last one leaves: it may be entered again within, and by several threads.
    """

    def __init__(self):
        self.lock, self.entered = Lock(), 0

    def __enter__(self):
        with self.lock:
            if not self.entered:
                keep_freed_memory()
                self.turn, self.limits = sys.getswitchinterval(), libraries().limit(limits=1, user_api="blas")
                sys.setswitchinterval(min(TURN, self.turn))
            self.entered += 1

    def __exit__(self, *error):
        with self.lock:
            self.entered -= 1
            if not self.entered:
                sys.setswitchinterval(self.turn)
                self.limits.restore_original_limits()


@cache
def libraries() -> ThreadpoolController:
    """The libraries with threads of their own, among them the BLAS of NumPy: to find them takes milliseconds."""
    return ThreadpoolController()


cores_taken = CoresTaken()


def forget_threads() -> None:
    """A forked process has none of its parent's threads, and no one who would leave what they had entered."""
    threads.cache_clear()
    cores_taken.lock, cores_taken.entered = Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=forget_threads)


class Job(Future):
    """A function that is called once, by whichever thread comes first."""

    def __init__(self, function):
        super().__init__()
        self.function, self.free = function, Lock()

    def work(self) -> bool:
        """Call the function, unless a thread has it already. Returns whether it was called."""
        if not self.free.acquire(blocking=False):
            return False
        try:
            self.set_result(self.function())
        except BaseException as error:  # raised again where the result is taken
            self.set_exception(error)
        return True

    def offer(self) -> "Job":
        """Let a thread do it, if there is one besides the caller's."""
        if cores() > 1:
            threads().submit(self.work)
        return self


class Ahead:
    """A function of a number, begun on another core before it is asked for.

    The function must depend on the number alone, and not mind to be called for one that is never asked for.
    """

    def __init__(self, function):
        self.function, self.begun = function, dict[int, Job]()

    def begin(self, n: int) -> None:
        """Compute it for n, while the caller does something else."""
        self.begun = {n: Job(partial(self.function, n)).offer()}

    def __call__(self, n: int):
        """The function's value at n, whether it was begun or not."""
        job = self.begun.get(n) or Job(partial(self.function, n))
        job.work()
        return job.result()


def in_parallel(functions):
    """Each function's result, in their order. NumPy works outside Python's lock, so threads all make headway.

    Whoever waits for a result works meanwhile. Which thread does a job changes nothing in its result, so neither does
    the number of cores. Only a few jobs are begun before their results are taken: who adds results up has never more
    than those in memory. An error in a job is raised where its result is taken.
    """
    functions, begun = iter(functions), deque[Job]()
    with cores_taken:
        while True:
            while len(begun) < AHEAD * cores() and (function := next(functions, None)):
                begun.append(Job(function).offer())
            if not begun:
                return
            while not begun[0].done() and any(job.work() for job in begun):
                pass
            yield begun.popleft().result()
