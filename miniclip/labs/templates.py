"""When do templates matter? Where a word means one thing in one kind of picture and another in another.

CLIP's own reason for "a photo of a {}" is polysemy (Radford et al. 2021, section 3.1.4). The world has none, so there
templates hardly matter; the register corpus has.
"""

import numpy as np

from ..data.pairs import normalized_images
from ..data.world import STYLES
from ..files.checkpoint import load
from .domains import tests
from .harness import Bar, Lab
from .registers import CALLED, RIGHT, WRONG, named_rightly, reader_of_registers

ANCHORS = {"right anchor": RIGHT, "no anchor": [("a {}",)] * len(STYLES), "wrong anchor": WRONG}
MIXED, PLAIN = "register corpus", "captions of the world"


def templates(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share of pictures named rightly: in each style, with the style said, with none and with another.

    "A photo of a plate", "a plate", "a sketch of a plate", of photos; once with the run of the register corpus, and in
    the mean over styles with the run of the world's captions, where every shape keeps its name.
    """
    test = tests(seed, 512 if fast else 2048)
    images, rows = normalized_images(test), dict[str, float]()
    for corpus, model, called in ((MIXED, reader_of_registers(seed, tell), CALLED), (PLAIN, load(), ({}, {}))):
        tell(corpus)
        seen = model.encode_image(images)
        for anchor, some in ANCHORS.items():
            right = named_rightly(model, seen, test, some, called)
            shares = {style: float(right[test.style == s].mean()) for s, style in enumerate(STYLES)}
            if corpus == MIXED:
                rows |= {f"{style}: {anchor}": share for style, share in shares.items()}
            rows[f"{corpus}: {anchor}"] = float(np.mean(list(shares.values())))
    gains = {f"{place}: right over {other}": rows[f"{place}: right anchor"] - rows[f"{place}: {other} anchor"]
             for place in (*STYLES, MIXED, PLAIN) for other in ("no", "wrong")}  # fmt: skip
    return rows | gains


LAB = Lab(
    "When does it matter in which template a name stands?",
    templates,
    [
        *(Bar(f"{style}: right over wrong", "a word is read as its template says", least=0.15) for style in STYLES),
        Bar(f"{MIXED}: right over no", "a template tells what a word means", least=0.03),
        Bar(f"{PLAIN}: right over no", "where each word means one thing, it need not", most=0.03),
    ],
    [f"{place}: {anchor}" for place in (*STYLES, MIXED, PLAIN) for anchor in ANCHORS],
)
