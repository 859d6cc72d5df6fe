"""Fine-tuned on a few labels of another domain: what is learned there, and what is forgotten at home?

The pictures have their colours inverted, ten of each class are labelled, and no picture of home is trained on. The CLIP
is the one in the package. Home pictures with labels are used once, to choose how far to go along the line.
"""

from ..files.checkpoint import load
from ..model import Model
from ..train.fine_tune import FULL, PROBE, between, low_rank
from .domains import fine_tuned, labelled, tests, zero_shot_in
from .harness import Bar, Lab

DOMAIN, LABELS, STEPS = "inverted", 10, 200
SHARES = [i / 20 for i in range(21)]  # of the new weights
SHOWN = (0.2, 0.4, 0.6, 0.8)
ALLOWED = 0.02  # lost at home, on the pictures that choose


def forgetting(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share named rightly, in the domain and at home, after each way to fine-tune, and along the line.

    Only the last linear map of the image tower ("probe"), it first and then all ("probe then full"), four numbers for
    each row and column of a linear map ("low-rank"), all weights ("full"), and weights between old and new ("line").
    """
    old, known, steps = load(), labelled(seed, LABELS), 60 if fast else STEPS
    test, other = tests(seed, 256 if fast else 1024), labelled(seed + 1, 5 if fast else LABELS)

    def learn(name, way, begin=old):
        tell(name)
        return fine_tuned(begin, known, DOMAIN, seed, steps, way)

    models = {"before": old, "probe": learn("probe", PROBE)}
    models["probe then full"] = learn("probe then full", FULL, models["probe"])
    models["low-rank"] = learn("low-rank", low_rank(seed=seed))
    models["full"] = learn("full", FULL)
    tell("line")
    share = farthest(old, models["full"], other)
    models["line"] = between(old, models["full"], share)
    models |= {f"line, {some:.0%} new".replace("%", " %"): between(old, models["full"], some) for some in SHOWN}
    rows = {f"{place}: {name}": zero_shot_in(model, test, domain)
            for place, domain in ((DOMAIN, DOMAIN), ("home", "home")) for name, model in models.items()}  # fmt: skip
    for name in ("probe", "probe then full", "low-rank", "full", "line"):
        rows[f"gained: {name}"] = rows[f"{DOMAIN}: {name}"] - rows[f"{DOMAIN}: before"]
        rows[f"lost: {name}"] = rows["home: before"] - rows[f"home: {name}"]
    return rows | {"share of new weights": share}


def farthest(old: Model, new: Model, home) -> float:
    """The largest share of new weights at which home pictures, other than those of the test, lose no more than ALLOWED.

    A line goes up and down: the search ends where the first share loses more.
    """
    least, best = zero_shot_in(old, home, "home") - ALLOWED, 0.0
    for share in SHARES[1:]:
        if zero_shot_in(between(old, new, share), home, "home") < least:
            break
        best = share
    return best


LAB = Lab(
    "Fine-tuned on ten labels a class of inverted pictures: what is learned there, and what forgotten at home?",
    forgetting,
    [
        Bar("gained: line", "weights between old and new learn it", least=0.25),
        Bar("lost: line", "and forget little", most=0.03),
        Bar("lost: full", "all weights, with nothing against it, forget", least=0.20),
    ],
    [f"{place}: {name}" for place in (DOMAIN, "home")
     for name in ("before", "probe", "probe then full", "low-rank", "full", "line, 20 % new", "line, 40 % new",
                  "line, 60 % new", "line, 80 % new", "line")],
)  # fmt: skip
