"""Which pixels made it say so: the cosine of picture and caption, traced back to the picture.

    gradient              |d cosine / d pixel|: where a small change would move the cosine, up or down
    gradient_x_input      (x - x0) d cosine / dx: what each pixel adds to the cosine, if it were a straight line in x
    integrated_gradients  the same with the gradient's mean on the way from x0 to x: what each pixel does add
    attention_rollout     what the class token reads of each patch, through all blocks; the caption has no part in it

x0 is an even picture of x's own mean colour, in which nothing can be seen: from 0, the mean of the training pictures,
the ground's colour speaks as well (128 pictures of split A: the object has 3.2 times an even share, from x0 3.9).

A pixel's own number says little: next to what speaks for a caption stands what speaks against it, and only their sum
over a patch, what the tower reads as one, points anywhere. To add noise to the picture and average (SmoothGrad, Smilkov
et al. 2017, arXiv:1706.03825; 16 copies) took the hottest patches of the gradient from 91 to 95 % on the object, its
mass from 2.2 to 2.2, and beside another object 38 to 40 %: left out. For gradient x input it does the work of the path.

A single object proves little, since there is nothing else to point at, and x - x0 is 0 on the ground: what a model has
learned shows where two stand side by side and the caption names one, next to the same with random weights (Adebayo et
al. 2018, arXiv:1810.03292). There the gradient points at either, and rollout, which knows no caption, cannot choose.
"""

from functools import partial

import numpy as np

from ..data.captions import with_article
from ..data.drawing import object_window
from ..data.grammar import CLASS_NAMES
from ..data.pairs import normalized_images
from ..data.world import COLOURS, SHAPES, sample_scenes
from ..errors import InputError, quote
from ..machine.threads import cores, in_parallel, part_size, shares
from ..model import Model
from ..models.checks import check_images, check_kind
from ..models.clip import ClipConfig, encode_image_backward, encode_image_forward
from ..models.vision import VisionConfig, class_positions, pixels_backward, vision_trunk_forward
from ..nn.blocks import largest_array
from .evaluate import untrained
from .shares import Scores, Share, table_of

STEPS = 32  # of the path from x0 to x: the map's sum is off by 0.001 in the mean, by 0.02 at most
CACHE_BYTES, KEPT = 2**29, 8  # of one core's pictures; arrays that a block keeps, of the size of its largest one


def cosine_gradient(images, text, p, config: ClipConfig):
    """d cosine / d pixel: training's backward, and one step further.

    images (B, Y, X, C); text (B, E) unit vectors -> (B, Y, X, C)
    """
    _, c = encode_image_forward(images, p, config)
    dpatches, _ = encode_image_backward(text, c)  # the cosine is <image, text>: its gradient at the image is the text
    return pixels_backward(dpatches, c["visual"])


def pictures_at_once(vision: VisionConfig) -> int:
    """How many pictures a core takes: their caches are kept for the backward, and must fit into memory."""
    largest = largest_array(1 + vision.patches, vision.width, vision.heads)
    return max(1, min(part_size(largest), CACHE_BYTES // (KEPT * vision.layers * largest)))


def rows_at_once(n: int, vision: VisionConfig) -> list[slice]:
    """The rows of n pictures, as runs that fit into memory: one for each core at least."""
    return shares(np.ones(n, int), max(cores(), -(-n // pictures_at_once(vision))))


def on_all_cores(function, vision: VisionConfig, *inputs) -> np.ndarray:
    """function(some rows of each input), on all cores, joined again."""
    rows = rows_at_once(len(inputs[0]), vision)
    return np.concatenate(list(in_parallel(partial(function, *(x[some] for x in inputs)) for some in rows)))


def pixel_gradients(images, text, p, config: ClipConfig):
    """`cosine_gradient` of any number of pictures."""
    return on_all_cores(partial(cosine_gradient, p=p, config=config), config.vision, images, text)


def plain_gradient(images, text, p, config: ClipConfig):
    """sum_c |d cosine / d x_c|. Source: Simonyan, Vedaldi, Zisserman 2013, arXiv:1312.6034; they take the largest."""
    return np.abs(pixel_gradients(images, text, p, config)).sum(-1)


def even_pictures(images):
    """x0: each picture's mean colour, everywhere. images (B, Y, X, C) -> (B, 1, 1, C)"""
    return images.mean((1, 2), keepdims=True)


def gradient_times_input(images, text, p, config: ClipConfig):
    """sum_c (x_c - x0_c) d cosine / d x_c. Source: Shrikumar et al. 2016, arXiv:1605.01713, whose x0 is 0."""
    return ((images - even_pictures(images)) * pixel_gradients(images, text, p, config)).sum(-1)


def integrated_gradients(images, text, p, config: ClipConfig, steps: int = STEPS):
    """sum_c (x_c - x0_c) mean_k d cosine / d x_c at x0 + (k + 1/2) / steps (x - x0): the midpoint rule.

    All pixels together are cosine(x) - cosine(x0), but for what `steps` leave out.
    Source: Sundararajan, Taly, Yan 2017, arXiv:1703.01365, eq. 1 and 3.
    """
    start, total = even_pictures(images), np.zeros_like(images)
    way = images - start

    def some_points(rows):
        b, k = np.divmod(np.arange(rows.start, rows.stop), steps)  # point k on the way of picture b
        share = ((k + 0.5) / steps).astype(images.dtype)[:, None, None, None]
        gradient = cosine_gradient(start[b] + share * way[b], text[b], p, config)
        first = np.flatnonzero(np.diff(b, prepend=-1))
        return b[first], np.add.reduceat(gradient, first)

    runs = rows_at_once(len(images) * steps, config.vision)
    for b, gradient in in_parallel(partial(some_points, rows) for rows in runs):
        total[b] += gradient
    return (way * total / steps).sum(-1)


def attention_rollout(images, text, p, config: ClipConfig):
    """r = e_class A_L ... A_1,  A = (mean over heads of the attention + 1) / 2: the residual stream keeps the rest.

    Each pixel has its patch's share, spread evenly. Source: Abnar, Zuidema 2020, arXiv:2005.00928, section 3.
    """
    vision = config.vision

    def shares_of_patches(images):
        _, c = vision_trunk_forward(images, p["visual"], vision, read=class_positions(images))
        flow = np.zeros((len(images), 1, 1 + vision.patches), images.dtype)
        flow[:, :, 0] = 1.0
        for block in reversed(c["blocks"]):
            attention = block["attn"]["attend"][3].mean(1)  # (B, T, 1 + N): in the last block only the class token asks
            flow = 0.5 * (flow + flow[:, :, : attention.shape[1]] @ attention)
        return flow[:, 0, 1:]

    side, P = vision.image_size // vision.patch_size, vision.patch_size
    patches = on_all_cores(shares_of_patches, vision, images).reshape(-1, side, side)
    return patches.repeat(P, 1).repeat(P, 2) / (P * P)


METHODS = {
    "integrated_gradients": integrated_gradients,
    "gradient_x_input": gradient_times_input,
    "gradient": plain_gradient,
    "attention_rollout": attention_rollout,
}
DEFAULT = "integrated_gradients"


def explain(model: Model, images, texts, method: str = DEFAULT) -> np.ndarray:
    """Which pixels made the cosine of a picture and a caption what it is.

    Parameters
    ----------
    model : Model
    images : float array (B, Y, X, C)
        Normalised, as `miniclip.preprocess` returns them.
    texts : str or list of str
        A caption for each picture, or one for all.
    method : "integrated_gradients", "gradient_x_input", "gradient" or "attention_rollout"

    Returns
    -------
    float array (B, Y, X)
        Integrated gradients are signed, and add up to the picture's cosine less that of an even picture of its mean
        colour; gradient x input is signed too, the others are not. `patch_shares` makes shares of patches of them.

    Raises
    ------
    TypeError, ValueError
        For a model without a picture or a text tower, another method, or not as many texts as pictures.
    """
    check_kind(model, Model)
    if not isinstance(method, str) or method not in METHODS:
        raise InputError(f"the method is {quote(method)}, expected one of {', '.join(METHODS)}")
    images, text = check_images(images, model.image_size), model.encode_text(texts)
    if len(text) not in (1, len(images)):
        raise InputError(f"there are {len(text)} texts and {len(images)} pictures, expected one each, or one for all")
    text = np.broadcast_to(text, (len(images), text.shape[1]))
    return METHODS[method](images, text, model.params, model.config)


def patch_shares(maps, side: int) -> np.ndarray:
    """What speaks for the caption, patch by patch: the positive sums, as shares of them all.

    Parameters
    ----------
    maps : float array (B, Y, X)
    side : int
        Patches from top to bottom, and from left to right.

    Returns
    -------
    float array (B, side, side)
        Each sums to 1; to 0 where nothing speaks for the caption.
    """
    B, Y, X = maps.shape
    sums = np.maximum(maps.reshape(B, side, Y // side, side, X // side).sum((2, 4)), 0.0)
    total = sums.sum((1, 2), keepdims=True)
    return sums / np.where(total > 0.0, total, 1.0)


def another(taken, n: int) -> np.ndarray:
    """For each row of numbers below n, the next after its first that is not among them. taken (B, k) -> (B,)"""
    options = (taken[:, :1] + 1 + np.arange(n)) % n
    free = (options[:, :, None] != taken[:, None]).all(2)
    return options[np.arange(len(taken)), free.argmax(1)]


def naming(shape, colour) -> list[str]:
    """Captions that name one object each. shape, colour (B,)"""
    return [with_article(CLASS_NAMES[i]) for i in shape * len(COLOURS) + colour]


def named_scenes(seed: int, split: str, n: int):
    """(scenes, captions that name the first object, captions that name what is not there: neither colour nor shape)."""
    scenes = sample_scenes(seed, split, np.arange(n))
    wrong = naming(another(scenes.shape, len(SHAPES)), another(scenes.colour, len(COLOURS)))
    return scenes, naming(scenes.shape[:, 0], scenes.colour[:, 0]), wrong


def saliency_scores(model: Model, seed: int = 0, n: int = 256, methods=tuple(METHODS)) -> Scores:
    """How well each method points at what the caption names, alone and beside another object.

    Parameters
    ----------
    model : Model
    seed : int
    n : int
        Pictures of each kind: of splits A and C.
    methods : sequence of str

    Returns
    -------
    dict
        For each method `peak`, in how many pictures the largest share is that of one of the object's patches, and
        `mass`, the object's share over that of an even map, 4 at most: for the `model`; with a `wrong caption`, of
        another colour and shape; with random weights, `untrained`; and by `chance`. `cosine` is that which is
        explained.
    """
    columns: dict[str, dict[str, float]] = {"model": {}, "wrong caption": {}, "untrained": {}, "chance": {}}
    side, start = model.vision.image_size // model.vision.patch_size, untrained(model)
    for kind, split in (("alone", "A"), ("one of two", "C")):
        scenes, right, wrong = named_scenes(seed, split, n)
        images, on_it = normalized_images(scenes), object_window(scenes, 0, side)
        for name, who, texts in (("model", model, right), ("wrong caption", model, wrong), ("untrained", start, right)):
            cosines = (who.encode_image(images) * who.encode_text(texts)).sum(-1)
            columns[name][f"cosine, {kind}"] = float(cosines.mean())
            for method in methods:
                found = patch_shares(explain(who, images, texts, method), side)
                columns[name] |= {f"{method}: {row}, {kind}": score for row, score in pointing(found, on_it).items()}
        for method in methods:
            columns["chance"] |= {f"{method}: peak, {kind}": float(on_it.mean()), f"{method}: mass, {kind}": 1.0}
    return table_of(columns)


def pointing(found, on_it) -> dict[str, float]:
    """`peak` and `mass` of shares of patches (B, side, side) and where the object is, the same bool."""
    best = found.reshape(len(found), -1).argmax(1)
    peak = Share(on_it.reshape(len(found), -1)[np.arange(len(found)), best])
    return {"peak": peak, "mass": float((found * on_it).sum((1, 2)).mean() / on_it.mean())}
