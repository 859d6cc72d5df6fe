"""The pack as a whole, and what of it is for people: the same every time, whole or not there, and complete."""

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
import zipfile
from html.parser import HTMLParser
from pathlib import Path

import pytest

from miniclip.app.cli import main
from miniclip.classroom import pack as packs
from miniclip.classroom.archive import WHEEL
from miniclip.classroom.course import MINUTES, Course, homework, load_lectures
from miniclip.errors import ConfigError, DataError, InputError
from miniclip.figures.lectures import lectures as figures
from miniclip.learn.cards import load_cards
from miniclip.learn.files import MODULES, path_of, stub
from miniclip.learn.grade import grade
from miniclip.learn.quiz import load_quiz
from miniclip.learn.specs import all_exercises


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}  # fmt: skip


def modes(folder):
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


def test_the_same_pack_twice_byte_for_byte(pack, course, tmp_path):
    packs.class_pack(course, tmp_path / "again")
    assert digests(tmp_path / "again") == digests(pack)
    assert modes(tmp_path / "again") == modes(pack)


def test_zip_files_have_fixed_dates(pack):
    found = [path for path in pack.rglob("*") if path.suffix in (".zip", ".whl")]
    assert len(found) >= 5
    for path in found:
        with zipfile.ZipFile(path) as archive:
            assert archive.testzip() is None
            assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize("there", ["a folder", "a file", "a link to nothing"])
def test_nothing_is_overwritten(course, tmp_path, there):
    target = tmp_path / "pack"
    {"a folder": target.mkdir, "a file": target.touch, "a link to nothing": lambda: target.symlink_to("gone")}[there]()
    with pytest.raises(DataError, match="exists already"):
        packs.class_pack(course, target)
    assert os.listdir(tmp_path) == ["pack"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_no_half_pack(tmp_path, number):
    words = [sys.executable, "-m", "miniclip", "class-pack", "--modules", "m4", "--out", str(tmp_path / "pack")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as process:
        while not list(tmp_path.glob(".pack.*/*")):
            time.sleep(0.02)
            assert process.poll() is None
        process.send_signal(number)
        err = process.communicate(timeout=60)[1]
    assert process.returncode == 128 + number
    assert "was not made" in err
    assert os.listdir(tmp_path) == []


def test_an_error_leaves_no_half_pack_either(course, tmp_path, monkeypatch):
    monkeypatch.setitem(packs.PARTS, "quiz", lambda course: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        packs.class_pack(course, tmp_path / "pack")
    assert os.listdir(tmp_path) == []


def test_the_command(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(packs, "PARTS", {"read me": packs.PARTS["read me"]})
    assert main(["class-pack", "--modules", " m5,m4", "--out", str(tmp_path / "pack"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "out": str(tmp_path / "pack"), "modules": "m4,m5", "exercises": 13, "points": 53, "files": 1,
    }  # fmt: skip
    for asked in ("m10", "", "m4,,m5", "4.3", "m4 m5"):
        assert main(["class-pack", "--modules", asked, "--out", str(tmp_path / "other")]) == 3
        assert "expected some of m0,m1" in capsys.readouterr().err


@pytest.mark.parametrize("module", MODULES)
def test_every_module_can_be_packed_alone(module, tmp_path, monkeypatch):
    course = Course.of(module)
    without_pictures = {name: part for name, part in packs.PARTS.items() if name not in ("slides", "cards")}
    monkeypatch.setattr(packs, "PARTS", without_pictures)
    packs.class_pack(course, tmp_path / "pack")
    handed = {path for path in (tmp_path / "pack" / "exercises").rglob("e*.py")}
    assert len(handed) == len(course.exercises) > 0
    assert course.quiz
    assert course.cards
    assert course.figures


def test_files_as_handed_out_are_the_stubs_and_the_solutions_pass(pack, course):
    for one in course.exercises:
        assert path_of(one, pack / "exercises").read_text() == stub(one)
        assert grade(one, path_of(one, pack / "exercises")).status == "not_started"
    for one in course.exercises[::5]:
        assert grade(one, path_of(one, pack / "solutions")).status == "pass"


def test_solutions_stand_apart(pack, course):
    """What learners are given has no solution in it, but the wheel, where they are one command away."""
    texts = [path_of(one, pack / "solutions").read_text() for one in course.exercises]
    lines = {line.strip() for text in texts for line in text.split("\n") if len(line.strip()) > 30}
    lines -= {line.strip() for one in course.exercises for line in stub(one).split("\n")}
    for part in ("exercises", "quiz", "cards", "slides", "graders/github/exercises", "graders/prairielearn/questions"):
        for path in (pack / part).rglob("*"):
            if path.suffix in (".py", ".html", ".md", ".json", ".txt"):
                text = path.read_text()
                assert not [line for line in lines if line in text], path
    for item in course.quiz:
        for step in item.steps:
            for said in getattr(step, "options", ()):
                assert said.feedback not in (pack / "quiz" / "quiz.html").read_text()


def test_the_wheel_installs(pack, tmp_path):
    words = [sys.executable, "-m", "pip", "install", "--no-index", "--no-deps", "--target", tmp_path / "site"]
    if subprocess.run([*words[:3], "--version"], capture_output=True).returncode:
        pytest.skip("there is no pip here")
    subprocess.run([*words, pack / "exercises" / WHEEL], check=True, capture_output=True)
    code = (
        "import miniclip, miniclip.learn.specs as s; print(miniclip.__file__, len(s.all_exercises()), miniclip.load())"
    )
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, cwd=tmp_path, check=True
    )
    assert done.stdout.startswith(f"{tmp_path / 'site'}")
    assert " 50 " in done.stdout


# Lectures


@pytest.mark.parametrize("lecture", load_lectures(), ids=lambda lecture: lecture.title)
def test_a_lecture_is_ninety_minutes_of_what_there_is(lecture):
    assert sum(step.minutes for step in lecture.steps) == MINUTES
    assert all(5 <= step.minutes <= 25 for step in lecture.steps)
    assert set(lecture.of("figure")) <= figures().keys()
    assert set(lecture.of("exercise")) <= {one.id for one in Course.of(lecture.module).exercises}
    assert {*lecture.of("quiz"), *lecture.quiz} <= {item.id for item in load_quiz()}
    assert {*lecture.of("cards"), *lecture.topics} <= {card.topic for card in load_cards()}
    assert all(step.do or step.kind in ("exercise", "quiz", "cards", "figure", "talk") for step in lecture.steps)


def test_nothing_of_the_course_is_left_out():
    every = load_lectures()
    assert {lecture.module for lecture in every} == set(MODULES)
    assert {id for lecture in every for id in lecture.of("figure")} == figures().keys()
    notebooks = {path.stem for path in (Path(__file__).parents[2] / "notebooks").glob("*.ipynb")}
    assert {name for lecture in every for name in lecture.notebooks} == notebooks
    assert {id for lecture in every for id in (*lecture.of("quiz"), *lecture.quiz)} == {one.id for one in load_quiz()}
    assert {topic for lecture in every for topic in lecture.topics} == {card.topic for card in load_cards()}
    begun = [id for lecture in every for id in lecture.of("exercise")]
    at_home = [one.id for lecture in every for one in homework(lecture, every)]
    assert sorted([*begun, *at_home]) == sorted(all_exercises())


def test_a_lecture_of_another_length_is_refused(tmp_path):
    (tmp_path / "lectures.toml").write_text(
        '[[lecture]]\nmodule = "m4"\ntitle = "Short"\nquestion = ""\nnotebooks = []\ntopics = []\n'
        'step = [{ minutes = 80, talk = "x" }]\n'
    )
    with pytest.raises(ConfigError, match="'Short' takes 80 minutes, expected 90"):
        load_lectures(tmp_path / "lectures.toml")


def test_modules_keep_the_order_of_the_course():
    assert Course.of("m9,m0,m9").modules == ("m0", "m9")
    with pytest.raises(InputError, match="no module 'x'"):
        Course.of("m0,x")


# Pages


class Tags(HTMLParser):
    """Which elements a page has, each closed in its order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.links, self.text = [], [], [], ""

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize("name", ["plan.html", "quiz/quiz.html", "solutions/quiz_key.html", "slides/notes.html"])
def test_pages_are_whole_and_need_nothing_else(pack, name):
    page = Tags()
    page.feed((pack / name).read_text(encoding="utf-8"))
    assert page.open == []
    assert all((pack / name).parent.joinpath(link).is_file() for link in page.links)
    assert "$" not in page.text
    assert "`" not in page.text
    sections = {"plan.html": 3, "slides/notes.html": 9}
    assert page.seen.count("section") == sections.get(name, 0)


def test_the_pages_say_what_they_should(pack, course):
    plan, quiz, key = ((pack / name).read_text() for name in ("plan.html", "quiz/quiz.html", "solutions/quiz_key.html"))
    assert plan.count("90 minutes") == 3
    for one in course.exercises:
        assert f"{one.id}" in plan
    assert f"{len(course.quiz)} questions, {len(course.quiz)} points" in quiz
    assert quiz.count("☐") == sum(len(getattr(step, "options", ())) for item in course.quiz for step in item.steps)
    right = sum(option.right for item in course.quiz for step in item.steps for option in getattr(step, "options", ()))
    assert key.count("☒") == right
    assert "53 points" in (pack / "README.md").read_text()


def test_the_slides(pack, course):
    data = (pack / "slides" / "slides.pdf").read_bytes()
    assert len(re.findall(rb"/Type /Page\b", data)) == sum(1 + len(one.of("figure")) for one in course.lectures)
    assert (
        len(list((pack / "slides").glob("*.svg")))
        == len(list((pack / "slides").glob("*.csv")))
        == len(course.figures)
        == 9
    )
