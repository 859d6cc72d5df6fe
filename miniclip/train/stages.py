"""From a trained CLIP to one that describes and answers: the stages, in full view.

    1. describe   contrast and captions together (CoCa): the trunk keeps CLIP's space and learns to say what it sees
    2. answer     questions, and every fourth step the two losses of before, lest they be forgotten

Beside the one system stand its specialists, trained for one thing, and everything it is compared with.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from ..data.captions import describe, falsify, write_captions
from ..data.notes import retell, take_notes
from ..data.pairs import paint
from ..data.prompts import Texts, decoder_tokenizer, encode_texts, reader_tokenizer
from ..data.questions import KINDS, ask
from ..data.tokenizer import Tokenizer
from ..data.world import Scenes, join, sample_scenes
from ..errors import TrainingDiverged
from ..machine.memory import keep_freed_memory
from ..model import BridgedModel, Describer, LanguageModel, Model
from ..models.bridge import BridgeConfig, init_bridge
from ..models.clip import MAX_LOGIT_SCALE
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig, init_decoder
from ..models.fusion import init_fusion
from ..nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from ..nn.tree import pack, to_vector
from ..tasks.matching import encode_pairs
from . import objectives as steps
from .step import add_up

BATCH = 128
TURNS = 3  # questions about a picture, one after the other: to see it costs more than to be asked about it
# What has to be looked up, "the circle" among three objects, is learned all at once, after many steps rather than after
# many texts, and not at the rate of the other stages. A language model and a bridge to it get small batches.
SMALL, SMALL_RATE = 32, 1e-3
ANSWER_RATE = 2e-3
PRACTISED = (*KINDS, "relation", "relation")  # the last to be learned, and one in nine where all are asked alike
LAYERS = 2  # of every decoder
COCA_STEPS = 1200
EVERYTHING = ("visual", "text", "logit_scale", "decoder")  # that a describer has
RETOLD = 0.4  # the share of the steps in which a language model retells its notes


@dataclass(frozen=True)
class Stage:
    """How long and how fast; `objective(step, params)` gives loss and gradient trees."""

    name: str
    steps: int
    objective: Callable
    trained: tuple[str, ...]
    peak_lr: float = 3e-3
    warmup: int = 100
    weight_decay: float = 0.1
    max_grad_norm: float = 1.0


def fit(stage: Stage, params: dict, silent: bool | None = None) -> dict:
    """Minimise a stage's objective over the sub-trees named in `trained`; the others are not even in the optimiser.

    Returns new params; those given stay as they are. Raises TrainingDiverged for a loss that is not finite.
    """
    keep_freed_memory()
    theta, views = pack({name: params[name] for name in stage.trained})
    params, optimizer = params | views, AdamW(theta, decay_mask(views), decay=stage.weight_decay)
    with tqdm(total=stage.steps, desc=stage.name, unit="step", disable=silent) as bar:
        for step in range(stage.steps):
            loss, trees = stage.objective(step, params)
            gradient, norm = clip_by_global_norm(to_vector(add_up(trees, views), like=views), stage.max_grad_norm)
            if not np.isfinite(loss + norm):
                raise TrainingDiverged(f"{stage.name}, step {step}: the loss is {loss}, its gradient's length {norm}")
            optimizer.step(theta, gradient, warmup_cosine(step, stage.steps, stage.warmup, stage.peak_lr))
            if "logit_scale" in views:
                np.minimum(views["logit_scale"], MAX_LOGIT_SCALE, out=views["logit_scale"])
            bar.update()
            bar.set_postfix(loss=f"{loss:.3f}")
    return params


def shown(seed: int, step: int) -> Scenes:
    """Half single objects, half scenes of one to three."""
    numbers = np.arange(step * BATCH // 2, (step + 1) * BATCH // 2)
    return join(sample_scenes(seed, "train", numbers), sample_scenes(seed, "many", numbers))


def asked(seed: int, step: int, size: int = BATCH) -> Scenes:
    """Scenes of one to three objects."""
    return sample_scenes(seed, "many", np.arange(step * size, (step + 1) * size))


def descriptions(words: Tokenizer, scenes: Scenes) -> Texts:
    """Every scene described; all of it is scored."""
    return encode_texts(words, [[(text, True)] for text in describe(scenes)])


def dialogues(words: Tokenizer, scenes: Scenes, turns=TURNS, kinds=KINDS, before=None, question: bool = True) -> Texts:
    """Questions about every scene, their answers scored; `before` are parts that stand in front of them.

    Without `question` the answers are alone.
    """
    rows: list[list] = [list(parts) for parts in before or [()] * len(scenes)]
    for turn in range(turns):
        for row, q, a in zip(rows, *ask(scenes, turn, kinds)[:2], strict=True):
            row += [*([(q, False)] if question else []), (a, True)]
    return encode_texts(words, rows)


def new_describer(clip: Model, seed: int) -> Describer:
    """A trained CLIP with a new decoder."""
    words, vision = decoder_tokenizer(), clip.config.vision
    decoder = DecoderConfig(words.vocab_size, words.context_length, layers=LAYERS, memory_width=vision.width)
    params = clip.params | {"decoder": init_decoder(np.random.default_rng([seed, 1]), decoder)}
    return Describer(CocaConfig(clip.config, decoder), params, clip.tokenizer, words)


def trained(model: Describer, stage: Stage, silent: bool | None = None) -> Describer:
    """The model after a stage."""
    return Describer(model.coca, fit(stage, model.params, silent), model.tokenizer, model.words)


def describe_stage(model: Describer, seed: int, n: int = 1000, frozen: bool = False) -> Stage:
    """A captioner: descriptions alone; with `frozen` only the decoder learns."""

    def objective(step, params):
        scenes = shown(seed, step)
        return steps.describe(paint(scenes), descriptions(model.words, scenes), params, model.coca, frozen=frozen)

    return Stage("describe", n, objective, ("decoder",) if frozen else ("visual", "decoder"))


def coca_stage(model: Describer, seed: int, n: int = COCA_STEPS) -> Stage:
    """Stage 1 of the system: contrast and describe."""

    def objective(step, params):
        scenes = shown(seed, step)
        ids = model.tokenizer.encode(write_captions(scenes))
        return steps.coca(paint(scenes), ids, descriptions(model.words, scenes), params, model.coca)

    return Stage("contrast and describe", n, objective, EVERYTHING)


def answer_stage(model: Describer, seed: int, n: int = 2500) -> Stage:
    """A specialist: questions alone."""

    def objective(step, params):
        scenes = asked(seed, step)
        return steps.describe(paint(scenes), dialogues(model.words, scenes, kinds=PRACTISED), params, model.coca)

    return Stage("answer", n, objective, ("visual", "decoder"), ANSWER_RATE)


def system_stage(model: Describer, seed: int, n: int = 2200) -> Stage:
    """Stage 2 of the system: answer, and every fourth step contrast and describe as before."""
    answer, rehearse = answer_stage(model, seed).objective, coca_stage(model, seed).objective

    def objective(step, params):
        loss, trees = answer(step, params)
        if step % 4:
            return loss, trees
        more, others = rehearse(COCA_STEPS + step // 4, params)  # goes on where stage 1 ended
        return loss + more, trees + others

    return Stage("contrast, describe and answer", n, objective, EVERYTHING, ANSWER_RATE)


def deaf_stage(model: Describer, seed: int, n: int = 400) -> Stage:
    """A baseline: it sees the picture and never hears the question."""

    def objective(step, params):
        scenes = asked(seed, step)
        texts = dialogues(model.words, scenes, turns=1, question=False)
        return steps.describe(paint(scenes), texts, params, model.coca, frozen=True)

    return Stage("answer without the question", n, objective, ("decoder",))


def new_language_model(seed: int) -> LanguageModel:
    """A decoder that will see words alone."""
    words = reader_tokenizer()
    decoder = DecoderConfig(words.vocab_size, words.context_length, layers=LAYERS)
    return LanguageModel(decoder, {"decoder": init_decoder(np.random.default_rng([seed, 2]), decoder)}, words)


def read_stage(model: LanguageModel, seed: int, n: int = 5000) -> Stage:
    """A language model: notes about a scene, then questions.

    At first it retells the notes before it is asked, and there are two objects or three. Where there is one, nothing
    has to be looked up, and an answer is one word of evidence where a story is a dozen: with questions alone it still
    mixed up the objects after as many steps.
    """

    def objective(step, params):
        scenes, early = asked(seed, step, SMALL), step < RETOLD * n
        scenes = scenes[scenes.count > 1] if early else scenes
        before = [
            [(note, False), (story, True)] if early else [(note, False)]
            for note, story in zip(take_notes(scenes), retell(scenes), strict=True)
        ]
        return steps.read(dialogues(model.words, scenes, before=before), params, model.decoder)

    return Stage("read", n, objective, ("decoder",), SMALL_RATE)


def blind_stage(model: LanguageModel, seed: int, n: int = 400) -> Stage:
    """A baseline: it knows what is asked and has nothing to look at."""

    def objective(step, params):
        return steps.read(dialogues(model.words, asked(seed, step), turns=1), params, model.decoder)

    return Stage("answer without the picture", n, objective, ("decoder",))


def new_bridged(kind: str, tower: Describer, language: LanguageModel, seed: int) -> BridgedModel:
    """A trained tower and a trained language model, with a new bridge between them."""
    vision, decoder = tower.config.vision, language.decoder
    bridge = BridgeConfig(kind, vision.width, decoder.width, vision.patches)
    params = {
        "visual": tower.params["visual"],
        "bridge": init_bridge(np.random.default_rng([seed, 3]), bridge),
        "decoder": language.params["decoder"],
    }
    return BridgedModel(vision, bridge, decoder, params, language.words)


def align_stage(model: BridgedModel, seed: int, n: int = 3000) -> Stage:
    """The bridge's vectors learn to be the words of the notes, `end` after the last.

    Each query gets an object of its own to look for. From questions alone four of them never shared the objects out:
    every vector was a mixture of all. Source of the two steps: Li et al. 2023, arXiv:2301.12597 (BLIP-2), section 3.
    """
    words, tokens = model.words, model.bridge.tokens

    def objective(step, params):
        scenes = asked(seed, step, BATCH // 2)
        ids = words.encode(take_notes(scenes))[:, 1 : 1 + tokens]
        ids = np.where(ids == words.pad, words.end, ids)
        return steps.align(paint(scenes), ids, params, model.bridge, model.vision)

    return Stage(f"align: {model.bridge.kind}", n, objective, ("bridge",))


def bridge_stage(model: BridgedModel, seed: int, n: int = 3000) -> Stage:
    """The bridge alone learns, from questions."""

    def objective(step, params):
        scenes = asked(seed, step, SMALL)
        texts = dialogues(model.words, scenes)
        return steps.bridge(paint(scenes), texts, params, model.bridge, model.vision, model.decoder)

    return Stage(f"bridge: {model.bridge.kind}", n, objective, ("bridge",), SMALL_RATE)


def new_matcher(model: Describer, seed: int) -> dict:
    """Parameters of a fusion encoder that begins with a describer's tower and decoder; only its head is new.

    From a new decoder nothing was learned in 1,500 steps: one bit a pair says little about where to look. A describer
    looks at the right place for each word already. Source: Li et al. 2022, arXiv:2201.12086 (BLIP), section 3.1.
    """
    return init_fusion(np.random.default_rng([seed, 4]), model.coca) | {
        name: model.params[name] for name in ("visual", "decoder")
    }


def match_stage(model: Describer, seed: int, n: int = 1500) -> Stage:
    """A fusion encoder: each picture with a caption of its own and with one that is false by one word.

    At the rate of the other stages it forgets what the describer knew before it has learned to judge.
    """

    def objective(step, params):
        scenes = asked(seed, step, BATCH // 2)
        true, images = write_captions(scenes), paint(scenes)
        ids = encode_pairs(model.words, true + falsify(true, scenes))
        truth = np.arange(BATCH) < BATCH // 2
        return steps.match(np.concatenate([images, images]), ids, truth, params, model.coca)

    return Stage("match", n, objective, ("visual", "decoder", "match"), peak_lr=1e-3)
