"""f29: averaging prompts before they are normalised lets the long ones outvote the others."""

import math

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
    "Two prompts point up, one to the right, and that one is three times as long. Ask where the class should point. On "
    "the left the raw vectors are averaged and the long one wins; on the right each is first cut to length 1, so each "
    "has one vote. CLIP's own notebook does the second, then normalises once more, because a mean of unit vectors is "
    "shorter than 1. An article on prompt ensembles does the first. Then be fair: the caption tells how little it "
    "matters when all lengths are nearly alike, as they are after a layer norm."
)

PROMPTS = np.array([[length * math.cos(math.radians(angle)), length * math.sin(math.radians(angle))]
                    for length, angle in ((3.0, 30.0), (1.0, 88.0), (1.0, 106.0))])  # fmt: skip


def angle_of(vector) -> float:
    """Degrees above the first axis."""
    return math.degrees(math.atan2(vector[1], vector[0]))


def measured(model) -> dict[str, float]:
    """What the model does to its own prompts: the spread of the lengths, the angle between the two means."""
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
    rows: list[dict] = [
        {"what": name, "x": float(x), "y": float(y), "length": math.hypot(x, y), "angle": angle_of((x, y))}
        for name, (x, y) in (*((f"prompt {k + 1}", vector) for k, vector in enumerate(PROMPTS)),
                             ("mean before normalising", before), ("mean after normalising", after))
    ]  # fmt: skip
    rows.append({"what": "the model's prompts", **real})
    top = slide.title(
        f"One long prompt outvotes two short ones: the mean points at {angle_of(before):.0f}° before normalising, at "
        f"{angle_of(after):.0f}° after"
    )
    raw_mean, unit_mean = (before, NEGATIVE), (after, POSITIVE)
    if slide.wide:
        width, height = (slide.width - 2 * slide.em) / 2, slide.height - top - slide.em
        panel(slide, (slide.em, top, width, height), "average, then normalise", PROMPTS, {"mean": raw_mean})
        panel(slide, (slide.em + width, top, width, height), "normalise, then average", unit, {"mean": unit_mean})
    else:
        box = (slide.em, top, slide.width - 2 * slide.em, slide.height - top - slide.em)
        panel(slide, box, "mean before and after normalising", PROMPTS, {"before": raw_mean, "after": unit_mean})
    return Drawn(
        f"Three prompts of one class, of length {rows[0]['length']:.0f}, 1 and 1. Their mean points at "
        f"{angle_of(before):.1f}°; normalised first, it points at {angle_of(after):.1f}°. In the model shown, the "
        f"lengths of {len(SHAPES) * len(TEMPLATES)} prompts lie between {real['shortest']:.2f} and "
        f"{real['longest']:.2f}, and the two ways to make a class differ by at most {real['largest_angle']:.2f}°.",
        "Arrows from one point: a prompt of length 3 to the right and two of length 1 upwards. Their mean is a dashed "
        f"arrow at {angle_of(before):.0f}°. With all three cut to length 1, the mean is a solid arrow at "
        f"{angle_of(after):.0f}°.",
        rows,
    )


def panel(slide: Slide, box, heading: str, vectors, means) -> None:
    """The prompts as thin lines that end in a square; means: name -> (vector, colour), an arrow to the unit circle."""
    x, y, width, height = box
    left, across, up, room = -0.45, 3.35, 1.75, 2.2 * slide.em
    scale = min((width - slide.em) / across, (height - room) / up)
    inset, above = (width - scale * across) / 2, (height - room - scale * up) / 3
    slide.write(slide.sheet(box), width / 2, above, heading, weight="bold", ha="center")
    axes = slide.axes((x + inset, y + above + room, scale * across, scale * up))
    axes.set(xlim=(left, left + across), ylim=(-0.1, up - 0.1))
    axes.set_axis_off()
    circle = np.radians(np.linspace(0, 113, 61))
    axes.plot(np.cos(circle), np.sin(circle), color=slide.faint, linewidth=slide.line)
    for raw, vector in zip(PROMPTS, vectors, strict=True):
        axes.plot(*np.stack([vector, raw]).T, color=TEXT, linewidth=slide.line / 2, linestyle=(0, (1, 2)))
        axes.plot(*np.stack([np.zeros(2), vector]).T, color=TEXT, linewidth=slide.line)
        axes.plot(*vector, "s", color=TEXT, markersize=0.6 * slide.body, markeredgecolor=slide.paper)
    long, em = float(np.hypot(*vectors[0])), slide.em / scale
    spot = vectors[0] * (1.0 if long < 2 else 0.78) + np.array([0.8, -0.7]) * em
    slide.label(axes, float(spot[0]), float(spot[1]), f"length {long:.0f}")
    for name, (mean, colour) in means.items():
        tip = mean / np.hypot(*mean)
        look = {"arrowstyle": "-|>", "color": colour, "linewidth": 2 * slide.line, "mutation_scale": 1.3 * slide.body,
                "linestyle": "--" if colour == NEGATIVE else "-", "shrinkA": 0, "shrinkB": 0}  # fmt: skip
        axes.annotate("", xy=tip, xytext=(0, 0), arrowprops=look)
        spot = tip * (1 + 1.1 * em)
        slide.label(axes, float(spot[0]), float(spot[1]), f"{name} {angle_of(mean):.0f}°", weight="bold")
