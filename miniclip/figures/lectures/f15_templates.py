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
from ..style import IMAGE, SKY
from . import Drawn

TITLE = "How many templates?"
NOTEBOOK = "09"
NOTE = (
    "Ask what an ensemble of prompts buys. Everybody says accuracy; look at the band as well. With one template the "
    "result hangs on which one you happened to write, with many on hardly anything. The templates of a subset are "
    "drawn from a pool much larger than the subset: near the whole pool all subsets would be alike, and the band "
    "would shrink for that reason alone. Those who believe that more is always better see the curve go flat after a "
    "few. And all of it moves up or down together on other pictures, by about the standard error that stands in the "
    "caption."
)

FRAMES = ("", "a picture of ", "a photo of ", "a sketch of ", "a painting of ", "a scan of ")
SIZES = ("a {}", "a small {}", "a large {}")
PLACES = ("", " at the top", " at the bottom", " on the left", " on the right", " in the centre")
POOL = tuple(frame + size + place for frame in FRAMES for size in SIZES for place in PLACES)
N, SUBSETS, COUNTS = 512, 40, (1, 2, 4, 8, 16, 32)


def measure(run) -> list[dict]:
    """For each number of templates: mean, deviation and range of the accuracy over random subsets of the pool."""
    scenes = sample_scenes(0, "B", np.arange(N))
    image, truth = run.model.encode_image(normalize(draw_scenes(scenes))), LABEL_SETS["colour and shape"][2](scenes)
    prompts = [prompt for group in build_prompts(CLASS_NAMES, POOL) for prompt in group]
    text = run.model.encode_text(prompts).reshape(len(CLASS_NAMES), len(POOL), -1)
    rng, rows = np.random.default_rng(0), []
    for count in COUNTS:
        weights = (normalize_forward(text[:, rng.permutation(len(POOL))[:count]].mean(1))[0] for _ in range(SUBSETS))
        found = np.array([((image @ w.T).argmax(1) == truth).mean() for w in weights])
        rows.append({"templates": count, "mean": float(found.mean()), "spread": float(found.std(ddof=1)),
                     "lowest": float(found.min()), "highest": float(found.max())})  # fmt: skip
    return rows


def plot(slide: Slide, box, rows) -> None:
    """The mean with its band of one deviation, and thin whiskers from the lowest to the highest subset."""
    axes = slide.axes(box, "templates in the ensemble", "", grid=True)
    percent = {name: 100 * np.array([row[name] for row in rows]) for name in rows[0]}
    mean, spread = percent["mean"], percent["spread"]
    axes.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    axes.fill_between(COUNTS, mean - spread, mean + spread, facecolor=SKY, alpha=0.35, hatch="//", edgecolor=SKY,
                      linewidth=0)  # fmt: skip
    axes.vlines(COUNTS, percent["lowest"], percent["highest"], color=slide.muted, linewidth=slide.line / 2)
    colour = IMAGE if slide.theme == "light" else slide.ink
    axes.plot(COUNTS, mean, "-o", color=colour, linewidth=slide.line, markersize=0.5 * slide.body,
              markeredgecolor=slide.paper, zorder=3)  # fmt: skip
    axes.set(xscale="log", xlim=(0.88, 1.14 * COUNTS[-1]))
    axes.set_xticks(COUNTS, [str(count) for count in COUNTS])
    axes.set_xticks([], minor=True)
    bottom, top = axes.get_ylim()
    axes.set_ylim(bottom - 0.2 * (top - bottom), top)
    names = ("mean of the subsets", f"band: one deviation, lines: all {SUBSETS} subsets")
    for k, (name, weight) in enumerate(zip(names, ("bold", "normal"), strict=True)):
        axes.annotate(name, (1, 0), (-0.5 * slide.body, (2.0 - 1.3 * k) * slide.body), "axes fraction", "offset points",
                      ha="right", fontsize=slide.body, color=slide.ink, fontweight=weight)  # fmt: skip


def draw(slide: Slide, run) -> Drawn:
    rows = measure(run)
    (first, last), error = (rows[0], rows[-1]), float(np.sqrt(rows[-1]["mean"] * (1 - rows[-1]["mean"]) / N))
    rows = [row | {"error": error} for row in rows]
    top = slide.title(
        f"Many templates mean less luck: spread {100 * first['spread']:.1f} points with {first['templates']}, "
        f"{100 * last['spread']:.1f} with {last['templates']}; the mean goes from {first['mean']:.1%} "
        f"to {last['mean']:.1%}"
    )
    name = slide.sheet((1.5 * slide.em, top, slide.width - 3 * slide.em, 2 * slide.em))
    slide.write(name, 0, 0, f"zero-shot accuracy in %, {len(CLASS_NAMES)} classes, {N} pictures")
    left, below, over = 4.5 * slide.em, 4.0 * slide.em, 2.2 * slide.em
    box = (left, top + over, slide.width - left - 2 * slide.em, slide.height - top - over - below)
    plot(slide, box, rows)
    return Drawn(
        f"Accuracy on {N} pictures of held-out combinations for {SUBSETS} random subsets of {len(POOL)} templates. One "
        f"template: mean {100 * first['mean']:.1f} %, deviation {100 * first['spread']:.2f}; {last['templates']}: "
        f"{100 * last['mean']:.1f} %, {100 * last['spread']:.2f}. The standard error from the number of pictures is "
        f"{100 * error:.1f} points, the same for all.",
        f"A line of mean accuracy against 1 to {last['templates']} templates with a hatched band that narrows: from "
        f"{first['mean']:.1%} plus or minus {100 * first['spread']:.1f} points to {last['mean']:.1%} plus or minus "
        f"{100 * last['spread']:.1f}. Thin vertical lines show the lowest and highest subset.",
        rows,
    )
