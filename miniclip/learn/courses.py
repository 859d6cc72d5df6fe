"""Exercises in the forms that courses use: an nbgrader notebook, a Gradescope autograder; and a harvest of errors."""

import io
import json
import zipfile
from pathlib import Path

from . import files
from .grade import Result
from .sandbox import run_file
from .seen import short
from .spec import Exercise

SETUP = """#!/usr/bin/env bash
set -e
pip install miniclip
"""
RUN = """#!/usr/bin/env bash
set -e
mkdir -p /tmp/work && cd /tmp/work && touch README.md
mkdir -p exercises && touch exercises/README.md
miniclip learn sync > /dev/null
find /autograder/submission -name 'e*_*.py' | while read -r file; do  # uploaded flat or in folders
    find exercises -name "$(basename "$file")" -exec cp "$file" {} \\;
done
rm -f /autograder/results/results.json
miniclip learn report --format gradescope -o /autograder/results/results.json
"""


def cell(kind: str, source: str, **nbgrader) -> dict:
    """A notebook cell with nbgrader's metadata, schema version 3."""
    made = {"cell_type": kind, "metadata": {"nbgrader": {"schema_version": 3, **nbgrader}}, "source": source}
    return made | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def nbgrader(exercises: list[Exercise]) -> dict:
    """An assignment: for each exercise its task, a cell to write it in, and a cell that grades it."""
    cells: list[dict] = []
    for one in exercises:
        name = f"e{one.id.replace('.', '_')}"
        title = f"## {one.id} {one.title}\n\n{one.brief}"
        cells.append(cell("markdown", title, grade=False, locked=True, solution=False, grade_id=f"{name}_task"))
        code = files.stub(one).split('"""\n\n', 1)[1]
        cells.append(cell("code", code, grade=False, locked=False, solution=True, grade_id=f"{name}_answer"))
        test = (
            "from miniclip.learn import check\n"
            f'check("{one.id}", {", ".join(one.solutions)})  # the points are the value of this cell'
        )
        cells.append(cell("code", test, grade=True, locked=True, solution=False, grade_id=f"{name}_test",
                          points=one.points))  # fmt: skip
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    for number, made in enumerate(cells):
        made["id"] = f"cell-{number:03}"
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def autograder() -> bytes:
    """Gradescope's autograder.zip: what installs the grader, and what runs it."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in (("setup.sh", SETUP), ("run_autograder", RUN)):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, text)
    return data.getvalue()


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
