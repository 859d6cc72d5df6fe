"""A search that may say no: how likely is each picture right, and how many of the best to return?

Any query has a nearest picture, and no cosine parts right from wrong for all queries. What a score means is learned
from searches whose answers are known. For a query t and a picture with the logit s,

    P(right | t, s) = sum_j w_j right_j(s) / sum_j w_j all_j(s)
    w_j = exp(-d_j^2 / 2),  d_j^2 = scale |t - t_j|^2 / 2 + 4 (z_t - z_j)^2

where all_j(s) of the pictures that the known query j was compared with have the logit s, and right_j(s) of these are
right. Known queries count that say the like, and whose null ends at the like level: z is the logit that one in 256 of
their pictures exceeds, few of which are right. P is made never to fall with s. Returned is the longest beginning of the
ranking whose mean P is at least the precision that was asked for; it may be empty. Where the known searches, each left
out in turn, are less precise than that, more is demanded, or nothing is returned at all.

Sources: Nadaraya 1964, doi:10.1137/1109020 (the kernel); Ayer et al. 1955, doi:10.1214/aoms/1177728423 (never to fall);
Efron 2004, doi:10.1198/016214504000000089 (what is wrong has a distribution, and P follows from it).
"""

import numpy as np

from ..data.captions import truth_matrix, write_captions
from ..data.pairs import normalized_images
from ..data.world import sample_scenes
from ..datasets.dataset import Dataset
from ..errors import DataError, InputError, quote
from ..model import Model
from ..nn.checks import scale_of
from ..tasks.own_pictures import MOST, captions_of, encode_pictures
from .index import unit_rows

BIN = 0.5  # of the logits
NULL = 256  # one in so many pictures scores above the end of a query's null
PICTURES, QUERIES = 1024, 4096  # of the world's searches whose answers are known
TRIED = 512  # judged queries that are asked of the others
SEED = 2**40  # of theirs: nobody trains with it


class Judged:
    """Searches whose answers are known.

    Parameters
    ----------
    queries : array (Q, E)
    images : array (N, E)
        At least one of each; embeddings of any length.
    right : bool array (Q, N)
        Is picture n a right answer to query q?
    logit_scale : float
        The model's: the log of the scale.

    Raises
    ------
    ValueError
        For other shapes.
    """

    def __init__(self, queries, images, right, logit_scale: float):
        self.queries, self.images = unit_rows(queries, "queries"), unit_rows(images, "images")
        self.scale, right = float(scale_of(logit_scale)), np.asarray(right)
        expected = (len(self.queries), len(self.images))
        if right.shape != expected or right.dtype != bool or not right.size:
            raise InputError(f"right is {right.dtype} {right.shape}, expected bool {expected}, none of them 0")
        logits = self.scale * self.queries @ self.images.T
        self.null = self.null_end(logits)
        self.right, self.all = self.counts(logits, right), self.counts(logits, np.ones_like(right))

    def null_end(self, logits) -> np.ndarray:
        """z, (Q,): the logit that one in 256 of the judged pictures exceeds."""
        above = logits.shape[1] // NULL
        return -np.partition(-logits, above, axis=1)[:, above]

    def bins(self, logits) -> np.ndarray:
        """Which bin a logit lies in; a cosine is from -1 to 1."""
        return ((np.clip(logits, -self.scale, self.scale) + self.scale) / BIN).astype(int)

    def counts(self, logits, chosen) -> np.ndarray:
        """(Q, bins): how many of the chosen pictures of each query lie in each bin."""
        row, width = np.nonzero(chosen)[0], int(2 * self.scale / BIN) + 1
        flat = np.bincount(row * width + self.bins(logits[chosen]), minlength=len(logits) * width)
        return flat.reshape(len(logits), width).astype(np.float64)

    def chances(self, queries, scores) -> np.ndarray:
        """P(right) of pictures, from how the queries score them.

        Parameters
        ----------
        queries : array (Q, E)
        scores : array (Q, N)
            Cosines with any N pictures.

        Returns
        -------
        float array (Q, N)
        """
        queries, scores = unit_rows(queries, "queries"), np.asarray(scores, np.float64)
        if scores.ndim != 2 or len(scores) != len(queries) or not np.isfinite(scores).all():
            raise InputError(f"scores are {scores.shape}, expected finite cosines, ({len(queries)}, N)")
        return np.take_along_axis(self.curves(self.distances(queries)), self.bins(self.scale * scores), 1)

    def distances(self, queries) -> np.ndarray:
        """d^2, (B, Q), of unit vectors (B, E) from the judged queries."""
        apart = self.scale * (1.0 - queries @ self.queries.T)  # scale |t - t_j|^2 / 2
        return apart + 4.0 * (self.null_end(self.scale * queries @ self.images.T)[:, None] - self.null) ** 2

    def curves(self, far) -> np.ndarray:
        """P(right) in each bin, (B, bins), from d^2, (B, Q)."""
        w = np.exp((far.min(1, keepdims=True) - far) / 2.0)
        return np.array([rising(r, n) for r, n in zip(w @ self.right, w @ self.all, strict=True)])

    def level(self, precision: float) -> float | None:
        """The mean chance to demand, so that these searches, each judged by all others but itself, are so precise.

        At least `precision`; more where the chances promise too much, as they do when few queries are alike. None where
        nothing helps: then nothing should be returned.
        """
        precision = check_precision(precision)
        some = np.random.default_rng(0).permutation(len(self.queries))[:TRIED]
        far = self.distances(self.queries[some])
        far[np.arange(len(some)), some] = np.inf
        if len(self.queries) < 2:
            return None
        of_bin = self.all[some] * self.curves(far)
        sure, right, every = (x[:, ::-1].cumsum(1) for x in (of_bin, self.right[some], self.all[some]))
        for level in precision + (1.0 - precision) * np.arange(10) / 10:
            rows, bins = np.nonzero((sure >= level * every - 1e-9) & (every > 0))
            last = np.flatnonzero(np.append(rows[1:] != rows[:-1], True)) if len(rows) else rows  # of each query
            kept = rows[last], bins[last]
            if len(rows) and right[kept].sum() >= precision * every[kept].sum():
                return float(level)
        return None


def rising(right, every) -> np.ndarray:
    """right / every, (B,), made never to fall: neighbours that would are pooled. Where nothing was counted, as before.

    >>> rising(np.array([0.0, 3.0, 2.0, 0.0]), np.array([4.0, 4.0, 4.0, 0.0]))
    array([0.   , 0.625, 0.625, 0.625])
    """
    pools: list[tuple[float, float, int]] = []
    for r, n in zip(right.tolist(), every.tolist(), strict=True):
        width = 1
        while pools and pools[-1][0] * n >= r * pools[-1][1]:
            more = pools.pop()
            r, n, width = r + more[0], n + more[1], width + more[2]
        pools.append((r, n, width))
    return np.repeat([r / n if n else 0.0 for r, n, _ in pools], [width for *_, width in pools])


def likely(chances, precision: float) -> int:
    """How many of the best to return: the most whose mean chance is at least `precision`, or 0; chances best first.

    >>> likely([0.99, 0.95, 0.8, 0.1], 0.9), likely([0.4, 0.1], 0.9)
    (3, 0)
    """
    chances, precision = np.asarray(chances, np.float64), check_precision(precision)
    enough = np.cumsum(chances) >= precision * np.arange(1, len(chances) + 1) - 1e-12
    return int(np.flatnonzero(enough)[-1]) + 1 if enough.any() else 0


def check_precision(precision) -> float:
    """A precision above 0 and below 1, or a ValueError."""
    number = isinstance(precision, (int, float, np.floating)) and not isinstance(precision, bool)
    if not number or not 0.0 < precision < 1.0:
        raise InputError(f"the precision is {quote(precision)}, expected a number above 0 and below 1, such as 0.9")
    return float(precision)


def world_searches(model: Model, split: str = "many") -> Judged:
    """Searches of the world's: captions of some scenes of a split, and pictures of others, judged by the oracle."""
    scenes = sample_scenes(SEED, split, np.arange(PICTURES))
    captions = write_captions(sample_scenes(SEED, split, PICTURES + np.arange(QUERIES)))
    images, queries = model.encode_image(normalized_images(scenes)), model.encode_text(captions)
    return Judged(queries, images, truth_matrix(captions, scenes).T, model.logit_scale)


def own_searches(model: Model, data: Dataset) -> Judged:
    """Searches of pictures of one's own, by each caption: right is a picture that has it, and no other."""
    if len(data) < 2:
        raise DataError(f"there are {len(data)} pictures that were not trained on, expected at least 2 to judge by")
    data = data[:MOST]
    texts, relevant = captions_of(data)
    return Judged(model.encode_text(texts), encode_pictures(model, data), relevant.T, model.logit_scale)
