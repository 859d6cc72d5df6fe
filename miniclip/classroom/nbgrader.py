"""Assignments for nbgrader: a notebook for each module, in the instructor's version, with solutions and hidden tests.

`nbgrader generate_assignment` takes out what stands between the markers; signature and docstring stay, and the brief
says the signature, too. A test cell's value are the points, so nbgrader gives partial credit.
"""

import ast
import inspect
import json
import textwrap

from ..learn.files import MODULES
from ..learn.spec import Exercise
from .course import Course, module_name

CONFIG = b"""# nbgrader's settings for this course: run nbgrader in this folder.
c = get_config()  # noqa: F821
c.CourseDirectory.course_id = "miniclip"
c.ExecutePreprocessor.timeout = 300  # seconds for a cell
"""
TEST = """from miniclip.learn import check
check("{id}", {names})
### BEGIN HIDDEN TESTS
# Whatever the notebook calls `check` by now, this one counts. Its value are the points.
from importlib import reload
from miniclip.learn import notebook
reload(notebook).check("{id}", {names})
### END HIDDEN TESTS"""


def nbgrader_files(course: Course) -> dict[str, bytes]:
    """A course folder of nbgrader."""
    files = {"nbgrader_config.py": CONFIG}
    for module in course.modules:
        ours = [one for one in course.exercises if module_name(one) == module]
        book = json.dumps(assignment(module, ours), indent=1) + "\n"
        files[f"source/{module}/{module}.ipynb"] = book.encode()
    return files


def assignment(module: str, exercises: list[Exercise]) -> dict:
    """A notebook: for each exercise its brief, a cell to write it in, and a cell that grades it."""
    points = sum(one.points for one in exercises)
    cells = [{"cell_type": "markdown", "metadata": {}, "source": f"# {MODULES[module][1]} ({points} points)"},
             code_cell("import numpy as np")]  # fmt: skip
    for one in exercises:
        name = f"e{one.id.replace('.', '_')}"
        kept = {"grade": False, "locked": True, "solution": False, "task": False, "grade_id": f"{name}_task"}
        written = {"grade": False, "locked": False, "solution": True, "task": False, "grade_id": f"{name}_answer"}
        graded = {"grade": True, "locked": True, "solution": False, "task": False, "grade_id": f"{name}_test",
                  "points": one.points}  # fmt: skip
        cells += [
            {"cell_type": "markdown", "metadata": marks_of(kept), "source": brief_with_signature(one)},
            code_cell(marked_solution(one), written),
            code_cell(TEST.format(id=one.id, names=", ".join(one.solutions)), graded),
        ]
    for number, made in enumerate(cells):
        made["id"] = f"cell-{number:03}"
    kernel = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
    return {"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}


def code_cell(source: str, nbgrader: dict | None = None) -> dict:
    """A code cell that was not run."""
    marks = marks_of(nbgrader) if nbgrader else {}
    return {"cell_type": "code", "metadata": marks, "source": source, "execution_count": None, "outputs": []}


def marks_of(nbgrader: dict) -> dict:
    """A cell's metadata, schema version 3."""
    return {"nbgrader": {"schema_version": 3, **nbgrader}}


def brief_with_signature(exercise: Exercise) -> str:
    """The task as Markdown, with what the functions are called and take."""
    said = ", ".join(f"`{name}{inspect.signature(one)}`" for name, one in exercise.solutions.items())
    title = f"## {exercise.id} {exercise.title} ({exercise.points} point{'s' * (exercise.points > 1)})"
    return f"{title}\n\n{exercise.brief}\n\nWrite {said}."


def marked_solution(exercise: Exercise) -> str:
    """The functions, each with its body between nbgrader's markers."""
    return "\n\n\n".join(marked(function) for function in exercise.solutions.values())


def marked(function) -> str:
    """A function's source without its decorators, and with markers around what the learner writes."""
    lines = textwrap.dedent(inspect.getsource(function)).rstrip().split("\n")
    (definition,) = ast.parse("\n".join(lines)).body
    assert isinstance(definition, ast.FunctionDef)
    begin = definition.body[1].lineno - 1  # after the docstring
    while lines[begin - 1].lstrip().startswith("#"):
        begin -= 1  # a comment on the first line is part of the answer
    head, body = lines[definition.lineno - 1 : begin], lines[begin:]
    return "\n".join([*head, "    ### BEGIN SOLUTION", *body, "    ### END SOLUTION"])
