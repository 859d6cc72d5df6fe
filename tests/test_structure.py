"""The house keeps its shape: imports run one way, forwards stand before backwards, nothing forbidden is called."""

import ast
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "miniclip"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = [
    "errors", "machine", "nn", "data", "models", "model", "files", "datasets", "tasks", "search", "train", "labs",
    "torch", "figures", "learn", "classroom", "page", "app", "__main__",
]  # fmt: skip
TREES = {path: ast.parse(path.read_text()) for path in FILES}


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def absolute(node: ast.ImportFrom, path: Path) -> str:
    """The module that `from .. import` reads, without the package's name."""
    here = path.relative_to(PACKAGE).with_suffix("").parts
    base = here[: len(here) - node.level]
    return ".".join([*base, *(node.module or "").split(".")]).strip(".")


def test_there_are_files():
    assert len(FILES) > 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path):
    if room(path) == "__init__":
        return
    for node in statements(TREES[path]):
        if isinstance(node, ast.ImportFrom) and node.level:
            module = absolute(node, path)
            for target in [module.split(".")[0]] if module else [alias.name for alias in node.names]:
                if target in ROOMS:
                    assert ROOMS.index(target) <= ROOMS.index(room(path)), f"{path.name} imports {target}"


def statements(tree):
    """Everything in a file but what only runs when the file is the program."""
    for node in tree.body:
        if not (isinstance(node, ast.If) and ast.unparse(node.test) == "__name__ == '__main__'"):
            yield from ast.walk(node)


def imported(tree) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module.split(".")[0])
    return names


def test_heavy_libraries_stay_in_their_rooms():
    allowed = {"matplotlib": {"figures"}, "torch": {"torch", "learn"}, "safetensors": {"files"},
               "tqdm": {"train", "app"}, "faiss": {"search"}}  # fmt: skip
    for path in FILES:
        for library in imported(TREES[path]) & allowed.keys():
            assert room(path) in allowed[library], f"{path} imports {library}"
        if room(path) == "nn":
            assert imported(TREES[path]) <= {"numpy", "math", "threading"}, path


def test_every_forward_is_followed_by_its_backward():
    checked = 0
    for path in FILES:
        names = [node.name for node in TREES[path].body if isinstance(node, ast.FunctionDef)]
        for name, following in pairwise([*names, ""]):
            if name.endswith("_forward"):
                assert following == name.replace("_forward", "_backward"), f"{path.name}: {name}"
                checked += 1
    assert checked > 20


def keys_written(nodes, variable):
    """The keys of `c[...] = ` or `g[...] = ` in some statements, in the order they are written."""
    stores = [
        node for statement in nodes for node in ast.walk(statement)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name) and node.value.id == variable and isinstance(node.slice, ast.Constant)
    ]  # fmt: skip
    return [node.slice.value for node in sorted(stores, key=lambda node: node.lineno)]


def ways(nodes):
    """Every way through the branches of some statements, as a list of statements."""
    found: list[list] = [[]]
    for node in nodes:
        branches = [*ways(node.body), *ways(node.orelse)] if isinstance(node, ast.If) else [[node]]
        found = [way + branch for way in found for branch in branches]
    return found


WITHOUT_A_CACHE = {"queries"}  # a parameter that is the input of what follows


def test_the_backward_of_a_composite_mirrors_its_forward():
    checked = 0
    for path in FILES:
        functions = {node.name: node for node in TREES[path].body if isinstance(node, ast.FunctionDef)}
        for name, function in functions.items():
            if name.endswith("_forward") and len(keys_written(function.body, "c")) > 1:
                steps = functions[name.replace("_forward", "_backward")].body
                named = set(keys_written(steps, "g")) - WITHOUT_A_CACHE
                forward = {tuple(k for k in keys_written(way, "c") if k in named) for way in ways(function.body)}
                backward = {tuple(k for k in keys_written(way, "g") if k in named) for way in ways(steps)}
                assert {keys[::-1] for keys in backward if keys} == {keys for keys in forward if keys}, name
                assert named, name
                checked += 1
    assert checked >= 15


FORBIDDEN = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "joblib", "yaml", "marshal", "shelve", "urllib", "requests", "socket", "http"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_forbidden_is_called(path):
    tree = TREES[path]
    assert not imported(tree) & FORBIDDEN_MODULES
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if isinstance(node.func, ast.Name):
                assert node.func.id not in FORBIDDEN
            for keyword in node.keywords:
                true = isinstance(keyword.value, ast.Constant) and keyword.value.value is True
                assert not (keyword.arg in ("allow_pickle", "shell") and true)


def entries() -> list[str]:
    """The reading order: every file, or the folder it lies in."""
    return re.findall(r"^    ([\w/]+(?:\.py|/))  ", ast.get_docstring(TREES[PACKAGE / "__init__.py"]), re.MULTILINE)


def entry(path: Path) -> str:
    """Where a file stands in the reading order."""
    name = str(path.relative_to(PACKAGE))
    (found,) = [one for one in entries() if name == one or (one.endswith("/") and name.startswith(one))]
    return found


FIRST_HOUR = 11  # files


def test_the_reading_order_has_every_file_once():
    order = entries()
    assert len(set(order)) == len(order)
    assert {entry(path) for path in FILES if path.name != "__init__.py"} == set(order)
    lines = sum(len((PACKAGE / name).read_text().splitlines()) for name in order[:FIRST_HOUR])
    assert lines < 1600


def test_the_readme_shows_the_reading_order():
    readme = (PACKAGE.parent / "README.md").read_text()
    shown = re.findall(r"^([\w/]+(?:\.py|/)) {2,}(.+)$", readme, re.MULTILINE)
    told = re.findall(r"^    ([\w/]+(?:\.py|/)) {2,}(.+)$", ast.get_docstring(TREES[PACKAGE / "__init__.py"]), re.M)
    assert shown == told


def file_of(module: list[str]) -> Path | None:
    path = PACKAGE.joinpath(*module).with_suffix(".py")
    return path if module and path.exists() else None


def test_imports_run_one_way_through_the_reading_order_too():
    """A file uses what was read before it; the files of the first hour also what they stand on, read right after."""
    order, checked = entries(), 0
    stands_on = order[FIRST_HOUR : order.index("data/world.py")]
    for path in FILES:
        if path.name == "__init__.py":
            continue
        here, package = entry(path), path.relative_to(PACKAGE).parts[:-1]
        for node in TREES[path].body:
            if isinstance(node, ast.ImportFrom) and node.level:
                base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
                base = [part for part in base if part]
                for target in [file_of(base)] if node.module else [file_of([*base, a.name]) for a in node.names]:
                    if target:
                        there, checked = entry(target), checked + 1
                        before = order.index(there) <= order.index(here)
                        assert before or (here in order[:FIRST_HOUR] and there in stands_on), f"{here} uses {there}"
    assert checked > 200


# Function or class -> why it stands in two files.
TWO_MEANINGS = {
    "main": "the entry of a program",
    "split_heads": "the PyTorch twin",
    "contrastive_loss": "the PyTorch twin",
    "sigmoid": "an operation, and in PyTorch's losses the loss that is named after it",
}
OF_A_KIND = ("specs", "lectures", "commands")  # folders whose files have the same members


def public_names():
    """name -> the files that define a function or a class of this name."""
    found: dict[str, list[str]] = {}
    for path in FILES:
        if not set(OF_A_KIND) & set(path.parts) and not path.name.startswith("fixtures_"):
            for node in TREES[path].body:
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                    found.setdefault(node.name, []).append(str(path.relative_to(PACKAGE)))
    return found


def test_a_public_name_means_one_thing():
    twice = {name: files for name, files in public_names().items() if len(files) > 1}
    assert twice.keys() == TWO_MEANINGS.keys(), twice


# Over 40 lines of code, and why.
LONG = {
    "learn/commands.py: learn_parser": "a list of commands and their arguments",
    "learn/child.py: main": "a learner's code could reach whatever stood outside of it",
}


def code_lines(node: ast.FunctionDef) -> int:
    """Lines without the docstring."""
    said = node.body[0] if ast.get_docstring(node) else None
    return node.end_lineno - node.lineno + 1 - (said.end_lineno - said.lineno + 1 if said else 0)


def test_files_and_functions_are_short():
    found = set()
    for path in FILES:
        name = str(path.relative_to(PACKAGE))
        if "specs" in path.parts:  # known answers, one after the other
            assert len(path.read_text().splitlines()) <= 300, name
            continue
        if name != "__init__.py":  # the list of all files
            assert len(path.read_text().splitlines()) <= 265, name
        for node in ast.walk(TREES[path]):
            if isinstance(node, ast.FunctionDef) and code_lines(node) > 40:
                found.add(f"{name}: {node.name}")
    assert found == set(LONG)


def test_public_functions_say_what_they_do():
    for path in FILES:
        if "specs" in path.parts or path.name.startswith("fixtures_"):
            continue  # right and wrong answers, whose names say what they are
        for node in TREES[path].body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                of_a_kind = {"lectures": ("draw", "frames"), "commands": ("arguments", "run", "text")}
                said_elsewhere = any(node.name in names for room, names in of_a_kind.items() if room in path.parts)
                assert ast.get_docstring(node) or said_elsewhere, f"{path.name}: {node.name}"


@pytest.mark.parametrize("command", ["import miniclip", "import miniclip.app.cli; miniclip.app.cli.main(['--help'])"])
def test_importing_is_light(command):
    code = f"import sys; {command}; print('\\n' + ' '.join(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(modules.splitlines()[-1].split())
    assert "miniclip" in loaded
    assert not loaded & {"torch", "matplotlib", "PIL", "safetensors", "tqdm", "transformers", "faiss"}


def test_importing_everything_leaves_global_state_alone():
    code = """
import numpy as np, random
np.random.seed(3); random.seed(3); before = (np.random.get_state()[1].tolist(), random.getstate(), np.geterr())
import miniclip.app.show, miniclip.app.measure
from miniclip.train.sources import World
World(0).pairs(np.arange(4))
assert before == (np.random.get_state()[1].tolist(), random.getstate(), np.geterr())
"""
    subprocess.run([sys.executable, "-c", code], check=True)


TWINS = {
    ("nn/blocks.py", "attention_forward"): ("models", "Attention", "forward"),
    ("nn/blocks.py", "mlp_forward"): ("models", "MLP", "forward"),
    ("nn/blocks.py", "block_forward"): ("models", "Block", "forward"),
    ("models/vision.py", "vision_trunk_forward"): ("models", "VisionTower", "trunk"),
    ("models/vision.py", "vision_head_forward"): ("models", "VisionTower", "head"),
    ("models/text.py", "text_trunk_forward"): ("models", "TextTower", "trunk"),
    ("nn/decoder_blocks.py", "cross_attention_forward"): ("describers", "CrossAttention", "forward"),
    ("nn/decoder_blocks.py", "decoder_block_forward"): ("describers", "DecoderBlock", "forward"),
    ("models/decoder.py", "decoder_trunk_forward"): ("describers", "Decoder", "trunk"),
    ("models/bridge.py", "bridge_forward"): ("describers", "Bridge", "forward"),
    ("models/fusion.py", "match_forward"): ("describers", "Fusion", "forward"),
}


def member(tree, name):
    return next(node for node in tree.body if getattr(node, "name", "") == name)


@pytest.mark.parametrize(("path", "name"), TWINS)
def test_the_two_backends_read_alike(path, name):
    """Side by side, a forward and its PyTorch twin use the same parts, under the same names, in the same order."""
    file, kind, method = TWINS[path, name]
    keys = keys_written(member(TREES[PACKAGE / path], name).body, "c")
    twin = member(TREES[PACKAGE / f"torch/{file}.py"], kind)
    attributes = [node for node in ast.walk(member(twin, method)) if isinstance(node, ast.Attribute)
                  and isinstance(node.value, ast.Name) and node.value.id == "self"]  # fmt: skip
    used = [node.attr for node in sorted(attributes, key=lambda node: (node.lineno, node.col_offset))]
    made = ast.unparse(member(twin, "__init__"))
    parts = [part for part in used if f"self.{part}" in made and part in keys]
    without_parameters = {"patchify", "pick", "mean", "attend", "activation", "act"}
    assert [part for part in parts if part != "activation"] == [key for key in keys if key not in without_parameters]
    assert len(parts) > 1
