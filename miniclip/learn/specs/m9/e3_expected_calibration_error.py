"""When the model says 0.9, is it right nine times out of ten?

`conf[i]` is the probability that the model gave to its own answer, `correct[i]` says whether it was right. Cut the
range from 0 to 1 into `bins` bins of equal width and sort the items into them by `conf`. In each bin, compare two
means: the mean confidence and the share of right answers. Take the absolute difference, weighted by the share of all
items that fall into the bin, and add these up.

Empty bins count nothing. A confidence of 0 belongs to the first bin, 1 to the last. No graded value lies on an edge
between two bins, so it does not matter which side you give them to. A model that is confidently wrong scores close to
1.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "9.3", "Expected calibration error", points=3, level=2, minutes=20, needs=("6.3",),
    use="It judges the probabilities of `classify` in tasks/zero_shot.py, which may be right in order and wrong in "
        "size.",
    hints=(
        "A promise is judged by many cases: collect the items for which the model promised about the same, and see how "
        "often the promise was kept.",
        "The bin of an item is its confidence times the number of bins, rounded down, but 1 must stay in the last bin. "
        "Use masks per bin, skip empty ones, and weight by the share of items.",
        "Two bins, conf [0.6, 0.8, 0.9, 0.3], correct [1, 0, 1, 1]. The upper bin holds 3 items: mean confidence "
        "0.7667, accuracy 0.6667, difference 0.1. The lower holds 1: difference 0.7. The sum is 3/4 of 0.1 plus 1/4 of "
        "0.7 = 0.25.",
    ),
)  # fmt: skip


@exercise.solution
def expected_calibration_error(conf, correct, bins=10):
    """The mean distance between what the model promises and what it keeps.

    conf (n,): probabilities from 0 to 1; correct (n,): 1 or True where the answer was right; bins: how many
    -> a number from 0 to 1
    """
    place = np.minimum((conf * bins).astype(int), bins - 1)
    error = 0.0
    for b in range(bins):
        inside = place == b
        if inside.any():
            error += inside.mean() * abs(conf[inside].mean() - correct[inside].mean())
    return error


@exercise.oracle
def by_sums(conf, correct, bins=10):
    difference = {}
    for p, c in zip(conf.tolist(), correct.tolist(), strict=True):
        b = next(b for b in range(bins) if p <= (b + 1) / bins or b == bins - 1)
        difference[b] = difference.get(b, 0.0) + p - c
    return sum(map(abs, difference.values())) / len(conf)


def per_bin(conf, correct, bins):
    """Sizes, mean confidences and accuracies of the bins that are not empty."""
    place = np.clip(np.floor(conf * bins), 0, bins - 1)
    return np.array(
        [[(place == b).sum(), conf[place == b].mean(), correct[place == b].mean()] for b in np.unique(place)]
    ).T


@exercise.also_right
def upper_edges(conf, correct, bins=10):
    place = np.digitize(conf, np.linspace(0, 1, bins + 1)[1:-1], right=True)
    sums = np.bincount(place, weights=conf - correct, minlength=bins)
    return np.array(np.abs(sums).sum() / len(conf))


@exercise.also_right
def with_one_hot(conf, correct, bins=10):
    member = np.eye(bins)[np.minimum(np.floor(conf * bins).astype(int), bins - 1)]
    return np.abs(np.einsum("nb,n->b", member, conf - correct)).sum() / np.size(conf)


@exercise.also_right
def with_lists(conf, correct, bins=10):
    boxes = [[] for _ in range(bins)]
    for p, c in zip(conf, correct, strict=True):
        boxes[min(int(p * bins), bins - 1)].append((p, c))
    total = 0.0
    for box in filter(None, boxes):
        total += len(box) / len(conf) * abs(sum(p for p, _ in box) / len(box) - sum(c for _, c in box) / len(box))
    return float(total)


@exercise.wrong("""You averaged over the bins, so one lonely item weighs as much as a full bin. Weight each bin by its
share of the items.""")
def unweighted_bins(conf, correct, bins=10):
    _, promise, kept = per_bin(conf, correct, bins)
    return np.abs(promise - kept).mean()


@exercise.wrong("""That is the worst bin alone: the maximum calibration error. Add up all bins, each weighted by its
share, so that the weights sum to 1.""")
def max_not_mean(conf, correct, bins=10):
    _, promise, kept = per_bin(conf, correct, bins)
    return np.abs(promise - kept).max()


@exercise.wrong("""A bin that promises too much and one that promises too little cancel. Take the absolute value in each
bin, before the sum: it is never below 0.""")
def signed(conf, correct, bins=10):
    size, promise, kept = per_bin(conf, correct, bins)
    return (size * (promise - kept)).sum() / size.sum()


@exercise.wrong("""You squared the distance of each confidence from 0 or 1. That is the Brier score. Compare the means
inside each bin instead.""")
def brier(conf, correct, bins=10):
    return ((conf - correct) ** 2).mean()


@exercise.wrong("""You compared single answers, which are 0 or 1, with their confidence. No model could be perfect.
Average inside each bin first, then subtract.""")
def per_item(conf, correct, bins=10):
    return np.abs(conf - correct).mean()


@exercise.wrong("""You compared the mean confidence of all items with the accuracy of all. Errors of opposite sign hide
each other. Do it inside each bin.""", name="global_gap")  # fmt: skip
def global_(conf, correct, bins=10):
    return abs(conf.mean() - correct.mean())


@exercise.wrong("""Items with confidence 1 fell out: they landed behind the last bin. The last bin includes its upper
end.""")
def loses_one(conf, correct, bins=10):
    size, promise, kept = per_bin(conf[conf < 1], correct[conf < 1], bins)
    return (size * np.abs(promise - kept)).sum() / len(conf)


@exercise.wrong("""Items with confidence 0 fell out: no bin has them strictly inside. The first bin includes its lower
end.""")
def loses_zero(conf, correct, bins=10):
    size, promise, kept = per_bin(conf[conf > 0], correct[conf > 0], bins)
    return (size * np.abs(promise - kept)).sum() / len(conf)


@exercise.wrong("A bin without items gave 0 divided by 0. Such a bin promises nothing: skip it.")
def empty_bins_are_nan(conf, correct, bins=10):
    place = np.minimum((conf * bins).astype(int), bins - 1)
    n = np.bincount(place, minlength=bins)
    p, c = np.bincount(place, conf, bins) / n, np.bincount(place, correct, bins) / n
    return (n / len(conf) * np.abs(p - c)).sum()


@exercise.wrong("""You used the middle of a bin as its confidence. Its items rarely lie there, and with one wide bin the
error is large. Take the mean of the items.""")
def midpoint(conf, correct, bins=10):
    place = np.minimum((conf * bins).astype(int), bins - 1)
    return sum((place == b).mean() * abs((b + 0.5) / bins - correct[place == b].mean()) for b in np.unique(place))


@exercise.wrong("""You squared the difference in each bin, and large ones count too much. The definition takes the
absolute value, power 1.""")
def squared(conf, correct, bins=10):
    size, promise, kept = per_bin(conf, correct, bins)
    return (size * (promise - kept) ** 2).sum() / size.sum()


@exercise.wrong("You cut the range into 10 bins although another number was asked for. Use the argument.")
def always_ten(conf, correct, bins=10):
    return expected_calibration_error(conf, correct)


@exercise.wrong("""Your bins hold equal numbers of items. Here they have equal width: the range from 0 to 1, cut into
equal pieces.""")
def equal_counts(conf, correct, bins=10):
    order = np.argsort(conf, kind="stable")
    parts = [part for part in np.array_split(order, bins) if len(part)]
    return sum(len(part) / len(conf) * abs(conf[part].mean() - correct[part].mean()) for part in parts)


exercise.case("11 items, mostly too confident",
              np.array([0.97, 0.93, 0.98, 0.85, 0.83, 0.66, 0.91, 0.34, 0.94, 0.38, 0.63]),
              np.array([1, 0, 0, 1, 0, 0, 1, 1, 0, 1, 1]))  # fmt: skip
exercise.case("7 items, too shy, 3 bins", np.array([0.55, 0.42, 0.61, 0.21, 0.15, 0.73, 0.58]),
              np.array([True, True, True, True, False, True, True]), 3)  # fmt: skip
exercise.case("confidences of exactly 0 and 1, 5 bins", np.array([1.0, 0.0, 1.0, 0.91, 0.05, 0.47]),
              np.array([0, 1, 1, 1, 0, 1]), 5)  # fmt: skip
exercise.case("6 items, too shy and too confident, 5 bins", np.array([0.57, 0.41, 0.35, 0.91, 0.37, 0.27]),
              np.array([1, 0, 0, 0, 0, 1]), 5)  # fmt: skip
exercise.case("5 items in 1 bin", np.array([0.12, 0.95, 0.71, 0.33, 0.88]), np.array([0, 1, 1, 0, 0]), 1)
exercise.case("1 item, confidently wrong", np.array([0.99]), np.array([0]))
