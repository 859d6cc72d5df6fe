"""miniclip ask RUN IMAGE "how many circles are there?": answer a question about a picture."""

from ...machine.terminal import path
from ..arguments import add_run, open_writer
from ..printing import lines

HELP = "answer a question about a picture"
text = lines


def arguments(parser) -> None:
    add_run(parser)
    parser.add_argument("image", type=path, metavar="IMAGE", help="a picture file")
    parser.add_argument("question", metavar="QUESTION", help="for example 'how many circles are there?'")


def run(args) -> dict:
    from ...data.pairs import open_image, preprocess
    from ...tasks.vqa import answer

    model = open_writer(args.run)
    images = preprocess([open_image(args.image)], model.image_size)
    (found,) = answer(model, images, [args.question])
    return {"question": args.question, "answer": found.text, "probability": round(found.probability, 6)}
