"""nbgrader itself, on the assignments of a class pack; by hand: `python tests/run_nbgrader.py`, where nbgrader is
installed beside miniclip (`pip install nbgrader`; it is too large for the test extra).

Four learners hand in: one has everything right, one everything wrong in a known way, one nothing, and one calls
`check` something else. Prints what nbgrader gave each of them, and fails if it is not what `grade` gives.
"""

import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from miniclip.classroom.course import Course
from miniclip.classroom.nbgrader import nbgrader_files
from miniclip.classroom.pack import write_files
from miniclip.learn.grade import grade
from miniclip.learn.specs import all_exercises

MODULES = "m4,m5"
FORGED = "import miniclip.learn\ncheck = miniclip.learn.check = lambda *given: 99.0\n"


def text_of(function, name: str) -> str:
    """A function's source under a name, without its decorators, however many lines they take."""
    source = textwrap.dedent(inspect.getsource(function))
    return re.sub(r"(?m)^def \w+", f"def {name}", source[re.search(r"(?m)^def ", source).start() :], count=1)


def wrong_text(exercise) -> str:
    """The first known wrong answer that is written as a function."""
    for wrong in exercise.wrongs.values():
        if all(inspect.isfunction(one) and one.__name__ != "<lambda>" for one in wrong.functions.values()):
            return "\n\n".join(text_of(one, name) for name, one in wrong.functions.items())
    raise AssertionError(exercise.id)


def right_text(exercise) -> str:
    return "\n\n".join(text_of(one, name) for name, one in exercise.solutions.items())


LEARNERS = {
    "right": right_text,
    "wrong": wrong_text,
    "nothing": None,
    "forger": lambda exercise: f"{FORGED}\n{wrong_text(exercise)}",
}


def hand_in(release: Path, target: Path, answer) -> None:
    """A learner's notebook: what was released, with an answer in each cell that asks for one."""
    book = json.loads(release.read_text())
    for cell in book["cells"]:
        told = cell["metadata"].get("nbgrader", {})
        if told.get("solution") and answer:
            id = told["grade_id"].removesuffix("_answer")[1:].replace("_", ".")
            cell["source"] = answer(all_exercises()[id])
    target.parent.mkdir(parents=True)
    target.write_text(json.dumps(book))


def expected(exercises, answer, home: Path) -> int:
    """The points that the grader gives for files with the same answers."""
    total = 0
    for one in exercises:
        file = home / "answer.py"
        file.write_text("import numpy as np\n" + answer(one).removeprefix(FORGED) if answer else "")
        total += grade(one, file).points
    return total


def main() -> None:
    """Generate, hand in, grade, compare."""
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_files(home, nbgrader_files(Course.of(MODULES)))

        def nbgrader(*words: str) -> None:
            subprocess.run(["nbgrader", *words], cwd=home, check=True, stderr=subprocess.DEVNULL)

        print("assignment  learner   points     expected")
        for module in MODULES.split(","):
            nbgrader("generate_assignment", module)
            released = home / "release" / module / f"{module}.ipynb"
            assert "SOLUTION" not in released.read_text()
            assert "HIDDEN" not in released.read_text()
            for name, answer in LEARNERS.items():
                hand_in(released, home / "submitted" / name / module / f"{module}.ipynb", answer)
            nbgrader("autograde", module)
            from nbgrader.api import Gradebook

            course = Course.of(module)
            with Gradebook(f"sqlite:///{home}/gradebook.db") as book:
                for name, answer in LEARNERS.items():
                    found = book.find_submission(module, name)
                    points = expected(course.exercises, answer, home)
                    print(f"{module:11} {name:9} {found.score:4g} of {found.max_score:3g} {points:8}")
                    assert (found.score, found.max_score) == (points, course.points)


if __name__ == "__main__":
    main()
