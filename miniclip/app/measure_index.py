"""How fast and how good is search, exact and approximate? Runs taken in turn, over vectors that lie in groups."""

import time
import warnings
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec

import numpy as np
from tqdm import tqdm

from ..search.approximate import WAYS, Approximate, calibrated, recall_of
from ..search.index import Index, unit_rows
from ..search.ivf import InvertedFile
from .timing import in_turn, machine

SIZES, LARGEST = (10_000, 100_000), 1_000_000
WIDTH, QUERIES, NEIGHBOURS = 512, 64, 10  # of the vectors, as ViT-B/32 has it; asked together; sought
GROUP, SPREAD, OFF = 100, 2.0, 1.0  # vectors of a group, how far they lie from its middle, and queries from them


def grouped(n: int, rng) -> tuple[np.ndarray, np.ndarray]:
    """(vectors, queries): unit vectors around some directions, and others near to some of them."""
    middles = rng.standard_normal((max(1, n // GROUP), WIDTH), np.float32)
    vectors = middles[rng.integers(len(middles), size=n)]
    for some in np.array_split(vectors, -(-n // 10_000)):  # views: in place
        some += SPREAD * rng.standard_normal(some.shape, np.float32)
    near = vectors[rng.integers(n, size=QUERIES)]
    return unit_rows(vectors, "vectors"), unit_rows(near + OFF * rng.standard_normal(near.shape, np.float32), "queries")


def indexes(vectors: np.ndarray):
    """Each kind of index of these vectors, and how many seconds it took to build: exact, our inverted file, faiss's."""
    exact, ids = Index(vectors, range(len(vectors))), range(len(vectors))

    def ours():
        index = InvertedFile(vectors, ids)
        index.effort = calibrated(index, 1)
        return index

    makers: dict[str, Callable[[], Index]] = {"exact": lambda: exact, "our ivf": ours}
    if find_spec("faiss"):
        makers |= {f"faiss {kind}": partial(Approximate, exact, kind) for kind in WAYS}
    else:
        warnings.warn("faiss is not installed, and left out (pip install 'miniclip[index]')", stacklevel=3)
    for kind, make in makers.items():
        begun = time.perf_counter()
        yield kind, make(), 0.0 if kind == "exact" else time.perf_counter() - begun


def bench_index(sizes: tuple[int, ...] = SIZES, rounds: int = 15) -> dict:
    """Time searches for the ten nearest, one query and many at once, and count how many are found.

    Returns
    -------
    dict
        `indexes`, a row for each size and kind: `vectors`, `kind`, `recall`, of the ten nearest, `one_ms`, `batch_ms`,
        for 64 queries, `build_s`, and `effort`, what an approximate one looks into; and what it ran on.
    """
    rows = []
    for n in sizes:
        vectors, queries = grouped(n, np.random.default_rng(0))
        found = {}
        for kind, index, seconds in tqdm(indexes(vectors), desc=f"building, {n:,} vectors", unit="index", disable=None):
            found[kind] = index
            rows.append({"vectors": n, "kind": kind, "build_s": seconds, "effort": getattr(index, "effort", None)})
        exact, _ = found["exact"].nearest(queries, NEIGHBOURS)
        times = [in_turn({kind: lambda index=index, asked=asked: index.nearest(asked, NEIGHBOURS)
                          for kind, index in found.items()}, rounds)
                 for asked in (queries[:1], queries)]  # fmt: skip
        for row in rows[-len(found) :]:
            kind = row["kind"]
            row["recall"] = recall_of(found[kind], queries, NEIGHBOURS, exact)
            row |= {f"{what}_ms": 1e3 * one.median(kind) for what, one in zip(("one", "batch"), times, strict=True)}
    return {"indexes": rows} | machine()
