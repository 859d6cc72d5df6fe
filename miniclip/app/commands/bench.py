"""miniclip bench: time training and encoding on this machine, beside PyTorch if it is here."""

from ...errors import InputError
from ..arguments import import_torch

HELP = "time training and encoding on this machine, beside PyTorch if it is here"
UNITS = {"ms": "ms", "mb": "MB", "s": "s"}
OTHERS = {
    "eager": "of plain PyTorch's", "compile": "of plain compiled's", "twin": "of the same algorithm's",
    "twin_compile": "of that compiled's", "transformers": "of transformers'",
}  # fmt: skip


def arguments(parser) -> None:
    parser.add_argument("--full", action="store_true", help="also how the cost grows, and a whole run (ten minutes)")
    parser.add_argument("--clip", action="store_true", help="the size of a real CLIP, ViT-B/32, beside transformers")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="PyTorch alone, there")


def run(args) -> dict:
    if args.full + args.clip + (args.device != "cpu") > 1:
        raise InputError("--full, --clip and --device are three benchmarks: give one of them")
    from .. import measure, measure_clip

    if args.device != "cpu":
        import_torch("measure")
        return measure.device(args.device)
    if args.clip:
        return measure_clip.bench_clip()
    result = measure.bench()
    return result | measure.growth() | measure.whole_run() if args.full else result


def text(result: dict) -> str:
    """A Markdown table, a row for all that has a measure; and a line that says what the figures hold for."""
    others = [other for other in OTHERS if any(key.endswith(f"_vs_{other}") for key in result)]
    titles = [*(OTHERS[other] for other in others), "of the matrix-product peak"]
    rows = [f"| | | {' | '.join(titles)} |", "|---" * (2 + len(titles)) + "|"]
    for key, value in result.items():
        name, _, unit = key.rpartition("_")
        if unit in UNITS:
            ratios = [result.get(f"{name}_vs_{other}") for other in others]
            cells = [f"{value:.3g} {UNITS[unit]}", *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios)]
            peak = result.get(f"{name}_of_peak")
            cells.append("" if peak is None else f"{peak:.0%}")
            rows.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    where = [f"{key} {value}" for key, value in result.items() if isinstance(value, str)]
    return "\n".join([*rows, "", ", ".join(where)])
