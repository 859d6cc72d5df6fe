"""Slides: the figures of some lectures in one PDF, and each figure with its words."""

import io
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from matplotlib.backends.backend_pdf import PdfPages
from matplotlib.figure import Figure

from .lectures import Run, lecture, lectures
from .page import write
from .slide import Slide
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


def deck(chapters: Iterable[tuple[str, str, list[str]]]) -> tuple[bytes, list[SlidePage]]:
    """Draw slides.

    Parameters
    ----------
    chapters : iterable of (title, question, ids)
        A lecture each: what its first slide says, and its figures, such as "f03", in their order.

    Returns
    -------
    (pdf, pages)
        A PDF with a page for each slide; and each figure once, in the order of its first time.
    """
    run, written, pages = Run(), io.BytesIO(), dict[str, SlidePage]()
    with styled(), PdfPages(written, metadata=METADATA[".pdf"]) as pdf:
        for title, question, ids in chapters:
            pdf.savefig(first_slide(title, question))
            for id in ids:
                module = lectures()[id]
                figure, said = lecture(id, run)
                pdf.savefig(figure)
                name = module.__name__.rsplit(".", 1)[1]
                pages[id] = SlidePage(id, name, module.TITLE, said.caption, said.alt, module.NOTE,
                                      drawn(figure, Path(f"{name}.svg")), said.csv().encode())  # fmt: skip
    return written.getvalue(), list(pages.values())


def first_slide(title: str, question: str) -> Figure:
    """What a lecture is about."""
    slide = Slide()
    sheet, margin = slide.sheet(), 3 * slide.em
    width, top = slide.width - 2 * margin, 0.36 * slide.height
    top += write(sheet, margin, top, title, 2 * slide.body, width, 2, "bold", slide.ink) + slide.em
    write(sheet, margin, top, question, 1.4 * slide.body, width, 3, color=slide.muted)
    return slide.figure


def titles() -> dict[str, str]:
    """id -> what a figure is about."""
    return {id: module.TITLE for id, module in lectures().items()}
