"""Calls a learner's functions for as long as it is asked; started by `rewards`, in a process of its own.

It is told a function and its arguments, a line each, and answers with a line: the value, or the exception.
"""

import json
import os
import sys


def main() -> None:
    """Load the files, say so, and answer until the questions end."""
    asked = os.fdopen(os.dup(0), "rb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    job = json.loads(asked.readline())
    sys.path.insert(0, job["root"])
    from miniclip.learn.spec import load_file, plain
    from miniclip.learn.wire import decode, encode

    reply = os.fdopen(job["reply"], "w", encoding="utf-8")

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


if __name__ == "__main__":
    main()
