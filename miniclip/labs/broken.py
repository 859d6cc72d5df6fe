"""What does a bug look like from outside? Each of the known bugs is put into the running code, and measured.

Of most of them the score says nothing: a CLIP with a bug learns. What tells are questions whose answer is known.
"""

import math
from dataclasses import replace

from .bugs.evidence import curve_of, of_curve, signs_of
from .bugs.known import BUGS, PLACES, broken
from .bugs.plain import FEW
from .harness import CURVE, Bar, Lab

SCORE, LEARNED = "training: zero-shot", 0.9
GROUPS_TOLD = sorted({bug.symptom.row.partition(": ")[0] for bug in BUGS.values()})


def measured_with(name: str, seed: int, fast: bool) -> dict[str, float]:
    """The signs that matter for a bug: those of the symptom's group, and the score; fast, only the first."""
    groups = dict.fromkeys([BUGS[name].symptom.row.partition(": ")[0], *["training"] * (not fast)])
    with broken(name):
        return {sign: value for group in groups for sign, value in signs_of(group, seed, FEW * fast).items()}


def bugs(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The symptom of each bug, "NAME: SIGN", beside the healthy one's, "healthy: SIGN"; and their scores.

    A score stands under the place of the bug: the share of pictures named rightly after a short training with it. Its
    loss on the way is in rows of its own.
    """
    tell("healthy")
    healthy = {sign: value for group in GROUPS_TOLD for sign, value in signs_of(group, seed, FEW * fast).items()}
    told, scores, curves = dict[str, float](), dict[str, float](), of_one("healthy", healthy)
    for place, some in PLACES.items():
        scores[f"{place}: healthy"] = healthy[SCORE]
        for name, bug in some.items():
            tell(name)
            signs = measured_with(name, seed, fast)
            told |= {f"{name}: {bug.symptom.row}": signs[bug.symptom.row],
                     f"healthy: {bug.symptom.row}": healthy[bug.symptom.row]}  # fmt: skip
            curves |= of_one(name, signs)
            if SCORE in signs:
                scores[f"{place}: {name}"] = signs[SCORE]
    with_one = [score for row, score in scores.items() if not row.endswith(": healthy")]
    return scores | {"learns with a bug": sum(score >= LEARNED for score in with_one) / len(with_one)} | told | curves


def of_one(name: str, signs: dict[str, float]) -> dict[str, float]:
    """The rows of a bug's loss, if it was trained with."""
    return {f"{CURVE}{name}: {sign}": signs[sign] for sign in of_curve() if sign in signs}


def losses(scores) -> tuple[dict[str, list[dict]], dict[str, str]]:
    """(name -> its loss as rows of a log, name -> the share named rightly): the healthy one, then the worst first."""
    means = {row: cells["mean"] for row, cells in scores.items()}
    named = {name: means.get(f"{place}: {name}", 0.0) for place, some in PLACES.items() for name in ("healthy", *some)}
    logs = {}
    for name in sorted(named, key=lambda name: (name != "healthy", named[name])):
        signs = {sign: means[row] for sign in of_curve() if (row := f"{CURVE}{name}: {sign}") in means}
        if signs:
            logs[name] = curve_of(signs)
    return logs, {
        name: f"{'✓' if named[name] >= LEARNED else '✗'} {named[name]:.0%}".replace("%", " %") for name in logs
    }


def bars() -> list[Bar]:
    """Each symptom is there, and the healthy one has none."""
    found = [
        Bar("the loss: healthy", "without a bug it learns", least=LEARNED),
        Bar("learns with a bug", "and with most bugs as well: a good score proves nothing", least=0.5),
    ]
    for name, bug in BUGS.items():
        sign = bug.symptom.row
        found.append(replace(bug.symptom, row=f"{name}: {sign}"))
        found.append(Bar(f"healthy: {sign}", "without the bug it is not so", *beyond(bug.symptom)))
    return found


def beyond(symptom: Bar) -> tuple[float, float]:
    """Least and most of what is no symptom."""
    return (-math.inf, symptom.least) if symptom.least > -math.inf else (symptom.most, math.inf)


LAB = Lab(
    "What does a bug look like from outside? The loss of a short training with each, and the share named rightly",
    bugs,
    bars(),
    [f"{place}: {name}" for place, some in PLACES.items() for name in ("healthy", *some)],
    losses=losses,
)
