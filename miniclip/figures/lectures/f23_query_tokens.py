"""f23: four queries read sixteen patches, and what each brings back is a word, if it was first taught to be one."""

import re
from functools import cache

import numpy as np

from ...data.drawing import draw_scenes
from ...data.notes import take_notes
from ...data.pairs import normalized_images
from ...data.world import COLOURS, COLUMNS, ROWS, SHAPES, sample_scenes
from ...labs.bridges import ALIGNED, ASKED, load_bridges
from ...tasks.bridging import read_queries
from ..page import thumbnail
from ..slide import Slide
from ..words import lit
from . import Drawn

TITLE = "Query tokens: patches become a few words"
NOTEBOOK = "13"
NOTE = (
    "Cover the words and ask of each small picture: what did this query go for? Then uncover the upper row. Nobody "
    "told a query where to look: it was told to be the word of one object, and looks where that can be read. The "
    "lower row has the same parts and learned from questions alone. Ask why it went astray: an answer is one word of "
    "evidence for four vectors. Those who take the light for the object should look twice: by the last layer a patch "
    "has heard of its neighbours, so a query may read an object from beside it."
)

ITEM = 356  # of split D: the picture of notebook 13
MANY = 512  # pictures, to count
SHOWN = {ALIGNED: "taught to be words", ASKED: "taught by questions alone"}
PARTS = re.compile(f"({'|'.join(COLOURS)})({'|'.join(SHAPES)})({'|'.join(ROWS)})({'|'.join(COLUMNS)})")


@cache
def measure():
    """The picture; for each bridge its queries' words and attention, and in which share of pictures they are notes."""
    scenes, bridges = sample_scenes(0, "D", np.arange(MANY)), load_bridges()
    images, notes, found = normalized_images(scenes), take_notes(scenes), {}
    for way in SHOWN:
        words, attention = read_queries(bridges[way], images)
        said = [" ".join(one for one in row if one != "<end>") for row in words]
        found[way] = (words[ITEM], attention[ITEM], float(np.mean([a == b for a, b in zip(said, notes, strict=True)])))
    return draw_scenes(scenes[[ITEM]])[0], found


def draw(slide: Slide, run) -> Drawn:
    picture, found = measure()
    rows = [{"bridge": name, "query": q + 1, "word": word, "patch": n, "attention": float(value)}
            for name, (words, maps, _) in found.items() for q, word in enumerate(words)
            for n, value in enumerate(maps[q].ravel())]  # fmt: skip
    rows += [{"bridge": name, "spelled": spelled, "pictures": MANY} for name, (*_, spelled) in found.items()]
    (words, maps, first), (*_, alone) = found.values()
    patches, queries = maps[0].size, len(words)
    top = slide.title(
        f"{patches} patches become {queries} words, all right in {first:.0%} of pictures after a lesson in words, in "
        f"{alone:.0%} from questions alone"
    )
    em, left = slide.em, 1.5 * slide.em
    if slide.wide:
        side = 11.0 * em
        draw_patches(slide, (left, (top + slide.height - side) / 2, side), picture, len(maps[0]))
        left += side + 2.6 * em
    high = (slide.height - top - 0.8 * em) / len(found)
    for k, (name, (words, maps, _)) in enumerate(found.items()):
        room = (left, top + k * high, slide.width - left - 1.5 * em, high)
        draw_queries(slide, room, SHOWN[name], picture, words, maps)
    return Drawn(
        f"A picture, once for each of {queries} learned queries, lit where the query looks (a mean over heads); below, "
        f"the word of the language model that is nearest to the vector that it brings back. Of {MANY} pictures the "
        f"words are the notes of the scene in {first:.1%} with the bridge that learned to be words, and in {alone:.1%} "
        "with the one that learned from questions alone.",
        f"Two rows of {queries} small pictures, dark but for the patches that a query looks at. Above, three name the "
        "three objects of the picture with their places, the last says end. Below, a bridge that learned from "
        "questions alone: its words are not those of the picture.",
        rows,
    )


def draw_patches(slide: Slide, place: tuple[float, float, float], picture, n: int) -> None:
    """The picture at (x, y, side), cut into n x n patches."""
    (x, y, side), sheet = place, slide.sheet()
    slide.write(sheet, x, y - 1.7 * slide.em, f"{n * n} patches", weight="bold")
    step, part = side / n, len(picture) // n
    for i, j in np.ndindex(n, n):
        patch = picture[i * part : (i + 1) * part, j * part : (j + 1) * part]
        thumbnail(sheet, patch, x + j * step, y + i * step, 0.92 * step)


def draw_queries(slide: Slide, room, name: str, picture, words: list[str], maps) -> None:
    """A bridge in (x, y, width, height): its name, its queries' pictures, below each its word."""
    (x, y, w, h), em, sheet = room, slide.em, slide.sheet()
    slide.write(sheet, x, y, f"{len(words)} vectors, {name}", weight="bold")
    step, side = w / len(words), min(h - 5.4 * em, w / len(words) - 0.8 * em)
    for q, word in enumerate(words):
        middle = x + (q + 0.5) * step
        thumbnail(sheet, lit(picture, maps[q]), middle - side / 2, y + 1.7 * em, side)
        for k, part in enumerate(in_parts(word)):
            below = y + 1.9 * em + side + 1.25 * k * em
            slide.write(sheet, middle, below, part, step, 1, ha="center")


def in_parts(word: str) -> tuple[str, ...]:
    """Shorthand in two lines, what and where; any other word as it is.

    >>> in_parts("redsquaretopleft"), in_parts("<end>")
    (('red square', 'top left'), ('end',))
    """
    if found := PARTS.fullmatch(word):
        colour, shape, row, column = found.groups()
        return f"{colour} {shape}", f"{row} {column}"
    return (word.strip("<>"),)
