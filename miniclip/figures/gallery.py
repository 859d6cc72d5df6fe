"""All lecture figures on one picture: each small, over its number and what it is about."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from ..errors import ConfigError, quote
from ..files.storage import replace
from .film import common_colours, in_colours
from .lectures import Run, lecture, lectures
from .page import page, write
from .slide import SIZES, THEMES
from .style import METADATA, Figure, new_figure, styled

COLUMNS, GAP, NAME = 3, 30, 46  # figures beside each other; pixels between them, and of the room for a name
DPI = 42  # of a figure on it: 560 pixels across
SIZE = 15.0  # of the names, in points at 100 dots an inch


def all_figures(run: Run, theme: str = "light") -> Figure:
    """Every lecture figure in a cell, in order, `COLUMNS` in a row."""
    rows = -(-len(lectures()) // COLUMNS)
    across, down = (int(DPI * inches) for inches in SIZES["wide"])
    width, height = COLUMNS * (across + GAP) + GAP, rows * (down + NAME + GAP) + GAP
    with styled():
        sheet = new_figure((width / 100, height / 100))
        sheet.set_facecolor(THEMES[theme]["faint"])
        words = page(sheet, (0, 0, width / 100, height / 100))
        for k, (id, module) in enumerate(lectures().items()):
            x, y = GAP + k % COLUMNS * (across + GAP), GAP + k // COLUMNS * (down + NAME + GAP)
            small = small_picture(lecture(id, run, "wide", theme)[0])[:down, :across]
            sheet.figimage(small, x, height - y - len(small), origin="upper")
            name, room, ink = f"{id}  {module.TITLE}", across / 100, THEMES[theme]["ink"]
            write(words, x / 100, (y + down + 10) / 100, name, SIZE, room, color=ink)
    return sheet


def small_picture(figure: Figure) -> np.ndarray:
    """A small picture (Y, X, 3) of a figure, from one of twice its size."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=2 * DPI)
    large = Image.open(file).convert("RGB")
    return np.asarray(large.resize((large.width // 2, large.height // 2), Image.Resampling.LANCZOS))


def sheet(out, theme: str = "light", run: Run | None = None) -> str:
    """Write the contact sheet of all lecture figures.

    Parameters
    ----------
    out : str or Path
        Ends in .png; its folder is there.
    theme : "light" or "dark"
    run : Run
        Where the numbers come from; the default is the run in the package.

    Returns
    -------
    str
        The file.

    Raises
    ------
    ConfigError
        If the name ends otherwise, or there is no such theme.
    """
    path = Path(out)
    if path.suffix.lower() != ".png":
        raise ConfigError(f"the contact sheet is {quote(path.name)}, expected a name that ends in .png")
    if theme not in THEMES:
        raise ConfigError(f"the theme is {quote(theme)}, expected one of {', '.join(THEMES)}")
    drawn = io.BytesIO()
    with styled():
        all_figures(run or Run(), theme).savefig(drawn, format="png", dpi=100, metadata=METADATA[".png"])
    picture, file = Image.open(drawn).convert("RGB"), io.BytesIO()
    in_colours(picture, common_colours([picture])).save(file, "png", optimize=True)
    replace(path.parent, path.name, file.getvalue())
    return str(path)
