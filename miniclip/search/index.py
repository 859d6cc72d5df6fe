"""Nearest neighbours in the shared space, exactly: every query is compared with every vector.

A table of all cosines may not fit in memory, so the vectors are taken in parts, on all cores, and of each part only
those stay that may be among the k best. Matrix products round the same vector differently in different places; so the
few that stay are scored again, one by one, and equal vectors get equal scores wherever they stand.
"""

import numpy as np

from ..errors import InputError, InputTypeError
from ..machine.disk import as_folder
from ..machine.threads import in_parallel, parts
from ..nn.checks import as_array
from ..tasks.retrieval import check_k
from .store import About, Part, check_index_ids, check_model, read_gallery, save_parts

PART = 2**21  # numbers, of the vectors or of the table of cosines: what a core works on at a time
ROWS = 2**14  # that are looked at together, in float64
ROUNDING = 1e-5  # of a cosine in float32, with room


def nearest(queries, vectors, k: int):
    """The k largest of queries @ vectors.T in each row.

    Parameters
    ----------
    queries : float32 array (Q, E), unit vectors
    vectors : float32 array (N, E), unit vectors
        In memory or mapped.
    k : int, from 1 to N

    Returns
    -------
    (rows, scores) : int array and float32 array, both (Q, k), best first; of equal scores the lowest row
    """
    size = max(k, PART // max(len(queries), queries.shape[1]), 1)

    def candidates(part):
        cosines = queries @ vectors[part].T
        q, row = np.nonzero(cosines >= least(cosines, k)[:, None])
        return q, row + part.start, cosines[q, row]

    jobs = [lambda part=part: candidates(part) for part in parts(len(vectors), size)]
    q, rows, cosines = map(np.concatenate, zip(*in_parallel(jobs), strict=True))
    found = [best(queries[i], vectors, rows[mine], cosines[mine], k)
             for i, mine in enumerate(groups(q, len(queries)))]  # fmt: skip
    return np.stack([row for row, _ in found]), np.stack([score for _, score in found])


def groups(labels: np.ndarray, n: int) -> list[np.ndarray]:
    """Where each of the labels 0 to n - 1 stands."""
    order = np.argsort(labels, kind="stable")
    return np.split(order, np.searchsorted(labels[order], np.arange(1, n)))


def least(cosines: np.ndarray, k: int) -> np.ndarray:
    """What a cosine must have to be among the k best of its row, however it was rounded: (Q, n) -> (Q,)"""
    n = cosines.shape[1]
    return np.partition(cosines, max(n - k, 0), axis=1)[:, max(n - k, 0)] - np.float32(ROUNDING)


def best(query, vectors, rows, cosines, k: int):
    """(rows, scores) of the k best candidates of one query, each scored by itself."""
    rows = rows[cosines >= least(cosines[None], k)]
    scores = np.concatenate(
        [(vectors[rows[part]] * query.astype(np.float64)).sum(1) for part in parts(len(rows), 4096)]
    )
    scores = scores.astype(np.float32)
    order = np.lexsort((rows, -scores))[:k]
    return rows[order], scores[order]


class Index:
    """An exact index.

    Parameters
    ----------
    embeddings : array (N, E)
        Scaled to unit length.
    ids : list of str or int
        A name for each row, no two equal.
    digest : str
        The `Model.digest` of the model that made the embeddings.

    Raises
    ------
    ValueError
        For embeddings that are not a finite (N, E) array without zero rows, or ids that are not N different names.
    """

    def __init__(self, embeddings, ids, digest: str = ""):
        self.embeddings = unit_rows(embeddings, "embeddings")
        if not hasattr(ids, "__iter__"):
            raise InputTypeError(f"ids are {type(ids).__name__}, expected a list of names")
        self.ids, self.digest = list(ids), digest
        check_index_ids(self.ids, len(self.embeddings))

    def search(self, queries, k: int = 10):
        """The k nearest items of each query.

        Parameters
        ----------
        queries : array (Q, E), or (E,) for one query
        k : int
            How many; all of them if there are fewer.

        Returns
        -------
        (ids, scores) : list of lists and array, both (Q, k), best first; equal scores keep the order of the index
        """
        if len(self.ids) == 0:
            raise InputError("the index is empty: put at least one vector in it")
        queries, k = np.atleast_2d(as_array(queries, "queries")), min(check_k(k), len(self.ids))
        if queries.shape[1:] != self.embeddings.shape[1:]:
            raise InputError(f"queries have shape {queries.shape}, expected (Q, {self.embeddings.shape[1]})")
        rows, scores = self.nearest(unit_rows(queries, "queries"), k)
        return [[self.ids[i] for i in found] for found in rows], scores

    def nearest(self, queries: np.ndarray, k: int):
        """(rows, scores) of the k nearest of each query, unit vectors: what other kinds of index do faster."""
        return nearest(queries, self.embeddings, k)

    def save(self, folder) -> None:
        """Write the index into a folder, all at once; a CheckpointError says why it could not."""
        part = Part(self.embeddings, self.ids)
        save_parts(as_folder(folder), About(self.digest), {"items": part}, merged=True)

    @classmethod
    def load(cls, folder, digest: str | None = None, gallery: str | None = None) -> "Index":
        """Open a saved index, its vectors memory-mapped.

        Parameters
        ----------
        folder : str or Path
        digest : str, optional
            The `Model.digest` that the index must have been made with.
        gallery : str, optional
            "pictures" or "captions", where `miniclip index` made it; by default the first that is there.

        Raises
        ------
        IndexFileError
            If it is missing, damaged, or was made with another model.
        """
        about, part = read_gallery(as_folder(folder), gallery)
        check_model(about, digest, folder)
        return index_of(about, part)


def index_of(about: About, part: Part) -> Index:
    """The index of a gallery that was read: its vectors were checked, and stay mapped."""
    index = Index.__new__(Index)
    index.embeddings, index.ids, index.digest = part.vectors, part.ids, about.model
    return index


def unit_rows(vectors, what: str) -> np.ndarray:
    """The vectors as float32 of length 1, or a ValueError."""
    vectors = as_array(vectors, what)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise InputError(f"{what} have shape {vectors.shape} and type {vectors.dtype}, expected numbers (N, E)")
    if not np.isfinite(vectors).all():
        raise InputError(f"{what} are not all finite")
    found = np.empty(vectors.shape, np.float32)
    for part in parts(len(vectors), ROWS):
        some = vectors[part].astype(np.float64)
        largest = np.abs(some).max(1, keepdims=True, initial=0.0)
        if (largest == 0).any():
            row = part.start + np.flatnonzero(largest == 0)[0]
            raise InputError(f"{what} has a zero vector in row {row}: it has no direction")
        some /= largest  # first, so that no square is too large or too small
        found[part] = some / np.linalg.norm(some, axis=1, keepdims=True)
    return found
