"""miniclip zeroshot RUN --classes "red circle,blue star" [IMAGES...]: classify pictures by the names of the classes."""

from ...errors import quote
from ..arguments import add_picture, add_run, new_picture, open_run

HELP = "classify pictures by the names of the classes"
REST = "images"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "zeroshot")
    parser.add_argument("--classes", required=True, help="names, separated by commas: 'red circle,blue star'")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="picture files, or 'example' (default: six of split B)"
    )


def run(args) -> dict:
    from ...figures import save
    from ..show import zeroshot

    picture = new_picture(args.out)
    class_names = [name.strip() for name in args.classes.split(",")]
    result, figure = zeroshot(open_run(args.run), class_names, args.images)
    save(figure, picture)
    return {**result, "picture": str(picture)}


def text(result: dict) -> str:
    rows = [f"{quote(row['image'])}: {row['prediction']} ({max(row['probabilities']):.1%})" for row in result["images"]]
    return "\n".join([*rows, f"picture: {result['picture']}"])
