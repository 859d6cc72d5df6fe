"""miniclip index RUN FOLDER -o INDEX: make the index of a folder of pictures, or bring it up to date; or export one."""

from ...errors import InputError
from ...machine.terminal import path
from ..arguments import INDEX_KINDS, open_run, run_name
from ..printing import lines

HELP = "make the index of a folder of pictures, or bring it up to date; or export one"


def arguments(parser) -> None:
    parser.add_argument("run", type=path, metavar="RUN", help="a run, as elsewhere; for --export an index")
    parser.add_argument("folder", nargs="?", type=path, metavar="FOLDER", help="pictures, also in folders below")
    parser.add_argument("-o", "--out", type=path, metavar="INDEX", help="the index's folder")
    parser.add_argument(
        "--captions",
        type=path,
        metavar="FILE",
        help="sentences to search too: a text, one a line, or a dataset's folder",
    )
    parser.add_argument("--kind", choices=INDEX_KINDS, help="how it is searched: exact, or faster through faiss "
                        "(default: as it was, at first exact)")  # fmt: skip
    parser.add_argument(
        "--export", type=path, metavar="DIR", help="write an index into a new folder, for other engines"
    )
    parser.add_argument("--links", action="store_true", help="follow links that lead out of the folder")


def run(args) -> dict:
    if args.export:
        if args.folder or args.out or args.captions or args.kind or args.links:
            raise InputError("--export is of an index that is there: miniclip index INDEX --export DIR")
        from ...search.export import export_index

        return {"index": args.run, "out": args.export, **export_index(args.run, args.export)}
    if not args.folder or not args.out:
        raise InputError("name the pictures and the index: miniclip index RUN FOLDER -o INDEX")
    return bring_up_to_date(args)


def bring_up_to_date(args) -> dict:
    """Make the index, or change it, with a bar."""
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
    return lines({name: len(value) if name == "unreadable" else value for name, value in result.items()})
