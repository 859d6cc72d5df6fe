"""Retrieval: nearest neighbours in the shared space, from words to pictures and from pictures to words.

The two directions are one function: queries are rows, the gallery is columns, `scores = queries @ gallery.T`.
A query may have several right answers. Ties count against us: an item that scores as high as the best right answer is
ranked before it, so a model that maps everything to one point gets rank last, not rank first.
"""

import io

import numpy as np

from ..errors import CheckpointError, IndexFileError, InputError, InputTypeError, quote
from ..files.storage import commit, encode_json, parse_json, read_verified
from ..machine.disk import as_folder
from ..nn.checks import as_array
from .shares import Share

VECTORS, ABOUT = "embeddings.npy", "index.json"


def first_ranks(scores, relevant) -> np.ndarray:
    """rank_q = 1 + the number of wrong answers that score at least as high as the best right one.

    Parameters
    ----------
    scores : array (Q, N)
    relevant : bool array (Q, N)
        True where item n is a right answer to query q; at least one a query.

    Returns
    -------
    int array (Q,), 1 is best

    Raises
    ------
    ValueError
        For other shapes, no query, scores that are not finite, or a query without a right answer.
    """
    scores, relevant = np.asarray(scores), np.asarray(relevant)
    if scores.ndim != 2 or scores.shape != relevant.shape or relevant.dtype != bool:
        raise InputError(
            f"scores {scores.shape} and relevant {relevant.shape} {relevant.dtype}: expected numbers and bool, (Q, N)"
        )
    if scores.size == 0:
        raise InputError("there are no queries or no items: recall of nothing is not a number")
    if not np.isfinite(scores).all():
        raise InputError("scores are not all finite: no ranking exists")
    lonely = np.flatnonzero(~relevant.any(1))
    if lonely.size:
        raise InputError(f"query {lonely[0]} has no right answer: leave such queries out")
    best = np.where(relevant, scores, -np.inf).max(1, keepdims=True)
    return 1 + (~relevant & (scores >= best)).sum(1)


def recall_at_k(scores, relevant, k: int = 1) -> Share:
    """The share of queries with a right answer among the first k; arguments and errors as `first_ranks`.

    >>> recall_at_k([[0.9, 0.1], [0.8, 0.7]], np.eye(2, dtype=bool), k=1)
    0.5
    """
    return Share(first_ranks(scores, relevant) <= check_k(k))


def median_rank(scores, relevant) -> float:
    """The median over queries of the rank of the first right answer; 1 is best."""
    return float(np.median(first_ranks(scores, relevant)))


def mean_reciprocal_rank(scores, relevant) -> float:
    """The mean over queries of 1 / rank of the first right answer; 1 is best."""
    return float((1.0 / first_ranks(scores, relevant)).mean())


def check_k(k) -> int:
    """k as a whole number above 0, or a ValueError."""
    if isinstance(k, (bool, np.bool_)) or not isinstance(k, (int, np.integer)) or k < 1:
        raise InputError(f"k is {quote(k)}, expected a whole number above 0")
    return int(k)


class Index:
    """An exact index: every query is compared with every vector.

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
        scores = unit_rows(queries, "queries") @ self.embeddings.T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        return [[self.ids[i] for i in row] for row in order], np.take_along_axis(scores, order, 1)

    def save(self, folder) -> None:
        """Write the index into a folder, all at once; a CheckpointError says why it could not."""
        buffer = io.BytesIO()
        np.save(buffer, self.embeddings, allow_pickle=False)
        about = {"ids": self.ids, "model": self.digest}
        commit(as_folder(folder), {VECTORS: buffer.getvalue(), ABOUT: encode_json(about)})

    @classmethod
    def load(cls, folder, digest: str | None = None) -> "Index":
        """Open a saved index, its vectors memory-mapped.

        Parameters
        ----------
        folder : str or Path
        digest : str, optional
            The `Model.digest` that the index must have been made with.

        Raises
        ------
        IndexFileError
            If it is missing, damaged, or was made with another model.
        """
        folder = as_folder(folder)
        try:
            read_verified(folder, VECTORS)
            about = parse_json(read_verified(folder, ABOUT), folder / ABOUT)
            ids, made_with = about["ids"], about["model"]
            vectors = np.load(folder / VECTORS, mmap_mode="r", allow_pickle=False)
            if vectors.ndim != 2 or vectors.dtype != np.float32 or not isinstance(made_with, str):
                raise InputError(f"{VECTORS} holds {vectors.dtype} {vectors.shape}, expected float32 (N, E)")
            check_index_ids(ids, len(vectors))
        except (CheckpointError, OSError, ValueError, KeyError, TypeError) as error:
            raise IndexFileError(f"{quote(folder)} is no index that can be opened: {error}") from error
        if digest is not None and digest != made_with:
            raise IndexFileError(
                f"{quote(folder)} was made with model {made_with[:12] or '?'}, expected {digest[:12]}: make the "
                "index again"
            )
        index = cls.__new__(cls)  # the vectors were checked when they were saved: do not read them again
        index.embeddings, index.ids, index.digest = vectors, ids, made_with
        return index


def check_index_ids(ids, n: int) -> None:
    """n names, strings or whole numbers, no two equal."""
    if len(ids) != n:
        raise InputError(f"there are {len(ids)} ids for {n} vectors, expected one each")
    if not all(type(name) in (str, int) for name in ids):
        raise InputError("ids hold something else than str and int: name the items")
    if len(set(ids)) != n:
        raise InputError("two items have the same id: name each once")


def unit_rows(vectors, what: str) -> np.ndarray:
    """The vectors as float32 of length 1, or a ValueError."""
    vectors = as_array(vectors, what)
    if vectors.ndim != 2 or vectors.dtype.kind not in "fiu":
        raise InputError(f"{what} have shape {vectors.shape} and type {vectors.dtype}, expected numbers (N, E)")
    if not np.isfinite(vectors).all():
        raise InputError(f"{what} are not all finite")
    vectors = vectors.astype(np.float64)
    largest = np.abs(vectors).max(1, keepdims=True, initial=0.0)
    if (largest == 0).any():
        raise InputError(f"{what} has a zero vector in row {np.flatnonzero(largest == 0)[0]}: it has no direction")
    vectors /= largest  # first, so that no square is too large or too small
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
