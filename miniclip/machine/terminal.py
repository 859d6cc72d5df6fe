"""The terminal: what is asked, what is typed, and what is said about it."""

import argparse
import os
import sys
from io import TextIOWrapper

from ..errors import one_line


class Parser(argparse.ArgumentParser):
    """A parser whose errors repeat no endless name and no control character."""

    def error(self, message):
        super().error(one_line(message))


def path(text: str) -> str:
    """A path from the command line; an empty one would be the folder that we are in."""
    if not text:
        raise argparse.ArgumentTypeError("'' is no path, expected the name of a file or folder")
    return text


def read_line(prompt: str = "") -> str:
    """What is typed; an EOFError at the end of the input, also where there is none, or none that is text."""
    try:
        return input(prompt)
    except (RuntimeError, OSError, ValueError):  # closed before we began, or while we wait; no letters
        raise EOFError from None


def settle_streams() -> None:
    """Standard streams that were closed lead nowhere: else the next file would be opened in their place.

    What the terminal's encoding cannot print is spelled.
    """
    while (handle := os.open(os.devnull, os.O_RDWR)) < 3:
        pass
    os.close(handle)
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="surrogateescape" if stream is sys.stdin else "backslashreplace")
