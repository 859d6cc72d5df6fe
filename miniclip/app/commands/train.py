"""miniclip train --out DIR: train a CLIP on the world, or on pictures of one's own."""

from ...machine.terminal import path
from ..arguments import add_backend, add_recipe, backend_of, recipe_of
from ..own_data import add_folder, add_reading, pairs_source
from ..printing import lines

HELP = "train a model"
text = lines


def arguments(parser) -> None:
    parser.add_argument("--out", type=path, metavar="DIR", required=True, help="the run folder, new unless --resume")
    parser.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    add_backend(parser)
    add_recipe(parser)
    add_folder(parser)
    add_reading(parser)


def run(args) -> dict:
    from ...files.state import read_log
    from ...train.clip import train

    recipe = recipe_of(args)
    source = pairs_source(args, recipe)
    with backend_of(args) as backend:
        train(recipe, args.out, args.resume, backend, source)
        return {"run": str(args.out), **read_log(args.out)[-1]} if backend.reports else {}
