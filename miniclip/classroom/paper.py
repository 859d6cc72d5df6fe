"""What is printed: the plan of the lectures, the quiz, its key, and the lecturer's notes beside the slides."""

from html import escape

from ..figures.deck import SlidePage
from ..learn.cards import CheatTable
from ..learn.files import MODULES, solution_text, stub
from ..learn.items import Blank, Choice, Item
from ..learn.spec import Exercise
from .course import MINUTES, Course, Lecture, Step, homework
from .text import html_document, html_table, inline

LINES = 4  # to write an answer on
LARGE = "body { font-size: 13pt }"  # what is read standing


# The plan


def plan(course: Course, titles: dict[str, str]) -> bytes:
    """A page for each lecture, minute by minute; `titles` are the figures'."""
    parts, slide = [], 1
    for n, lecture in enumerate(course.lectures, 1):
        where = f"Lecture {n} of {len(course.lectures)} · {MODULES[lecture.module][1]} · {MINUTES} minutes"
        parts.append(f"<section>\n{lecture_plan(lecture, course, where, titles, slide)}\n</section>")
        slide += 1 + len(lecture.of("figure"))
    return html_document("Plan of the lectures", "\n".join(parts), LARGE)


def lecture_plan(lecture: Lecture, course: Course, where: str, titles: dict[str, str], slide: int) -> str:
    """One lecture, whose first slide has a number."""
    rows, minute, shown = [], 0, slide
    for step in lecture.steps:
        shown += step.kind == "figure"
        rows.append((f"{minute}–{minute + step.minutes}", told(step, course, titles, shown)))
        minute += step.minutes
    notebooks = f"notebook{'s' * (len(lecture.notebooks) > 1)} {', '.join(lecture.notebooks)}"
    left, asked = homework(lecture, course.lectures), {one.id: one for one in course.quiz}
    parts = [
        f'<p class="muted">{where}</p>',
        f"<h1>{escape(lecture.title)}</h1>",
        f"<p><b>The question:</b> {inline(lecture.question)}</p>",
        f"<p><b>You need:</b> slides {slide} to {shown}, {notebooks}.</p>",
        html_table(["minutes", "what"], rows, "minutes"),
    ]
    if left:
        names = ", ".join(f"{one.id} {escape(one.title)} ({one.points})" for one in left)
        parts.append(f"<p><b>Homework:</b> {names}; {sum(one.points for one in left)} points.</p>")
    if lecture.quiz:
        parts.append(f"<p><b>Quiz at home:</b> {', '.join(escape(asked[id].title) for id in lecture.quiz)}.</p>")
    return "\n".join(parts)


def told(step: Step, course: Course, titles: dict[str, str], slide: int) -> str:
    """A step of the plan: what it is about, and what to do."""
    head = ""
    if step.kind == "figure":
        head = f"Slide {slide} ({step.of}): {titles[step.of]}"
    elif step.kind == "exercise":
        (exercise,) = (one for one in course.exercises if one.id == step.of)
        head = f"Exercise {exercise.id}: {exercise.title} ({exercise.points} point{'s' * (exercise.points > 1)})"
    elif step.kind == "quiz":
        number = [one.id for one in course.quiz].index(step.of)
        head = f"Quiz, question {number + 1}: {course.quiz[number].title}"
    elif step.kind == "cards":
        head = f"Flashcards: {step.of}"
    said = step.do or (step.of if step.kind == "talk" else "")
    return "<br>".join(part for part in (f"<b>{escape(head)}</b>" if head else "", inline(said)) if part)


# The quiz


def quiz_paper(course: Course) -> bytes:
    """The quiz to write on."""
    total = len(course.quiz)
    name = '<div class="name">Name <span></span> Date <span></span></div>'
    head = f'<h1>Quiz</h1>\n<p class="muted">{total} questions, {total} points</p>\n{name}'
    items = [f'<div class="item">\n{item_to_answer(n, one)}\n</div>' for n, one in enumerate(course.quiz, 1)]
    return html_document("Quiz", "\n".join([head, *items]))


def item_to_answer(number: int, item: Item) -> str:
    """One item: its open question with lines below it, then what is marked."""
    parts = [f"<h2>{number}. {escape(item.title)}</h2>"]
    if item.open:
        parts += [f'<p>{inline(item.open.question)} <span class="muted">(not marked)</span></p>', ruled(LINES)]
    for step in item.steps:
        parts.append(f"<p>{inline(step.question)}</p>")
        if isinstance(step, Choice):
            parts.append(options(f"☐ {inline(option.text)}" for option in step.options))
        else:
            parts += [cheat_table(step.table), ruled(1)]
    return "\n".join(parts)


def quiz_key(course: Course) -> bytes:
    """The answers, and what to say to those who gave another one."""
    items = [item_answered(n, one) for n, one in enumerate(course.quiz, 1)]
    return html_document("Key of the quiz", "\n".join(["<h1>Quiz: the answers</h1>", *items]))


def item_answered(number: int, item: Item) -> str:
    """One item with its answers."""
    parts = [f"<h2>{number}. {escape(item.title)}</h2>"]
    if item.open:
        points = "".join(f"<li>{inline(point.point)}</li>" for point in item.open.rubric)
        parts += [f"<p>{inline(item.open.question)}</p>", f"<p>{inline(item.open.answer)}</p>", f"<ul>{points}</ul>"]
    for step in item.steps:
        worth = "1 point" if len(item.steps) == 1 else f"1/{len(item.steps)} point"
        parts.append(f'<p>{inline(step.question)} <span class="muted">({worth})</span></p>')
        parts.append(choice_key(step) if isinstance(step, Choice) else blank_key(step))
    parts += [f'<p class="muted">{inline(item.note)}</p>'] * bool(item.note)
    return "\n".join(parts)


def choice_key(step: Choice) -> str:
    """The options, the right ones marked, each with what to say."""
    return options(
        f'<span class="{"right" if option.right else ""}">{"☒" if option.right else "☐"} {inline(option.text)}</span>'
        f'<br><span class="muted">{inline(option.feedback)}</span>' for option in step.options
    )  # fmt: skip


def blank_key(step: Blank) -> str:
    """What is accepted, and what is said about the rest."""
    wrong = "".join(f"<li>{inline(', '.join(said))}: {inline(feedback)}</li>" for said, feedback in step.wrong)
    return (f'<p class="right">{inline(" · ".join(step.accepted))}</p>\n<p class="muted">{inline(step.right)}</p>\n'
            f'<ul class="muted">{wrong}</ul>')  # fmt: skip


def options(texts) -> str:
    """A list with boxes."""
    return f'<ol class="options">{"".join(f"<li>{text}</li>" for text in texts)}</ol>'


def ruled(number: int) -> str:
    """Lines to write on."""
    return f'<div class="lines">{"<div></div>" * number}</div>'


def cheat_table(sheet: CheatTable) -> str:
    """A table of the cheat sheet."""
    return f"<h3>{inline(sheet.title)}</h3>" + html_table(
        map(inline, sheet.columns), ([inline(cell) for cell in row] for row in sheet.rows)
    )


# Notes and solutions


def notes(slides: list[SlidePage]) -> bytes:
    """A page for each slide: small, with its caption and what its lecturer may want to know."""
    parts = [
        f'<section>\n<h2>{one.id} {escape(one.title)}</h2>\n<img src="{one.file}.svg" alt="{escape(one.alt)}">\n'
        f'<p class="muted">{inline(one.caption)}</p>\n<p>{inline(one.note)}</p>\n</section>' for one in slides
    ]  # fmt: skip
    return html_document("Lecturer's notes", "\n".join(parts), LARGE)


def solved(exercise: Exercise) -> bytes:
    """An exercise's file with the marked solution in it."""
    task = stub(exercise).split("import numpy as np", 1)[0]
    return (task + solution_text(exercise)).encode()
