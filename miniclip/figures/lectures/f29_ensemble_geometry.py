"""f29: averaging prompts before they are normalised lets the long ones outvote the others."""

import math
from functools import partial

import numpy as np

from ...data.world import SHAPES
from ...models.clip import encode_text_forward
from ...nn.ops import normalize_forward
from ...tasks.zero_shot import TEMPLATES, build_prompts, ensemble
from ..slide import Slide
from ..style import NEGATIVE, POSITIVE, TEXT
from . import Drawn

TITLE = "The mean of several prompts"
NOTEBOOK = "09"
NOTE = (
    "Two prompts point up, one points right, and that one is three times as long. Ask where the class should point. On "
    "the left the raw vectors are averaged and the long one wins; on the right each is first cut to length 1, so each "
    "has one vote. CLIP's own notebook does the second, then normalises once more, because a mean of unit vectors is "
    "shorter than 1. An article on prompt ensembles does the first. Then be fair: the caption tells how little it "
    "matters when all lengths are nearly alike, as in a model whose last step is a layer norm."
)

PROMPTS = np.array([[length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))]
                    for length, angle in ((3.0, 10.0), (1.0, 70.0), (1.0, 88.0))])  # fmt: skip


def angle_of(vector) -> float:
    """Degrees above the first axis."""
    return math.degrees(math.atan2(vector[1], vector[0]))


def measured(model) -> dict[str, float]:
    """What the model does to its own prompts: the spread of the lengths, and the angle between the two class vectors."""
    prompts = build_prompts(SHAPES)
    ids = model.tokenizer.encode([prompt for group in prompts for prompt in group])
    unit, cache = encode_text_forward(ids, model.params, model.config)
    lengths = cache["normalize_text"][1]
    raw = (unit * lengths).reshape(len(SHAPES), len(TEMPLATES), -1)
    before = normalize_forward(raw.mean(1))[0]
    cosines = (before * ensemble(raw)).sum(1)
    return {
        "shortest": float(lengths.min()),
        "longest": float(lengths.max()),
        "largest_angle": math.degrees(math.acos(min(1.0, float(cosines.min())))),
    }


def draw(slide: Slide, run) -> Drawn:
    unit = normalize_forward(PROMPTS)[0]
    before, after = PROMPTS.mean(0), unit.mean(0)
    real = measured(run.model)
    rows = [{"what": f"prompt {k + 1}", "x": float(x), "y": float(y), "length": math.hypot(x, y), "angle": angle_of((x, y))}
            for k, (x, y) in enumerate(PROMPTS)]  # fmt: skip
    rows += [{"what": name, "x": float(v[0]), "y": float(v[1]), "length": math.hypot(*v), "angle": angle_of(v)}
             for name, v in (("mean before normalising", before), ("mean after normalising", after))]  # fmt: skip
    rows.append({"what": "the model's prompts", **real})
    top = slide.title(
        f"One long prompt outvotes two short ones: the mean points at {angle_of(before):.0f}° before normalising, at "
        f"{angle_of(after):.0f}° after"
    )
    width, height = (slide.width - 2 * slide.em) / 2, slide.height - top - slide.em
    look = {"before": ("mean of raw vectors", PROMPTS, before), "after": ("normalise, then mean", unit, after)}
    place = partial(panel, slide, wrong=look["before"][2], right=look["after"][2])
    for k, (heading, vectors, mean) in enumerate(look.values()):
        place((slide.em + k * width, top, width, height), heading, vectors, mean)
    return Drawn(
        f"Three prompts of one class, of length {rows[0]['length']:.0f}, 1 and 1. Their mean points at "
        f"{angle_of(before):.1f}°; normalised first, it points at {angle_of(after):.1f}°. In the model that is shown, the "
        f"lengths of {len(SHAPES) * len(TEMPLATES)} prompts lie between {real['shortest']:.2f} and {real['longest']:.2f}, "
        f"and the two class vectors differ by at most {real['largest_angle']:.2f}°.",
        f"Two panels of arrows from one point. Left, a prompt of length 3 at 10° and two of length 1 near 80°; their mean "
        f"is at {angle_of(before):.0f}°. Right, all three have length 1 and their mean is at {angle_of(after):.0f}°.",
        rows,
    )


def panel(slide: Slide, box, heading: str, vectors, mean, wrong, right) -> None:
    """The prompts as thin arrows that end in a square, their mean as a thick one that reaches the unit circle."""
    x, y, width, height = box
    room, bad = 2.2 * slide.em, mean is wrong
    slide.write(slide.sheet(box), width / 2, 0, heading, weight="bold", ha="center")
    across, up = 3.4, 1.5
    scale = min((width - slide.em) / across, (height - room) / up)
    wide, tall = scale * across, scale * up
    axes = slide.axes((x + (width - wide) / 2, y + room + (height - room - tall) / 2, wide, tall))
    axes.set(xlim=(-0.15, across - 0.15), ylim=(-0.15, up - 0.15))
    axes.set_axis_off()
    circle = np.radians(np.linspace(0, 90, 61))
    axes.plot(np.cos(circle), np.sin(circle), color=slide.faint, linewidth=slide.line)
    for vector in vectors:
        axes.plot(*np.stack([np.zeros(2), vector]).T, color=TEXT, linewidth=slide.line)
        axes.plot(*vector, "s", color=TEXT, markersize=0.6 * slide.body, markeredgecolor=slide.paper)
    tip = mean / np.hypot(*mean)
    arrow = {"arrowstyle": "-|>", "color": NEGATIVE if bad else POSITIVE, "linewidth": 2 * slide.line,
             "linestyle": "--" if bad else "-", "mutation_scale": 1.3 * slide.body, "shrinkA": 0, "shrinkB": 0}  # fmt: skip
    axes.annotate("", xy=tip, xytext=(0, 0), arrowprops=arrow)
    slide.label(axes, 1.12 * tip[0], 1.12 * tip[1], f"{angle_of(mean):.0f}°", weight="bold")
