"""Every export in the form its tool takes."""

import base64
import csv
import io
import json
import xml.etree.ElementTree as ElementTree

import pytest

from miniclip.learn import report
from miniclip.learn.grade import STATUSES, Result
from miniclip.learn.results import results


@pytest.fixture
def found():
    """One result of each status."""
    all_of_them = []
    for n, status in enumerate(STATUSES):
        points = 5 if status == "pass" else 2 if status == "partial" else 0
        hint = "" if status == "pass" else f'On "n = 2".\nSay <{status}> & "why": 3.'
        all_of_them.append(Result(f"4.{n}", f"Title {n}", "m4", 5, status, points, f"exercises/m4/e{n}.py", "ab" * 32,
                                  [{"name": "a", "ok": status == "pass", "message": ""}], 3,
                                  "forgot_half" if status == "wrong" else "", hint, 0.25))  # fmt: skip
    return results(all_of_them)


def test_the_record_itself(found):
    assert found["schema"] == "miniclip.results/1"
    assert found["total"] == {"points": 7, "max": 40}
    assert found.keys() == {"schema", "miniclip", "python", "numpy", "seed", "total", "exercises"}
    wanted = {"id", "title", "module", "status", "points", "max_points", "file", "sha256", "checks", "n_checks",
              "misconception", "hint", "said", "failing", "seconds"}  # fmt: skip
    assert all(one.keys() == wanted for one in found["exercises"])
    assert json.loads(report.export_results(found, "json")) == found


def test_gradescope(found):
    view = json.loads(report.export_results(found, "gradescope"))
    assert "score" not in view  # it would override the sum of the tests
    assert isinstance(view["execution_time"], float)
    assert sum(test["score"] for test in view["tests"]) == 7
    for test, one in zip(view["tests"], found["exercises"], strict=True):
        assert test["status"] in ("passed", "failed")
        assert (test["status"] == "passed") == (test["score"] == test["max_score"])
        assert test["number"] == one["id"]
        assert test["tags"] == ["m4"]
        assert test["output_format"] in ("text", "simple_format", "html", "md", "ansi")
        assert test["visibility"] == "visible"
        assert test["extra_data"]["misconception"] == one["misconception"]


def test_classroom(found):
    view = json.loads(base64.b64decode(report.export_results(found, "classroom")))
    assert (view["version"], view["status"], view["max_score"]) == (3, "error", 40)
    assert sum(test["score"] for test in view["tests"]) == 7
    for test in view["tests"]:
        assert test.keys() == {"name", "status", "score", "message", "test_code", "filename", "line_no", "duration",
                               "task_id"}  # fmt: skip
        assert test["status"] in ("pass", "fail", "error")


def test_junit(found):
    suite = ElementTree.fromstring(report.export_results(found, "junit").encode()).find("testsuite")
    counts = {"tests": 8, "failures": 5, "errors": 1, "skipped": 1}
    assert {name: int(suite.get(name)) for name in counts} == counts
    for kind, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert len(suite.findall(f"testcase/{tag}")) == counts[kind]
    case = suite.find("testcase[@name='4.2 Title 2']")
    properties = {one.get("name"): one.get("value") for one in case.iter("property")}
    assert properties == {"id": "4.2", "points": "0", "max_points": "5", "misconception": "forgot_half"}
    assert case.find("failure").get("message") == 'On "n = 2".\nSay <wrong> & "why": 3.'


def test_prairielearn(found):
    view = json.loads(report.export_results(found, "prairielearn"))
    assert view["gradable"] is True
    assert view["score"] == pytest.approx(7 / 40)
    assert all(test.keys() == {"name", "description", "points", "max_points", "message", "output", "images"}
               for test in view["tests"])  # fmt: skip
    assert len(report.export_results(found, "prairielearn")) < 2**20
    found["exercises"][1]["hint"] = "e1.py, line 3: invalid syntax. Python cannot read it."
    assert report.prairielearn(found)["gradable"] is True  # one of several costs one
    assert report.prairielearn({"exercises": found["exercises"][1:2], "total": {}}) == {
        "gradable": False, "format_errors": ["e1.py, line 3: invalid syntax. Python cannot read it."],
    }  # fmt: skip


def test_csv_and_the_class(found, tmp_path):
    lines = list(csv.DictReader(io.StringIO(report.export_results(found, "csv", "ada"))))
    assert list(lines[0]) == list(report.COLUMNS)
    assert sum(int(line["points"]) for line in lines) == 7
    assert {line["submission"] for line in lines} == {"ada"}
    for name in ("ada", "bea"):
        (tmp_path / f"{name}.json").write_text(json.dumps(found))
    people = report.load_class(tmp_path)
    wide = list(csv.DictReader(io.StringIO(report.wide(people))))
    assert [row["submission"] for row in wide] == ["ada", "bea"]
    assert all(int(row["total"]) == sum(int(row[f"4.{n}"]) for n in range(7)) == 7 for row in wide)
    text = report.class_report(people)
    assert "2 submissions" in text
    assert "4.2   passed   0   forgot_half 2" in text
    assert "4.4   passed   2" in text
