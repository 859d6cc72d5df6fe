"""Pictures unlike those of training: what do prompts repair, what a few labels, and what only new weights?

Colours inverted, channels exchanged, pictures upside down, or only their edges. The classes keep their names, as a
radiograph is still of a hand. The CLIP is the one in the package.
"""

import numpy as np

from ..files.checkpoint import load
from ..nn.ops import log_softmax_forward, softmax_forward
from ..tasks.probes import cache_scores, probe_scores, ridge_probe
from ..tasks.zero_shot import TEMPLATES, zero_shot_weights
from .domains import (
    DOMAINS,
    NAMES,
    accuracy_of,
    amount,
    classes_of,
    fine_tuned,
    labelled,
    pictures_of,
    tests,
    zero_shot_in,
)
from .harness import Bar, Lab

LABELS = (1, 5, 10, 50)  # of each class
FEW = 10
TEMPERATURES = np.geomspace(1e-3, 1.0, 200)  # a cosine over one of these is a logit


def out_of_domain(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share of pictures named rightly, by domain and by what was done about it.

    One prompt or all templates; a linear probe or a cache of 1 to 50 labelled pictures of each class in the domain; all
    weights fine-tuned on 10 of each. Beside them how sure the prompts are of what they say, and their calibration error
    before and after a temperature was fitted to the labelled pictures.
    """
    model, test, rows = load(), tests(seed, 256 if fast else 1024), dict[str, float]()
    weights = {name: zero_shot_weights(model, NAMES, some)
               for name, some in (("one prompt", ("a {}",)), ("all templates", TEMPLATES))}  # fmt: skip
    for domain in DOMAINS:
        tell(domain)
        seen = model.encode_image(pictures_of(test, domain))
        found = {name: accuracy_of(seen @ some.T, test) for name, some in weights.items()}
        for n in (FEW,) if fast else LABELS:
            known = labelled(seed, n)
            there, labels = model.encode_image(pictures_of(known, domain)), classes_of(known)
            probe = ridge_probe(there, labels, len(NAMES))
            found[f"probe, {amount(n)}"] = accuracy_of(probe_scores(probe, seen), test)
            found[f"cache, {amount(n)}"] = accuracy_of(cache_scores(seen, there, labels, len(NAMES)), test)
        tuned = fine_tuned(model, labelled(seed, FEW), domain, seed, 20 if fast else 300)
        found[f"fine-tuned, {amount(FEW)}"] = zero_shot_in(tuned, test, domain)
        few = model.encode_image(pictures_of(labelled(seed, FEW), domain))
        found |= sureness(seen @ weights["one prompt"].T, test, few @ weights["one prompt"].T, labelled(seed, FEW),
                          np.exp(model.logit_scale))  # fmt: skip
        rows |= {f"{domain}: {name}": value for name, value in (found | gains(found)).items()}
    return rows


def gains(found: dict[str, float]) -> dict[str, float]:
    """How much more is right than with one prompt."""
    few = max(found[f"{way}, {amount(FEW)}"] for way in ("probe", "cache"))
    ways = {
        "templates": found["all templates"],
        amount(FEW): few,
        "fine-tuning": found[f"fine-tuned, {amount(FEW)}"],
    }
    return {f"{way} gain": score - found["one prompt"] for way, score in ways.items()}


def sureness(cosines, test, known_cosines, known, scale: float) -> dict[str, float]:
    """Mean confidence and calibration error of the prompts, as they are and after the temperature that fits best."""
    found, best = {}, fitted_temperature(known_cosines, known)
    for name, temperature in (("", 1.0 / scale), (" after a temperature", best)):
        p = softmax_forward(cosines / temperature)[0]
        found[f"confidence{name}"] = float(p.max(1).mean())
        found[f"calibration error{name}"] = calibration_error(p, p.argmax(1) == classes_of(test))
    return found


def fitted_temperature(cosines, known) -> float:
    """The one of TEMPERATURES by which labelled pictures are called what they are most likely. cosines (B, K)"""
    right = np.arange(len(known)), classes_of(known)
    return float(min(TEMPERATURES, key=lambda t: -log_softmax_forward(cosines / t)[0][right].mean()))


def calibration_error(probabilities, right, bins: int = 15) -> float:
    """sum over bins: share of pictures |accuracy - confidence|. Source: Guo et al. 2017, arXiv:1706.04599, eq. 3."""
    many, sure, share = reliability(probabilities, right, bins).T
    return float(many @ abs(share - sure) / many.sum())


def reliability(probabilities, right, bins: int) -> np.ndarray:
    """How many pictures, their mean confidence, the share that is right: (R, 3), a row for each bin that has any."""
    confidence, right = probabilities.max(1), np.asarray(right, float)
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    inside = [place == b for b in np.unique(place)]
    return np.array([[rows.sum(), confidence[rows].mean(), right[rows].mean()] for rows in inside])


WAYS = ("one prompt", "all templates", f"probe, {amount(FEW)}", f"cache, {amount(FEW)}", f"fine-tuned, {amount(FEW)}")
LAB = Lab(
    "Pictures unlike those of training: what do prompts repair, what a few labels, what only new weights?",
    out_of_domain,
    [
        *(Bar(f"{domain}: templates gain", "no wording repairs it", most=0.03)
          for domain in ("inverted", "channels exchanged", "edges")),
        *(Bar(f"{domain}: {amount(FEW)} gain", "ten labels of each class do", least=0.25)
          for domain in ("inverted", "channels exchanged")),
        Bar(f"edges: {amount(FEW)} gain", "not even these repair edges", most=0.25),
        Bar("edges: fine-tuning gain", "new weights do", least=0.25),
    ],
    [f"{domain}: {way}" for domain in DOMAINS for way in WAYS],
)  # fmt: skip
