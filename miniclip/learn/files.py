"""The learner's files: stubs made from the specs, renewed as long as nobody has written in them."""

import ast
import inspect
import os
import re
import textwrap
from pathlib import Path

from ..files.storage import digest, replace
from ..machine.disk import read_file
from .spec import Exercise, written_docstring
from .specs import all_exercises

MODULES = {
    "m0": ("start", "Start"),
    "m1": ("geometry", "Geometry of a shared space"),
    "m2": ("data", "Data and tokens"),
    "m3": ("encoders", "Encoders and their gradients"),
    "m4": ("contrastive", "Contrastive learning"),
    "m5": ("training", "Training"),
    "m6": ("zero_shot", "Zero-shot and prompts"),
    "m7": ("retrieval", "Retrieval and geometry"),
    "m8": ("captioning", "Captioning, VQA, bridge"),
    "m9": ("limits", "Limits"),
}


SHIPPED = Path(__file__).parent / "content" / "shipped_stubs.txt"


def exercises_folder() -> Path:
    """`exercises/` here or in a folder above, as a clone or `sync` has made it; otherwise the one to be made here."""
    for folder in (Path.cwd(), *Path.cwd().parents):
        there = folder / "exercises"
        if (there / "README.md").is_file() or (there / f"m0_{MODULES['m0'][0]}").is_dir():
            return there
    return Path.cwd() / "exercises"


def path_of(exercise: Exercise, folder: Path) -> Path:
    """exercises/m4_contrastive/e3_clip_loss.py for 4.3."""
    module, name = exercise.module.split(".")[-2:]
    return folder / f"{module}_{MODULES[module][0]}" / f"{name}.py"


def stub(exercise: Exercise) -> str:
    """The file as the learner finds it: the effort, the brief, and each function's signature and docstring."""
    head = f"{exercise.id} {exercise.title} ({exercise.points} point{'s' * (exercise.points > 1)})"
    parts = [f'"""{head}\n\n{exercise.effort}\n\n{exercise.brief}\n"""', "import numpy as np"]
    for name, function in exercise.solutions.items():
        tree = ast.parse(inspect.getsource(function))
        (definition,) = (node for node in tree.body if isinstance(node, ast.FunctionDef))
        arguments, says = ast.unparse(definition.args), written_docstring(definition)
        docstring = textwrap.indent(f'"""{says}\n"""' if "\n" in says else f'"""{says}"""', "    ")
        raises = f'    raise NotImplementedError("{exercise.id}: write {name}")'
        parts.append(f"\ndef {name}({arguments}):\n{docstring}\n{raises}")
    return "\n\n".join(parts) + "\n"


def solution_text(exercise: Exercise) -> str:
    """The marked solution, as it would stand in the file."""
    sources = (re.sub(r"^(@.*\n)+", "", inspect.getsource(function)) for function in exercise.solutions.values())
    return "import numpy as np\n\n\n" + "\n\n".join(sources)


def sync(folder: Path) -> dict[str, str]:
    """Make what is missing, and renew what was once shipped so, byte for byte: path -> made or renewed.

    Whatever else stands in a file is the learner's, were it a single blank.
    """
    done, shipped = {}, shipped_stubs()
    for exercise in all_exercises().values():
        path = path_of(exercise, folder)
        fresh = stub(exercise)
        if not os.path.lexists(path):
            write_whole(path, fresh)
            done[str(path)] = "made"
        elif (written := content(path)) != fresh.encode() and digest(written) in shipped:
            write_whole(path, fresh)
            done[str(path)] = "renewed"
    return done


def shipped_stubs() -> set[str]:
    """The digests of all stubs that any version has made; a test sees to it that today's are among them."""
    return set(SHIPPED.read_text().split())


def content(path: Path) -> bytes:
    """What stands in a learner's file; nothing where it is no file, or cannot be read."""
    try:
        return read_file(path)
    except OSError:
        return b""


def reset(exercise: Exercise, folder: Path) -> Path | None:
    """The stub again; what stood there is kept beside it as .bak, which is returned."""
    path = path_of(exercise, folder)
    backup = None
    if os.path.lexists(path) and content(path) != stub(exercise).encode():
        backup = path.with_suffix(".py.bak")
        number = 1
        while os.path.lexists(backup):
            number += 1
            backup = path.with_suffix(f".py.bak{number}")
        os.replace(path, backup)
    write_whole(path, stub(exercise))
    return backup


def write_whole(path: Path, text: str) -> None:
    """All of it or nothing, in folders that are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path.parent, path.name, text.encode())


if __name__ == "__main__":  # whoever has changed a stub adds its digest to those that were shipped
    today = {digest(stub(exercise).encode()) for exercise in all_exercises().values()}
    SHIPPED.write_text("\n".join(sorted(shipped_stubs() | today)) + "\n")
