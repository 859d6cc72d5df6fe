"""From a trained CLIP to one that describes and answers: the stages, in full view.

    1. contrast and describe   both at once (CoCa): the trunk keeps CLIP's space and learns to say what it sees
    2. answer                  questions, and every fourth step the two losses of before, lest they be forgotten

Beside the one system stand its specialists, trained for one thing, and everything it is compared with. A stage is made
for a model, whose sizes and words it uses, and a seed, and takes n steps; `on` is the backend, which draws its share of
each batch.
"""

from itertools import chain

import numpy as np

from ..data.captions import write_captions, write_descriptions
from ..data.negatives import falsify
from ..data.notes import retell, take_notes
from ..data.pairs import normalized_images
from ..data.prompts import Texts, describer_tokenizer, encode_texts, language_tokenizer
from ..data.questions import FORMS, absent, ask, place, relation, side
from ..data.tokenizer import Tokenizer
from ..data.world import Scenes, join, sample_scenes
from ..model import BridgedModel, Describer, LanguageModel, Matcher, Model
from ..models.bridge import BridgeConfig, BridgedConfig, init_bridge
from ..models.coca import CocaConfig
from ..models.decoder import DecoderConfig, init_decoder
from ..models.fusion import init_fusion
from .backend import NUMPY, Backend
from .clip import CAPS
from .loop import Stage

BATCH = 128
TURNS = 3  # questions about a picture, one after the other: to see it costs more than to be asked about it
# What has to be looked up, "the circle" among three objects, is learned all at once, after many steps rather than after
# many texts, and not at the rate of the other stages. A language model and a bridge to it get small batches.
SMALL, SMALL_RATE = 32, 1e-3
ANSWER_RATE, ANSWER_WARMUP = 2e-3, 300
# Where one object is from another is learned last, and not before where each of them is. What is not there is seldom
# asked for, so that "there is none" is no better guess than a colour.
PRACTISED = FORMS | {form: times * FORMS[form] for form, times in ((place, 3), (side, 2), (relation, 2), (absent, 3))}
LAYERS = 2  # of every decoder
COCA_STEPS = 1200  # of stage 1
EVERYTHING = ("visual", "text", "logit_scale", "decoder")  # that a describer has
RETOLD = 0.4  # the share of the steps in which a language model retells its notes


def one_or_more(seed: int, numbers) -> Scenes:
    """Scenes of one to three objects, that many again of single ones before them."""
    return join(sample_scenes(seed, "train", numbers), sample_scenes(seed, "many", numbers))


def descriptions(tokenizer: Tokenizer, scenes: Scenes) -> Texts:
    """Every scene described; all of it is scored."""
    return encode_texts(tokenizer, [[(text, True)] for text in write_descriptions(scenes)])


def dialogues(tokenizer: Tokenizer, scenes: Scenes, turns=TURNS, forms=FORMS, before=None, question=True) -> Texts:
    """Questions about every scene, their answers scored; `before` are parts that stand in front of them.

    Without `question` the answers are alone.
    """
    rows: list[list] = [list(parts) for parts in before or [()] * len(scenes)]
    for turn in range(turns):
        for row, asked in zip(rows, ask(scenes, turn, forms), strict=True):
            row += [*([(asked.text, False)] if question else []), (asked.answer, True)]
    return encode_texts(tokenizer, rows)


def new_describer(clip: Model, seed: int) -> Describer:
    """A trained CLIP with a new decoder."""
    words, vision = describer_tokenizer(), clip.config.vision
    decoder = DecoderConfig(words.vocab_size, words.context_length, layers=LAYERS, memory_width=vision.width)
    params = clip.params | {"decoder": init_decoder(np.random.default_rng([seed, 1]), decoder)}
    return Describer(CocaConfig(clip.config, decoder), params, clip.tokenizer, words)


def describe_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY, frozen: bool = False) -> Stage:
    """A captioner: descriptions alone; with `frozen` only the decoder learns."""

    def objective(step, params):
        scenes = one_or_more(seed, on.items(step, BATCH // 2))
        texts = descriptions(model.decoder_tokenizer, scenes)
        return on.objectives.captioning(normalized_images(scenes), texts, params, model.coca, frozen)

    return Stage("describe", objective, n, ("decoder",) if frozen else ("visual", "decoder"))


def frozen_describe_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A captioner whose tower stays as it is."""
    return describe_stage(model, seed, n, on, frozen=True)


def coca_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """Stage 1 of the system: contrast and describe."""

    def objective(step, params):
        scenes = one_or_more(seed, on.items(step, BATCH // 2))
        ids, texts = model.tokenizer.encode(write_captions(scenes)), descriptions(model.decoder_tokenizer, scenes)
        return on.objectives.coca(normalized_images(scenes), ids, texts, params, model.coca)

    return Stage("contrast and describe", objective, n, EVERYTHING, caps=CAPS)


def answer_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A specialist: questions alone."""

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, BATCH))
        texts = dialogues(model.decoder_tokenizer, scenes, forms=PRACTISED)
        return on.objectives.captioning(normalized_images(scenes), texts, params, model.coca)

    return Stage("answer", objective, n, ("visual", "decoder"), ANSWER_RATE, ANSWER_WARMUP)


def system_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """Stage 2 of the system: answer, and every fourth step contrast and describe as before."""
    answer, rehearse = (stage(model, seed, n, on).objective for stage in (answer_stage, coca_stage))

    def objective(step, params):
        loss, trees, metrics = answer(step, params)
        if step % 4:
            return loss, trees, metrics
        more, others, metrics = rehearse(COCA_STEPS + step // 4, params)  # goes on where stage 1 ended
        return loss + more, chain(trees, others), metrics

    name = "contrast, describe and answer"
    return Stage(name, objective, n, EVERYTHING, ANSWER_RATE, ANSWER_WARMUP, caps=CAPS)


def deaf_stage(model: Describer, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A baseline: it sees the picture and never hears the question."""

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, BATCH))
        texts = dialogues(model.decoder_tokenizer, scenes, turns=1, question=False)
        return on.objectives.captioning(normalized_images(scenes), texts, params, model.coca, frozen=True)

    return Stage("answer without the question", objective, n, ("decoder",))


def new_language_model(seed: int) -> LanguageModel:
    """A decoder that will see words alone."""
    words = language_tokenizer()
    decoder = DecoderConfig(words.vocab_size, words.context_length, layers=LAYERS)
    return LanguageModel(decoder, {"decoder": init_decoder(np.random.default_rng([seed, 2]), decoder)}, words)


def language_stage(model: LanguageModel, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A language model: notes about a scene, then questions.

    At first it retells the notes before it is asked, and there are two objects or three. Where there is one, nothing
    has to be looked up, and an answer is one word of evidence where a story is a dozen: with questions alone it still
    mixed up the objects after as many steps.
    """

    def objective(step, params):
        scenes, early = sample_scenes(seed, "many", on.items(step, SMALL)), step < RETOLD * n
        scenes = scenes[scenes.count > 1] if early else scenes
        before = [
            [(note, False), (story, True)] if early else [(note, False)]
            for note, story in zip(take_notes(scenes), retell(scenes), strict=True)
        ]
        return on.objectives.language(dialogues(model.decoder_tokenizer, scenes, before=before), params, model.config)

    return Stage("language", objective, n, ("decoder",), SMALL_RATE)


def blind_stage(model: LanguageModel, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A baseline: it knows what is asked and has nothing to look at."""

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, BATCH))
        return on.objectives.language(dialogues(model.decoder_tokenizer, scenes, turns=1), params, model.config)

    return Stage("answer without the picture", objective, n, ("decoder",))


def new_bridged(kind: str, tower: Describer, language: LanguageModel, seed: int) -> BridgedModel:
    """A trained tower and a trained language model, with a new bridge between them."""
    vision, decoder = tower.config.vision, language.config
    bridge = BridgeConfig(kind, vision.width, decoder.width, vision.patches)
    params = {
        "visual": tower.params["visual"],
        "bridge": init_bridge(np.random.default_rng([seed, 3]), bridge),
        "decoder": language.params["decoder"],
    }
    return BridgedModel(BridgedConfig(tower.config, bridge, decoder), params, language.decoder_tokenizer)


def align_stage(model: BridgedModel, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """The bridge's vectors learn to be the words of the notes, `end` after the last.

    Each query gets an object of its own to look for. From questions alone four of them never shared the objects out:
    every vector was a mixture of all. Source of the two steps: Li et al. 2023, arXiv:2301.12597 (BLIP-2), section 3.
    """
    tokenizer, length = model.decoder_tokenizer, model.config.bridge.length

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, BATCH // 2))
        ids = tokenizer.encode(take_notes(scenes))[:, 1 : 1 + length]
        ids = np.where(ids == tokenizer.pad, tokenizer.end, ids)
        return on.objectives.alignment(normalized_images(scenes), ids, params, model.config)

    return Stage(f"align: {model.config.bridge.kind}", objective, n, ("bridge",))


def bridge_stage(model: BridgedModel, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """The bridge alone learns, from questions."""

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, SMALL))
        texts = dialogues(model.decoder_tokenizer, scenes)
        return on.objectives.bridging(normalized_images(scenes), texts, params, model.config)

    return Stage(f"bridge: {model.config.bridge.kind}", objective, n, ("bridge",), SMALL_RATE)


def new_matcher(model: Describer, seed: int) -> Matcher:
    """A fusion encoder that begins with a describer's tower and decoder; only its head is new.

    From a new decoder nothing was learned in 1,500 steps: one bit a pair says little about where to look. A describer
    looks at the right place for each word already. Source: Li et al. 2022, arXiv:2201.12086 (BLIP), section 3.1.
    """
    params = init_fusion(np.random.default_rng([seed, 4]), model.coca)
    params |= {name: model.params[name] for name in ("visual", "decoder")}
    return Matcher(model.coca, params, model.decoder_tokenizer)


def match_stage(model: Matcher, seed: int, n: int, on: Backend = NUMPY) -> Stage:
    """A fusion encoder: each picture with a caption of its own and with one that is false by one word.

    At the rate of the other stages it forgets what the describer knew before it has learned to judge.
    """

    def objective(step, params):
        scenes = sample_scenes(seed, "many", on.items(step, BATCH // 2))
        true, images = write_captions(scenes), normalized_images(scenes)
        ids = model.decoder_tokenizer.encode_short(true + falsify(true, scenes))
        truth = np.arange(2 * len(scenes)) < len(scenes)
        return on.objectives.matching(np.concatenate([images, images]), ids, truth, params, model.config)

    return Stage("match", objective, n, ("visual", "decoder", "match"), peak_lr=1e-3)
