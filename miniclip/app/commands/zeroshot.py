"""miniclip zeroshot RUN --classes "red circle,blue star" [IMAGES...]: classify pictures by the names of the classes."""

from ...errors import quote
from ...machine.terminal import path
from ..arguments import TEMPLATE_NAMES, add_picture, add_run, check_picture, open_run, save_picture
from ..printing import picture_line

HELP = "classify pictures by the names of the classes"
REST = "images"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "zeroshot")
    parser.add_argument("--classes", required=True, help="names, separated by commas: 'red circle,blue star'")
    parser.add_argument("--templates", choices=TEMPLATE_NAMES, help="(default: world, or clip7 for a real CLIP)")
    parser.add_argument(
        "images", nargs="*", type=path, metavar="IMAGE", help="picture files, or 'example' (default: six of split B)"
    )


def run(args) -> dict:
    from ..show import zeroshot

    check_picture(args)
    class_names = [name.strip() for name in args.classes.split(",")]
    result, figure = zeroshot(open_run(args.run), class_names, args.images, templates=args.templates)
    return {**result, **save_picture(args, figure)}


def text(result: dict) -> str:
    rows = [
        f"{quote(row['image'], 200)}: {row['prediction']} ({max(row['probabilities']):.1%})"
        + (f", but none of these fits: rather {quote(row['nearer'])}" if row["nearer"] else "")
        for row in result["images"]
    ]
    return "\n".join([*rows, *picture_line(result)])
