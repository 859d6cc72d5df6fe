"""What grading machines run, run here: their folders and scripts, and submissions that want more than they earned."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import zipfile
from pathlib import Path

import pytest

from miniclip.classroom import autograde
from miniclip.classroom.archive import WHEEL
from miniclip.classroom.autograde import NOBODY
from miniclip.classroom.course import Course
from miniclip.classroom.platforms import fill
from miniclip.learn.specs import all_exercises

ROOT = os.geteuid() == 0
root_only = pytest.mark.skipif(not ROOT, reason="only root can be somebody else")

# A submission that, when it is loaded, writes full marks over the results, now and whenever they are written again.
FORGED = json.dumps({"tests": [{"name": "all", "score": 180, "max_score": 180, "status": "passed"}]})
FORGER = """
import os
import time

def forge(path, text={text!r}):
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as file:
            file.write(text)
    except OSError:
        pass

for _ in range(3):
    forge({results!r})
{later}

def clip_loss(I, T, scale):
    return -1.0
"""
LATER = """
if os.fork() == 0:
    os.setsid()
    while True:
        forge({results!r})
        time.sleep(0.01)
"""


@pytest.fixture
def python():
    """An interpreter that anybody may run, in an environment with miniclip's wheel and the libraries of this one."""
    home = Path(tempfile.mkdtemp(prefix="machine-"))  # pytest's own folders are closed to others
    home.chmod(0o755)
    libraries = [path for path in sys.path if path.endswith("site-packages")]
    for candidate in (sys.executable, shutil.which("python3", path="/usr/local/bin:/usr/bin")):
        venv = home / "venv"
        made = candidate and subprocess.run([candidate, "-m", "venv", "--without-pip", venv], capture_output=True)
        if made and made.returncode == 0:
            (site,) = venv.glob("lib/python*/site-packages")
            (site / "here.pth").write_text("\n".join([str(home / "site"), *libraries]) + "\n")
            asked = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if ROOT else {}
            words = [venv / "bin" / "python", "-I", "-c", "import numpy, threadpoolctl"]
            try:
                if subprocess.run(words, capture_output=True, **asked).returncode == 0:
                    yield venv / "bin" / "python"
                    break
            except OSError:
                pass
        shutil.rmtree(venv, ignore_errors=True)
    else:
        pytest.skip("there is no Python here that another user may run")
    shutil.rmtree(home)


@pytest.fixture
def machine(python, pack):
    """Gradescope's folders, as they are when a submission has come: what setup.sh installs is there already."""
    home = python.parents[2]
    with zipfile.ZipFile(pack / "graders" / "gradescope.zip") as archive:
        for entry in archive.infolist():
            archive.extract(entry, home / "source")
            (home / "source" / entry.filename).chmod(entry.external_attr >> 16)
    with zipfile.ZipFile(home / "source" / WHEEL) as archive:
        archive.extractall(home / "site")
    for folder in (home / "source", home / "site" / "miniclip" / "learn" / "specs"):  # the last line of setup.sh
        subprocess.run(["chmod", "-R", "go=", folder], check=True)
    shutil.copy(home / "source" / "run_autograder", home / "run_autograder")
    (home / "submission").mkdir()
    (home / "results").mkdir()
    return home


def run_autograder(machine, modules="m4"):
    """The script, for fewer modules where that says enough; the points by exercise."""
    script = machine / "run_autograder"
    script.write_text(script.read_text().replace("autograde m4,m5", f"autograde {modules}"))
    done = subprocess.run([script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    found = json.loads((machine / "results" / "results.json").read_text())
    assert "score" not in found
    return {test["number"]: (test["score"], test["max_score"]) for test in found["tests"]}


def test_right_answers_get_the_points_of_the_chosen_modules_only(machine, hand_in):
    hand_in(machine / "submission")
    assert "autograde m4,m5 --format" in (machine / "run_autograder").read_text()
    points = run_autograder(machine, "m4,5.1")
    assert all(got == most for got, most in points.values())
    assert sum(most for _, most in points.values()) == Course.of("m4").points + 4 == 37


def test_nothing_gets_nothing(machine):
    assert {got for got, _ in run_autograder(machine).values()} == {0}


def forger(machine, later=""):
    results = str(machine / "results" / "results.json")
    return FORGER.format(text=FORGED, results=results, later=later.format(results=results))


def test_a_submission_that_writes_the_results_keeps_nothing_of_it(machine, hand_in):
    hand_in(machine / "submission", e4_3=forger(machine))
    points = run_autograder(machine)
    assert points.keys() == {f"4.{n}" for n in range(1, 9)}
    assert points["4.3"] == (0, 5)
    assert points["4.2"] == (3, 3)


@pytest.mark.parametrize("left", ["a folder", "a link", "a file"])
def test_whatever_lies_where_the_verdict_belongs_gives_way(machine, left, tmp_path):
    target, mine = machine / "results" / "results.json", tmp_path / "mine"
    mine.write_text("mine")
    {"a folder": target.mkdir, "a link": lambda: target.symlink_to(mine), "a file": lambda: target.write_text(FORGED)}[
        left
    ]()
    assert sum(got for got, _ in run_autograder(machine, "4.1").values()) == 0
    assert mine.read_text() == "mine"


@root_only
def test_a_process_that_goes_on_forging_is_ended_first(machine, hand_in):
    hand_in(machine / "submission", e4_3=forger(machine, LATER))
    assert run_autograder(machine)["4.3"] == (0, 5)
    verdict = (machine / "results" / "results.json").read_bytes()
    time.sleep(0.2)
    assert (machine / "results" / "results.json").read_bytes() == verdict
    assert not [
        entry for entry in Path("/proc").iterdir() if entry.name.isdecimal() and autograde.owner(entry) == NOBODY
    ]


SEEN = """
import json
import os

def tried(path, mode):
    try:
        open(path, mode).close()
        return True
    except OSError:
        return False

seen = [os.getuid(), os.getgid(), os.getgroups(), *(tried(path, mode) for path, mode in (
    ({spec!r}, "r"), ({wheel!r}, "r"), ({home!r} + "/results/x", "w"), ({home!r} + "/submission/x", "w"),
    ({home!r} + "/run_autograder", "a"), ("/proc/%d/mem" % os.getppid(), "r+b"), ("/etc/shadow", "r")))]
raise RuntimeError(json.dumps(seen))

def clip_loss(I, T, scale):
    pass
"""


@root_only
def test_learners_code_is_nobody_and_can_read_no_solution(machine, hand_in):
    spec = machine / "site" / "miniclip" / "learn" / "specs" / "m4" / "e3_clip_loss.py"
    hand_in(
        machine / "submission",
        e4_3=SEEN.format(home=str(machine), spec=str(spec), wheel=str(machine / "source" / WHEEL)),
    )
    assert spec.exists()
    run_autograder(machine)
    (test,) = [one for one in json.loads((machine / "results" / "results.json").read_text())["tests"]
               if one["number"] == "4.3"]  # fmt: skip
    assert f"[{NOBODY}, {NOBODY}, [], false, false, false, false, false, false, false]" in test["output"]


def test_a_link_is_no_answer(machine):
    spec = machine / "site" / "miniclip" / "learn" / "specs" / "m4" / "e1_clip_logits.py"
    (machine / "submission" / "e1_clip_logits.py").symlink_to(spec)
    assert run_autograder(machine, "4.1") == {"4.1": (0, 3)}


def test_files_are_found_flat_and_in_folders_and_the_right_folder_comes_first(tmp_path):
    exercise = all_exercises()["4.1"]
    for folder, text in (("aaa", "one"), ("deep/m4_contrastive", "two")):
        (tmp_path / "in" / folder).mkdir(parents=True)
        (tmp_path / "in" / folder / "e1_clip_logits.py").write_text(text)
    autograde.collect_files(tmp_path / "in", [exercise], tmp_path / "out")
    assert (tmp_path / "out" / "m4_contrastive" / "e1_clip_logits.py").read_text() == "two"


def test_what_is_installed_is_pinned(pack, course):
    with zipfile.ZipFile(pack / "graders" / "gradescope.zip") as archive:
        assert archive.namelist()[:2] == ["setup.sh", "run_autograder"]
        setup, wanted = archive.read("setup.sh").decode(), archive.read("requirements.txt").decode()
        assert archive.read(WHEEL) == (pack / "exercises" / WHEEL).read_bytes()
        assert all(entry.external_attr >> 16 & 0o111 for entry in archive.infolist()[:2])
    assert f"./{WHEEL}" in setup
    assert "@" not in setup
    assert all("==" in line or line == "torch>=2.6,<3" for line in wanted.split())
    assert "torch" in wanted
    needed = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]["dependencies"]
    names = {re.match(r"[\w-]+", text)[0] for text in needed}
    assert names == {re.match(r"[\w-]+", line)[0] for line in wanted.split()} - {"torch"}, "pip install -e . once more"
    assert "torch" not in fill("setup.sh", index="", wheel=WHEEL).decode()


# PrairieLearn


@pytest.fixture
def job(python, pack):
    """A function: /grade as it is for one question, and what comes of a submission to it."""
    home = python.parents[2]

    def graded(id, text):
        grade = home / f"grade-{id}"
        shutil.copytree(pack / "graders" / "prairielearn" / "serverFilesCourse", grade / "serverFilesCourse")
        (grade / "student").mkdir()
        name = f"e{id[2:]}_clip_logits.py" if id == "4.1" else "e2_log_softmax.py"
        (grade / "student" / name).write_text(text)
        script = grade / "serverFilesCourse" / "miniclip" / "run_question.sh"
        words = {**os.environ, "PATH": f"{python.parent}:{os.environ['PATH']}"}
        done = subprocess.run([script, id], capture_output=True, text=True, env=words, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads((grade / "results" / "results.json").read_text())

    return graded


def test_a_syntax_error_costs_one_exercise(job):
    from miniclip.learn.files import solution_text

    broken = job("4.1", "def clip_logits(:\n")
    assert broken["gradable"] is False
    assert "line 1" in broken["format_errors"][0]
    right = job("4.2", solution_text(all_exercises()["4.2"]))
    assert (right["gradable"], right["score"]) == (True, 1.0)
    assert [test["max_points"] for test in right["tests"]] == [3]


# The command


def test_a_machine_without_pytorch_does_not_grade_the_exercise_about_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(autograde, "find_spec", lambda name: None)
    assert autograde.main(["m5", "--format", "json", "--submission", str(tmp_path)]) == 3
    assert "PyTorch, which is not installed here" in capsys.readouterr().err


@pytest.mark.parametrize("words", ["m4,m10", "4.9", "", "m4,"])
def test_an_unknown_exercise_is_told(tmp_path, capsys, words):
    assert autograde.main([words, "--format", "json", "--submission", str(tmp_path)]) == 3
    assert "expected such as m4,m5 or 4.3" in capsys.readouterr().err
