"""Shared set-up: one thread per worker, the same hypothesis examples every time, the long tests on request, and a
describer that knows sixteen scenes by heart."""

import json
import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy loads: the workers share the cores among themselves

from types import SimpleNamespace  # noqa: E402

import numpy as np  # noqa: E402
import pytest  # noqa: E402
from hypothesis import HealthCheck, settings  # noqa: E402

settings.register_profile(
    "miniclip",
    derandomize=True,
    deadline=None,
    database=None,
    max_examples=30,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.load_profile("miniclip")
collect_ignore = ["learn/right"]  # answers as learners write them: the grader runs them, nobody imports them


def pytest_addoption(parser):
    parser.addoption("--nightly", action="store_true", help="also run the long form of tests that run short")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("--nightly"):
        for item in items:
            if item.get_closest_marker("nightly"):
                item.add_marker(pytest.mark.skip(reason="long form: run with --nightly"))


@pytest.fixture(scope="session")
def sixteen():
    """Scenes, their pictures, questions and answers."""
    from miniclip.data.pairs import normalized_images
    from miniclip.data.questions import ask
    from miniclip.data.world import sample_scenes

    scenes = sample_scenes(0, "many", np.arange(16))
    asked = ask(scenes)
    questions, answers = [one.text for one in asked], [one.answer for one in asked]
    return SimpleNamespace(scenes=scenes, images=normalized_images(scenes), questions=questions, answers=answers)


@pytest.fixture(scope="session")
def model(sixteen):
    """A describer that knows sixteen scenes by heart; nobody may change it."""
    from describers import WORDS, fitted, new_describer

    from miniclip.data.captions import write_descriptions
    from miniclip.data.prompts import encode_texts
    from miniclip.train import objectives
    from miniclip.train.loop import Stage

    start = new_describer()
    rows = [[(text, True)] for text in write_descriptions(sixteen.scenes)]
    rows += [[(q, False), (a, True)] for q, a in zip(sixteen.questions, sixteen.answers, strict=True)]
    texts, images = encode_texts(WORDS, rows), np.concatenate([sixteen.images] * 2)

    def objective(step, params):
        return objectives.captioning(images, texts, params, start.coca)

    stage = Stage("overfit", objective, 160, ("visual", "decoder"), peak_lr=1e-2, warmup=20, weight_decay=0.0)
    return start.with_params(fitted(stage, start.params))


@pytest.fixture(scope="session")
def course():
    """Two modules of the class in a box."""
    from miniclip.classroom.course import Course

    return Course.of("m5,m4")


@pytest.fixture(scope="session")
def pack(course, tmp_path_factory):
    """One pack for all tests; nobody may change it."""
    from miniclip.classroom.pack import class_pack

    folder = tmp_path_factory.mktemp("class") / "pack"
    class_pack(course, folder)
    return folder


@pytest.fixture
def hand_in(course):
    """Writes the files of a submission: flat, the solutions but for what is given by id."""
    from miniclip.learn.files import path_of, solution_text, stub

    def written(folder, **others):
        for one in course.exercises:
            text = others.get("e" + one.id.replace(".", "_"), solution_text(one))
            (folder / path_of(one, folder).name).write_text(text if text != "stub" else stub(one))

    return written


@pytest.fixture
def read():
    return lambda path: json.loads(path.read_text())
