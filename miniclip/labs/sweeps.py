"""What takes minutes to measure and a figure shows in a second: the numbers, beside what measures them anew.

`python -m miniclip.labs.sweeps` writes the file in the package again, in about a quarter of an hour.
"""

from pathlib import Path

from ..files.storage import encode_json, parse_json, read_bytes, replace
from .batch_size import PAIRS, clip_of, first_hit
from .bias import KINDS, bias
from .domains import BATCH
from .popular import Popular

FILE = Path(__file__).with_name("measured") / "sweeps.json"
SEEDS, SIZES = (0, 1, 2, 3, 4), (16, 32, 64, 128, 256, 512)
STEPS = PAIRS // BATCH  # of whoever takes as many steps: a batch of BATCH then sees PAIRS, too
PICTURES = 512  # that are searched, and as many captions
SHOWN = ("90 %", "50 %", "10 %")  # corpora of the lab of bias, that of seed 0


def read_measured(what: str) -> list[dict]:
    """The rows of "batch size" or "bias"."""
    return parse_json(read_bytes(FILE), FILE)[what]


def batch_size(seed: int, size: int, steps: int) -> dict:
    """R@1 after so many steps with batches of a size: no pair is popular, the rate grows with the root of the size."""
    hit = first_hit(clip_of(Popular(seed, 0.0), steps * size, size), seed, PICTURES)
    return {"seed": seed, "batch": size, "steps": steps, "first hit": round(hit, 4)}


def batch_sizes() -> list[dict]:
    """All of them, at equal pairs and at equal steps."""
    ways = [(size, steps) for size in SIZES for steps in sorted({PAIRS // size, STEPS})]
    return [batch_size(seed, size, steps) for seed in SEEDS for size, steps in ways]


def biases() -> list[dict]:
    """Of each kind of grainy picture the share that is called the other shape, by how many red things are circles."""
    found = bias(SEEDS[0])
    return [{"seed": SEEDS[0], "corpus": name, "kind": kind, "misnamed": round(found[f"grainy, {name}: {kind}"], 4)}
            for name in SHOWN for kind in KINDS]  # fmt: skip


def main() -> None:
    """Measure it all."""
    found = {"command": "python -m miniclip.labs.sweeps", "bias": biases(), "batch size": batch_sizes()}
    replace(FILE.parent, FILE.name, encode_json(found))


if __name__ == "__main__":
    main()
