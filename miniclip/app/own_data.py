"""Arguments of the commands that read a folder of the user's own pictures, and the reading."""

import os
import warnings
from argparse import ArgumentTypeError
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError, quote
from ..machine.terminal import path
from .arguments import TEMPLATE_NAMES

READING = {"templates": None, "max_bad": 0.05, "strict": False, "links": False, "cache": None}  # unless it is said


def add_reading(parser) -> None:
    """How a folder is read, for `read_data`."""
    parser.set_defaults(**READING)
    parser.add_argument("--templates", choices=TEMPLATE_NAMES,
                        help="what makes captions of the names of classes (default: clip7)")  # fmt: skip
    parser.add_argument("--max-bad", type=share, metavar="SHARE",
                        help="the largest share of items that may be left out (default: %(default)s)")  # fmt: skip
    parser.add_argument("--strict", action="store_true", help="leave out none")
    parser.add_argument("--links", action="store_true", help="follow links that lead out of the folder")
    parser.add_argument("--cache", type=path, metavar="DIR", help="where decoded pictures are kept")


def share(text: str) -> float:
    """A number from 0 to 1 from the command line."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise ArgumentTypeError(f"{quote(text)} is no share, expected a number from 0 to 1")
    return value


def read_data(args, folder: str, side: int, model=None):
    """The dataset in a folder, with pictures of a side, read as the arguments say, with a bar; for a model, if any."""
    from ..datasets.dataset import read_dataset
    from ..tasks.zero_shot import template_set, templates_of

    templates = templates_of(model, args.templates) if model else template_set(args.templates or "clip7")
    with decoding_bar() as tell:
        return read_dataset(
            folder, side, templates, links=args.links, max_bad=args.max_bad, strict=args.strict,
            cache=Path(args.cache) if args.cache else None, tell=tell,
        )  # fmt: skip


def add_folder(parser) -> None:
    """What to learn from a folder, for `pairs_source`."""
    parser.add_argument("--data", type=path, metavar="FOLDER",
                        help="pictures with captions, or in folders by class (default: the world)")  # fmt: skip
    parser.add_argument("--image-size", type=int, metavar="N", help="of --data (default: 64)")
    parser.add_argument("--context", type=int, dest="context_length", metavar="N", help="of --data (default: 32)")
    parser.add_argument("--val", type=share, metavar="SHARE", help="of --data, never trained on (default: 0.1)")
    parser.add_argument("--tokens", choices=("words", "byte_pairs"), help="of --data (default: words)")
    parser.add_argument("--augment", type=lambda text: tuple(text.split(",")), metavar="crop,flip",
                        help="show parts of pictures of --data, and mirror images; 'left' is wrong there")  # fmt: skip


FOLDER_OPTIONS = ("image_size", "context_length", "val", "tokens", "augment")


def pairs_source(args, recipe):
    """Where the pairs of a run come from, as the arguments say."""
    from ..data.tokenizer import Tokenizer
    from ..files.state import check_fresh
    from ..train.sources import Folder, FolderConfig, World, expected_floor

    given = {name: getattr(args, name) for name in FOLDER_OPTIONS if getattr(args, name) is not None}
    check_has_data(args, given)
    if not args.data:
        return World(recipe.seed)
    config = FolderConfig(**given)
    recipe.model(Tokenizer([]), config.image_size)  # told before the work: whether such a model can be
    if not args.resume and os.path.isdir(args.out):
        check_fresh(Path(args.out))
    source = Folder(read_data(args, args.data, config.side), config, recipe.seed, recipe.batch_size)
    if floor := expected_floor(source.training, recipe.batch_size):
        again = len(source.texts) - len(set(source.texts))
        warnings.warn(
            f"{again:,} of {len(source.texts):,} captions stand there before: no loss can fall below {floor:.3f} in "
            "the mean; --loss multi_positive counts each of them as right", stacklevel=2,
        )  # fmt: skip
    return source


def check_has_data(args, given=()) -> None:
    """A ConfigError for options of a folder where none is named: `given`, and how it is read."""
    given = [*given, *(name for name, usual in READING.items() if getattr(args, name) != usual)]
    if given and not args.data:
        option = given[0].removesuffix("_length").replace("_", "-")
        raise ConfigError(f"--{option} is for pictures of one's own: add --data FOLDER")


def unseen_data(args, model, run: str):
    """(the pictures of --data that a run was not trained on, how many others there are)"""
    import numpy as np

    from ..files.checkpoint import run_folder
    from ..train.sources import SHORT, trained_pictures

    side, seen = trained_pictures(run_folder(run))
    data = read_data(args, args.data, side or model.image_size, model)
    unseen = np.array([digest[:SHORT] not in seen for digest in data.digests])
    return data[np.flatnonzero(unseen)], int((~unseen).sum())


@contextmanager
def decoding_bar():
    """A bar for what is decoded, which begins with the first picture; a function of (done, total)."""
    from tqdm import tqdm

    bars: list[tqdm] = []

    def tell(done: int, total: int) -> None:
        if not bars:
            bars.append(tqdm(total=total, unit="picture", desc="decode", disable=None))
        bars[0].update(done - bars[0].n)
        if done == total:
            bars[0].close()  # what is said next has a line of its own

    try:
        yield tell
    finally:
        for bar in bars:
            bar.close()
