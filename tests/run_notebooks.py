"""Run the notebooks and write their outputs: `python tests/run_notebooks.py [NN ...]`, with the time each takes.

MINICLIP_FAST=1 trains less; outputs are then not written.
"""

import ast
import base64
import builtins
import io
import os
import re
import sys
import time
from itertools import pairwise
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from PIL import Image

from miniclip.figures.style import light_png

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def execute(path: Path, home, timeout: int = 300):
    """The notebook, run in a fresh kernel in the folder `home`."""
    notebook = nbformat.read(path, as_version=4)
    return NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(home)}}).execute()


def tags(cell) -> list[str]:
    """`varies`: times and the like, never compared. `answer`: the learner's own, committed without output."""
    return cell.metadata.get("tags", [])


def code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def names(cell) -> tuple[set[str], set[str]]:
    """(names a cell defines at its top, names it reads), magics left out."""
    lines = [line for line in cell.source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    tree, defined, read = ast.parse("\n".join(lines)), set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else defined).add(node.id)
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            defined |= {(alias.asname or alias.name).split(".")[0] for alias in node.names}
        elif isinstance(node, ast.arg):
            defined.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            defined.add(node.name)
    return defined, read


def unknown_names(notebook) -> list[tuple[str, str]]:
    """(name, cell) where a cell reads what neither it nor an earlier cell has defined."""
    known, found = set(dir(builtins)), []
    for cell in code(notebook):
        defined, read = names(cell)
        found += [(name, cell.source) for name in sorted(read - known - defined)]
        known |= defined
    return found


def depends_on_fast(notebook) -> list[bool]:
    """For each code cell: does what it shows depend on FAST, directly or through names?"""
    tainted, found = {"FAST"}, []
    for cell in code(notebook):
        defined, read = names(cell)
        hit = bool(read & tainted)
        tainted |= defined if hit else set()
        found.append(hit)
    return found


def texts(cell) -> str:
    """All that a cell printed and returned, as one text."""
    parts = []
    for out in cell.get("outputs", []):
        data = out.get("data", {})
        if WIDGET not in data:
            parts.append(out.get("text") or data.get("text/markdown") or data.get("text/plain") or "")
    return "".join(parts)


def stale(old: str, new: str) -> str:
    """What differs between two texts: words exactly, numbers by more than 2 % or one in the last place."""
    if NUMBER.sub("#", " ".join(old.split())) != NUMBER.sub("#", " ".join(new.split())):
        return f"{old!r} is now {new!r}"
    for a, b in zip(NUMBER.findall(old), NUMBER.findall(new), strict=True):
        x, y, places = float(a), float(b), len(a.split("e")[0].partition(".")[2])
        unit = 10.0**-places if "e" not in a else 0.0
        if abs(x - y) > max(0.02 * abs(x), 1.01 * unit) and max(abs(x), abs(y)) > 1e-6:
            return f"{a} is now {b} in {new!r}"
    return ""


def clean(notebook) -> None:
    """Outputs as they are committed: no handles without a kernel, small pictures, nothing of the learner's own."""
    for index, cell in enumerate(notebook.cells):
        cell.id = f"cell-{index:02}"
        if cell.cell_type != "code":
            continue
        cell.execution_count = None
        cell.metadata.pop("execution", None)
        kept = [out for out in cell.outputs if WIDGET not in out.get("data", {}) and "answer" not in tags(cell)]
        for before, out in list(pairwise(kept)):  # print by print, as the kernel happened to send them
            if before.get("name") == out.get("name") == "stdout":
                out["text"] = before["text"] + out["text"]
                kept.remove(before)
        for out in kept:
            if "execution_count" in out:
                out["execution_count"] = None
            out.pop("transient", None)
            if "image/png" in out.get("data", {}):
                out["data"]["image/png"] = smaller(out["data"]["image/png"])
        cell.outputs = kept
    notebook.metadata.pop("widgets", None)
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})


def smaller(png: str) -> str:
    """A picture of at most 1,000 pixels across, base64 as in a notebook."""
    picture = Image.open(io.BytesIO(base64.b64decode(png))).convert("RGB")
    picture.thumbnail((1000, picture.height), Image.Resampling.LANCZOS)
    return base64.b64encode(light_png(picture)).decode()


def main(chosen: list[str]) -> None:
    import tempfile

    for path in NOTEBOOKS:
        if chosen and path.stem[:2] not in chosen:
            continue
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as home:
            notebook = execute(path, home)
        seconds = time.perf_counter() - begun
        if not os.environ.get("MINICLIP_FAST"):
            clean(notebook)
            path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")
        print(f"{path.stem:32} {seconds:5.1f} s  {path.stat().st_size / 1e3:6.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
