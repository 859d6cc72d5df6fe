"""miniclip page --out clip.html: CLIP in one file for a browser, where it runs and trains."""

from pathlib import Path

from ...machine.disk import free_names
from ...machine.terminal import path

HELP = "write CLIP as one page that runs and trains in a browser, without network"


def arguments(parser) -> None:
    parser.add_argument("--out", type=path, metavar="FILE.html", help="a new file (default: clip.html)")


def run(args) -> dict:
    from ...page.build import write_page

    target = write_page(args.out or next(free_names(Path("clip.html"))))
    return {"file": str(target), "bytes": target.stat().st_size}


def text(result: dict) -> str:
    return f"{result['file']}: {result['bytes'] / 1e6:.1f} MB; open it in a browser"
