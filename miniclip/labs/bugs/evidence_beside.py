"""Signs beside the towers and their loss: shared batches, the optimiser, a decoder, scores."""

import math
from dataclasses import replace

import numpy as np

from ...data.captions import caption_groups
from ...data.prompts import encode_texts
from ...data.tokenizer import Tokenizer
from ...model import LanguageModel
from ...models.decoder import DecoderConfig, init_decoder
from ...nn.decoder_ops import IGNORE
from ...nn.optim import decay_mask
from ...nn.tree import flatten, pack, to_vector
from ...tasks.generation import generate
from ...tasks.retrieval import recall_at_k
from ...tasks.zero_shot import ensemble
from ...train import objectives
from ...train.clip import clip_stage
from ...train.loop import Learner, Stage
from ...train.ranks import simulate_ranks
from ...train.step import loss_and_gradients
from .plain import new_plain, plain_recipe

Signs = dict[str, float]
LETTERS, PLACES = "stuvwxyz", 8
SPOKEN = 80  # steps of the language model
RATE = 0.01


def shared(seed: int) -> Signs:
    """A batch of 16 pairs on two ranks, and in parts of four: how far from the whole batch."""
    source, model = new_plain(seed)
    images, ids, _ = source.pairs(-1 - np.arange(16))
    images = images.astype(float)
    two = simulate_ranks(images, ids, model.params, model.config, 2)["local loss, gather with gradient"]
    whole, in_parts = (loss_and_gradients(images, ids, model.params, model.config, part) for part in (16, 4))
    g, of_parts = (to_vector(grads["visual"], like=model.params["visual"]) for _, grads, _ in (whole, in_parts))
    return {
        "loss of two ranks": two["loss"],
        "towers of two ranks": max(two["image tower"], two["text tower"]),
        "temperature of two ranks": two["temperature"],
        "loss in parts": abs(in_parts[0] - whole[0]),
        "towers in parts": float(np.linalg.norm(of_parts - g) / np.linalg.norm(g)),
    }


def learning(seed: int) -> Signs:
    """The optimiser on gradients that are given: cap, decay, first step; and a run that is stopped and goes on."""
    source, model = new_plain(seed)
    stage = clip_stage(plain_recipe(seed), model, source=source)
    grows = replace(stage, objective=lambda step, params: (0.0, [{"logit_scale": np.array(-1.0)}], {}),
                    trained=("logit_scale",))  # fmt: skip
    learner = Learner(grows, model.params)
    losses_of(learner, 20, lr=0.5)
    _, views = pack(model.params, float)
    mask, matrices = decay_mask(views), np.concatenate([np.full(x.size, x.ndim > 1) for x in flatten(views).values()])
    decayed, moved = one_after_a_step(0.0), one_after_a_step(3.0)
    return {
        "scale that only grows": float(np.exp(learner.params["logit_scale"])),
        "numbers other than matrices that decay": float(mask[~matrices].mean()),
        "decay over what it should be": (1.0 - decayed) / (RATE * grows.weight_decay),
        "first step over the rate": (decayed - moved) / RATE,
        "weights differ after a stop": after_a_stop(seed),
    }


def one_after_a_step(gradient: float) -> float:
    """What becomes of a matrix that is 1, by decay and by a gradient."""
    stage = Stage("one step", lambda step, params: (0.0, [{"weight": np.full((1, 1), gradient)}], {}), 1, ("weight",))
    learner = Learner(stage, {"weight": np.ones((1, 1))}, float)
    learner.step(RATE)
    return float(learner.theta[0])


def after_a_stop(seed: int) -> float:
    """Ten steps at once, and five with five more: how far the weights are apart, in their own length."""
    source, model = new_plain(seed)
    stage = clip_stage(plain_recipe(seed), model, source=source)
    whole, first, second = (Learner(stage, model.params) for _ in range(3))
    losses_of(whole, 10)
    losses_of(first, 5)
    second.resume({name: vector.copy() for name, vector in first.vectors.items()}, first.steps)
    losses_of(second, 5)
    return float(np.linalg.norm(second.theta - whole.theta) / np.linalg.norm(whole.theta))


def decoder(seed: int) -> Signs:
    """A small language model on words by chance, of which nothing can be known; and one that learns to count."""
    words = Tokenizer(list(LETTERS), context_length=16)

    def by_chance(step):
        drawn = np.random.default_rng([seed, 9, step]).choice(list(LETTERS), (48, PLACES))
        texts = encode_texts(words, [[(" ".join(row), True)] for row in drawn])
        texts.targets[:, -1] = IGNORE  # the end can be known
        return texts

    _, losses = spoken(words, by_chance, seed)
    numbers = Tokenizer(["one", "two", "three"], context_length=16)
    counting = encode_texts(numbers, [[(" ".join((numbers.words * 6)[i : i + 12]), True)] for i in range(3)])
    model, _ = spoken(numbers, lambda step: counting, seed)
    one_two_three = np.array([numbers.ids[word] for word in numbers.words])
    ids = generate(model.writer(None), [[numbers.start, i] for i in one_two_three], numbers.end, 10).ids
    said = np.pad(ids, ((0, 0), (0, 10 - ids.shape[1])))
    right = one_two_three[(1 + np.arange(3)[:, None] + np.arange(10)) % 3]
    return {
        "loss on random words": float(np.mean(losses[-10:])),
        "least loss on random words": math.log(len(LETTERS)),
        "counts on": float((said == right).mean()),
    }


def spoken(words: Tokenizer, texts_of, seed: int) -> tuple[LanguageModel, list[float]]:
    """A language model after so many steps, and its losses."""
    config = DecoderConfig(words.vocab_size, 16, 16, 1, 2)
    start = {"decoder": init_decoder(np.random.default_rng([seed, 1]), config)}
    stage = Stage("words", lambda step, p: objectives.language(texts_of(step), p, config), SPOKEN, ("decoder",))
    learner = Learner(stage, start)
    losses = losses_of(learner, SPOKEN)
    return LanguageModel(config, learner.params, words), losses


def losses_of(learner: Learner, steps: int, lr: float = 1e-2) -> list[float]:
    """So many steps at one rate: short ones, for which nobody needs a bar."""
    return [learner.step(lr)["loss"] for _ in range(steps)]


def scores(seed: int) -> Signs:
    """Scores of vectors, rankings and captions that are given."""
    votes = ensemble(np.array([[[10.0, 0.0], [0.0, 1.0]]]))[0]
    same = np.full((50, 50), 0.5)
    return {
        "votes of a prompt ten times as long": float(votes[0] / votes[1]),
        "length of a class's vector": float(np.linalg.norm(votes)),
        "recall of one that says the same of all": float(recall_at_k(same, np.eye(50, dtype=bool))),
        "recall where three of three are right": float(recall_at_k([[3.0, 2.0, 1.0]], np.ones((1, 3), bool), 3)),
        "groups of two equal captions": float(len(set(caption_groups(["a red circle"] * 2).tolist()))),
    }
