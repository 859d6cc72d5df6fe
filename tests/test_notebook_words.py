"""What notebooks name is a link that leads somewhere, and what they show has words for those who cannot see it."""

import ast
import re
from pathlib import Path

import nbformat
import pytest
from run_notebooks import FOLDER, NOTEBOOKS, code

EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
ROOT = FOLDER.parent
# Named by the map before they are written.
AWAITED = {"12_captioning.ipynb", "13_questions.ipynb", "14_when_it_fails.ipynb", "19_broken_clip.ipynb"}
MATH_OR_CODE = re.compile(r"\$\$.*?\$\$|\$[^$\n]*\$|```.*?```|`[^`\n]*`", re.DOTALL)


def prose(path: Path) -> list[str]:
    """The text of every Markdown cell."""
    return [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]


def named_files(text: str) -> list[str]:
    """What stands in code letters and is a notebook's name, or a file of the project."""
    found = re.findall(r"`([\w./]+\.(?:ipynb|py|md))`", text)
    return [name for name in found if name.endswith(".ipynb") or any((ROOT / at / name).is_file()
                                                                      for at in ("", "miniclip"))]  # fmt: skip


def unlinked(text: str, own: str) -> list[str]:
    """The notebooks, exercises and files that a text names without a link to them."""
    outside = LINK.sub(" ", text)
    words = MATH_OR_CODE.sub(" ", outside)
    found = [name for name in named_files(outside) if not name.startswith(own)]
    for some in re.findall(r"\b[Nn]otebooks?((?:,?\s(?:and\s)?\d\d\b)+)", words):
        found += [f"notebook {number}" for number in re.findall(r"\d\d", some) if number != own]
    for some in re.findall(r"\b[Ee]xercises?\b:?\**((?:[\s*(]*(?:,|and|to)?[\s*(]*\b\d\.\d\b[*)]*)+)", words):
        found += [f"exercise {number}" for number in re.findall(r"\d\.\d", some)]
    return found


@EACH
def test_what_is_named_is_a_link(path):
    assert [one for text in prose(path) for one in unlinked(text, path.stem[:2])] == []


@EACH
def test_links_lead_somewhere(path):
    for _, target in LINK.findall("\n".join(prose(path))):
        if not target.startswith(("https://", "http://", "#")):
            assert target in AWAITED or (FOLDER / target).resolve().exists(), target


@EACH
def test_a_link_leads_where_it_says(path):
    """[notebook 05] to the notebook that begins with 05, [4.3] to the third exercise of the fourth module."""
    for words, target in LINK.findall("\n".join(prose(path))):
        if number := re.fullmatch(r"(?:[Nn]otebook )?(\d\d)(?: · .*)?", words):
            assert target.startswith(f"{number[1]}_"), (words, target)
        elif number := re.fullmatch(r"(?:[Ee]xercise )?(\d)\.(\d)", words):
            assert re.search(rf"exercises/m{number[1]}_\w+/e{number[2]}_\w+\.py$", target), (words, target)
        elif words.startswith("`") and words.endswith((".ipynb`", ".py`")):
            assert target.endswith(words.strip("`")), (words, target)


def test_the_map_has_every_notebook():
    """Notebook 00 names each of them once in its map, in their order."""
    start = next(path for path in NOTEBOOKS if path.stem.startswith("00"))
    (chart,) = [text for text in prose(start) if "## The map" in text]
    targets = [target for line in chart.splitlines() if line.startswith("* [") for _, target in LINK.findall(line)[:1]]
    assert targets == sorted({path.name for path in NOTEBOOKS if path != start} | AWAITED)


@EACH
def test_every_picture_has_words(path):
    for cell in code(nbformat.read(path, as_version=4)):
        for out in cell.outputs:
            if "image/png" in out.get("data", {}):
                words = out.metadata.get("image/png", {}).get("alt", "")
                assert len(words.split()) >= 5, (cell.source, words)


@EACH
def test_what_the_exercises_need_is_there(path):
    """What a reader is told to call is imported, and where a check is offered it says where the answer goes."""
    notebook = nbformat.read(path, as_version=4)
    written = "\n".join(cell.source for cell in code(notebook))
    for name in ("check", "hint"):
        if f"`{name}(" in "\n".join(prose(path)):
            assert re.search(rf"^from miniclip\.learn import .*\b{name}\b", written, re.MULTILINE), name
    for cell in code(notebook):
        if "\n# check(" in cell.source and "pick(" in cell.source:
            assert "# your own def goes here, then:\n# check(" in cell.source, cell.source


# A call without a finding of its own has the title of a search, or of pairs that find each other: only these are such.
SEARCHES = {("10", "contact_sheet"), ("00", "contrastive_matrix"), ("11", "contrastive_matrix"),
            ("16", "contrastive_matrix")}  # fmt: skip


@EACH
def test_a_borrowed_picture_has_a_title_of_its_own(path):
    for cell in code(nbformat.read(path, as_version=4)):
        for name, given in calls(cell.source, ("contact_sheet", "contrastive_matrix")):
            assert "finding=" in given or (path.stem[:2], name) in SEARCHES, cell.source


def calls(source: str, names) -> list[tuple[str, str]]:
    """(name, what stands in its brackets) of each call of one of the names."""
    lines = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    found = [node for node in ast.walk(ast.parse("\n".join(lines))) if isinstance(node, ast.Call)]
    return [(name, ast.unparse(node)) for node in found for name in names if ast.unparse(node.func).endswith(name)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see notebook 05", ["notebook 05"]),
        ("Notebooks 01 and 05, and exercise 4.3.", ["notebook 01", "notebook 05", "exercise 4.3"]),
        ("**exercises 4.1** (the table), **4.2**", ["exercise 4.1"]),
        ("**Exercises:** 5.1, 5.2 and 5.4.", ["exercise 5.1", "exercise 5.2", "exercise 5.4"]),
        ("`06_training.ipynb` and `train/loop.py`", ["06_training.ipynb", "train/loop.py"]),
        ("[notebook 05](05_the_loss.ipynb), [`train/loop.py`](../miniclip/train/loop.py)", []),
        ("scale 14.3, `check(\"4.3\")`, $\\frac{4.3}{2}$, notebook 00 itself", []),
    ],
)  # fmt: skip
def test_unlinked_names_are_noticed(text, found):
    assert unlinked(text, "00") == found
