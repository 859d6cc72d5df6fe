"""f09: where the heads of the image tower look, and that this does not explain what the model needs."""

from functools import cache

import numpy as np
from matplotlib.patches import Rectangle

from ...data.pairs import batch
from ...data.pictures import denormalize
from ...models.vision import vision_trunk_forward
from ..page import decimal
from ..slide import Slide
from ..style import IMAGE, PAPER, ROSE, SEQUENTIAL, SKY
from . import Drawn

TITLE = "Attention maps of an image"
NOTEBOOK = "04"
NOTE = (
    "Show the heads first and ask: which patch holds the shape? Each map is one head of the last layer, from the class "
    "token to the patches; the frame marks its favourite. Heads differ, and few of them look at the shape. Then show "
    "what counts: the cosine with the caption falls when a patch is covered. Those who read an attention map as the "
    "reason for an answer see that the two hardly agree: by the last layer a patch's vector has gathered from others. "
    "In the film each patch in the row and the column of the one that matters most asks in turn, where the dot is; "
    "some heads change their favourite with the dot, others keep it. The class token comes last."
)

ITEM = 27  # of split A
SEVERAL = 32  # pictures for the correlation
HOLD = 4  # how often a state is repeated: faster than three changes a second would flash
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
    return [*(1 + int(n) for n in walk for _ in range(HOLD)), CLASS]


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
        f"framed at its largest share. Covering the patch that matters most costs {decimal(costs[0].max())} of cosine. "
        f"Over {SEVERAL} pictures mean attention and cost correlate at {decimal(r)}, and {hits:.0%} of the "
        f"favourites are the patch that matters most; by chance {1 / costs.shape[1]:.0%} would be.",
        f"A picture, a 4 by 4 map of what covering each patch costs, and {heads} attention maps, one a head. "
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
    """The picture over the map of costs on the left, the heads in two rows beside them; a dot where one asks."""
    per_row = -(-len(attention) // 2)
    name, foot, gap = 1.5 * slide.em, 3.3 * slide.em, slide.em
    room = (
        (slide.width - 3 * slide.em) / (per_row + 1) - gap,
        (slide.height - top - foot - 2 * name - 1.5 * slide.em) / 2,
    )
    side = min(room)
    spare = 2 * (room[1] - side) / 3  # of the height: shared out above, between and below the rows
    left = (slide.width - (per_row + 1) * (side + gap)) / 2
    sheet = slide.sheet()
    for row in (0, 1):
        y = top + spare / 2 + row * (side + name + 0.5 * slide.em + spare)
        place = (left, y + name, side)
        slide.write(sheet, left, y, ("picture", "cost")[row], weight="bold")
        if row == 0:
            show_picture(slide, sheet, place, picture)
            dot(slide, sheet, place, asks)
        else:
            draw_map(slide, sheet, place, np.maximum(costs, 0) / max(costs.max(), 1e-9))
        for k, head in enumerate(attention[row * per_row : (row + 1) * per_row]):
            x = left + (k + 1) * (side + gap) + 0.5 * gap
            slide.write(sheet, x, y, f"{row * per_row + k + 1}: {head.max():.0%}")
            draw_map(slide, sheet, (x, y + name, side), head)
            dot(slide, sheet, (x, y + name, side), asks)
    words = (f"1 to {len(attention)}: a head each, the share of its attention on the framed patch. "
             f"Cost: {decimal(costs.max())} of cosine if the framed patch is covered.")  # fmt: skip
    slide.write(sheet, left, y + name + side + 0.5 * slide.em + spare / 2, words, slide.width - 2 * left, 2)


def show_picture(slide: Slide, sheet, place, picture) -> None:
    """The picture with the edges of its patches."""
    x, y, side = place
    sheet.imshow(np.clip(picture, 0, 1), extent=(x, x + side, y + side, y), interpolation="nearest", aspect="auto")
    for k in range(5):
        for xs, ys in (((0, 4), (k, k)), ((k, k), (0, 4))):
            line = [x + side * v / 4 for v in xs], [y + side * v / 4 for v in ys]
            sheet.plot(*line, color=SKY, linewidth=slide.line / 3)


def draw_map(slide: Slide, sheet, place, shares) -> None:
    """A square of cells, the more the stronger, its largest framed."""
    x, y, side = place
    n = round(len(shares) ** 0.5)
    cell, colours = side / n, SEQUENTIAL if slide.theme == "light" else SEQUENTIAL.reversed()
    for k, share in enumerate(shares):
        corner = (x + k % n * cell, y + k // n * cell)
        sheet.add_patch(Rectangle(corner, cell, cell, facecolor=colours(float(share)), edgecolor=slide.faint,
                                  linewidth=slide.line / 4))  # fmt: skip
    best = int(np.argmax(shares))
    corner = (x + best % n * cell, y + best // n * cell)
    sheet.add_patch(Rectangle(corner, cell, cell, fill=False, edgecolor=ROSE, linewidth=1.5 * slide.line))


def dot(slide: Slide, sheet, place, asks: int) -> None:
    """A dot on the patch that asks; none for the class token."""
    x, y, side = place
    if asks >= 0:
        middle = [x + (asks % 4 + 0.5) * side / 4], [y + (asks // 4 + 0.5) * side / 4]
        sheet.plot(*middle, "o", color=IMAGE, markersize=0.6 * slide.body, markeredgecolor=PAPER)
