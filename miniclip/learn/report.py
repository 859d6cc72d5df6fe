"""Results in the formats of the tools that courses use; each a view of `results.results`."""

import base64
import csv
import io
import json
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree

from ..errors import CheckpointError, ConfigError, quote
from ..files.storage import parse_json
from ..machine.disk import read_file, reason
from .grade import Result
from .sandbox import run_file
from .seen import short
from .spec import Exercise

FORMATS = ("json", "gradescope", "classroom", "junit", "prairielearn", "csv")


def message_of(one: dict) -> str:
    """What a learner is told about one exercise."""
    return one["hint"] or one["status"].replace("_", " ")


def gradescope(results: dict) -> dict:
    """/autograder/results/results.json. Without a top score: it would override the sum of the tests."""
    tests = [
        {
            "name": f"{one['id']} {one['title']}", "number": one["id"], "score": one["points"],
            "max_score": one["max_points"], "status": "passed" if one["status"] == "pass" else "failed",
            "output": message_of(one), "output_format": "md", "tags": [one["module"]], "visibility": "visible",
            "extra_data": {"misconception": one["misconception"]},
        }
        for one in results["exercises"]
    ]  # fmt: skip
    seconds = sum(one["seconds"] for one in results["exercises"])
    return {"execution_time": seconds, "output_format": "md", "visibility": "visible", "tests": tests}


def classroom(results: dict) -> dict:
    """The result of a runner of GitHub Classroom, version 3, before base64."""
    states = {"pass": "pass", "grader_error": "error"}
    tests = [
        {
            "name": f"{one['id']} {one['title']}", "status": states.get(one["status"], "fail"), "score": one["points"],
            "message": message_of(one), "test_code": "", "filename": one["file"], "line_no": 0,
            "duration": int(1000 * one["seconds"]), "task_id": 0,
        }
        for one in results["exercises"]
    ]  # fmt: skip
    worst = {test["status"] for test in tests}
    status = "error" if "error" in worst else "fail" if "fail" in worst else "pass"
    return {"version": 3, "status": status, "max_score": results["total"]["max"], "tests": tests}


def classroom_output(results: dict) -> str:
    """The value of the runner's step output `result`."""
    return base64.b64encode(json.dumps(classroom(results)).encode()).decode()


def junit(results: dict) -> str:
    """JUnit XML: not started is skipped, a fault of the grader an error, whatever else did not pass a failure."""
    every = results["exercises"]
    failed = [one for one in every if one["status"] not in ("pass", "not_started", "grader_error")]
    root = ElementTree.Element("testsuites", name="miniclip")
    suite = ElementTree.SubElement(
        root, "testsuite", name="exercises", tests=str(len(every)), failures=str(len(failed)),
        errors=str(sum(one["status"] == "grader_error" for one in every)),
        skipped=str(sum(one["status"] == "not_started" for one in every)),
        time=f"{sum(one['seconds'] for one in every):.3f}",
    )  # fmt: skip
    for one in every:
        case = ElementTree.SubElement(suite, "testcase", classname=one["module"], time=f"{one['seconds']:.3f}",
                                      name=f"{one['id']} {one['title']}")  # fmt: skip
        properties = ElementTree.SubElement(case, "properties")
        for name in ("id", "points", "max_points", "misconception"):
            ElementTree.SubElement(properties, "property", name=name, value=str(one[name]))
        if one["status"] == "not_started":
            ElementTree.SubElement(case, "skipped", type="pytest.skip", message=message_of(one))
        elif one["status"] != "pass":
            kind = "error" if one["status"] == "grader_error" else "failure"
            ElementTree.SubElement(case, kind, message=message_of(one))
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def prairielearn(results: dict) -> dict:
    """/grade/results/results.json; if Python can read nothing of a submission, it costs no attempt."""
    broken = [message_of(one) for one in results["exercises"] if "Python cannot read it" in one["hint"]]
    if broken and len(broken) == len(results["exercises"]):
        return {"gradable": False, "format_errors": broken}
    tests = [
        {
            "name": f"{one['id']} {one['title']}", "description": one["status"], "points": one["points"],
            "max_points": one["max_points"], "message": message_of(one), "output": "", "images": [],
        }
        for one in results["exercises"]
    ]  # fmt: skip
    total = results["total"]
    share = total["points"] / total["max"] if total["max"] else 0.0
    return {"gradable": True, "score": share, "message": f"{total['points']} of {total['max']} points", "output": "",
            "images": [], "tests": tests}  # fmt: skip


COLUMNS = ("submission", "exercise", "points", "max_points", "status", "misconception", "seconds")


def rows(results: dict, submission: str) -> list[dict]:
    """One for each exercise."""
    return [{"submission": submission, "exercise": one["id"], **{name: one[name] for name in COLUMNS[2:]}}
            for one in results["exercises"]]  # fmt: skip


def table(records: list[dict], columns) -> str:
    """Comma-separated values, with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def wide(submissions: dict[str, dict]) -> str:
    """A line for each submission and a column for each exercise: what Canvas and Moodle take in."""
    ids = list(dict.fromkeys(one["id"] for results in submissions.values() for one in results["exercises"]))
    lines = [{"submission": name, **{one["id"]: one["points"] for one in results["exercises"]},
              "total": results["total"]["points"]} for name, results in submissions.items()]  # fmt: skip
    return table(lines, ["submission", *ids, "total"])


def class_report(submissions: dict[str, dict]) -> str:
    """For the lecturer: how many passed each exercise, and which misconceptions to teach again tomorrow."""
    passed: Counter = Counter()
    held: Counter = Counter()
    for results in submissions.values():
        for one in results["exercises"]:
            passed[one["id"]] += one["status"] == "pass"
            if one["misconception"]:
                held[one["id"], one["misconception"]] += 1
    lines = [f"{len(submissions)} submissions", ""]
    for id in passed:
        wrong = [f"{name} {n}" for (other, name), n in held.most_common() if other == id]
        lines.append(f"{id:5} passed {passed[id]:3}   {', '.join(wrong)}".rstrip())
    return "\n".join(lines) + "\n"


def export_results(results: dict, form: str, submission: str = "") -> str:
    """The text of a report."""
    if form == "junit":
        return junit(results)
    if form == "csv":
        return table(rows(results, submission), COLUMNS)
    if form == "classroom":
        return classroom_output(results) + "\n"
    view = {"json": lambda x: x, "gradescope": gradescope, "prairielearn": prairielearn}[form]
    return json.dumps(view(results), indent=1) + "\n"


def unmatched(found: list[Result], exercises: dict[str, Exercise]) -> str:
    """What wrong answers gave that no known misconception gives: nothing but the numbers, for new hints."""
    harvest = []
    for result in found:
        if result.status in ("wrong", "partial") and not result.misconception:
            exercise = exercises[result.id]
            answer = run_file(Path(result.file).resolve(), exercise.cases)
            gave = [answer.outcomes.get((i, 0)) for i in range(len(exercise.cases))]
            harvest.append({"exercise": result.id, "gave": [
                {"case": case.name, "value": short(one.value, 200) if one and not one.error else one and one.error}
                for case, one in zip(exercise.cases, gave, strict=True)
            ]})  # fmt: skip
    return json.dumps(harvest, indent=1) + "\n"


def load_class(folder: Path) -> dict[str, dict]:
    """name -> results, from every *.json of a folder of submissions."""
    if not Path(folder).is_dir():
        raise ConfigError(f"{quote(folder)} is not a folder: expected one with a results.json of each person")
    return {path.stem: load_submission(path) for path in sorted(Path(folder).glob("*.json"))}


def load_submission(path: Path) -> dict:
    """One person's results, as `results.results` makes them; a ConfigError for anything else."""
    try:
        data = parse_json(read_file(path), path)
        for one in data["exercises"]:
            fits = all(type(one[key]) is kind for key, kind in
                       (("id", str), ("status", str), ("points", int), ("misconception", str)))  # fmt: skip
            if not fits:
                raise ValueError("an exercise's record has another layout")
        if type(data["total"]["points"]) is not int:
            raise ValueError("the total is no whole number")
        return data
    except (OSError, CheckpointError, ValueError, KeyError, TypeError) as error:
        hint = "expected what `miniclip learn report` has written: take it out of the folder"
        raise ConfigError(f"{quote(path)} holds no results ({reason(error)}): {hint}") from error
