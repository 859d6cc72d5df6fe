"""`miniclip learn ...`. Exit codes: 0 all passed, 1 not yet, 2 usage, 3 a fault of the grader."""

import json
import sys
from pathlib import Path

from ..errors import ConfigError, DataError, InputError, one_line, quote
from ..files.storage import write_new
from ..machine.disk import new_file
from ..machine.terminal import Parser, path, read_line
from . import practice, report, screen
from .files import exercises_folder, path_of, reset, solution_text, sync
from .results import check_all, forget, load_progress, remember, results
from .session import watch
from .specs import all_exercises


def learn_parser() -> Parser:
    """All commands of `learn`."""
    parser = Parser("miniclip learn", description="Fifty graded exercises. Without a command: go on.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name, help, *which, **options):
        sub = commands.add_parser(name, help=help, description=help)
        for argument in which:
            sub.add_argument(argument, **options)
        return sub

    check = command("check", "check one exercise, a module such as m4, or all", "which", nargs="?", default="all")
    check.add_argument("--all", dest="which", action="store_const", const="all", help="all exercises (the default)")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    hint = command("hint", "show a hint", "which", nargs="?")
    hint.add_argument("--rung", type=int, choices=(1, 2, 3), default=1, help="which of the three (default: 1)")
    command("list", "all exercises and how far you are")
    command("show", "show the task", "which")
    command("solution", "show the marked solution", "which")
    command("reset", "start an exercise again; your file is kept as .bak", "which")
    command("sync", "make missing files, renew untouched ones")
    command("doctor", "is everything here that the exercises need?")
    sub = command("quiz", "twenty questions, by section or all")
    sub.add_argument("section", nargs="?", choices=practice.SECTIONS, help="(default: all)")
    sub = command("cards", "flashcards: review what is due, or print them")
    sub.add_argument("--print", type=path, metavar="FILE", help="a new .pdf or .html, one card a page")
    sub.add_argument("--anki", type=path, metavar="FILE", help="a new .txt for Anki's import")
    sub.add_argument("--size", choices=("A6", "A4", "Letter", "5x3"), default="A6", help="(default: %(default)s)")
    sub.add_argument("--duplex", action="store_true", help="questions and answers on pages of their own")
    sub.add_argument("--seed", action="store_true", help="only the nine of the practice page")
    sub = command("cheatsheet", "the tables of the course")
    sub.add_argument("--print", type=path, metavar="FILE", help="a new .pdf or .md")
    sub = command("report", "write your results, or a class's, for another tool")
    sub.add_argument("--format", choices=report.FORMATS, default="json", help="(default: %(default)s)")
    sub.add_argument("-o", "--out", type=path, metavar="FILE", help="(default: standard output)")
    sub.add_argument(
        "--class", dest="class_folder", type=path, metavar="DIR", help="a folder of results.json files, one a person"
    )
    sub.add_argument("--quiz", action="store_true", help="with the quiz's twenty points")
    sub.add_argument("--unmatched", action="store_true", help="only what no known wrong answer gives, for new hints")
    sub.add_argument("--wide", action="store_true", help="with --class: a table of points, an exercise a column")
    return parser


def chosen_exercises(which: str | None):
    """The exercises that a word names: 4.3, m4, or all; without one, the first that is not passed."""
    exercises = all_exercises()
    if which == "all":
        return list(exercises.values())
    if which is None:
        known = load_progress(exercises_folder())
        still = [one for id, one in exercises.items() if known.get(id, {}).get("status") != "pass"]
        return still[:1] or list(exercises.values())[-1:]
    found = [one for id, one in exercises.items() if which in (id, f"m{id.split('.')[0]}")]
    if not found:
        raise ConfigError(f"there is no exercise {quote(which)}, expected a number such as 4.3, or a module such as m4")
    return found


def run_check(args) -> int:
    """Check exercises, keep and print what came out."""
    folder = exercises_folder()
    exercises = chosen_exercises(args.which)
    found = check_all(exercises, folder)
    try:
        known = remember(found, folder)
    except OSError as error:  # the verdict matters more
        known = {one.id: one.record() for one in found}
        print(f"miniclip: your progress could not be saved ({error.strerror})", file=sys.stderr)
    if args.json:
        print(json.dumps(results(found)))
    elif len(found) == 1:
        print(screen.verdict(exercises[0], found[0]))
    else:
        print(screen.exercise_list(known, {one.id: one for one in exercises}))
    if any(one.status == "grader_error" for one in found):
        return 3
    return 0 if all(one.status == "pass" for one in found) else 1


def run_report(args) -> int:
    """Write results, one's own or a class's, in another tool's form."""
    target = new_file(args.out) if args.out else None  # told before the work begins
    if args.class_folder:
        people = report.load_class(Path(args.class_folder))
        text = report.wide(people) if args.wide else report.class_report(people)
    else:
        found = check_all(list(all_exercises().values()), exercises_folder())
        found += practice.quiz_results(exercises_folder()) if args.quiz else []
        text = report.export_results(results(found), args.format, Path.cwd().name)
        text = report.unmatched(found, all_exercises()) if args.unmatched else text
    if target:
        write_new(target, text.encode())
    else:
        sys.stdout.write(text)
    return 0


def run_doctor(args) -> int:
    """What could stand in the way, a line each."""
    folder = exercises_folder()
    missing = [str(path_of(one, folder)) for one in all_exercises().values() if not path_of(one, folder).exists()]
    print(f"exercises   {folder}")
    print(f"files       {len(all_exercises()) - len(missing)} of {len(all_exercises())}"
          + (": `miniclip learn sync` makes the others" if missing else ""))  # fmt: skip
    first = next(iter(all_exercises().values()))
    result = check_all([first], folder)[0]
    print(f"grader      {'works' if result.status != 'grader_error' else result.hint}")
    return 0 if not missing and result.status != "grader_error" else 1


def main(argv: list[str]) -> int:
    """One command of `learn`."""
    try:
        args = learn_parser().parse_args(argv)
    except SystemExit as stop:
        return int(stop.code or 0)
    try:
        return run_learn(args)
    except (ConfigError, DataError, InputError) as error:
        print(f"miniclip: {one_line(error)}", file=sys.stderr)
        return 2


def run_learn(args) -> int:
    """Do what the arguments say."""
    folder = exercises_folder()
    if args.command is None:
        return watch(folder, read_line, print)
    if args.command in ("check", "report", "doctor"):
        return {"check": run_check, "report": run_report, "doctor": run_doctor}[args.command](args)
    if args.command == "quiz":
        return practice.quiz(folder, args.section, read_line, print)
    if args.command == "cards":
        return practice.cards(args, folder, read_line, print)
    if args.command == "cheatsheet":
        return practice.cheatsheet(args, print)
    if args.command == "list":
        print(screen.exercise_list(load_progress(folder), all_exercises()))
    elif args.command == "sync":
        done = sync(folder)
        print("\n".join(f"{how:8} {path}" for path, how in done.items()) or "Everything is up to date.")
    else:
        one = chosen_exercises(args.which)[0]
        if args.command == "reset":
            backup = reset(one, folder)
            forget(one.id, folder)
            print(f"{path_of(one, folder)} is a stub again" + (f"; yours is in {backup}" if backup else ""))
        else:
            said = {"hint": lambda: screen.rung(one, args.rung - 1), "solution": lambda: solution_text(one),
                    "show": lambda: screen.brief(one, path_of(one, folder))}  # fmt: skip
            print(said[args.command]())
    return 0
