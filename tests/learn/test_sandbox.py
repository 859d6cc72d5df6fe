"""The grader survives what learners and mischief-makers hand in, and judges it rightly."""

import hashlib
import os
import re
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from hostile import HOSTILE, RIGHT, answer

import miniclip.learn as package
from miniclip.learn import sandbox
from miniclip.learn.child import SAID_LIMIT
from miniclip.learn.grade import grade
from miniclip.learn.spec import Case, Exercise
from miniclip.learn.values import Drawn, Fixture, Generator
from miniclip.learn.wire import decode, encode

exercise = Exercise("0.0", "A sum of products", points=4, hints=("idea", "where", "example"))


@exercise.solution
def match_sum(x, w):
    """sum of x w: x (n,), w (n,) -> a number"""
    return float((x * w).sum())


for n, name in ((3, "3 numbers"), (1, "1 number"), (5, "5 numbers")):
    exercise.case(name, np.arange(1.0, n + 1), np.linspace(-2.0, 7.0, n) + 0.5)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    real = sandbox.run_file
    monkeypatch.setattr("miniclip.learn.grade.run_file", lambda path, cases: real(path, cases, seconds=1.0))
    monkeypatch.setattr(sandbox, "STARTUP_SECONDS", 3.0)


def graded(tmp_path, text):
    path = tmp_path / "answer.py"
    path.write_bytes(text.encode())
    return grade(exercise, path)


def state_of_the_grader():
    """A digest of every file of the package."""
    files = sorted(Path(package.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_buggy_answers_do_not_pass(tmp_path, name):
    text, words = HOSTILE[name]
    before, begun = state_of_the_grader(), time.monotonic()
    result = graded(tmp_path, text)
    assert result.status in ("error", "wrong", "partial", "borrowed"), result
    assert result.points < exercise.points
    assert re.search(words, result.hint), result.hint
    assert len(result.hint) < 500
    assert time.monotonic() - begun < 60  # never for ever; how fast is the benchmark's question
    assert state_of_the_grader() == before
    assert [path.name for path in tmp_path.iterdir()] == ["answer.py"]


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 47


def test_nothing_that_an_answer_started_outlives_it(tmp_path):
    marker = f"sleep 6{os.getpid()}"
    graded(tmp_path, answer(f"subprocess.Popen({marker.split()!r})", "return 0.0", before="import subprocess\n"))
    time.sleep(0.2)
    running = [path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
               for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]  # fmt: skip
    assert marker not in running


STYLES = {
    "loops": answer("y = 0.0", "for a, b in zip(x, w): y += a * b", "return y"),
    "float32": answer("return np.float32(x @ w)", before="import numpy as np\n"),
    "0-d array": answer("return np.array(x @ w)", before="import numpy as np\n"),
    "another order": answer("return float((w[::-1] * x[::-1]).sum())"),
    "prints a little": answer("print('here', x)", "return float(x @ w)"),
    "a lambda": "match_sum = lambda x, w: float(x @ w)\n",
    "helpers and state of its own": "calls = 0\n\ndef dot(a, b):\n    return a @ b\n" + answer(
        "global calls", "calls += 1", "return dot(x, w)"),
    "star arguments": "def match_sum(x, w, *rest, **options):\n    return float(x @ w)\n",
    "slow": answer("time.sleep(0.1)", "return float(x @ w)", before="import time\n"),
    "as given": RIGHT,
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_right_answers_in_any_style_pass(tmp_path, style):
    result = graded(tmp_path, STYLES[style])
    assert (result.status, result.points, result.hint) == ("pass", 4, "")
    assert result.sha256 == hashlib.sha256(STYLES[style].encode()).hexdigest()
    assert result.n_checks == 3


def test_the_environment_is_empty_and_the_folder_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    text = answer("assert 'SECRET' not in os.environ, 'seen'", "assert os.listdir('.') == [], 'not empty'",
                  "assert os.getcwd() == os.environ['HOME']", "return float(x @ w)", before="import os\n")  # fmt: skip
    assert graded(tmp_path, text).status == "pass"


def test_whoever_never_falls_silent_is_stopped_too(tmp_path, monkeypatch):
    """A byte now and then into every pipe it can find is no answer."""
    monkeypatch.setattr(sandbox, "STARTUP_SECONDS", 1.0)
    path = tmp_path / "answer.py"
    path.write_text(answer("while True:", "    for pipe in range(3, 256):", "        try:",
                           "            os.write(pipe, bytes([10]))", "        except OSError:", "            pass",
                           "    time.sleep(0.05)", before="import os, time\n"))  # fmt: skip
    found = sandbox.run_file(path, exercise.cases, seconds=0.3)
    assert found.ended == "no end in 3.1 s"  # one for the start, and seven times what a call may take


@pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")
def test_a_process_that_does_not_listen_holds_nobody(tmp_path, monkeypatch):
    """It is stopped before it reads its task, which is larger than a pipe."""
    monkeypatch.setattr(sandbox, "STARTUP_SECONDS", 0.5)
    real = sandbox.subprocess.Popen

    def stopped(*args, **more):
        process = real(*args, **more)
        process.send_signal(signal.SIGSTOP)
        return process

    monkeypatch.setattr(sandbox.subprocess, "Popen", stopped)
    path = tmp_path / "answer.py"
    path.write_text(RIGHT)
    large = [Case("large", (np.ones(10**5), np.ones(10**5)), "match_sum")]
    assert sandbox.run_file(path, large).ended == "no answer in 0.5 s"


def test_the_output_is_cut(tmp_path):
    path = tmp_path / "answer.py"
    path.write_text(answer("print('y' * 10**6)", "for _ in range(9): os.write(1, bytes(2**20))", "return float(x @ w)",
                           before="import os\n"))  # fmt: skip
    found = sandbox.run_file(path, exercise.cases)
    assert len("".join(found.said)) <= sandbox.OUTPUT_LIMIT
    assert found.printed(0).strip("\0") == "y" * SAID_LIMIT
    assert len(found.outcomes) == 6


VALUES = [None, True, 3, -2.5, float("inf"), "ü\n", [1, [2.0, "x"]], (1, (2,)), {"a": [1], "b": (2,)},
          np.arange(6).reshape(2, 3), np.zeros((0, 3)), np.array(2.0), np.float32(1.5), np.array([True, False]),
          np.arange(3, dtype=">f8"), np.arange(8.0)[::2],
          Generator(3), Drawn(3, (2, 5)), Fixture("m8.step")]  # fmt: skip


@pytest.mark.parametrize("value", VALUES, ids=str)
def test_values_survive_the_wire(value):
    import json

    back = decode(json.loads(json.dumps(encode(value))))
    assert type(back) is type(value)
    if isinstance(value, np.ndarray | np.generic):
        assert (back.shape, back.dtype.kind) == (value.shape, value.dtype.kind)
        assert np.array_equal(back, value)
        assert np.ndim(back) == 0 or back.flags.writeable
    else:
        assert back == value


def test_what_is_no_data_becomes_its_name():
    assert decode(encode(object())) == "<object>"
    assert decode(encode(np.array([object()]))) == "<ndarray>"


def test_a_case_of_too_few_checks_is_the_graders_fault(tmp_path, monkeypatch):
    monkeypatch.setattr(exercise, "cases", [Case("1 number", (np.ones(1), np.ones(1)), "match_sum")])
    result = graded(tmp_path, RIGHT)
    assert (result.status, result.points) == ("grader_error", 0)
