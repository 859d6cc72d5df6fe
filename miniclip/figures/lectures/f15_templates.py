"""f15: many templates instead of one: what the ensemble does to the mean accuracy, and what to its spread."""

import numpy as np
from matplotlib.ticker import MaxNLocator

from ...data.drawing import draw_scenes
from ...data.grammar import CLASS_NAMES
from ...data.pictures import normalize
from ...data.world import sample_scenes
from ...nn.ops import normalize_forward
from ...tasks.evaluate import LABEL_SETS
from ...tasks.zero_shot import build_prompts
from ..slide import Slide
from ..style import SKY, Look
from . import Drawn

TITLE = "How many templates?"
NOTEBOOK = "09"
NOTE = (
    "Ask what an ensemble of prompts buys. Everybody says accuracy; here the mean hardly moves, and the cloud narrows. "
    "Each dot is a set of templates drawn by lot. With one template the result hangs on which one you happened to "
    "write, with many on hardly anything. The pool is much larger than a set: near the whole pool all sets would be "
    "alike, and the cloud would narrow for that reason alone. And all of it moves up or down together on other "
    "pictures, by about the standard error that stands in the caption."
)

FRAMES = ("", "a picture of ", "a photo of ", "a sketch of ", "a painting of ", "a scan of ")
SIZES = ("a {}", "a small {}", "a large {}")
PLACES = ("", " at the top", " at the bottom", " on the left", " on the right", " in the centre")
POOL = tuple(frame + size + place for frame in FRAMES for size in SIZES for place in PLACES)
N, SUBSETS, COUNTS = 1024, 40, (1, 2, 4, 8, 16, 32)


def measure(run) -> dict[int, np.ndarray]:
    """For each number of templates: the accuracy of each of some random subsets of the pool."""
    scenes = sample_scenes(0, "B", np.arange(N))
    image, truth = run.model.encode_image(normalize(draw_scenes(scenes))), LABEL_SETS["colour and shape"][2](scenes)
    prompts = [prompt for group in build_prompts(CLASS_NAMES, POOL) for prompt in group]
    text = run.model.encode_text(prompts).reshape(len(CLASS_NAMES), len(POOL), -1)
    rng, found = np.random.default_rng(0), {}
    for count in COUNTS:
        weights = (normalize_forward(text[:, rng.permutation(len(POOL))[:count]].mean(1))[0] for _ in range(SUBSETS))
        found[count] = np.array([((image @ w.T).argmax(1) == truth).mean() for w in weights])
    return found


def plot(slide: Slide, box, found) -> None:
    """A dot for each subset, beside each other where they are equal, and a line through the means."""
    axes = slide.axes(box, "templates in the ensemble", f"right of {N:,} pictures, in %", grid=True)
    means = [100 * values.mean() for values in found.values()]
    for k, values in enumerate(found.values()):
        for value, n in zip(*np.unique(values, return_counts=True), strict=True):
            across = k + min(0.05, 0.8 / n) * (np.arange(n) - (n - 1) / 2)
            axes.plot(across, np.full(n, 100 * value), "o", color=SKY, markersize=0.45 * slide.body,
                      markeredgecolor=slide.paper, zorder=2)  # fmt: skip
    ink: Look = {"color": slide.ink, "markeredgecolor": slide.paper, "zorder": 3}
    axes.plot(range(len(means)), means, "-D", linewidth=slide.line, markersize=0.6 * slide.body, **ink)
    axes.set_xticks(range(len(found)), [str(count) for count in found])
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    low, high = axes.get_ylim()
    axes.set(xlim=(-0.5, len(means) - 0.5), ylim=(low, high))
    letter = slide.em / box[3] * (high - low)
    slide.label(axes, len(means) - 0.55, 100 * max(found[COUNTS[-1]]) + 1.2 * letter, "dot: a set", ha="right")
    slide.label(axes, len(means) - 0.55, 100 * min(found[COUNTS[-1]]) - 1.2 * letter, "line: mean", ha="right")


def draw(slide: Slide, run) -> Drawn:
    found = measure(run)
    error = float(np.sqrt(found[1].mean() * (1 - found[1].mean()) / N))
    rows = [{"templates": count, "mean": float(values.mean()), "spread": float(values.std(ddof=1)),
             "span": float(np.ptp(values)), "error": error} for count, values in found.items()]  # fmt: skip
    first, last = rows[0], rows[-1]
    top = slide.title(
        f"More templates leave less to luck: {SUBSETS} sets of one lie {100 * first['span']:.1f} points apart, of "
        f"{last['templates']} only {100 * last['span']:.1f}"
    )
    left, below = 5.8 * slide.em, 4.2 * slide.em
    plot(slide, (left, top, slide.width - left - 1.5 * slide.em, slide.height - top - below), found)
    return Drawn(
        f"Accuracy on {N} pictures of held-out combinations for {SUBSETS} random subsets of {len(POOL)} templates. One "
        f"template: mean {100 * first['mean']:.1f} %, deviation {100 * first['spread']:.2f}; {last['templates']}: "
        f"{100 * last['mean']:.1f} %, {100 * last['spread']:.2f}. The standard error from the number of pictures is "
        f"{100 * error:.1f} points, the same for all.",
        f"Six clouds of {SUBSETS} dots, for 1 to {last['templates']} templates, each narrower than the one before: the "
        f"first spans {100 * first['span']:.1f} points, the last {100 * last['span']:.1f}. A line through their means "
        f"is nearly level, from {first['mean']:.1%} to {last['mean']:.1%}.",
        rows,
    )
