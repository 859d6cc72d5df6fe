"""The flashcards and the cheat sheet: loading, review in five boxes, and what they look like in other programs.

A review keeps a card in one of five boxes (Leitner). A card in box b comes back after WAIT[b - 1] sessions: "good"
moves it up a box, "again" back to the first, where it comes back in the same session.
"""

import html
import textwrap
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from itertools import zip_longest
from pathlib import Path
from string import Template

from ..errors import InputError, quote

CONTENT = Path(__file__).parent / "content"
TAGS = ("seed", "extra")
WAIT = (0, 1, 3, 7, 21)  # sessions until a card of box 1, 2, ... is due again
PAGES = {"A6": "105mm 148mm", "A4": "A4", "Letter": "letter", "5x3": "5in 3in"}  # as CSS names them: it knows no A6
wrap_words = partial(textwrap.wrap, break_on_hyphens=False)


@dataclass(frozen=True)
class Card:
    """A question and its answer; `source` is where it comes from."""

    id: str
    front: str
    back: str
    topic: str
    source: str
    tag: str


@dataclass(frozen=True)
class CheatTable:
    """A table of the cheat sheet: a title, the names of the columns, rows of texts, and a note that may be empty."""

    id: str
    title: str
    columns: list[str]
    rows: list[list[str]]
    note: str = ""


@dataclass(frozen=True)
class Sheet:
    """The cheat sheet: tables under a title, and what they come to in a few sentences."""

    title: str
    summary: str
    tables: tuple[CheatTable, ...]


def load_cards(tag: str | None = None, path=CONTENT / "cards.toml") -> list[Card]:
    """The cards of a file, all or those with one tag; a ValueError names the card that is not right."""
    if tag not in (None, *TAGS):
        raise InputError(f"the tag is {quote(tag)}, expected {' or '.join(TAGS)}")
    cards = [Card(**{key: text.strip() for key, text in entry.items()}) for entry in read(path)["card"]]
    for n, card in enumerate(cards):
        if not all(vars(card).values()) or card.tag not in TAGS or any(c.isspace() for c in card.id + card.topic):
            raise ValueError(
                f"card {quote(card.id)}: a text is missing, the tag unknown, or a space in its id or topic"
            )
        if card.id in {other.id for other in cards[:n]}:
            raise ValueError(f"card {quote(card.id)} is there twice: give one another id")
    return [card for card in cards if tag in (None, card.tag)]


def read(path) -> dict:
    """A TOML file."""
    return tomllib.loads(Path(path).read_text(encoding="utf-8"))


def load_cheatsheet(path=CONTENT / "cheatsheet.toml") -> Sheet:
    """The cheat sheet of a file; a ValueError names the table that is not right."""
    data = read(path)
    tables = tuple(CheatTable(**{**entry, "note": entry.get("note", "").strip()}) for entry in data["table"])
    for table in tables:
        if not table.rows or any(len(row) != len(table.columns) for row in table.rows):
            raise ValueError(
                f"table {quote(table.id)}: every row needs {len(table.columns)} cells, and there must be a row"
            )
    return Sheet(data["title"], data["summary"].strip(), tables)


def cover(table: CheatTable, row: str, column: str) -> CheatTable:
    """A table without its note and with "?" in one cell: `row` is any cell of its row, `column` its column's name."""
    which = [n for n, cells in enumerate(table.rows) if row in cells]
    if len(which) != 1 or column not in table.columns:
        raise ValueError(f"table {quote(table.id)} has no single cell at row {quote(row)}, column {quote(column)}")
    rows = [list(cells) for cells in table.rows]
    rows[which[0]][table.columns.index(column)] = "?"
    return replace(table, rows=rows, note="")


# Review


def known_progress(data: dict) -> dict:
    """What `review` returned, as far as these data are that: whole numbers, and whole numbers by card."""
    tables = {name: data[name] for name in ("boxes", "seen") if isinstance(data.get(name), dict)}
    progress: dict = {name: {id: n for id, n in table.items() if type(n) is int} for name, table in tables.items()}
    return progress | ({"session": data["session"]} if type(data.get("session")) is int else {})


def box_of(card: Card, progress: dict) -> int:
    """The box of a card, 1 to 5; 1 if it was never seen."""
    return min(max(progress.get("boxes", {}).get(card.id, 1), 1), len(WAIT))


def due_cards(cards: Iterable[Card], progress: dict, session: int) -> list[Card]:
    """The cards that are due in a session: never seen, or seen long enough ago for their box."""
    seen = progress.get("seen", {})
    return [
        card for card in cards if card.id not in seen or session >= seen[card.id] + WAIT[box_of(card, progress) - 1]
    ]


def review(cards: Iterable[Card], progress: dict, ask: Callable[[str], str], say: Callable[[str], object]) -> dict:
    """One session of review.

    Parameters
    ----------
    cards : iterable of Card
    progress : dict
        What the last session returned, {} before the first: "session" counts them, "boxes" and "seen" hold, by card id,
        the box and the session in which the card was last answered. It is not changed.
    ask, say : callables
        Show a prompt and return the reply; show a text. EOFError or a reply of "q" ends the session.

    Returns
    -------
    dict
        The new progress: plain numbers and strings.
    """
    session = progress.get("session", 0) + 1
    progress = {"session": session, "boxes": dict(progress.get("boxes", {})), "seen": dict(progress.get("seen", {}))}
    queue = due_cards(cards, progress, session)
    say(f"Session {session}: {len(queue)} cards are due. Enter flips, 1 = again, 2 = good, q = quit.")
    try:
        while queue:
            card = queue.pop(0)
            box = min(box_of(card, progress) + 1, len(WAIT)) if answered(card, len(queue), ask, say) else 1
            progress["boxes"][card.id], progress["seen"][card.id] = box, session
            if WAIT[box - 1] == 0:
                queue.append(card)
    except EOFError:
        say(f"Stopped, with {len(queue) + 1} cards left.")
    else:
        say("No card is due any more: well done.")
    return progress


def answered(card: Card, left: int, ask: Callable[[str], str], say: Callable[[str], object]) -> bool:
    """Show a card, both sides; did the learner call it good?"""
    say(f"\n[{card.topic}, {left} more]\n{textwrap.fill(card.front, 80)}")
    reply_to("flip > ", ask)
    say(textwrap.fill(card.back, 80))
    while (reply := reply_to("1 again, 2 good > ", ask)) not in ("1", "2"):
        say("Type 1 if you want to see it again, 2 if you knew it, q to stop.")
    return reply == "2"


def reply_to(prompt: str, ask: Callable[[str], str]) -> str:
    """A reply without blanks around it; "q" is the end of all input."""
    reply = ask(prompt).strip()
    if reply.lower() == "q":
        raise EOFError
    return reply


# Exports


def guid(card: Card) -> str:
    """The name by which Anki knows a card: a new import with the same one updates the card."""
    return f"miniclip-{card.id}"


def anki_text(cards: Iterable[Card], deck: str = "miniclip") -> str:
    """The cards as a text file for Anki's import: guid, note type, deck, front, back, tags."""
    header = [
        "#separator:tab",
        "#html:true",
        "#guid column:1",
        "#notetype column:2",
        "#deck column:3",
        "#tags column:6",
    ]
    fields = [
        [guid(card), "Basic", deck, rich(card.front), rich(card.back), f"{card.tag} {card.topic}"] for card in cards
    ]
    return "\n".join([*header, *map("\t".join, fields)]) + "\n"


def rich(text: str) -> str:
    """A text as HTML in one line."""
    return "<br>".join(html.escape(line) for line in " ".join(text.split("\t")).splitlines())


def html_page(cards: Iterable[Card], size: str = "A6", duplex: bool = False) -> str:
    """The cards as one HTML file: a click flips a card, a button prints them, one card on each page.

    Parameters
    ----------
    cards : iterable of Card
    size : str
        The printed page: A6, A4, Letter or 5x3 (inches).
    duplex : bool
        Print the question and the answer on a page each.
    """
    frame = Template((CONTENT / "cards.html").read_text(encoding="utf-8"))
    return frame.substitute(style=card_style(size, duplex), cards="\n".join(map(card_html, cards)))


def card_html(card: Card) -> str:
    """A card that a click, or Enter, turns."""
    front = f'<details class="card" id="{html.escape(card.id)}"><summary>{rich(card.front)}</summary>'
    return f'{front}<p class="back">{rich(card.back)}</p></details>'


def card_style(size: str = "A6", duplex: bool = False) -> str:
    """How cards look on a screen, and on paper; see `html_page`."""
    if size not in PAGES:
        raise InputError(f"the size is {quote(size)}, expected {', '.join(PAGES)}")
    front, back = ("break-after: page;", "") if duplex else ("", "border-top: 1px solid; padding-top: 1em;")
    style = (CONTENT / "cards.css").read_text(encoding="utf-8")
    return Template(style).substitute(size=PAGES[size], front=front, back=back)


def cheatsheet_text(sheet: Sheet, width: int = 100) -> str:
    """The cheat sheet for a terminal of some width."""
    parts = [sheet.title.upper(), *(table_text(table, width) for table in sheet.tables)]
    return "\n\n".join([*parts, "\n".join(wrap_words(sheet.summary, width))]) + "\n"


def table_text(table: CheatTable, width: int = 100) -> str:
    """One table for a terminal: columns side by side, long cells in several lines, the note below."""
    rows = [table.columns, *table.rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    while sum(widths) + 2 * len(widths) > width and max(widths) > 8:
        widths[widths.index(max(widths))] -= 1
    lines = [table.title]
    for n, row in enumerate(rows):
        cells = [wrap_words(cell, room) for cell, room in zip(row, widths, strict=True)]
        for parts in zip_longest(*cells, fillvalue=""):
            lines.append("  ".join(f"{part:{room}}" for part, room in zip(parts, widths, strict=True)).rstrip())
        if n == 0:
            lines.append("  ".join("-" * room for room in widths))
    return "\n".join([*lines, *wrap_words(table.note, width)])


def cheatsheet_markdown(sheet: Sheet) -> str:
    """The cheat sheet as Markdown."""
    parts = [f"# {sheet.title}"]
    for table in sheet.tables:
        rows = [table.columns, ["---"] * len(table.columns), *table.rows]
        cells = [[cell.replace("|", "\\|") for cell in row] for row in rows]
        parts += [f"## {table.title}", "\n".join(f"| {' | '.join(row)} |" for row in cells)]
        parts += [table.note] * bool(table.note)
    return "\n\n".join([*parts, sheet.summary]) + "\n"
