"""f30: what the loss does to each image: its exact gradient as a force, at three scales."""

import math

import numpy as np

from ...nn.losses import info_nce_backward, info_nce_forward
from ..slide import Slide
from ..style import IMAGE, INK, PAPER, ROSE, TEXT
from . import Drawn

TITLE = "Forces on the embeddings"
NOTEBOOK = "05"
NOTE = (
    "Four pairs on a circle; ask which images the loss will move. Pair A is matched and alone. Image B lies nearer to "
    "text C than to its own. Image D is far from its text, but farther from all others. At scale 1 all are pulled, "
    "even A. At 100 only B and C are: image B picks text C, text C picks image B. D is left alone, far off as it is: "
    "the loss asks for the right order, not for closeness. The arrows are the rows of minus dL/dI, straight from the "
    "backward pass, not projected on the circle: normalising leaves the part along it. Each circle has its own unit of "
    "length, because the scale multiplies the gradient."
)

NAMES = "ABCD"
IMAGES = np.radians([150.0, 54.0, 8.0, 312.0])
TEXTS = np.radians([172.0, 90.0, 32.0, 240.0])
SCALES = (1.0, 1 / 0.07, 100.0)
LONGEST = 0.75  # of an arrow, in radii
HALF = 1.5  # of a panel, in radii


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
        f"Scale 1 pulls every image; scale 100 lets D be, {apart:.0f}° from its text: {shares[0, -1]:.0%} of all "
        f"force, then {shares[-1, -1]:.0%}"
    )
    width = (slide.width - 3 * slide.em) / 2
    for k, left in ((0, 1.5 * slide.em), (-1, 1.5 * slide.em + width)):
        panel(slide, (left, top, width, slide.height - top - slide.em), SCALES[k], found[k])
    listed = "; ".join(
        f"at scale {scale:.3g} " + ", ".join(f"{name} {share:.1%}" for name, share in zip(NAMES, row, strict=True))
        for scale, row in zip(SCALES, shares, strict=True)
    )
    return Drawn(
        "Four pairs of unit vectors and the force on each image: minus the gradient of the contrastive loss, exact, in "
        f"each panel with its own unit of length. Share of all force: {listed}.",
        "Two circles with four images and their texts. At scale 1 every image has an arrow, the one on "
        f"D holding {shares[0, -1]:.0%} of the force. At 100 only B and C, near each other's texts, have arrows, with "
        f"{shares[-1, 1]:.0%} and {shares[-1, 2]:.0%}.",
        rows,
    )


def panel(slide: Slide, box, scale: float, force) -> None:
    """One circle: a letter in each image (round) and text (square), a line between partners, an arrow on each image."""
    x, y, width, height = box
    longest, room = float(np.linalg.norm(force, axis=1).max()), 1.6 * slide.em
    sheet = slide.sheet(box)
    slide.write(sheet, width / 2, 0, f"scale {scale:.3g}", weight="bold", ha="center")
    side = min(width, height - room)
    axes = slide.axes((x + (width - side) / 2, y + room + (height - room - side) / 2, side, side))
    axes.set(xlim=(-HALF, HALF), ylim=(-HALF, HALF))
    axes.set_axis_off()
    around = unit(np.linspace(0, 2 * math.pi, 181))
    axes.plot(*around.T, color=slide.faint, linewidth=slide.line)
    image, text = unit(IMAGES), unit(TEXTS)
    for start, way in zip(image, LONGEST * force / longest, strict=True):
        if np.hypot(*way) > 0.02:  # a shorter one would be all head
            slide.arrow(axes, start, start + way, ROSE, 2.0)
    for i, name in enumerate(NAMES):
        axes.plot(*np.stack([image[i], text[i]]).T, color=slide.muted, linewidth=slide.line / 2, zorder=1)
        for place, shape, ground, ink in ((text[i], "s", TEXT, INK), (image[i], "o", IMAGE, PAPER)):
            axes.plot(*place, shape, color=ground, markersize=1.5 * slide.body, markeredgecolor=slide.paper, zorder=4)
            slide.label(axes, place[0], place[1], name, ha="center", weight="bold", color=ink, zorder=5)
    for place, said in ((0.12, "round: an image"), (-0.12, "square: its text")):
        slide.label(axes, 0, place, said, ha="center", color=slide.muted)
