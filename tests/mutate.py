"""Do the tests bite? Break `nn/` and `models/` in small ways, one at a time, and see whether a test fails.

    python tests/mutate.py [--sample N] [--seed S]

A mutant changes one thing: an operator, a comparison, a number, a `not`, two arguments' order, or drops one statement
that works in place. Each runs against the tests of those rooms in a copy of the tree; a mutant that no test notices
is printed. Those known to change nothing are listed in EQUIVALENT, with the reason.
"""

import argparse
import ast
import copy
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

ROOT = Path(__file__).parents[1]
STAGES = [  # fast ones first: most mutants die in two seconds
    ["tests/nn/test_relations.py", "tests/nn/test_autograd.py", "tests/nn/test_contract.py"],
    ["tests/models/test_hugging_face.py", "tests/test_model.py", "tests/models/test_decoder.py"],
    ["tests/nn/test_gradients.py"],
]
SWAPS = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Mult,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr, ast.USub: ast.UAdd,
}  # fmt: skip
# file:mutation -> why no result can change
EQUIVALENT = {  # lines move, so they are left out
    "miniclip/models/text.py: 0.02 -> 0.0212": "the size of an initial weight: no value is the right one",
    "miniclip/nn/blocks.py: 0.5 -> 0.506": "the same",
    "miniclip/models/clip.py: 31 -> 32": "how many parameters are too many: a choice",
    "miniclip/models/clip.py: 30 -> 31": "the unit in the message of a refusal",
    "miniclip/nn/optim.py: norm > max_norm -> norm >= max_norm": "at the limit the factor is 1",
}


def plain(name: str) -> str:
    """file: line 7: a -> b  becomes  file: a -> b"""
    return re.sub(r"line \d+: ", "", name)


def sites(tree) -> list[tuple[int, str]]:
    """(number of the node, kind of change) for everything that can be broken."""
    found = []
    for i, node in enumerate(ast.walk(tree)):
        if isinstance(node, ast.BinOp | ast.AugAssign | ast.UnaryOp) and type(node.op) in SWAPS:
            found.append((i, "operator"))
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.MatMult):
            found.append((i, "transpose"))
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            found.append((i, "comparison"))
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float):
            found.append((i, "number"))
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            found.append((i, "drop"))
        if isinstance(node, ast.AugAssign):
            found.append((i, "drop"))
    return found


def mutate(source: str, number: int, kind: str) -> tuple[str, str]:
    """(the broken source, what was broken)"""
    tree = ast.parse(source)
    node = list(ast.walk(tree))[number]
    before = ast.unparse(node)
    line = node.lineno
    if kind == "operator":
        node.op = SWAPS[type(node.op)]()
    elif kind == "transpose":
        node.left, node.right = node.right, node.left
    elif kind == "comparison":
        node.ops[0] = SWAPS[type(node.ops[0])]()
    elif kind == "number":
        node.value = node.value + 1 if type(node.value) is int else node.value * 1.01 + 1e-3
    after = "nothing" if kind == "drop" else ast.unparse(node)
    if kind == "drop":
        drop = copy.copy(node)
        for parent in ast.walk(tree):
            for field in ("body", "orelse"):
                statements = getattr(parent, field, None)
                if isinstance(statements, list) and node in statements:
                    statements[statements.index(node)] = ast.copy_location(ast.Pass(), drop)
    return ast.unparse(ast.fix_missing_locations(tree)), f"line {line}: {before} -> {after}"


def survives(path: Path, source: str) -> bool:
    """Do the tests pass on a copy of the tree with this file?"""
    with tempfile.TemporaryDirectory() as folder:
        copied = Path(folder)
        for name in ("miniclip", "tests"):
            shutil.copytree(ROOT / name, copied / name, ignore=shutil.ignore_patterns("__pycache__", "pretrained"))
        (copied / path).write_text(source)
        environment = os.environ | {"PYTHONPATH": folder, "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
        options = ["-x", "-q", "-o", "addopts=", "-k", "not 32768", "-p", "no:cacheprovider"]
        for tests in STAGES:
            command = [sys.executable, "-m", "pytest", *tests, *options]
            try:
                done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=180)
            except subprocess.TimeoutExpired:
                return False
            if done.returncode:
                return False
        return True


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    jobs = []
    for room in ("nn", "models"):
        for path in sorted((ROOT / "miniclip" / room).glob("*.py")):
            source = path.read_text()
            for number, kind in sites(ast.parse(source)):
                broken, what = mutate(source, number, kind)
                jobs.append((path.relative_to(ROOT), broken, what))
    if args.sample:
        jobs = random.Random(args.seed).sample(jobs, min(args.sample, len(jobs)))
    path, _, _ = jobs[0]
    if not survives(path, (ROOT / path).read_text()):
        sys.exit("the tests fail on the unbroken tree, so every mutant would count as killed: mend that first")
    with ThreadPoolExecutor(2) as pool:
        alive = list(tqdm(pool.map(lambda job: survives(job[0], job[1]), jobs), total=len(jobs), unit="mutant"))
    survivors = [f"{path}: {what}" for (path, _, what), lives in zip(jobs, alive, strict=True) if lives]
    unexplained = [name for name in survivors if plain(name) not in EQUIVALENT]
    print("\n".join(f"survived  {name}  {EQUIVALENT.get(plain(name), '')}" for name in survivors))
    print(f"{len(jobs) - len(survivors)} of {len(jobs)} killed, {len(unexplained)} survivors unexplained")


if __name__ == "__main__":
    main()
