"""miniclip class-pack --modules m4,m5 --out DIR: everything that a class of some modules needs."""

from ...machine.terminal import path
from ..printing import lines

HELP = "everything to teach some modules: exercises, graders, quiz, slides, plans, cards"
text = lines


def arguments(parser) -> None:
    parser.add_argument("--modules", required=True, metavar="M", help="such as m4,m5")
    parser.add_argument("--out", type=path, metavar="DIR", required=True, help="a new folder")


def run(args) -> dict:
    from tqdm import tqdm

    from ...classroom.course import Course
    from ...classroom.pack import class_pack

    course = Course.of(args.modules)
    files = class_pack(course, args.out, lambda parts: tqdm(parts, unit="part", disable=None))
    return {"out": args.out, "modules": course.name, "exercises": len(course.exercises), "points": course.points,
            "files": len(files)}  # fmt: skip
