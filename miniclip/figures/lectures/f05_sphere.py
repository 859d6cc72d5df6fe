"""f05: a gradient that meets a normalisation loses its part along the radius; the part along the sphere stays."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Circle

from ...data.pairs import batch
from ...nn.losses import info_nce_backward, info_nce_forward
from ...nn.ops import normalize_backward, normalize_forward
from ..page import decimal
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE, TEXT, Look
from . import Drawn

TITLE = "The gradient on the sphere"
NOTEBOOK = "05"
NOTE = (
    "Only directions count in a cosine, so ask: what happens to the image's vector if one makes it longer? Nothing. "
    "The backward of the normalisation knows it: it takes the arrow's part along the radius away and leaves the part "
    "along the sphere. Let the film run: opposite its caption the pull is nearly all radius and little is kept; at a "
    "right angle all is kept; close to the caption little is kept again. Those who forget this term get the right loss "
    "and wrong gradients, which only a gradient check will tell them."
)

START, STEP, MOST = math.radians(165), 0.12, 28  # where the walk begins, how far it goes at a time, most steps
TEXT_ANGLE = math.radians(60)  # where the caption is drawn
BATCH = 64


@dataclass(frozen=True)
class State:
    """Where the image stands: its angle to the caption, and how it came there."""

    angle: float
    how: str


def at(angle: float) -> np.ndarray:
    """The unit vector (x, y) of an angle."""
    return np.array([math.cos(angle), math.sin(angle)])


def frames(run) -> list[State]:
    pair = batch(0, "A", [0], run.model.tokenizer)
    cosine = (run.model.encode_image(pair.images) @ run.model.encode_text(pair.ids).T).item()
    last, caption = math.acos(cosine), at(0.0)
    states, angle = list[State](), START
    while angle > last and len(states) < MOST:
        states.append(State(angle, f"A walk from far away, step {len(states)}"))
        image, c = normalize_forward(at(angle))
        image, _ = normalize_forward(image - STEP * normalize_backward(-caption, c))
        angle = math.acos(float(image @ caption))
    return [*states, State(last, "Where training left a pair")]


def draw(slide: Slide, run, state: State) -> Drawn:
    image, caption = at(TEXT_ANGLE - state.angle), at(TEXT_ANGLE)
    unit, c = normalize_forward(image)
    kept = -normalize_backward(-caption, c)  # downhill, for the loss -cosine
    names = ("the whole pull", "along the radius: lost", "along the sphere: kept")
    before = (1.0, abs(float(unit @ caption)), float(np.linalg.norm(caption - (unit @ caption) * unit)))
    after = (float(np.linalg.norm(kept)), abs(float(unit @ kept)), float(np.linalg.norm(kept)))
    rows = [{"part": name, "before": round(b, 6), "after": round(a, 6)}
            for name, b, a in zip(names, before, after, strict=True)]  # fmt: skip
    lost = radial_share(run)
    rows += [{"part": "cosine of the pair", "before": math.cos(state.angle)},
             {"part": f"radial share of the gradient, {BATCH} pairs", "before": lost, "after": 0.0}]  # fmt: skip
    top = slide.title(f"Only the part along the sphere survives: {after[0]:.2f} of a pull of {before[0]:.2f}")
    legend = top if slide.wide else slide.height - 6.6 * slide.em
    draw_sphere(slide, top, legend, image, caption)
    draw_legend(slide, legend, state.how, rows[:3], lost)
    return Drawn(
        f"The pull of a caption on its picture, at cosine {decimal(math.cos(state.angle))}. Along the radius it "
        f"is {before[1]:.2f} long, after the normalisation's backward {after[1]:.2f}; along the sphere {before[2]:.2f} "
        f"and {after[2]:.2f}. In a batch of {BATCH} pairs {lost:.0%} of the squared gradient is lost.",
        f"A circle with an image and its text on it. An arrow from the image, the pull of the text, is split into "
        f"a dashed one of {before[1]:.2f} along the radius and a solid one of {before[2]:.2f} along the circle.",
        rows,
    )


def radial_share(run) -> float:
    """Of the squared length of the loss's gradient in the images' vectors, what lies along them: 0 to 1."""
    pairs = batch(0, "A", np.arange(BATCH), run.model.tokenizer)
    image, text = run.model.encode_image(pairs.images), run.model.encode_text(pairs.ids)
    gradient, _, _ = info_nce_backward(info_nce_forward(image, text, run.model.logit_scale)[1])
    return float(((gradient * image).sum(1) ** 2).sum() / (gradient**2).sum())


def draw_sphere(slide: Slide, top: float, bottom: float, image, caption) -> None:
    """The circle, both vectors, the pull and its two parts."""
    em = slide.em
    width = 0.58 * slide.width if slide.wide else slide.width - 3 * em
    height = (slide.height if slide.wide else bottom) - top - em
    axes = slide.axes((1.5 * em, top, width, height))
    axes.set_axis_off()
    unit = max(2.4 / height, 3.0 / width)  # of the data, per inch
    axes.set(xlim=(0.25 - unit * width / 2, 0.25 + unit * width / 2))
    axes.set(ylim=(0.12 - unit * height / 2, 0.12 + unit * height / 2))
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor=slide.muted, linewidth=slide.line / 2))
    for point, colour, shape in ((image, IMAGE, "o"), (caption, TEXT, "s")):
        axes.plot([0, point[0]], [0, point[1]], color=slide.muted, linewidth=slide.line / 2)
        axes.plot(*point, shape, color=colour, markersize=0.9 * slide.body, zorder=4)
    beside = 0.72 * at(math.atan2(image[1], image[0]) - math.radians(25))
    slide.label(axes, beside[0], beside[1], "image", ha="center")
    slide.label(axes, caption[0] - 0.3 * em * unit, caption[1] + 1.3 * em * unit, "text", ha="center")
    radius = (image @ caption) * image
    corner: Look = {"color": slide.faint, "linewidth": slide.line / 2}
    for part in (radius, caption - radius):
        axes.plot(*np.transpose([image + part, image + caption]), **corner)
    arrow(slide, axes, image, image + caption, slide.ink, "-")
    arrow(slide, axes, image, image + radius, NEGATIVE, "--")
    arrow(slide, axes, image, image + caption - radius, POSITIVE, "-", 1.8)


def arrow(slide: Slide, axes: Axes, start, end, colour: str, style, thick: float = 1.0) -> None:
    """From one point of the data to another."""
    look = {"arrowstyle": "-|>", "color": colour, "linestyle": style, "linewidth": thick * slide.line,
            "mutation_scale": slide.body, "shrinkA": 0, "shrinkB": 0}  # fmt: skip
    axes.annotate("", end, start, arrowprops=look, zorder=3)


def draw_legend(slide: Slide, top: float, how: str, parts: list[dict], lost: float) -> None:
    """The three arrows, and how long each is before and after the backward of the normalisation."""
    em, sheet = slide.em, slide.sheet()
    left = 0.61 * slide.width if slide.wide else 1.5 * em
    right, line = slide.width - 1.5 * em, (2.8 if slide.wide else 1.4) * em
    y = top + (1.5 * em if slide.wide else 0)
    used = slide.write(sheet, left, y, how, right - left, 1, weight="bold")
    if slide.wide:
        y += slide.write(sheet, left, y + used, "length: before → after", color=slide.muted)
    else:
        slide.write(sheet, right, y, "length: before → after", color=slide.muted, ha="right")
    looks = ((slide.ink, "-", 1.0), (NEGATIVE, "--", 1.0), (POSITIVE, "-", 1.8))
    for part, (colour, style, thick) in zip(parts, looks, strict=True):
        y += line
        numbers = f"{part['before']:.2f} → {part['after']:.2f}"
        sheet.plot([left, left + 1.7 * em], [y + 0.65 * em] * 2, style, color=colour, linewidth=thick * slide.line)
        used = slide.write(sheet, left + 2.2 * em, y, part["part"], right - left)
        if slide.wide:
            slide.write(sheet, left + 2.2 * em, y + used, numbers, weight="bold")
        else:
            slide.write(sheet, right, y, numbers, weight="bold", ha="right")
    if slide.wide:
        said = f"The whole loss, {BATCH} pairs: {lost:.0%} of the squared gradient lies along the radius and is lost."
        slide.write(sheet, left, y + 1.5 * line, said, right - left, 4, color=slide.muted)
