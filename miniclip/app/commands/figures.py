"""miniclip figures list | render ID... --out DIR | sheet --out FILE.png: the lecture figures."""

from pathlib import Path

from ...errors import InputError, quote
from ...machine.disk import free_names, new_file
from ...machine.terminal import path
from ..arguments import open_run

HELP = "the lecture figures: list them, render them to files, or all on one sheet"
REST = "ids"


# What each of the three listens to, beside --json and --debug.
OPTIONS: dict[str, tuple[str, ...]] = {
    "list": (), "sheet": ("out", "theme", "run"), "render": ("all", "out", "format", "size", "theme", "run"),
}  # fmt: skip


def arguments(parser) -> None:
    parser.add_argument("what", choices=tuple(OPTIONS))
    parser.add_argument("ids", nargs="*", metavar="ID", help="such as f03")
    parser.add_argument("--all", action="store_true", help="every figure")
    said = "the folder, where files of the same names are replaced, or the sheet's file, new"
    parser.add_argument("--out", type=path, metavar="PATH", help=f"{said} (default: slides, figures.png)")
    parser.add_argument("--format", help="svg, pdf, png, gif, mp4, or several: svg,png (default: svg)")
    parser.add_argument("--size", help="wide, half, square or paper (default: wide)")
    parser.add_argument("--theme", help="light or dark (default: light)")
    parser.add_argument("--run", type=path, metavar="RUN", help="where the numbers come from (default: default)")


def run(args) -> dict:
    from ...figures.gallery import sheet
    from ...figures.lectures import lectures
    from ...figures.render import chosen_figures, render

    given = [option for option in OPTIONS["render"] if getattr(args, option)]
    ignored = [f"--{option}" for option in given if option not in OPTIONS[args.what]]
    if args.what != "render" and (chosen := [*args.ids, *ignored]):
        raise InputError(
            f"`figures {args.what}` is about all of them, and got {quote(chosen[0])}: use `figures render`"
        )
    if args.what == "list":
        return {"figures": {id: module.TITLE for id, module in lectures().items()}}
    theme, name = args.theme or "light", args.run or "default"
    if args.what == "sheet":
        target = new_file(args.out or next(free_names(Path("figures.png"))), ".png")
        return {"files": [sheet(target, theme, source(name))]}
    ids = chosen_figures(args.ids, args.all)
    formats, size = (args.format or "svg").split(","), args.size or "wide"
    return {"files": render(ids, args.out or "slides", formats, size, theme, source(name))}


def source(name: str):
    """The run that the numbers come from, opened: some figures would not notice that it is missing."""
    from ...figures.lectures import Run
    from ...files.checkpoint import run_folder
    from ...files.state import read_log

    folder = run_folder(name)
    open_run(name)
    read_log(folder)
    return Run(folder)


def text(result: dict) -> str:
    return "\n".join(result.get("files") or [f"{id}  {title}" for id, title in result["figures"].items()])
