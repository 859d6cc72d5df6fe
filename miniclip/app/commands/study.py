"""miniclip study NAME: train what is to be compared, and print its scores beside their baselines."""

from ...machine.terminal import path
from ..arguments import STUDY_NAMES, add_backend, add_seed, backend_of
from ..printing import with_scores

HELP = "train for one comparison and print its scores beside their baselines"
text = with_scores


def arguments(parser) -> None:
    parser.add_argument("what", choices=STUDY_NAMES)
    add_seed(parser, "of weights, training and test data")
    parser.add_argument("--out", type=path, metavar="DIR", help="its folder (default: runs/studies/NAME-seedN)")
    parser.add_argument("--resume", action="store_true", help="continue a study that was stopped")
    add_backend(parser)


def run(args) -> dict:
    from ...train.study import study

    with backend_of(args) as backend:
        scores = study(args.what, args.seed, args.out, args.resume, backend)
    return {"study": args.what, "seed": args.seed, "scores": scores} if scores else {}
