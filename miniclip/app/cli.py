"""`miniclip ...`: each command is one public function call.

stdout has results, stderr has messages. Exit codes: 0 done, 1 a bug of ours, 2 usage, 3 bad input, 4 files or disk,
5 diverged, 130 and 143 stopped by a signal.
"""

import argparse
import json
import os
import sys
import tempfile
import traceback
import warnings

# One BLAS thread: each tower has a thread of its own, and two pools of threads only get in each other's way.
# This must be said before NumPy is first imported.
if "numpy" not in sys.modules:
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from .. import __version__
from ..errors import MiniclipError, quote
from .commands import COMMANDS, OPTIONS


def build_parser() -> argparse.ArgumentParser:
    """All commands and their arguments."""
    parser = argparse.ArgumentParser("miniclip", description="CLIP small enough to hold in your head.")
    parser.add_argument("--version", action="version", version=f"miniclip {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, help, run=True, picture=False):
        sub = commands.add_parser(name, help=help, description=help)
        sub.add_argument("--json", action="store_true", help="print one JSON object")
        sub.add_argument("--debug", action="store_true", help="show tracebacks")
        if run:
            sub.add_argument("run", metavar="RUN", help="a run folder, or 'default' for the one in the package")
        if picture:
            sub.add_argument("--out", metavar="FILE", default=f"{name}.png", help="the picture: .png, .svg or .pdf")
        return sub

    demo = command("demo", "train the default model, then show what it can do", run=False)
    demo.add_argument("--out", metavar="DIR", default="runs/demo", help="the run folder, new (default: %(default)s)")
    train = command("train", "train a model", run=False)
    train.add_argument("--out", metavar="DIR", required=True, help="the run folder: new, or with --resume begun before")
    train.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    train.add_argument("--backend", choices=("numpy", "torch"), default="numpy", help="(default: %(default)s)")
    train.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), help="of the torch backend (default: auto)")
    train.add_argument("--precision", choices=("fp32", "bf16"), help="of the torch backend (default: fp32)")
    train.add_argument("--compile", action="store_true", default=None, help="fuse the torch backend's towers")
    for sub in (demo, train):
        for name, kind in OPTIONS.items():
            sub.add_argument(f"--{name.replace('_', '-')}", type=kind, metavar="N", help=f"{name.replace('_', ' ')}")
    evaluate = command("eval", "print every score of a run beside its baselines")
    evaluate.add_argument("--n", type=int, default=512, metavar="N", help="pairs of each split (default: %(default)s)")
    zeroshot = command("zeroshot", "classify pictures by the names of the classes", picture=True)
    zeroshot.add_argument("--classes", required=True, help="names, separated by commas: 'red circle,blue star'")
    zeroshot.add_argument("images", nargs="*", metavar="IMAGE", help="picture files (default: six of split B)")
    search = command("search", "find pictures by a sentence", picture=True)
    search.add_argument("query", metavar="SENTENCE", help="for example 'a small red circle on the left'")
    search.add_argument("--k", type=int, default=8, metavar="K", help="how many (default: %(default)s)")
    caption = command("caption", "describe pictures in words", picture=True)
    caption.add_argument("images", nargs="*", metavar="IMAGE", help="picture files (default: six of split D)")
    caption.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 writes the likeliest word")
    caption.add_argument("--seed", type=int, default=0, metavar="N", help="of what a temperature draws")
    ask = command("ask", "answer a question about a picture")
    ask.add_argument("image", metavar="IMAGE", help="a picture file")
    ask.add_argument("question", metavar="QUESTION", help="for example 'how many circles are there?'")
    study = command("study", "train for one comparison and print its scores beside their baselines", run=False)
    study.add_argument("what", choices=("captioning", "vqa", "bridge", "system", "fusion"))
    study.add_argument("--seed", type=int, default=0, metavar="N", help="(default: %(default)s)")
    study.add_argument("--out", metavar="DIR", help="with system: a new run folder for it")
    export = command("export", "copy a run without its training state, to share it")
    export.add_argument("out", metavar="DIR", help="a new folder")
    bench = command("bench", "time training and encoding on this machine, beside PyTorch if it is here", run=False)
    bench.add_argument("--full", action="store_true", help="also how the cost grows, and a whole run (ten minutes)")
    bench.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="PyTorch alone, there")
    figures = command("figures", "the lecture figures: list them, render them to files, or all on one sheet", run=False)
    figures.add_argument("what", choices=("list", "render", "sheet"))
    figures.add_argument("ids", nargs="*", metavar="ID", help="such as f03")
    figures.add_argument("--all", action="store_true", help="every figure")
    figures.add_argument("--out", metavar="PATH", help="the folder, or the sheet's file (default: slides, figures.png)")
    figures.add_argument("--format", default="svg", help="svg, pdf, png, gif, mp4, or several: svg,png (default: svg)")
    figures.add_argument("--size", default="wide", help="wide, half, square or paper (default: %(default)s)")
    figures.add_argument("--theme", default="light", help="light or dark (default: %(default)s)")
    figures.add_argument("--run", default="default", metavar="RUN", help="where the numbers come from")
    commands.add_parser("learn", help="graded exercises: miniclip learn --help", add_help=False)
    return parser


def text_of(result: dict) -> str:
    """The result for people: one line a value, tables where there are tables."""
    if "numpy" in result:  # a benchmark: it says for which versions it holds
        from .bench import table

        return table(result)
    lines = []
    for key, value in result.items():
        if key == "scores" and isinstance(value, dict):
            lines += score_table(value)
        elif key == "captions":
            lines += [f"{quote(row['image'])}: {row['caption']}" for row in value]
        elif key == "figures":
            lines += [f"{id}  {title}" for id, title in value.items()]
        elif key == "files":
            lines += value
        elif key == "images":
            lines += [f"{quote(row['image'])}: {row['prediction']} ({max(row['probabilities']):.1%})" for row in value]
        elif isinstance(value, float):
            lines.append(f"{key:24}{value:.5g}")
        else:
            lines.append(f"{key:24}{value}")
    return "\n".join(lines)


def score_table(scores: dict) -> list[str]:
    """Rows of scores under the names of their columns; a row need not have them all."""
    columns = list(dict.fromkeys(column for row in scores.values() for column in row))
    wide, first = [max(len(column), 8) + 2 for column in columns], max(map(len, scores))
    lines = [" " * first + "".join(f"{column:>{n}}" for column, n in zip(columns, wide, strict=True))]
    for name, row in scores.items():
        cells = (number(row[column]) if column in row else "" for column in columns)
        lines.append(f"{name:{first}}" + "".join(f"{cell:>{n}}" for cell, n in zip(cells, wide, strict=True)))
    return lines


def number(value: float) -> str:
    """Three decimals, or a whole number with commas."""
    whole = value >= 1000 or (value > 1 and value == int(value))
    return f"{value:,.0f}" if whole else f"{value:.3f}"


def parse_arguments(argv: list[str] | None):
    """The arguments; argparse itself does not take pictures after an option."""
    parser = build_parser()
    args, rest = parser.parse_known_args(argv)
    if rest and (args.command not in ("zeroshot", "caption") or any(word.startswith("-") for word in rest)):
        parser.error(f"unrecognized arguments: {' '.join(map(quote, rest))}")
    if rest:
        args.images += rest
    return args


def main(argv: list[str] | None = None) -> int:
    """Run one command; the return value is the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if words[:1] == ["learn"]:
        return run(argparse.Namespace(command="learn", words=words[1:], json=False, debug=False))
    try:
        args = parse_arguments(argv)
    except SystemExit as stop:  # argparse has said why
        return int(stop.code or 0)
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.simplefilter("ignore", DeprecationWarning)  # for the authors of libraries, not for users
        warnings.showwarning = lambda message, *_, **__: print(f"miniclip: note: {message}", file=sys.stderr)
        return run(args)


def run(args) -> int:
    """Run the command, print its result or one line about what went wrong, and give the exit code."""
    try:
        if args.command == "learn":
            from ..learn.commands import main as learn

            return learn(args.words)
        result = COMMANDS[args.command](args)
        if result:
            print(json.dumps(result, allow_nan=False) if args.json else text_of(result))
        return 0
    except (MiniclipError, ValueError, TypeError, OSError, MemoryError) as error:
        if args.debug:
            traceback.print_exc()
        print(f"miniclip: {' '.join(str(error).split())}", file=sys.stderr)
        return getattr(error, "exit_code", 4 if isinstance(error, OSError) else 3)
    except KeyboardInterrupt:
        print("miniclip: stopped", file=sys.stderr)
        return 130
    except Exception as error:
        with tempfile.NamedTemporaryFile("w", prefix="miniclip-", suffix=".txt", delete=False) as file:
            traceback.print_exc(file=file)
        print(f"miniclip: a bug of ours: {error!r}; the traceback is in {file.name}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
