"""Lecture figures to files: the picture, its numbers as CSV, and what to say about it as text."""

import io
from pathlib import Path

from PIL import Image

from ..errors import ConfigError
from ..storage import replace
from .lectures import Drawn, Run, lecture, lectures
from .slide import SIZES, THEMES
from .style import save

FORMATS = ("svg", "pdf", "png", "gif")
FRAME_MS, LAST_MS = 100, 2000  # ten states a second, the last one held
GIF_DPI = 72  # keeps a moving slide below 3 MB


def chosen(ids, everything: bool) -> list[str]:
    """The ids asked for, each known; all of them if `everything`."""
    if everything == bool(ids):
        raise ConfigError("name some figures, such as f03, or say --all, not both")
    unknown = [id for id in ids if id not in lectures()]
    if unknown:
        raise ConfigError(f"there is no figure {unknown[0]!r}, expected one of {', '.join(lectures())}")
    return list(lectures()) if everything else list(ids)


def render(ids, out, formats=("svg",), size: str = "wide", theme: str = "light", run: Run | None = None) -> list[str]:
    """Write lecture figures.

    Parameters
    ----------
    ids : list of str
        Such as "f03".
    out : str or Path
        A folder; it is made if it is not there. Files of the same names are replaced.
    formats : sequence of "svg", "pdf", "png" and "gif"
        gif only for figures that move; the others are left out.
    size : "wide", "half", "square" or "paper"
    theme : "light" or "dark"
    run : Run
        Where the numbers come from; the default is the run in the package.

    Returns
    -------
    list of str
        The files.

    Raises
    ------
    ConfigError
        For a format, size or theme that does not exist.
    """
    for what, values, known in (("format", formats, FORMATS), ("size", [size], SIZES), ("theme", [theme], THEMES)):
        for value in values:
            if value not in known:
                raise ConfigError(f"the {what} is {value!r}, expected one of {', '.join(known)}")
    folder, run, written = Path(out), run or Run(), []
    folder.mkdir(parents=True, exist_ok=True)
    for id in ids:
        stem = lectures()[id].__name__.rsplit(".", 1)[1]
        figure, drawn = lecture(id, run, size, theme)
        for kind in formats:
            if kind != "gif":
                save(figure, folder / f"{stem}.{kind}")
            elif hasattr(lectures()[id], "frames"):
                replace(folder, f"{stem}.gif", moving(id, run, size, theme))
            else:
                continue
            written.append(str(folder / f"{stem}.{kind}"))
        for name, text in ((f"{stem}.csv", drawn.csv()), (f"{stem}.txt", words(id, drawn))):
            replace(folder, name, text.encode())
            written.append(str(folder / name))
    return written


def words(id: str, drawn: Drawn) -> str:
    """What stands beside a figure, and what its lecturer may want to know."""
    module = lectures()[id]
    return (
        f"{id} {module.TITLE}\n\nCaption: {drawn.caption}\n\nIn words: {drawn.alt}\n\n"
        f"For the lecturer: {module.NOTE}\n\nNotebook: {module.NOTEBOOK}\n"
    )


def moving(id: str, run: Run, size: str, theme: str) -> bytes:
    """The states of a figure as an animated GIF."""
    pictures = []
    for state in lectures()[id].frames(run):
        file = io.BytesIO()
        lecture(id, run, size, theme, state)[0].savefig(file, format="png", dpi=GIF_DPI)
        pictures.append(Image.open(file).convert("RGB").quantize(64))
    file = io.BytesIO()
    times = [FRAME_MS] * (len(pictures) - 1) + [LAST_MS]
    pictures[0].save(file, "gif", save_all=True, append_images=pictures[1:], duration=times, loop=0)
    return file.getvalue()
