"""f21: for each word that a captioner writes, where in the picture it looks."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from matplotlib.patches import Rectangle

from ...data.drawing import object_window
from ...data.pairs import normalized_images
from ...data.pictures import denormalize
from ...data.world import Scenes, sample_scenes
from ...tasks.captioning import Caption, attention_on_object, attention_shares, caption, in_reading_order
from ..page import thumbnail, width_of
from ..slide import Slide
from ..style import ROSE
from ..words import lit
from . import Drawn, paused

TITLE = "Where a captioner looks, word by word"
NOTEBOOK = "12"
NOTE = (
    "Show the picture alone and let the class describe it in one sentence, in the decoder's order: the style, the "
    "first object and its place, the second and its place. Then run the film, and stop at each word that names "
    "something. Nobody showed the decoder where to look. It was only ever asked for the next word, and looking there "
    "made that word cheap. Ask why “corner” looks nowhere in particular: after “top left” no picture is needed. Those "
    "who take the map for the reason of the word should cover the ring, and see it vanish from the sentence: that is "
    "the proof, the map only a hint, a mean over blocks and heads."
)

ITEM, SEVERAL = 7, 64  # of split C, its two objects far apart; pictures that are counted
MOST, ROW = 0.6, 1.7  # the share that has the deepest shade; letters that a row of cells is high


@dataclass(frozen=True)
class Look:
    """A picture, its caption, and what of the attention lies on each object, in reading order."""

    picture: np.ndarray
    said: Caption
    names: list[str]  # of the objects
    shares: np.ndarray  # (words, objects)
    windows: np.ndarray  # (objects, n, n) bool: where each lies on the patches
    counted: dict[str, float]  # over several pictures


@cache
def measure(run) -> Look:
    """The picture, described; and several others, counted."""
    model, scenes = run.describer, sample_scenes(0, "C", np.array([ITEM]))
    images = normalized_images(scenes)
    (said,) = caption(model, images)
    names = [said.words[places[-1]] for places in said.objects]
    counted = attention_on_object(model, 0, SEVERAL, "C")
    return Look(denormalize(images[0]), said, names, attention_shares(said, scenes, 0), windows(scenes, said), counted)


def windows(scenes: Scenes, said: Caption) -> np.ndarray:
    """Where each object of the only scene lies on the patches, in reading order."""
    side = len(said.looked_at([0]))
    return np.stack([object_window(scenes, slot, side)[0] for slot in in_reading_order(scenes, 0)])


def frames(run) -> list[int]:
    """The place of the word that is being written; after the last, all of them."""
    look = measure(run)
    naming = [place for places in look.said.objects for place in places]
    return [*paused(list(range(len(look.said.words))), 0, *naming, pace=5), len(look.said.words)]


def draw(slide: Slide, run, state: int) -> Drawn:
    look = measure(run)
    words, (one, other) = look.said.words, look.names
    on_it, beside = (look.counted["colour"] + look.counted["shape"]) / 2, look.counted["another"]
    rows = [{"word": word, f"on the {one}": float(a), f"on the {other}": float(b)}
            for word, (a, b) in zip(words, look.shares, strict=True)]  # fmt: skip
    rows.append({"word": f"mean of {SEVERAL} pictures", "on the one named": on_it, "on the one beside it": beside})
    if state < len(words):
        a, b = look.shares[state]
        top, shown = slide.title(f"“{words[state]}”: {a:.0%} on the {one}, {b:.0%} on the {other}"), [state]
    else:
        top = slide.title(f"Attention goes to the object that is named: {on_it:.0%}, to the other {beside:.0%}")
        shown = [place for places in look.said.objects for place in places[1 if slide.wide else -1 :]]
    draw_tiles(slide, top, look, shown)
    draw_shares(slide, look, min(state + 1, len(words)))
    first, last = (places[-1] for places in look.said.objects)
    return Drawn(
        f"“{look.said.text}”: attention to patches, a mean over blocks and heads. At “{one}” "
        f"{100 * look.shares[first, 0]:.1f} % lie on the {one}'s quarter of the picture, at “{other}” "
        f"{100 * look.shares[last, 1]:.1f} % on the {other}'s. Over {SEVERAL} pictures {100 * on_it:.1f} % lie on the "
        f"object that is named, {100 * beside:.1f} % on the other; spread evenly, it would be a quarter.",
        f"A picture of a {one} and a {other}, both framed, and the same picture veiled but for the patches that a word "
        f"looks at. Below stand the words of the caption over two rows of cells: the {one}'s is dark below its own "
        f"words, the {other}'s below the later ones.",
        rows,
    )


def draw_tiles(slide: Slide, top: float, look: Look, shown: list[int]) -> None:
    """The picture, and beside it the picture as some words looked at it; both objects framed."""
    em, sheet = slide.em, slide.sheet()
    tiles = [(look.picture, "the picture")]
    for place in shown:
        share = max(look.shares[place])
        tiles.append((lit(look.picture, look.said.looked_at([place])), f"{look.said.words[place]}: {share:.0%}"))
    gap, room = 0.9 * em, slide.height - top - strip_height(slide, look) - 4.2 * em
    side = min((slide.width - 3 * em + gap) / len(tiles) - gap, room)
    left = (slide.width - len(tiles) * (side + gap) + gap) / 2
    top += (room - side) / 2
    for k, (picture, name) in enumerate(tiles):
        x = left + k * (side + gap)
        thumbnail(sheet, picture, x, top, side)
        for window in look.windows:
            (y0, x0), cell = np.argwhere(window)[0], side / len(window)
            across, down = window.any(0).sum() * cell, window.any(1).sum() * cell
            sheet.add_patch(Rectangle((x + x0 * cell, top + y0 * cell), across, down, fill=False, edgecolor=ROSE,
                                      linewidth=1.2 * slide.line, joinstyle="miter"))  # fmt: skip
        slide.write(sheet, x + side / 2, top + side + 0.3 * em, name, ha="center")


def strip_height(slide: Slide, look: Look) -> float:
    """Inches of the words, which stand upright, and of the rows of cells below them."""
    return (
        max(width_of(word, slide.body) for word in look.said.words) + 0.5 * slide.em + len(look.names) * ROW * slide.em
    )


def draw_shares(slide: Slide, look: Look, written: int) -> None:
    """Below each word that is written what lies on each object, in percent where there is room for a number."""
    em, sheet = slide.em, slide.sheet()
    left = 2.1 * em + max(width_of(name, slide.body) for name in look.names)
    width = (slide.width - left - 1.5 * em) / len(look.said.words)
    first = slide.height - 1.2 * em - len(look.names) * ROW * em
    for r, name in enumerate(look.names):
        slide.label(sheet, left - 0.6 * em, first + (r + 0.5) * ROW * em, name, ha="right", weight="bold")
    for t, word in enumerate(look.said.words[:written]):
        middle = left + (t + 0.5) * width
        naming = any(t in places for places in look.said.objects)
        slide.label(sheet, middle, first - 0.4 * em, word, ha="center", va="bottom", rotation=90,
                    weight="bold" if naming else "normal")  # fmt: skip
        for r, share in enumerate(look.shares[t]):
            corner, shade = (left + t * width, first + r * ROW * em), slide.shades(min(share / MOST, 1.0))
            sheet.add_patch(Rectangle(corner, width, ROW * em, facecolor=shade, edgecolor=slide.paper,
                                      linewidth=slide.line / 2))  # fmt: skip
            if slide.wide:
                slide.label(sheet, middle, first + (r + 0.5) * ROW * em, f"{100 * share:.0f}", ha="center")
