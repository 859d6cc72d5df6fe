"""What one run can do, as numbers and as pictures: the bridge from a model to `figures`."""

import math
import warnings

import numpy as np

from .. import figures
from ..data.captions import is_true, truth_matrix, write_captions
from ..data.drawing import draw_scenes
from ..data.grammar import CLASS_NAMES
from ..data.pairs import normalized_images
from ..data.pictures import denormalize, normalize, picture_file
from ..data.questions import ask
from ..data.world import COLOURS, sample_scenes
from ..errors import ImageError, InputError, quote
from ..files.checkpoint import load
from ..model import Describer, Model
from ..search.index import Index
from ..search.queries import check_words
from ..tasks.captioning import caption, caption_beams, caption_scores, reread
from ..tasks.generation import GREEDY, Sampling
from ..tasks.outside import outside
from ..tasks.saliency import DEFAULT, explain, patch_shares
from ..tasks.unlisted import unlisted
from ..tasks.vqa import answer
from ..tasks.zero_shot import TEMPLATES, templates_of, zero_shot_probabilities, zero_shot_weights
from .printing import rounded

GALLERY = 512  # pictures of split A that a search looks through
SHOWN = 6  # pictures in a figure


def indexed(model: Model, seed: int):
    """(scenes, images, index): pictures that training has not seen, indexed."""
    scenes = sample_scenes(seed, "A", np.arange(GALLERY))
    images = draw_scenes(scenes)
    return scenes, images, Index(model.encode_image(normalize(images)), range(GALLERY), model.digest)


def as_seen(model: Model, images) -> np.ndarray:
    """Pictures that were made ready for a model, as they look."""
    how = model.preprocessing
    return np.clip(denormalize(images, how.mean, how.std), 0.0, 1.0)


def explanation(model: Model, path, caption: str, method: str = DEFAULT):
    """Which pixels and patches of a picture file speak for a caption.

    Returns
    -------
    (result, figure)
        result : dict with `image`, `caption`, `cosine`, `method`, `outside`; `patches`, rows of the patches' shares of
        the map; and `peak`, row and column of the largest, counted from 0 (null where nothing speaks for the caption)
    """
    check_words(model, caption, "caption")
    images, side = picture_file(path, model), math.isqrt(model.vision.patches)
    (pixels,) = maps = explain(model, images, caption, method)
    (patches,), (outside,) = patch_shares(maps, side), told_outside(model, images, [path])
    cosine = float((model.encode_image(images) @ model.encode_text(caption).T)[0, 0])
    row, column = divmod(int(patches.argmax()), side)
    result = {
        "image": path,
        "caption": caption,
        "cosine": rounded([cosine])[0],
        "method": method,
        "peak": [row, column] if patches.any() else None,
        "patches": [[round(float(share), 4) for share in shares] for shares in patches],
        "outside": outside,
    }
    return result, figures.saliency_maps(as_seen(model, images[0]), caption, cosine, pixels, patches, method)


def zeroshot(model: Model, class_names: list[str], paths: list[str] | None = None, seed: int = 0, templates=None):
    """Classify pictures by the names of the classes: picture files, or without any, six pictures of split B.

    `templates` is the name of a set, by default that of what the model was trained on: see `templates_of`.

    Returns
    -------
    (result, figure)
        result : dict with `classes` and `images`, a list of {`image`, `prediction`, `probabilities`, `nearer`,
        `outside`}, `nearer` a name not among the classes that fits much better, or None (see `tasks.unlisted`); and
        `unreadable`, if there are such files, a list of {`image`, `error`}
    """
    normalised, names, unreadable = chosen_images(model, paths, "B", seed)
    prompts, image = templates_of(model, templates), model.encode_image(normalised)
    weights = zero_shot_weights(model, class_names, prompts)
    probabilities = zero_shot_probabilities(image, weights, model.logit_scale)
    nearer, strange = unlisted(model, image, weights, class_names, prompts), told_outside(model, normalised, names)
    result = {
        "classes": class_names,
        "images": [
            {
                "image": name,
                "prediction": class_names[int(p.argmax())],
                "probabilities": [round(float(x), 6) for x in p],
                "nearer": other,
                "outside": out,
            }
            for name, p, other, out in zip(names, probabilities, nearer, strange, strict=True)
        ],
    } | unreadable
    few = as_seen(model, normalised[:SHOWN])
    return result, figures.zero_shot_bars(few, class_names, probabilities[:SHOWN], nearer=nearer[:SHOWN])


def captions(model: Describer, paths: list[str] | None = None, sampling: Sampling = GREEDY, seed: int = 0,
             beams: int = 1, length_penalty: float = 1.0):  # fmt: skip
    """Describe pictures: picture files, or without any, six pictures of split D; with beams, the best of several texts.

    Returns
    -------
    (result, figure)
        result : dict with `captions`, a list of {`image`, `caption`, `probability`, `outside`}, and `unreadable`, as
        `zeroshot`; the figure shows, for six of them at most, where the decoder looked for each object that it names.
    """
    normalised, names, unreadable = chosen_images(model, paths, "D", seed)
    rng = np.random.default_rng(seed)
    if beams == 1:
        found = caption(model, normalised, sampling, rng=rng)
    else:
        best = [caption_beams(model, image, beams, length_penalty)[0] for image in normalised]
        found = [reread(model, image, text) for image, (text, _) in zip(normalised, best, strict=True)]
    result = {
        "captions": [
            {"image": name, "caption": one.text, "probability": round(one.probability, 6), "outside": out}
            for name, one, out in zip(names, found, told_outside(model, normalised, names), strict=True)
        ]
    } | unreadable
    pictures = as_seen(model, normalised[:SHOWN])
    return result, figures.object_maps(
        [(image, one.text, one.named) for image, one in zip(pictures, found, strict=False)]
    )


def chosen_images(model: Model, paths, split: str, seed: int):
    """(images, names, unreadable): picture files made ready, or without any, six pictures of a split, described.

    One file that cannot be read keeps no answer from the others: `unreadable` is empty, or has a list of {`image`,
    `error`} under that name. The first error is raised where no file can be read.
    """
    if not paths:
        if not model.of_the_world:
            raise InputError("this model was not trained on drawings of the world: name a picture")
        scenes = sample_scenes(seed, split, np.arange(SHOWN))
        return normalized_images(scenes), write_captions(scenes), {}
    opened, names, errors = [], [], list[tuple[str, ImageError]]()
    for path in map(str, paths):
        try:
            opened.append(picture_file(path, model))
            names.append(path)
        except ImageError as error:
            errors.append((path, error))
    if not opened:
        raise errors[0][1]
    unreadable = [{"image": path, "error": str(error)} for path, error in errors]
    return np.concatenate(opened), names, {"unreadable": unreadable} if errors else {}


def told_outside(model, images, names) -> list[bool | None]:
    """Which pictures lie outside of what the model was trained on, None where that is not known; a warning for each."""
    found = outside(model, images)
    if found is None:
        return [None] * len(names)
    for name in np.array(names, object)[found]:
        warnings.warn(f"{quote(name)} is unlike the pictures of training: the answer means little", stacklevel=2)
    return found.tolist()


def distinct_captions(captions: list[str], n: int) -> list[int]:
    """The first n items whose captions are short and all different, for a picture that can be read."""
    chosen: dict[str, int] = {}
    for i, text in enumerate(captions):
        if len(text) <= 42:
            chosen.setdefault(text, i)
    return list(chosen.values())[:n]


def told_of_a_scene(model: Describer, seed: int = 0, questions: int = 4) -> dict:
    """Three objects, what a model says of them, and its answers: what `figures.answers_sheet` takes, by name."""
    many = sample_scenes(seed, "D", np.arange(GALLERY))
    scenes = many[np.flatnonzero(many.count == many.count.max())[:1]]
    asked = {one.form: one for turn in range(12) for one in ask(scenes, turn)}  # a question of each form
    chosen = list(asked.values())[:questions]
    images = normalized_images(scenes)
    (said,) = caption(model, images)
    given = answer(model, np.repeat(images, len(chosen), axis=0), [one.text for one in chosen])
    exact = bool(caption_scores([said.text], scenes)["exact"])
    return {
        "image": as_seen(model, images[0]),
        "caption": (said.text, exact),
        "answers": [(one.text, found.text, found.text == one.answer) for one, found in zip(chosen, given, strict=True)],
    }


def run_overview(model: Model, log: list[dict], seed: int = 0, query: str = "a small red circle on the left"):
    """All that a run learned, on one page, and what the system in the package says of a picture: `figures.overview`."""
    scenes, images, index = indexed(model, seed)
    captions = write_captions(scenes)
    pick = distinct_captions(captions, 6)
    texts = [captions[i] for i in pick]
    cosines = index.embeddings[pick] @ model.encode_text(texts).T

    unseen = sample_scenes(seed, "B", np.arange(4))
    pictures = draw_scenes(unseen)
    weights = zero_shot_weights(model, list(CLASS_NAMES), TEMPLATES)
    probabilities = zero_shot_probabilities(model.encode_image(normalize(pictures)), weights, model.logit_scale)
    truth = unseen.shape[:, 0] * len(COLOURS) + unseen.colour[:, 0]

    (ids,), scores = index.search(model.encode_text(query), 5)
    mine = pick[-1]
    unique = sorted(set(captions))
    (found,), said = Index(model.encode_text(unique), unique).search(index.embeddings[mine], 5)
    return figures.overview(
        {"query": query, "images": images[ids], "scores": scores[0], "right": is_true(query, scenes)[ids].tolist()},
        told_of_a_scene(load("system"), seed),
        {"images": images[pick], "captions": texts, "cosines": cosines},
        {"images": pictures, "class_names": list(CLASS_NAMES), "probabilities": probabilities, "truth": truth},
        {"image": images[mine], "captions": found, "scores": said[0],
         "right": truth_matrix(found, scenes[np.array([mine])])[0].tolist()},
        log,
    )  # fmt: skip
