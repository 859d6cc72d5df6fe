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
NOTEBOOK = "17"
NOTE = (
    "Two prompts point up, one to the right, and that one is three times as long. Ask where the class should point. If "
    "the vectors are averaged as they are, the long one wins; if each is first cut to length 1, each has one vote. "
    "CLIP's own notebook does the second, then normalises once more, because a mean of unit vectors is shorter than 1. "
    "An article on prompt ensembles does the first. Then be fair: the line below tells how little it matters when all "
    "lengths are nearly alike, as they are after a layer norm."
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
    draw_arrows(slide, top, unit, ((before, NEGATIVE, "--", "as they are"), (after, POSITIVE, "-", "cut to length 1")))
    said = (
        f"In this model all lengths lie between {real['shortest']:.2f} and {real['longest']:.2f}: the two means differ "
    )
    said += f"by at most {real['largest_angle']:.2f}°."
    margin, low = 1.5 * slide.em, slide.height - 3.8 * slide.em
    slide.write(slide.sheet(), margin, low, said, slide.width - 2 * margin, 2, color=slide.muted)
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


def draw_arrows(slide: Slide, top: float, unit, means) -> None:
    """The prompts as lines that end in a square, cut at the circle of length 1; means: (vector, colour, line, name)."""
    em, foot = slide.em, 4.4 * slide.em
    left, across, up = -0.85, 3.55, 1.85
    scale = min((slide.width - 3 * em) / across, (slide.height - top - foot) / up)
    inset, above = (slide.width - scale * across) / 2, (slide.height - top - foot - scale * up) / 2
    axes, letter = slide.axes((inset, top + above, scale * across, scale * up)), em / scale
    axes.set(xlim=(left, left + across), ylim=(-0.08, up - 0.08))
    axes.set_axis_off()
    circle = np.radians(np.linspace(0, 120, 61))
    axes.plot(np.cos(circle), np.sin(circle), color=slide.faint, linewidth=slide.line)
    slide.label(axes, 1 + 0.6 * letter, 0.02, "the circle of length 1", color=slide.muted)
    for raw, short in zip(PROMPTS, unit, strict=True):
        axes.plot(*np.stack([short, raw]).T, color=TEXT, linewidth=slide.line, linestyle=(0, (1, 1.5)))
        axes.plot(*np.stack([np.zeros(2), short]).T, color=TEXT, linewidth=slide.line)
        for place in (raw, short):
            axes.plot(*place, "s", color=TEXT, markersize=0.7 * slide.body, markeredgecolor=slide.paper)
    said = f"a prompt of length {np.hypot(*PROMPTS[0]):.0f}"
    slide.label(axes, PROMPTS[0, 0] + 0.5 * letter, PROMPTS[0, 1] + 1.1 * letter, said, ha="right", weight="bold")
    for k, word in enumerate(("two of", "length 1")):
        slide.label(axes, unit[2, 0] - 0.8 * letter, 1 - (1.25 * k - 0.3) * letter, word, ha="right", weight="bold")
    for vector, colour, line, name in means:
        tip = vector / np.hypot(*vector)
        slide.arrow(axes, (0, 0), tip, colour, 2.2, line)
        spot = tip * (1 + 0.9 * letter)
        slide.label(axes, float(spot[0]), float(spot[1]), f"{name}: {angle_of(vector):.0f}°", weight="bold")
