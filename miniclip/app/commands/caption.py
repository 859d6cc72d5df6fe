"""miniclip caption RUN [IMAGES...]: describe pictures, and draw where the decoder looked for each word."""

from ...errors import quote
from ..arguments import add_picture, add_run, new_picture, open_describer

HELP = "describe pictures in words"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "caption")
    parser.add_argument("images", nargs="*", metavar="IMAGE", help="picture files (default: six of split D)")
    parser.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 writes the likeliest word")
    parser.add_argument("--top-k", type=int, metavar="K", help="draw among the K likeliest words")
    parser.add_argument("--top-p", type=float, default=1.0, metavar="P", help="draw among the likeliest that have P")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="sampling seed")
    parser.add_argument("--beams", type=int, default=1, metavar="N", help="grow N texts side by side, keep the best")


def run(args) -> dict:
    from ...figures import save
    from ...tasks.generation import Sampling
    from ..show import captions

    picture = new_picture(args.out)
    sampling = Sampling(args.temperature, args.top_k, args.top_p)
    result, figure = captions(open_describer(args.run), args.images, sampling, args.seed, args.beams)
    save(figure, picture)
    return {**result, "picture": str(picture)}


def text(result: dict) -> str:
    rows = [f"{quote(row['image'])}: {row['caption']}" for row in result["captions"]]
    return "\n".join([*rows, f"picture: {result['picture']}"])
