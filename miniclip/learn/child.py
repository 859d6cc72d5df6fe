"""Runs a learner's file and calls its functions; started by `sandbox`, in a process of its own.

It is told what to call and sends back what came out. It knows no answers, so there is nothing here to fool: whoever
forges a reply must still send the right numbers.
"""

import io
import json
import os
import sys
import traceback

SAID_LIMIT = 8 * 2**10  # bytes that one call may print


def limit(megabytes: int) -> None:
    """A process that runs wild is stopped by the system, where the system can."""
    try:
        import resource
    except ImportError:  # Windows
        return
    for what, most in (("AS", megabytes << 20), ("CPU", 60), ("FSIZE", 16 << 20), ("CORE", 0)):
        resource.setrlimit(getattr(resource, f"RLIMIT_{what}"), (most, most))


def written_in(function) -> str:
    """The file of a function's code, under decorators and partial application, or of a callable object's."""
    while inner := getattr(function, "__wrapped__", None) or getattr(function, "func", None):
        function = inner
    if not hasattr(function, "__code__"):
        function = getattr(type(function), "__call__", None)  # noqa: B004
    return getattr(getattr(function, "__code__", None), "co_filename", "")


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


def describe(error: BaseException, path: str) -> dict:
    """The exception, and the line of the learner's file where it happened."""
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == path]
    line = error.lineno if isinstance(error, SyntaxError) and error.filename == path else None
    return {"error": type(error).__name__, "message": str(error)[:300],
            "line": lines[-1].lineno if lines else line}  # fmt: skip


def main() -> None:
    """Read the job, load the file, make every call twice, and report each result at once."""
    job = json.loads(sys.stdin.buffer.read())
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path.insert(0, job["root"])
    from miniclip.learn import spec, values, wire

    reply = os.fdopen(job["reply"], "w", encoding="utf-8")
    encode, equal, prepare, plain, dumps = wire.encode, values.equal, values.prepare, values.plain, json.dumps
    load_file = spec.load_file

    def send(**event):
        reply.write(dumps(event) + "\n")
        reply.flush()

    calls = [(call["function"], [wire.decode(argument) for argument in call["args"]]) for call in job["calls"]]
    for _, args in calls:
        for argument in args:
            prepare(argument)  # fixtures are imported before the door to the specs is shut
    limit(job["megabytes"])
    mark, printed = job["mark"].encode(), Printed()
    sys.stdout = sys.stderr = io.TextIOWrapper(printed, "utf-8", "backslashreplace", write_through=True)
    sys.meta_path.insert(0, NoAnswers())
    for name in [name for name in sys.modules if name.startswith("miniclip.learn")]:
        del sys.modules[name]
    path, printed.left = job["path"], SAID_LIMIT
    try:
        module = load_file(path)
        functions = {name: getattr(module, name) for name, _ in calls}
    except BaseException as error:
        send(event="failed", **describe(error, path))
        return
    send(event="loaded", files={name: written_in(function) for name, function in functions.items()})
    for case, (name, args) in enumerate(calls):
        for turn in range(2):
            given, before = [prepare(argument) for argument in args], [prepare(argument) for argument in args]
            data = [not isinstance(argument, values.Generator | values.Fixture) for argument in args]
            printed.begin(mark, SAID_LIMIT * (turn == 0))
            try:
                value = functions[name](*given)
                mutated = not all(equal(a, b, 0.0, 0.0) for a, b, kept in zip(given, before, data, strict=True) if kept)
                send(event="outcome", case=case, turn=turn, value=encode(plain(value)), mutated=mutated,
                     kind=type(value).__name__)  # fmt: skip
            except BaseException as error:
                send(event="outcome", case=case, turn=turn, **describe(error, path))


if __name__ == "__main__":
    main()
