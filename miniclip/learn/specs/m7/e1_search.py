"""Find the k best matches in a gallery.

Every row of `index` is the embedding of one picture, and `query` is the embedding of one sentence. The score of a
picture is the cosine of its row with the query: scale both to length 1, then take the dot product. Return two arrays
of length k: the row numbers of the best pictures, best first, and their scores. The same call can rank a list of
candidates again.

Graded too: two pictures with equal scores keep the order of the index (lower number first); a row of zeros scores 0,
not NaN; when k is larger than the gallery, all of it comes back; a long row gains nothing by its length. The query is
never zero.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import cosine_table, largest

exercise = Exercise(
    "7.1", "Search a gallery", points=3, level=2, minutes=15, needs=("1.2",),
    use="`Index` in search/index.py searches a folder of pictures by a sentence with this function.",
    hints=(
        "Searching is sorting. Give every picture one number, how well it fits the sentence, and read the sorted list "
        "from its good end.",
        "Three steps: lengths to 1 (mind the rows of zeros), one matrix-vector product, one sort. Look up what "
        "kind='stable' does in np.argsort, and how a minus sign turns a sort around without swapping equal entries.",
        "Index rows [3, 4], [0, 5] and [2, 0], query [0, 2], k = 2. The unit rows are [0.6, 0.8], [0, 1], [1, 0]; the "
        "unit query is [0, 1]; the cosines are 0.8, 1 and 0. The answer is ids [1, 0] with scores [1, 0.8].",
    ),
)  # fmt: skip


@exercise.solution
def search(index, query, k):
    """The k rows of the index nearest to the query by cosine.

    index (n, d): one embedding a row, of any length; query (d,); k: a whole number
    -> (ids, scores), both of length k, best first
    """
    lengths = np.linalg.norm(index, axis=1)
    rows = index / np.where(lengths == 0, 1, lengths)[:, None]
    scores = rows @ (query / np.linalg.norm(query))
    ids = np.argsort(-scores, kind="stable")[:k]
    return ids, scores[ids]


@exercise.oracle
def by_selection(index, query, k):
    size = sum(b * b for b in query) ** 0.5
    left = {}
    for i, row in enumerate(index):
        length = sum(a * a for a in row) ** 0.5
        left[i] = sum(a * b for a, b in zip(row, query, strict=True)) / (length * size) if length else 0.0
    ids, scores = [], []
    while left and len(ids) < k:
        best = next(i for i in left if left[i] == max(left.values()))
        ids.append(best)
        scores.append(left.pop(best))
    return ids, scores


def top(scores, k):
    ids = largest(scores, k)
    return ids, scores[ids]


@exercise.also_right
def with_sorted_lists(index, query, k):
    scores = cosine_table(index, query).tolist()
    ids = sorted(range(len(scores)), key=lambda i: -scores[i])[:k]
    return [ids, [scores[i] for i in ids]]


@exercise.also_right
def with_lexsort(index, query, k):
    scores = np.einsum("nd,d->n", index, query) / np.maximum(np.sqrt((index**2).sum(1) * (query**2).sum()), 1e-300)
    ids = np.lexsort((np.arange(len(scores)), -scores))[:k]
    return ids, np.take(scores, ids)


@exercise.also_right
def one_argmax_at_a_time(index, query, k):
    scores, ids, best = cosine_table(index, query), [], []
    for _ in range(min(k, len(index))):
        ids.append(int(scores.argmax()))
        best.append(float(scores[ids[-1]]))
        scores[ids[-1]] = -np.inf
    return np.array(ids, np.int32), best


@exercise.wrong("""Your scores climb instead of falling. A sort gives the smallest cosine first, so you show the worst
pictures. Start from the large end, where 1 is.""")
def ascending(index, query, k):
    ids = np.argsort(cosine_table(index, query), kind="stable")[:k]
    return ids, cosine_table(index, query)[ids]


@exercise.wrong("""The rows of the gallery kept their lengths, so a long vector wins for almost any query. Scale each
row to length 1 first.""")
def index_not_normalised(index, query, k):
    return top(index @ query / np.linalg.norm(query), k)


@exercise.wrong("""The order is right, but the scores are not cosines: the query still has its own length. Divide by it,
then no score exceeds 1.""")
def query_not_normalised(index, query, k):
    return top(cosine_table(index, query) * np.linalg.norm(query), k)


@exercise.wrong("""These are plain dot products, with both lengths still inside. A cosine lies between -1 and 1. Scale
the rows and the query.""")
def nothing_normalised(index, query, k):
    return top(index @ query, k)


@exercise.wrong("The whole gallery came back, sorted. The user asked for k results: cut both lists after that many.")
def returns_all(index, query, k):
    return top(cosine_table(index, query), len(index))


@exercise.wrong("""Turning a rising sort around also turns ties around. Let the lower row number come first, as 0 before
2.""")
def ties_reversed(index, query, k):
    scores = cosine_table(index, query)
    ids = np.argsort(scores, kind="stable")[::-1][:k]
    return ids, scores[ids]


@exercise.wrong("""The scores are right, but pictures with equal scores are mixed. The sort that NumPy uses by itself
does that in lists of more than 16: ask for kind "stable".""")
def not_a_stable_sort(index, query, k):
    scores = cosine_table(index, query)
    ids = np.argsort(-scores)[:k]
    return ids, scores[ids]


@exercise.wrong("""A gallery row of zeros was divided by its length, 0, which made NaN. A row without a direction should
score 0.""")
def zero_row_is_nan(index, query, k):
    return top((index / np.linalg.norm(index, axis=1)[:, None]) @ (query / np.linalg.norm(query)), k)


@exercise.wrong("""Your two lists do not belong together. The ids are sorted, the scores are those of rows 0, 1, 2 and
so on. Pick each score by its id.""")
def scores_not_sorted(index, query, k):
    scores = cosine_table(index, query)
    return top(scores, k)[0], scores[:k]


@exercise.wrong("""You scaled the columns of the gallery: axis 0 runs over pictures. A picture is a row, so its length
is taken along axis 1.""")
def normalised_columns(index, query, k):
    lengths = np.linalg.norm(index, axis=0)
    return top((index / np.where(lengths == 0, 1, lengths)) @ (query / np.linalg.norm(query)), k)


@exercise.wrong("""You ranked by distance. A distance between raw vectors depends on their lengths. The score here is a
cosine: 1 for the same direction.""")
def euclidean(index, query, k):
    return top(-np.linalg.norm(index - query, axis=1), k)


@exercise.wrong("Your scores came before the ids. Put the row numbers first and the cosines second.")
def swapped(index, query, k):
    return top(cosine_table(index, query), k)[::-1]


@exercise.wrong("""You numbered the rows from 1. Row numbers in Python begin at 0, so your ids point to the next
picture.""")
def ids_from_one(index, query, k):
    ids, scores = top(cosine_table(index, query), k)
    return ids + 1, scores


@exercise.wrong("""The right pictures, but not the best first. `argpartition` finds the k best and leaves them in any
order: sort these k by their scores.""")
def not_sorted(index, query, k):
    scores, k = cosine_table(index, query), min(k, len(index))
    ids = np.argpartition(-scores, k - 1)[:k]
    return ids, scores[ids]


@exercise.wrong("""The right pictures, in the order of their row numbers. Sort them by score instead, so that the best
stands at place 0.""")
def in_order_of_the_rows(index, query, k):
    ids = np.sort(top(cosine_table(index, query), k)[0])
    return ids, cosine_table(index, query)[ids]


gallery = np.array([[1.0, 2, -1], [30, -20, 10], [0.1, 0.3, 0.2], [0, 4, 5], [-2, 1, 0], [6, 7, 1], [0.5, -0.5, 2]])
exercise.case("7 pictures of very different lengths, best 3", gallery, np.array([2.0, 5.0, 1.0]), 3)
exercise.case("a query that points the other way, best 2", gallery, np.array([-3.0, 0.5, -7.0]), 2)
along = np.array([0, 1, 0, 2, 0, 0, 1, 2, 0, 1, 0, 2, 1, 0, 0, 2, 0, 1, 0, 2])
exercise.case("20 pictures with equal scores, best 8", np.eye(3)[along] * 2.0 ** (np.arange(20) % 5 - 2)[:, None],
              np.array([0.25, 0, 0]), 8)  # fmt: skip
exercise.case("a row of zeros, k larger than the gallery",
              np.array([[1.0, -2, 2, 0, 0], [0, 0, 0, 0, 0], [3, 4, 0, 0, 1]]),
              np.array([1.0, 2, 0.5, -1, 3]), 11)  # fmt: skip
# argpartition sorts arrays of up to 512 entries on some processors, and none of this size
many = (np.arange(1.0, 1201) * 7919 % 2003 - 1001).reshape(600, 2)
exercise.case("600 pictures, best 200", many, np.array([1.0, 2.0]), 200)
exercise.case("1 picture", np.array([[3.0, 4.0]]), np.array([5.0, 0.0]), 1)
