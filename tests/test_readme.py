"""The README's lines run as they are written, in an empty folder, and print what they say."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from miniclip.app import cli
from miniclip.app.printing import lines, score_table
from miniclip.nn.floors import caption_floor

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"^```python\n(.+?)^```", README, re.MULTILINE | re.DOTALL)
PICTURE_LINES = re.findall(r"^    (miniclip (?:caption|ask|zeroshot|search) .+)$", README, re.MULTILINE)


def test_there_are_lines_to_run():
    assert len(BLOCKS) == 1
    assert len(PICTURE_LINES) == 2


@pytest.mark.parametrize("block", BLOCKS)
def test_python_lines_run_anywhere(tmp_path, monkeypatch, block):
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(block, {})
    said = re.findall(r"^print.*#[^\[]*(\[\[.+\]\])$", block, re.MULTILINE)
    found = [np.array(re.findall(r"[-\d.]+", text), float) for text in printed.getvalue().splitlines()]
    assert len(said) == len(found) == 2
    for text, values in zip(said, found, strict=True):
        assert np.abs(values - np.array(re.findall(r"[-\d.]+", text), float)).max() <= 0.0051, printed.getvalue()


@pytest.mark.parametrize("line", PICTURE_LINES)
def test_shell_lines_run_anywhere(capsys, tmp_path, monkeypatch, line):
    monkeypatch.chdir(tmp_path)
    words, said = shlex.split(line, comments=True)[1:], line.rpartition("# ")[2]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert re.search(rf"(^|\s){re.escape(said)}$", out, re.MULTILINE), out
    assert not err


def test_it_names_every_notebook():
    """In its section, by number, in order."""
    section = README.split("## Notebooks and figures")[1].split("\n## ")[0].split("Each says how long")[0]
    numbers = [path.name[:2] for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))]
    assert re.findall(r"\b(\d\d)\s[a-z]", section) == numbers


def test_no_number_is_printed_as_minus_zero():
    assert "-0" not in lines({"caption_floor": -0.0, "loss": -0.0})
    assert "-0" not in score_table({"gap": {"model": -0.0, "chance": -1e-17, "untrained": -0.0004}})


def test_a_floor_is_never_minus_zero():
    """Captions that fit one scene each leave nothing open: that is 0, and not -0."""
    for off in (-np.inf, -40.0, -800.0):
        information = np.where(np.eye(3, dtype=bool), 4.0 / 3.0, off)
        floor = caption_floor(information)
        assert floor >= 0.0
        assert not np.signbit(floor)
