"""Lecture figures as slides: all of them in one PDF, and each with its words."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages

from .lectures import Run, lecture, lectures
from .style import METADATA, drawn, styled


@dataclass(frozen=True)
class SlidePage:
    """A slide as a picture, its numbers as CSV, and what stands or is said beside it."""

    id: str
    file: str
    title: str
    caption: str
    alt: str
    note: str
    svg: bytes
    csv: bytes


def deck(ids: Iterable[str], run: Run | None = None) -> tuple[bytes, list[SlidePage]]:
    """Draw slides.

    Parameters
    ----------
    ids : iterable of str
        Such as "f03", in the order of the slides.
    run : Run
        Where the numbers come from; the default is the run in the package.

    Returns
    -------
    (pdf, pages)
        A PDF with a page for each, and the same one by one.
    """
    pages, written, run = [], io.BytesIO(), run or Run()
    with styled(), PdfPages(written, metadata=METADATA[".pdf"]) as pdf:
        for id in ids:
            module = lectures()[id]
            figure, said = lecture(id, run)
            pdf.savefig(figure)
            name = module.__name__.rsplit(".", 1)[1]
            pages.append(SlidePage(id, name, module.TITLE, said.caption, said.alt, module.NOTE,
                                   drawn(figure, Path(f"{name}.svg")), said.csv().encode()))  # fmt: skip
    return written.getvalue(), pages


def titles() -> dict[str, str]:
    """id -> what a figure is about."""
    return {id: module.TITLE for id, module in lectures().items()}
