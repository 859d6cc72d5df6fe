"""Every notebook runs in a fresh kernel, says again what is committed in it, and keeps the frame."""

import base64
import io

import nbformat
import pytest
from PIL import Image
from run_notebooks import NOTEBOOKS, code, depends_on_fast, execute, smaller, stale, tags, texts, unknown_names

EACH = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
LARGEST, MOST_WIDGETS = 1_000_000, 7  # bytes of a notebook; handles in all of them


def run(path, home, fast: bool):
    """Execute; no warning, no error, and what is printed agrees with what is committed."""
    committed, done = nbformat.read(path, as_version=4), execute(path, home)
    skipped = depends_on_fast(committed) if fast else [False] * len(code(committed))
    compared = 0
    for old, new, left_out in zip(code(committed), code(done), skipped, strict=True):
        assert not [out for out in new.outputs if out.get("name") == "stderr"], new.source
        if not left_out and not {"varies", "answer"} & set(tags(new)):
            assert not stale(texts(old), texts(new)), new.source
            compared += bool(texts(old))
    assert compared >= 3
    assert sum("image/png" in out.get("data", {}) for cell in code(done) for out in cell.outputs) >= 2


@EACH
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the kernel's own start-up
def test_it_runs_and_says_what_is_committed(path, tmp_path, monkeypatch):
    monkeypatch.setenv("MINICLIP_FAST", "1")
    run(path, tmp_path, fast=True)


@EACH
@pytest.mark.nightly
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_it_runs_in_full(path, tmp_path, monkeypatch):
    monkeypatch.delenv("MINICLIP_FAST", raising=False)
    run(path, tmp_path, fast=False)


@EACH
def test_the_frame(path):
    """The question, what is needed and how long it takes; at the end what to remember and where to go."""
    notebook = nbformat.read(path, as_version=4)
    first, last = notebook.cells[0].source, notebook.cells[-1].source
    assert first.startswith(f"# {path.stem[:2]} · ")
    for word in ("**The question.**", "**You need**", "**Time:**"):
        assert word in first
    for word in ("## Three things to remember", "**Exercises:**", "**Next:**"):
        assert word in last
    assert any("**Predict" in cell.source for cell in notebook.cells if cell.cell_type == "markdown")


@EACH
def test_the_cells(path):
    """Few and short, with the outputs committed; no name from a later cell, nothing of the learner's own."""
    notebook = nbformat.read(path, as_version=4)
    cells = code(notebook)
    assert 6 <= len(cells) <= 16
    assert path.stat().st_size <= LARGEST
    assert not unknown_names(notebook)
    for cell in cells:
        assert len(cell.source.splitlines()) <= 12, cell.source
        assert cell.execution_count is None
        assert not (set(tags(cell)) - {"answer", "varies"})
        assert not ("answer" in tags(cell) and cell.outputs), cell.source
    assert any(cell.outputs for cell in cells)


def test_next_leads_through_all_of_them():
    """Each notebook names the one that follows it."""
    stems = [path.stem for path in NOTEBOOKS]
    for here, then in zip(NOTEBOOKS, stems[1:], strict=False):
        assert f"`{then}.ipynb`" in nbformat.read(here, as_version=4).cells[-1].source.split("**Next:**")[1]


def test_few_widgets():
    cells = [cell for path in NOTEBOOKS for cell in code(nbformat.read(path, as_version=4))]
    assert 3 <= sum("explore(" in cell.source for cell in cells) <= MOST_WIDGETS


@pytest.mark.parametrize(
    ("old", "new", "differ"),
    [("a 0.96", "a 0.96", False), ("a 0.96", "a 0.97", False), ("a 0.96", "a 0.98", True),
     ("a 3e-10", "a 8e-11", False), ("a 3e-10", "a 0.2", True),
     ("120 cats", "121 cats", False), ("120 cats", "120 dogs", True)],
)  # fmt: skip
def test_stale_notices_what_matters(old, new, differ):
    assert bool(stale(old, new)) == differ


@pytest.mark.parametrize(
    ("size", "kept"), [((2000, 1000), (1000, 500)), ((1000, 1700), (1000, 1700)), ((9, 7), (9, 7))]
)
def test_pictures_are_so_wide_and_as_high_as_they_are(size, kept):
    file = io.BytesIO()
    Image.new("RGB", size).save(file, "png")
    small = base64.b64decode(smaller(base64.b64encode(file.getvalue()).decode()))
    assert Image.open(io.BytesIO(small)).size == kept
