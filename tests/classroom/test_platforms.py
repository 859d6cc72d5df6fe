"""What nbgrader, PrairieLearn and GitHub Classroom read, against their published schemas."""

import base64
import json
import re
import subprocess
import sys

import pytest

from miniclip.classroom.archive import WHEEL
from miniclip.classroom.autograde import main
from miniclip.classroom.nbgrader import assignment, marked_solution
from miniclip.learn.files import stub
from miniclip.learn.specs import all_exercises

ALL = all_exercises()

# nbgrader: the cell metadata of schema version 3


def released(source):
    """What `nbgrader generate_assignment` leaves of a cell."""
    source = re.sub(r"(?ms)^( *)### BEGIN SOLUTION.*?### END SOLUTION", r"\1raise NotImplementedError()", source)
    return re.sub(r"(?ms)^### BEGIN HIDDEN TESTS.*?### END HIDDEN TESTS", "", source)


def test_nbgrader_cells(pack, course, read):
    points = 0
    for module in course.modules:
        book = read(pack / "graders" / "nbgrader" / "source" / module / f"{module}.ipynb")
        assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
        assert len({one["id"] for one in book["cells"]}) == len(book["cells"])
        marks = [one["metadata"]["nbgrader"] for one in book["cells"] if one["metadata"]]
        assert len({told["grade_id"] for told in marks}) == len(marks)
        for told in marks:
            assert told["schema_version"] == 3
            assert told.keys() >= {"schema_version", "grade", "locked", "solution"}
            assert told.keys() <= {"schema_version", "grade", "locked", "solution", "task", "grade_id", "points"}
            assert all(type(told[key]) is bool for key in ("grade", "locked", "solution", "task"))
            assert re.fullmatch(r"[a-zA-Z0-9_\-]*", told["grade_id"])
            assert ("points" in told) == told["grade"]
            points += told.get("points", 0)
    assert points == course.points


@pytest.mark.parametrize("id", ALL)
def test_a_released_notebook_keeps_the_signature_and_nothing_of_the_solution(id):
    exercise = ALL[id]
    brief, answer, test = (one["source"] for one in assignment("m0", [exercise])["cells"][2:])
    given = released(answer)
    compile(answer, "answer", "exec")
    compile(given, "answer", "exec")
    names = {name: f"def {name}(" for name in exercise.solutions}
    for name, head in names.items():
        assert head in given
        assert f"`{name}(" in brief
    assert given.count("raise NotImplementedError()") == len(names)
    assert answer.count("### BEGIN SOLUTION") == answer.count("### END SOLUTION") == len(names)
    kept = {line.strip() for line in given.split("\n")}
    known = {line.strip() for line in stub(exercise).split("\n")} | {"raise NotImplementedError()", ""}
    assert {line for line in kept if not line.startswith(("def ", '"""'))} <= known | {f'{line}"""' for line in known}
    assert "HIDDEN" not in released(test)
    assert f'check("{id}", {", ".join(names)})' in released(test)


def test_marked_solutions_run(tmp_path):
    """All in one file that Python takes."""
    text = "import numpy as np\n\n" + "\n\n".join(marked_solution(one) for one in ALL.values())
    (tmp_path / "all.py").write_text(text)
    subprocess.run([sys.executable, tmp_path / "all.py"], check=True)


# PrairieLearn: https://github.com/PrairieLearn/PrairieLearn, apps/prairielearn/src/schemas/schemas/infoQuestion.json

INFO = {  # key -> type of what we use; the schema allows no other than its own
    "uuid": str, "title": str, "topic": str, "tags": list, "type": str, "singleVariant": bool, "gradingMethod": str,
    "externalGradingOptions": dict,
}  # fmt: skip
OPTIONS = {"enabled": bool, "image": str, "entrypoint": str, "serverFilesCourse": list, "timeout": int}


def test_prairielearn(pack, course, read):
    root = pack / "graders" / "prairielearn"
    assessment = read(root / "infoAssessment.json")
    assert assessment.keys() == {"uuid", "type", "title", "set", "number", "allowAccess", "zones"}
    asked = [question for zone in assessment["zones"] for question in zone["questions"]]
    assert sum(question["autoPoints"] for question in asked) == course.points
    uuids = {assessment["uuid"]}
    for exercise, question in zip(course.exercises, asked, strict=True):
        folder = root / "questions" / question["id"]
        info = read(folder / "info.json")
        assert {key: type(value) for key, value in info.items()} == INFO
        assert {"uuid", "title", "topic", "type"} <= info.keys()
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", info["uuid"])
        assert (info["type"], info["gradingMethod"]) == ("v3", "External")
        options = info["externalGradingOptions"]
        assert {key: type(value) for key, value in options.items()} == OPTIONS
        assert options["serverFilesCourse"] == ["miniclip/"]
        assert options["entrypoint"].split() == ["/grade/serverFilesCourse/miniclip/run_question.sh", exercise.id]
        page = (folder / "question.html").read_text()
        (file,) = re.findall(r'source-file-name="([^"]+)"', page)
        assert (folder / file).read_text() == stub(exercise)
        opened, closed = re.findall(r"<(pl-[\w-]+)", page), re.findall(r"</(pl-[\w-]+)>", page)
        assert sorted(opened) == sorted(closed)
        uuids.add(info["uuid"])
    assert len(uuids) == 1 + len(asked)
    script = root / "serverFilesCourse" / "miniclip" / "run_question.sh"
    assert script.stat().st_mode & 0o111
    assert (script.parent / WHEEL).is_file()


# GitHub Classroom


def test_github(pack, course, read):
    root = pack / "graders" / "github"
    workflow = (root / ".github" / "workflows" / "classroom.yml").read_text()
    yaml = pytest.importorskip("yaml")
    steps = yaml.safe_load(workflow)["jobs"]["grade"]["steps"]
    graded = {step["id"]: step["run"] for step in steps if "id" in step}
    assert list(graded) == list(course.modules)
    reporter = steps[-1]
    assert reporter["uses"].startswith("classroom-resources/autograding-grading-reporter@")
    assert reporter["with"]["runners"].split(",") == list(graded)
    assert reporter["env"] == {f"{name.upper()}_RESULTS": f"${{{{ steps.{name}.outputs.result }}}}" for name in graded}
    assert f".github/{WHEEL}" in steps[2]["run"]
    for name, line in graded.items():
        assert f"miniclip.classroom.autograde {name} --format classroom --submission exercises" in line
        assert line.endswith('>> "$GITHUB_OUTPUT"')
    tests = read(root / ".github" / "classroom" / "autograding.json")["tests"]
    assert sum(test["points"] for test in tests) == course.points
    for test in tests:
        assert test.keys() == {"name", "setup", "run", "input", "output", "comparison", "timeout", "points"}
    assert len(list((root / "exercises").rglob("e*.py"))) == len(course.exercises)


def test_the_line_of_the_workflow_gives_what_the_reporter_reads(pack, capsys):
    assert main(["m4", "--format", "classroom", "--submission", str(pack / "graders" / "github" / "exercises")]) == 0
    said = json.loads(base64.b64decode(capsys.readouterr().out))
    assert (said["version"], said["status"], said["max_score"]) == (3, "fail", 33)
    assert len(said["tests"]) == 8
