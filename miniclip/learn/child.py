"""Runs a learner's file and calls its functions; started by `sandbox`, in a process of its own.

It is told what to call and sends back what came out. It knows no answers, so there is nothing here to fool: whoever
forges a reply must still send the right numbers. Two processes: one runs the file; the other waits for it, and ends all
that it started.
"""

import ast
import ctypes
import faulthandler
import importlib
import inspect
import io
import json
import os
import signal
import subprocess
import sys
import time
import traceback
import tracemalloc
from contextlib import suppress

SAID_LIMIT = 8 * 2**10  # bytes that one call may print


def limit(megabytes: int, seconds: float) -> None:
    """A process that runs wild is stopped by the system, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in (("AS", megabytes << 20), ("CPU", int(seconds) + 1), ("FSIZE", 16 << 20), ("CORE", 0)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))


class Printed(io.RawIOBase):
    """Standard output, of which each call may fill a part: what one floods is not lost to the others."""

    left = 0

    def fileno(self):
        return 1

    def writable(self):
        return True

    def write(self, data):
        part = bytes(data[: max(self.left, 0)])
        self.left -= os.write(1, part) if part else 0
        return len(data)

    def begin(self, mark, limit):
        """What is printed from here on belongs to the next call."""
        os.write(1, mark)
        self.left = limit


class NoAnswers:
    """An import hook: the solutions are not there."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name.startswith("miniclip.learn.specs"):
            raise ImportError("the solutions are not part of the exercise")


def load_libraries(path: str) -> None:
    """Import what the file will import: PyTorch takes seconds to load, and these are not the learner's."""
    with suppress(Exception), open(path, "rb") as file:
        for node in ast.walk(ast.parse(file.read())):
            names = [one.name for one in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []
            for name in names:
                with suppress(BaseException):  # what is wrong with it is told where the file imports it
                    importlib.import_module(name)


def describe(error: BaseException, path: str) -> dict:
    """The exception, and the line of the learner's file where it happened."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else None
    return {"error": type(error).__name__, "message": str(error)[:300],
            "line": lines[-1].lineno if lines else line}  # fmt: skip


def look_at(function, library_of, counts: list[int]) -> dict:
    """What can be told of an answer before it is called: whose it is, and whether it takes so many arguments."""
    told = {"library": library_of(function), "takes": "", "line": getattr(function, "__code__", None)}
    told["line"] = told["line"] and told["line"].co_firstlineno
    with suppress(ValueError, TypeError):  # of some callables nobody knows the signature
        signature = inspect.signature(function)
        try:
            for count in counts:
                signature.bind(*range(count))
        except TypeError:
            told["takes"] = str(signature)
    return told


def main(job: dict) -> None:
    """Load the file, make every call twice, and report each result at once."""
    sys.path.insert(0, job["root"])
    from miniclip.learn import parts, values, wire

    reply = os.fdopen(job["reply"], "w", encoding="utf-8")
    encode, equal, prepare, plain, dumps = wire.encode, values.equal, values.prepare, values.plain, json.dumps
    load_file, library_of = parts.load_file, values.library_of

    def send(**event):
        reply.write(dumps(event) + "\n")
        reply.flush()

    def clock(seconds):
        signal.setitimer(signal.ITIMER_PROF, seconds)  # the time that this process computes; SIGPROF ends it

    calls = [(call["function"], [wire.decode(one) for one in call["args"]], call["memory"]) for call in job["calls"]]
    for _, args, _ in calls:
        for argument in args:
            prepare(argument)  # fixtures are imported before the door to the specs is shut
    limit(job["megabytes"], job["cpu"])
    mark, printed, path = job["mark"].encode(), Printed(), job["path"]
    sys.stdout = sys.stderr = io.TextIOWrapper(printed, "utf-8", "backslashreplace", write_through=True)
    sys.meta_path.insert(0, NoAnswers())
    for name in [name for name in sys.modules if name.startswith("miniclip.learn")]:
        del sys.modules[name]
    load_libraries(path)
    faulthandler.register(signal.SIGPROF, reply, all_threads=False, chain=True)  # where it was when time was up
    printed.left = SAID_LIMIT
    send(event="loading")
    try:
        clock(job["seconds"])
        module = load_file(path)
        functions = {name: getattr(module, name) for name in job["names"] if hasattr(module, name)}
        seen = {name: look_at(one, library_of, job["names"][name]) for name, one in functions.items()}
    except BaseException as error:
        send(event="failed", **describe(error, path))
        return
    finally:
        clock(0)
    send(event="loaded", seen=seen)
    for case, (name, args, memory) in enumerate(calls):
        for turn in range(2):
            given, before = [prepare(argument) for argument in args], [prepare(argument) for argument in args]
            data = [not isinstance(argument, values.Generator | values.Fixture) for argument in args]
            printed.begin(mark, SAID_LIMIT * (turn == 0))
            if memory and turn:  # the first call may load what the second one finds
                tracemalloc.start()
            try:
                clock(job["seconds"])
                value = plain(functions[name](*given))
                clock(0)
                mutated = not all(equal(a, b, 0.0, 0.0) for a, b, kept in zip(given, before, data, strict=True) if kept)
                send(event="outcome", case=case, turn=turn, mutated=mutated,
                     peak=tracemalloc.get_traced_memory()[1], value=encode(value))  # fmt: skip
            except BaseException as error:
                clock(0)
                send(event="outcome", case=case, turn=turn, **describe(error, path))
            tracemalloc.stop()


def ask_linux(option: int, value: int) -> None:
    """A setting of this process that only Linux has."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def children() -> list[int]:
    """The processes that this one started, or adopted."""
    if not os.path.isdir("/proc/self"):  # macOS
        listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        return [int(pid) for pid, parent in map(str.split, listed.splitlines()) if int(parent) == os.getpid()]
    found = []
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        with suppress(OSError), open(f"/proc/{pid}/stat", "rb") as file:  # it may have ended since
            parent = file.read().rpartition(b")")[2].split()[1]
            found += [int(pid)] if int(parent) == os.getpid() else []
    return found


def end_runner(pid: int) -> None:
    """Let a process say where it is, and end it."""
    with suppress(OSError):  # it has ended already
        for number in (signal.SIGPROF, signal.SIGKILL):
            os.kill(pid, number)
            time.sleep(0.2)


def guard(pid: int) -> None:
    """Wait for the process that runs the file, end all that it left, and end as it did."""
    signal.signal(signal.SIGTERM, lambda *_: end_runner(pid))
    status = os.waitpid(pid, 0)[1]
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with suppress(OSError):
        os.killpg(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        while True:
            for child in children():
                with suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
            os.waitpid(-1, 0)
    if os.WIFSIGNALED(status):
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.WEXITSTATUS(status))


if __name__ == "__main__":
    task = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    ask_linux(36, 1)  # PR_SET_CHILD_SUBREAPER: what an answer starts and leaves, in whatever session, comes to us
    ask_linux(4, 0)  # PR_SET_DUMPABLE: whoever runs as the same user cannot write into the guard's memory
    if runner := os.fork():
        guard(runner)
    ask_linux(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody runs unwatched
    os.setsid()
    try:
        if "calls" in task:
            main(task)
        else:
            sys.path.insert(0, task["root"])
            limit(4096, 600)
            importlib.import_module("miniclip.learn.served").serve(task)
    finally:
        os._exit(0)
