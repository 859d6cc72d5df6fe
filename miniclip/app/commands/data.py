"""miniclip data FOLDER: what a folder of pictures with captions holds, and what of it cannot be used."""

from ...errors import one_line, quote
from ...machine.terminal import path
from ..own_data import add_reading, read_data
from ..printing import lines

SHOWN = 20  # classes
HELP = "show what a folder of pictures with captions holds"


def arguments(parser) -> None:
    parser.add_argument("folder", type=path, metavar="FOLDER", help="pictures with captions, or in folders by class")
    parser.add_argument("--image-size", type=int, default=64, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, metavar="N", help="for the floor (default: %(default)s)")
    add_reading(parser)
    parser.set_defaults(max_bad=1.0)


def run(args) -> dict:
    from ...train.clip import TrainConfig
    from ...train.sources import FolderConfig, summary

    FolderConfig(args.image_size), TrainConfig(batch_size=args.batch_size)
    return summary(read_data(args, args.folder, args.image_size), args.batch_size)


def text(result: dict) -> str:
    rest = {key: value for key, value in result.items() if not isinstance(value, list | dict)}
    classes = [f"{'class':24}{quote(name, 60)}: {n}" for name, n in list(result["classes"].items())[:SHOWN]]
    if len(result["classes"]) > SHOWN:
        classes.append(f"{'class':24}and {len(result['classes']) - SHOWN} others: --json lists all of them")
    same = [f"{'the same picture':24}{', '.join(quote(name, 60) for name in names)}" for names in result["equal"]]
    problems = [f"{'left out':24}{quote(one['item'], 200)}: {one_line(one['reason'])}" for one in result["left_out"]]
    return "\n".join([lines(rest), *classes, *same, *problems])
