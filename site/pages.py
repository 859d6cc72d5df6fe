"""Pages that are made from the package: exercises, practice, figures, reference."""

import re
from collections.abc import Iterator
from pathlib import Path

from rst import block, folded, heading, plain, raw, within

import miniclip
from miniclip.classroom.course import Course
from miniclip.figures.lectures import lectures
from miniclip.learn.cards import card_html, load_cards, load_cheatsheet
from miniclip.learn.files import MODULES, stub
from miniclip.learn.items import Choice, Item, load_quiz
from miniclip.learn.spec import Exercise

PACKAGE = Path(miniclip.__file__).parent
LAST_CHAPTER = "Figures"  # of the reference: what follows is run, not called
WHOLE = ("labs/",)  # folders of which each file is shown


def exercises() -> dict[str, str]:
    """A page for each module."""
    return {f"exercises/{module}.rst": module_page(module) for module in MODULES}


def module_page(module: str) -> str:
    """The exercises of a module."""
    course = Course.of(module)
    said = (
        f"{len(course.exercises)} exercises, {course.points} points. ``miniclip learn {module}`` begins with the first."
    )
    return "\n".join([heading(MODULES[module][1]), said, "", *map(exercise_text, course.exercises)])


def exercise_text(exercise: Exercise) -> str:
    """What is to be written, and the hints, folded."""
    effort = f"{exercise.points} point{'s' * (exercise.points > 1)}. {exercise.effort}"
    code = stub(exercise).split('"""\n\nimport numpy as np\n', 1)[1]
    hints = [folded(f"Hint {n}", within(hint)) for n, hint in enumerate(exercise.hints, 1)]
    return "\n".join([
        f".. _exercise-{exercise.id}:\n", heading(f"{exercise.id} {exercise.title}", "-"), effort, "",
        plain(exercise.brief), "", block("code-block:: python", code.strip()), *hints,
    ])  # fmt: skip


def practice() -> dict[str, str]:
    """What `practice.md` includes."""
    tables = {table.id: table for table in load_cheatsheet().tables}
    prompts = [f"* {within(name)}: {within(what)}" for name, what in tables["prompts"].rows[1:3]]
    (fails,) = (card for card in load_cards("seed") if card.id == "when-it-fails")
    rows = [f"* {within(', '.join(row))}" for row in tables["part-a"].rows]
    cards = "\n".join(map(card_html, load_cards("seed")))
    return {
        "made/self_check.txt": "\n".join(open_question(n, item) for n, item in enumerate(load_quiz("self-check"), 1)),
        "made/part_a.txt": folded("Open the answer", "\n".join([*rows, "", within(tables["part-a"].note)])),
        "made/part_b.txt": "\n".join(f"**{within(item.title)}**\n\n{choices(item)}" for item in load_quiz("part-b")),
        "made/part_c.txt": folded("(1) Two templates", "\n".join([*prompts, "", within(tables["prompts"].note)]))
        + folded(f"(2) {fails.front}", within(fails.back)),
        "made/cards.txt": raw(f'<div class="cards">\n{cards}\n</div>'),
    }


def open_question(number: int, item: Item) -> str:
    """A question that is answered freely, its answer, and the same as a choice."""
    points = "\n".join(f"* {within(point.point)}" for point in item.open.rubric)
    answer = folded("Open the answer", f"{within(item.open.answer)}\n\nDid you say\n\n{points}\n")
    return f"**{number}. {within(item.open.question)}**\n\n{answer}\n{choices(item)}"


def choices(item: Item) -> str:
    """Each option, which opens to what is to be said of it."""
    parts = []
    for step in item.steps:
        parts.append(f"{within(step.question)}\n")
        for option in step.options if isinstance(step, Choice) else ():
            verdict = "Right" if option.right else "No"
            parts.append(folded(option.text, f"**{verdict}.** {within(option.feedback)}"))
    if item.note:
        parts.append(folded("A closer look", within(item.note)))
    return "\n".join(parts)


def figures(folder: Path) -> dict[str, str]:
    """The gallery of what `miniclip.figures.render.render` has written to a folder of the sources."""
    parts = [heading("Figures"), within(FIGURES), ""]
    for id, module in lectures().items():
        name = module.__name__.rsplit(".", 1)[1]
        words = (folder / f"{name}.txt").read_text(encoding="utf-8").split("\n\n")
        title, caption, alt, note, notebook = [words[0], *(part.split(": ", 1)[1].strip() for part in words[1:])]
        files = " · ".join(f":download:`{end.upper()} <{name}.{end}>`" for end in ("svg", "png", "csv"))
        picture = block(f"figure:: {name}.svg\n   :alt: {alt}", within(caption))
        parts += [f".. _figure-{id}:\n", heading(title, "-"), picture, f"{files} · notebook {notebook}\n"]
        parts += [folded("In words", within(alt)), folded("For the lecturer", within(note))]
    return {"figures/index.rst": "\n".join(parts)}


FIGURES = """The lecture figures and their numbers, from the run in the package. `miniclip figures render --all`
has them in four sizes, light or dark, some of them moving, and from a run of yours."""


def reference() -> dict[str, str]:
    """A page for each chapter of the reading order, as `miniclip/__init__.py` tells it."""
    pages, chapter = {}, ""
    for line in miniclip.__doc__.splitlines():
        if entry := re.match(r"    ([\w/]+(?:\.py|/)) {2,}(.+)$", line):
            pages[chapter] += "\n".join(map(module_reference, files_of(entry[1])))
        elif re.match(r"[A-Z]\w", line) and chapter != LAST_CHAPTER:
            chapter = line
            pages[chapter] = heading(chapter) + "\n"
        elif re.match(r"[A-Z]\w", line):
            break
    chosen = {title: text for title, text in pages.items() if "automodule" in text}
    return {f"reference/{n}.rst": text for n, text in enumerate(chosen.values(), 1)}


def files_of(entry: str) -> Iterator[str]:
    """A file of the reading order, or those of a folder."""
    if entry in WHOLE:
        yield from (path.relative_to(PACKAGE).as_posix() for path in sorted((PACKAGE / entry).glob("[a-z]*.py")))
    else:
        yield entry


def module_reference(file: str) -> str:
    """What a file has, in its order."""
    module = "miniclip." + file.removesuffix(".py").strip("/").replace("/", ".")
    return heading(file, "-") + "\n" + block(f"automodule:: {module}\n   :members:")
