"""Find the wrong texts that an image is most likely to be confused with.

S is the n x n table of similarities, images in rows and texts in columns. `group` holds one integer for each pair;
pairs with the same number share a caption, so a text of the image's own group is no negative. For each image return the
positions of its k most similar negatives, the most similar first, and the lower position first among equals. Every
image has at least k negatives. The answer is an array of integers of shape (n, k), and S stays as it was.
"""

import numpy as np

from miniclip.learn.spec import Exercise
from miniclip.learn.specs.helpers import largest, same_group

exercise = Exercise(
    "4.7", "The hardest negatives", points=3, level=2, minutes=15, needs=("1.5", "2.4"),
    use="figures/lectures/f04_push.py shows that these few texts take most of the push; choosing them makes a batch "
        "harder.",
    hints=(
        "Hard means: wrong, and yet very similar. So remove what is right, and look at what remains from the top.",
        "Overwrite the right entries of a copy with a value that can never come first, then sort each row. Sorting "
        "goes up, so turn the sign of the similarities around; a stable sort keeps equal entries in order.",
        "S = [[0.9, 0.8, 0.1], [0.3, 0.7, -0.9], [0.2, 0.6, 0.5]], groups [0, 0, 1], k = 1. Image 0 may not take texts "
        "0 and 1, which leaves 2. Image 1 may not either: 2, even at -0.9. Image 2 takes text 1, at 0.6. Answer: [[2], "
        "[2], [1]].",
    ),
)  # fmt: skip


@exercise.solution
def hardest_negatives(S, group, k):
    """For each image, the k most similar texts of other groups, the hardest first.

    S (n, n): similarities, images in rows; group (n,): integers -> (n, k) positions
    """
    negatives = np.where(group[:, None] == group, -np.inf, S)
    return np.argsort(-negatives, axis=1, kind="stable")[:, :k]


@exercise.oracle
def pick_the_best_k_times(S, group, k):
    answer: list[list[int]] = []
    for i in range(len(S)):
        left = [j for j in range(len(S)) if group[j] != group[i]]
        answer.append([])
        for _ in range(k):
            best = left[0]
            for j in left:
                best = j if S[i, j] > S[i, best] else best
            left.remove(best)
            answer[-1].append(best)
    return answer


@exercise.also_right
def sorting_lists(S, group, k):
    others = [[j for j, h in enumerate(group.tolist()) if h != g] for g in group.tolist()]
    return [sorted(js, key=lambda j: -row[j])[:k] for js, row in zip(others, S.tolist(), strict=True)]


@exercise.also_right
def one_argmax_at_a_time(S, group, k):
    left, found = np.where(same_group(group), -np.inf, S), []
    for _ in range(k):
        found.append(left.argmax(1))
        left[np.arange(len(S)), found[-1]] = -np.inf
    return np.stack(found, axis=1).astype(np.int32)


@exercise.also_right
def with_lexsort(S, group, k):
    positions = np.arange(len(S))
    return tuple(np.lexsort((positions, -row, group == g))[:k] for row, g in zip(S, group, strict=True))


@exercise.also_right
def counting_who_is_harder(S, group, k):
    M = np.where(same_group(group), -np.inf, S)
    j = np.arange(len(S))
    ahead = (M[:, None, :] > M[:, :, None]) | ((M[:, None, :] == M[:, :, None]) & (j[None, :] < j[:, None]))
    return np.argsort(ahead.sum(2), axis=1)[:, :k]


@exercise.wrong("Image 0 has its own text among its negatives. Remove all texts of the image's group before you rank.")
def includes_positive(S, group, k):
    return largest(S, k)


@exercise.wrong("You removed the diagonal only. Pairs of one group share a caption: remove those too.")
def removes_diagonal_only(S, group, k):
    return largest(np.where(np.eye(len(S), dtype=bool), -np.inf, S), k)


@exercise.wrong("""These are the easiest negatives, those with the smallest similarity. Sort from the largest down;
column 0 is the hardest.""")
def easiest(S, group, k):
    return largest(np.where(same_group(group), -np.inf, -S), k)


@exercise.wrong("You ranked images for each text, down the columns. Here each image ranks texts: sort along axis 1.")
def per_text(S, group, k):
    return hardest_negatives(S.T, group, k)


@exercise.wrong("These are similarities. Return the positions of the texts, integers from 0 to n - 1.")
def values_not_indices(S, group, k):
    return np.take_along_axis(S, hardest_negatives(S, group, k), axis=1)


@exercise.wrong("You ranked by size without sign. A text at -0.9 points away from the image: it is easy, not hard.")
def by_magnitude(S, group, k):
    return largest(np.where(same_group(group), -np.inf, np.abs(S)), k)


@exercise.wrong("Your right texts count as 0. Negatives may lie below that: use minus infinity.")
def masks_with_zero(S, group, k):
    return largest(np.where(same_group(group), 0.0, S), k)


@exercise.wrong("""Your right texts count as -1, and so does a text that points the opposite way: the two tie. Use
minus infinity.""")
def masks_with_minus_one(S, group, k):
    return largest(np.where(same_group(group), -1.0, S), k)


@exercise.wrong("""Your right texts count as the smallest similarity of the table, and so they tie with the one that
has it. Use minus infinity, or leave them out.""")
def masks_with_the_smallest(S, group, k):
    return largest(np.where(same_group(group), S.min(), S), k)


@exercise.wrong("""The right texts are chosen, but each row runs from easy to hard. Turn it around: column 0 is the
hardest.""")
def hardest_last(S, group, k):
    return hardest_negatives(S, group, k)[:, ::-1]


@exercise.wrong("You chose well, but sorted by position. Put the hardest in column 0.")
def in_order_of_position(S, group, k):
    return np.sort(hardest_negatives(S, group, k), axis=1)


@exercise.wrong("""Among equals the lower position comes first. Sort minus S with a stable sort, instead of reading a
rising sort backwards.""")
def ties_last_first(S, group, k):
    negatives = np.where(same_group(group), -np.inf, S)
    return np.argsort(negatives, axis=1, kind="stable")[:, ::-1][:, :k]


@exercise.wrong("""Among equals the lower position comes first. The sort that NumPy uses by itself mixes them in rows of
more than 16: ask for kind "stable".""")
def not_a_stable_sort(S, group, k):
    return np.argsort(-np.where(same_group(group), -np.inf, S), axis=1)[:, :k]


@exercise.wrong("You counted positions among the negatives only. Count in the full row, from 0.")
def counts_negatives_only(S, group, k):
    return np.array([largest(row[None, group != g], k)[0] for row, g in zip(S, group, strict=True)])


@exercise.wrong("Your positions are too large by 1. They count from 0, so text 0 is the first.")
def counts_from_one(S, group, k):
    return hardest_negatives(S, group, k) + 1


@exercise.wrong("Your table lies on its side. Images are in the rows: sort along axis 1, and cut columns.")
def k_by_n(S, group, k):
    return hardest_negatives(S, group, k).T


@exercise.wrong("You returned all texts in order. Keep the first k columns only.")
def ignores_k(S, group, k):
    return hardest_negatives(S, group, len(S))


@exercise.wrong("""The positions are right, but the caller's S now holds minus infinity at the right texts. Mask a copy,
and leave S as it was.""")
def mutates_input(S, group, k):
    S[same_group(group)] = -np.inf
    return largest(S, k)


five = np.array([[0.9, 0.2, -0.95, 0.4, 0.3], [0.5, 0.7, 0.1, -0.6, 0.8], [-0.2, 0.6, 0.9, 0.55, -0.7],
                 [0.45, -0.8, 0.35, 0.2, 0.65], [0.25, 0.75, 0.15, 0.05, 0.85]])  # fmt: skip
exercise.case("5 different captions, k = 2", five, np.arange(5), 2)
exercise.case("5 pairs, 1 and 4 share a caption, k = 3", five, np.array([3, 8, 0, 5, 8]), 3)
exercise.case("every negative is below 0, k = 2", five - 1, np.array([0, 1, 0, 2, 1]), 2)
exercise.case("ties, k = 2", np.array([[1.0, 0.5, -0.9], [0.5, 1.0, 0.5], [-0.9, 0.8, 0.1]]), np.array([2, 1, 0]), 2)
exercise.case("3 pairs, k = 2, two opposite ones", np.array([[1.0, -1, 0.3], [0.2, 0.5, -0.4], [-1, -0.2, 0.1]]),
              np.array([0, 1, 2]), 2)  # fmt: skip
exercise.case("20 pairs with many ties, k = 7", (np.arange(400.0) * 7 % 4).reshape(20, 20), np.arange(20) // 2, 7)
exercise.case("2 pairs, k = 1", np.array([[0.1, 0.9], [-0.3, 0.2]]), np.array([1, 0]), 1)
