"""A learner's functions in a process of their own, called as often as is asked.

    ["clip_loss", argument, ...]  ->  {"value": ...} or {"error": ...}        a line each, values as in `wire`

It is the process of the grader, which `sandbox` starts and `child` runs, with another job.
"""

import json
import os
import select
import tempfile
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import MiniclipError
from .parts import load_file
from .sandbox import PipeReader, end, spawn, tell
from .values import plain
from .wire import decode, encode

PATIENCE = 30.0  # seconds for one answer, on a busy machine


class Unanswered(MiniclipError):
    """A call ended in an exception, or did not come back."""

    exit_code = 1


@contextmanager
def served(files: dict[str, Path]):
    """Functions by name, each with the file that it is in: `call(name, *args)` for as long as this is open."""
    process = Served(files)
    try:
        process.answer("loading your file")
        yield process
    finally:
        process.close()


class Served:
    """The process of `served`, held."""

    def __init__(self, files: dict[str, Path]):
        self.home = tempfile.TemporaryDirectory(prefix="miniclip-", ignore_cleanup_errors=True)
        (self.heard, reply), (asked, self.asking) = os.pipe(), os.pipe()
        self.rest = b""
        self.process = spawn(self.home.name, reply, asked)
        os.close(reply)
        os.close(asked)
        assert self.process.stdin
        assert self.process.stdout
        self.said = PipeReader(self.process.stdout.fileno(), 0)  # what they print goes nowhere, and holds nobody up
        paths = {name: str(path.resolve()) for name, path in files.items()}
        job = {"root": str(Path(__file__).parents[2]), "reply": reply, "asked": asked, "files": paths}
        tell(self.process.stdin, json.dumps(job).encode())

    def __call__(self, name: str, *args):
        with suppress(BrokenPipeError):  # it has ended: the missing answer says so
            data = json.dumps([name, *map(encode, args)]).encode() + b"\n"
            while data:
                data = data[os.write(self.asking, data) :]
        return self.answer(name)

    def answer(self, name: str):
        """The value that comes back."""
        until = time.monotonic() + PATIENCE
        while b"\n" not in self.rest:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.heard], [], [], left)[0]:
                raise Unanswered(f"{name}: no answer in {PATIENCE:g} s")
            chunk = os.read(self.heard, 1 << 16)
            if not chunk:
                raise Unanswered(f"{name}: the process ended")
            self.rest += chunk
        line, self.rest = self.rest.split(b"\n", 1)
        event = json.loads(line)
        if "error" in event:
            raise Unanswered(f"{name}: {event['error']}")
        return decode(event["value"])

    def close(self) -> None:
        """End the process, and all that it started."""
        os.close(self.asking)
        end(self.process)
        self.said.finish()
        assert self.process.stdout
        self.process.stdout.close()
        os.close(self.heard)
        self.home.cleanup()


def serve(job: dict) -> None:
    """In that process: load the files, say so, and answer until the questions end."""
    asked, reply = os.fdopen(job["asked"], "rb"), os.fdopen(job["reply"], "w", encoding="utf-8")

    def send(**event):
        reply.write(json.dumps(event) + "\n")
        reply.flush()

    try:
        functions = {name: getattr(load_file(path), name) for name, path in job["files"].items()}
    except BaseException as error:
        send(error=f"{type(error).__name__}: {error}"[:300])
        return
    send(value=None)
    for line in asked:
        name, *args = json.loads(line)
        try:
            send(value=encode(plain(functions[name](*map(decode, args)))))
        except BaseException as error:
            send(error=f"{type(error).__name__}: {error}"[:300])
