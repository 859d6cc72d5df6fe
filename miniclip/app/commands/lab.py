"""miniclip lab NAME: try what is claimed of CLIP, over several seeds, and see whether the bars are met."""

import sys

from ...errors import ConfigError
from ...machine.terminal import path, read_line
from ..arguments import LAB_NAMES, seeds
from ..printing import score_table

HELP = "try what is claimed of CLIP: an experiment over several seeds, its bars, its figure"


def arguments(parser) -> None:
    parser.add_argument("what", choices=LAB_NAMES)
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2], metavar="A-B", help="(default: 0-2)")
    parser.add_argument("--fast", action="store_true", help="smaller, in seconds: the direction, not the numbers")
    parser.add_argument("--out", type=path, metavar="DIR", help="its folder (default: runs/labs/NAME)")
    parser.add_argument("--guess", action="store_true", help="of 'broken': say which bug it is; the first seed's round")


def run(args) -> dict:
    if args.guess:
        return guess(args)
    return measure(args)


def say(text: str) -> None:
    """What goes on, for whoever waits."""
    print(text, file=sys.stderr)


def guess(args) -> dict:
    """A round of riddles; as JSON the riddles with their answers, and nobody is asked."""
    from ...labs.guess import play, riddles

    if args.what != "broken" or args.out:
        given = f"lab {args.what}{' with --out' * bool(args.out)}"
        raise ConfigError(f"got --guess for the {given}, expected miniclip lab broken --guess: it writes nothing")
    asked = riddles(args.seeds[0], args.fast, say)
    if args.json:
        return {"lab": args.what, "seed": args.seeds[0], "riddles": [one.to_json() for one in asked]}
    return play(asked, read_line, print)


def measure(args) -> dict:
    """The lab's scores over seeds, its bars, and its figure."""
    from pathlib import Path

    from ...figures import drawn, loss_panels
    from ...figures.lab import lab_chart, lab_sheet
    from ...files.storage import commit
    from ...labs.catalogue import find_lab
    from ...labs.harness import run_lab, said_of

    lab = find_lab(args.what)
    folder = Path(args.out or f"runs/labs/{args.what}{'-fast' * args.fast}")
    scores = run_lab(args.what, lab, folder, args.seeds, args.fast, say)
    verdicts = [said_of(bar, scores) for bar in lab.bars]
    picture = f"{args.what}.png"
    if lab.chart:
        figure = lab_chart(lab.question, lab.chart, scores, in_short(verdicts))
    elif lab.losses:
        figure = loss_panels(lab.question, *lab.losses(scores), in_short(verdicts))
    else:
        figure = lab_sheet(lab.question, scores, [row for row in lab.shown if row in scores], in_short(verdicts))
    commit(folder, {picture: drawn(figure, folder / picture)})
    bars = [{"row": bar.row, "claim": bar.claim, "met": bar.met(scores)} for bar in lab.bars]
    return {"lab": args.what, "seeds": args.seeds, "question": lab.question, "scores": scores, "bars": bars,
            "verdicts": verdicts, "examples": lab.examples(args.seeds[0], args.fast),
            "picture": str(folder / picture)}  # fmt: skip


MOST = 12  # verdicts under a figure


def in_short(verdicts: list[str]) -> list[str]:
    """All of them; or, where they are many, how many are met, and those that are not."""
    missed = [verdict for verdict in verdicts if not verdict.startswith("met")]
    many = len(verdicts) > MOST
    return [f"{len(verdicts) - len(missed)} of {len(verdicts)} bars are met", *missed[:MOST]] if many else verdicts


def text(result: dict) -> str:
    if "right" in result:
        return f"{result['right']} of {result['answered']} right"
    from ...labs.harness import CURVE

    scores = {row: cells for row, cells in result["scores"].items() if not row.startswith(CURVE)}
    return "\n".join([result["question"], "", score_table(scores), "", *in_short(result["verdicts"]),
                      *result["examples"], f"picture: {result['picture']}"])  # fmt: skip
