"""Zero-shot is not zero training: what no caption says is at chance, and after so many captions it is known.

No label of the task was seen, but words were, beside pictures. Here no caption says whether a picture is a photo, a
sketch, a painting or a scan, or so many of all captions do. Everything else is as ever: the same pictures in the same
order, and both towers begin from nothing. With 3,000 of 38,400 it is 0.40, with 10,000 0.74, with 30,000 0.99; but then
the colours, which captions say as before, are not yet known (0.27): of two things, the easier is learned first.
Source: "No zero-shot without exponential data", Udandarao et al. 2024, arXiv:2404.04125, section 3.
"""

from dataclasses import replace

import numpy as np

from ..data.pairs import normalized_images
from ..data.world import COLOURS, STYLES, sample_scenes
from ..model import Model
from ..tasks.probes import probe_scores, ridge_probe
from ..tasks.zero_shot import zero_shot_weights
from ..train.clip import TrainConfig, clip_stage, new_clip
from ..train.sources import World
from .domains import model_after
from .harness import Bar, Lab
from .label_economy import crossing
from .registers import with_style, without_style

MENTIONS = (0, 300, 1000, 3000, 10_000, 30_000)  # captions that say the style, of all that are trained on
FAST = (0, 30_000)
FAST_STEPS = 240
RECIPE = TrainConfig(steps=300, vision_width=32, vision_layers=2, text_width=32, text_layers=1)
LABELS = 2000  # pictures whose style a linear probe is told
CHANCE = 1 / len(STYLES)


class RarelySaid(World):
    """The world's pairs, of which so many, evenly spread over `total`, say the style of their picture."""

    def __init__(self, seed: int, mentions: int, total: int):
        super().__init__(seed)
        self.mentions, self.total = mentions, total

    def pairs(self, numbers):
        scenes, numbers = self.scenes(numbers), np.asarray(numbers)
        before, after = (some * self.mentions // self.total for some in (numbers, numbers + 1))
        plain = [without_style(text) for text in self.write(scenes)]
        told = zip(plain, (after > before).tolist(), scenes.style.tolist(), strict=True)
        texts = [with_style(text, STYLES[style]) if said else text for text, said, style in told]
        return normalized_images(scenes), self.tokenizer.encode(texts), texts


def by_mentions(seed: int = 0, fast: bool = False, tell=lambda text: None) -> dict[str, float]:
    """The share of pictures whose style is named rightly, by how many captions said one.

    Beside it a linear probe of the same pictures, which is told 2,000 labels: what the image tower holds, said or not;
    and the colours, which captions have always said. Half-way is the number of captions where the names are half as far
    above chance as with the most of them, on a line over the logarithm.
    """
    rows, steps, named = dict[str, float](), FAST_STEPS if fast else RECIPE.steps, []
    test, known = (sample_scenes(seed, "A", numbers) for numbers in (np.arange(2048), 10_000 + np.arange(LABELS)))
    images, others = normalized_images(test), normalized_images(known)
    amounts = FAST if fast else MENTIONS
    for n in amounts:
        tell(f"{n:,} captions say the style")
        model = told_so_often(seed, n, steps)
        seen = model.encode_image(images)
        probe = ridge_probe(model.encode_image(others), known.style, len(STYLES))
        scores = {
            "zero-shot": (seen @ zero_shot_weights(model, list(STYLES), ("a {} of a shape",)).T, test.style),
            "probe": (probe_scores(probe, seen), test.style),
            "colour": (seen @ zero_shot_weights(model, list(COLOURS), ("a {} shape",)).T, test.colour[:, 0]),
        }
        found = {way: float((some.argmax(1) == labels).mean()) for way, (some, labels) in scores.items()}
        rows |= {f"{way}: {n:,} captions": share for way, share in found.items()}
        named.append(found["zero-shot"])
    half = (CHANCE + named[-1]) / 2
    rows["from chance: 0 captions"] = abs(named[0] - CHANCE)
    return rows | {"half-way: captions": crossing(amounts[1:], np.array(named[1:]) - half)}


def told_so_often(seed: int, mentions: int, steps: int) -> Model:
    """A small CLIP, trained from nothing on pairs of which so many say the style."""
    recipe = replace(RECIPE, seed=seed, steps=steps)
    source = RarelySaid(seed, mentions, steps * recipe.batch_size)
    model = new_clip(recipe, source)
    return model_after(model, clip_stage(recipe, model, source=source))


LAB = Lab(
    "Zero-shot is not zero training: how many captions must say a thing until it is known?",
    by_mentions,
    [
        Bar("from chance: 0 captions", "what no caption says is at chance, which is 0.25", most=0.05),
        Bar("probe: 0 captions", "though the image tower tells it apart", least=0.50),
        Bar("colour: 0 captions", "and what captions say is known", least=0.90),
        Bar(f"zero-shot: {MENTIONS[-1]:,} captions", "with enough captions it is known", least=0.90),
    ],
    [f"{way}: {n:,} captions" for way in ("zero-shot", "probe", "colour") for n in MENTIONS],
)
