"""Tiny models of every kind, untrained, and what they are trained with in the tests."""

import numpy as np

from miniclip.data import grammar
from miniclip.data.prompts import describer_tokenizer
from miniclip.data.tokenizer import Tokenizer
from miniclip.model import BridgedModel, Describer, LanguageModel, Matcher
from miniclip.models.bridge import BridgeConfig, BridgedConfig, init_bridged
from miniclip.models.clip import ClipConfig, init_clip
from miniclip.models.coca import CocaConfig
from miniclip.models.decoder import DecoderConfig, init_decoder
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.nn.tree import flatten, pack
from miniclip.train.loop import Learner, fit
from miniclip.train.stages import new_matcher

TOKENIZER, WORDS = Tokenizer(grammar.vocabulary()), describer_tokenizer()


def new_describer(words=WORDS, seed=0) -> Describer:
    text = TextConfig(TOKENIZER.vocab_size, TOKENIZER.context_length, 16, 1, 2)
    decoder = DecoderConfig(words.vocab_size, words.context_length, 32, 2, 2, memory_width=32)
    config = CocaConfig(ClipConfig(VisionConfig(32, 8, 32, 1, 2), text, 16), decoder)
    rng = np.random.default_rng(seed)
    _, params = pack(init_clip(rng, config.clip) | {"decoder": init_decoder(rng, decoder)})
    return Describer(config, params, TOKENIZER, words, "tiny")


def new_bridged(kind="queries", queries=4, words=WORDS) -> BridgedModel:
    """A language model that is shown a few vectors."""
    bridge = BridgeConfig(kind, 32, 32, 16, queries=queries)
    decoder = DecoderConfig(words.vocab_size, words.context_length, 32, 1, 2)
    config = BridgedConfig(new_describer().config, bridge, decoder)
    return BridgedModel(config, pack(init_bridged(np.random.default_rng(0), config))[1], words)


def new_language_model(words=WORDS) -> LanguageModel:
    config = DecoderConfig(words.vocab_size, words.context_length, 32, 1, 2)
    return LanguageModel(config, pack({"decoder": init_decoder(np.random.default_rng(0), config)})[1], words)


def tiny_matcher() -> Matcher:
    matcher = new_matcher(new_describer(), 0)
    return matcher.with_params(pack(matcher.params)[1])


def fitted(stage, params):
    """The parameters after a stage."""
    learner = Learner(stage, params)
    assert fit(learner) == 0
    return learner.params


def bits(tree):
    return {name: (leaf.dtype, leaf.tobytes()) for name, leaf in flatten(tree).items()}
