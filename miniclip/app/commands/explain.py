"""miniclip explain RUN IMAGE "red circle": which pixels and patches made it say so."""

from ...errors import quote
from ...machine.terminal import path
from ..arguments import METHOD_NAMES, add_picture, add_run, check_picture, open_run, save_picture
from ..printing import picture_line

HELP = "show which part of a picture speaks for a caption"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "explain")
    parser.add_argument(
        "image", type=path, metavar="IMAGE", help="a picture file, or 'example' for that in the package"
    )
    parser.add_argument("caption", metavar="CAPTION", help="for example 'red circle'")
    parser.add_argument("--method", choices=METHOD_NAMES, default=METHOD_NAMES[0], help="(default: %(default)s)")


def run(args) -> dict:
    from ..show import explanation

    check_picture(args)
    result, figure = explanation(open_run(args.run), args.image, args.caption, args.method)
    return {**result, **save_picture(args, figure)}


def text(result: dict) -> str:
    said = f"{quote(result['image'], 200)}: cosine {result['cosine']:z.2f} with {quote(result['caption'])}"
    rows = ["".join(f"{share:5.0%}" for share in row) for row in result["patches"]]
    what = f"each patch's share of the map, by {result['method'].replace('_', ' ')}:"
    found = [what, *rows] if result["peak"] else ["nothing in it speaks for that"]
    return "\n".join([said, *found, *picture_line(result)])
