"""Grades one person's files on a grading machine: `python -m miniclip.classroom.autograde m4,m5 --format json ...`

A learner's code does not run as the one who grades. Where this process is root, as in the containers of Gradescope and
PrairieLearn, that code runs as a user who owns nothing: it cannot write the results, nor read what this process keeps
to itself. The verdict is written to a place that only root knows, and moved over whatever lies where it belongs, after
all that the user has started is ended.
"""

import os
import shutil
import signal
import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from ..errors import ConfigError, MiniclipError, one_line, quote
from ..learn import sandbox
from ..learn.files import path_of
from ..learn.report import export_results
from ..learn.results import check_all, results
from ..learn.spec import Exercise
from ..learn.specs import all_exercises
from .course import TORCH, module_name

NOBODY = 61234  # a user and a group without a name, who own nothing


def listed(words: str) -> list[Exercise]:
    """The exercises of a list such as "m4,m5" or "4.3"."""
    asked = words.split(",")
    found = [one for one in all_exercises().values() if one.id in asked or module_name(one) in asked]
    unknown = set(asked) - {one.id for one in found} - {module_name(one) for one in found}
    if unknown:
        raise ConfigError(f"there is no exercise or module {quote(min(unknown))}, expected such as m4,m5 or 4.3")
    return found


def collect_files(submission: Path, exercises: list[Exercise], folder: Path) -> None:
    """Copy each exercise's file from a submission, whether it came flat or in folders; a link is no file."""
    found: dict[str, list[Path]] = {}
    for base, _, names in os.walk(submission):
        for name in sorted(names):
            path = Path(base, name)
            if path.is_file() and not path.is_symlink():
                found.setdefault(name, []).append(path)
    for one in exercises:
        target = path_of(one, folder)
        same = sorted(found.get(target.name, []), key=lambda path: (path.parent.name != target.parent.name, path))
        if same:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(same[0], target)


def check_machine(exercises: list[Exercise]) -> None:
    """A ConfigError where an exercise cannot be graded: without PyTorch, whoever imports it would be as right as we."""
    if any(one.id == TORCH for one in exercises) and not find_spec("torch"):
        raise ConfigError(f"exercise {TORCH} is about PyTorch, which is not installed here: pip install torch")


@contextmanager
def apart() -> Iterator[None]:
    """Where this process is root: what the sandbox starts runs as nobody, and nothing of it is left afterwards."""
    if os.geteuid():
        yield
        return
    sandbox.RUN_AS.update(user=NOBODY, group=NOBODY, extra_groups=[])
    try:
        yield
    finally:
        sandbox.RUN_AS.clear()
        end_all(NOBODY)


def end_all(user: int) -> None:
    """End every process of a user; again, until there is none, since one may have started others meanwhile."""
    for _ in range(100):
        found = [
            int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal() and owner(entry) == user
        ]
        if not found:
            return
        for number in found:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)


def owner(process: Path) -> int:
    """Who a process of /proc belongs to; -1 if it has ended, or only waits to be buried."""
    try:
        ended = process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
        return -1 if ended else process.stat().st_uid
    except OSError:
        return -1


def move_over(text: str, target: Path) -> None:
    """The verdict, in place of whatever a submission may have left there."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.is_dir() and not target.is_symlink():
        shutil.rmtree(target)
    staged = target.with_name(f"{target.name}.{os.getpid()}")
    staged.unlink(missing_ok=True)
    with open(staged, "x", encoding="utf-8") as file:
        file.write(text)
    os.replace(staged, target)


def grade_submission(exercises: list[Exercise], submission: Path, form: str) -> str:
    """The report on one submission, graded in a folder that only the grader can write."""
    with tempfile.TemporaryDirectory(prefix="miniclip-graded-") as name:
        home = Path(name)
        home.chmod(0o755)
        collect_files(submission, exercises, home / "exercises")
        with apart():
            found = check_all(exercises, home / "exercises")
        for one in found:
            one.file = one.file.removeprefix(f"{home}/")
        return export_results(results(found), form)


def main(argv: list[str] | None = None) -> int:
    """Grade, and put the verdict where it belongs."""
    parser = ArgumentParser("miniclip.classroom.autograde")
    parser.add_argument("which", help="such as m4,m5 or 4.3")
    parser.add_argument("--format", required=True, choices=("json", "gradescope", "classroom", "prairielearn"))
    parser.add_argument("--submission", type=Path, required=True)
    parser.add_argument("--out", type=Path, help="(default: standard output)")
    args = parser.parse_args(argv)
    os.umask(0o022)
    try:
        exercises = listed(args.which)
        check_machine(exercises)
        text = grade_submission(exercises, args.submission, args.format)
        if args.out:
            move_over(text, args.out)
        else:
            sys.stdout.write(text)
    except MiniclipError as error:
        print(f"miniclip: {one_line(error)}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
