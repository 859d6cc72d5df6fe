"""f22: captioning, questions and a mini VLM are one skeleton: only the prompt changes, and what carries the picture."""

from functools import cache
from typing import NamedTuple

from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ...data.drawing import draw_scenes
from ...data.pairs import normalized_images
from ...data.world import sample_scenes
from ...files.checkpoint import load
from ...tasks.captioning import caption
from ...tasks.vqa import answer
from ..page import Box, thumbnail, width_of, wrap
from ..slide import Slide
from ..style import IMAGE, TEXT, Look
from . import Drawn

TITLE = "One skeleton for captions, questions and a VLM"
NOTEBOOK = "13"
NOTE = (
    "Cover the lower two rows. Where would you put a question, if you had to make this captioner answer? Then show the "
    "second row: it went before the words that are written, and nothing else moved. In the third row tower and decoder "
    "are strangers to each other: the decoder has only ever read text, and its frame is dashed because it is frozen. "
    "Ask what can still be changed. Only what stands between them, and what comes out must look like words, since "
    "words are all that it reads. Who believes that a VLM needs another kind of network sees none here."
)

ITEM = 356  # of split D: the picture of notebook 13
QUESTION = "how many crosses are there?"
VECTORS = 5.8  # em: the room of four squares


class Way(NamedTuple):
    """A row: its name, who writes, how the picture gets in, the prompt, what is written, vectors before the prompt."""

    name: str
    writer: str
    way_in: str
    prompt: str
    written: str
    vectors: int = 0


@cache
def measure():
    """The picture, and the three ways, with what the models of the package write."""
    scene = sample_scenes(0, "D", [ITEM])
    images, system, bridged = normalized_images(scene), load("system"), load("bridge")
    asked, looked = f"start {QUESTION.rstrip('?')} end", f"{1 + system.config.vision.patches} tokens"
    said = [answer(model, images, [QUESTION])[0].text for model in (system, bridged)]
    ways = (
        Way("Captions: an empty prompt", "decoder", looked, "start", caption(system, images)[0].text),
        Way("Answers: the question is the prompt", "decoder", looked, asked, said[0]),
        Way("Mini VLM: vectors, then the question", "language model, frozen", "bridge", asked, said[1],
            bridged.config.bridge.length),
    )  # fmt: skip
    return draw_scenes(scene)[0], ways


def draw(slide: Slide, run) -> Drawn:
    picture, ways = measure()
    rows = [{"way": way.name, "prompt": way.prompt, "vectors": way.vectors, "written": way.written} for way in ways]
    top = slide.title("One skeleton three times: what changes is the prompt, and how the picture gets in")
    high = (slide.height - top - 0.5 * slide.em) / len(ways)
    for k, way in enumerate(ways):
        draw_way(slide, (1.5 * slide.em, top + k * high, slide.width - 3 * slide.em), picture, way)
    described, answered, read = (way.written for way in ways)
    return Drawn(
        f"Grey: what is given. Orange: what is written. The describer writes “{described}”, and “{answered}” if its "
        f"prompt is “{QUESTION}”. A language model that has only ever read text writes “{read}”, if {ways[2].vectors} "
        "vectors stand before the question, which a bridge makes of the picture. Dashed: frozen.",
        "Three rows: the same picture, the same image tower, a decoder with a line of words that are given and a line "
        "of words that are written. In the second row a question is given; in the third also four blue squares, which "
        "come from a box, the bridge.",
        rows,
    )


def draw_way(slide: Slide, place: tuple[float, float, float], picture, way: Way) -> None:
    """A row (x, y, width): its name; picture, tower and what leads on; the words, beside that or below."""
    (x, y, w), em, sheet = place, slide.em, slide.sheet()
    slide.write(sheet, x, y, way.name, weight="bold")
    y, side = y + 1.6 * em, (4.4 if slide.wide else 2.8) * em
    middle, line = y + side / 2, "--" if way.vectors else "-"
    tower = (x + side + 1.6 * em, middle - 1.2 * em, 7.2 * em, 2.4 * em)
    end = tower[0] + tower[2]
    strip = (end + 9 * em, y, x + w - end - 9 * em) if slide.wide else (x, y + side + 0.8 * em, w)
    thumbnail(sheet, picture, x, y, side)
    slide.arrow(sheet, (x + side, middle), (tower[0], middle))
    framed(slide, sheet, tower, "image tower", line)
    over = y - 1.6 * em if slide.wide else strip[1] - 1.5 * em
    slide.write(sheet, x + w, over, way.writer, ha="right", color=slide.muted)
    draw_way_in(slide, sheet, (end, middle), strip, way)
    draw_words(slide, sheet, strip, way, line)


def draw_way_in(slide: Slide, sheet: Axes, start: tuple[float, float], strip, way: Way) -> None:
    """From the tower to the decoder: tokens that its words look at, or a bridge whose vectors it reads."""
    (x, y), em, (left, top, _) = start, slide.em, strip
    first = (left, top + 1.1 * em) if slide.wide else (left + VECTORS / 2 * em, top)
    if way.vectors:
        bridge = (x + 1.4 * em, y - 1.2 * em, 4.4 * em, 2.4 * em)
        slide.arrow(sheet, start, (bridge[0], y))
        framed(slide, sheet, bridge, way.way_in, "-", IMAGE)
        slide.arrow(sheet, (bridge[0] + bridge[2], y) if slide.wide else (bridge[0], y + 1.2 * em), first, IMAGE)
    elif slide.wide:
        slide.arrow(sheet, start, (left, y))
        slide.label(sheet, (x + left) / 2, y - 0.9 * em, way.way_in, ha="center")
    else:
        slide.arrow(sheet, (x - 3.6 * em, y + 1.2 * em), (x - 3.6 * em, top))
        slide.label(sheet, x + 0.8 * em, y, way.way_in)


def draw_words(slide: Slide, sheet: Axes, strip, way: Way, line: str) -> None:
    """The decoder's frame; in it what is given, vectors first, and below what is written."""
    (x, y, w), em, high = strip, slide.em, (2.2 if slide.wide else 1.6) * slide.em
    look: Look = {"facecolor": "none", "edgecolor": slide.ink, "linestyle": line, "linewidth": slide.line}
    sheet.add_patch(Rectangle((x, y), w, 2 * high, **look))
    for k in range(way.vectors):
        square = (x + (0.4 + 1.3 * k) * em, y + high / 2 - 0.5 * em)
        sheet.add_patch(Rectangle(square, em, em, facecolor=IMAGE, linewidth=0))
    given = x + (VECTORS if way.vectors else 0.4) * em
    band = Rectangle((given, y + 0.2 * em), width_of(way.prompt, slide.body) + 0.6 * em, high - 0.4 * em)
    band.set(facecolor=slide.faint, linewidth=0)
    sheet.add_patch(band)
    slide.label(sheet, given + 0.3 * em, y + high / 2, way.prompt)
    written = wrap(f"{way.written} end", w - 1.6 * em, slide.body)
    band = Rectangle((x + 0.4 * em, y + high + 0.1 * em), width_of(written, slide.body) + 0.6 * em, high - 0.4 * em)
    band.set(fill=False, edgecolor=TEXT, linewidth=slide.line)
    sheet.add_patch(band)
    slide.label(sheet, x + 0.7 * em, y + 1.5 * high - 0.1 * em, written)


def framed(slide: Slide, sheet: Axes, box: Box, word: str, line: str, colour: str = "") -> None:
    """A box with a word in its middle."""
    x, y, w, h = box
    look: Look = {"facecolor": "none", "edgecolor": colour or slide.ink, "linewidth": slide.line * (1 + bool(colour))}
    sheet.add_patch(Rectangle((x, y), w, h, linestyle=line, **look))
    slide.label(sheet, x + w / 2, y + h / 2, word, ha="center", weight="bold" if colour else "normal")
