"""miniclip search RUN "a small red circle on the left": find pictures by a sentence, by pictures, or by both."""

from pathlib import Path

from ...errors import IndexFileError, InputError, MiniclipError, quote
from ...machine.terminal import path
from ..arguments import add_picture, check_picture, open_matcher, open_run, save_picture
from ..printing import picture_line

HELP = "find pictures by a sentence, by pictures, or by both"
REST = "images"


def arguments(parser) -> None:
    parser.add_argument("run", type=path, metavar="RUN", help="a run, or an index that `miniclip index` made")
    add_picture(parser, "search")
    sums = """such as 'a small red circle', or a sum: '"red" + 0.5 * "circle" - "sketch"'"""
    parser.add_argument("query", nargs="?", metavar="SENTENCE", help=sums)
    parser.add_argument(
        "images", nargs="*", type=path, metavar="IMAGE", help="picture files, or 'example' (default: drawings)"
    )
    parser.add_argument("--image", action="append", default=[], type=path, metavar="FILE",
                        help="a picture to search by, also beside a sentence; may be given several times")  # fmt: skip
    parser.add_argument("--k", type=int, default=8, metavar="K", help="how many (default: %(default)s)")
    parser.add_argument(
        "--rerank", type=path, metavar="RUN", help="a fusion encoder, which puts the best in order again"
    )
    parser.add_argument("--among", choices=("pictures", "captions"), help="of an index (default: pictures)")
    parser.add_argument("--run", dest="model", type=path, metavar="RUN", help="of an index: where its run is now")


def run(args) -> dict:
    from ...search.store import is_index
    from ..find import search, search_index

    check_picture(args)
    sentence, images = args.query, args.images
    if sentence is None and images:  # argparse has seen an option before them
        sentence, *images = images
    asked = {"query": sentence or "", "k": args.k, "images": args.image}
    if is_index(Path(args.run)):
        if images or args.rerank:
            raise InputError(f"{quote(args.run)} is an index, which has its pictures: leave out IMAGES and --rerank")
        result, figure = search_index(indexing_model(args), Path(args.run), among=args.among, **asked)
    elif args.among or args.model:
        raise InputError(f"--among and --run are for an index, got {quote(args.run)}: `miniclip index` makes one")
    else:
        matcher = open_matcher(args.rerank) if args.rerank else None
        result, figure = search(open_run(args.run), matcher=matcher, paths=images, **asked)
    return {**result, **(save_picture(args, figure) if figure else {"picture": None})}


def indexing_model(args):
    """The model that made an index, where it was or where --run says."""
    from ...search.store import read_about

    run = args.model or read_about(Path(args.run)).run
    if run is None:
        raise IndexFileError(f"{quote(args.run)} does not say which run made it: name it with --run")
    try:
        return open_run(run)
    except MiniclipError as error:
        if args.model:
            raise
        raise IndexFileError(f"the run that made {quote(args.run)} cannot be opened ({error}): where it is now, say "
                             "--run") from error  # fmt: skip


def text(result: dict) -> str:
    right = result["right"] or ["?"] * len(result["ids"])
    marks = {True: "right", False: "wrong", "?": ""}
    rows = [f"{score:z7.4f}  {id if isinstance(id, str) else f'picture {id}'}  {marks[found]}".rstrip()
            for score, id, found in zip(result["scores"], result["ids"], right, strict=True)]  # fmt: skip
    return "\n".join([*rows, *picture_line(result)])
