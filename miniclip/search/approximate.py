"""Faster search in large indexes, which finds nearly all: a graph (hnsw) or cells (ivf), searched by the library faiss.

hnsw    from neighbour to neighbour through a graph, coarse at first: Malkov, Yashunin 2016, arXiv:1603.09320
ivf     the cells of `search.ivf`, which knows them: only those near to the query are looked into

What was built is kept as plain arrays, which are checked before faiss gets them: it would believe any file of its own.
How hard is looked is decided when it is built: until 98 of 100 of the ten nearest are found.
"""

import warnings
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import numpy as np

from ..errors import ConfigError, InputError, quote
from ..machine.disk import as_folder
from ..tasks.retrieval import check_k
from .index import Index, best, index_of, nearest, unit_rows
from .ivf import cell_count, cells_of, k_means
from .store import About, as_index_error, check_model, read_gallery, read_shortcut, save_shortcut

KINDS = ("exact", "hnsw", "ivf")
LINKS, CANDIDATES_HELD = 24, 64  # of the graph: links of a node, and candidates for them while it is built
RECALL, TRIED, NEIGHBOURS = 0.98, 256, 10  # of these neighbours of so many queries when it is built


def faiss():
    """The library, or a ConfigError that says how to get it."""
    try:
        return import_module("faiss")
    except ModuleNotFoundError as error:
        if error.name != "faiss":
            raise
        raise ConfigError("faiss is not installed (pip install 'miniclip[index]')") from error


def build_graph(vectors) -> dict[str, np.ndarray]:
    """The graph of hnsw: how many layers each node is in, all links, and where search begins."""
    index = new_graph(vectors.shape[1])
    index.add(np.ascontiguousarray(vectors))
    read = faiss().vector_to_array
    return {
        "levels": read(index.hnsw.levels).copy(), "links": read(index.hnsw.neighbors).copy(),
        "entry": np.array([index.hnsw.entry_point], np.int32),
    }  # fmt: skip


def new_graph(width: int):
    """A graph without nodes."""
    index = faiss().IndexHNSWFlat(width, LINKS, faiss().METRIC_INNER_PRODUCT)
    index.hnsw.efConstruction = CANDIDATES_HELD
    return index


def open_graph(vectors, levels, links, entry):
    """(index, parameters of a search): a graph as it was built; an InputError for arrays that are none."""
    index, N = new_graph(vectors.shape[1]), len(vectors)
    before = faiss().vector_to_array(index.hnsw.cum_nneighbor_per_level)  # links of a node below each layer
    if not (levels.shape == (N,) and entry.shape == (1,) and 0 <= entry[0] < N and levels.min() >= 1):
        raise InputError("the graph has other nodes than the index")
    if levels.max() >= len(before) or levels[entry[0]] != levels.max():
        raise InputError("the graph does not begin at its top")
    offsets = np.concatenate([[0], np.cumsum(before[levels])])
    if links.shape != (offsets[-1],) or links.min() < -1 or links.max() >= N:
        raise InputError("the graph has links to nowhere")
    layer = np.searchsorted(before, np.arange(len(links)) - np.repeat(offsets[:-1], np.diff(offsets)), "right") - 1
    if not ((links < 0) | (levels[links] > layer)).all():
        raise InputError("the graph has links to nodes that are not in their layer")
    faiss().downcast_index(index.storage).add(np.ascontiguousarray(vectors))
    index.ntotal, index.hnsw.entry_point, index.hnsw.max_level = N, int(entry[0]), int(levels.max()) - 1
    for values, target in ((levels, index.hnsw.levels), (offsets.astype(np.uint64), index.hnsw.offsets),
                           (links, index.hnsw.neighbors)):  # fmt: skip
        faiss().copy_array_to_vector(np.ascontiguousarray(values), target)
    return index, lambda effort, k: faiss().SearchParametersHNSW(efSearch=max(effort, k))


def build_cells(vectors) -> dict[str, np.ndarray]:
    """Centres, and the cell of each vector."""
    centres = k_means(vectors, cell_count(len(vectors)), np.random.default_rng(0)).astype(np.float32)
    return {"centres": centres, "cells": cells_of(vectors, centres).astype(np.int32)}


def open_cells(vectors, centres, cells):
    """(index, parameters of a search): cells as they were built; an InputError for arrays that are none."""
    (N, E), C = vectors.shape, len(centres)
    if centres.ndim != 2 or centres.shape[1] != E or not np.isfinite(centres).all():
        raise InputError("the centres of the cells are no vectors of the index")
    if cells.shape != (N,) or not C or cells.min() < 0 or cells.max() >= C:
        raise InputError("the cells are those of another index")
    quantizer = faiss().IndexFlatIP(E)
    quantizer.add(np.ascontiguousarray(centres))
    index = faiss().IndexIVFFlat(quantizer, E, C, faiss().METRIC_INNER_PRODUCT)
    index.is_trained = True
    point, rows, to = faiss().swig_ptr, np.ascontiguousarray(vectors), cells.astype(np.int64)
    index.add_core(N, point(rows), None, point(to))
    return index, lambda effort, k: faiss().SearchParametersIVF(nprobe=min(effort, C))


# kind -> what builds its arrays, what opens them, the arrays with their types, and the least effort
WAYS: dict[str, tuple[Callable, Callable, dict[str, type], int]] = {
    "hnsw": (build_graph, open_graph, {"levels": np.int32, "links": np.int32, "entry": np.int32}, 16),
    "ivf": (build_cells, open_cells, {"centres": np.float32, "cells": np.int32}, 1),
}


class Approximate(Index):
    """An index that faiss searches; `search` as of an `Index`.

    Parameters
    ----------
    index : Index
    kind : str
        "hnsw" or "ivf".
    arrays : dict of str to array, optional
        What was built before.
    effort : int, optional
        Candidates held (hnsw) or cells looked into (ivf); by default as many as find nearly all.

    Raises
    ------
    ConfigError
        Without faiss.
    ValueError
        For another kind, or arrays of another index.
    """

    def __init__(self, index: Index, kind: str, arrays: dict | None = None, effort: int | None = None):
        if kind not in WAYS:
            raise InputError(f"the kind is {quote(kind)}, expected one of {', '.join(WAYS)}")
        if not index.ids:
            raise InputError("the index is empty: put at least one vector in it")
        self.embeddings, self.ids, self.digest, self.kind = index.embeddings, index.ids, index.digest, kind
        build, opened, types, least = WAYS[kind]
        self.arrays = build(self.embeddings) if arrays is None else arrays
        if {name: one.dtype for name, one in self.arrays.items()} != types:
            raise InputError(f"the arrays of {kind} are others than {', '.join(types)}")
        self.index, self.parameters = opened(self.embeddings, **self.arrays)
        self.effort = calibrated(self, least) if effort is None else min(check_k(effort), len(self.ids))

    def nearest(self, queries: np.ndarray, k: int):
        """(rows, scores) of the k nearest that are found; where these are fewer than k, of all."""
        scores, rows = self.index.search(queries, k, params=self.parameters(self.effort, k))
        found = [best(query, self.embeddings, row, score, k) if row.min() >= 0
                 else tuple(one[0] for one in nearest(query[None], self.embeddings, k))
                 for query, row, score in zip(queries, rows, scores, strict=True)]  # fmt: skip
        return np.stack([row for row, _ in found]), np.stack([score for _, score in found])


def check_index_kind(kind: str | None) -> None:
    """An error for a kind that there is not, or not here."""
    if kind not in (None, *KINDS):
        raise InputError(f"the kind is {quote(kind)}, expected one of {', '.join(KINDS)}")
    if kind in WAYS:
        faiss()


def add_shortcuts(folder: Path, about: About) -> None:
    """Build what makes the search of each gallery faster, where it is not there, and save it."""
    for gallery in about.galleries if about.kind in WAYS else ():
        if gallery not in about.shortcuts:
            built = Approximate(Index.load(folder, gallery=gallery), about.kind)
            save_shortcut(folder, about, gallery, built.arrays, built.effort)


def open_index(folder, digest: str | None = None, gallery: str | None = None) -> Index:
    """The index in a folder, exact or approximate, as it was made; arguments and errors as `Index.load`.

    Without faiss it is searched exactly, with a warning.
    """
    folder = as_folder(folder)
    about, part = read_gallery(folder, gallery)
    check_model(about, digest, folder)
    index = index_of(about, part)
    name = gallery or next(iter(about.galleries))
    if name not in about.shortcuts:
        return index
    try:
        with as_index_error(folder):
            arrays, effort = read_shortcut(folder, about, name)
            return Approximate(index, about.shortcuts[name]["kind"], arrays, effort)
    except ConfigError as error:
        warnings.warn(f"{error}: the index is searched exactly, which takes longer", stacklevel=2)
        return index


def recall_of(index: Index, queries, k: int, exact=None) -> float:
    """The share of the k nearest that an index finds."""
    rows = nearest(queries, index.embeddings, k)[0] if exact is None else exact
    found, _ = index.nearest(queries, k)
    return float(
        np.mean([len(set(one) & set(other)) / k for one, other in zip(found.tolist(), rows.tolist(), strict=True)])
    )


def calibrated(index, least: int) -> int:
    """The least effort, doubled each time, that finds nearly all for the middles of two vectors of the index.

    A middle lies between what the index holds, as a sentence does, and is harder to search for.
    """
    rng, vectors, k = np.random.default_rng(0), index.embeddings, min(NEIGHBOURS, len(index.ids))
    one, other = (vectors[np.sort(rng.integers(len(vectors), size=TRIED))] for _ in range(2))
    middles = one + np.where(((one * other).sum(1) > -0.5)[:, None], other, 0)  # of opposites there is none
    queries = unit_rows(middles, "queries")
    exact, _ = nearest(queries, vectors, k)
    index.effort = least
    while index.effort < len(vectors) and recall_of(index, queries, k, exact) < RECALL:
        index.effort *= 2
    return index.effort
