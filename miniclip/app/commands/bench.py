"""miniclip bench: time training, encoding and search on this machine, beside PyTorch and faiss if they are here."""

from ...errors import InputError
from ..arguments import import_torch

HELP = "time training, encoding and search on this machine, beside PyTorch and faiss if they are here"
UNITS = {"ms": "ms", "mb": "MB", "s": "s"}
OTHERS = {
    "eager": "of plain PyTorch's", "compile": "of plain compiled's", "twin": "of the same algorithm's",
    "twin_compile": "of that compiled's", "transformers": "of transformers'",
}  # fmt: skip


def arguments(parser) -> None:
    parser.add_argument("what", nargs="?", choices=("index",), help="search in an index, and what it finds")
    parser.add_argument(
        "--full",
        action="store_true",
        help="also how the cost grows, and a whole run (ten minutes); of an index, a million",
    )
    parser.add_argument("--clip", action="store_true", help="the size of a real CLIP, ViT-B/32, beside transformers")
    parser.add_argument("--device", choices=("cpu", "cuda", "mps"), default="cpu", help="PyTorch alone, there")


def run(args) -> dict:
    if (args.full and not args.what) + args.clip + (args.device != "cpu") + bool(args.what) > 1:
        raise InputError("index, --full, --clip and --device are four benchmarks: give one of them")
    if args.what:
        from ..measure_index import LARGEST, SIZES, bench_index

        return bench_index((*SIZES, LARGEST) if args.full else SIZES)
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
    rows = index_rows(result["indexes"]) if "indexes" in result else rows_of_measures(result)
    where = [f"{key} {value}" for key, value in result.items() if isinstance(value, str)]
    return "\n".join([*rows, "", ", ".join(where)])


def index_rows(indexes: list[dict]) -> list[str]:
    """The table of searches."""
    rows = ["| vectors | kind | of the ten nearest | one query | 64 queries | to build |", "|---" * 6 + "|"]
    for row in indexes:
        built = f"{row['build_s']:.3g} s" if row["build_s"] else ""
        times = f"{row['one_ms']:.3g} ms | {row['batch_ms']:.3g} ms | {built}"
        rows.append(f"| {row['vectors']:,} | {row['kind']} | {row['recall']:.1%} | {times} |")
    return rows


def rows_of_measures(result: dict) -> list[str]:
    """The table of all other measures."""
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
    return rows
