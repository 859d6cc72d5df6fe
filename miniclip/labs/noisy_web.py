"""Which pairs of a noisy web are worth training on?

A pool of pairs as they are found: right, wrong (another picture's caption), junk, repeated and boastful. Who collects
them chooses with a function, `keep(pairs) -> mask`. A CLIP learns from what is kept, always from as many pairs, going
round as often as it must, and is tested on clean pictures. Write such a function and try it:

    noisy_web(keep=lambda pairs: deduplicated(pairs) & by_clip_score(pairs))

The score of a CLIP drops wrong and junk texts, even of a CLIP that learned from all of them. It is no judge of the
rest: it keeps every repeat, most boasts, and about a sixth of what is right. Yet what it keeps teaches as much.

Sources: the score of a CLIP as a filter, Schuhmann et al. 2021, arXiv:2111.02114; filters compared by what is learned
from what they keep, Gadre et al. 2023, arXiv:2304.14108.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..data.captions import with_article
from ..data.grammar import LEXICON, NEUTRAL, vocabulary
from ..data.tokenizer import Tokenizer
from ..data.world import COLOURS, SHAPES, SIZES, Scenes, choose, item_keys, uniform
from ..errors import InputError
from ..model import Model
from ..train.clip import TrainConfig
from ..train.sources import World, epoch_order
from .domains import learned, tests, zero_shot_in
from .harness import Bar, Lab

KINDS = ("right", "wrong", "junk", "repeated", "boastful")
RIGHT, WRONG, JUNK, REPEATED, BOASTFUL = range(len(KINDS))
SHARES = np.array([0.15, 0.35, 0.2, 0.15, 0.15])  # of the kinds
ORIGINALS = 8  # different pairs among those that are repeated
PRAISE = ("amazing", "beautiful", "best", "perfect", "stunning", "unique")
FILE = ("img", "jpg")
POOL, FAST_POOL = 12_288, 6144
STEPS, FAST_STEPS, PEAK_LR = 120, 60, 3e-3
TOP = 0.3  # the share that a CLIP score keeps, as in Gadre et al. 2023
KIND, ORIGINAL, SAID = 820, 821, 830  # the numbers of the choices, as in `data.world`
SAYABLE = sorted(LEXICON)  # words for junk
TRIED = ("raw", "random", "dedup", "CLIP score", "oracle")


@dataclass(frozen=True)
class Collected:
    """N pairs as their collector sees them, and as a CLIP sees them that was trained on all of them."""

    images: np.ndarray  # (N, Y, X, C), normalised
    texts: list[str]
    image: np.ndarray  # (N, E), embeddings: unit vectors
    text: np.ndarray  # (N, E)

    def __len__(self) -> int:
        return len(self.texts)


def everything(pairs: Collected) -> np.ndarray:
    """(N,) bool: all pairs."""
    return np.ones(len(pairs), bool)


def deduplicated(pairs: Collected) -> np.ndarray:
    """(N,) bool: of equal pairs the first."""
    seen, mask = set(), np.zeros(len(pairs), bool)
    for i, (image, text) in enumerate(zip(pairs.images, pairs.texts, strict=True)):
        pair = (image.tobytes(), text)
        mask[i] = pair not in seen
        seen.add(pair)
    return mask


def by_clip_score(pairs: Collected) -> np.ndarray:
    """(N,) bool: those whose picture and text a CLIP finds the most alike."""
    cosines = (pairs.image * pairs.text).sum(1)
    return cosines >= np.quantile(cosines, 1 - TOP)


class Web(World):
    """A pool of n pairs of all kinds; what is trained on goes round those that are `kept`, each time in another order.

    kinds: (n,) index into KINDS, which no filter is told
    """

    def __init__(self, seed: int, n: int):
        super().__init__(seed)
        self.tokenizer = Tokenizer(sorted({*vocabulary(), *PRAISE, *FILE}))
        self.kept, keys = np.arange(n), item_keys(seed, "train", np.arange(n))
        self.kinds = np.searchsorted(SHARES.cumsum(), uniform(keys, KIND))
        numbers = np.where(self.kinds == REPEATED, -1 - choose(keys, ORIGINAL, ORIGINALS), self.kept)
        self.images, _, self.texts = super().pairs(numbers)
        self.spoil(keys, self.scenes(numbers))
        self.ids = self.tokenizer.encode(self.texts)

    def spoil(self, keys, scenes: Scenes) -> None:
        """Exchange the texts of those that are wrong, junk or boastful."""
        true, wrong = list(self.texts), np.flatnonzero(self.kinds == WRONG)
        for i, other in zip(wrong, np.roll(wrong, 1), strict=True):
            self.texts[i] = true[other]
        u = uniform(keys[:, None], SAID + np.arange(8)).tolist()
        for i in np.flatnonzero(self.kinds == JUNK):
            self.texts[i] = junk(u[i])
        for i in np.flatnonzero(self.kinds == BOASTFUL):
            self.texts[i] = boast(u[i], scenes.colour[i, 0], scenes.shape[i, 0])

    def pairs(self, numbers):
        epochs, places = np.divmod(np.asarray(numbers), len(self.kept))
        orders = {epoch: epoch_order(self.seed, epoch, len(self.kept)) for epoch in set(epochs.tolist())}
        rows = self.kept[[orders[epoch][place] for epoch, place in zip(epochs.tolist(), places, strict=True)]]
        return self.images[rows], self.ids[rows], [self.texts[i] for i in rows]


def junk(u) -> str:
    """a picture; img box red jpg; or words at random."""
    if u[0] < 1 / 3:
        return with_article(NEUTRAL[int(u[1] * len(NEUTRAL))])
    words = " ".join(SAYABLE[int(v * len(SAYABLE))] for v in u[2:7])
    return words if u[0] < 2 / 3 else f"{FILE[0]} {words} {FILE[1]}"


def boast(u, colour: int, shape: int) -> str:
    """a perfect large red green best blue star: one of three colours is its own, and which of them is not told."""
    praise = [PRAISE[int(v * len(PRAISE))] for v in u[:2]]
    colours = [COLOURS[colour], *(COLOURS[int(v * len(COLOURS))] for v in u[2:4])]
    turn, size = int(u[4] * len(colours)), SIZES[int(u[5] * len(SIZES))]
    said = [praise[0], size, *colours[turn:], praise[1], *colours[:turn], SHAPES[shape]]
    return with_article(" ".join(said))


def noisy_web(seed: int = 0, fast: bool = False, tell=lambda text: None,
              keep: Callable[[Collected], np.ndarray] | None = None) -> dict[str, float]:  # fmt: skip
    """The share of clean pictures named rightly after training on what each filter keeps, and what each keeps.

    keep: a filter of your own, one more row. The CLIP that scores is the one trained on all pairs.
    """
    web, test = Web(seed, FAST_POOL if fast else POOL), tests(seed, 512 if fast else 1024)
    recipe = TrainConfig(seed=seed, steps=FAST_STEPS if fast else STEPS, peak_lr=PEAK_LR)
    rows: dict[str, float] = {}

    def tried(name: str, mask) -> Model:
        web.kept = np.flatnonzero(checked(mask, len(web.texts), recipe.batch_size))
        tell(f"{name}: {len(web.kept)} of {len(mask)} pairs kept")
        model = learned(recipe, web)
        rows[f"named rightly: {name}"] = zero_shot_in(model, test, "home")
        if name not in ("raw", "oracle"):
            rows.update(kept_by(name, mask, web.kinds))
        return model

    model = tried("raw", np.ones(len(web.texts), bool))
    pairs = Collected(web.images, web.texts, model.encode_image(web.images), model.encode_text(web.texts))
    scored = by_clip_score(pairs)
    tried("random", np.random.default_rng([seed, 5]).permutation(scored))
    tried("dedup", deduplicated(pairs))
    tried("CLIP score", scored)
    tried("oracle", web.kinds == RIGHT)
    if keep is not None:
        tried("yours", keep(pairs))
    raw = rows["named rightly: raw"]
    rows["gain: oracle"] = whole = rows["named rightly: oracle"] - raw
    return rows | {f"recovered: {name}": (rows[f"named rightly: {name}"] - raw) / whole
                   for name in (*TRIED[1:-1], *["yours"] * (keep is not None))}  # fmt: skip


def checked(mask, n: int, least: int) -> np.ndarray:
    """The mask, an InputError unless it is one of n pairs and keeps a batch of them."""
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != (n,) or mask.sum() < least:
        got = f"{mask.dtype} of shape {mask.shape} with {np.count_nonzero(mask)} kept"
        raise InputError(f"keep returned {got}, expected {n} of bool, at least {least} kept")
    return mask


def kept_by(name: str, mask, kinds) -> dict[str, float]:
    """Of each kind the share that a filter keeps; and of what it keeps, the share that is right."""
    shares = {kind: float(mask[kinds == k].mean()) for k, kind in enumerate(KINDS)}
    return {f"kept by {name}: {kind}": share for kind, share in shares.items()} | {
        f"kept by {name}: right, of all kept": float((kinds[mask] == RIGHT).mean())
    }


def found(seed: int = 0, fast: bool = False) -> list[str]:
    """Texts of each kind."""
    web = Web(seed, 256)
    return [f"{kind}: {'; '.join(web.texts[i] for i in np.flatnonzero(web.kinds == k)[:3])}"
            for k, kind in enumerate(KINDS)]  # fmt: skip


LAB = Lab(
    "Which pairs of a noisy web are worth training on?",
    noisy_web,
    [
        Bar("gain: oracle", "it matters what is trained on", least=0.10),
        Bar("recovered: CLIP score", "a CLIP of the whole pool finds pairs that are worth it", least=0.50),
        Bar("recovered: random", "it is not that they are fewer", most=0.50),
    ],
    [f"named rightly: {name}" for name in TRIED]
    + [f"kept by {name}: {what}" for name in TRIED[2:-1] for what in (*KINDS, "right, of all kept")],
    found,
)
