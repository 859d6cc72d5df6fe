"""f09: where the heads of the image tower look, and that this does not explain what the model needs."""

from functools import cache

import numpy as np
from matplotlib.patches import Rectangle

from ...data.pairs import batch
from ...data.pictures import denormalize
from ...models.vision import vision_trunk_forward
from ..page import decimal
from ..slide import Slide
from ..style import PAPER, POSITIVE, ROSE
from ..words import lit
from . import Drawn, paused

TITLE = "Attention maps of an image"
NOTEBOOK = "04"
NOTE = (
    "Show the heads first and ask: which patch holds the shape? Each picture is lit as one head of the last layer sees "
    "it, from the class token to the patches. Heads differ, and few of them look at the shape. Then show what counts: "
    "the cosine with the caption falls when a patch is covered, and the frame marks the patch that costs most. Those "
    "who read an attention map as the reason for an answer see that the two hardly agree: by the last layer a patch's "
    "vector has gathered from others. In the film each patch in the row and the column of the one that matters most "
    "asks in turn, where the dot is; some heads change their favourite with the dot, others keep it. The class token "
    "comes last."
)

ITEM = 17  # of split A
SEVERAL = 32  # pictures for the correlation
CLASS = 0  # who asks: the class token, or n for patch n


@cache
def measure(run):
    """Pairs, every token's attention (B, heads, 1 + patches, patches), and what covering a patch costs (B, patches)."""
    pairs = batch(0, "A", ITEM + np.arange(SEVERAL), run.model.tokenizer)
    return pairs, attention_to_patches(run.model, pairs.images), cost_of_covering(run.model, pairs)


def frames(run) -> list[int]:
    costs = measure(run)[2][0]
    side, best = round(len(costs) ** 0.5), int(costs.argmax())
    across, down = best // side * side + np.arange(side), best % side + side * np.arange(side)
    walk = [*across, *down[down != best]]
    return [*paused([1 + int(n) for n in walk], *range(len(walk))), CLASS]


def draw(slide: Slide, run, state: int) -> Drawn:
    pairs, everyone, costs = measure(run)
    attention, who = everyone[:, :, state], "the class token" if state == CLASS else f"patch {state}"
    r = np.mean([np.corrcoef(a.mean(0), cost)[0, 1] for a, cost in zip(attention, costs, strict=True)])
    rows = [{"map": f"head {h + 1}", "patch": n, "value": float(value)} for h, head in enumerate(attention[0])
            for n, value in enumerate(head)]  # fmt: skip
    rows += [{"map": "cost of covering", "patch": n, "value": float(value)} for n, value in enumerate(costs[0])]
    rows.append({"map": f"correlation, mean of {SEVERAL} pictures", "value": float(r)})
    hits = float((attention.argmax(2) == costs.argmax(1)[:, None]).mean())
    rows.append({"map": "favourites that are the patch that matters most", "value": hits})
    favourites, costly = attention[0].argmax(1), int(costs[0].argmax())
    agree, heads = int((favourites == costly).sum()), len(favourites)
    different = len(set(favourites.tolist()))
    if state == CLASS:
        finding = f"{heads} heads favour {different} patches, but {agree or 'none'} the one that matters most"
    else:
        finding = f"If patch {state} asks, {heads} heads favour {different} patches, {agree or 'none'} the costliest"
    draw_maps(slide, slide.title(finding), denormalize(pairs.images[0]), attention[0], costs[0], state - 1)
    return Drawn(
        f"“{pairs.texts[0]}”: attention from {who} to the patches in the last layer, a map for each head, "
        f"bright where it is large. Covering the patch that matters most costs {decimal(costs[0].max())} of cosine. "
        f"Over {SEVERAL} pictures mean attention and cost correlate at {decimal(r)}, and {hits:.0%} of the "
        f"favourites are the patch that matters most; by chance {1 / costs.shape[1]:.0%} would be.",
        f"A picture, lit by what covering each of its 16 patches costs, and {heads} times lit by one head's attention. "
        f"{int((attention[0].max(1) > 0.75).sum())} maps put over three quarters on one patch; {agree} of {heads} "
        "favour the patch whose covering costs most.",
        rows,
    )


def attention_to_patches(model, images) -> np.ndarray:
    """(B, heads, 1 + patches, patches): the last layer's attention to the patches; the rest goes to the class token."""
    _, c = vision_trunk_forward(images, model.params["visual"], model.config.vision)
    return c["blocks"][-1]["attn"]["attend"][3][:, :, :, 1:]


def cost_of_covering(model, pairs) -> np.ndarray:
    """(B, patches): by how much the cosine with the caption falls when a patch takes the picture's mean colour."""
    P, text = model.config.vision.patch_size, model.encode_text(pairs.ids)
    side, images = pairs.images.shape[1] // P, pairs.images
    covered = np.repeat(images[:, None], side * side, axis=1)
    for n in range(side * side):
        i, j = P * (n // side), P * (n % side)
        covered[:, n, i : i + P, j : j + P] = images.mean((1, 2), keepdims=True)
    seen = model.encode_image(covered.reshape(-1, *images.shape[1:])).reshape(*covered.shape[:2], -1)
    return (model.encode_image(images) * text).sum(-1)[:, None] - np.einsum("bne,be->bn", seen, text)


def draw_maps(slide: Slide, top: float, picture, attention, costs, asks: int) -> None:
    """The picture over what counts in it on the left, the heads in two rows beside them; a dot where one asks."""
    em, sheet, per_row = slide.em, slide.sheet(), -(-len(attention) // 2)
    name, gap, apart = 1.5 * em, 0.9 * em, 1.5 * em
    foot = (2.4 if slide.wide else 3.6) * em
    across = (slide.width - 3 * em - apart) / (per_row + 1) - gap
    side = min(across, (slide.height - top - foot - 0.6 * em) / 2 - name)
    spare = (slide.height - top - foot - 2 * (side + name)) / 3  # shared out above, between and below the rows
    left = (slide.width - (per_row + 1) * (side + gap) - apart + gap) / 2
    most, head = int(costs.argmax()), "head " if slide.wide else ""
    for row in (0, 1):
        y = top + spare / 2 + row * (side + name + spare)
        light = np.maximum(costs, 0) if row else np.ones_like(costs)
        shown = [(left, ("picture", "what counts" if slide.wide else "counts")[row], "bold", light)]
        for k, one in enumerate(attention[row * per_row : (row + 1) * per_row]):
            said = f"{head}{row * per_row + k + 1}: {one.max():.0%}"
            shown.append((left + apart + (k + 1) * (side + gap), said, "normal", one))
        for x, said, weight, light in shown:
            slide.write(sheet, x, y, said, weight=weight)
            show(slide, sheet, (x, y + name, side), lit(picture, (0.2 * light.max() + 0.8 * light).reshape(4, 4)), most)
            if light is not shown[0][3]:
                dot(slide, sheet, (x, y + name, side), asks)
    words = (
        f"framed: the patch that counts most; covered, it costs {decimal(costs.max())} of the cosine with the caption"
    )
    slide.write(sheet, slide.width / 2, slide.height - foot, words, slide.width - 3 * em, 2, ha="center")


def show(slide: Slide, sheet, place, picture, most: int) -> None:
    """A picture, with the patch that counts most framed."""
    x, y, side = place
    sheet.imshow(np.clip(picture, 0, 1), extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")
    corner = (x + most % 4 * side / 4, y + most // 4 * side / 4)
    sheet.add_patch(Rectangle(corner, side / 4, side / 4, fill=False, edgecolor=POSITIVE, linewidth=1.5 * slide.line))


def dot(slide: Slide, sheet, place, asks: int) -> None:
    """A dot on the patch that asks; none for the class token."""
    x, y, side = place
    if asks >= 0:
        middle = [x + (asks % 4 + 0.5) * side / 4], [y + (asks // 4 + 0.5) * side / 4]
        sheet.plot(*middle, "o", color=ROSE, markersize=0.6 * slide.body, markeredgecolor=PAPER)
