"""miniclip lab NAME: try what is claimed of CLIP, over several seeds, and see whether the bars are met."""

from ...machine.terminal import path
from ..arguments import LAB_NAMES, seeds
from ..printing import score_table

HELP = "try what is claimed of CLIP: an experiment over several seeds, its bars, its figure"


def arguments(parser) -> None:
    parser.add_argument("what", choices=LAB_NAMES)
    parser.add_argument("--seeds", type=seeds, default=[0, 1, 2], metavar="A-B", help="(default: 0-2)")
    parser.add_argument("--fast", action="store_true", help="smaller, in seconds: the direction, not the numbers")
    parser.add_argument("--out", type=path, metavar="DIR", help="its folder (default: runs/labs/NAME)")


def run(args) -> dict:
    import sys
    from pathlib import Path

    from ...figures import drawn
    from ...figures.lab import lab_chart, lab_sheet
    from ...files.storage import commit
    from ...labs.catalogue import find_lab
    from ...labs.harness import run_lab, said_of

    lab = find_lab(args.what)
    folder = Path(args.out or f"runs/labs/{args.what}{'-fast' * args.fast}")
    scores = run_lab(args.what, lab, folder, args.seeds, args.fast, tell=lambda text: print(text, file=sys.stderr))
    verdicts = [said_of(bar, scores) for bar in lab.bars]
    picture = f"{args.what}.png"
    if lab.chart:
        figure = lab_chart(lab.question, lab.chart, scores, verdicts)
    else:
        figure = lab_sheet(lab.question, scores, [row for row in lab.shown if row in scores], verdicts)
    commit(folder, {picture: drawn(figure, folder / picture)})
    bars = [{"row": bar.row, "claim": bar.claim, "met": bar.met(scores)} for bar in lab.bars]
    return {"lab": args.what, "seeds": args.seeds, "question": lab.question, "scores": scores, "bars": bars,
            "verdicts": verdicts, "examples": lab.examples(args.seeds[0], args.fast),
            "picture": str(folder / picture)}  # fmt: skip


def text(result: dict) -> str:
    return "\n".join([result["question"], "", score_table(result["scores"]), "", *result["verdicts"],
                      *result["examples"], f"picture: {result['picture']}"])  # fmt: skip
