"""Keep freed memory: a training step frees some hundred megabytes and asks for them again. And measure it."""

import ctypes
import sys
from functools import cache
from pathlib import Path

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGEST = 32 * 2**20  # the most that glibc accepts for M_MMAP_THRESHOLD


@cache
def keep_freed_memory() -> bool:
    """Ask glibc not to give freed memory back to the system after every step, only to fault it in again.

    And to keep one heap for all threads: what one of them has freed, another one may take, still warm. It counts for
    threads that have not begun.

    Returns whether the C library took the advice; other libraries and systems are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no mallopt
        return False
    wanted = {M_MMAP_THRESHOLD: LARGEST, M_TRIM_THRESHOLD: 2**30, M_ARENA_MAX: 1}
    return all([mallopt(what, value) for what, value in wanted.items()])


def peak_memory(function) -> int:
    """By how many bytes the process grew, at its largest, while the function ran; 0 where the system cannot say."""
    status, reset = Path("/proc/self/status"), Path("/proc/self/clear_refs")

    def kilobytes(field):
        return next((int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(field)), 0)

    try:
        reset.write_text("5")  # forget the largest size so far
        before = kilobytes("VmRSS:")
    except OSError:
        return 0
    function()
    return 1024 * (kilobytes("VmHWM:") - before)
