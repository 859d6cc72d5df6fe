"""A case as Python code: paste it below your function, and it runs as it did in the grader."""

import re

import numpy as np

from .seen import text
from .spec import Case, Exercise, Outcome
from .values import Drawn, Fixture, Generator

WIDTH = 79  # of a terminal
WORD = re.compile(r"""(?:'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|[^\s'"])+""")
PLAIN = ("float64", "int64", "bool")  # what np.array makes by itself


def paste(exercise: Exercise, case: Case, right: Outcome) -> str:
    """The arguments under their names, the call, and what it should give where only one value is right."""
    function = exercise.solutions[case.function]
    names = function.__code__.co_varnames[: len(case.args)]
    lines = ["import numpy as np"]
    for name, argument in zip(names, case.args, strict=True):
        if isinstance(argument, Fixture):
            module, fixture = argument.name.split(".")
            lines.append(f"from miniclip.learn.fixtures_{module} import {fixture} as {name}")
        else:
            lines += folded(f"{name} = {code(argument)}")
    call = f"print({case.function}({', '.join(names)}))"
    if case.function in exercise.judges:
        return "\n".join([*lines, call])
    expected = f"# expected {text(right.value, 6)}"
    beside = f"{call}  {expected}"
    return "\n".join([*lines, *([beside] if len(beside) <= WIDTH else [call, *folded(expected, "#   ")])])


def code(value) -> str:
    """An expression that makes the value again, to the last bit."""
    if isinstance(value, Generator):
        return f"np.random.default_rng({value.seed})"
    if isinstance(value, Drawn):
        return f"np.random.default_rng({value.seed}).normal(size={value.shape})"
    if isinstance(value, np.ndarray):
        if not value.size:
            return f"np.zeros({value.shape}, {value.dtype.name!r})"
        dtype = "" if value.dtype.name in PLAIN else f", {value.dtype.name!r}"
        return f"np.array({code(value.tolist())}{dtype})"
    if isinstance(value, np.generic):
        return f"np.{type(value).__name__}({code(value.item())})"
    if isinstance(value, float) and not np.isfinite(value):
        return f"np.{value}".replace("np.-", "-np.")
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {code(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        inside = ", ".join(map(code, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    return repr(value)


def folded(line: str, indent: str = "    ") -> list[str]:
    """Lines of a statement in brackets, or of a comment, broken between words; a string is one word."""
    lines = [""]
    for word in WORD.findall(line):
        if lines[-1] and len(lines[-1]) + 1 + len(word) > WIDTH and not lines[-1].endswith("="):  # no bracket yet
            lines.append(indent + word)
        else:
            lines[-1] += " " * bool(lines[-1]) + word
    return lines
