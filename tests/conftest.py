"""Shared set-up: one thread per worker, the same hypothesis examples every time, the long tests on request, a
describer that knows sixteen scenes by heart, and a browser for pages."""

import json
import os
import shutil

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # before NumPy loads: the workers share the cores among themselves

from pathlib import Path  # noqa: E402
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


QUIET = ("no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking",
         "disable-component-update", "disable-sync")  # fmt: skip


@pytest.fixture(scope="module")  # its event loop would be in the way of tests that have their own, such as notebooks
def chromium():
    """A browser without a window."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("there is no chromium here: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=[f"--{flag}" for flag in QUIET])
        yield browser
        browser.close()


@pytest.fixture
def open_page(chromium):
    """Opens a file as a page, with the options of Playwright's `new_context`: a viewport, a colour scheme, ...

    When the test ends, no page may have asked for anything but files, nor have told an error or a warning: these are
    kept in `open_page.trouble`.
    """
    contexts, trouble = [], []

    def asked(request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            trouble.append(f"asked for {request.url}")

    def said(message):
        if message.type in ("error", "warning"):
            trouble.append(f"said {message.text}")

    def opened(path, anchor: str = "", **options):
        context = chromium.new_context(**options)
        contexts.append(context)
        context.on("request", asked)
        context.on("requestfailed", lambda request: trouble.append(f"found no {request.url}"))
        context.on("console", said)
        context.on("weberror", lambda error: trouble.append(f"failed: {error.error}"))
        page = context.new_page()
        page.goto(Path(path).resolve().as_uri() + anchor)
        return page

    opened.trouble = trouble
    yield opened
    for context in contexts:
        context.close()
    assert not trouble
