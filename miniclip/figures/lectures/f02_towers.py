"""f02: two towers, one space: picture and caption never see each other until their vectors meet in a cosine."""

import math
from dataclasses import dataclass
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle

from ...data.drawing import draw_scenes
from ...data.pairs import batch
from ...data.tokenizer import split_words
from ..page import LINE, Box, decimal, thumbnail, wrap
from ..slide import Slide
from ..style import IMAGE, TEXT, Look
from . import Drawn

TITLE = "Two towers, one space"
NOTEBOOK = "04"
NOTE = (
    "Follow one picture and one caption with the finger: nothing crosses the dashed wall. Ask which word looked at "
    "which patch: none did, attention stays inside a tower, and no map between words and patches can be read off. Then "
    "ask what this buys: every picture is encoded once, whatever will be asked about it, so a search needs products of "
    "vectors and no new passes. The price: the whole picture must fit into one vector before the question is known."
)

EXAMPLE = 36  # of split A
BATCH = 8  # pairs, to count passes with


@dataclass(frozen=True)
class Tower:
    """What a tower is called, its steps in words, and how it is drawn: its colour, its marker, its corners."""

    name: str
    steps: tuple[tuple[str, ...], ...]
    colour: str
    marker: str
    round: float


def draw(slide: Slide, run) -> Drawn:
    pair, config = batch(0, "A", [EXAMPLE], run.model.tokenizer), run.model.config
    cosine = float((run.model.encode_image(pair.images) @ run.model.encode_text(pair.ids).T).item())
    caption, v, t = pair.texts[0], config.vision, config.text
    words, to, picture = split_words(caption), f"to {config.embed_dim}", draw_scenes(pair.scenes)[0]
    towers = (
        Tower("image", ((f"{v.patches} patches",), (f"{v.layers} blocks", "of attention,", f"{v.width} wide"),
                        (to, "numbers")), IMAGE, "o", 0.5),
        Tower("text", ((f"{len(words)} words,", "start and end"), (f"{t.layers} blocks", "of attention,",
                       f"{t.width} wide"), (to, "numbers")), TEXT, "s", 0.0),
    )  # fmt: skip
    rows = [{"what": f"{tower.name} tower", "blocks": part.layers, "width": part.width}
            for tower, part in zip(towers, (v, t), strict=True)]  # fmt: skip
    rows += [{"what": "the space", "width": config.embed_dim, "cosine": cosine},
             {"what": f"{BATCH} of each", "passes": 2 * BATCH, "cosines": BATCH * BATCH}]  # fmt: skip
    top = slide.title(f"Neither tower sees the other: they share one number, cosine {decimal(cosine)}")
    places = lanes(slide, top) if slide.wide else columns(slide, top)
    draw_towers(slide, places, towers, picture, caption)
    if slide.wide:
        draw_patches(slide, places.boxes[0][1], picture, v.patch_size)
        draw_words(slide, places.boxes[1][1], ["start", *words, "end"])
    draw_space(slide, places, towers, cosine, config.embed_dim)
    return Drawn(
        f"A picture and the caption “{caption}” go through towers of {v.layers} and {t.layers} blocks into one space "
        f"of {config.embed_dim} numbers, where their cosine is {decimal(cosine)}. For all {BATCH * BATCH} cosines of "
        f"{BATCH} pictures and {BATCH} captions {2 * BATCH} passes are enough.",
        f"Two chains of boxes, one for the picture and one for the caption, kept apart by a dashed wall. Both end as "
        f"arrows on one circle, with an angle between them whose cosine is {decimal(cosine)}.",
        rows,
    )


@dataclass(frozen=True)
class Places:
    """Where things stand, in inches: boxes (left, top, width, height) of each tower, the wall, the circle."""

    boxes: list[list[Box]]
    wall: tuple[float, float, float, float]
    centre: tuple[float, float]
    radius: float
    facing: float  # the direction from which the towers come, radians, counted from the right upwards
    note: tuple[float, float, float]


def lanes(slide: Slide, top: float) -> Places:
    """From left to right, the image's tower above the text's: for a slide."""
    em, high = slide.em, 9.2 * slide.em
    lefts, widths = (1.5 * em, 12.4 * em, 23.3 * em, 33.2 * em), (9.2 * em, 9.2 * em, 8.2 * em, 5.8 * em)
    middle, radius = (top + slide.height - 1.5 * em) / 2, 5.4 * em
    boxes = [[(x, y, w, high) for x, w in zip(lefts, widths, strict=True)]
             for y in (middle - high - 1.3 * em, middle + 1.3 * em)]  # fmt: skip
    centre = (slide.width - 1.2 * em - radius, middle)
    note = (centre[0] - radius, middle + radius + 0.8 * em, 2 * radius + em)
    return Places(boxes, (1.5 * em, middle, 39.0 * em, middle), centre, radius, math.pi, note)


def columns(slide: Slide, top: float) -> Places:
    """From top to bottom, the image's tower left of the text's: for a page."""
    em, wide, radius = slide.em, 14.2 * slide.em, 4.4 * slide.em
    middle, centre = slide.width / 2, (slide.width / 2, slide.height - em - radius)
    high = (centre[1] - radius - 1.2 * em - top) / 4
    tops = [top + k * high for k in range(4)]
    boxes = [[(x, y, wide, high - 1.1 * em) for y in tops] for x in (1.5 * em, slide.width - 1.5 * em - wide)]
    wall = (middle, top, middle, top + 4 * high - 1.1 * em)
    note = (1.5 * em, centre[1] + 0.3 * em, middle - radius - 2.0 * em)
    return Places(boxes, wall, centre, radius, math.pi / 2, note)


def draw_towers(slide: Slide, places: Places, towers, picture, caption: str) -> None:
    """The picture and the caption, the boxes behind each, and the wall between the towers."""
    sheet = slide.sheet()
    for tower, boxes in zip(towers, places.boxes, strict=True):
        x, y, w, h = boxes[0]
        if tower.name == "image":
            thumbnail(sheet, picture, x + (w - h) / 2, y, h)
        else:
            draw_box(slide, sheet, boxes[0], tower, wrap(caption, w - 0.8 * slide.em, slide.body, 4).split("\n"))
        drawn = 1 if slide.wide else 0  # the first step is a drawing where there is room
        for box, step in zip(boxes[1 + drawn :], tower.steps[drawn:], strict=True):
            draw_box(slide, sheet, box, tower, step if slide.wide else [" ".join(step).replace("of attention, ", "")])
        for (x, y, w, h), (to_x, to_y, to_w, to_h) in pairwise(boxes):
            if slide.wide:
                slide.arrow(sheet, (x + w, y + h / 2), (to_x, to_y + to_h / 2))
            else:
                slide.arrow(sheet, (x + w / 2, y + h), (to_x + to_w / 2, to_y))
    draw_wall(slide, sheet, places.wall)


def draw_patches(slide: Slide, box: Box, picture, size: int) -> None:
    """A picture cut into its patches, in the middle of a box."""
    (x, y, w, h), n = box, len(picture) // size
    step = min(w, h) / n
    for k in range(n * n):
        i, j = divmod(k, n)
        patch = picture[i * size : (i + 1) * size, j * size : (j + 1) * size]
        thumbnail(
            slide.sheet(), patch, x + (w - n * step) / 2 + j * step, y + (h - n * step) / 2 + i * step, 0.86 * step
        )


def draw_words(slide: Slide, box: Box, words) -> None:
    """Words in two columns, each in its own frame."""
    (x, y, w, h), sheet, rows = box, slide.sheet(), -(-len(words) // 2)
    wide, high = w / 2, h / rows
    for k, word in enumerate(words):
        left, top = x + k % 2 * wide, y + k // 2 * high
        sheet.add_patch(
            Rectangle((left, top), 0.93 * wide, 0.86 * high, fill=False, edgecolor=TEXT, linewidth=slide.line / 2)
        )
        slide.write(sheet, left + 0.465 * wide, top + 0.43 * high - 0.6 * slide.em, word, ha="center")


def draw_box(slide: Slide, sheet: Axes, box: Box, tower: Tower, lines) -> None:
    """A step of a tower: round corners for images, square ones for texts, its lines in the middle."""
    (x, y, w, h), inset = box, tower.round * slide.em
    shape = f"round,pad={inset}" if inset else "square,pad=0"
    sheet.add_patch(FancyBboxPatch((x + inset, y + inset), w - 2 * inset, h - 2 * inset, boxstyle=shape,
                                   facecolor="none", edgecolor=tower.colour, linewidth=slide.line))  # fmt: skip
    for k, text in enumerate(lines):
        slide.write(sheet, x + w / 2, y + h / 2 + (k - len(lines) / 2) * slide.body * LINE, text, ha="center")


def draw_wall(slide: Slide, sheet: Axes, wall) -> None:
    """A dashed line and what it says."""
    says = "no attention between the towers" if slide.wide else "no attention"
    x, y, end, low = wall
    sheet.plot([x, end], [y, low], "--", color=slide.muted, linewidth=slide.line)
    look: Look = {"ha": "center", "va": "center", "weight": "bold", "backgroundcolor": slide.paper}
    slide.label(sheet, (x + end) / 2, (y + low) / 2, says, rotation=0 if slide.wide else 90, **look)


def draw_space(slide: Slide, places: Places, towers, cosine: float, width: int) -> None:
    """The circle, with both vectors at their true angle, and an arrow from each tower."""
    em, sheet, (x, y), r = slide.em, slide.sheet(), places.centre, places.radius
    sheet.add_patch(Circle((x, y), r, fill=False, edgecolor=slide.muted, linewidth=slide.line / 2))
    half = math.acos(max(-1.0, min(1.0, cosine))) / 2
    for tower, boxes, turn in zip(towers, places.boxes, (-half, half), strict=True):
        angle = places.facing + (turn if slide.wide else -turn)
        tip = (x + r * math.cos(angle), y - r * math.sin(angle))
        left, top, w, h = boxes[-1]
        start = (left + w, top + h / 2) if slide.wide else (left + w / 2, top + h)
        away = math.dist(start, tip)
        near = tuple(b + (a - b) * 0.6 * em / away for a, b in zip(start, tip, strict=True))
        slide.arrow(sheet, start, near)
        sheet.plot([x, tip[0]], [y, tip[1]], color=tower.colour, linewidth=1.5 * slide.line)
        sheet.plot(*tip, tower.marker, color=tower.colour, markersize=0.9 * slide.body, zorder=4)
    slide.write(sheet, x + 0.1 * r, y + 0.35 * r, f"cosine {decimal(cosine)}", weight="bold", ha="center")
    left, top, room = places.note
    slide.write(sheet, left, top, f"One space: vectors of {width} numbers, length 1", room, 4, color=slide.muted)
