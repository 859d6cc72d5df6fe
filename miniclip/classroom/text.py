"""Texts of the pack: briefs as HTML, pages that print well, and the exercises as they are handed out."""

import re
from html import escape
from itertools import groupby
from pathlib import Path
from string import Template

from .. import __version__
from ..learn.files import MODULES, path_of, stub
from .archive import WHEEL
from .course import CONTENT, Course, module_name


def as_html(text: str) -> str:
    """Paragraphs of a plain text with `code` in it; indented lines, the formulas, as they are."""
    parts = []
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        for indented, lines in groupby(block.split("\n"), key=lambda line: line.startswith(" ")):
            body = escape("\n".join(lines), quote=False)
            parts.append(f"<pre>{body}</pre>" if indented else f"<p>{coded(body)}</p>")
    return "\n".join(parts)


def inline(text: str) -> str:
    """A text within a line."""
    return coded(escape(" ".join(text.split()), quote=False))


def coded(html: str) -> str:
    """`words` between backticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html)


def html_document(title: str, body: str, style: str = "") -> bytes:
    """An HTML page that needs nothing else, for the screen and for A4 paper."""
    frame = Template((CONTENT / "page.html").read_text(encoding="utf-8"))
    return frame.substitute(title=escape(title), style=style, body=body).encode()


def html_table(columns, rows, kind: str = "") -> str:
    """A table of cells that are HTML already."""
    head = "".join(f"<th>{cell}</th>" for cell in columns)
    lines = "\n".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f'<table class="{kind}">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{lines}\n</tbody></table>'


def exercise_files(course: Course) -> dict[str, bytes]:
    """The learner's files and a page about them, below `exercises/`."""
    files = {path_of(one, Path()).as_posix(): stub(one).encode() for one in course.exercises}
    return {"README.md": handout(course).encode(), **files}


def handout(course: Course) -> str:
    """What a learner reads first."""
    rows = []
    for module in course.modules:
        ours = [one for one in course.exercises if module_name(one) == module]
        folder = path_of(ours[0], Path()).parent
        rows.append(f"| `{folder}` | {MODULES[module][1]} | {len(ours)} | {sum(one.points for one in ours)} |")
    return f"""# Exercises: {len(course.exercises)}, {course.points} points

Write the functions of these files. Each file's docstring is the task; NumPy is all you need, but where it says PyTorch.

    python3 -m venv .venv && .venv/bin/pip install {WHEEL}
    .venv/bin/miniclip learn check {course.exercises[0].id}      one exercise; with {course.modules[0]}, a module
    .venv/bin/miniclip learn hint {course.exercises[0].id}       hints cost nothing

The first line is for the folder in which the file {WHEEL} lies (miniclip {__version__}).

| folder | about | exercises | points |
|---|---|---|---|
{chr(10).join(rows)}
"""
