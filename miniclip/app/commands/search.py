"""miniclip search RUN "a small red circle on the left": find pictures by a sentence."""

from ...machine.terminal import path
from ..arguments import add_picture, add_run, check_picture, open_matcher, open_run, save_picture
from ..printing import picture_line

HELP = "find pictures by a sentence"
REST = "images"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "search")
    parser.add_argument("query", metavar="SENTENCE", help="for example 'a small red circle on the left'")
    parser.add_argument(
        "images", nargs="*", type=path, metavar="IMAGE", help="picture files, or 'example' (default: drawings)"
    )
    parser.add_argument("--k", type=int, default=8, metavar="K", help="how many (default: %(default)s)")
    parser.add_argument(
        "--rerank", type=path, metavar="RUN", help="a fusion encoder, which puts the best in order again"
    )


def run(args) -> dict:
    from ..show import search

    check_picture(args)
    matcher = open_matcher(args.rerank) if args.rerank else None
    result, figure = search(open_run(args.run), args.query, args.k, matcher=matcher, paths=args.images)
    return {**result, **save_picture(args, figure)}


def text(result: dict) -> str:
    right = result["right"] or ["?"] * len(result["ids"])
    marks = {True: "right", False: "wrong", "?": ""}
    rows = [f"{score:z7.4f}  {id if isinstance(id, str) else f'picture {id}'}  {marks[found]}".rstrip()
            for score, id, found in zip(result["scores"], result["ids"], right, strict=True)]  # fmt: skip
    return "\n".join([*rows, *picture_line(result)])
