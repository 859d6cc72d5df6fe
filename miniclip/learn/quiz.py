"""The quiz: grading one answer, and the dialogue in a terminal.

An item is worth one point, shared equally by its steps. Items of the self-check begin with an open question, which the
learner marks against a model answer; no points hang on that.
"""

import random
import re
import textwrap
from collections.abc import Callable, Sequence

from ..errors import InputError, quote
from .cards import reply_to, table_text
from .items import SECTIONS, Blank, Choice, Item, Open, load_quiz

__all__ = ["SECTIONS", "grade_item", "load_quiz", "run_quiz"]

POINTS = 1  # of an item
Ask = Callable[[str], str]
Say = Callable[[str], object]

# Grading


def grade_item(item: Item, answer: str | Sequence[str]) -> tuple[float, str]:
    """Grade the answer to an item.

    Parameters
    ----------
    item : Item
    answer : str or sequence of str
        For each step the key of an option, or what belongs into the blank; "" passes it over. A single string is the
        answer to the first step.

    Returns
    -------
    (points, feedback)
        Up to `POINTS`; the feedback to each step, and the item's note.
    """
    answers = [answer] if isinstance(answer, str) else list(answer)
    if len(answers) > len(item.steps):
        raise ValueError(f"{len(answers)} answers to the {len(item.steps)} steps of {item.id}")
    answers += [""] * (len(item.steps) - len(answers))
    graded = [grade_step(step, each) for step, each in zip(item.steps, answers, strict=True)]
    right = POINTS * sum(ok for ok, _ in graded)
    points = right // len(graded) if right % len(graded) == 0 else right / len(graded)
    return points, "\n".join([*(feedback for _, feedback in graded), *[item.note] * bool(item.note)])


def grade_step(step: Choice | Blank, answer: str) -> tuple[bool, str]:
    """Is the answer to one step right, and what to say about it; a ValueError if there is no such option."""
    if isinstance(step, Blank):
        return grade_blank(step, answer)
    if not answer.strip():
        return False, "Passed over. Right: " + " or ".join(option.text for option in step.options if option.right)
    for option in step.options:
        if option.key == answer.strip().lower():
            return option.right, option.feedback
    raise InputError(f"the answer is {quote(answer)}, expected {', '.join(option.key for option in step.options)}")


def grade_blank(step: Blank, answer: str) -> tuple[bool, str]:
    """Of all known phrases in the answer the longest decides; an answer without any is wrong."""
    if not answer.strip():
        return False, f"Passed over. {step.otherwise}"
    known = [(phrase, False, feedback) for phrases, feedback in step.wrong for phrase in phrases]
    known += [(phrase, True, step.right) for phrase in step.accepted]
    found = [each for each in known if says(answer, each[0])]
    if not found:
        return False, step.otherwise
    _, right, feedback = max(found, key=lambda each: len(each[0]))
    return right, feedback


def says(text: str, phrase: str) -> bool:
    """Does a text hold the words of a phrase, in this order, whatever the case, hyphens and commas?"""
    words, wanted = words_of(text), words_of(phrase)
    return any(words[n : n + len(wanted)] == wanted for n in range(len(words)))


def words_of(text: str) -> list[str]:
    """Lower-case words and numbers.

    >>> words_of("Cross-attention, 0.993.")
    ['cross', 'attention', '0.993']
    """
    return re.findall(r"-?\d*\.?\d+|[a-z0-9]+", text.lower())


# The dialogue


def run_quiz(items: Sequence[Item], ask: Ask, say: Say, seed: int = 0) -> list[dict]:
    """Put every item to the learner.

    Parameters
    ----------
    items : sequence of Item
    ask, say : callables
        Show a prompt and return the reply; show a text. EOFError or a reply of "q" ends the quiz.
    seed : int
        Of the order in which options are shown.

    Returns
    -------
    list of dict
        For each item id, title, status (pass, partial, wrong, not_started), points and max_points; for an open
        question also "self", the written answer and its ticks.
    """
    records: dict[str, dict] = {}
    try:
        for n, item in enumerate(items, 1):
            say(f"\n{n} of {len(items)}  {item.title}  ({item.id})")
            records[item.id] = take(item, ask, say, random.Random(f"{seed} {item.id}"))
    except EOFError:
        say("Stopped.")
    results = [records.get(item.id) or record(item, [""]) for item in items]
    say(f"\n{sum(each['points'] for each in results):g} of {sum(each['max_points'] for each in results)} points")
    return results


def take(item: Item, ask: Ask, say: Say, rng: random.Random) -> dict:
    """One item: the open question if it has one, its steps with their feedback, its note."""
    own = {"self": mark_yourself(item.open, ask, say)} if item.open else {}
    answers = []
    for step in item.steps:
        answers.append(ask_step(step, ask, say, rng))
        right, feedback = grade_step(step, answers[-1])
        say(refill(("✓  " if right else "✗  ") + feedback))
    if item.note:
        say(refill(f"A closer look: {item.note}"))
    return record(item, answers) | own


def record(item: Item, answers: Sequence[str]) -> dict:
    """The result of an item."""
    points = grade_item(item, answers)[0]
    status = "pass" if points == POINTS else "partial" if points else "wrong" if any(answers) else "not_started"
    return {"id": item.id, "title": item.title, "status": status, "points": points, "max_points": POINTS}


def mark_yourself(free: Open, ask: Ask, say: Say) -> dict:
    """Ask, show the model answer, and let the learner tick what was there; keywords only suggest."""
    say(refill(free.question))
    written = reply_to("your answer (Enter to pass) > ", ask)
    say(refill(f"Model answer: {free.answer}"))
    ticks = []
    for point in free.rubric if written else ():
        likely = any(says(written, keyword) for keyword in point.keywords)
        say(refill(f"Did you say: {point.point}?"))
        reply = reply_to(f"y or n (Enter: {'y' if likely else 'n'}) > ", ask).lower()
        ticks.append(reply.startswith("y") if reply else likely)
    if written:
        say(f"You ticked {sum(ticks)} of {len(ticks)}. Now for the point:")
    return {"answer": written, "ticks": ticks}


def ask_step(step: Choice | Blank, ask: Ask, say: Say, rng: random.Random) -> str:
    """The learner's answer to a step, as `grade_step` takes it."""
    say(refill(step.question))
    if isinstance(step, Blank):
        say(table_text(step.table, 80))
        return reply_to("what belongs at the ? (Enter to pass) > ", ask)
    shown = list(step.options)
    if len(shown) > 2:  # true comes before false
        rng.shuffle(shown)
    say("\n".join(refill(f"{n}  {option.text}") for n, option in enumerate(shown, 1)))
    while reply := reply_to(f"1 to {len(shown)} (Enter to pass) > ", ask).lower():
        named = [option.key for option in shown if len(option.key) > 1 and option.key.startswith(reply)]
        if reply.isdecimal() and 1 <= int(reply) <= len(shown):
            return shown[int(reply) - 1].key
        if len(named) == 1:
            return named[0]
        say("Type one of the numbers, or Enter to pass.")
    return ""


def refill(text: str) -> str:
    """A paragraph of at most 80 characters a line."""
    return textwrap.fill(text, 80, subsequent_indent="   ")
