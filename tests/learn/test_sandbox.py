"""The grader survives what learners and mischief-makers hand in, and judges it rightly."""

import hashlib
import itertools
import os
import re
import signal
import time
from pathlib import Path
from types import SimpleNamespace

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


WAITS = ("sleep(99", "sleep(600)", "acquire()")


def graded(tmp_path, text, monkeypatch=None):
    """The verdict; only those that wait for ever are not waited for, since a busy machine makes the others slow."""
    if monkeypatch and any(word in text for word in WAITS):
        monkeypatch.setattr(sandbox, "WAIT_SECONDS", 3.0)
    path = tmp_path / "answer.py"
    path.write_bytes(text.encode())
    return grade(exercise, path)


def state_of_the_grader():
    """A digest of every file of the package."""
    files = sorted(Path(package.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_buggy_answers_do_not_pass(tmp_path, monkeypatch, name):
    text, words = HOSTILE[name]
    before, begun = state_of_the_grader(), time.monotonic()
    result = graded(tmp_path, text, monkeypatch)
    assert result.status in ("error", "timeout", "wrong", "partial", "borrowed"), result
    assert result.points < exercise.points
    assert re.search(words, result.hint), result.hint
    assert len(result.hint) < 500
    assert time.monotonic() - begun < 60  # never for ever; how fast is the benchmark's question
    assert state_of_the_grader() == before
    assert [path.name for path in tmp_path.iterdir()] == ["answer.py"]


def test_there_are_enough_of_them():
    assert len(HOSTILE) >= 47


SLEEPERS = {
    "a child": "subprocess.Popen(COMMAND)",
    "a session of its own": "subprocess.Popen(COMMAND, start_new_session=True)",
    "a double fork": "if os.fork() == 0:\n        if os.fork() == 0:\n            os.execvp(COMMAND[0], COMMAND)\n"
                     "        os._exit(0)",
    "a demon": "if os.fork() == 0:\n        os.setsid()\n        if os.fork() == 0:\n            os.setsid()\n"
               "            os.execvp(COMMAND[0], COMMAND)\n        os._exit(0)",
    "a family": "subprocess.Popen(['sh', '-c', ' '.join(COMMAND) + ' & ' + ' '.join(COMMAND) + ' & wait'])",
    "in a group of its own": "subprocess.Popen(COMMAND, process_group=0)",
    "which ignores signals": "subprocess.Popen(['sh', '-c', 'trap \"\" TERM HUP INT; ' + ' '.join(COMMAND)])",
}  # fmt: skip
ENDINGS = {"returns": "return 0.0", "ends itself": "os._exit(3)", "is killed": "os.kill(os.getpid(), 9)",
           "loops": "while True: pass", "sleeps": "time.sleep(99)"}  # fmt: skip


def running() -> list[str]:
    """The commands of all processes."""
    return [path.read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
            for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only Linux gives orphans to who asks for them")
@pytest.mark.parametrize(("sleeper", "ending"), [*((one, "returns") for one in SLEEPERS),
                                                 *(("a demon", one) for one in ENDINGS)])  # fmt: skip
def test_nothing_that_an_answer_started_outlives_it(tmp_path, monkeypatch, sleeper, ending):
    marker = f"sleep 6{os.getpid()}{len(sleeper)}{len(ending)}"
    before = f"import os, subprocess, time\nCOMMAND = {marker.split()!r}\n"
    result = graded(tmp_path, answer(SLEEPERS[sleeper], ENDINGS[ending], before=before), monkeypatch)
    assert not any(marker in command for command in running())
    assert result.status in ("error", "timeout", "wrong")


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
    "above the raise that was left": answer("return float(x @ w)", "raise NotImplementedError('0.0: write match_sum')"),
    "in a branch above it": answer("if len(x):", "    return float(x @ w)", "raise NotImplementedError"),
    "an annotated assignment": "from typing import Callable\nmatch_sum: Callable = lambda x, w: float(x @ w)\n",
    "under if": "if True:\n" + RIGHT.replace("def", "    def").replace("    return", "        return"),
    "under try": "try:\n    import cupy\nexcept ImportError:\n    match_sum = lambda x, w: float(x @ w)\n",
    "under with": "import contextlib\nwith contextlib.suppress(OSError):\n    def match_sum(x, w): return x @ w\n",
    "under for": "for one in [0]:\n    def match_sum(x, w): return float(x @ w)\n",
    "of several": "match_sum, other = lambda x, w: float(x @ w), 3\n",
    "a walrus": "print(match_sum := lambda x, w: float(x @ w))\n",
    "set by name": "globals()['match_sum'] = lambda x, w: float(x @ w)\n",
    "in a class": "class Answers:\n    @staticmethod\n    def dot(x, w): return x @ w\nmatch_sum = Answers.dot\n",
    "a class method": "class Answers:\n    @classmethod\n    def dot(cls, x, w): return float(x @ w)\n"
                      "match_sum = Answers.dot\n",
    "a bound method": "class Answers:\n    def dot(self, x, w): return float(x @ w)\nmatch_sum = Answers().dot\n",
    "an object to call": "class Dot:\n    def __call__(self, x, w): return float(x @ w)\nmatch_sum = Dot()\n",
    "a class to call": "class match_sum(float):\n    def __new__(cls, x, w): return float(x @ w)\n",
    "vectorize": "import numpy as np\nmatch_sum = np.vectorize(lambda x, w: x @ w, signature='(n),(n)->()')\n",
    "frompyfunc": "import numpy as np\ntimes = np.frompyfunc(lambda a, b: a * b, 2, 1)\n"
                  "def match_sum(x, w): return times(x, w).sum()\n",
    "frompyfunc itself": "import numpy as np\ndef dot(x, w): return float(x.a @ w.a)\nclass Box:\n"
                         "    def __init__(self, a): self.a = a\ncall = np.frompyfunc(dot, 2, 1)\n"
                         "def match_sum(x, w): return call(Box(x), Box(w))\n",
    "partial": "from functools import partial\ndef dot(a, x, w): return a * (x @ w)\nmatch_sum = partial(dot, 1)\n",
    "partial of NumPy": "import numpy as np\nfrom functools import partial\nmatch_sum = partial(np.einsum, 'i,i->')\n",
    "a decorator of its own": "def plainly(f):\n    return lambda *args: float(f(*args))\n@plainly\n"
                              "def match_sum(x, w): return x @ w\n",
    "a generator inside": answer("return sum(a * b for a, b in zip(x, w))"),
    "other names": "def match_sum(left, right): return float(left @ right)\n",
    "positional only": "def match_sum(x, w, /): return float(x @ w)\n",
    "Fraction": "from fractions import Fraction\ndef match_sum(x, w):\n"
                "    return sum(Fraction(float(a)) * Fraction(float(b)) for a, b in zip(x, w))\n",
    "Decimal": "from decimal import Decimal\ndef match_sum(x, w):\n"
               "    return sum(Decimal(float(a)) * Decimal(float(b)) for a, b in zip(x, w))\n",
    "imports in the function": answer("import numpy.linalg, statistics", "return float(x @ w)"),
    "star import": "from numpy import *\ndef match_sum(x, w): return float(dot(x, w))\n",
    "a byte order mark": "\ufeff" + RIGHT,
    "other ends of lines": RIGHT.replace("\n", "\r\n"),
}  # fmt: skip


@pytest.mark.parametrize("style", STYLES)
def test_right_answers_in_any_style_pass(tmp_path, style):
    result = graded(tmp_path, STYLES[style])
    assert (result.status, result.points, result.hint) == ("pass", 4, "")
    assert result.sha256 == hashlib.sha256(STYLES[style].encode()).hexdigest()
    assert result.n_checks == 3


def test_only_what_an_answer_computes_is_counted(tmp_path):
    """Neither the time that others take from it, nor what its imports take."""
    path = tmp_path / "answer.py"
    path.write_text(answer("time.sleep(0.5)", "return float(x @ w)", before="import time\n"))
    assert len(sandbox.run_file(path, exercise.cases, seconds=0.25).outcomes) == 6
    pytest.importorskip("torch")
    path.write_text(answer("import torch", "return float(torch.tensor(x) @ torch.tensor(w))"))
    assert len(sandbox.run_file(path, exercise.cases, seconds=0.25).outcomes) == 6


TIMED_OUT = {
    "computing": (answer("x = x + 1", "while True:", "    x = x + 1"), r"answer.py, line [45]: the time limit struck "
                  "on '3 numbers': 1 s of computing were not enough. Look for a loop"),
    "inside NumPy": (answer("while True: np.linalg.svd(a)", before="import numpy as np\na = np.ones((300, 300))\n"),
                     "answer.py, line 5: the time limit struck on '3 numbers'"),
    "whatever it catches": (answer("while True:", "    try:", "        while True: pass", "    except BaseException:",
                                   "        pass"), "answer.py, line [5-8]: the time limit struck"),
    "in its last case": (answer("while len(x) == 5: pass", "return float(x @ w)"), "struck on '5 numbers'"),
    "in its second call": (answer("n.append(1)", "while len(n) > 1: pass", "return float(x @ w)", before="n = []\n"),
                           "line [56]: the time limit struck on '3 numbers'"),
    "at import": ("def match_sum(x, w):\n    return 0.0\nwhile True: pass\n",
                  "answer.py, line 3: the time limit struck when it was loaded, before the first call: 1 s"),
    "asleep": (answer("time.sleep(600)", before="import time\n"),
               "answer.py, line 4: no answer in 3 s on '3 numbers', though its time for computing was not used"),
    "asleep at import": ("import time\ntime.sleep(600)\ndef match_sum(x, w):\n    return 0.0\n",
                         "answer.py, line 2: no answer in 3 s when it was loaded"),
    "waiting for itself": (answer("a.acquire()", "a.acquire()", before="import threading\na = threading.Lock()\n"),
                           "no answer in 3 s on '3 numbers'"),
}  # fmt: skip


@pytest.mark.parametrize("how", TIMED_OUT)
def test_a_limit_that_strikes_says_so_and_is_no_wrong_answer(tmp_path, monkeypatch, how):
    text, words = TIMED_OUT[how]
    result = graded(tmp_path, text, monkeypatch)
    assert (result.status, result.points, result.misconception) == ("timeout", 0, "")
    assert re.search(words, result.hint), result.hint


def test_the_environment_is_empty_and_the_folder_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SECRET", "1")
    text = answer("assert 'SECRET' not in os.environ, 'seen'", "assert os.listdir('.') == [], 'not empty'",
                  "assert os.getcwd() == os.environ['HOME']", "return float(x @ w)", before="import os\n")  # fmt: skip
    assert graded(tmp_path, text).status == "pass"


def test_whoever_never_falls_silent_is_stopped_too(tmp_path, monkeypatch):
    """A byte now and then into every pipe it can find is no answer."""
    monkeypatch.setattr(sandbox, "START_SECONDS", 10.0)
    monkeypatch.setattr(sandbox, "WAIT_SECONDS", 2.0)
    path = tmp_path / "answer.py"
    path.write_text(answer("while True:", "    for pipe in range(3, 256):", "        try:",
                           "            os.write(pipe, bytes([10]))", "        except OSError:", "            pass",
                           "    time.sleep(0.05)", before="import os, time\n"))  # fmt: skip
    found = sandbox.run_file(path, exercise.cases[:1], seconds=99.0)
    assert found.ended in ("no end in 16 s", "no answer in 2 s")  # the second where others have all cores for so long


@pytest.mark.parametrize(("silent", "words"), [(False, "no end in 16 s"), (True, "no answer in 60 s")])
def test_who_waits_for_an_answer_has_two_limits(monkeypatch, silent, words):
    """One for who falls silent, one for who never does, by a clock that is made up."""
    now = itertools.count(1000.0, 0.5)
    clock = SimpleNamespace(monotonic=lambda: next(now), sleep=lambda seconds: None)
    monkeypatch.setattr(sandbox, "time", clock)

    class Heard:
        data = b"."
        heard_at = 1000.0 if silent else property(lambda self: next(now))

    assert sandbox.wait(SimpleNamespace(poll=lambda: None), Heard(), 99.0 if silent else 16.0) == words


@pytest.mark.skipif(os.name != "posix", reason="stops a process by a signal")
def test_a_process_that_does_not_listen_holds_nobody(tmp_path, monkeypatch):
    """It is stopped before it reads its task, which is larger than a pipe."""
    monkeypatch.setattr(sandbox, "START_SECONDS", 0.5)
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
