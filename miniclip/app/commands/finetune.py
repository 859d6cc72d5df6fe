"""miniclip finetune RUN --data FOLDER --out DIR: train a CLIP on, with pictures of one's own, and keep what it knew."""

from ...machine.terminal import path
from ..arguments import add_run, open_run
from ..own_data import add_reading, read_data, share
from ..printing import with_scores

HELP = "train a CLIP on, with pictures of one's own: weights between old and new forget little"
text = with_scores


def arguments(parser) -> None:
    add_run(parser)
    parser.add_argument("--data", type=path, metavar="FOLDER", required=True,
                        help="pictures with captions, or in folders by class")  # fmt: skip
    parser.add_argument("--out", type=path, metavar="DIR", required=True, help="the run folder, new unless --resume")
    parser.add_argument("--resume", action="store_true", help="continue a run that was stopped")
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="(default: %(default)s)")
    parser.add_argument("--batch-size", type=int, default=128, metavar="N", help="at most (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the order (default: %(default)s)")
    parser.add_argument("--val", type=share, default=0.1, metavar="SHARE",
                        help="never trained on, and tested on (default: %(default)s)")  # fmt: skip
    parser.add_argument("--share", type=share, default=0.4, metavar="SHARE",
                        help="of new weights in the result: 1 forgets the most (default: %(default)s)")  # fmt: skip
    add_reading(parser)


def run(args) -> dict:
    from ...tasks.shares import table_of
    from ...train.clip import check_number
    from ...train.fine_tune import fine_tune
    from ...train.sources import Folder, FolderConfig

    for name in ("batch_size", "seed"):
        check_number(name, getattr(args, name), whole=True)
    old = open_run(args.run)
    data = read_data(args, args.data, old.image_size, old)
    config = FolderConfig(old.image_size, old.config.text.context_length, args.val)
    trained = len(data) - round(args.val * len(data))
    source = Folder(data, config, args.seed, max(2, min(args.batch_size, trained)), old)
    new = fine_tune(old, source, args.out, args.steps, args.share, args.resume)
    after, before = scored(new, source, args), scored(old, source, args)
    return {"run": str(args.out), "pictures": trained, "held_out": len(source.held_out),
            "scores": table_of({"after": after, "before": before})}  # fmt: skip


def scored(model, source, args) -> dict[str, float]:
    """What a model can do on the pictures that are held out, and at home where that is the world."""
    from ...tasks.evaluate import zero_shot_accuracy
    from ...tasks.own_pictures import class_scores, encode_pictures, search_scores
    from ...tasks.zero_shot import templates_of

    found = {}
    if len(source.scored) > 1:
        image, text = encode_pictures(model, source.scored), model.encode_text(source.scored_ids)
        found = search_scores(image, text, source.relevant, ks=(1,))
        found |= class_scores(model, image, source.scored, templates_of(model, args.templates))
    if model.of_the_world:
        found["at home, in the world"] = zero_shot_accuracy(model, 0, "A")
    return found
