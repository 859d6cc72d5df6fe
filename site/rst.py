"""Plain text, as docstrings and the files of `miniclip/learn/content` have it, written as reStructuredText."""

import re

from miniclip.classroom.text import inline as html_line

CODE = re.compile(r"(`+)([^`]+)\1")
MARKUP = re.compile(r"(?<![^\n])( *\* )|([*|\\`]|(?<=\w)_(?!\w))")  # a star that begins a line makes a list


def plain(text: str) -> str:
    """Paragraphs with `code` in them; what is indented more than the text before it, a formula, stays as it is."""
    blocks, depth = [], 0
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        indent = len(block) - len(block.lstrip())
        if indent > depth:
            blocks.append(f"{' ' * depth}::\n\n{block}")
        elif block.startswith(">>>"):
            blocks.append(block)
        else:
            blocks.append(within(block))
            last = block.split("\n")[-1]
            depth = len(last) - len(last.lstrip())
    return "\n\n".join(blocks)


def within(text: str) -> str:
    """Stars, bars and backslashes mean themselves; `code` is code, also where letters touch it."""
    parts, end = [], 0
    for code in CODE.finditer(text):
        before, after = text[end : code.start()], text[code.end() : code.end() + 1]
        touched = [text[code.start() - 1 : code.start()].isalnum(), after.isalnum()]
        parts += [as_written(before), "\\ " * touched[0], f"``{code[2]}``", "\\ " * touched[1]]
        end = code.end()
    return "".join([*parts, as_written(text[end:])])


def as_written(text: str) -> str:
    """Text in which nothing is markup."""
    return MARKUP.sub(lambda found: found[1] or f"\\{found[2]}", text)


def heading(text: str, under: str = "=") -> str:
    """A title and the line below it."""
    return f"{text}\n{under * len(text)}\n"


def block(directive: str, body: str = "") -> str:
    """A directive and what belongs to it."""
    lines = [f"   {line}" if line else "" for line in body.split("\n")]
    return f".. {directive}\n\n" + "\n".join(lines).rstrip() + "\n"


def raw(html: str) -> str:
    """HTML as it is."""
    return block("raw:: html", html)


def folded(summary: str, body: str) -> str:
    """A line that shows more when it is clicked."""
    return f"{raw(f'<details><summary>{html_line(summary)}</summary>')}\n{body}\n\n{raw('</details>')}"
