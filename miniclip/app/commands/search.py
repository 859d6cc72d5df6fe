"""miniclip search RUN "a small red circle on the left": find pictures by a sentence, by pictures, or by both."""

from dataclasses import replace
from pathlib import Path

from ...errors import IndexFileError, InputError, MiniclipError, escape, quote
from ...machine.terminal import path
from ..arguments import (
    add_page,
    add_picture,
    check_page,
    check_picture,
    open_matcher,
    open_run,
    save_page,
    save_picture,
)
from ..own_data import READING, share, unseen_data
from ..printing import picture_line, sure

HELP = "find pictures by a sentence, by pictures, or by both"
REST = "images"


def arguments(parser) -> None:
    parser.add_argument("run", type=path, metavar="RUN", help="a run, or an index that `miniclip index` made")
    add_picture(parser, "search")
    add_page(parser, "search")
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
    parser.add_argument("--precision", type=share, metavar="SHARE",
                        help="return only what is likely right, or nothing: 0.9 is right in nine of ten")  # fmt: skip
    parser.add_argument("--judged", dest="data", type=path, metavar="FOLDER", help="of --precision: pictures with "
                        "captions, not trained on, which tell what scores mean (default: the world's)")  # fmt: skip
    parser.set_defaults(**READING)
    parser.add_argument("--run", dest="model", type=path, metavar="RUN", help="of an index: where its run is now")


def run(args) -> dict:
    from ...search.store import is_index
    from ..find import has_pictures, search, search_index
    from ..results_page import results_page

    check_picture(args)
    check_page(args)
    sentence, images = args.query, args.images
    if sentence is None and images:  # argparse has seen an option before them
        sentence, *images = images
    asked = {"query": sentence or "", "k": args.k, "images": args.image}
    if is_index(Path(args.run)):
        if images or args.rerank:
            raise InputError(f"{quote(args.run)} is an index, which has its pictures: leave out IMAGES and --rerank")
        name, model = indexing_model(args)
        cut = cut_of(args, model, name)
        result, figure = search_index(model, Path(args.run), among=args.among, cut=cut, **asked)
    elif args.among or args.model:
        raise InputError(f"--among and --run are for an index, got {quote(args.run)}: `miniclip index` makes one")
    else:
        matcher, model = open_matcher(args.rerank) if args.rerank else None, open_run(args.run)
        cut = cut_of(args, model, args.run)
        result, figure = search(model, matcher=matcher, paths=images, cut=cut, **asked)
    shown = save_picture(args, figure) if figure else {"picture": None}
    captions = is_index(Path(args.run)) and not has_pictures(Path(args.run), args.among)
    page = save_page(args, lambda target: results_page(result, target.parent, captions))
    return {**result, **shown, **page}


def cut_of(args, model, run: str):
    """How sure the search shall be, as the arguments say, or None."""
    from ...search.cut import Cut
    from ...search.precision import own_searches

    if args.precision is None:
        if args.data:
            raise InputError("--judged tells what --precision means: add --precision 0.9")
        return None
    cut = Cut(args.precision)
    return replace(cut, judged=own_searches(model, unseen_data(args, model, run)[0])) if args.data else cut


def indexing_model(args):
    """The name of the run that made an index, where it was or where --run says, and its model."""
    from ...search.store import read_about

    run = args.model or read_about(Path(args.run)).run
    if run is None:
        raise IndexFileError(f"{quote(args.run)} does not say which run made it: name it with --run")
    try:
        return run, open_run(run)
    except MiniclipError as error:
        if args.model:
            raise
        raise IndexFileError(f"the run that made {quote(args.run)} cannot be opened ({error}): where it is now, say "
                             "--run") from error  # fmt: skip


def text(result: dict) -> str:
    n = len(result["ids"])
    right, chances = result["right"] or [None] * n, result.get("chances") or [None] * n
    marks = {True: "right", False: "wrong", None: ""}
    rows = []
    for score, chance, id, found in zip(result["scores"], chances, result["ids"], right, strict=True):
        name = escape(id) if isinstance(id, str) else f"picture {id}"
        likely = [] if chance is None else [f"{sure(chance):>4}"]
        rows.append("  ".join([f"{score:z7.4f}", *likely, name, marks[found]]).rstrip())
    if not n:
        rows.append("nothing found")
    elif result.get("likely", n) > n:
        rows.append(f"{result['likely'] - n} more are likely right: --k {result['likely']} shows them")
    page = [f"page: {result['page']}"] if result.get("page") else []
    return "\n".join([*rows, *picture_line(result), *page])
