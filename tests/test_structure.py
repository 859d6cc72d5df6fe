"""The house keeps its shape: imports run one way, forwards stand before backwards, nothing forbidden is called."""

import ast
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "miniclip"
FILES = sorted(PACKAGE.rglob("*.py"))
ROOMS = [
    "errors", "memory", "threads", "nn", "data", "models", "model", "storage", "tasks", "checkpoint", "state", "step",
    "ranks", "train", "torch", "bench", "figures", "show", "learn", "cli", "__main__",
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
    allowed = {"matplotlib": {"figures"}, "torch": {"torch", "learn"}, "safetensors": {"checkpoint", "state"},
               "tqdm": {"train", "bench"}}  # fmt: skip
    for path in FILES:
        for library in imported(TREES[path]) & allowed.keys():
            assert room(path) in allowed[library], f"{path} imports {library}"
        if room(path) == "nn":
            assert imported(TREES[path]) <= {"numpy", "math"}, path


def test_every_forward_is_followed_by_its_backward():
    checked = 0
    for path in FILES:
        names = [node.name for node in TREES[path].body if isinstance(node, ast.FunctionDef)]
        for name, following in pairwise([*names, ""]):
            if name.endswith("_forward"):
                assert following == name.replace("_forward", "_backward"), f"{path.name}: {name}"
                checked += 1
    assert checked > 20


def keys_written(function, variable):
    """The keys of `c[...] = ` or `g[...] = ` in a function, in the order they are written."""
    stores = [
        node for node in ast.walk(function)
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name) and node.value.id == variable and isinstance(node.slice, ast.Constant)
    ]  # fmt: skip
    return [node.slice.value for node in sorted(stores, key=lambda node: node.lineno)]


def test_the_backward_of_a_composite_mirrors_its_forward():
    checked = 0
    for path in FILES:
        functions = {node.name: node for node in TREES[path].body if isinstance(node, ast.FunctionDef)}
        for name, function in functions.items():
            forward = keys_written(function, "c")
            if name.endswith("_forward") and len(forward) > 1:
                backward = keys_written(functions[name.replace("_forward", "_backward")], "g")
                with_parameters = [key for key in forward if key in backward]
                assert backward == with_parameters[::-1], name
                assert backward
                checked += 1
    assert checked >= 7


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


def test_files_are_short_and_public_functions_say_what_they_do():
    for path in FILES:
        if "specs" in path.parts or path.name.startswith("fixtures_"):
            continue  # right and wrong answers, whose names say what they are
        assert len(path.read_text().splitlines()) <= 300, path
        for node in TREES[path].body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                said_elsewhere = node.name.startswith("run_") or (
                    "lectures" in path.parts and node.name in ("draw", "frames")
                )
                assert ast.get_docstring(node) or said_elsewhere, f"{path.name}: {node.name}"


@pytest.mark.parametrize("command", ["import miniclip", "import miniclip.cli; miniclip.cli.main(['--help'])"])
def test_importing_is_light(command):
    code = f"import sys; {command}; print('\\n' + ' '.join(sys.modules))"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    loaded = set(modules.splitlines()[-1].split())
    assert "miniclip" in loaded
    assert not loaded & {"torch", "matplotlib", "PIL", "safetensors", "tqdm", "transformers"}


def test_importing_everything_leaves_global_state_alone():
    code = """
import numpy as np, random
np.random.seed(3); random.seed(3); before = (np.random.get_state()[1].tolist(), random.getstate(), np.geterr())
import miniclip.show, miniclip.train, miniclip.bench
miniclip.train.batch(0, "train", np.arange(4), miniclip.train.Tokenizer(miniclip.train.vocabulary()))
assert before == (np.random.get_state()[1].tolist(), random.getstate(), np.geterr())
"""
    subprocess.run([sys.executable, "-c", code], check=True)


TWINS = {
    ("nn/blocks.py", "attention_forward"): "Attention",
    ("nn/blocks.py", "mlp_forward"): "MLP",
    ("nn/blocks.py", "block_forward"): "Block",
    ("models/vision.py", "vision_forward"): "VisionTower",
    ("models/text.py", "text_forward"): "TextTower",
}


@pytest.mark.parametrize(("path", "name"), TWINS)
def test_the_two_backends_read_alike(path, name):
    """Side by side, a forward and its PyTorch twin use the same parts, under the same names, in the same order."""
    function = next(node for node in TREES[PACKAGE / path].body if getattr(node, "name", "") == name)
    twin = next(node for node in TREES[PACKAGE / "torch/models.py"].body
                if getattr(node, "name", "") == TWINS[path, name])  # fmt: skip
    init, forward = (next(node for node in twin.body if getattr(node, "name", "") == part)
                     for part in ("__init__", "forward"))  # fmt: skip
    attributes = [node for node in ast.walk(forward) if isinstance(node, ast.Attribute)
                  and isinstance(node.value, ast.Name) and node.value.id == "self"]  # fmt: skip
    used = [node.attr for node in sorted(attributes, key=lambda node: (node.lineno, node.col_offset))]
    made = ast.unparse(init)
    parts = [part for part in used if f"self.{part}" in made and part in keys_written(function, "c")]
    without_parameters = {"patchify", "pick", "attend", "activation"}
    assert [part for part in parts if part != "activation"] == [
        key for key in keys_written(function, "c") if key not in without_parameters
    ]
    assert len(parts) > 1
