"""miniclip export RUN DIR: copy a run without its training state, to share it."""

from ...machine.terminal import path
from ..arguments import add_run
from ..printing import lines

HELP = "copy a run without its training state, to share it"
text = lines


def arguments(parser) -> None:
    add_run(parser)
    parser.add_argument("out", type=path, metavar="DIR", help="a new folder")


def run(args) -> dict:
    from ...files.checkpoint import export

    return {"run": args.run, "out": args.out, "bytes": export(args.run, args.out)}
