"""Paper to learn from: flashcards, one a page, and the cheat sheet on one page, as PDF.

Text is broken between words and set as large as its page allows; nothing is cut off.
"""

import io
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_pdf import PdfPages

from ..errors import InputError, quote
from ..files.storage import replace
from . import page as sheets
from .page import LINE, fitting, page, width_of
from .style import FAINT, IMAGE, INK, METADATA, MUTED, TEXT, Figure, new_figure, save_figure, styled

SIZES = {"A6": (4.13, 5.83), "A4": (8.27, 11.69), "Letter": (8.5, 11.0), "5x3": (5.0, 3.0)}  # inches
SHEET = (11.69, 8.27)  # the cheat sheet: A4 across
COLUMNS = 3
LARGEST, SMALLEST = 16.0, 1.0  # points of the text on a page as small as A6
legible = cache(sheets.clean)


def cards_pdf(cards: Iterable, path, size: str = "A6", duplex: bool = False) -> None:
    """Write flashcards as PDF: the same cards give the same bytes, and the file is whole or not there.

    Parameters
    ----------
    cards : iterable
        Each has texts `front`, `back`, `topic` and `source`.
    path : str or Path
    size : str
        The page: A6, A4, Letter or 5x3 (inches).
    duplex : bool
        A page for the question and a page for the answer; otherwise both are on one.
    """
    path, written = Path(path), io.BytesIO()
    figures = card_figures(cards, size, duplex)
    with styled(), PdfPages(written, metadata=METADATA[".pdf"]) as pdf:
        for figure in figures:
            pdf.savefig(figure)
    replace(path.parent, path.name, written.getvalue())


def card_figures(cards: Iterable, size: str = "A6", duplex: bool = False) -> Iterator[Figure]:
    """The pages of `cards_pdf`, one by one."""
    if size not in SIZES:
        raise InputError(f"the size is {quote(size)}, expected {', '.join(SIZES)}")

    def parts_of(card):
        parts = [(card.front, "bold"), (card.back, "normal")]
        return [[part] for part in parts] if duplex else [parts]

    return (card_page(card, group, SIZES[size]) for card in cards for group in parts_of(card))


def card_page(card, parts, size) -> Figure:
    """One page: the topic on top, some of the texts, where it comes from at the bottom."""
    with styled():
        figure = new_figure(size)
        unit = min(size[0] / SIZES["A6"][0], size[1] / SIZES["5x3"][1], 2.0)  # larger paper, larger letters
        edge, small = 0.32 * unit, 8.0 * unit
        sheet = page(figure, (edge, edge, size[0] - 2 * edge, size[1] - 2 * edge))
        width, height = size[0] - 2 * edge, size[1] - 2 * edge
        top = put(sheet, 0, 0, [card.topic], small, "bold", IMAGE) + 0.1 * unit
        rule(sheet, top, width, TEXT, 1.5 * unit)
        bottom = height - small * LINE
        put(sheet, 0, bottom, lines_of(card.source, width, small)[:1], small, color=MUTED)
        fill_page(sheet, parts, top + 0.18 * unit, width, bottom - 0.1 * unit, LARGEST * unit)
        return figure


def fill_page(sheet: Axes, parts, top, width, bottom, size) -> None:
    """Texts below each other with a rule between them, in the largest letters that fit, at most `size` points."""
    needed = float("inf")
    while needed > bottom - top:
        blocks = [lines_of(text, width, size, weight) for text, weight in parts]
        gap = 1.2 * size * LINE
        needed = sum(map(len, blocks)) * size * LINE + gap * (len(blocks) - 1)
        size *= 0.96
    size /= 0.96
    y = top + 0.4 * (bottom - top - needed)
    for n, (lines, (_, weight)) in enumerate(zip(blocks, parts, strict=True)):
        if n:
            rule(sheet, y + gap / 2, width, FAINT, 1.0)
            y += gap
        y += put(sheet, 0, y, lines, size, weight)


def lines_of(text: str, width: float, size: float, weight: str = "normal") -> list[str]:
    """A text in lines of at most `width` inches, broken between words, or inside one that is too long for a line."""
    lines, row, room = [], "", width / size  # widths grow with the size: measure at one point, and only once
    for word in text.split():
        word = legible(word, weight)
        if row and width_of(f"{row} {word}", 1.0, weight) <= room:
            row = f"{row} {word}"
            continue
        lines += [row] * bool(row)
        while width_of(word, 1.0, weight) > room and len(word) > 1:
            cut = fitting(word, room, 1.0, weight)
            lines.append(word[:cut])
            word = word[cut:]
        row = word
    return [*lines, row]


def put(sheet: Axes, x, y, lines, size, weight="normal", color=INK) -> float:
    """Lines of text below y; returns their height in inches."""
    for k, line in enumerate(lines):
        sheet.text(x, y + k * size * LINE + 0.95 * size / 72, line, fontsize=size, fontweight=weight, color=color)
    return len(lines) * size * LINE


def rule(sheet: Axes, y, width, color, thick, x=0.0) -> None:
    """A line across."""
    sheet.plot([x, x + width], [y, y], color=color, linewidth=thick, solid_capstyle="butt")


# The cheat sheet


def cheatsheet_pdf(sheet, path) -> None:
    """Write the cheat sheet as PDF, one page; `sheet` has `title`, `summary` and `tables`."""
    save_figure(cheatsheet_figure(sheet), path)


def cheatsheet_figure(sheet) -> Figure:
    """All tables on one page, in the largest letters with which they fit."""
    with styled():
        figure = new_figure(SHEET)
        edge, gap = 0.35, 0.3
        width, height = SHEET[0] - 2 * edge, SHEET[1] - 2 * edge
        paper = page(figure, (edge, edge, width, height))
        top = put(paper, 0, 0, [legible(sheet.title, "bold")], 15, "bold", IMAGE) + 0.06
        top += put(paper, 0, top, lines_of(sheet.summary, width, 8), 8, color=MUTED) + 0.08
        column = (width - (COLUMNS - 1) * gap) / COLUMNS
        size, too_large = SMALLEST, LARGEST
        while too_large - size > 0.05:
            middle = (size + too_large) / 2
            fits = flow(sheet.tables, column, height - top, middle) is not None
            size, too_large = (middle, too_large) if fits else (size, middle)
        places = flow(sheet.tables, column, height - top, size)
        if places is None:
            raise InputError(f"{len(sheet.tables)} tables are too many for one page: leave some out")
        for (n, y), table in zip(places, sheet.tables, strict=True):
            draw_table(paper, table, n * (column + gap), top + y, column, size)
        return figure


def flow(tables, width, height, size):
    """The column and height at which each table begins, filled one column after the other; None if they do not fit."""
    places, n, y = [], 0, 0.0
    for table in tables:
        needed = sum(high for _, high in layout(table, width, size))
        if y + needed > height and y:
            n, y = n + 1, 0.0
        if n == COLUMNS or needed > height:
            return None
        places.append((n, y))
        y += needed + 0.9 * size * LINE
    return places


def layout(table, width, size):
    """The rows of a table, title and note included: (lines of each cell with x, weight and colour), height."""
    title = lines_of(table.title, width, 1.1 * size, "bold")
    rows = [([(title, 0.0, "bold", IMAGE)], len(title) * 1.1 * size * LINE)]
    lefts, rooms = across(table, width, size)
    for n, cells in enumerate([table.columns, *table.rows]):
        looks = [("normal", MUTED)] * len(cells) if n == 0 else [("bold", INK)] + [("normal", INK)] * (len(cells) - 1)
        placed = [
            (lines_of(cell, room, size, weight), left, weight, color)
            for cell, left, room, (weight, color) in zip(cells, lefts, rooms, looks, strict=True)
        ]
        rows.append((placed, (max(len(lines) for lines, *_ in placed) + 0.25) * size * LINE))
    if table.note:
        lines = lines_of(table.note, width, 0.95 * size)
        rows.append(([(lines, 0.0, "normal", MUTED)], len(lines) * 0.95 * size * LINE))
    return rows


def across(table, width, size):
    """Where the columns of a table begin, and how much room they have: what they need, the longest cut to fit."""
    gap = size / 72
    wants = [max(size * width_of(legible(cell, "bold"), 1.0, "bold") for cell in cells)
             for cells in zip(table.columns, *table.rows, strict=True)]  # fmt: skip
    free = width - gap * (len(wants) - 1)
    while sum(wants) > free:
        wants[wants.index(max(wants))] *= 0.95
    lefts = [sum(wants[:n]) + gap * n for n in range(len(wants))]
    return lefts, wants


def draw_table(sheet: Axes, table, x, y, width, size) -> None:
    """A table below y: title, names of the columns, rows under thin rules, note."""
    rows = layout(table, width, size)
    for n, (cells, high) in enumerate(rows):
        if 1 < n < len(table.rows) + 2:
            rule(sheet, y + 0.06 * size * LINE, width, FAINT, 0.6, x)
        letters = 1.1 * size if n == 0 else 0.95 * size if n == len(table.rows) + 2 else size
        for lines, left, weight, color in cells:
            put(sheet, x + left, y + (0.12 * size * LINE if n else 0), lines, letters, weight, color)
        y += high
