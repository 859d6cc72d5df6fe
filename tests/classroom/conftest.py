"""One pack for all tests: two modules, and what a learner who knows everything hands in."""

import json

import pytest

from miniclip.classroom.course import Course
from miniclip.classroom.pack import class_pack
from miniclip.learn.files import path_of, solution_text, stub


@pytest.fixture(scope="session")
def course():
    return Course.of("m5,m4")


@pytest.fixture(scope="session")
def pack(course, tmp_path_factory):
    folder = tmp_path_factory.mktemp("class") / "pack"
    class_pack(course, folder)
    return folder


@pytest.fixture
def hand_in(course):
    """Writes the files of a submission: flat, the solutions but for what is given by id."""

    def written(folder, **others):
        for one in course.exercises:
            text = others.get("e" + one.id.replace(".", "_"), solution_text(one))
            (folder / path_of(one, folder).name).write_text(text if text != "stub" else stub(one))

    return written


@pytest.fixture
def read():
    return lambda path: json.loads(path.read_text())
