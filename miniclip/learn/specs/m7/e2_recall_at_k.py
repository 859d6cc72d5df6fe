"""How often is the right answer among the first k?

`S` holds scores: row i is a query, column j an item of the gallery, and a larger score is a better match. The right
item of query i is column `target[i]`. A picture may have several captions, so several queries can share one target,
and the right column is in general not column i. Pass the table one way round to search pictures for texts; transposed,
with other targets, it searches texts for pictures.

Return the share of queries, between 0 and 1, whose right item is among the k best of its row. Ties count against you:
an item that scores exactly as high as the right one is placed before it. So a model that gives everything the same
score finds nothing, as it should.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import ranks

exercise = Exercise(
    "7.2", "Recall at k", points=4, level=2, minutes=20, needs=("7.1",),
    use="`recall_at_k` in tasks/retrieval.py is how papers compare search engines for pictures.",
    hints=(
        "For each query you only need the place of one item, the right one. It is a hit when that place is at most k.",
        "You can find the place without a sort: pick the score of the right item in every row, and count the scores of "
        "that row which are at least as large. The right item counts itself, so the best place is 1.",
        "Rows [0.9, 0.2], [0.8, 0.7] and [0.1, 0.6], with right columns 0, 1 and 1. The places are 1, 2 and 1. Recall "
        "at 1 is 2/3; recall at 2 is 1.",
    ),
)  # fmt: skip


@exercise.solution
def recall_at_k(S, target, k):
    """The share of queries whose right item is among the k best.

    S (n, m): scores, a query a row; target (n,): the right column of each row; k -> a number from 0 to 1
    """
    right = S[np.arange(len(S)), target]
    rank = (right[:, None] <= S).sum(axis=1)
    return (rank <= k).mean()


@exercise.oracle
def by_loops(S, target, k):
    hits = 0
    for row, t in zip(S.tolist(), target, strict=True):
        before = [j for j, score in enumerate(row) if j != t and score >= row[t]]
        hits += len(before) < k
    return hits / len(S)


@exercise.also_right
def with_sort(S, target, k):
    found = []
    for row, t in zip(S, target, strict=True):
        order = sorted(range(len(row)), key=lambda j: (-row[j], j == t))
        found.append(t in order[:k])
    return sum(found) / len(found)


@exercise.also_right
def beats_the_kth_of_the_others(S, target, k):
    hits = 0
    for row, t in zip(S, target, strict=True):
        others = np.sort(np.delete(row, t))[::-1]
        hits += k > len(others) or row[t] > others[k - 1]
    return hits / len(S)


@exercise.also_right
def with_one_hot(S, target, k):
    hot = np.eye(S.shape[1], dtype=bool)[target]
    others = np.where(hot, -np.inf, S)
    return np.array(((others >= S[hot][:, None]).sum(1) < k).mean())


@exercise.wrong("""You looked among the k smallest scores. A larger score is a better match, so place 1 belongs to the
largest one.""")
def ascending(S, target, k):
    return (ranks(-S, target) <= k).mean()


@exercise.wrong("""You took column i as the right answer of row i. With several captions for one picture it is column
target[i].""")
def assumes_diagonal(S, target, k):
    return recall_at_k(S, np.arange(len(S)), k)


@exercise.wrong("""You accept places below k only, which is one result too few. Place 1 is the best, and place k still
counts.""")
def k_minus_1(S, target, k):
    return (ranks(S, target) < k).mean()


@exercise.wrong("You looked at one result too many. Counting from place 1, the hit must stand at place k or before it.")
def k_plus_1(S, target, k):
    return (ranks(S, target) <= k + 1).mean()


@exercise.wrong("""Your value comes from the columns: you ranked the queries for each item. A query is a row: compare
scores along axis 1.""")
def wrong_direction(S, target, k):
    return ((S.T[target] >= S[np.arange(len(S)), target][:, None]).sum(1) <= k).mean()


@exercise.wrong("""That is a percentage, 100 times the right value. Return a fraction, as for every other rate in the
course.""")
def percent(S, target, k):
    return 100 * recall_at_k(S, target, k)


@exercise.wrong("""That is a number of queries. Divide the hits by how many queries there are, so that 1 means all were
found.""")
def count_not_share(S, target, k):
    return (ranks(S, target) <= k).sum()


@exercise.wrong("""You divided the hits by k as well: that is precision. Each query has just one right item here, so ask
only whether it was found.""")
def precision(S, target, k):
    return recall_at_k(S, target, k) / k


@exercise.wrong("""You place the right item before others with an equal score. Then a model with one constant score
looks perfect. Count ties against it.""")
def optimistic_ties(S, target, k):
    return ((S[np.arange(len(S)), target][:, None] < S).sum(1) < k).mean()


@exercise.wrong("""Entry j of an argsort names the item at place j. You read it as the place of item j. Look for
target[i] among the first k entries of axis 1.""")
def argsort_as_rank(S, target, k):
    order = np.argsort(-S, axis=1, kind="stable")
    return (order[np.arange(len(S)), target] < k).mean()


@exercise.wrong("You compared the best score only, whatever k was. That is recall at 1. Let the first k results count.")
def only_the_best(S, target, k):
    return (ranks(S, target) <= 1).mean()


exercise.case("5 queries, 7 items, k = 2",
              np.array([[0.31, 0.12, 0.55, -0.2, 0.4, 0.05, 0.28], [0.9, 0.2, 0.1, 0.35, 0.6, 0.77, -0.5],
                        [0.15, 0.45, 0.33, 0.21, 0.5, 0.27, 0.48], [-0.1, 0.62, 0.7, 0.3, 0.2, 0.8, 0.66],
                        [0.05, 0.11, 0.4, 0.38, -0.3, 0.2, 0.6]]),
              np.array([2, 0, 6, 1, 2]), 2)  # fmt: skip
captions = np.array([[0.8, 0.3, 0.1], [0.2, 0.4, 0.9], [0.5, 0.7, 0.6], [0.3, 0.25, 0.2], [0.1, 0.6, 0.65],
                     [0.45, 0.55, 0.35], [0.75, 0.15, 0.85]])  # fmt: skip
exercise.case("7 captions of 3 pictures, k = 1", captions, np.array([0, 0, 1, 1, 2, 2, 2]), 1)
exercise.case("3 pictures among 7 captions, k = 3", captions.T, np.array([1, 3, 6]), 3)
exercise.case("every score the same, k = 2", np.full((2, 5), 0.25), np.array([0, 3]), 2)
exercise.case("3 equal scores, k = 2", np.array([[0.5, 0.5, 0.5, 0.1], [0.9, 0.3, 0.2, 0.4]]), np.array([1, 3]), 2)
exercise.case("k = 5 with 3 items", captions[:2], np.array([1, 0]), 5)
exercise.case("1 query, 1 item", np.array([[-0.3]]), np.array([0]), 1)
