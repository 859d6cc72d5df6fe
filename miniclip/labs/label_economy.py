"""What is a caption worth that was found, beside a label that was bought?

Three ways to a classifier of the world's pictures: the CLIP in the package, which saw captions and not one label; a
linear probe on its embeddings; and the same image tower with a linear head, which sees labels alone.
"""

import math
from functools import partial

import numpy as np

from ..data.world import Scenes
from ..files.checkpoint import load
from ..machine.threads import in_parallel
from ..models.vision import VisionConfig, init_vision, vision_backward, vision_forward
from ..nn.decoder_ops import cross_entropy_backward, cross_entropy_forward
from ..tasks.probes import probe_scores, ridge_probe
from ..train.loop import Learner, Stage, fit
from ..train.objectives import at_least_two
from .domains import BATCH, NAMES, accuracy_of, amount, classes_of, labelled, pictures_of, tests, zero_shot_in
from .harness import Bar, Lab

LABELS = (1, 10, 30, 100, 1000)  # of each class
FAST = (10,)
STEPS = 300
CLOSE = 0.01  # what is no more than a point behind has reached it
PAIRS = 2400 * 128  # that the CLIP in the package was trained on
CAPTION, LABEL = 0.001, 0.05  # prices: of a pair that was found, and of a label that was bought; any unit


def label_economy(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share named rightly by number of labels, and where one way overtakes another.

    A crossing is a number of labels of each class, or the largest that was tried, where it lies beyond. The last rows
    are the number of such tasks from which on captions, found once for all of them, cost less than labels for each; and
    for one task, how many captions cost as much as a label where both ways cost the same.
    """
    model, test = load(), tests(seed, 512 if fast else 1024)
    seen, amounts = model.encode_image(pictures_of(test, "home")), FAST if fast else LABELS
    zero = zero_shot_in(model, test, "home")
    probe, scratch = [], []
    for n in amounts:
        tell(f"{amount(n)} of each class")
        known = labelled(seed, n)
        some = known[:: -(-len(known) // 10_000)]  # enough for a probe of 65 numbers a class
        weights = ridge_probe(model.encode_image(pictures_of(some, "home")), classes_of(some), len(NAMES))
        probe.append(accuracy_of(probe_scores(weights, seen), test))
        scratch.append(supervised(known, test, model.vision, seed, 60 if fast else STEPS))
    found = {"zero-shot": zero} | {f"{way}, {amount(n)}": score for way, scores in
                                   (("probe", probe), ("supervised", scratch))
                                   for n, score in zip(amounts, scores, strict=True)}  # fmt: skip
    found["probe gain"] = found["probe, 10 labels"] - found["supervised, 10 labels"]
    return found | crossings(amounts, zero, probe, scratch)


def supervised(known: Scenes, test: Scenes, config: VisionConfig, seed: int, steps: int) -> float:
    """The share of the test named rightly by a tower that learned from labels alone: its last map makes the logits."""
    order, labels = np.random.default_rng([seed, 4]), classes_of(known)
    start = {"visual": init_vision(np.random.default_rng([seed, 0]), config, len(NAMES))}

    def objective(step, params):
        rows = order.choice(len(known), min(BATCH, len(known)), replace=False)
        return classification(pictures_of(known[rows], "home"), labels[rows], params, config)

    learner = Learner(Stage("supervised", objective, steps, ("visual",), warmup=steps // 5), start)
    fit(learner)
    images = pictures_of(test, "home")
    logits = [vision_forward(part, learner.params["visual"], config)[0] for part in np.array_split(images, 8)]
    return accuracy_of(np.concatenate(logits), test)


def classification(images, labels, params, config: VisionConfig):
    """loss, trees, no metrics: -ln softmax(logits)[label], in parts that add up."""

    def job(rows):
        logits, c = vision_forward(images[rows], params["visual"], config)
        loss, c_loss = cross_entropy_forward(logits, labels[rows])
        weight = logits.dtype.type(len(logits) / len(labels))
        return float(weight * loss), {"visual": vision_backward(weight * cross_entropy_backward(c_loss), c)[1]}

    losses, trees = zip(*in_parallel(partial(job, rows) for rows in at_least_two(len(labels))), strict=True)
    return sum(losses), trees, {}


def crossings(amounts, zero: float, probe, scratch, caption: float = CAPTION, label: float = LABEL) -> dict[str, float]:
    """Labels of each class where one way overtakes another, and tasks where captions cost less than labels.

    caption, label: their prices.
    """
    found = {
        "supervised reaches the probe": crossing(amounts, np.subtract(scratch, probe)),
        "supervised reaches zero-shot": crossing(amounts, np.subtract(scratch, zero - CLOSE)),
    }
    labels = found["supervised reaches zero-shot"] * len(NAMES)
    return {f"crossing: {name}": value for name, value in found.items()} | {
        "crossing: tasks that pay for captions": PAIRS * caption / (labels * label),
        "crossing: captions that do what a label does": PAIRS / labels,
    }


def crossing(amounts, ahead) -> float:
    """Where `ahead` first is 0, on a line between its values over the logarithm of the amounts; else the largest."""
    for i, value in enumerate(ahead):
        if value >= 0:
            if not i:
                return float(amounts[0])
            share = -ahead[i - 1] / (value - ahead[i - 1])
            a, b = math.log(amounts[i - 1]), math.log(amounts[i])
            return math.exp(a + share * (b - a))
    return float(amounts[-1])


LAB = Lab(
    "What is a caption worth that was found, beside a label that was bought?",
    label_economy,
    [
        Bar(
            "probe gain",
            "what captions taught saves labels: a probe on ten of each class, beside the tower on them",
            least=0.10,
        ),
        Bar("crossing: supervised reaches the probe", "labels alone catch up, but not with one of each class", least=2),
    ],
    ["zero-shot", *(f"{way}, {amount(n)}" for way in ("probe", "supervised") for n in LABELS)],
)
