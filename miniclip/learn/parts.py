"""A learner's file, and what it uses of the other exercises in its folder: `from e2_log_softmax import log_softmax`."""

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from ..machine.disk import read_file


def load_file(path) -> ModuleType:
    """The module in a file, after running it; it may import what stands beside it."""
    folder = str(Path(path).resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # at the end, so that no file of a learner hides a library
    for name, module in list(sys.modules.items()):
        if getattr(module, "__file__", None) and str(Path(str(module.__file__)).parent) == folder:
            del sys.modules[name]  # it may have been edited since
    found = importlib.util.spec_from_file_location("answer", path)
    if found is None or found.loader is None:
        raise ImportError(f"{path} is not a Python file")
    module = sys.modules["answer"] = importlib.util.module_from_spec(found)  # dataclasses look for it there
    found.loader.exec_module(module)
    return module


def syntax_of(path: Path) -> ast.AST:
    """Its syntax tree; an empty one where Python cannot read it, which the grader says."""
    try:
        return ast.parse(read_file(path))
    except (OSError, SyntaxError, ValueError):
        return ast.Module([], [])


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
        one = waiting.pop()
        found[one] = syntax_of(one)
        beside = {path.with_name(f"{name}.py") for name in imported_from(found[one])}
        waiting += [other for other in sorted(beside - found.keys()) if other.is_file()]
    return found


def borrowed_by(path: Path) -> str:
    """Where an answer imports miniclip, itself or in a file beside it; nothing where it does not."""
    for file, tree in files_beside(path).items():
        for node in ast.walk(tree):
            if not isinstance(node, ast.Import | ast.ImportFrom):
                continue
            module = getattr(node, "module", "") or ""
            if module.startswith("miniclip.learn.fixtures_"):  # what a case to paste imports
                continue
            if any(f"{module}.{alias.name}".lstrip(".").startswith("miniclip") for alias in node.names):
                return f"{file.name}, line {node.lineno}"
    return ""
