"""miniclip study NAME: train what is to be compared, and print its scores beside their baselines."""

from ...machine.terminal import path
from ..arguments import STUDY_NAMES, add_backend, add_seed, backend_of, open_run, seeds
from ..printing import with_scores

HELP = "train for one comparison and print its scores beside their baselines"
text = with_scores


def arguments(parser) -> None:
    parser.add_argument("what", choices=STUDY_NAMES)
    which = parser.add_mutually_exclusive_group()
    add_seed(which, "of weights, training and test data")
    which.add_argument("--seeds", type=seeds, metavar="A-B", help="several, a folder each: mean and worst")
    parser.add_argument("--run", type=path, metavar="RUN", help="the CLIP to begin with (default: that in the package)")
    parser.add_argument("--out", type=path, metavar="DIR", help="its folder (default: runs/studies/NAME-seedN)")
    parser.add_argument("--resume", action="store_true", help="continue a study that was stopped")
    add_backend(parser)


def run(args) -> dict:
    from ...train.study import study, study_seeds

    clip = open_run(args.run) if args.run else None
    with backend_of(args) as backend:
        if args.seeds:
            scores = study_seeds(args.what, args.seeds, args.out, args.resume, backend, clip)
            return {"study": args.what, "seeds": args.seeds, "scores": scores} if scores else {}
        scores = study(args.what, args.seed, args.out, args.resume, backend, clip)
    return {"study": args.what, "seed": args.seed, "scores": scores} if scores else {}
