"""A notebook's functions as a file: their source, and all that they use of their notebook.

What a function uses is found by name in the namespace of whoever calls `check`. Modules and what comes from them are
imported, numbers and arrays are written down, and all else is made again by the statement that made it: the last one
in the cells, or in the file, that binds its name.
"""

import ast
import builtins
import inspect
import re
import symtable
import textwrap
import types

import numpy as np

from ..errors import ConfigError
from .paste import code
from .values import library_of

DATA = (bool, int, float, str, types.NoneType)
MAGIC = re.compile(r"^( *)(?:[%!?]|[\w., ]+= *[%!]|.*\? *$).*$", re.MULTILINE)


def source_of(functions, names, namespace: dict) -> str:
    """A file with these functions under these names."""
    cells, parts, seen = executed(namespace), {"np": "import numpy as np"}, set()

    def add(name, value):
        """The statement that makes a name, after those that make what it uses."""
        if name in seen or getattr(builtins, name, None) is value:
            return
        seen.add(name)
        text = made_by(name, value, cells, namespace.get("__name__"))
        known = namespace | closure(value)
        for used in names_read(text):
            if used in known:
                add(used, known[used])
        if text not in parts.values():
            parts[name] = text

    for function, wanted in zip(functions, names, strict=False):
        name = name_of(function, namespace)
        if not callable(function) or not made_by(name, function, cells, namespace.get("__name__")):
            raise ConfigError(f"check got {type(function).__name__}, expected the function that you wrote, with def")
        add(name, function)
        if name != wanted:
            parts[f"{wanted} ="] = f"{wanted} = {name}"
    return "\n\n".join(filter(None, parts.values())) + "\n"


def name_of(function, namespace: dict) -> str:
    """What the notebook calls it."""
    own = getattr(function, "__name__", "")
    called = [name for name, value in namespace.items() if value is function and not name.startswith("_")]
    if called:
        return own if own in called else called[0]
    return own if own.isidentifier() else ""


def made_by(name: str, value, cells: list[str], here: str | None) -> str:
    """Code that makes this name again; nothing where there is none."""
    if isinstance(value, types.ModuleType):
        return f"import {value.__name__} as {name}"
    library = library_of(value)
    if library and library != here:
        return f"from {library} import {value.__name__} as {name}"
    if is_data(value):
        return f"{name} = {code(value)}"
    return next(filter(None, (statement_of(name, text) for text in (own_source(value), *cells))), "")


def is_data(value) -> bool:
    """Can it be written down?"""
    if isinstance(value, np.ndarray | np.generic):
        return value.dtype.kind in "biuf"
    if type(value) is dict:
        return all(type(key) is str and is_data(item) for key, item in value.items())
    return all(map(is_data, value)) if type(value) in (list, tuple) else type(value) in DATA


def own_source(value) -> str:
    """The source that Python knows of a function or class; nothing where it knows none, as in a cell with %%time."""
    try:
        return textwrap.dedent(inspect.getsource(value))
    except (OSError, TypeError):
        return ""


def executed(namespace: dict) -> list[str]:
    """All that was executed, newest first: a notebook's cells as they were typed, or a script."""
    if "get_ipython" in namespace:
        return namespace["get_ipython"]().history_manager.input_hist_raw[::-1]
    try:
        with open(namespace["__file__"], encoding="utf-8") as file:
            return [file.read()]
    except (KeyError, TypeError, OSError, ValueError):
        return []


def statement_of(name: str, text: str) -> str:
    """The last statement of a text that binds a name, with its decorators; nothing where none does."""
    text = without_magics(text)
    try:
        statements = ast.parse(text).body
    except (SyntaxError, ValueError):
        return ""
    for node in reversed(statements):
        if name in names_bound(node):
            first = min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))])
            return "\n".join(text.splitlines()[first - 1 : node.end_lineno])
    return ""


def without_magics(text: str) -> str:
    """What Python itself can read of a cell: `%%time` and its like in front, and lines such as `%matplotlib`, go."""
    try:
        ast.parse(text)
        return text
    except (SyntaxError, ValueError):
        lines = text.lstrip().splitlines()
        while lines and lines[0].startswith("%%"):
            lines = lines[1:]
        return MAGIC.sub(r"\1pass", "\n".join(lines))


def names_bound(node) -> set[str]:
    """The names that a statement gives, those inside its blocks too, but not those inside a function or class."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {node.name}
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {(one.asname or one.name).split(".")[0] for one in node.names}
    if isinstance(node, ast.Name):
        return {node.id} if isinstance(node.ctx, ast.Store) else set()
    return set().union(*map(names_bound, ast.iter_child_nodes(node)))


def names_read(text: str) -> set[str]:
    """The names that a statement, and every function in it, takes from the notebook."""
    if not text:
        return set()
    top, found = symtable.symtable(text, "cell", "exec"), set()
    tables = [top]
    while tables:
        table = tables.pop()
        tables += table.get_children()
        symbols = [one for one in table.get_symbols() if one.is_referenced()]
        found |= {one.get_name() for one in symbols if table is top or one.is_global()}
    return found


def closure(value) -> dict:
    """What a function that was made inside another one uses of it."""
    cells = zip(getattr(getattr(value, "__code__", None), "co_freevars", ()), getattr(value, "__closure__", None) or (),
                strict=True)  # fmt: skip
    return {name: cell.cell_contents for name, cell in cells}
