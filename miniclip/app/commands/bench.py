"""miniclip bench: time training and encoding on this machine, beside PyTorch if it is here."""

from ..arguments import import_torch

HELP = "time training and encoding on this machine, beside PyTorch if it is here"
UNITS = {"ms": "ms", "mb": "MB", "s": "s"}


def arguments(parser) -> None:
    parser.add_argument("--full", action="store_true", help="also how the cost grows, and a whole run (ten minutes)")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="PyTorch alone, there")


def run(args) -> dict:
    from .. import measure

    if args.device != "cpu":
        import_torch("measure")
        return measure.device(args.device)
    result = measure.bench()
    return result | measure.growth() | measure.whole_run() if args.full else result


def text(result: dict) -> str:
    """A Markdown table, a row for all that has a measure; and a line that says what the figures hold for."""
    rows = ["| | | of eager's | of compile's | of the matrix-product peak |", "|---|---|---|---|---|"]
    for key, value in result.items():
        name, _, unit = key.rpartition("_")
        if unit in UNITS:
            ratios = (result.get(f"{name}_vs_{other}") for other in ("eager", "compile"))
            cells = [f"{value:.3g} {UNITS[unit]}", *("" if ratio is None else f"{ratio:.2f}" for ratio in ratios)]
            peak = result.get(f"{name}_of_peak")
            cells.append("" if peak is None else f"{peak:.0%}")
            rows.append(f"| {name.replace('_', ' ')} | {' | '.join(cells)} |")
    where = [f"{key} {value}" for key, value in result.items() if isinstance(value, str)]
    return "\n".join([*rows, "", ", ".join(where)])
