"""Runs a learner's code in a process of its own. Only data crosses back.

The tests, the solutions and the verdict stay in this process. The other one has an empty environment, a folder of its
own that is removed afterwards, limits on memory and time, and a private pipe for its answers; it is killed with its
whole session, whatever it started.
"""

import json
import os
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
STARTUP_SECONDS = 20.0  # for Python and NumPy to load, on a busy machine


@dataclass
class Replies:
    """What became of a file: why it did not load, or the outcomes of its calls, each made twice."""

    failed: dict | None = None  # error, message, line
    files: dict[str, str] = field(default_factory=dict)  # where each function's code really stands
    outcomes: dict[tuple[int, int], Outcome] = field(default_factory=dict)  # by case and turn
    kinds: dict[int, str] = field(default_factory=dict)  # the type of each case's value
    lines: dict[int, int] = field(default_factory=dict)  # where each case's exception happened
    ended: str = ""  # why the process stopped before it was done
    said: list[str] = field(default_factory=list)  # what it printed: when loaded, then in each call

    def printed(self, case: int) -> str:
        """What was printed when the file was loaded, and in the first call of a case."""
        return "".join(self.said[:1] + self.said[1 + 2 * case : 2 + 2 * case])


def run_file(path: Path, cases: list[Case], seconds: float = 3.0, megabytes: int = 4096) -> Replies:
    """Load a file and make the calls; `seconds` for any one of them."""
    read, write = os.pipe()
    root = str(Path(__file__).parents[2])
    calls = [{"function": case.function, "args": [encode(argument) for argument in case.args]} for case in cases]
    mark = secrets.token_hex(8)
    job = {"path": str(path), "root": root, "reply": write, "megabytes": megabytes, "calls": calls, "mark": mark}
    with tempfile.TemporaryDirectory(prefix="miniclip-", ignore_cleanup_errors=True) as home:
        keep = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
        threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
        process = subprocess.Popen(
            [sys.executable, "-I", "-B", "-W", "ignore", str(Path(__file__).with_name("child.py"))], cwd=home,
            env=keep | threads | {"HOME": home}, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, pass_fds=(write,), start_new_session=True,
        )  # fmt: skip
        os.close(write)
        stdin, stdout = process.stdin, process.stdout
        assert stdin
        assert stdout
        heard, said = PipeReader(read, REPLY_LIMIT), PipeReader(stdout.fileno(), OUTPUT_LIMIT)
        threading.Thread(target=tell, args=(stdin, json.dumps(job).encode()), daemon=True).start()
        stopped = wait(process, heard, seconds, (1 + 2 * len(cases)) * seconds)
        kill_session(process)
        heard.finish()
        said.finish()
        stdout.close()
        result = understand(heard.data, len(cases))
        result.said = said.data.decode(errors="replace").split(mark)
        if len(result.outcomes) < 2 * len(cases) and not result.failed:
            result.ended = stopped or f"the process ended ({ending(process.returncode)})"
        return result


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


def wait(process, heard: PipeReader, seconds: float, most: float) -> str:
    """Until the process ends, has been silent for too long, or has talked for too long: then why it is stopped."""
    began = time.monotonic()
    while process.poll() is None:
        patience, now = seconds if heard.data else STARTUP_SECONDS, time.monotonic()
        if now - heard.heard_at > patience:
            return f"no answer in {patience:g} s"
        if now - began > STARTUP_SECONDS + most:
            return f"no end in {STARTUP_SECONDS + most:g} s"
        time.sleep(0.005)
    return ""


def kill_session(process) -> None:
    """The process and all that it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (AttributeError, ProcessLookupError, PermissionError):
        process.kill()
    process.wait()


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
                result.files = {str(name): str(file) for name, file in event["files"].items()}
            elif 0 <= event["case"] < cases and event["turn"] in (0, 1):
                place = event["case"], event["turn"]
                if "error" in event:
                    result.outcomes[place] = Outcome(error=str(event["error"]), message=str(event["message"]))
                    result.lines[event["case"]] = event["line"]
                else:
                    result.outcomes[place] = Outcome(decode(event["value"]), mutated=event["mutated"] is True)
                    result.kinds[event["case"]] = str(event["kind"])
        except (CheckpointError, ValueError, KeyError, TypeError, AttributeError, RecursionError, MemoryError):
            continue
    return result
