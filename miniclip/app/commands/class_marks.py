"""miniclip class-marks RESULTS --roster FILE --modules m4,m5 --out FILE: points into a platform's list of learners."""

import sys
from pathlib import Path

from ...machine.disk import new_file
from ...machine.terminal import path
from ..printing import lines

HELP = "the points of a class, for the gradebook of Canvas or Moodle"
text = lines


def arguments(parser) -> None:
    parser.add_argument("results", type=path, metavar="RESULTS", help="a folder of JSON files, one a learner")
    parser.add_argument("--roster", type=path, required=True, metavar="FILE", help="the learners, as exported there")
    parser.add_argument("--modules", required=True, metavar="M", help="such as m4,m5")
    parser.add_argument("--out", type=path, metavar="FILE", required=True, help="a new .csv")


def run(args) -> dict:
    from ...classroom.course import Course
    from ...classroom.marks import marks, read_roster
    from ...errors import quote
    from ...files.storage import write_new
    from ...learn.report import load_class

    target = new_file(args.out, ".csv")
    course, people, roster = Course.of(args.modules), load_class(Path(args.results)), read_roster(Path(args.roster))
    table, unknown = marks(course, people, roster)
    write_new(target, table.encode())
    for name in unknown:
        print(f"miniclip: note: nobody in {quote(Path(args.roster))} is called {quote(name)}", file=sys.stderr)
    return {"out": args.out, "learners": len(roster), "marked": len(people) - len(unknown), "unknown": unknown}
