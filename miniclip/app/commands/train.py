"""miniclip train --out DIR: train a CLIP on the world."""

from ...machine.terminal import path
from ..arguments import add_backend, add_recipe, backend_of, recipe_of
from ..printing import lines

HELP = "train a model"
text = lines


def arguments(parser) -> None:
    parser.add_argument("--out", type=path, metavar="DIR", required=True, help="the run folder, new unless --resume")
    parser.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    add_backend(parser)
    add_recipe(parser)


def run(args) -> dict:
    from ...files.state import read_log
    from ...train.clip import train

    recipe = recipe_of(args)
    with backend_of(args) as backend:
        train(recipe, args.out, args.resume, backend)
        return {"run": str(args.out), **read_log(args.out)[-1]} if backend.reports else {}
