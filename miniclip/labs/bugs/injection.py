"""A known bug, put into the running code by name, and taken out again.

    with broken("no exp"):
        ...  # all of miniclip computes its logits without the exponential

A function keeps its identity and for a while runs other code. So whoever imported it, under whatever name and in
whatever table, runs the bug: there is no second path that a bug could miss.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import reduce
from importlib import import_module
from types import FunctionType

from ..harness import Bar


@dataclass(frozen=True)
class Bug:
    """What is wrong, where, how it shows, who had it, and what catches it.

    Attributes
    ----------
    what : str
        One sentence.
    puts : dict of str to function or value
        "module:name" of what is replaced, and by what. The code of a function runs among the names of the function
        that it replaces; it has as many arguments.
    symptom : Bar
        The sign of `evidence` that tells, and how far it goes; the healthy model does not go so far.
    test : str
        The pytest node that fails with it.
    threads : str
        Where it was found in public, or "".
    """

    what: str
    puts: dict[str, object]
    symptom: Bar
    test: str
    threads: str = ""

    @property
    def code(self) -> list[Callable]:
        """The functions that are put in; the first is the one to look at."""
        return [value for value in self.puts.values() if isinstance(value, FunctionType)]


@contextmanager
def injected(bug: Bug) -> Iterator[Bug]:
    """Within the context the bug is in; afterwards all is as before, whatever happened. For one thread at a time."""
    with ExitStack() as stack:
        for place, replacement in bug.puts.items():
            stack.enter_context(replaced(place, replacement))
        yield bug


@contextmanager
def replaced(place: str, replacement) -> Iterator[None]:
    """Put a function's code, or a value, in the place of another."""
    module, _, path = place.partition(":")
    *outer, name = path.split(".")
    holder: object = reduce(getattr, outer, import_module(f"miniclip.{module}"))
    if isinstance(getattr(holder, name), FunctionType):
        holder, name, replacement = getattr(holder, name), "__code__", replacement.__code__
    before = getattr(holder, name)
    setattr(holder, name, replacement)
    try:
        yield
    finally:
        setattr(holder, name, before)
