"""f30: what the loss does to each image: its exact gradient as a force, at three temperatures."""

import math

import numpy as np

from ...nn.losses import info_nce_backward, info_nce_forward
from ..page import width_of
from ..slide import Slide
from ..style import IMAGE, ROSE, TEXT
from . import Drawn

TITLE = "Forces on the embeddings"
NOTEBOOK = "05"
NOTE = (
    "Four pairs on a circle; ask which images the loss will move. Pair A is matched and alone. Image B lies nearer to "
    "text C than to its own. Image D is far from its text, but farther from all others. At scale 1 all are pulled, "
    "even A. At 100 only B and C are: image B picks text C, text C picks image B. D is left alone, far off as it is: "
    "the loss asks for the right order, not for closeness. The arrows are the rows of minus dL/dI, straight from the "
    "backward pass, not projected on the circle: normalising leaves the part along it. Each panel has its own unit of "
    "length, because the scale multiplies the gradient."
)

NAMES = "ABCD"
IMAGES = np.radians([150.0, 42.0, 8.0, 312.0])
TEXTS = np.radians([168.0, 66.0, 30.0, 240.0])
SCALES = (1.0, 1 / 0.07, 100.0)
LONGEST = 0.6  # of an arrow, in radii
HALF = 1.45  # of a panel, in radii


def unit(angles) -> np.ndarray:
    """Points of the unit circle, (n, 2)."""
    return np.stack([np.cos(angles), np.sin(angles)], 1)


def forces(scale: float) -> np.ndarray:
    """-dL/dI of the toy pairs at a scale, (B, 2)."""
    _, cache = info_nce_forward(unit(IMAGES), unit(TEXTS), math.log(scale))
    return -info_nce_backward(cache)[0]


def draw(slide: Slide, run) -> Drawn:
    found = [forces(scale) for scale in SCALES]
    sizes = np.linalg.norm(found, axis=2)
    shares = sizes / sizes.sum(1, keepdims=True)
    rows = [{"scale": round(scale, 4), "image": NAMES[i], "force_x": float(f[i, 0]), "force_y": float(f[i, 1]),
             "force": float(sizes[k, i]), "share": float(shares[k, i])}
            for k, (scale, f) in enumerate(zip(SCALES, found, strict=True)) for i in range(len(NAMES))]  # fmt: skip
    apart = abs(math.degrees(IMAGES[-1] - TEXTS[-1]))
    top = slide.title(
        f"Scale 1 pulls every image, scale 100 only where a wrong match wins: D, {apart:.0f}° from its text, gets "
        f"{shares[0, -1]:.0%} of all force, then {shares[-1, -1]:.0%}"
    )
    shown = range(len(SCALES)) if slide.wide else (0, len(SCALES) - 1)
    for k, box in zip(shown, places(slide, top, len(shown)), strict=True):
        panel(slide, box, SCALES[k], found[k])
    legend(slide)
    listed = "; ".join(
        f"at scale {scale:.3g} " + ", ".join(f"{name} {share:.1%}" for name, share in zip(NAMES, row, strict=True))
        for scale, row in zip(SCALES, shares, strict=True)
    )
    return Drawn(
        "Four pairs of unit vectors and the force on each image: minus the gradient of the contrastive loss, exact, in "
        f"each panel with its own unit of length. Share of all force: {listed}.",
        "Circles with four images and their texts, one for each scale. At scale 1 every image has an arrow, the one on "
        f"D holding {shares[0, -1]:.0%} of the force. At 100 only B and C, near each other's texts, have arrows, with "
        f"{shares[-1, 1]:.0%} and {shares[-1, 2]:.0%}.",
        rows,
    )


def places(slide: Slide, top: float, n: int) -> list[tuple]:
    """A box for each of n panels, in a row above the legend."""
    width, height = (slide.width - 2 * slide.em) / n, slide.height - top - 2.6 * slide.em
    return [(slide.em + k * width, top, width, height) for k in range(n)]


def panel(slide: Slide, box, scale: float, force) -> None:
    """One circle: images as circles, texts as squares, a line between partners, an arrow on each image."""
    x, y, width, height = box
    longest, room = float(np.linalg.norm(force, axis=1).max()), 1.6 * slide.em
    sheet = slide.sheet(box)
    slide.write(sheet, width / 2, 0, f"scale {scale:.3g}", weight="bold", ha="center")
    slide.write(sheet, width / 2, height - room, f"longest {longest:.2f}", color=slide.muted, ha="center")
    side = min(width, height - 2 * room)
    axes = slide.axes((x + (width - side) / 2, y + (height - side) / 2, side, side))
    axes.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF))
    axes.set_axis_off()
    around = unit(np.linspace(0, 2 * math.pi, 181))
    axes.plot(*around.T, color=slide.faint, linewidth=slide.line)
    image, text = unit(IMAGES), unit(TEXTS)
    size = 0.62 * slide.body
    for i, name in enumerate(NAMES):
        axes.plot(*np.stack([image[i], text[i]]).T, color=slide.muted, linewidth=slide.line / 3)
        axes.plot(*text[i], "s", color=TEXT, markersize=size, markeredgecolor=slide.paper)
        axes.plot(*image[i], "o", color=IMAGE, markersize=size, markeredgecolor=slide.paper)
        for (across, up), radius in ((image[i], 0.72), (text[i], 1.22)):
            slide.label(axes, radius * across, radius * up, name, ha="center")
    for start, way in zip(image, LONGEST * force / longest, strict=True):
        arrow(slide, axes, start, way)


def arrow(slide: Slide, axes, start, way) -> None:
    """An arrow; none where the force is too small to be seen."""
    if np.hypot(*way) < 0.02:
        return
    look = {"arrowstyle": "-|>", "color": ROSE, "linewidth": 1.2 * slide.line, "shrinkA": 0, "shrinkB": 0,
            "mutation_scale": 0.9 * slide.body}  # fmt: skip
    axes.annotate("", xy=start + way, xytext=start, arrowprops=look, annotation_clip=False)


def legend(slide: Slide) -> None:
    """What the marks are, in a line at the bottom."""
    entries = (("o", IMAGE, "image"), ("s", TEXT, "its text"), (">", ROSE, "force on the image"))
    widths = [width_of(word, slide.body) + 3.2 * slide.em for *_, word in entries]
    x, y = (slide.width - sum(widths)) / 2 + slide.em, slide.height - 1.9 * slide.em
    spots = [(x + sum(widths[:k]), y) for k in range(len(entries))]
    sheet = slide.sheet()
    for (marker, colour, word), (x, y) in zip(entries, spots, strict=True):
        if marker == ">":
            sheet.plot([x - 0.7 * slide.em, x + 0.4 * slide.em], [y + 0.6 * slide.em] * 2, color=colour,
                       linewidth=1.2 * slide.line)  # fmt: skip
        sheet.plot([x + 0.3 * slide.em * (marker == ">")], [y + 0.6 * slide.em], marker, color=colour,
                   markersize=0.62 * slide.body)  # fmt: skip
        slide.write(sheet, x + slide.em, y, word)
