"""An inverted file: search that looks only where the answer probably is.

    centres    m_c <- unit(sum of the x in cell c),  cell of x: the c with the largest x . m_c   (k-means on a sphere)
    search     of all cells only those `probes` whose centres are nearest to the query

With 4 sqrt(N) cells a query is compared with 4 sqrt(N) centres and probes * sqrt(N) / 4 vectors instead of N. What lies
in a cell that is not looked into is not found: recall is bought with probes, and with all of them search is exact.

Source: Sivic, Zisserman 2003, doi:10.1109/ICCV.2003.1238663 (the cells); Jegou, Douze, Schmid 2011,
doi:10.1109/TPAMI.2010.57, section IV (the probes); Dhillon, Modha 2001, doi:10.1023/A:1007612920971 (the sphere).
"""

import math

import numpy as np

from ..machine.threads import in_parallel, parts
from .index import PART, Index, best, groups

STEPS, PER_CELL = 10, 64  # of k-means; vectors that it looks at for each cell


def cell_count(n: int) -> int:
    """How many cells n vectors get: with fewer, groups that lie apart would share one."""
    return max(1, min(n, 4 * math.isqrt(n)))


def cells_of(vectors, centres) -> np.ndarray:
    """The nearest centre of each vector: (N, E), (C, E) -> (N,)"""
    jobs = [
        lambda part=part: (vectors[part] @ centres.T).argmax(1) for part in parts(len(vectors), PART // len(centres))
    ]
    return np.concatenate(list(in_parallel(jobs)))


def k_means(vectors, cells: int, rng) -> np.ndarray:
    """Centres of cells, unit vectors: (N, E) -> (cells, E)"""
    some = vectors[np.sort(rng.permutation(len(vectors))[: cells * PER_CELL])]
    centres = some[np.sort(rng.permutation(len(some))[:cells])]
    for _ in range(STEPS):
        sums = np.stack([some[mine].sum(0) for mine in groups(cells_of(some, centres), cells)])
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        centres = np.where(lengths > 0, sums / np.maximum(lengths, 1e-12), centres)  # an empty cell stays where it was
    return centres


class InvertedFile(Index):
    """An approximate index; arguments and errors as `Index`.

    Parameters
    ----------
    cells : int, optional
        By default four times the square root of N.
    probes : int
        Cells that a query looks into; more where these hold fewer than k vectors.
    seed : int
    """

    def __init__(self, embeddings, ids, digest: str = "", cells: int | None = None, probes: int = 8, seed: int = 0):
        super().__init__(embeddings, ids, digest)
        self.effort = probes
        cells = cells or cell_count(len(self.ids))
        self.centres = k_means(self.embeddings, cells, np.random.default_rng(seed))
        self.lists = groups(cells_of(self.embeddings, self.centres), cells)  # the inverted file: cell -> its rows
        self.sizes = np.array([len(rows) for rows in self.lists])

    def nearest(self, queries: np.ndarray, k: int):
        """(rows, scores) of the k nearest in the cells that are looked into."""
        order = np.argsort(-(queries @ self.centres.T), axis=1, kind="stable")
        found = []
        for query, cells in zip(queries, order, strict=True):
            enough = 1 + int(np.searchsorted(np.cumsum(self.sizes[cells]), k))
            rows = np.concatenate([self.lists[cell] for cell in cells[: max(self.effort, enough)]])
            found.append(best(query, self.embeddings, rows, self.embeddings[rows] @ query, k))
        return tuple(map(np.stack, zip(*found, strict=True)))
