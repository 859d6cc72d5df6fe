"""Jobs that do not need each other's results, on all cores at once."""

import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache

PART = 64  # pictures or captions: enough for long products, few enough for the cache of a core
AHEAD = 2  # jobs for each core that are begun before the first result is taken


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def parts(length: int, size: int = PART) -> list[slice]:
    """[0:size], [size:2 size], ... up to length; one empty part of nothing."""
    return [slice(start, min(start + size, length)) for start in range(0, max(length, 1), size)]


@cache
def threads() -> ThreadPoolExecutor:
    """One thread a core, kept: to start new ones for every step costs as much as a layer."""
    return ThreadPoolExecutor(cores())


if hasattr(os, "register_at_fork"):  # a forked process has none of its parent's threads
    os.register_at_fork(after_in_child=threads.cache_clear)


def in_parallel(jobs):
    """Each job's result, in the order of the jobs. NumPy works outside Python's lock, so threads all make headway.

    Which thread does a job changes nothing in its result, so neither does the number of cores. Only a few jobs are
    begun before their results are taken: who adds results up has never more than those in memory. An error in a job is
    raised where its result is taken. A job must not call this itself: it would wait for itself.
    """
    begun: deque[Future] = deque()
    for job in jobs:
        begun.append(threads().submit(job))
        if len(begun) == AHEAD * cores():
            yield begun.popleft().result()
    while begun:
        yield begun.popleft().result()
