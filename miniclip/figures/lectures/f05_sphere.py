"""f05: a gradient that meets a normalisation loses its part along the radius; the part along the sphere stays."""

import math
from dataclasses import dataclass

import numpy as np
from matplotlib.patches import Circle

from ...data.pairs import batch
from ...nn.losses import info_nce_backward, info_nce_forward
from ...nn.ops import normalize_backward, normalize_forward
from ..page import decimal
from ..slide import Slide
from ..style import IMAGE, NEGATIVE, POSITIVE, TEXT, Look
from . import Drawn, paused

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
    right_angle = min(range(len(states)), key=lambda k: abs(states[k].angle - math.pi / 2))
    return [*paused(states, 0, right_angle), State(last, "Where training left a pair")]


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
    em, half = slide.em, slide.width / 2
    slide.write(slide.sheet(), 1.5 * em, top, state.how, color=slide.muted)
    low, over = slide.height - em if slide.wide else 0.6 * slide.height, top + 1.6 * em
    draw_sphere(slide, (1.5 * em, over, (half if slide.wide else slide.width) - 3 * em, low - over), image, caption)
    left, high = (half + 3 * em, top) if slide.wide else (5 * em, low)
    draw_shares(slide, (left, high, slide.width - left - 2.0 * em, slide.height - high - 4.2 * em), state, before)
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


def draw_sphere(slide: Slide, box, image, caption) -> None:
    """The circle, both vectors, the pull and its two parts."""
    axes = slide.axes(box)
    axes.set_axis_off()
    unit = max(2.4 / box[3], 3.0 / box[2])  # of the data, per inch
    axes.set(xlim=(0.35 - unit * box[2] / 2, 0.35 + unit * box[2] / 2))
    axes.set(ylim=(0.08 - unit * box[3] / 2, 0.08 + unit * box[3] / 2))
    axes.add_patch(Circle((0, 0), 1, fill=False, edgecolor=slide.muted, linewidth=slide.line / 2))
    radius, away = (image @ caption) * image, 2.4 * slide.em * unit
    sphere = (caption - radius) / np.linalg.norm(caption - radius)
    marks = ((image, IMAGE, "o", "image", image - away * sphere), (caption, TEXT, "s", "text", (1 - away) * caption))
    for point, colour, shape, name, place in marks:
        axes.plot([0, point[0]], [0, point[1]], color=slide.muted, linewidth=slide.line / 2)
        axes.plot(*point, shape, color=colour, markersize=0.9 * slide.body, zorder=4)
        slide.label(axes, place[0], place[1], name, ha="center", weight="bold", backgroundcolor=slide.paper, zorder=2)
    corner: Look = {"color": slide.faint, "linewidth": slide.line / 2}
    for part in (radius, caption - radius):
        axes.plot(*np.transpose([image + part, image + caption]), **corner)
    slide.arrow(axes, image, image + caption)
    slide.arrow(axes, image, image + radius, NEGATIVE, line="--")
    slide.arrow(axes, image, image + caption - radius, POSITIVE, 1.8)


def draw_shares(slide: Slide, box, state: State, parts) -> None:
    """How long both parts of the pull are at every angle, and where the image stands now."""
    em, angles = slide.em, np.linspace(0, math.pi, 91)
    axes = slide.axes(box, "angle between image and text")
    pulls = np.array([-normalize_backward(-at(0.0), normalize_forward(at(angle))[1]) for angle in angles])
    now = math.degrees(state.angle)
    axes.plot([now, now], [0, 1], ":", color=slide.muted, linewidth=slide.line / 2, zorder=1)
    for colour, line, curve, value in ((NEGATIVE, "--", np.abs(np.cos(angles)), parts[1]),
                                       (POSITIVE, "-", np.linalg.norm(pulls, axis=1), parts[2])):  # fmt: skip
        axes.plot(np.degrees(angles), curve, line, color=colour, linewidth=1.5 * slide.line)
        axes.plot([now], [value], "D", color=colour, markersize=0.8 * slide.body, markeredgecolor=slide.paper, zorder=4)
    share = 2 * em / box[3]  # of the height, for a line of text above and below
    letter = share / (1 - 2 * share) / 2  # in units of the data
    axes.set(xlim=(180, 0), ylim=(-2 * letter, 1 + 2 * letter))
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_xticks([180, 90, 0], ["180°", "90°", "0°"])
    slide.label(axes, 90, 1 + 1.1 * letter, f"along the sphere, kept: {parts[2]:.2f}", ha="center", weight="bold")
    slide.label(axes, 90, -1.1 * letter, f"along the radius, lost: {parts[1]:.2f}", ha="center", weight="bold")
