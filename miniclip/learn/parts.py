"""What an answer uses of the other exercises in its folder, as in `from e2_log_softmax import log_softmax`."""

import ast
from pathlib import Path

from ..machine.disk import read_file
from .spec import Exercise
from .specs import all_exercises


def imported_from(tree: ast.AST) -> set[str]:
    """The modules that a file imports."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module)
    return found


def files_beside(path: Path) -> dict[Path, ast.AST]:
    """A learner's file and those of its folder that it imports, and these import: path -> syntax tree."""
    found: dict[Path, ast.AST] = {}
    waiting = [path]
    while waiting:
        try:
            one = waiting.pop()
            found[one] = ast.parse(read_file(one))
        except (OSError, SyntaxError, ValueError):  # the grader says so
            continue
        beside = {path.with_name(f"{name}.py") for name in imported_from(found[one])}
        waiting += [other for other in sorted(beside - found.keys()) if other.is_file()]
    return found


def parts_of(path: Path) -> dict[Path, Exercise]:
    """The files of other exercises that it imports itself, each with its exercise."""
    exercises = {one.module.rsplit(".", 1)[-1]: one for one in all_exercises().values()}
    try:
        names = imported_from(ast.parse(read_file(path)))
    except (OSError, SyntaxError, ValueError):
        return {}
    return {path.with_name(f"{name}.py"): exercises[name] for name in sorted(names & exercises.keys())}
