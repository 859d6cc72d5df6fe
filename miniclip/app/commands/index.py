"""miniclip index RUN FOLDER -o INDEX: make the index of a folder of pictures, or bring it up to date."""

from ...machine.terminal import path
from ..arguments import INDEX_KINDS, open_run, run_name
from ..printing import lines

HELP = "make the index of a folder of pictures, or bring it up to date"


def arguments(parser) -> None:
    parser.add_argument("run", type=path, metavar="RUN", help="a run, as elsewhere")
    parser.add_argument("folder", type=path, metavar="FOLDER", help="pictures, also in folders below")
    parser.add_argument("-o", "--out", type=path, metavar="INDEX", required=True, help="the index's folder")
    parser.add_argument(
        "--captions",
        type=path,
        metavar="FILE",
        help="sentences to search too: a text, one a line, or a dataset's folder",
    )
    parser.add_argument("--kind", choices=INDEX_KINDS, help="how it is searched: exact, or faster through faiss "
                        "(default: as it was, at first exact)")  # fmt: skip
    parser.add_argument("--links", action="store_true", help="follow links that lead out of the folder")


def run(args) -> dict:
    from tqdm import tqdm

    from ...search.folder import update_index

    with tqdm(unit="item", disable=None) as bar:

        def tell(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        model, name = open_run(args.run), run_name(args.run)
        found = update_index(args.out, model, name, args.folder, args.captions, args.links, args.kind, tell)
    return {"index": args.out, **found}


def text(result: dict) -> str:
    rest = {name: value for name, value in result.items() if name != "unreadable"}
    return lines(rest | {"unreadable": len(result["unreadable"])})
