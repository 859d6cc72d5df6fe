"""How a lab is run: several seeds, a mean with its interval, bars, and nothing lost that was measured."""

import csv
import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import CheckpointError, Interrupted, quote
from ..files.storage import commit, encode_json, lock, parse_json, read_manifest, read_verified
from ..machine.disk import as_folder
from ..machine.signals import interrupts
from ..tasks.shares import Scores

# Student's t: a mean of n seeds lies with 95 % certainty within t s / sqrt(n); by n - 1.
STUDENT_95 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)
RESULTS = "seed{}.json"
MEASURED = Path(__file__).with_name("measured")  # tables in the package, each of `miniclip lab NAME`, seeds 0 to 2
CURVE = "curve: "  # rows that are drawn and kept, and no score


@dataclass(frozen=True)
class Bar:
    """What a lab must show: the mean of a row is at least, or at most, so much; and what that means."""

    row: str
    claim: str
    least: float = -math.inf
    most: float = math.inf

    def met(self, scores: Scores) -> bool:
        """Is it?"""
        return self.least <= scores[self.row]["mean"] <= self.most


@dataclass(frozen=True)
class Curve:
    """What was measured at some places, and what a law says of them."""

    name: str
    x: Sequence[float]
    measured: Sequence[float]
    said: Sequence[float]


@dataclass(frozen=True)
class Chart:
    """What the axes are, both logarithmic, and the curves of some scores; the last is the one that was predicted."""

    x: str
    y: str
    curves: Callable[[Scores], Sequence[Curve]]


@dataclass(frozen=True)
class Lab:
    """A question, what measures the answer, and what the answer must be.

    Attributes
    ----------
    question : str
    measure : function of (seed, fast, tell) -> dict of row to number
        All randomness comes from the seed; with `fast` it takes seconds, and its numbers only have the right direction.
        tell(text) says what it does now.
    bars : sequence of Bar
    shown : sequence of rows
        Those of the figure, which has a panel for each beginning before a colon.
    examples : function of (seed, fast) -> list of str
        Single cases in words, for who reads the scores.
    chart : Chart, optional
        Drawn in the place of bars.
    losses : function of scores -> (dict of name to rows of a log, dict of name to words), optional
        Drawn in the place of bars. What they are made of is in rows that begin with "curve: ".
    """

    question: str
    measure: Callable[[int, bool, Callable[[str], None]], dict[str, float]]
    bars: Sequence[Bar]
    shown: Sequence[str]
    examples: Callable[[int, bool], list[str]] = lambda seed, fast: []
    chart: Chart | None = None
    losses: Callable[[Scores], tuple[dict[str, list[dict]], dict[str, str]]] | None = None


def said_of(bar: Bar, scores: Scores) -> str:
    """A line that says whether a bar is met, and by what."""
    wanted = f"at least {bar.least:.3g}" if bar.least > -math.inf else f"at most {bar.most:.3g}"
    return f"{'met' if bar.met(scores) else 'MISSED'}: {bar.row} {scores[bar.row]['mean']:z.3f}, {wanted}: {bar.claim}"


def run_lab(name: str, lab: Lab, out, seeds: Sequence[int] = (0, 1, 2), fast: bool = False,
            tell: Callable[[str], None] = lambda text: None) -> Scores:  # fmt: skip
    """Measure a lab for several seeds, and keep each in a folder: who gives the same command again goes on there.

    Parameters
    ----------
    out : str or Path
        The lab's folder; results of another lab in it are refused.

    Returns
    -------
    dict
        For each row its `mean`, between what it lies with 95 % certainty, `low` and `high`, and the value of each seed.

    Raises
    ------
    CheckpointError
        If the folder is in use, damaged, or holds something else.
    Interrupted
        After Ctrl-C or SIGTERM; the seeds that were measured are kept.
    """
    folder, about = as_folder(out), {"lab": name, "fast": fast}
    found: dict[int, dict[str, float]] = {}
    with lock(folder), interrupts() as caught:

        def told(text: str) -> None:
            tell(text)
            if caught:
                said = f"stopped; {len(found)} of {len(seeds)} seeds are kept in {quote(folder)}"
                raise Interrupted(caught[0], f"{said}: give the same command again")

        for seed in seeds:
            told(f"seed {seed}")
            rows = measured(folder, seed, about)
            if rows is None:
                rows = lab.measure(seed, fast, told)
                commit(folder, {RESULTS.format(seed): encode_json(about | {"rows": rows})})
            found[seed] = rows
        scores = with_intervals(found)
        commit(folder, {f"{name}.csv": as_table(scores)})
    return scores


def measured(folder: Path, seed: int, about: dict) -> dict[str, float] | None:
    """The rows of a seed that was measured before, or None."""
    name = RESULTS.format(seed)
    if not (folder / name).exists() or name not in read_manifest(folder):
        return None
    said = parse_json(read_verified(folder, name), folder / name)
    if {key: said.get(key) for key in about} != about:
        raise CheckpointError(f"{quote(folder)} holds another lab ({quote(said.get('lab'))}): choose another --out")
    return said["rows"]


def with_intervals(found: dict[int, dict[str, float]]) -> Scores:
    """Each row's mean over seeds, and between what it lies: mean +- t s / sqrt(n), s with n - 1; one seed has none."""
    scores: Scores = {}
    n = len(found)
    for row in next(iter(found.values())):
        values = {f"seed {seed}": rows[row] for seed, rows in found.items()}
        mean = math.fsum(values.values()) / n
        scores[row] = {"mean": mean}
        if n > 1:
            deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in values.values()) / (n - 1))
            around = STUDENT_95[min(n - 2, len(STUDENT_95) - 1)] * deviation / math.sqrt(n)
            scores[row] |= {"low": mean - around, "high": mean + around}
        scores[row] |= values
    return scores


def as_table(scores: Scores) -> bytes:
    """CSV: a row for each score."""
    text = io.StringIO()
    columns = list(dict.fromkeys(column for row in scores.values() for column in row))
    table = csv.DictWriter(text, ["row", *columns], lineterminator="\n")
    table.writeheader()
    table.writerows({"row": row} | cells for row, cells in scores.items())
    return text.getvalue().encode()


def known_scores(name: str) -> Scores:
    """What a lab found that takes too long for a figure: its table in the package."""
    with (MEASURED / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return {row.pop("row"): {column: float(value) for column, value in row.items()} for row in csv.DictReader(file)}
