"""Does the model serve all groups equally well?

`correct[i]` says whether item i was classified right (1 or True) or wrong (0 or False); `group[i]` is the number of
the group that it belongs to: a country, a camera, a skin tone. The accuracy of a group is the share of its own items
that are right. Return the accuracy of the best group minus the accuracy of the worst: a number from 0 to 1.

There may be any number of groups, of very different sizes, and their numbers may be anything (3, 8, 11). With one
group the gap is 0. Run it on two training sets with the same code and the same seed: the gap follows the data.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "9.1", "The gap between groups", points=3, level=1, minutes=10,
    use="tasks/evaluate.py scores the held-out combinations apart for the same reason: one average hides who pays for "
        "the mistakes.",
    hints=(
        "One average over everybody hides who pays for the mistakes. Average inside each group first, then compare the "
        "extremes.",
        "List the different group numbers with np.unique. For each, a mask picks its items, and the mean of these is "
        "its accuracy. Then look for the largest and the smallest.",
        "correct [1, 0, 1, 1] and group [7, 7, 2, 7]. Group 7 has 2 of 3 right, group 2 has 1 of 1. The gap is 1 - "
        "0.6667 = 0.3333.",
    ),
)  # fmt: skip


@exercise.solution
def group_gap(correct, group):
    """The accuracy of the best group minus that of the worst.

    correct (n,): 1 or True where the answer was right; group (n,): the group of each item -> a number from 0 to 1
    """
    rates = [correct[group == g].mean() for g in np.unique(group)]
    return max(rates) - min(rates)


@exercise.oracle
def by_counting(correct, group):
    right, size = {}, {}
    for c, g in zip(correct.tolist(), group.tolist(), strict=True):
        right[g] = right.get(g, 0) + c
        size[g] = size.get(g, 0) + 1
    return max(abs(right[a] / size[a] - right[b] / size[b]) for a in size for b in size)


def rates(correct, group):
    return np.array([np.mean(correct[group == g]) for g in np.unique(group)])


@exercise.also_right
def with_bincount(correct, group):
    place = np.unique(group, return_inverse=True)[1].ravel()
    return np.array(np.ptp(np.bincount(place, weights=correct) / np.bincount(place)))


@exercise.also_right
def with_one_hot(correct, group):
    member = (np.unique(group)[:, None] == group).astype(float)
    accuracy = np.einsum("gn,n->g", member, correct) / member.sum(1)
    return accuracy.max() - accuracy.min()


@exercise.also_right
def with_lists(correct, group):
    boxes = {}
    for c, g in zip(correct.tolist(), group.tolist(), strict=True):
        boxes.setdefault(g, []).append(c)
    ordered = sorted(sum(box) / len(box) for box in boxes.values())
    return float(ordered[-1] - ordered[0])


@exercise.wrong("""You compared how many are right, but a large group has more of everything. Divide by the size of each
group: rates lie between 0 and 1.""")
def counts_not_rates(correct, group):
    return np.ptp([correct[group == g].sum() for g in np.unique(group)])


@exercise.wrong("""You divided by the number of all items. A small group then looks bad because it is small. Divide by
the size of the group, so that all right gives 1.""")
def share_of_all(correct, group):
    return np.ptp([correct[group == g].sum() / len(group) for g in np.unique(group)])


@exercise.wrong("""You compared the best group with everybody. Everybody includes the best group itself. Compare two
groups: the best and the worst.""")
def vs_overall(correct, group):
    return rates(correct, group).max() - correct.mean()


@exercise.wrong("""You compared everybody with the worst group. The gap runs between two groups: from the worst up to
the best.""")
def overall_vs_worst(correct, group):
    return correct.mean() - rates(correct, group).min()


@exercise.wrong("""You divided one accuracy by the other. A gap is a difference: best minus worst, and 0 when all are
equal.""")
def ratio(correct, group):
    return rates(correct, group).max() / rates(correct, group).min()


@exercise.wrong("""You looked at the first two groups only, and another one is better or worse. Go through all different
group numbers.""")
def two_groups_only(correct, group):
    return np.ptp(rates(correct, group)[:2])


@exercise.wrong("""You took the group with the lowest number minus the one with the highest. Numbers are only names.
Look for the best and the worst accuracy; the gap is never below 0.""")
def first_minus_last(correct, group):
    return rates(correct, group)[0] - rates(correct, group)[-1]


@exercise.wrong("""You measured the spread of the accuracies by their standard deviation. It softens the one group that
is far off. Take largest minus smallest.""")
def standard_deviation(correct, group):
    return rates(correct, group).std()


@exercise.wrong("""You compared the largest group with the smallest. Size does not decide: look for the best and the
worst accuracy among all, between 0 and 1.""")
def by_size(correct, group):
    sizes = np.unique(group, return_counts=True)[1]
    return abs(rates(correct, group)[sizes.argmax()] - rates(correct, group)[sizes.argmin()])


@exercise.wrong("""You went through all numbers from 0 up, and some groups do not exist: the mean of nothing is NaN. Use
the numbers that occur.""")
def numbers_as_indices(correct, group):
    return np.ptp([correct[group == g].sum() / (group == g).sum() for g in range(group.max() + 1)])


@exercise.wrong("That is 100 times the right gap. Return it as a fraction between 0 and 1, not in percentage points.")
def percent(correct, group):
    return 100 * group_gap(correct, group)


exercise.case("3 groups of 7, 5 and 3",
              np.array([1, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0, 1, 0]),
              np.array([0, 2, 1, 0, 2, 0, 1, 0, 1, 0, 2, 1, 0, 1, 0]))  # fmt: skip
exercise.case("groups 3, 8, 11 and 20",
              np.array([True, False, True, True, True, False, False, True, True, True, False, True, True]),
              np.array([8, 3, 8, 11, 20, 3, 20, 3, 8, 11, 20, 3, 20]))  # fmt: skip
exercise.case("the middle group of 3 gets nothing right",
              np.array([1, 0, 0, 1, 0, 1, 0]), np.array([0, 1, 1, 2, 2, 0, 0]))  # fmt: skip
exercise.case("1 group", np.array([1, 0, 0, 1, 1]), np.array([4, 4, 4, 4, 4]))
