"""Can the loss of a larger run be told before it is trained?

What falls along a power law is not the loss but its distance from the lowest that is possible. Elsewhere that is fitted
with the rest (Hoffmann et al. 2022, arXiv:2203.15556, equation 2; of CLIP, Cherti et al. 2023, arXiv:2212.07143). Here
it is computed, from what the captions of the same batches leave open, and three numbers are left to fit:

    ln excess = a - alpha ln parameters - beta ln pairs        (a power of each: Kaplan et al. 2020, arXiv:2001.08361)

Pictures are seen by the package's image tower, which is locked (Zhai et al. 2022, arXiv:2111.07991): a run takes
seconds. What learns is a text tower and a map of the picture's embedding, at a constant rate: so one run gives the loss
after any number of pairs, of weights averaged over the last steps (Hägele et al. 2024, arXiv:2405.18392). Image towers
that begin with nothing wait until they see more than a style, each for as long as luck decides.

Its R^2 is 0.977, just under the bar (seeds 0 to 2: 0.979, 0.973, 0.978): lines bend, the narrowest tower's first. The
larger run, of 1.2 times the parameters and 3.3 times the pairs, is told to 7 % in the mean. It ends near there: if all
comes from the pairs it says 23 % too little, and with 1.4 times the parameters 14 % too much (seed 7, three runs each).
"""

from dataclasses import dataclass
from functools import cache
from itertools import chain

import numpy as np

from ..data.captions import pointwise_information, write_captions
from ..data.pairs import normalized_images
from ..data.world import Scenes, sample_scenes
from ..files.checkpoint import load
from ..machine.threads import cores_taken
from ..model import Model
from ..models.clip import INITIAL_LOGIT_SCALE, ClipConfig
from ..models.text import TextConfig, init_text
from ..nn.floors import caption_floor
from ..nn.layers import init_linear, linear_backward, linear_forward
from ..nn.losses import info_nce_forward
from ..nn.ops import normalize_backward, normalize_forward
from ..nn.tree import flatten
from ..tasks.evaluate import whole_batches
from ..tasks.shares import Scores
from ..train.clip import CAPS
from ..train.loop import Learner, Stage, fit
from ..train.sources import REFERENCE, World
from ..train.step import contrastive_loss, embed, send_back, text_side
from .harness import Bar, Chart, Curve, Lab

WIDTHS, LARGER = (8, 10, 12, 16), 18  # of the text tower, and dimensions of the common space
LENGTHS, FAST_LENGTHS = (100, 141, 200, 283, 400), (100, 141, 200)  # steps
TIMES = 4  # parameters x pairs of the larger run, in those of the largest that is fitted
BATCH, RATE, WARMUP = 64, 3e-3, 25
RUNS = 4  # of each size, from other weights: the geometric mean is measured
AVERAGED = 0.25  # of the steps, the last: over these weights are averaged
HELD_OUT = 2048  # pairs


def warmed_up(step: int, steps: int, warmup: int, peak: float) -> float:
    """Up a line, then the same rate in every step: whatever the number of steps, the first are the same."""
    return peak * min(1.0, (step + 1) / warmup)


@dataclass(frozen=True)
class Seen:
    """Pairs whose pictures were seen by a locked tower."""

    image: np.ndarray  # (N, D)
    ids: np.ndarray  # (N, T)


def seen_by(model: Model, scenes: Scenes, texts, source: World) -> Seen:
    """What a model makes of the pictures, a few at a time, and the texts' tokens."""
    parts = [slice(start, start + 2048) for start in range(0, len(scenes), 2048)]
    image = np.concatenate([model.encode_image(normalized_images(scenes[rows])) for rows in parts])
    return Seen(image, source.tokenizer.encode(texts))


class Locked:
    """A text tower of some width, and a map of what a locked tower has seen, into a space of as many dimensions."""

    def __init__(self, width: int, seen: int, source: World, rng):
        words = source.tokenizer
        text = TextConfig(words.vocab_size, words.context_length, width, 1, 2, eos_token_id=words.end)
        self.config = ClipConfig(load().config.vision, text, width)
        self.params = {"text": init_text(rng, text, width), "map": init_linear(rng, seen, width, bias=False),
                       "logit_scale": np.array(INITIAL_LOGIT_SCALE)}  # fmt: skip

    def contrast(self, pairs: Seen, rows, params):
        """loss, trees, metrics: as any objective."""
        x, c_map = linear_forward(pairs.image[rows], params["map"])
        image, c_norm = normalize_forward(x)
        side = text_side(pairs.ids[rows], params, self.config)
        ((text, caches),) = embed(side)
        loss, (dimage, dtext), dscale, metrics = contrastive_loss(image, text, params)
        _, g = linear_backward(normalize_backward(dimage, c_norm), c_map)
        return loss, chain(send_back([side], [dtext], [caches]), [{"map": g}, dscale]), metrics

    def loss(self, pairs: Seen, params) -> float:
        """The mean InfoNCE in whole batches."""
        image, _ = normalize_forward(linear_forward(pairs.image, params["map"])[0])
        with cores_taken:
            ((text, _),) = embed(text_side(pairs.ids, params, self.config))
        rows = whole_batches(len(image))
        return float(np.mean([info_nce_forward(image[part], text[part], params["logit_scale"])[0] for part in rows]))


def losses_at(model: Locked, training: Seen, held_out: Seen, lengths) -> list[float]:
    """The loss after each number of steps, of weights averaged over the last of them: one run, at a constant rate."""

    def objective(step, params):
        return model.contrast(training, slice(step * BATCH, (step + 1) * BATCH), params)

    stage = Stage("scaling", objective, max(lengths), tuple(model.params), RATE, WARMUP, schedule=warmed_up, caps=CAPS)
    learner = Learner(stage, model.params)
    begins = {length: round((1 - AVERAGED) * length) for length in lengths}
    total, sums, found = np.zeros(len(learner.theta)), {}, []

    def after(row):
        step = row["step"]
        total[...] += learner.theta
        if step in begins.values():
            sums[step] = total.copy()
        if step in begins:
            kept = learner.theta.copy()
            learner.theta[...] = (total - sums[begins[step]]) / (step - begins[step])
            found.append(model.loss(held_out, learner.params))
            learner.theta[...] = kept

    fit(learner, after)
    return found


def power_law(parameters, pairs, values) -> tuple[np.ndarray, float]:
    """(a, alpha, beta) of ln value = a - alpha ln parameters - beta ln pairs, by least squares; and R^2 of ln value."""
    x = np.stack([np.ones(len(values)), -np.log(parameters), -np.log(pairs)], axis=1)
    y = np.log(values)
    found = np.linalg.lstsq(x, y, rcond=None)[0]
    return found, float(1 - np.square(y - x @ found).sum() / np.square(y - y.mean()).sum())


def value_at(law, parameters, pairs):
    """What the law says."""
    return np.exp(law[0] - law[1] * np.log(parameters) - law[2] * np.log(pairs))


@cache
def parameters_of(width: int) -> int:
    """How many numbers learn."""
    model = Locked(width, load().config.embed_dim, World(0), np.random.default_rng(0))
    return sum(leaf.size for leaf in flatten(model.params).values())


def larger(lengths) -> tuple[int, int]:
    """(parameters, pairs) of the larger run."""
    size, most = parameters_of(LARGER), parameters_of(WIDTHS[-1]) * max(lengths) * BATCH
    return size, round(TIMES * most / size / BATCH) * BATCH


def tests_of(seed: int, source: World, reader: Model) -> tuple[Seen, float]:
    """Held-out pairs, and the lowest mean loss in whole batches of them that their captions allow."""
    scenes, reference = (sample_scenes(seed, "A", some) for some in (np.arange(HELD_OUT), -1 - np.arange(REFERENCE)))
    texts = write_captions(scenes)
    floors = [caption_floor(pointwise_information(texts[rows], scenes[rows], reference))
              for rows in whole_batches(HELD_OUT)]  # fmt: skip
    return seen_by(reader, scenes, texts, source), float(np.mean(floors))


def scaling(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """How far above its floor the loss is, by width and pairs; the law fitted to it; what it says of a larger run."""
    source, reader = World(seed), load()
    lengths, runs = (FAST_LENGTHS, 1) if fast else (LENGTHS, RUNS)
    held_out, floor = tests_of(seed, source, reader)
    _, most = larger(lengths)
    tell("pictures are seen by the locked tower")
    scenes = source.scenes(np.arange(most))
    training = seen_by(reader, scenes, source.write(scenes), source)
    excess: dict[tuple[int, int], float] = {}
    for width in (*WIDTHS, LARGER):
        tell(f"{width} wide")
        at = (most // BATCH,) if width == LARGER else lengths
        begun = (
            Locked(width, reader.config.embed_dim, source, np.random.default_rng([seed, 6, k])) for k in range(runs)
        )
        losses = np.array([losses_at(model, training, held_out, at) for model in begun])
        for step, value in zip(at, np.exp(np.log(losses - floor).mean(0)), strict=True):
            excess[width, step * BATCH] = float(value)
    return {row_of(*key): value for key, value in excess.items()} | fitted(excess, floor)


def row_of(width: int, pairs: int) -> str:
    """8 wide: 6,400 pairs"""
    return f"{width} wide: {pairs:,} pairs"


def fitted(excess: dict[tuple[int, int], float], floor: float) -> dict[str, float]:
    """The law of the small runs, what it says of the larger one, and the same of losses that keep their floor."""
    sizes = np.array([parameters_of(width) for width, _ in excess], float)
    pairs, values = np.array([n for _, n in excess], float), np.array(list(excess.values()))
    small, measured = slice(0, -1), values[-1]
    law, fit_of_excess = power_law(sizes[small], pairs[small], values[small])
    whole, fit_of_loss = power_law(sizes[small], pairs[small], values[small] + floor)
    predicted = float(value_at(law, sizes[-1], pairs[-1]))
    otherwise = float(value_at(whole, sizes[-1], pairs[-1]) - floor)
    return {
        "floor": floor,
        "law: R^2": fit_of_excess, "law: alpha, of parameters": float(law[1]), "law: beta, of pairs": float(law[2]),
        "larger: predicted": predicted, "larger: measured": float(measured),
        "larger: error": abs(predicted / measured - 1),
        "floor not taken off: R^2": fit_of_loss, "floor not taken off: predicted": otherwise,
        "floor not taken off: error": abs(otherwise / measured - 1),
    }  # fmt: skip


def curves_of(scores: Scores) -> list[Curve]:
    """Of each width what was measured and what the law says, of means over seeds."""
    found = {}
    for width in (*WIDTHS, LARGER):
        for row in scores:
            if row.startswith(f"{width} wide: "):
                found[width, int(row.split()[2].replace(",", ""))] = scores[row]["mean"]
    sizes = np.array([parameters_of(width) for width, _ in found], float)
    pairs, values = np.array([n for _, n in found], float), np.array(list(found.values()))
    said = value_at(power_law(sizes[:-1], pairs[:-1], values[:-1])[0], sizes, pairs)
    return [
        Curve(f"{size:,.0f} parameters", pairs[sizes == size], values[sizes == size], said[sizes == size])
        for size in dict.fromkeys(sizes.tolist())
    ]


LAB = Lab(
    "Can the loss of a run four times larger be told before it is trained?",
    scaling,
    [
        Bar("law: R^2", "small runs lie on a power law of parameters and pairs", least=0.98),
        Bar("larger: error", "it says where a run ends that is four times larger", most=0.10),
        Bar("floor not taken off: error", "a law of the loss itself, with its floor, does not", least=0.10),
    ],
    ["larger: predicted", "larger: measured", "floor not taken off: predicted"],
    chart=Chart("pairs seen", "loss above its floor, in nats", curves_of),
)
