"""The lecture figures, one file each: `f03_temperature.py` is f03. Each file has

    TITLE      what it is about, in a few words
    NOTE       a paragraph for the lecturer: what to ask, what to point at, which error it clears
    NOTEBOOK   where it is used, such as "01"
    draw(slide, run) -> Drawn           the figure on a Slide, from a Run
    frames(run) -> list of states       only if it moves: draw(slide, run, state) draws one of them; see `paused`
    still(run) -> state                 only if paper shows more than the last of them

A figure's numbers come from the run, or from what a lab has measured in minutes, which is in the package
(`labs.harness.known_scores`, `labs.sweeps`), never from the file; captions are computed from the rows of the CSV beside
them.
"""

import csv
import io
from dataclasses import dataclass, field
from functools import cache, cached_property
from importlib import import_module
from itertools import groupby
from pathlib import Path

from ...errors import InputError
from ...files.checkpoint import PRETRAINED, SYSTEM, load
from ...files.state import read_log
from ...model import Describer, Model
from ..slide import Slide
from ..style import styled

PAUSE = 15  # pictures of a film, ten to a second


@dataclass(frozen=True)
class Drawn:
    """What stands beside a figure: the caption, the text for those who cannot see it, and its numbers."""

    caption: str
    alt: str
    rows: list[dict] = field(default_factory=list)

    def csv(self) -> str:
        """The numbers as comma-separated values."""
        text = io.StringIO()
        writer = csv.DictWriter(text, list(dict.fromkeys(key for row in self.rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return text.getvalue()


class Run:
    """A trained run: the shipped one, or a folder."""

    def __init__(self, folder=None):
        self.folder = Path(folder or PRETRAINED)

    @cached_property
    def model(self) -> Model:
        return load(self.folder)

    @cached_property
    def describer(self) -> Describer:
        """The run if it describes pictures too, otherwise the system in the package."""
        return self.model if isinstance(self.model, Describer) else load(SYSTEM)

    @cached_property
    def log(self) -> list[dict]:
        """The rows of metrics.jsonl."""
        return read_log(self.folder)


@cache
def lectures() -> dict:
    """id -> module, in order."""
    found = sorted(Path(__file__).parent.glob("f[0-9][0-9]_*.py"))
    return {path.stem[:3]: import_module(f"{__name__}.{path.stem}") for path in found}


def lecture(id: str, run: Run | None = None, size: str = "wide", theme: str = "light", state=None):
    """(Figure, Drawn) of one lecture figure; `state` is one of its `frames`; without it, `still` or the last."""
    if id not in lectures():
        raise InputError(f"there is no figure {id!r}, expected one of {', '.join(lectures())}")
    module, run = lectures()[id], run or Run()
    with styled():
        slide = Slide(size, theme)
        if hasattr(module, "frames"):
            drawn = module.draw(slide, run, standing(module, run) if state is None else state)
        else:
            drawn = module.draw(slide, run)
        slide.figure.alt = drawn.alt
        return slide.figure, drawn


def paused(states: list, *stops: int, pace: int = 1) -> list:
    """The states of a film, `pace` pictures each; those at the places `stops` stay long enough to talk over."""
    places = {stop % len(states) for stop in stops}
    return [state for k, state in enumerate(states) for _ in range(PAUSE if k in places else pace)]


def stays(states: list) -> list[tuple]:
    """Each state of a film once, and for how many pictures it stays."""
    groups = [list(same) for _, same in groupby(states, key=id)]
    return [(same[0], len(same)) for same in groups]


def standing(module, run: Run):
    """The state of a moving figure that stands for all of it where nothing moves."""
    return module.still(run) if hasattr(module, "still") else module.frames(run)[-1]
