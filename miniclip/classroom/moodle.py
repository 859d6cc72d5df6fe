"""The quiz as Moodle's own XML: Moodle writes QTI, but does not read it."""

from xml.etree.ElementTree import Element, SubElement, tostring

from ..learn.items import Blank, Choice, Item
from .qti import cells, questions
from .text import inline


def moodle_xml(items: list[Item]) -> bytes:
    """For the import of a question bank."""
    quiz = Element("quiz")
    for name, title, step, points in questions(items):
        kind = "multichoice" if isinstance(step, Choice) else "shortanswer"
        question = SubElement(quiz, "question", type=kind)
        add_text(question, "name", f"{title} ({name})")
        shown = f"<p>{inline(step.question)}</p>"
        shown += "" if isinstance(step, Choice) else tostring(cells(step.table), encoding="unicode")
        add_text(question, "questiontext", shown, "html")
        SubElement(question, "defaultgrade").text = f"{points:g}"
        if isinstance(step, Choice):
            SubElement(question, "single").text = "true"
            SubElement(question, "shuffleanswers").text = "1" if len(step.options) > 2 else "0"
            for option in step.options:
                add_answer(question, 100 * option.right, inline(option.text), option.feedback, "html")
        else:
            SubElement(question, "usecase").text = "0"
            for share, phrase, feedback in phrases(step):
                add_answer(question, share, phrase, feedback, "moodle_auto_format")
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + tostring(quiz, encoding="unicode").encode() + b"\n"


def phrases(step: Blank) -> list[tuple[int, str, str]]:
    """(per cent, pattern, feedback): the first pattern that fits counts, so longer phrases stand first."""
    known = [(100, phrase, step.right) for phrase in step.accepted]
    known += [(0, phrase, feedback) for said, feedback in step.wrong for phrase in said]
    known.sort(key=lambda one: -len(one[1]))
    return [*((share, f"*{phrase}*", feedback) for share, phrase, feedback in known), (0, "*", step.otherwise)]


def add_text(parent: Element, tag: str, text: str, form: str = "") -> None:
    """A text as Moodle wraps it."""
    SubElement(SubElement(parent, tag, {"format": form} if form else {}), "text").text = text


def add_answer(question: Element, share: int, text: str, feedback: str, form: str) -> None:
    """An answer, what it earns in per cent, and what is said about it."""
    answer = SubElement(question, "answer", fraction=str(share), format=form)
    SubElement(answer, "text").text = text
    add_text(answer, "feedback", inline(feedback), "html")
