"""Lecture figures to files: the picture, its numbers as CSV, and what to say about it as text."""

import warnings
from pathlib import Path

from ..errors import ConfigError, quote
from ..files.storage import replace
from ..machine.disk import make_folder
from . import film
from .lectures import Drawn, Run, lecture, lectures
from .slide import SIZES, THEMES
from .style import save_figure

FORMATS = ("svg", "pdf", "png", "gif", "mp4")


def chosen_figures(ids, everything: bool) -> list[str]:
    """The ids asked for, each known; all of them if `everything`."""
    if everything == bool(ids):
        raise ConfigError("name some figures, such as f03, or say --all, not both")
    unknown = [id for id in ids if id not in lectures()]
    if unknown:
        raise ConfigError(f"there is no figure {quote(unknown[0])}, expected one of {', '.join(lectures())}")
    return list(lectures()) if everything else list(ids)


def render(ids, out, formats=("svg",), size: str = "wide", theme: str = "light", run: Run | None = None) -> list[str]:
    """Write lecture figures.

    Parameters
    ----------
    ids : list of str
        Such as "f03".
    out : str or Path
        A folder; it is made if it is not there. Files of the same names are replaced.
    formats : sequence of "svg", "pdf", "png", "gif" and "mp4"
        gif and mp4 only for figures that move; the others are left out. Without ffmpeg, instead of an MP4, a GIF and a
        PDF with a page for each state.
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
                raise ConfigError(f"the {what} is {quote(value)}, expected one of {', '.join(known)}")
    folder, run, written = Path(out), run or Run(), []
    make_folder(folder)
    for id in ids:
        stem = lectures()[id].__name__.rsplit(".", 1)[1]
        figure, drawn = lecture(id, run, size, theme)
        for kind in formats:
            if kind not in ("gif", "mp4"):
                save_figure(figure, folder / f"{stem}.{kind}")
                written.append(str(folder / f"{stem}.{kind}"))
        files = films(id, formats, run, size, theme) if film.moves(id) else {}
        for end, content in {**files, "csv": drawn.csv().encode(), "txt": words(id, drawn).encode()}.items():
            replace(folder, f"{stem}.{end}", content)
            written.append(str(folder / f"{stem}.{end}"))
    return written


def films(id: str, formats, run: Run, size: str, theme: str) -> dict[str, bytes]:
    """How the file's name ends, and what is in it, for each moving format that was asked for."""
    makers = {kind: maker for kind, maker in (("gif", film.gif), ("mp4", film.mp4)) if kind in formats}
    if "mp4" in makers and not film.has_ffmpeg():
        warnings.warn(film.NO_FFMPEG, stacklevel=3)
        del makers["mp4"]
        makers |= {"gif": film.gif, "pages.pdf": film.pages}
    return {end: maker(id, run, size, theme) for end, maker in makers.items()}


def words(id: str, drawn: Drawn) -> str:
    """What stands beside a figure, and what its lecturer may want to know."""
    module = lectures()[id]
    return (
        f"{id} {module.TITLE}\n\nCaption: {drawn.caption}\n\nIn words: {drawn.alt}\n\n"
        f"For the lecturer: {module.NOTE}\n\nNotebook: {module.NOTEBOOK}\n"
    )
