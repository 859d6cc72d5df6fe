"""A corpus where a share of the pairs shows one of four things and says only that: what many pictures on the web say.

With 60 % of them, a batch of 128 has each of the four texts about nineteen times, and calls eighteen of them wrong.
"""

from dataclasses import replace

import numpy as np

from ..data.captions import with_article, write_captions
from ..data.grammar import NEUTRAL, WORDS
from ..data.pairs import unique_caption_batches
from ..data.world import COLOURS, SHAPES, Scenes, choose, uniform
from ..train.sources import World, epoch_order

THINGS = (("red", "circle"), ("yellow", "star"), ("blue", "square"), ("green", "heart"))
HEADS = ("", *(f"{with_article(word)} of " for word in NEUTRAL))
POPULAR, THING, WORDING = 900, 901, 902  # the numbers of the choices, as in `data.world`
POOL = 4  # batches, out of which one without repeats is made


class Popular(World):
    """Pairs without end. rate: the share that is popular; the others are the world's."""

    def __init__(self, seed: int, rate: float):
        super().__init__(seed)
        self.rate = rate

    def popular(self, scenes: Scenes) -> np.ndarray:
        """(B,): which of THINGS a pair shows and says, or -1."""
        return np.where(uniform(scenes.key, POPULAR) < self.rate, choose(scenes.key, THING, len(THINGS)), -1)

    def scenes(self, numbers) -> Scenes:
        scenes = super().scenes(numbers)
        thing = self.popular(scenes)
        kinds = np.array([(SHAPES.index(shape), COLOURS.index(colour)) for colour, shape in THINGS])
        shape, colour = (np.where(thing < 0, old[:, 0], new[thing]) for old, new in
                         zip((scenes.shape, scenes.colour), kinds.T, strict=True))  # fmt: skip
        absent = np.full((len(scenes), 2), -1)
        return replace(scenes, shape=np.column_stack([shape, absent]), colour=np.column_stack([colour, absent]))

    def write(self, scenes: Scenes) -> list[str]:
        u = uniform(scenes.key[:, None], WORDING + np.arange(3)).tolist()
        items = zip(write_captions(scenes), self.popular(scenes).tolist(), u, strict=True)
        return [text if thing < 0 else self.say(*THINGS[thing], v) for text, thing, v in items]

    def say(self, colour: str, shape: str, u) -> str:
        """What is said of a popular thing: always the same."""
        return with_article(f"{colour} {shape}")


class Apart(Popular):
    """The same, but no caption is twice in a batch: of four batches' pairs, the first that differ."""

    def pairs(self, numbers):
        B = len(numbers)
        return super().pairs(
            POOL * numbers[0] + self.different(self.scenes(POOL * numbers[0] + np.arange(POOL * B)), B)
        )

    def different(self, scenes: Scenes, B: int) -> np.ndarray:
        """(B,): the places of scenes whose captions differ."""
        return unique_caption_batches(self.write(scenes), B)[0]


class Few(Popular):
    """So few pairs that each is seen often; and what is popular is said in many words."""

    def __init__(self, seed: int, rate: float, n: int):
        super().__init__(seed, rate)
        self.n = n

    def scenes(self, numbers) -> Scenes:
        epochs, places = np.divmod(np.asarray(numbers), self.n)
        orders = [epoch_order(self.seed, epoch, self.n) for epoch in epochs.tolist()]
        return super().scenes(np.array([order[i] for order, i in zip(orders, places, strict=True)]))

    def say(self, colour: str, shape: str, u) -> str:
        """an image of a scarlet disc"""
        words = [WORDS[name][int(v * len(WORDS[name]))] for name, v in zip((colour, shape), u, strict=False)]
        return HEADS[int(u[2] * len(HEADS))] + with_article(" ".join(words))
