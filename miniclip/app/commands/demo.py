"""miniclip demo: train the default model, score it, and draw all it can do on one page."""

from pathlib import Path

from ...machine.terminal import path
from ..arguments import add_recipe, recipe_of
from ..printing import with_scores

HELP = "train the default model, then show what it can do"
text = with_scores


def arguments(parser) -> None:
    parser.add_argument(
        "--out", type=path, metavar="DIR", default="runs/demo", help="the run folder (default: %(default)s)"
    )
    parser.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    add_recipe(parser)


def run(args) -> dict:
    from ...figures import save_figure
    from ...files.state import read_log
    from ...tasks.evaluate import evaluate
    from ...train.clip import train
    from ..show import run_overview

    recipe, picture = recipe_of(args), Path(args.out) / "demo.png"
    model = train(recipe, args.out, args.resume)
    save_figure(run_overview(model, read_log(args.out), recipe.seed), picture)
    return {"run": str(args.out), "picture": str(picture), "scores": evaluate(model, recipe.seed)}
