"""miniclip eval RUN: every score of a run beside its baselines."""

from ...machine.terminal import path
from ..arguments import add_run, add_seed, open_run
from ..own_data import add_reading, check_has_data, unseen_data
from ..printing import with_scores

HELP = "print every score of a run beside its baselines"
text = with_scores


def arguments(parser) -> None:
    add_run(parser)
    add_seed(parser, "of the test pairs")
    parser.add_argument("--n", type=int, default=512, metavar="N", help="pairs of each split (default: %(default)s)")
    parser.add_argument("--data", type=path, metavar="FOLDER", help="score it on pictures that it was not trained on")
    add_reading(parser)


def run(args) -> dict:
    from ...tasks.evaluate import evaluate
    from ...tasks.own_pictures import evaluate_dataset
    from ...tasks.zero_shot import templates_of

    check_has_data(args)
    model = open_run(args.run)
    if args.data:
        data, trained_on = unseen_data(args, model, args.run)
        scores = evaluate_dataset(model, data, templates_of(model, args.templates))
        return {"run": args.run, "data": args.data, "pictures": len(data), "trained_on": trained_on, "scores": scores}
    return {"run": args.run, "scores": evaluate(model, args.seed, args.n)}
