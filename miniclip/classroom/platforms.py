"""The exercises as Gradescope, PrairieLearn and GitHub Classroom want them: each a dict of file names and contents."""

import json
from html import escape
from uuid import NAMESPACE_URL, uuid5

from ..learn.files import MODULES, path_of, stub
from ..learn.spec import Exercise
from .archive import WHEEL, requirements, wheel, zipped
from .course import CONTENT, TORCH, Course, module_name
from .text import as_html, exercise_files

CPU_ONLY = "--extra-index-url https://download.pytorch.org/whl/cpu "
LINE = "      "  # where a step of a workflow begins


def fill(name: str, **values: str) -> bytes:
    """A file of `content`, with values for its @words@."""
    text = (CONTENT / name).read_text(encoding="utf-8")
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text.encode()


def needs_torch(course: Course) -> bool:
    """Is one of the exercises about PyTorch?"""
    return any(one.id == TORCH for one in course.exercises)


def gradescope_zip(course: Course) -> bytes:
    """autograder.zip: miniclip, what installs it, and what runs it."""
    index = CPU_ONLY if needs_torch(course) else ""
    return zipped({
        "setup.sh": fill("setup.sh", index=index, wheel=WHEEL),
        "run_autograder": fill("run_autograder", modules=course.name),
        "requirements.txt": requirements(needs_torch(course)).encode(),
        WHEEL: wheel(),
    })  # fmt: skip


# PrairieLearn


def prairielearn_files(course: Course) -> dict[str, bytes]:
    """What is copied into a course's repository: a question for each exercise, an assessment, and the grader."""
    files = {"serverFilesCourse/miniclip/run_question.sh": fill("run_question.sh", wheel=WHEEL),
             f"serverFilesCourse/miniclip/{WHEEL}": wheel()}  # fmt: skip
    for one in course.exercises:
        folder = f"questions/{question_id(one)}"
        files[f"{folder}/info.json"] = as_json(question_info(one))
        files[f"{folder}/question.html"] = question_page(one).encode()
        files[f"{folder}/{path_of(one, CONTENT).name}"] = stub(one).encode()
    zones = [{"title": MODULES[module][1], "questions": [
        {"id": question_id(one), "autoPoints": one.points, "maxAutoPoints": one.points}
        for one in course.exercises if module_name(one) == module
    ]} for module in course.modules]  # fmt: skip
    assessment = {"uuid": uuid("assessment", course.name), "type": "Homework", "title": "miniclip", "set": "Homework",
                  "number": "1", "allowAccess": [], "zones": zones}  # fmt: skip
    return files | {"infoAssessment.json": as_json(assessment)}


def question_id(exercise: Exercise) -> str:
    """The folder of a question."""
    return f"miniclip/{module_name(exercise)}/{path_of(exercise, CONTENT).stem}"


def question_info(exercise: Exercise) -> dict:
    """A question's info.json; each is graded on its own, so that a syntax error costs one exercise."""
    return {
        "uuid": uuid("question", exercise.id), "title": f"{exercise.id} {exercise.title}",
        "topic": MODULES[module_name(exercise)][1], "tags": ["miniclip", module_name(exercise)], "type": "v3",
        "singleVariant": True, "gradingMethod": "External",
        "externalGradingOptions": {
            "enabled": True, "image": "prairielearn/grader-python", "serverFilesCourse": ["miniclip/"],
            "entrypoint": f"/grade/serverFilesCourse/miniclip/run_question.sh {exercise.id}", "timeout": 120,
        },
    }  # fmt: skip


def question_page(exercise: Exercise) -> str:
    """A question's question.html: the task, an editor with the stub, and what came of it."""
    file = escape(path_of(exercise, CONTENT).name)
    return (
        f"<pl-question-panel>\n{as_html(exercise.brief)}\n</pl-question-panel>\n"
        f'<pl-file-editor file-name="{file}" source-file-name="{file}" directory="." ace-mode="ace/mode/python">'
        "</pl-file-editor>\n"
        "<pl-submission-panel>\n<pl-external-grader-results></pl-external-grader-results>\n"
        "<pl-file-preview></pl-file-preview>\n</pl-submission-panel>\n"
    )


# GitHub Classroom


def github_files(course: Course) -> dict[str, bytes]:
    """A template repository: the exercises, and what grades them on every push."""
    index = CPU_ONLY if needs_torch(course) else ""
    steps = "\n".join(
        f"{LINE}- id: {module}\n"
        f"{LINE}  run: echo \"result=$(python -m miniclip.classroom.autograde {module} --format classroom "
        f'--submission exercises)" >> "$GITHUB_OUTPUT"'
        for module in course.modules
    )  # fmt: skip
    outputs = "\n".join(f"{LINE}    {module.upper()}_RESULTS: ${{{{ steps.{module}.outputs.result }}}}"
                        for module in course.modules)  # fmt: skip
    workflow = fill("classroom.yml", index=index, wheel=WHEEL, steps=steps, results=outputs, runners=course.name)
    return {
        **{f"exercises/{name}": content for name, content in exercise_files(course).items()},
        ".github/workflows/classroom.yml": workflow,
        ".github/classroom/autograding.json": as_json({"tests": [autograding_test(one) for one in course.exercises]}),
        ".github/requirements.txt": requirements(needs_torch(course)).encode(),
        f".github/{WHEEL}": wheel(),
    }


def autograding_test(exercise: Exercise) -> dict:
    """A test of the older autograding.json: all of the points or none, by the exit code."""
    return {
        "name": f"{exercise.id} {exercise.title}", "setup": f"pip install .github/{WHEEL}",
        "run": f"miniclip learn check {exercise.id}", "input": "", "output": "", "comparison": "included",
        "timeout": 5, "points": exercise.points,
    }  # fmt: skip


def as_json(value) -> bytes:
    """Readable JSON."""
    return (json.dumps(value, indent=2) + "\n").encode()


def uuid(kind: str, name: str) -> str:
    """The same id whenever it is made."""
    return str(uuid5(NAMESPACE_URL, f"miniclip/{kind}/{name}"))
