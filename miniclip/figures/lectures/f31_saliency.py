"""f31: which part of the picture speaks for the caption, and what a map with random weights looks like."""

from functools import cache

import numpy as np

from ...data.drawing import object_window
from ...data.pairs import normalized_images
from ...data.pictures import denormalize
from ...data.world import sample_scenes
from ...tasks.evaluate import untrained
from ...tasks.saliency import explain, naming, patch_shares, pointing
from ..page import thumbnail
from ..saliency import frame_hottest
from ..slide import Slide
from ..words import lit
from . import Drawn

TITLE = "Which part speaks for the caption"
NOTEBOOK = "17"
NOTE = (
    "Cover the second row and ask where the map should be bright: the same picture stands there twice, and only the "
    "caption differs. Then uncover it. The last row is the check that many published maps were never given: the same "
    "method, the same pictures, random weights. With one object alone a map proves little, since there is nothing else "
    "to point at, and any method that multiplies with the picture draws it: count only where two stand side by side. "
    "Integrated gradients: the gradient of the cosine at the pixels, its mean on the way from an even picture to this "
    "one, times the way. They add up to the cosine's rise; a patch that speaks against the caption is dark here."
)

SEVERAL = 64  # two-object pictures that are counted
WEIGHTS = ("trained", "random")
ROWS = ("the picture", "its map", "random weights")


@cache
def measure(run):
    """Pictures; and for each of their two objects where it is, its caption, and the shares of two models' maps."""
    scenes, start = sample_scenes(0, "C", np.arange(SEVERAL)), untrained(run.model)
    images, side = normalized_images(scenes), run.model.vision.image_size // run.model.vision.patch_size
    found = []
    for slot in (0, 1):
        texts = naming(scenes.shape[:, slot], scenes.colour[:, slot])
        maps = [patch_shares(explain(model, images, texts), side) for model in (run.model, start)]
        found.append((object_window(scenes, slot, side), texts, maps))
    return images, found


def draw(slide: Slide, run) -> Drawn:
    images, found = measure(run)
    shown = 3 if slide.wide else 2  # pictures, a column for each of their captions
    peaks = [float(np.mean([pointing(maps[who], on_it)["peak"] for on_it, _, maps in found])) for who in (0, 1)]
    hits = sum(round(shown * pointing(maps[0][:shown], on_it[:shown])["peak"]) for on_it, _, maps in found)
    columns = [(b, texts[b], [one[b] for one in maps]) for b in range(shown) for _, texts, maps in found]
    rows = [{"weights": weights, "hottest patch on the object named": peak}
            for weights, peak in zip(WEIGHTS, peaks, strict=True)]  # fmt: skip
    rows += [{"weights": weights, "picture": b, "caption": text, "patch": n, "share": float(share)}
             for b, text, maps in columns for weights, shares in zip(WEIGHTS, maps, strict=True)
             for n, share in enumerate(shares.ravel())]  # fmt: skip
    top = slide.title(
        "The map follows the caption: of two objects the one that is named has the hottest patch "
        f"{peaks[0]:.0%} of the time, with random weights {peaks[1]:.0%}"
    )
    draw_columns(slide, top, [(denormalize(images[b]), text, maps) for b, text, maps in columns])
    return Drawn(
        "Integrated gradients of the cosine, summed over each patch; bright is what speaks for the caption, framed the "
        f"largest share. Each picture stands here twice. Of {SEVERAL} pictures with two objects, and a caption for "
        f"each, the framed patch is on the object named in {peaks[0]:.1%}, with random weights in {peaks[1]:.1%}; by "
        "chance in a quarter.",
        f"{len(columns)} columns, each with a caption, a picture of two shapes, and two maps of its patches. In the "
        f"trained model's maps the framed patch lies on the shape of the caption {hits} times of {len(columns)}; with "
        "random weights both captions of a picture have nearly the same map.",
        rows,
    )


def draw_columns(slide: Slide, top: float, columns) -> None:
    """The captions, and under each its picture and its two maps; a picture's own two columns side by side."""
    em, n, sheet = slide.em, len(columns), slide.sheet()
    head, names, gap = 2.7 * em, 5.4 * em, 0.5 * em  # two lines of a caption; the rows' names; between two squares
    room = slide.width - 3 * em - names - gap * (n - 1 + n // 2), slide.height - top - head - em - 2 * gap
    side = min(room[0] / n, room[1] / len(ROWS))
    left = 1.5 * em + (room[0] - n * side) / 2
    for k, name in enumerate(ROWS):
        slide.write(sheet, left, top + head + k * (side + gap) + side / 2 - 1.2 * em, name, names - 0.5 * em, 2)
    for k, (picture, text, maps) in enumerate(columns):
        x = left + names + k * (side + gap) + k // 2 * gap
        slide.write(sheet, x, top, text, side + 0.5 * gap, 2, weight="bold")
        thumbnail(sheet, picture, x, top + head, side)
        for row, shares in enumerate(maps, 1):
            y = top + head + row * (side + gap)
            thumbnail(sheet, lit(picture, shares), x, y, side)
            frame_hottest(sheet, shares, x, y, side, 1.2 * slide.line)
