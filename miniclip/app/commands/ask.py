"""miniclip ask RUN IMAGE "how many circles are there?": answer a question about a picture."""

from ...machine.terminal import path
from ..arguments import add_run, open_writer
from ..printing import lines

HELP = "answer a question about a picture"


def arguments(parser) -> None:
    add_run(parser)
    parser.add_argument(
        "image", type=path, metavar="IMAGE", help="a picture file, or 'example' for that in the package"
    )
    parser.add_argument("question", metavar="QUESTION", help="for example 'how many circles are there?'")


def run(args) -> dict:
    from ...tasks.vqa import answer
    from ..show import picture_file, told_outside

    model = open_writer(args.run)
    images = picture_file(args.image, model)
    (found,) = answer(model, images, [args.question])
    (outside,) = told_outside(model, images, [args.image])
    probability = round(found.probability, 6)
    return {"question": args.question, "answer": found.text, "probability": probability, "outside": outside}


def text(result: dict) -> str:
    return lines({key: result[key] for key in ("question", "answer", "probability")})
