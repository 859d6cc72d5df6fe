"""f16: descriptions instead of names: what they find, what they cost, and the pair that they cannot tell apart."""

import numpy as np
from matplotlib.patches import Rectangle

from ...data.drawing import draw_scenes
from ...labs.descriptions import GROUPS, NEW, OLD, PAIRS, read_descriptions
from ...labs.harness import known_scores
from ...labs.parts import distances_of_parts, scenes_of
from ..page import thumbnail, width_of
from ..slide import Slide
from ..style import SKY, TEXT
from . import Drawn

TITLE = "Descriptions instead of names"
NOTEBOOK = "09"
NOTE = (
    "Four shapes were never drawn in training, and no caption has their names. Read one description aloud, such as “a "
    "pointed shape with four corners and no hole”, and let the class point at the shape: they do what the model does. "
    "Then ask for the price. Of shapes that were drawn, a name says more than its parts: leaf and dome have the same "
    "parts, and so the same description. So have zorp and murk, a square and a diamond with a hole, and there the bars "
    "are at chance; the dots, one for each seed, lie far apart, since luck decides. So do not ask what a thing looks "
    "like; ask how it differs from what it could be taken for."
)

PAIR = next(iter(PAIRS))
ITEM, CUT = 258, slice(6, 26)  # a photo in which the shape stands in the middle
SHOWN = {NEW: GROUPS[NEW], OLD: ["leaf", "dome"], PAIR: PAIRS[PAIR]}  # the groups, and whom of them one sees
WAYS = {"name only": ("its name", TEXT, ""), "described": ("described", SKY, "//")}


def portrait(name: str) -> np.ndarray:
    """A shape, cut out of one and the same picture."""
    return draw_scenes(scenes_of(0, "A", np.array([ITEM]), [name]), distances_of_parts)[0][CUT, CUT]


def draw(slide: Slide, run) -> Drawn:
    scores = known_scores("descriptions")
    rows: list[dict] = [{"group": group, "way": way, "chance": 1 / len(GROUPS[group])} | scores[f"{group}: {way}"]
            for group in SHOWN for way in WAYS]  # fmt: skip
    right = {(row["group"], row["way"]): row["mean"] for row in rows}
    cost = right[OLD, "name only"] - right[OLD, "described"]
    one, other = PAIRS[PAIR]
    top = slide.title(
        f"Descriptions name {right[NEW, 'described']:.0%} of shapes never drawn; they cost {100 * cost:.0f} points "
        f"where names are known, and tell no {one} from a {other}"
    )
    said = read_descriptions()[one][0]
    em = slide.em
    left, wide = 5.0 * em, slide.width - 6.0 * em
    pitch = wide / len(SHOWN) / len(SHOWN[NEW])
    strip(slide, (left, top, wide, pitch + 4 * em), pitch)
    under = top + 0.9 * pitch + 5.8 * em
    bars(slide, (left, under, wide, slide.height - under - 2.6 * em), rows)
    return Drawn(
        f"Share of pictures named rightly, mean and dots of three seeds. {NEW.capitalize()}: by names that no caption "
        f"had {right[NEW, 'name only']:.3f}, by descriptions {right[NEW, 'described']:.3f}. {OLD.capitalize()}: "
        f"{right[OLD, 'name only']:.3f} and {right[OLD, 'described']:.3f}. {PAIR.capitalize()}, both “{said}”: "
        f"{right[PAIR, 'name only']:.3f} and {right[PAIR, 'described']:.3f}. Dashed: chance.",
        f"Three pairs of bars under pictures of their shapes. {NEW.capitalize()}: names {right[NEW, 'name only']:.0%}, "
        f"descriptions {right[NEW, 'described']:.0%}. {OLD.capitalize()}: {right[OLD, 'name only']:.0%} and "
        f"{right[OLD, 'described']:.0%}. {PAIR.capitalize()}: both near one half, chance.",
        rows,
    )


def legend(slide: Slide, sheet) -> None:
    """What bars, lines and dots are, in a row."""
    x, em, thick = 0.0, slide.em, slide.line / 2
    for said, colour, sign in (*WAYS.values(), ("chance", "", "--"), ("seeds", "", ".")):
        if colour:
            place = (x, 0.1 * em), 1.2 * em, em
            sheet.add_patch(Rectangle(*place, facecolor=colour, hatch=sign, edgecolor=slide.paper, linewidth=0))
        else:
            ends, size = [x + 0.1 * em, x + 1.1 * em], 0.5 * slide.body
            sheet.plot(ends, [0.62 * em] * 2, sign, color=slide.ink, linewidth=thick, markersize=size)
        slide.write(sheet, x + 1.6 * em, 0, said)
        x += 2.6 * em + width_of(said, slide.body)


def strip(slide: Slide, box, pitch: float) -> None:
    """The legend; under it, above each group, some of its shapes with their names."""
    sheet, (_, _, width, _), em = slide.sheet(box), box, slide.em
    legend(slide, sheet)
    for g, names in enumerate(SHOWN.values()):
        apart = pitch if len(names) > 2 else 1.3 * pitch
        for k, name in enumerate(names):
            middle = (g + 0.5) * width / len(SHOWN) + (k + 0.5 - len(names) / 2) * apart
            thumbnail(sheet, portrait(name), middle - 0.45 * pitch, 2.2 * em, 0.9 * pitch)
            slide.write(sheet, middle, 2.4 * em + 0.9 * pitch, name, ha="center")


def bars(slide: Slide, box, rows) -> None:
    """For each group a bar of names beside one of descriptions; a dot for each seed, a dashed line for chance."""
    axes = slide.axes(box, "", "right, in %")
    for k, row in enumerate(rows):
        _, colour, hatch = WAYS[row["way"]]
        x = k // 2 + (0.19 if k % 2 else -0.19)
        axes.bar([x], [100 * row["mean"]], 0.34, color=colour, hatch=hatch, edgecolor=slide.paper, linewidth=0)
        dots = [100 * value for column, value in row.items() if column.startswith("seed")]
        axes.plot([x] * len(dots), dots, ".", color=slide.ink, markersize=0.5 * slide.body, clip_on=False)
        axes.plot([x - 0.17, x + 0.17], [100 * row["chance"]] * 2, "--", color=slide.ink, linewidth=slide.line / 2)
        above = max(*dots, 100 * row["chance"]) + 80 * slide.em / box[3]
        slide.label(axes, x, above, f"{row['mean']:.0%}", ha="center", weight="bold")
    axes.set(xlim=(-0.5, len(SHOWN) - 0.5), ylim=(0, 100))
    axes.set_xticks(range(len(SHOWN)), list(SHOWN))
    axes.set_yticks([0, 50, 100])
