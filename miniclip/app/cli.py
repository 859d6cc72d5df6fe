"""`miniclip ...`: finds the command, runs it, and turns whatever comes of it into output and an exit code.

stdout has results, stderr has messages. Exit codes: 0 done, 1 a bug of ours, 2 usage, 3 bad input, 4 files or disk,
5 diverged or a process lost, 130 and 143 stopped by a signal.
"""

import json
import os
import signal
import sys
import tempfile
import traceback
import warnings
from importlib import import_module

# One BLAS thread: parts of a batch run on all cores, and two pools of threads only get in each other's way.
# This must be said before NumPy is first imported.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .. import __version__
from ..errors import CheckpointError, FileError, ImageError, MiniclipError, one_line, quote
from ..machine.terminal import Parser, settle_streams

COMMANDS = (
    "demo", "data", "train", "finetune", "eval", "zeroshot", "index", "search", "explain", "caption", "ask", "study",
    "lab", "export", "bench", "figures", "page", "class-pack", "class-marks",
)  # fmt: skip


def build_parser() -> Parser:
    """All commands and their arguments; a parsed command has its module as `command`."""
    parser = Parser("miniclip", description="CLIP small enough to hold in your head.")
    parser.add_argument("--version", action="version", version=f"miniclip {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name in COMMANDS:
        command = import_module(f".commands.{name.replace('-', '_')}", __package__)
        sub = commands.add_parser(name, help=command.HELP, description=command.HELP)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        sub.add_argument("--debug", action="store_true", help="show tracebacks")
        command.arguments(sub)
        sub.set_defaults(command=command)
    commands.add_parser("learn", help="graded exercises: miniclip learn --help", add_help=False)
    return parser


def parse_arguments(argv: list[str] | None):
    """The arguments; argparse itself takes no more of a list of files after an option (a command's REST)."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    name = getattr(args.command, "REST", "")
    if rest and (not name or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(map(quote, rest))}")
    if rest:
        setattr(args, name, getattr(args, name) + rest)
    return args


def main(argv: list[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    settle_streams()
    os.environ["MPLBACKEND"] = "agg"  # pictures are only written; a backend that is not installed ends an import
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["learn"]:
        return guarded(learn, words[1:])
    try:
        args = parse_arguments(words)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.filterwarnings("ignore", ".* encountered in matmul", RuntimeWarning)  # falsely, on macOS: numpy #28687
        warnings.filterwarnings("ignore", "Image size .* decompression bomb")  # such a picture is refused: we say so
        warnings.filterwarnings("ignore", "Image size .* exceeds limit")  # Pillow's: an error of ours follows
        warnings.simplefilter("ignore", DeprecationWarning)  # for the authors of libraries, not for users
        warnings.showwarning = lambda message, *_, **__: print(f"miniclip: note: {one_line(message)}", file=sys.stderr)
        return guarded(run_command, args, debug=args.debug)


def drop_output() -> None:
    """What cannot be written to standard output is let go, lest Python tries again, and complains, when it ends."""
    try:
        print(end="", flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def learn(words: list[str]) -> int:
    """`miniclip learn ...`, which has commands of its own."""
    from ..learn.commands import main as learn

    return learn(words)


def run_command(args) -> int:
    """Run a command and print its result."""
    result = args.command.run(args)
    if result:
        print(json.dumps(result, allow_nan=False) if args.json else args.command.text(result), flush=True)
    for one in result.get("unreadable", ()):
        print(f"miniclip: {one_line(one['error'])}", file=sys.stderr)
    if "unwritten" in result:  # the answer is out
        raise CheckpointError(result["unwritten"])
    return ImageError.exit_code if result.get("unreadable") else 0


def guarded(function, *args, debug: bool = False) -> int:
    """The function's exit code; or one line about what went wrong, and the code for that."""
    try:
        code = function(*args)
        if sys.stdout is None:
            raise FileError("standard output is closed: the results went nowhere")
        sys.stdout.flush()
        return code
    except BrokenPipeError:  # whoever reads our output, such as `head`, has seen enough
        drop_output()
        return 128 + signal.SIGPIPE
    except (MiniclipError, OSError, MemoryError) as error:
        drop_output()
        if debug:
            traceback.print_exc()
        print(f"miniclip: {one_line(error) or 'there is not enough memory'}", file=sys.stderr)
        return getattr(error, "exit_code", 4 if isinstance(error, OSError) else 3)
    except KeyboardInterrupt:
        print("miniclip: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", errors="backslashreplace", prefix="miniclip-", suffix=".txt", delete=False
        ) as file:
            traceback.print_exc(file=file)
        print(f"miniclip: a bug of ours: {one_line(repr(error))}; the traceback is in {file.name}", file=sys.stderr)
        return 1
