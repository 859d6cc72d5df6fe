# 9.1: groupby of a sorted list
from itertools import groupby
from statistics import fmean


def group_gap(correct, group):
    pairs = sorted(zip(group.tolist(), correct.tolist(), strict=True))
    rates = [fmean(c for _, c in run) for _, run in groupby(pairs, key=lambda pair: pair[0])]
    return max(rates) - min(rates)


# 9.1: Counter
from collections import Counter


def group_gap(correct, group):
    size = Counter(group.tolist())
    right = Counter(g for g, c in zip(group.tolist(), correct, strict=True) if c)
    worst, *_, best = sorted([right[g] / size[g] for g in size]) * 2
    return best - worst


# 9.1: np.add.reduceat
import numpy as np


def group_gap(correct, group):
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=group.min() - 1))
    sizes = np.diff(starts, append=len(group))
    return np.ptp(np.add.reduceat(correct[order].astype(float), starts) / sizes)


# 9.2: least squares with extra rows
import numpy as np


def ridge_probe(X, y, lam):
    n, d = X.shape
    A = np.block([[X, np.ones((n, 1))], [np.sqrt(lam) * np.eye(d), np.zeros((d, 1))]])
    Y = np.zeros((n + d, int(max(y)) + 1))
    Y[range(n), y] = 1
    return np.linalg.lstsq(A, Y, rcond=None)[0]


# 9.2: Gauss by hand
def ridge_probe(X, y, lam):
    rows = [[*row, 1.0] for row in X.tolist()]
    d, K = len(rows[0]), int(y.max()) + 1
    M = []
    for i in range(d):
        square = [sum(r[i] * r[j] for r in rows) + lam * (i == j < d - 1) for j in range(d)]
        M.append(square + [sum(r[i] for r, label in zip(rows, y, strict=True) if label == k) for k in range(K)])
    for i in range(d):
        pivot = max(range(i, d), key=lambda r: abs(M[r][i]))
        M[i], M[pivot] = M[pivot], M[i]
        M[i] = [x / M[i][i] for x in M[i]]
        for r in range(d):
            if r != i:
                factor = M[r][i]
                M[r] = [a - factor * b for a, b in zip(M[r], M[i], strict=True)]
    return [row[d:] for row in M]


# 9.2: eigenvectors of the covariance
import numpy as np


def ridge_probe(X, y, lam):
    Y = (np.arange(y.max() + 1) == y[:, None]) * 1.0
    mean, C = X.mean(0), X - X.mean(0)
    values, V = np.linalg.eigh(C.T @ C)
    W = V @ np.diag(1 / (values + lam)) @ V.T @ C.T @ (Y - Y.mean(0))
    return np.r_[W, [Y.mean(0) - mean @ W]]


# 9.3: defaultdict
from collections import defaultdict


def expected_calibration_error(conf, correct, bins=10):
    gap = defaultdict(float)
    for p, c in zip(conf.tolist(), correct.tolist(), strict=True):
        gap[min(int(p * bins), bins - 1)] += p - c
    return sum(map(abs, gap.values())) / len(conf)


# 9.3: np.histogram with weights
import numpy as np


def expected_calibration_error(conf, correct, bins=10):
    gaps, _ = np.histogram(conf, bins=bins, range=(0, 1), weights=conf - correct)
    return np.linalg.norm(gaps, 1) / conf.size


# 9.3: recursion over the bins
import numpy as np


def expected_calibration_error(conf, correct, bins=10):
    def rest(b):
        if b == bins:
            return 0.0
        inside = (b / bins <= conf) & ((conf < (b + 1) / bins) | (b == bins - 1))
        here = inside.sum() and abs(np.mean(conf, where=inside) - np.mean(correct * 1.0, where=inside)) * inside.mean()
        return here + rest(b + 1)

    return float(rest(0))


# 9.4: reduce over offers
from functools import reduce


def choose_intervention(base, prompt, probe, fine_tune, n_labels):
    offers = (("prompt", prompt, 0), ("probe", probe, 10), ("fine_tune", fine_tune, 1000))
    better = lambda held, o: o[:2] if o[2] <= n_labels and 1 - o[1] <= (1 - held[1]) * 0.8 else held  # noqa: E731
    word, accuracy = reduce(better, offers, ("none", base))
    return "none" if base >= 0.95 else word if accuracy >= 0.5 else "domain_model"


# 9.4: in whole numbers of a million
def choose_intervention(base, prompt, probe, fine_tune, n_labels):
    errors = [round(1_000_000 * (1 - a)) for a in (base, prompt, probe, fine_tune)]
    if errors[0] <= 50_000:
        return "none"
    held = 0
    for i, needed in enumerate((0, 10, 1000), start=1):
        if n_labels >= needed and 10 * errors[i] <= 8 * errors[held]:
            held = i
    return "domain_model" if errors[held] > 500_000 else ("none", "prompt", "probe", "fine_tune")[held]


# 9.4: an Enum and a generator
from enum import Enum


class Step(Enum):
    prompt = 0
    probe = 10
    fine_tune = 1000


def choose_intervention(base, prompt, probe, fine_tune, n_labels):
    if not base < 0.95:
        return "none"
    name, held = "none", base
    for step, accuracy in zip(Step, (prompt, probe, fine_tune), strict=True):
        if n_labels >= step.value and accuracy >= 1 - 0.8 * (1 - held):
            name, held = step.name, accuracy
    return {True: "domain_model", False: name}[held < 0.5]
