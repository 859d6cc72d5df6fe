"""Zero-shot classification: the classes are just text.

    class names + templates -> prompts -> text embeddings -> one vector a class -> cosine with an image

The weights never change: another list of names is another classifier.
Source: Radford et al. 2021, arXiv:2103.00020, section 3.1; the ensemble is that of openai/CLIP's notebook.
"""

import json
import warnings
from functools import cache
from pathlib import Path

import numpy as np

from ..data.tokenizer import list_of_texts, split_words
from ..errors import InputError, InputTypeError, quote
from ..nn.checks import scale_of
from ..nn.ops import normalize_forward, softmax_forward

# One for each thing that captions mention beside the class: CLIP's own eighty do the same for photographs.
TEMPLATES = (
    "a {}", "a picture of a {}", "a photo of a {}", "a sketch of a {}", "a painting of a {}", "a scan of a {}",
    "a small {}", "a large {}", "a {} at the top", "a {} at the bottom", "a {} on the left", "a {} on the right",
    "a {} in the centre",
)  # fmt: skip
TEMPLATE_SETS = ("world", "plain", "clip7", "clip80")
IMAGENET = Path(__file__).parents[1] / "data" / "clip" / "imagenet.json"


@cache
def imagenet() -> dict[str, list[str]]:
    """What CLIP's ImageNet classifier is made of: `class_names`, the templates `clip80`, and `clip7`, the best of them.

    Seven are nearly as good as eighty: they were found by adding, again and again, the template that helps the most.
    Two names stand twice, as in OpenAI's list: each class has its own pictures, but no text can tell the two apart.
    """
    return json.loads(IMAGENET.read_bytes())


def template_set(name: str) -> tuple[str, ...]:
    """The templates of one of the `TEMPLATE_SETS`; another name is an error.

    This world's; the name of the class alone; or CLIP's for photographs.

    >>> template_set("clip7")[:2], len(template_set("clip80"))
    (('itap of a {}.', 'a bad photo of the {}.'), 80)
    """
    if name not in TEMPLATE_SETS:
        raise InputError(f"there is no template set {quote(name)}, expected one of {', '.join(TEMPLATE_SETS)}")
    return {"world": TEMPLATES, "plain": ("{}",)}.get(name) or tuple(imagenet()[name])


def templates_of(model, name: str | None = None) -> tuple[str, ...]:
    """A named set of templates; by default what suits the model.

    The world's; the seven that OpenAI found best; or the name alone, where the model has not learned their words.
    """
    if name or model.of_the_world:
        return template_set(name or "world")
    words, seven = getattr(model.tokenizer, "words", None), template_set("clip7")  # to byte pairs no word is unknown
    known = words is None or set(words).issuperset(word for template in seven for word in split_words(template))
    return seven if known else template_set("plain")


def build_prompts(class_names, templates=TEMPLATES) -> list[list[str]]:
    """Every class name in every template, by class.

    Parameters
    ----------
    class_names : list of str
        At least one, none empty, none twice.
    templates : list of str
        Each with exactly one `{}`, which the name replaces as it is.

    Raises
    ------
    ValueError, TypeError

    Examples
    --------
    >>> build_prompts(["dog", "cat"], ["a photo of a {}", "a sketch of a {}"])
    [['a photo of a dog', 'a sketch of a dog'], ['a photo of a cat', 'a sketch of a cat']]
    """
    class_names, templates = check_names(class_names, "class_names"), check_names(templates, "templates")
    for name in class_names:
        if not name.strip():
            raise InputError("a class name is empty: name every class, separated by commas")
        if class_names.count(name) > 1:
            raise InputError(f"the class {quote(name)} is named twice: each class once")
    for template in templates:
        if template.count("{}") != 1:
            raise InputError(f"the template {quote(template)} has {template.count('{}')} times {{}}, expected it once")
    if len(class_names) == 1:
        warnings.warn(f"only one class, {quote(class_names[0])}: it gets probability 1 for any picture", stacklevel=2)
    return [[template.replace("{}", name) for template in templates] for name in class_names]


def check_names(values, what: str) -> list[str]:
    """A list of at least one string; a single string is no list."""
    if isinstance(values, str):
        raise InputTypeError(f"{what} is {quote(values)}, expected a list of strings")
    values = list_of_texts(values, what, f"of {what}, number")
    if not values:
        raise InputError(f"{what} is empty, expected at least one")
    return values


def ensemble(embeddings) -> np.ndarray:
    """One vector a class: normalise each prompt, average, normalise again.

    Parameters
    ----------
    embeddings : array (K, T, E)
        T prompts for each of K classes, of any length.

    Returns
    -------
    array (K, E), unit vectors

    Examples
    --------
    A long vector has no more say than a short one:

    >>> ensemble(np.array([[[10.0, 0.0], [0.0, 1.0]]])).round(3)
    array([[0.707, 0.707]])
    """
    unit, _ = normalize_forward(embeddings)
    return normalize_forward(unit.mean(1))[0]


def zero_shot_weights(model, class_names, templates=TEMPLATES) -> np.ndarray:
    """The classifier that a list of names makes: (K, E), one unit vector a class. Raises as `build_prompts`."""
    prompts = build_prompts(class_names, templates)
    embeddings = model.encode_text([prompt for group in prompts for prompt in group])
    return ensemble(embeddings.reshape(len(prompts), len(prompts[0]), -1))


def zero_shot_probabilities(image, weights, logit_scale: float) -> np.ndarray:
    """p = softmax over the classes of exp(logit_scale) times the cosines.

    Parameters
    ----------
    image : array (B, E), unit vectors
    weights : array (K, E), unit vectors
    logit_scale : float
        The log of the scale.

    Returns
    -------
    array (B, K); the predicted class is the largest entry of a row

    Examples
    --------
    One image and three texts; the cosines are 0.96, 0.6 and -0.96, and class A wins:

    >>> image = np.array([[0.8, 0.6]])
    >>> texts = np.array([[0.6, 0.8], [0.0, 1.0], [-0.6, -0.8]])
    >>> (image @ texts.T).round(2)
    array([[ 0.96,  0.6 , -0.96]])
    >>> p = zero_shot_probabilities(image, texts, np.log(1 / 0.07))
    >>> p.round(3), "ABC"[p.argmax()]
    (array([[0.994, 0.006, 0.   ]]), 'A')

    A picture of a cat against "a photo of a cat" and "a photo of a car":

    >>> [f"{cosine:.3f}" for cosine in np.array([[0.5, 0.866], [0.8, -0.6]]) @ [0.6, 0.8]]
    ['0.993', '0.000']
    """
    return softmax_forward(scale_of(logit_scale) * (image @ weights.T))[0]


def classify(model, images, class_names, templates=TEMPLATES) -> np.ndarray:
    """Probabilities (B, K) of the named classes for normalised images (B, Y, X, C): the whole recipe in two lines."""
    weights = zero_shot_weights(model, class_names, templates)
    return zero_shot_probabilities(model.encode_image(images), weights, model.logit_scale)
