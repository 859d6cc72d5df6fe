"""Scores that know how sure they are."""

import math
from collections.abc import Mapping

Scores = dict[str, dict[str, float]]  # rows of scores; in each the columns, a model and its baselines
INTERVAL = ("low", "high", "n")  # columns that say how sure the first one is
NORMAL_95 = 1.959964  # the normal distribution has 95 % of its mass within so many deviations


class Share(float):
    """How many of n items are right: a number from 0 to 1 that knows its n."""

    n: int

    def __new__(cls, right) -> "Share":
        right = [bool(one) for one in right]
        share = super().__new__(cls, sum(right) / len(right))
        share.n = len(right)
        return share

    @property
    def interval(self) -> tuple[float, float]:
        """Where the share of all items lies, with 95 % certainty.

        (p + z^2 / 2n +- z sqrt(p (1 - p) / n + z^2 / 4n^2)) / (1 + z^2 / n), z = 1.96. Source: Wilson 1927,
        doi:10.1080/01621459.1927.10502953; right also where all or none of the items are.
        """
        p, n, z = float(self), self.n, NORMAL_95
        middle, around = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
        low, high = (middle - around) / (1 + z * z / n), (middle + around) / (1 + z * z / n)
        return max(min(low, p), 0.0), min(max(high, p), 1.0)  # but for rounding they are


def over_seeds(tables: Mapping[int, Scores]) -> Scores:
    """Each score of several tables: its mean, the lowest and the highest, the value of each seed.

    A row with several columns becomes several rows. `n` is how many items there are in all. A row that a table lacks,
    since nothing of its kind was asked there, is left out.
    """
    found: Scores = {}
    first, *rest = tables.values()
    for row, cells in first.items():
        if not all(row in table for table in rest):
            continue
        columns = [column for column in cells if column not in INTERVAL]
        for column in columns:
            values = {f"seed {seed}": table[row][column] for seed, table in tables.items()}
            about = {"mean": sum(values.values()) / len(values), "lowest": min(values.values()),
                     "highest": max(values.values())}  # fmt: skip
            counted = {"n": sum(table[row]["n"] for table in tables.values())} if "n" in cells else {}
            found[row if len(columns) == 1 else f"{row}: {column}"] = about | counted | values
    return found


def table_of(columns: Mapping[str, Mapping[str, float]]) -> Scores:
    """Columns of scores as rows; with a share in the first column also its `n` and its interval, `low` to `high`."""
    table: Scores = {}
    for name, scores in columns.items():
        for row, score in scores.items():
            table.setdefault(row, {})[name] = float(score)
    for row, score in next(iter(columns.values())).items():
        if isinstance(score, Share):
            low, high = score.interval
            table[row] |= zip(INTERVAL, (low, high, float(score.n)), strict=True)
    return table
