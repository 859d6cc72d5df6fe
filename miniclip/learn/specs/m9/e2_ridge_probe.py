"""Train a linear probe with a handful of labels.

`X` holds frozen image features, one row per image; `y` their classes, whole numbers from 0 to K - 1, where K is the
largest label plus 1. Write every label as a row with a 1 at its class and 0 elsewhere. Find weights W and an intercept
row b that minimise the sum of all squared errors of X W + b, plus `lam` times the sum of all squared weights. The
intercept is not penalised: lam must not pull the predictions towards 0.

Return one array with d + 1 rows and K columns: the rows of W, then b as the last row. There may be fewer images than
features, features far from centred, and classes without an image. lam is above 0. There is a closed form: no gradient
steps.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "9.2", "A probe with few labels", points=4, level=3, minutes=30, needs=("1.3",),
    use="A probe on what tasks/outside.py calls `features` is the baseline that good prompts have to beat.",
    hints=(
        "Ridge regression is least squares with a price on large weights. A column of ones turns the intercept into a "
        "weight like the others, except that it costs nothing.",
        "Set the gradient to zero: with the column of ones at the end of A, (A'A + lam D) W = A'Y, where D is the "
        "identity with a 0 in its last place. np.linalg.solve does the rest.",
        "One feature, X = [[0], [2]], y = [0, 1], lam = 2. The mean of X is 1 and the centred rows are -1 and 1. For "
        "class 1 the centred targets are -0.5 and 0.5, so the weight is 1 / (2 + 2) = 0.25 and the intercept 0.5 - "
        "0.25 = 0.25.",
    ),
)  # fmt: skip


@exercise.solution
def ridge_probe(X, y, lam):
    """Weights and intercept of a linear classifier, by penalised least squares on one-hot labels.

    X (n, d): features; y (n,): classes from 0; lam: the price of a squared weight -> (d + 1, K), intercept last
    """
    n, d = X.shape
    A = np.hstack([X, np.ones((n, 1))])
    Y = np.eye(y.max() + 1)[y]
    penalty = lam * np.eye(d + 1)
    penalty[d, d] = 0
    return np.linalg.solve(A.T @ A + penalty, A.T @ Y)


@exercise.oracle
def by_extra_rows(X, y, lam):
    n, d = X.shape
    rows = np.zeros((n + d, d + 1))
    rows[:n, :d], rows[:n, d] = X, 1
    targets = np.zeros((n + d, max(y) + 1))
    for i in range(n):
        targets[i, y[i]] = 1
    for j in range(d):
        rows[n + j, j] = lam**0.5
    return np.linalg.lstsq(rows, targets, rcond=None)[0]


def one_hot(y):
    return np.eye(y.max() + 1)[y]


def fit(X, Y, lam, penalised=0.0):
    """Ridge with an intercept that costs `penalised` times lam."""
    A = np.hstack([X, np.ones((len(X), 1))])
    D = np.diag(np.append(np.ones(X.shape[1]), penalised))
    return np.linalg.solve(A.T @ A + lam * D, A.T @ Y)


@exercise.also_right
def dual(X, y, lam):
    Y = one_hot(y)
    x, t = X.mean(0), Y.mean(0)
    W = (X - x).T @ np.linalg.solve((X - x) @ (X - x).T + lam * np.eye(len(X)), Y - t)
    return np.vstack([W, t - x @ W])


@exercise.also_right
def class_by_class(X, y, lam):
    columns = []
    for k in range(max(y) + 1):
        hit = np.array([float(label == k) for label in y])
        x, t = X.mean(0), hit.mean()
        w = np.linalg.inv((X - x).T @ (X - x) + lam * np.eye(X.shape[1])) @ (X - x).T @ (hit - t)
        columns.append([*w, t - w @ x])
    return [list(row) for row in zip(*columns, strict=True)]


@exercise.also_right
def with_svd(X, y, lam):
    Y = (y[:, None] == np.arange(y.max() + 1)).astype(float)
    U, s, Vt = np.linalg.svd(X - X.mean(0), full_matrices=False)
    W = np.einsum("rd,r,nr,nk->dk", Vt, s / (s**2 + lam), U, Y)
    return np.concatenate([W, [Y.mean(0) - X.mean(0) @ W]])


@exercise.wrong("""The intercept, the last row, is 0. These features are far from centred, so all predictions are off by
a constant. Add a column of ones to X.""")
def no_intercept(X, y, lam):
    W = np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ one_hot(y))
    return np.vstack([W, np.zeros((1, W.shape[1]))])


@exercise.wrong("""One row is missing: the intercept. Add a column of ones to the features and keep its weights as the
last row.""")
def no_intercept_row(X, y, lam):
    return np.linalg.solve(X.T @ X + lam * np.eye(X.shape[1]), X.T @ one_hot(y))


@exercise.wrong("""You made the intercept pay lam too. Then it shrinks, and so do all predictions. Put a 0 in the last
place of the penalty.""")
def penalises_intercept(X, y, lam):
    return fit(X, one_hot(y), lam, 1.0)


@exercise.wrong("""Your penalty is n times too strong. The errors are summed here, not averaged, so add lam once,
whatever the number of images.""")
def lambda_times_n(X, y, lam):
    return fit(X, one_hot(y), lam * len(X))


@exercise.wrong("You squared the penalty. Only the weights are squared; lam enters with power 1, on the diagonal.")
def lambda_squared(X, y, lam):
    return fit(X, one_hot(y), lam**2)


@exercise.wrong("""Your lam has no effect. With fewer images than features plain least squares fits the noise exactly.
Add lam to the diagonal, all but its last entry.""")
def no_penalty(X, y, lam):
    return np.linalg.pinv(np.hstack([X, np.ones((len(X), 1))])) @ one_hot(y)


@exercise.wrong("""You regressed on the class numbers, as if class 2 were twice class 1. Give every class its own column
of 0 and 1.""")
def labels_as_numbers(X, y, lam):
    return fit(X, y[:, None].astype(float), lam)


@exercise.wrong("""Your targets are -1 and 1, which is another scale. Use 0 for the other classes and 1 for the right
one.""")
def plus_minus_targets(X, y, lam):
    return fit(X, 2 * one_hot(y) - 1, lam)


@exercise.wrong("The intercept stands in row 0. The weights of the features come first, the intercept last.")
def intercept_first(X, y, lam):
    return np.roll(ridge_probe(X, y, lam), 1, axis=0)


@exercise.wrong("""You made columns only for classes that occur. A class without images keeps its column, so that column
k means class k.""")
def only_seen_classes(X, y, lam):
    return fit(X, (y[:, None] == np.unique(y)).astype(float), lam)


@exercise.wrong("""Your weights are right, your last row is not. You fitted centred features, but kept the mean of the
labels as intercept. That belongs to features around 0: subtract the mean of X times W.""")
def intercept_of_centred(X, y, lam):
    W = ridge_probe(X, y, lam)[:-1]
    return np.vstack([W, one_hot(y).mean(0)])


@exercise.wrong("""Your table lies on its side. Features run along axis 0 and classes along axis 1, so that a row of
features can stand on the left.""")
def transposed(X, y, lam):
    return ridge_probe(X, y, lam).T


scan = np.array([[3.1, 0.4, 12.0], [2.7, 0.9, 11.2], [3.6, 0.1, 12.9], [2.2, 0.6, 11.8], [3.3, 1.2, 12.4],
                 [1.9, 2.1, 13.1], [2.4, 1.7, 12.2], [1.2, 2.6, 13.5], [2.0, 1.4, 12.7], [1.5, 2.3, 11.9]])  # fmt: skip
exercise.case("5 labels per class on scans, 2 classes", scan, np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 1]), 0.5)
exercise.case("5 images, 7 features, 3 classes",
              np.array([[1.0, -2, 0.5, 3, 0, 1, 4], [0, 1, -1, 2, 5, 0.3, 3], [2, 0, 1, -1, 1, 2, 5],
                        [-3, 1, 0.2, 0, 2, 1, 6], [0.7, -1, 3, 1, -2, 0, 2]]),
              np.array([2, 0, 1, 0, 2]), 0.1)  # fmt: skip
exercise.case("no image of class 1 of 4", scan[:7, :2], np.array([0, 2, 3, 0, 2, 3, 3]), 3.0)
exercise.case("a penalty of 5000", scan[2:9], np.array([1, 0, 2, 1, 0, 1, 1]), 5000.0)
exercise.case("1 image", np.array([[4.0, -3.0]]), np.array([1]), 2.0)
