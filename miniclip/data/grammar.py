"""Words and what they mean: the grammar that captions are written in and queries are read with."""

import re
from dataclasses import dataclass
from functools import lru_cache

from ..errors import TextError, quote
from .world import COLOURS, SHAPES, SIZES, STYLES

# The first word is the usual one, the others its synonyms.
WORDS = {
    "circle": ("circle", "disc"), "square": ("square", "box"), "triangle": ("triangle",),
    "diamond": ("diamond", "rhombus"), "star": ("star",), "cross": ("cross", "plus"), "ring": ("ring", "hoop"),
    "heart": ("heart",),
    "red": ("red", "scarlet"), "orange": ("orange", "amber"), "yellow": ("yellow", "golden"),
    "green": ("green", "emerald"), "cyan": ("cyan", "turquoise"), "blue": ("blue", "azure"),
    "purple": ("purple", "violet"), "pink": ("pink", "magenta"),
    "small": ("small", "little", "tiny"), "large": ("large", "big", "huge"),
    "photo": ("photo", "photograph", "snapshot"), "sketch": ("sketch", "drawing"),
    "painting": ("painting", "watercolour", "canvas"), "scan": ("scan", "negative"),
}  # fmt: skip
NOUNS = ("shape", "object", "thing")  # where the shape is not said
NEUTRAL = ("picture", "image")  # where the style is not said
NUMBERS = ("one", "two", "three")
RELATIONS = ("left of", "right of", "above", "below")
# A place in words: a full cell, by (row, column), or only its row or its column.
CELLS = (
    ("in the top left corner", "at the top centre", "in the top right corner"),
    ("on the centre left", "in the centre", "on the centre right"),
    ("in the bottom left corner", "at the bottom centre", "in the bottom right corner"),
)
ROW_PHRASES = ("at the top", "in the middle row", "at the bottom")
COLUMN_PHRASES = ("on the left", "in the middle column", "on the right")

# For reading: each word's attribute and value. Words that only hold a sentence together mean nothing.
ATTRIBUTES = {"shape": SHAPES, "colour": COLOURS, "size": SIZES, "style": STYLES}
LEXICON = {
    word: (attribute, value)
    for attribute, names in ATTRIBUTES.items()
    for value, name in enumerate(names)
    for word in WORDS[name]
}
LEXICON |= {"top": ("row", 0), "bottom": ("row", 2), "left": ("column", 0), "right": ("column", 2)}
GLUE = set("a an the of in on at to is there it with something and centre middle row column corner".split())  # noqa: SIM905
GLUE |= {*NOUNS, *NEUTRAL, *(noun + "s" for noun in NOUNS)}

CLASS_NAMES = tuple(f"{colour} {shape}" for shape in SHAPES for colour in COLOURS)


@dataclass(frozen=True)
class Described:
    """An object as far as a sentence describes it; -1 for what it leaves open."""

    shape: int = -1
    colour: int = -1
    size: int = -1
    row: int = -1
    column: int = -1


@dataclass(frozen=True)
class Meaning:
    """What a sentence says of a scene: its style (-1: nothing), how many objects (0: nothing), one to three of them."""

    objects: tuple[Described, ...] = ()
    relation: str = ""  # between objects: "and", or for two of them one of RELATIONS
    style: int = -1
    count: int = 0  # of the objects that are described, or of all


def vocabulary() -> tuple[str, ...]:
    """Every word that captions are written with, sorted."""
    phrases = [*ROW_PHRASES, *COLUMN_PHRASES, *RELATIONS, *(phrase for row in CELLS for phrase in row)]
    words = {word for phrase in phrases for word in phrase.split()} | {"a", "an", "of", "and"}
    return tuple(sorted(words | {*LEXICON, *NOUNS, *(noun + "s" for noun in NOUNS), *NEUTRAL, *NUMBERS[1:]}))


@lru_cache(maxsize=65536)
def parse(text: str) -> Meaning:
    """Read a sentence.

    Raises
    ------
    TextError
        Names the first word outside the grammar, or two that contradict each other.

    Examples
    --------
    >>> parse("a small red circle on the left").objects
    (Described(shape=0, colour=0, size=0, row=-1, column=0),)
    >>> parse("a sketch").style
    1
    """
    words = re.findall(r"[^\W_]+", text.lower())
    if not words:
        raise TextError(f"{quote(text)} has no words: describe a scene, such as 'a small red circle on the left'")
    for word in words:
        if word not in LEXICON and word not in GLUE and word not in (*NUMBERS, "above", "below"):
            raise TextError(f"{quote(text)}: the word {quote(word)} is outside the grammar of this world")
    sentence = " ".join(words).replace("to the left of", "left of").replace("to the right of", "right of")
    parts = re.split(r"\b(and|above|below|left of|right of)\b", sentence)
    if len(parts) > 3 and (len(parts) > 5 or parts[1::2] != ["and", "and"]):
        raise TextError(f"{quote(text)}: expected at most two objects, or three joined by 'and'")
    found = [read_words(part.split(), text) for part in parts[::2]]
    styles = {style for _, style in found if style >= 0}
    if len(styles) > 1:
        raise TextError(f"{quote(text)} names two styles: a scene has one")
    count = next((NUMBERS.index(word) + 1 for word in words if word in NUMBERS), 0)
    objects = tuple(described for described, _ in found)
    if count and len(objects) > 1:
        raise TextError(f"{quote(text)} counts and compares: expected one of the two, such as 'two red shapes'")
    if count and objects == (Described(),):
        objects = ()
    return Meaning(objects, parts[1] if len(parts) > 1 else "", max(styles, default=-1), count)


def read_words(words: list[str], text: str) -> tuple[Described, int]:
    """The description and the style (or -1) in the words about one object."""
    said: dict[str, int] = {}
    for word in words:
        attribute, value = LEXICON.get(word, ("", -1))
        if attribute and said.setdefault(attribute, value) != value:
            raise TextError(f"{quote(text)} gives one object two of {attribute}: describe each object once")
    if "row" in words and "middle" in words:
        said["row"] = 1
    elif "column" in words and "middle" in words:
        said["column"] = 1
    elif "centre" in words or "middle" in words:  # the centre of what is left open
        said = {"row": 1, "column": 1} | said
    style = said.pop("style", -1)
    return Described(**said), style
