"""Keep freed memory. A training step frees some hundred megabytes and asks for them again."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST = 32 * 2**20  # the most that glibc accepts for M_MMAP_THRESHOLD


def keep_freed_memory() -> bool:
    """Ask glibc not to give freed memory back to the system after every step, only to fault it in again.

    Returns whether the C library took the advice; other libraries and systems are left alone.
    """
    if not sys.platform.startswith("linux"):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # musl has no mallopt
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, 2**30))
