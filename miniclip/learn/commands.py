"""`miniclip learn ...`. Exit codes: 0 all passed, 1 not yet, 2 usage, 3 a fault of the grader."""

import json
import sys
from pathlib import Path

from ..errors import ConfigError, DataError, InputError, one_line
from ..files.storage import write_new
from ..machine.disk import new_file
from ..machine.terminal import Parser, path, read_line
from . import beside, practice, report, screen
from .files import exercises_folder, path_of, reset, solution_text, sync
from .grade import Result
from .kept import RUNGS, next_hint, see_hint
from .results import check_all, forget, load_progress, remember, results
from .rewards import has_reward, show_in_terminal
from .session import PLACE, named, watch
from .spec import Exercise
from .specs import all_exercises

GO = "go"  # what is meant where no command is named


def learn_parser() -> Parser:
    """All commands of `learn`."""
    parser = Parser("miniclip learn", description="Fifty graded exercises. Without a command: go on; with a number or "
                    "a module, such as 4.3 or m4: go there.")  # fmt: skip
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")

    def command(name, help, *which, **options):
        sub = commands.add_parser(name, help=help, description=help)
        for argument in which:
            sub.add_argument(argument, **options)
        return sub

    go = command(
        GO, "go on, or go to an exercise, and check it whenever its file is saved", "which", nargs="?", default=""
    )
    go.add_argument("--no-watch", action="store_true", help="check only when Enter is pressed")
    check = command("check", "check one exercise, a module such as m4, or all", "which", nargs="?", default="all")
    check.add_argument("--all", dest="which", action="store_const", const="all", help="all exercises (the default)")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    hint = command("hint", "show the next hint", "which", nargs="?")
    hint.add_argument("--rung", type=int, choices=range(1, RUNGS + 1), help="which of the three (default: the next)")
    command("list", "all exercises, or those of a module, and how far you are", "which", nargs="?", default="all")
    command("show", "show the task", "which")
    command("show-case", "a case that fails, as code to paste, and what your code printed in it", "which", nargs="?")
    command("solution", "show the marked solution; once you pass, beside yours", "which")
    command("reward", "your function at work, once it passes", "which")
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
    return named(which)


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
        print(judged(exercises[0], found[0]))
    else:
        print(screen.exercise_list(known, {one.id: one for one in exercises}))
    if any(one.status == "grader_error" for one in found):
        return 3
    return 0 if all(one.status == "pass" for one in found) else 1


def judged(one: Exercise, result: Result) -> str:
    """The verdict on one exercise; of one that passes also what there is to see now."""
    if result.status != "pass":
        return screen.verdict(one, result)
    then = [f"solution {one.id}", *[f"reward {one.id}"] * has_reward(one.id)]
    see = "\n".join(screen.wrapped(f"To see: `miniclip learn {'`, `miniclip learn '.join(then)}`"))
    return f"{screen.verdict(one, result, beside.what_differs_in(one, Path(result.file)))}\n{see}"


def run_show_case(args) -> int:
    """Check an exercise, print a case that fails."""
    one = chosen_exercises(args.which)[0]
    (found,) = check_all([one], exercises_folder())
    print(screen.case_text(found.failing, found.said) if found.failing else judged(one, found))
    return 0 if found.status == "pass" else 1


def solution_shown(one: Exercise, folder: Path) -> str:
    """The marked solution; beside the learner's once that passes."""
    (found,) = check_all([one], folder)
    return beside.in_terminal(one, path_of(one, folder)) if found.status == "pass" else solution_text(one)


def hint_text(one: Exercise, folder: Path, rung: int | None) -> str:
    """The next hint, or the one that is asked for."""
    if rung:
        see_hint(one.id, rung - 1, folder)
    return screen.rung(one, rung - 1 if rung else next_hint(one.id, folder))


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
    if not {*argv} & {"-h", "--help"} and (not argv or argv[0].startswith("-") or PLACE.fullmatch(argv[0])):
        argv = [GO, *argv]
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
    if args.command == GO:
        return watch(folder, read_line, print, args.which, not args.no_watch)
    others = {"check": run_check, "report": run_report, "doctor": run_doctor, "show-case": run_show_case}
    if args.command in others:
        return others[args.command](args)
    if args.command == "quiz":
        return practice.quiz(folder, args.section, read_line, print)
    if args.command == "cards":
        return practice.cards(args, folder, read_line, print)
    if args.command == "cheatsheet":
        return practice.cheatsheet(args, print)
    if args.command == "list":
        print(screen.exercise_list(load_progress(folder), {one.id: one for one in chosen_exercises(args.which)}))
    elif args.command == "sync":
        done = sync(folder)
        print("\n".join(f"{how:8} {path}" for path, how in done.items()) or "Everything is up to date.")
    else:
        one = chosen_exercises(args.which)[0]
        if args.command == "reward":
            show_in_terminal(one.id, folder, print)
        elif args.command == "reset":
            backup = reset(one, folder)
            forget(one.id, folder)
            see_hint(one.id, -1, folder)
            print(f"{path_of(one, folder)} is a stub again" + (f"; yours is in {backup}" if backup else ""))
        else:
            said = {"hint": lambda: hint_text(one, folder, args.rung), "solution": lambda: solution_shown(one, folder),
                    "show": lambda: screen.brief(one, path_of(one, folder))}  # fmt: skip
            print(said[args.command]())
    return 0
