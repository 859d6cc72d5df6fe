"""Visual question answering: the question is the prompt, and the decoder goes on."""

import math
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from ..data.pairs import normalized_images
from ..data.prompts import encode_prompt
from ..data.questions import CHANCE, NAMES, Question, ask_each
from ..data.tokenizer import list_of_texts, split_words
from ..errors import InputError, InputTypeError, TextError, quote
from ..model import BridgedModel, Describer, LanguageModel
from ..models.checks import check_kind
from .generation import generate
from .shares import Share

LONGEST_ANSWER = 4  # words: "there is none", and the end
EACH = 128  # questions of each form, to score a model


@dataclass(frozen=True)
class Answer:
    """What a model answers, and how likely it holds that."""

    text: str
    probability: float


def answer(model, images, questions) -> list[Answer]:
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
    questions = list_of_texts(questions, "questions", "question")
    if len(questions) != len(images):
        raise InputError(f"there are {len(images)} pictures and {len(questions)} questions, expected one each")
    prompts = [check_prompt(model, text, row) for row, text in enumerate(questions)]
    return continue_prompts(model, np.asarray(images), prompts)


def continue_prompts(model, images, prompts: list[list[int]]) -> list[Answer]:
    """What the model says after each prompt (ids), greedily; texts of one length grow side by side."""
    answers, tokenizer = [Answer("", 0.0)] * len(prompts), model.decoder_tokenizer
    for length in sorted(set(map(len, prompts))):
        rows = [row for row, prompt in enumerate(prompts) if len(prompt) == length]
        alike = np.array([prompts[row] for row in rows])
        written = generate(model.writer(images[rows]), alike, tokenizer.end, LONGEST_ANSWER)
        for row, text, log_p in zip(rows, tokenizer.decode(written.ids), written.log_p.tolist(), strict=True):
            answers[row] = Answer(text, math.exp(log_p))
    return answers


def check_prompt(model, question, row: int) -> list[int]:
    """The ids of a question that has words and fits."""
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


def score_answers(model, seed: int, n: int = EACH, images_of=None, questions_of=None) -> dict[str, Share]:
    """The share of right answers to n questions of each form about split D: overall, by form, and by case.

    `images_of` and `questions_of` reorder: with the pictures or questions of other scenes a model falls to the blind
    or the deaf baseline, or it has not used them.
    """
    scenes, asked = ask_each(seed, "D", n)
    order = np.arange(len(asked))
    images = normalized_images(scenes[order if images_of is None else images_of])
    questions = [asked[i].text for i in (order if questions_of is None else questions_of)]
    return shares_right(answer(model, images, questions), asked)


def score_prompts(model, seed: int, before=None, n: int = EACH) -> dict[str, Share]:
    """The same for other prompts: with `before`, notes that stand before each question; without, no question at all."""
    scenes, asked = ask_each(seed, "D", n)
    parts = zip(before(scenes), (one.text for one in asked), strict=True) if before else [()] * len(asked)
    prompts = [encode_prompt(model.decoder_tokenizer, part) for part in parts]
    return shares_right(continue_prompts(model, normalized_images(scenes), prompts), asked)


def shares_right(answers: list[Answer], asked: list[Question]) -> dict[str, Share]:
    """The share of right answers: overall, of each form, and of each case of a form."""
    right: dict[str, list[bool]] = defaultdict(list)
    for given, one in zip(answers, asked, strict=True):
        for row in ("overall", one.form, *([f"{one.form}, {one.case}"] if one.case else [])):
            right[row].append(given.text == one.answer)
    names = ["overall", *NAMES.values()]
    return {row: Share(right[row]) for row in (*names, *sorted(right.keys() - {*names}))}


def chance_scores() -> dict[str, float]:
    """What a guess among the answers to a form of question gives."""
    return {"overall": float(np.mean(list(CHANCE.values())))} | CHANCE
