"""A scene graph -> pixels, 32 x 32, anti-aliased, in one of four registers of imagery.

    photo     light background, side light, sensor grain     sketch  white paper, outlines filled with hatching
    painting  tinted canvas, brush strokes, soft edges        scan    inverted: dark background, scan lines

A shape is a signed distance: negative inside, positive outside, in units of its radius. Distances are tabulated once,
and a picture looks them up: a batch of 128 takes a few milliseconds.
"""

from collections.abc import Callable
from functools import cache

import numpy as np

from .world import DRAWING, IMAGE_SIZE, STYLES, Scenes, uniform

PALETTE = np.array(
    [(0.85, 0.12, 0.12), (0.95, 0.50, 0.08), (0.92, 0.84, 0.10), (0.12, 0.62, 0.18),
     (0.10, 0.74, 0.80), (0.14, 0.28, 0.88), (0.48, 0.14, 0.74), (0.92, 0.28, 0.64)], np.float32,
)  # fmt: skip
CENTRES = np.array([8.0, 16.0, 24.0])  # pixels, for rows and for columns
RADII = np.array([(4.0, 4.5), (6.4, 7.0)])  # pixels, smallest and largest of each size
JITTER, TURN = 0.3, 0.08  # pixels, radians
WINDOW = 18  # pixels: a side of the square that holds any object
TABLE, REACH = 160, 1.9  # a distance table has TABLE x TABLE entries, for coordinates from -REACH to REACH


def distances(u, v) -> np.ndarray:
    """Signed distance to each of SHAPES of radius 1 at (u, v), v downwards: (8, ...)."""
    a, b, rho = np.abs(u), np.abs(v), np.hypot(u, v)
    circle = rho - 0.92
    square = np.maximum(a, b) - 0.8
    triangle = np.maximum(0.866 * a + 0.5 * (-v + 0.15) - 0.15, v - 0.15) - 0.55
    diamond = (a + b - 1.08) / np.sqrt(2)
    fifth = 2 * np.pi / 5
    angle = np.abs((np.arctan2(u, -v) + fifth / 2) % fifth - fifth / 2)  # from the nearest of five tips
    star = 0.384 * (rho * np.cos(angle) - 1.1) + 0.923 * rho * np.sin(angle)
    cross = np.minimum(np.maximum(a - 1.0, b - 0.3), np.maximum(b - 1.0, a - 0.3))
    ring = np.abs(rho - 0.76) - 0.24
    lobes = np.hypot(a - 0.45, v + 0.35) - 0.55
    heart = np.minimum(lobes, np.maximum(0.752 * a + 0.659 * v - 0.659, -v - 0.2))
    return np.stack([circle, square, triangle, diamond, star, cross, ring, heart])


@cache
def distance_table(distances: Callable = distances) -> np.ndarray:
    """(shapes, TABLE, TABLE) float32, indexed by shape, v and u."""
    axis = (np.arange(TABLE) + 0.5) / TABLE * (2 * REACH) - REACH
    return distances(axis[None, :], axis[:, None]).astype(np.float32)


@cache
def textures() -> np.ndarray:
    """(4, 33, 33, 32, 32) float32 views into four large textures, one a style: the grain that an item cuts out."""
    rng = np.random.default_rng(0)
    grain = rng.standard_normal((len(STYLES), 64, 64)).astype(np.float32)
    strokes = sum(np.roll(grain[2], (i, i), (0, 1)) for i in range(7)) / np.sqrt(7)  # smeared along the diagonal
    lines = np.where(np.arange(64)[:, None] % 4 < 2, 1.0, -1.0)
    styles = (0.022 * grain[0], 0.012 * grain[1], 0.070 * strokes, 0.016 * grain[3] + 0.022 * lines)
    flat = np.stack(styles).astype(np.float32)
    return np.lib.stride_tricks.sliding_window_view(flat, (IMAGE_SIZE, IMAGE_SIZE), axis=(1, 2))


def inverted(colour) -> np.ndarray:
    """Light becomes dark and dark light; the hue stays: x + 1 - (max + min)."""
    return colour + 1.0 - (colour.max(-1, keepdims=True) + colour.min(-1, keepdims=True))


def draw_scenes(scenes: Scenes, distances: Callable = distances) -> np.ndarray:
    """The pictures of B scenes: float32 (B, Y, X, C), intensities in [0, 1]; of other shapes with other `distances`."""
    u = uniform(scenes.key[:, None], DRAWING + np.arange(8)).astype(np.float32)
    light = lighting(scenes.style, u)
    images = np.repeat(light, 3, axis=2).reshape(*light.shape, 3)
    images += np.tile(background(scenes.style, u), IMAGE_SIZE).reshape(-1, 1, IMAGE_SIZE, 3)
    for slot in range(scenes.shape.shape[1]):
        present = np.flatnonzero(scenes.count > slot)
        if present.size:
            paint_object(images, light, scenes, present, slot, distance_table(distances))
    return np.clip(images, 0.0, 1.0, out=images)


def background(style, u) -> np.ndarray:
    """(B, 3): light grey, white paper, tinted canvas, black."""
    level = np.array([0.80, 0.96, 0.72, 0.08], np.float32)[style]
    spread = np.array([0.16, 0.03, 0.14, 0.08], np.float32)[style]
    tint = np.array([0.04, 0.02, 0.30, 0.03], np.float32)[style]
    return (level + spread * (u[:, 0] - 0.5))[:, None] + tint[:, None] * (u[:, 1:4] - 0.5)


def lighting(style, u) -> np.ndarray:
    """(B, Y, X): a slope of light across the picture, and the style's texture."""
    slope = np.array([0.10, 0.0, 0.05, 0.03], np.float32)[style, None] * (2.0 * u[:, 4:6] - 1.0)
    axis = np.linspace(-1.0, 1.0, IMAGE_SIZE, dtype=np.float32)
    corner = np.minimum((u[:, 6:8] * 33).astype(np.int64), 32)  # in float32 one of 30 million numbers below 1 is 1
    light = textures()[style, corner[:, 0], corner[:, 1]]
    light += (slope[:, :1] * axis)[:, :, None]
    light += (slope[:, 1:] * axis)[:, None, :]
    return light


def paint_object(images, light, scenes: Scenes, items, slot: int, table) -> None:
    """Lay one object over each of some images, in place."""
    style, shape = scenes.style[items], scenes.shape[items, slot]
    u = uniform(scenes.key[items, None], DRAWING + 10 * (slot + 1) + np.arange(7))
    low, high = RADII[scenes.size[items, slot]].T
    radius = low + (high - low) * u[:, 0]
    y = CENTRES[scenes.row[items, slot]] + JITTER * (2 * u[:, 1] - 1)
    x = CENTRES[scenes.column[items, slot]] + JITTER * (2 * u[:, 2] - 1)
    rows, columns = (window(centre) for centre in (y, x))
    dy, dx, turn = rows + 0.5 - y[:, None], columns + 0.5 - x[:, None], TURN * (2 * u[:, 3] - 1)
    distance = look_up(table, shape, dy, dx, radius, turn)
    alpha = coverage(distance, style, rows, columns)
    colour = PALETTE[scenes.colour[items, slot]]
    colour = np.where(style[:, None] == STYLES.index("scan"), inverted(colour), colour)
    colour = colour + (0.10 * (u[:, 4:7] - 0.5)).astype(np.float32)
    # One number for each pixel, counted through all images: NumPy is slow with three, and where the last axis is short.
    place = (items[:, None, None] * IMAGE_SIZE + rows[:, :, None]) * IMAGE_SIZE + columns[:, None, :]
    pixels, shade = images.reshape(-1), light.reshape(-1)[place]
    for channel in range(3):
        at = 3 * place + channel
        under = pixels[at]
        under += alpha * (colour[:, channel, None, None] + shade - under)
        pixels[at] = under


def window(centre) -> np.ndarray:
    """(n, WINDOW): the pixel numbers around a centre, pushed inside the image."""
    start = np.clip(np.rint(centre - WINDOW / 2).astype(np.int64), 0, IMAGE_SIZE - WINDOW)
    return start[:, None] + np.arange(WINDOW)


def look_up(table, shape, dy, dx, radius, turn) -> np.ndarray:
    """(n, WINDOW, WINDOW): distances in pixels, of shapes turned by `turn` and scaled by `radius`."""
    step = TABLE / (2 * REACH) / radius
    cos, sin = ((step * f(turn)).astype(np.float32)[:, None, None] for f in (np.cos, np.sin))
    dy, dx = dy.astype(np.float32)[:, :, None], dx.astype(np.float32)[:, None, :]
    i = (sin * dx + cos * dy + TABLE / 2).astype(np.int64)
    j = (cos * dx - sin * dy + TABLE / 2).astype(np.int64)
    np.clip(i, 0, TABLE - 1, out=i)
    np.clip(j, 0, TABLE - 1, out=j)
    found = table.reshape(-1)[(shape[:, None, None] * TABLE + i) * TABLE + j]
    found *= radius.astype(np.float32)[:, None, None]
    return found


def coverage(distance, style, rows, columns) -> np.ndarray:
    """How much of each pixel the object covers: full inside, none outside, a slope one pixel wide at the edge."""
    soft = np.array([1.0, 1.0, 1.7, 1.2], np.float32)[style, None, None]
    alpha = np.clip(0.5 - distance / soft, 0.0, 1.0)
    sketched = np.flatnonzero(style == STYLES.index("sketch"))
    if sketched.size:
        inner = np.clip(-0.7 - distance[sketched], 0.0, 1.0)  # what lies inside the pencil line
        hatch = np.where((rows[sketched, :, None] + columns[sketched, None, :]) % 3 == 0, 0.25, 0.6)
        alpha[sketched] *= 1.0 - inner * hatch.astype(np.float32)
    return alpha


def object_window(scenes: Scenes, slot: int, side: int) -> np.ndarray:
    """(B, side, side) bool: where an object of each scene lies, on a grid over the picture.

    Wherever it stands, it lies within 2 x 2 of the 4 x 4 quarters of a side: an even map has 1/4 of its mass there.
    """
    cells, half = np.arange(side), -(-side // 2)
    top, left = (place[:, slot, None] * side // 4 for place in (scenes.row, scenes.column))
    down, across = ((start <= cells) & (cells < start + half) for start in (top, left))
    return down[:, :, None] & across[:, None, :]
