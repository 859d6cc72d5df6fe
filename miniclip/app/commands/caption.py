"""miniclip caption RUN [IMAGES...]: describe pictures, and draw where the decoder looked for each object."""

from ...errors import InputError, quote
from ...machine.terminal import path
from ..arguments import add_picture, add_run, add_seed, check_picture, open_describer, save_picture
from ..printing import picture_line

HELP = "describe pictures in words"
REST = "images"


def arguments(parser) -> None:
    add_run(parser)
    add_picture(parser, "caption")
    parser.add_argument(
        "images", nargs="*", type=path, metavar="IMAGE", help="picture files, or 'example' (default: six of split D)"
    )
    parser.add_argument("--temperature", type=float, default=0.0, metavar="T", help="0 writes the likeliest word")
    parser.add_argument("--top-k", type=int, metavar="K", help="draw among the K likeliest words")
    parser.add_argument("--top-p", type=float, default=1.0, metavar="P", help="draw among the likeliest that have P")
    add_seed(parser, "which pictures of split D, and which words are drawn")
    parser.add_argument("--beams", type=int, default=1, metavar="N", help="grow N texts side by side, keep the best")
    parser.add_argument(
        "--length-penalty", type=float, metavar="A", help="of beams: 0 favours short texts (default: 1)"
    )


def run(args) -> dict:
    from ...tasks.generation import Sampling
    from ..show import captions

    check_picture(args)
    sampling = Sampling(args.temperature, args.top_k, args.top_p)
    if args.beams == 1 and args.length_penalty is not None:
        raise InputError("--length-penalty is for comparing beams: give --beams as well")
    if args.beams != 1 and sampling.temperature:
        raise InputError("--beams keeps the likeliest texts and --temperature draws at random: give one of them")
    if sampling.temperature == 0 and (args.top_k or args.top_p < 1):
        raise InputError("--top-k and --top-p are for drawing words at random: give --temperature as well")
    penalty = 1.0 if args.length_penalty is None else args.length_penalty
    model = open_describer(args.run)
    result, figure = captions(model, args.images, sampling, args.seed, args.beams, penalty)
    return {**result, **save_picture(args, figure)}


def text(result: dict) -> str:
    rows = [f"{quote(row['image'], 200)}: {row['caption']}" for row in result["captions"]]
    return "\n".join([*rows, *picture_line(result)])
