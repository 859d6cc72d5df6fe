"""One number for a whole ranking.

`S` holds scores: row i is a query, column j an item, larger is better; the right item of query i is column
`target[i]`. The rank of the right item is its place in the sorted row: 1 is best. Take 1 / rank for each query, and
return the mean. A right answer in first place earns 1, in second place 1/2, in tenth place 1/10, so the top of the
list counts most.

Several queries may share a target. Ties count against you: an item that scores exactly as high as the right one is
placed before it.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import ranks

exercise = Exercise(
    "7.3", "Mean reciprocal rank", points=3, level=1, minutes=10, needs=("7.2",),
    use="`mean_reciprocal_rank` in tasks/retrieval.py tells progress that recall at 1 is too coarse to see.",
    hints=(
        "The rank of an item is a count: how many items stand at its place or before it, itself included.",
        "Pick the right score of every row, compare the row with it, and sum the comparisons along axis 1. Turn each "
        "count into its reciprocal before you average.",
        "Rows [0.9, 0.2, 0.5] and [0.8, 0.7, 0.1], with right columns 0 and 2. The first is at place 1, the second at "
        "place 3. The mean of 1 and 1/3 is 0.6667.",
    ),
)  # fmt: skip


@exercise.solution
def mean_reciprocal_rank(S, target):
    """The mean over queries of 1 / rank of the right item.

    S (n, m): scores, a query a row; target (n,): the right column of each row -> a number from 0 to 1
    """
    right = S[np.arange(len(S)), target]
    rank = (right[:, None] <= S).sum(axis=1)
    return (1 / rank).mean()


@exercise.oracle
def by_loops(S, target):
    total = 0.0
    for row, t in zip(S.tolist(), target, strict=True):
        rank = 1
        for j, score in enumerate(row):
            if j != t and score >= row[t]:
                rank += 1
        total += 1 / rank
    return total / len(S)


@exercise.also_right
def with_sort(S, target):
    places = []
    for row, t in zip(S, target, strict=True):
        order = sorted(range(len(row)), key=lambda j: (-row[j], j == t))
        places.append(order.index(t) + 1)
    return sum(1 / place for place in places) / len(places)


@exercise.also_right
def with_searchsorted(S, target):
    reciprocals = [1 / (len(row) - np.searchsorted(np.sort(row), row[t])) for row, t in zip(S, target, strict=True)]
    return np.mean(reciprocals)


@exercise.also_right
def with_one_hot(S, target):
    hot = np.eye(S.shape[1], dtype=bool)[target]
    beaten = S[hot][:, None] > S
    return np.array(np.mean(1.0 / (S.shape[1] - np.count_nonzero(beaten, axis=1))))


@exercise.wrong("""Your best place is 0, and its reciprocal is infinite. People count places from 1: the right item
counts itself.""")
def rank_from_zero(S, target):
    return (1 / (ranks(S, target) - 1)).mean()


@exercise.wrong("""Your ranks are all 1 too high. The right item was counted twice: once in the comparison, once by
adding one.""")
def rank_from_two(S, target):
    return (1 / (ranks(S, target) + 1)).mean()


@exercise.wrong("""That is the mean of the places, and it grows when the search gets worse. Take 1 over each place, then
the mean.""")
def mean_rank(S, target):
    return ranks(S, target).mean()


@exercise.wrong("""You averaged the places first and inverted once. Invert each place first: the mean of 1 and 1/3 is
not 1/2.""")
def inverse_of_mean(S, target):
    return 1 / ranks(S, target).mean()


@exercise.wrong("""You counted the items that score lower. The place of an item tells how many stand above it: place 1
has the largest score.""")
def ascending(S, target):
    return (1 / ranks(-S, target)).mean()


@exercise.wrong("""Entry j of an argsort says who stands at place j, not where item j stands. Count larger scores along
axis 1, or sort twice.""")
def argsort_as_rank(S, target):
    order = np.argsort(-S, axis=1, kind="stable")
    return (1 / (1 + order[np.arange(len(S)), target])).mean()


@exercise.wrong("""You ranked down the columns, along axis 0: queries for an item. A query is a row, and its items
compete along axis 1.""")
def wrong_direction(S, target):
    return (1 / (S[np.arange(len(S)), target][:, None] <= S).sum(0)).mean()


@exercise.wrong("""You used column i as the right answer of row i. When two queries share an item that cannot hold: read
the column from target.""")
def assumes_diagonal(S, target):
    return mean_reciprocal_rank(S, np.arange(len(S)))


@exercise.wrong("""Equal scores were counted in your favour. A model that says the same score everywhere would earn 1.
Place ties before the right item.""")
def optimistic_ties(S, target):
    return (1 / (1 + (S[np.arange(len(S)), target][:, None] < S).sum(1))).mean()


@exercise.wrong("""You gave 1 for a first place and nothing for the others. That is recall at 1. A second place still
earns 1/2.""")
def first_place_only(S, target):
    return (ranks(S, target) == 1).mean()


@exercise.wrong("The reciprocals were added up. Divide by the number of queries, so that 1 is the best possible value.")
def sum_not_mean(S, target):
    return (1 / ranks(S, target)).sum()


exercise.case("3 queries, 5 items",
              np.array([[0.2, 0.8, 0.1, 0.5, 0.4], [0.6, 0.3, 0.75, 0.9, 0.7], [0.35, 0.1, 0.3, 0.2, 0.5]]),
              np.array([1, 0, 2]))  # fmt: skip
exercise.case("7 captions of 3 pictures",
              np.array([[0.8, 0.3, 0.1], [0.2, 0.4, 0.9], [0.5, 0.7, 0.6], [0.3, 0.25, 0.2], [0.1, 0.6, 0.65],
                        [0.45, 0.55, 0.35], [0.75, 0.15, 0.85]]),
              np.array([0, 0, 1, 1, 2, 2, 2]))  # fmt: skip
exercise.case("every score the same", np.full((2, 5), -0.5), np.array([0, 3]))
exercise.case("1 query, 1 item", np.array([[0.7]]), np.array([0]))
