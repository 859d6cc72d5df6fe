"""What does a bug look like from outside? Each of the known bugs is put into the running code, and measured.

Of most of them the score says nothing: a CLIP with a bug learns. What tells are questions whose answer is known.
"""

import math
from dataclasses import replace

from .bugs.evidence import signs_of
from .bugs.known import BUGS, PLACES, broken
from .bugs.plain import FEW
from .harness import Bar, Lab

SCORE, LEARNED = "training: zero-shot", 0.9
GROUPS_TOLD = sorted({bug.symptom.row.partition(": ")[0] for bug in BUGS.values()})


def measured_with(name: str, seed: int, fast: bool) -> dict[str, float]:
    """The signs that matter for a bug: those of the symptom's group, and the score; fast, only the first."""
    groups = dict.fromkeys([BUGS[name].symptom.row.partition(": ")[0], *["training"] * (not fast)])
    with broken(name):
        return {sign: value for group in groups for sign, value in signs_of(group, seed, FEW * fast).items()}


def bugs(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The symptom of each bug, "NAME: SIGN", beside the healthy one's, "healthy: SIGN"; and their scores.

    A score stands under the place of the bug: the share of pictures named rightly after a short training with it.
    """
    tell("healthy")
    healthy = {sign: value for group in GROUPS_TOLD for sign, value in signs_of(group, seed, FEW * fast).items()}
    told, scores = dict[str, float](), dict[str, float]()
    for place, some in PLACES.items():
        scores[f"{place}: healthy"] = healthy[SCORE]
        for name, bug in some.items():
            tell(name)
            signs = measured_with(name, seed, fast)
            told |= {f"{name}: {bug.symptom.row}": signs[bug.symptom.row],
                     f"healthy: {bug.symptom.row}": healthy[bug.symptom.row]}  # fmt: skip
            if SCORE in signs:
                scores[f"{place}: {name}"] = signs[SCORE]
    with_one = [score for row, score in scores.items() if not row.endswith(": healthy")]
    return scores | {"learns with a bug": sum(score >= LEARNED for score in with_one) / len(with_one)} | told


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
    "What does a bug look like from outside? The score after a short training with each",
    bugs,
    bars(),
    [f"{place}: {name}" for place, some in PLACES.items() for name in ("healthy", *some)],
)
