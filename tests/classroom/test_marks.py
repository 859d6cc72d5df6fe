"""Points in the gradebooks of Canvas and Moodle: their columns, their learners, these modules."""

import csv
import io
import json

import pytest

from miniclip.app.cli import main
from miniclip.classroom.marks import CANVAS, MOODLE, POSSIBLE, read_roster
from miniclip.errors import InputError
from miniclip.learn.grade import Result
from miniclip.learn.results import results

CANVAS_FILE = f"""Student,ID,SIS User ID,SIS Login ID,Section,Old homework (77)
{POSSIBLE},,,,,10
"Lovelace, Ada",101,u1,ada,A,7
"Noether, Emmy",102,u2,emmy@example.org,A,
"Hopper, Grace",103,u3,grace,B,9
"""
MOODLE_FILE = """First name,Last name,ID number,Email address
Ada,Lovelace,u1,ada@example.org
Emmy,Noether,u2,emmy@example.org
Grace,Hopper,u3,grace@example.org
"""


@pytest.fixture
def graded(tmp_path):
    """Results of three people, of more modules than count here; one of them is nobody that the lists know."""
    folder = tmp_path / "results"
    folder.mkdir()
    for name, points in (("ada", 5), ("U2", 3), ("ghost", 1)):
        found = [Result(id, id, f"m{id[0]}", 9, "pass", points) for id in ("1.1", "4.1", "4.3", "5.1")]
        (folder / f"{name}.json").write_text(json.dumps(results(found)))
    return folder


@pytest.mark.parametrize(("text", "columns", "key"), [
    (CANVAS_FILE, CANVAS, "SIS User ID"), (MOODLE_FILE, MOODLE[1:], "ID number"),
])  # fmt: skip
def test_points_by_module(graded, tmp_path, capsys, text, columns, key):
    (tmp_path / "roster.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())  # as Excel and Canvas write it
    out = tmp_path / "marks.csv"
    words = [
        "class-marks",
        str(graded),
        "--roster",
        str(tmp_path / "roster.csv"),
        "--modules",
        "m4,m5",
        "--out",
        str(out),
    ]
    assert main([*words, "--json"]) == 0
    said, err = capsys.readouterr()
    assert json.loads(said) == {"out": str(out), "learners": 3, "marked": 2, "unknown": ["ghost"]}
    assert "called 'ghost'" in err
    rows = list(csv.DictReader(io.StringIO(out.read_text())))
    assert list(rows[0]) == [*columns, "miniclip m4", "miniclip m5"]
    if columns == CANVAS:
        first = rows.pop(0)
        assert (first["Student"], first["miniclip m4"], first["miniclip m5"]) == (POSSIBLE, "33", "20")
    assert [(row[key], row["miniclip m4"], row["miniclip m5"]) for row in rows] == [
        ("u1", "10", "5"), ("u2", "6", "3"), ("u3", "", ""),
    ]  # fmt: skip
    assert main(words) == 3
    assert "exists already" in capsys.readouterr().err


def test_the_templates_have_the_columns(pack):
    canvas = list(csv.reader((pack / "marks" / "canvas.csv").read_text().splitlines()))
    assert canvas == [[*CANVAS, "miniclip m4", "miniclip m5"], [POSSIBLE, "", "", "", "", "33", "20"]]
    assert list(csv.reader((pack / "marks" / "moodle.csv").read_text().splitlines())) == [
        [*MOODLE, "miniclip m4", "miniclip m5"]
    ]


@pytest.mark.parametrize("content", [b"", b"name,points\nada,3\n", b"Student,ID\n", b"\xff\xfe\x00", None])
def test_what_is_no_roster_is_told(tmp_path, content):
    path = tmp_path / "roster.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=r"roster.csv (lists no learners|cannot be read)"):
        read_roster(path)
