"""Visual question answering: the question is the prompt, and the decoder goes on."""

import numpy as np

from ..data.pairs import normalized_images
from ..data.prompts import encode_prompt
from ..data.questions import CHANCE, KINDS, ask
from ..data.tokenizer import split_words
from ..data.world import sample_scenes
from ..errors import InputError, InputTypeError, TextError, quote
from ..model import BridgedModel, Describer, LanguageModel
from ..models.checks import check_kind
from .generation import generate

LONGEST_ANSWER = 3  # words: a place has two, and the end


def answer(model, images, questions) -> list[str]:
    """Answer one question about each picture.

    Parameters
    ----------
    model : Describer or BridgedModel
    images : float array (B, Y, X, C)
        Normalised, as `miniclip.preprocess` returns them.
    questions : list of str
        As many as pictures. "<end>" in a question is plain text.

    Raises
    ------
    TextError
        For a question without words, or too long to fit beside the picture; the picture is never cut.
    TypeError, ValueError
        For pictures of another shape or type, or another number of them.
    """
    if not hasattr(model, "writer"):  # whatever writes may answer
        check_kind(model, Describer, BridgedModel, LanguageModel)
    if isinstance(questions, str):
        raise InputTypeError(f"questions are {quote(questions)}, expected a list of them, one for each picture")
    if len(questions) != len(images):
        raise InputError(f"there are {len(images)} pictures and {len(questions)} questions, expected one each")
    prompts = [check_prompt(model, text, row) for row, text in enumerate(questions)]
    return continue_prompts(model, np.asarray(images), prompts)


def continue_prompts(model, images, prompts: list[list[int]]) -> list[str]:
    """What the model says after each prompt (ids), greedily; texts of one length grow side by side."""
    answers, tokenizer = [""] * len(prompts), model.decoder_tokenizer
    for length in sorted(set(map(len, prompts))):
        rows = [row for row, prompt in enumerate(prompts) if len(prompt) == length]
        alike = np.array([prompts[row] for row in rows])
        ids, _ = generate(model.writer(images[rows]), alike, tokenizer.end, LONGEST_ANSWER)
        for row, text in zip(rows, tokenizer.decode(ids), strict=True):
            answers[row] = text
    return answers


def check_prompt(model, question, row: int) -> list[int]:
    """The ids of a question that has words and fits."""
    if not isinstance(question, str):
        raise InputTypeError(f"question {row} is {type(question).__name__}, expected str")
    if not split_words(question):
        raise TextError(f"question {row} is {quote(question)}, expected words, such as 'what colour is the circle?'")
    model.decoder_tokenizer.warn_of_unknown(split_words(question))
    prompt = encode_prompt(model.decoder_tokenizer, (question,))
    places, room = model.image_places + len(prompt) + LONGEST_ANSWER, model.places
    if places > room:
        raise TextError(
            f"question {row} takes {len(prompt)} places with its start and end, the picture {model.image_places}, the "
            f"answer {LONGEST_ANSWER}: {places}, expected at most {room}: shorten the question"
        )
    return prompt


def score_answers(model, seed: int, n: int = 1024, images_of=None, questions_of=None) -> dict[str, float]:
    """The share of right answers about the first n scenes of split D: overall, and for each kind of question.

    `images_of` and `questions_of` reorder: with the pictures or questions of other scenes a model falls to the blind
    or the deaf baseline, or it has not used them.
    """
    scenes = sample_scenes(seed, "D", np.arange(n))
    images, (questions, truth, kinds) = normalized_images(scenes), ask(scenes)
    images = images if images_of is None else images[images_of]
    questions = questions if questions_of is None else [questions[i] for i in questions_of]
    return accuracy_by_kind(answer(model, images, questions), truth, kinds)


def score_prompts(model, seed: int, before=None, n: int = 1024) -> dict[str, float]:
    """The same for other prompts: with `before`, notes that stand before each question; without, no question at all."""
    scenes = sample_scenes(seed, "D", np.arange(n))
    questions, truth, kinds = ask(scenes)
    parts = zip(before(scenes), questions, strict=True) if before else [()] * n
    prompts = [encode_prompt(model.decoder_tokenizer, part) for part in parts]
    return accuracy_by_kind(continue_prompts(model, normalized_images(scenes), prompts), truth, kinds)


def accuracy_by_kind(answers, truth, kinds) -> dict[str, float]:
    """The share of right answers, overall and by kind."""
    right, kinds = np.array([a == b for a, b in zip(answers, truth, strict=True)], float), np.array(kinds)
    return {"overall": float(right.mean())} | {kind: float(right[kinds == kind].mean()) for kind in KINDS}


def chance_scores(seed: int, n: int = 1024) -> dict[str, float]:
    """What a guess among the answers to a kind of question gives."""
    _, _, kinds = ask(sample_scenes(seed, "D", np.arange(n)))
    return {"overall": float(np.mean([CHANCE[kind] for kind in kinds]))} | CHANCE
