"""miniclip figures list | render ID... --out DIR | sheet --out FILE.png: the lecture figures."""

from ...errors import InputError

HELP = "the lecture figures: list them, render them to files, or all on one sheet"
REST = "ids"


def arguments(parser) -> None:
    parser.add_argument("what", choices=("list", "render", "sheet"))
    parser.add_argument("ids", nargs="*", metavar="ID", help="such as f03")
    parser.add_argument("--all", action="store_true", help="every figure")
    parser.add_argument("--out", metavar="PATH", help="the folder, or the sheet's file (default: slides, figures.png)")
    parser.add_argument("--format", help="svg, pdf, png, gif, mp4, or several: svg,png (default: svg)")
    parser.add_argument("--size", help="wide, half, square or paper (default: wide)")
    parser.add_argument("--theme", default="light", help="light or dark (default: %(default)s)")
    parser.add_argument("--run", default="default", metavar="RUN", help="where the numbers come from")


def run(args) -> dict:
    from ...figures.gallery import sheet
    from ...figures.lectures import Run, lectures
    from ...figures.render import chosen_figures, render

    chosen = [*args.ids, *(f"--{option}" for option in ("all", "format", "size") if getattr(args, option))]
    if chosen and args.what != "render":
        raise InputError(f"`figures {args.what}` is about all of them, and got {chosen[0]!r}: use `figures render`")
    if args.what == "list":
        return {"figures": {id: module.TITLE for id, module in lectures().items()}}
    source = Run(None if args.run == "default" else args.run)
    if args.what == "sheet":
        return {"files": [sheet(args.out or "figures.png", args.theme, source)]}
    ids = chosen_figures(args.ids, args.all)
    formats, size = (args.format or "svg").split(","), args.size or "wide"
    return {"files": render(ids, args.out or "slides", formats, size, args.theme, source)}


def text(result: dict) -> str:
    return "\n".join(result.get("files") or [f"{id}  {title}" for id, title in result["figures"].items()])
