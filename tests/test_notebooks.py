"""Every notebook runs top to bottom in a fresh kernel, without errors, and without a name from a later cell."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


def test_there_are_notebooks():
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the kernel's own start-up
def test_the_notebook_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    done = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    code = [cell for cell in done.cells if cell.cell_type == "code"]
    assert 8 <= len(code) <= 14
    for cell in code:
        assert not [out for out in cell.outputs if out.get("name") == "stderr"], cell.source
        assert len(cell.source.splitlines()) <= 12, cell.source
    assert sum("image/png" in out.get("data", {}) for cell in code for out in cell.outputs) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_frame(path):
    """The question, what is needed and how long it takes; at the end what to remember."""
    notebook = nbformat.read(path, as_version=4)
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith(f"# {path.stem[:2]} · ")
    for word in ("**The question.**", "**You need**", "**Time:**"):
        assert word in first
    assert "remember" in last.lower()
    assert all(not cell.get("outputs") and not cell.get("execution_count") for cell in notebook.cells)
