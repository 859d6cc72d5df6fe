"""Coloured shapes in five styles that are not the world's: polygons from Pillow, other palettes, other paper.

    flat     vector art on white                 outlined   a dark line around, on a pastel ground
    glossy   shaded like an emoji, with shadow   washed     watercolour: ragged edge, blotches, grain of paper
    hatched  parallel strokes on coloured paper

One shape a picture, 48 to 256 pixels a side, off the centre, turned by up to ten degrees; nothing of `data/drawing.py`
is used.
"""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from miniclip.data.world import COLOURS, SHAPES

FOREIGN_STYLES = ("flat", "outlined", "glossy", "washed", "hatched")
FINER = 4  # a mask is drawn so many times larger, and shrunk
# CSS names; Material Design; Tableau and its like. In the order of COLOURS.
PALETTES = (
    ("#ff0000", "#ffa500", "#ffff00", "#008000", "#00ffff", "#0000ff", "#800080", "#ff69b4"),
    ("#f44336", "#ff9800", "#ffeb3b", "#4caf50", "#00bcd4", "#3f51b5", "#9c27b0", "#f06292"),
    ("#d62728", "#ff7f0e", "#edc948", "#2ca02c", "#17becf", "#1f4fb4", "#7b4fa6", "#f062a8"),
)


def ring_of_points(n: int, first: float, radii) -> np.ndarray:
    """(n, 2) corners around the origin, the first at the angle `first`, y downwards; the radii take turns."""
    angle = first + 2 * np.pi * np.arange(n) / n
    return np.resize(radii, n)[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def outline(shape: str, rng) -> np.ndarray:
    """(n, 2) corners of a shape that reaches about from -1 to 1, with proportions of its own."""
    up = -np.pi / 2
    if shape in ("circle", "ring"):
        return ring_of_points(120, 0.0, [1.0])
    if shape == "square":
        return ring_of_points(4, np.pi / 4, [1.3])
    if shape == "triangle":
        return ring_of_points(3, up, [1.15]) + [0.0, 0.25]
    if shape == "diamond":
        return ring_of_points(4, up, [1.0, rng.uniform(0.75, 1.0)])
    if shape == "star":
        return ring_of_points(10, up, [1.1, rng.uniform(0.42, 0.55)])
    if shape == "cross":
        arm = rng.uniform(0.28, 0.38)
        corner = np.array([[arm, 1.0], [arm, arm], [1.0, arm]])
        return np.concatenate([corner, corner[::-1] * [1, -1], -corner, corner[::-1] * [-1, 1]])
    t = np.linspace(0, 2 * np.pi, 120, endpoint=False)
    heart = [16 * np.sin(t) ** 3, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))]
    return np.stack(heart, axis=1) / 16


def mask_of(shape: str, side: int, rng) -> tuple[np.ndarray, np.ndarray, float]:
    """(Y, X) coverage of a shape somewhere in a square of `side` pixels, its centre (x, y), and its radius."""
    radius = side * rng.uniform(0.17, 0.34)
    centre = side * 0.5 + (side * 0.46 - 1.1 * radius) * rng.uniform(-1, 1, 2)
    turn = np.deg2rad(rng.uniform(-10, 10))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    image = Image.new("L", (side * FINER, side * FINER))
    draw = ImageDraw.Draw(image)
    corners = outline(shape, rng) @ rotation.T * radius
    draw.polygon([tuple(corner) for corner in (corners + centre) * FINER], fill=255)
    if shape == "ring":
        draw.polygon([tuple(c) for c in (corners * rng.uniform(0.45, 0.62) + centre) * FINER], fill=0)
    return np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32) / 255, centre, radius


def blurred(mask: np.ndarray, pixels: float) -> np.ndarray:
    """The mask, blurred."""
    image = Image.fromarray(np.uint8(mask * 255)).filter(ImageFilter.GaussianBlur(pixels))
    return np.asarray(image, np.float32) / 255


def blotches(side: int, step: float, rng) -> np.ndarray:
    """(side, side) smooth noise of mean 0 and deviation 1, with blotches of about `step` pixels."""
    few = max(2, round(side / step))
    noise = Image.fromarray(rng.standard_normal((few, few)).astype(np.float32))
    noise = np.asarray(noise.resize((side, side), Image.Resampling.BICUBIC))
    return (noise - noise.mean()) / noise.std()


def over(ground, mask, colour) -> np.ndarray:
    """A colour laid over a ground (Y, X, 3) where the mask says."""
    return ground + mask[:, :, None] * (colour - ground)


def pastel(rng) -> np.ndarray:
    """(3,) a pale colour."""
    return 1.0 - rng.uniform(0.04, 0.22, 3)


def painted(style: str, shape: str, colour, side: int, rng) -> np.ndarray:
    """(side, side, 3) in [0, 1]: one shape in one of FOREIGN_STYLES."""
    mask, centre, radius = mask_of(shape, side, rng)
    y, x = np.mgrid[:side, :side].astype(np.float32) + 0.5
    white = np.ones((side, side, 3), np.float32)
    if style == "flat":
        return over(white, mask, colour)
    if style == "outlined":
        line = np.clip(4 * blurred(mask, max(0.8, radius / 14)) * (1 - mask) * 2, 0, 1)
        return over(over(white * pastel(rng), line, np.array([0.1, 0.1, 0.12])), mask, colour)
    if style == "glossy":
        shadow = 0.3 * np.roll(blurred(mask, radius / 8), int(radius / 8), 0)
        shade = 1.1 - 0.35 * (y - centre[1] + radius) / (2 * radius)
        gloss = np.exp(
            -(((x - centre[0] + radius / 3) / radius) ** 2 + ((y - centre[1] + radius / 2) / radius) ** 2) * 5
        )
        lit = np.clip(colour * shade[:, :, None], 0, 1)
        return over(over(white * 0.97, shadow, 0.2), mask, lit + 0.6 * gloss[:, :, None] * (1 - lit))
    if style == "washed":
        edge = blurred(mask, radius / 12) + 0.14 * blotches(side, radius / 4, rng)
        wash = np.clip((edge - 0.5) * 8 + 0.5, 0, 1) * np.clip(0.78 + 0.12 * blotches(side, radius / 2, rng), 0, 1)
        paper = np.array([0.97, 0.95, 0.90]) + 0.015 * rng.standard_normal((side, side, 1))
        return np.clip(over(paper, wash, colour), 0, 1)
    angle, gap = rng.uniform(0.5, 1.0), radius / rng.uniform(4, 7)
    phase = (x * np.cos(angle) + y * np.sin(angle)) / gap % 1.0
    strokes = mask * np.where(phase < 0.62, 1.0, 0.15)
    return over(
        white * pastel(rng) * rng.uniform(0.85, 1.0), np.maximum(strokes, mask - blurred(mask, radius / 10)), colour
    )


def foreign_pictures(n_each: int = 1, seed: int = 0, styles=FOREIGN_STYLES):
    """Pictures of all 64 classes in all the styles, `n_each` times: (list of (Y, X, 3) uint8, classes, styles).

    A class is a number, shape by shape and colour by colour as in `CLASS_NAMES`.
    """
    found = []
    for number in range(n_each):
        for row, style in enumerate(styles):
            for s, shape in enumerate(SHAPES):
                for c in range(len(COLOURS)):
                    rng = np.random.default_rng([seed, number, row, s, c])
                    code = PALETTES[rng.integers(len(PALETTES))][c]
                    colour = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
                    picture = painted(style, shape, colour, int(rng.integers(48, 257)), rng)
                    found.append((np.uint8(np.round(picture * 255)), s * len(COLOURS) + c, style))
    pictures, classes, names = zip(*found, strict=True)
    return list(pictures), np.array(classes), np.array(names)
