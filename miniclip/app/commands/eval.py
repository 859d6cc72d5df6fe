"""miniclip eval RUN: every score of a run beside its baselines."""

from ..arguments import add_run, add_seed, open_run
from ..printing import with_scores

HELP = "print every score of a run beside its baselines"
text = with_scores


def arguments(parser) -> None:
    add_run(parser)
    add_seed(parser, "of the test pairs")
    parser.add_argument("--n", type=int, default=512, metavar="N", help="pairs of each split (default: %(default)s)")


def run(args) -> dict:
    from ...tasks.evaluate import evaluate

    return {"run": args.run, "scores": evaluate(open_run(args.run), args.seed, args.n)}
