"""What the quiz asks: its items, as `content/quiz.toml` has them, checked.

An item has one or more steps. A step is a choice between options, or a blank: a hidden cell of the cheat sheet. Items
of the self-check begin with an open question.
"""

from dataclasses import dataclass

from ..errors import InputError, quote
from .cards import CONTENT, CheatTable, cover, load_cheatsheet, read

SECTIONS = ("self-check", "part-b", "pitfalls", "tables")


@dataclass(frozen=True)
class Option:
    """One option of a choice, and what to tell those who take it."""

    key: str
    text: str
    feedback: str
    right: bool = False


@dataclass(frozen=True)
class Choice:
    """A question with options, one or more of them right."""

    question: str
    options: tuple[Option, ...]


@dataclass(frozen=True)
class Blank:
    """A question about a covered cell: phrases that are right, and phrases that are wrong in a known way."""

    question: str
    table: CheatTable
    accepted: tuple[str, ...]
    wrong: tuple[tuple[tuple[str, ...], str], ...]  # (phrases, feedback)
    right: str
    otherwise: str


@dataclass(frozen=True)
class Point:
    """What a good free answer says, and words that suggest it was said."""

    point: str
    keywords: tuple[str, ...]


@dataclass(frozen=True)
class Open:
    """A question that is answered freely, its model answer, and the points to tick."""

    question: str
    answer: str
    rubric: tuple[Point, ...]


@dataclass(frozen=True)
class Item:
    """See the module's docstring."""

    id: str
    section: str
    title: str
    seed: str
    steps: tuple[Choice | Blank, ...]
    open: Open | None = None
    note: str = ""


def load_quiz(section: str | None = None, path=CONTENT / "quiz.toml") -> list[Item]:
    """The items of a file, all or those of one section; a ValueError names the item that is not right."""
    if section not in (None, *SECTIONS):
        raise InputError(f"the section is {quote(section)}, expected {', '.join(SECTIONS)}")
    tables = {table.id: table for table in load_cheatsheet().tables}
    items = []
    for entry in read(path)["item"]:
        try:
            items.append(item_of(entry, tables))
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"quiz item {entry.get('id')!r}: {quote(error)}") from error
    if len({item.id for item in items}) != len(items):
        raise ValueError("two quiz items have the same id")
    return [item for item in items if section in (None, item.section)]


def item_of(entry: dict, tables: dict[str, CheatTable]) -> Item:
    """An item as the file has it, checked."""
    free = entry.get("open")
    if free is not None:
        rubric = tuple(Point(point["point"], tuple(point["keywords"])) for point in free["rubric"])
        if not 3 <= len(rubric) <= 5 or not all(point.keywords for point in rubric):
            raise ValueError("a rubric has 3 to 5 points, each with keywords")
        free = Open(free["question"], free["answer"].strip(), rubric)
    steps = tuple(step_of(step, tables) for step in entry["step"])
    if entry["section"] not in SECTIONS or not steps:
        raise InputError("the section is unknown, or there is no step")
    return Item(
        entry["id"], entry["section"], entry["title"], entry["seed"], steps, free, entry.get("note", "").strip()
    )


def step_of(step: dict, tables: dict[str, CheatTable]) -> Choice | Blank:
    """A step as the file has it, checked."""
    question = step["question"].strip()
    if "option" not in step:
        wrong = tuple((tuple(each["answers"]), each["feedback"]) for each in step["wrong"])
        table = cover(tables[step["table"]], step["row"], step["column"])
        return Blank(question, table, tuple(step["accepted"]), wrong, step["right"], step["otherwise"])
    options = tuple(Option(**{"key": "abcdefgh"[n]} | option) for n, option in enumerate(step["option"]))
    if len({option.key for option in options}) != len(options) or {option.right for option in options} != {True, False}:
        raise ValueError("options need different keys, and both right and wrong ones")
    if not all(option.text and option.feedback for option in options):
        raise ValueError("an option has no text or no feedback")
    return Choice(question, options)
