"""Where a ranking ends: with what is likely right, as far as it is known what likely means."""

from dataclasses import dataclass, replace

import numpy as np

from ..model import Model
from .index import Index
from .precision import Judged, check_precision, likely, world_searches
from .unrelated import discoveries, p_values, unrelated_scores


@dataclass(frozen=True)
class Cut:
    """How sure a search shall be.

    Attributes
    ----------
    precision : float
        Which share of what is returned shall be right.
    judged : Judged, optional
        Searches whose answers are known. Without any, only what unrelated queries score can tell.
    """

    precision: float
    judged: Judged | None = None

    def __post_init__(self):
        check_precision(self.precision)

    def known(self, model: Model, split: str) -> "Cut":
        """The same, for a model of the world with searches of one of its splits, unless it has others."""
        return replace(self, judged=world_searches(model, split)) if model.of_the_world and not self.judged else self

    def ranking(self, model: Model, index: Index, query):
        """Everything in an index, the nearest first, and how many of these to return.

        Parameters
        ----------
        query : array (E,)

        Returns
        -------
        (n, chances, ids, scores)
            n : int, the first n are likely right
            chances : array (N,), or None where only unrelated queries tell
        """
        (ids,), (scores,) = index.search(query, len(index.ids))
        if self.judged is None:
            p = p_values(scores, unrelated_scores(model, index.embeddings))
            return discoveries(p, self.precision), None, ids, scores
        (chances,) = self.judged.chances(np.atleast_2d(query), scores[None])
        level = self.judged.level(self.precision)
        return likely(chances, level) if level else 0, chances, ids, scores
