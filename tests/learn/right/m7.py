# 7.1: a heap
import heapq

import numpy as np


def search(index, query, k):
    sizes = [float(np.linalg.norm(row)) or 1.0 for row in index]
    scores = [float(row @ query) / size / float(np.linalg.norm(query)) for row, size in zip(index, sizes, strict=True)]
    best = heapq.nsmallest(k, ((-score, i) for i, score in enumerate(scores)))
    return [i for _, i in best], [-score for score, _ in best]


# 7.1: argpartition, and then a sort of what is left
import numpy as np


def search(index, query, k):
    size = np.sqrt(np.einsum("nd,nd->n", index, index))
    scores = np.divide(index @ query, size * np.sqrt(query @ query), out=np.zeros(len(index)), where=size > 0)
    k = min(k, len(index))
    line = -np.partition(-scores, k - 1)[k - 1]
    ids = np.flatnonzero(scores >= line)
    ids = ids[np.lexsort((ids, -scores[ids]))][:k]
    return ids, scores[ids]


# 7.1: a structured array
import numpy as np


def search(index, query, k):
    length = np.linalg.norm(index, axis=1)
    table = np.zeros(len(index), dtype=[("worse", float), ("id", int)])
    table["id"] = range(len(index))
    table["worse"][length > 0] = -(index[length > 0] @ query) / length[length > 0] / np.linalg.norm(query)
    best = np.sort(table, order=["worse", "id"])[:k]
    return best["id"].tolist(), (-best["worse"]).tolist()


# 7.2: bisect in a sorted row
import bisect


def recall_at_k(S, target, k):
    hits = [len(row) - bisect.bisect_left(sorted(row), row[t]) <= k for row, t in zip(S.tolist(), target, strict=True)]
    return sum(hits) / len(hits)


# 7.2: take_along_axis and einsum
import numpy as np


def recall_at_k(S, target, k):
    right = np.take_along_axis(S, target.reshape(-1, 1), axis=1)
    return np.einsum("n->", (np.einsum("nm->n", (right <= S).astype(int)) <= k).astype(float)) / len(S)


# 7.2: a generator with a walrus
def recall_at_k(S, target, k):
    found = sum(1 for row, t in zip(S, target, strict=True) if (place := sum(map(row[t].__le__, row))) and place <= k)
    return found / len(target)


# 7.3: harmonic by recursion
def mean_reciprocal_rank(S, target):
    def total(rows, targets):
        if len(rows) == 0:
            return 0.0
        row, t = rows[0], targets[0]
        return 1 / sum(1 for score in row if score >= row[t]) + total(rows[1:], targets[1:])

    return total(S, target) / len(S)


# 7.3: statistics.fmean
import statistics


def mean_reciprocal_rank(S, target):
    return statistics.fmean(1 / sum(s >= row[t] for s in row) for row, t in zip(S.tolist(), target, strict=True))


# 7.3: apply_along_axis
import numpy as np


def mean_reciprocal_rank(S, target):
    table = np.column_stack([target, S])
    return float(np.mean(np.apply_along_axis(lambda r: 1 / np.count_nonzero(r[1:] >= r[1 + int(r[0])]), 1, table)))


# 7.4: functools.reduce
from functools import reduce

import numpy as np


def modality_gap(I, T):
    centre = lambda A: reduce(lambda total, a: total + a / np.sqrt(a @ a), A, 0) / len(A)  # noqa: E731
    return np.sqrt(np.sum(np.square(centre(I) - centre(T))))


# 7.4: math.dist
import math


def modality_gap(I, T):
    clouds = [[[x / math.hypot(*row) for x in row] for row in A.tolist()] for A in (I, T)]
    return math.dist(*([sum(column) / len(column) for column in zip(*cloud, strict=True)] for cloud in clouds))


# 7.4: a class for a cloud
import numpy as np


class Cloud:
    def __init__(self, rows):
        self.rows = [row / np.linalg.norm(row) for row in rows]

    def __sub__(self, other):
        return np.mean(self.rows, axis=0) - np.mean(other.rows, axis=0)


def modality_gap(I, T):
    return abs(np.linalg.norm(Cloud(I) - Cloud(T)))
