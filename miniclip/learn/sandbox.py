"""Runs a learner's code in a process of its own. Only data crosses back.

The tests, the solutions and the verdict stay in this process. The other one has an empty environment, a folder of its
own that is removed afterwards, limits on memory and time, and a private pipe for its answers; it is killed with all
that it started. What counts is the time that it computes, from the first line of the file and anew for each call: what
it imports and what else runs on the machine costs it nothing.
"""

import json
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import CheckpointError
from ..files.storage import parse_json
from .spec import Case, Outcome
from .wire import decode, encode

OUTPUT_LIMIT, REPLY_LIMIT = 2**20, 64 * 2**20
START_SECONDS = 120.0  # for Python, NumPy and what the file imports to load, on a busy machine
RUN_AS: dict = {}  # user, group and extra_groups of the process: on a grading machine somebody who owns nothing
WAIT_SECONDS = 60.0  # for an answer that does not compute: it sleeps, or is blocked; or others have all cores


@dataclass
class Replies:
    """What became of a file: why it did not load, or the outcomes of its calls, each made twice."""

    failed: dict | None = None  # error, message, line
    seen: dict[str, dict] = field(default_factory=dict)  # each function: library, takes, line; empty if not loaded
    outcomes: dict[tuple[int, int], Outcome] = field(default_factory=dict)  # by case and turn
    lines: dict[int, int] = field(default_factory=dict)  # where each case's exception happened
    ended: str = ""  # why the process stopped before it was done
    timed_out: bool = False  # because of its time, and
    stuck: int = 0  # in this line of the file
    said: list[str] = field(default_factory=list)  # what it printed: when loaded, then in each call

    def printed(self, case: int) -> str:
        """What was printed when the file was loaded, and in the first call of a case."""
        return "".join(self.said[:1] + self.said[1 + 2 * case : 2 + 2 * case])


def run_file(path: Path, cases: list[Case], seconds: float = 3.0, megabytes: int = 4096) -> Replies:
    """Load a file and make the calls; `seconds` of computing for the file, and for any one call."""
    read, write = os.pipe()
    mark, patience = secrets.token_hex(8), START_SECONDS + (1 + 2 * len(cases)) * WAIT_SECONDS
    calls = [{"function": case.function, "args": [encode(argument) for argument in case.args], "memory": case.memory}
             for case in cases]  # fmt: skip
    job = {"path": str(path), "root": str(Path(__file__).parents[2]), "reply": write, "mark": mark, "calls": calls,
           "megabytes": megabytes, "seconds": seconds, "cpu": START_SECONDS + (1 + 2 * len(cases)) * seconds,
           "names": {case.function: sorted({len(one.args) for one in cases if one.function == case.function})
                     for case in cases}}  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="miniclip-", ignore_cleanup_errors=True) as home:
        process = spawn(home, write)
        os.close(write)
        stdin, stdout = process.stdin, process.stdout
        assert stdin
        assert stdout
        heard, said = PipeReader(read, REPLY_LIMIT), PipeReader(stdout.fileno(), OUTPUT_LIMIT)
        threading.Thread(target=tell, args=(stdin, json.dumps(job).encode()), daemon=True).start()
        try:
            stopped = wait(process, heard, patience)
        finally:
            end(process)
        heard.finish()
        said.finish()
        stdout.close()
        result = understand(heard.data, len(cases))
        result.said = said.data.decode(errors="replace").split(mark)
        if len(result.outcomes) < 2 * len(cases) and not result.failed:
            by_clock = process.returncode in (-signal.SIGPROF, -signal.SIGXCPU)
            result.timed_out = by_clock or bool(stopped)
            in_time = f"{seconds:g} s of computing were not enough"
            result.ended = stopped or (in_time if by_clock else f"the process ended ({ending(process.returncode)})")
            result.stuck = stuck_in(heard.data, path)
        return result


def spawn(home: str, *pipes: int) -> subprocess.Popen:
    """The process, waiting for its job; it keeps the pipes open."""
    keep = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return subprocess.Popen(
        [sys.executable, "-I", "-B", "-W", "ignore", str(Path(__file__).with_name("child.py"))], cwd=home,
        env=keep | threads | {"HOME": home}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, pass_fds=pipes, start_new_session=True, **RUN_AS,
    )  # fmt: skip


def tell(pipe, data: bytes) -> None:
    """Write all of it: on a thread, since a process that does not listen must not hold us."""
    with suppress(BrokenPipeError), pipe:  # it has ended already, and the grader says so
        pipe.write(data)


class PipeReader(threading.Thread):
    """Listens to a pipe to its end; keeps the first `limit` bytes."""

    def __init__(self, pipe: int, limit: int):
        super().__init__(daemon=True)
        self.pipe, self.limit, self.data, self.heard_at = pipe, limit, b"", time.monotonic()
        self.start()

    def run(self) -> None:
        while chunk := os.read(self.pipe, 65536):
            self.heard_at = time.monotonic()
            if len(self.data) < self.limit:
                self.data += chunk[: self.limit - len(self.data)]

    def finish(self) -> None:
        self.join(5.0)


def wait(process, heard: PipeReader, most: float) -> str:
    """Until the process ends, has been silent for too long, or has talked for too long: then why it is stopped."""
    began = time.monotonic()
    while process.poll() is None:
        patience, now = WAIT_SECONDS if heard.data else START_SECONDS, time.monotonic()
        if now - heard.heard_at > patience:
            return f"no answer in {patience:g} s"
        if now - began > most:
            return f"no end in {most:g} s"
        time.sleep(0.005)
    return ""


def end(process) -> None:
    """The process and all that it started: it is asked to end them, and killed if it does not."""
    process.terminate()
    try:
        process.wait(5.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stuck_in(data: bytes, path: Path) -> int:
    """The line of the file where it was when its time was up, as `faulthandler` tells it; 0 if it did not."""
    found = re.search(rb'File "' + re.escape(str(path).encode()) + rb'", line (\d+)', data.rpartition(b'"event"')[2])
    return int(found[1]) if found else 0


def ending(code: int) -> str:
    """A signal or an exit code, in words."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"


def understand(data: bytes, cases: int) -> Replies:
    """The replies; a line that is no reply is dropped, so that a forger sends at best nothing."""
    result = Replies()
    for line in data.splitlines():
        try:
            event = parse_json(line, Path("reply"))
            if event["event"] == "failed":
                result.failed = {"error": str(event["error"]), "message": str(event["message"]), "line": event["line"]}
            elif event["event"] == "loaded":
                result.seen = {str(name): {"library": str(told["library"]), "takes": str(told["takes"]),
                                           "line": told["line"]} for name, told in event["seen"].items()}  # fmt: skip
            elif 0 <= event["case"] < cases and event["turn"] in (0, 1):
                place = event["case"], event["turn"]
                if "error" in event:
                    result.outcomes[place] = Outcome(error=str(event["error"]), message=str(event["message"]))
                    result.lines[event["case"]] = event["line"]
                else:
                    result.outcomes[place] = Outcome(decode(event["value"]), mutated=event["mutated"] is True,
                                                     peak=int(event["peak"]))  # fmt: skip
        except (CheckpointError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
            continue
    return result
