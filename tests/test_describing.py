"""Models that describe and answer: they learn what can be learned, look where they should, and are saved whole."""

import json
import re
import shutil
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
import safetensors.numpy

from miniclip.data import grammar
from miniclip.data.captions import describe, is_true
from miniclip.data.pairs import paint
from miniclip.data.prompts import decoder_tokenizer, encode_texts
from miniclip.data.questions import CHANCE, KINDS, ask
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import Scenes, sample_scenes
from miniclip.errors import CheckpointError, ConfigError, MiniclipError, TextError, TrainingDiverged, WeightsError
from miniclip.files.checkpoint import SYSTEM, describer_files, load, model_files
from miniclip.files.storage import commit, encode_json
from miniclip.model import BridgedModel, Describer, LanguageModel
from miniclip.models.bridge import BridgeConfig, init_bridge
from miniclip.models.clip import MAX_LOGIT_SCALE, ClipConfig
from miniclip.models.coca import CocaConfig, describe_forward, init_coca
from miniclip.models.decoder import DecoderConfig, decoder_forward, init_decoder
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.nn.ops import IGNORE
from miniclip.nn.tree import flatten, pack, to_vector
from miniclip.tasks import matching, vqa
from miniclip.tasks.captioning import attention_on_object, caption, caption_beams, caption_scores, score_captions
from miniclip.tasks.evaluate import zero_shot_accuracy
from miniclip.tasks.generation import Sampling, generate
from miniclip.tasks.retrieval import recall_at_k
from miniclip.train import objectives as steps
from miniclip.train import stages as recipe
from miniclip.train import study
from miniclip.train.stages import Stage, fit, trained

TOKENIZER, WORDS = Tokenizer(grammar.vocabulary()), decoder_tokenizer()


def new_model(words=WORDS, seed=0):
    """A tiny describer, untrained."""
    text = TextConfig(TOKENIZER.vocab_size, TOKENIZER.context_length, 16, 1, 2)
    decoder = DecoderConfig(words.vocab_size, words.context_length, 32, 2, 2, memory_width=32)
    config = CocaConfig(ClipConfig(VisionConfig(32, 8, 32, 1, 2), text, 16), decoder)
    _, params = pack(init_coca(np.random.default_rng(seed), config))
    return Describer(config, params, TOKENIZER, words, "tiny")


@pytest.fixture(scope="module")
def sixteen():
    """Scenes, their pictures, questions and answers."""
    scenes = sample_scenes(0, "many", np.arange(16))
    questions, answers, _ = ask(scenes)
    return SimpleNamespace(scenes=scenes, images=paint(scenes), questions=questions, answers=answers)


@pytest.fixture(scope="module")
def model(sixteen):
    """A describer that knows sixteen scenes by heart; nobody may change it."""
    start = new_model()
    rows = [[(text, True)] for text in describe(sixteen.scenes)]
    rows += [[(q, False), (a, True)] for q, a in zip(sixteen.questions, sixteen.answers, strict=True)]
    texts, images = encode_texts(WORDS, rows), np.concatenate([sixteen.images] * 2)

    def objective(step, params):
        return steps.describe(images, texts, params, start.coca)

    stage = Stage("overfit", 160, objective, ("visual", "decoder"), peak_lr=1e-2, warmup=20, weight_decay=0.0)
    return trained(start, stage, silent=True)


def bits(tree):
    return {name: (leaf.dtype, leaf.tobytes()) for name, leaf in flatten(tree).items()}


# What can be learned, and what cannot.


def test_sixteen_scenes_can_be_learned_by_heart(model, sixteen):
    assert [one.text for one in caption(model, sixteen.images)] == describe(sixteen.scenes)
    assert vqa.answer(model, sixteen.images, sixteen.questions) == sixteen.answers
    scores = caption_scores([one.text for one in caption(model, sixteen.images)], sixteen.scenes)
    assert scores == {"true": 1.0, "attribute F1": 1.0, "every object": 1.0}


def test_the_picture_and_the_question_decide(model, sixteen):
    others = np.roll(np.arange(16), 1)
    assert [one.text for one in caption(model, sixteen.images[others])] == [describe(sixteen.scenes)[i] for i in others]
    for images, questions in (
        (sixteen.images[others], sixteen.questions),
        (sixteen.images, [sixteen.questions[i] for i in others]),
    ):
        right = np.mean([a == b for a, b in zip(vqa.answer(model, images, questions), sixteen.answers, strict=True)])
        assert right < 0.7


def word_model(letters, seed=0):
    words = Tokenizer(letters, context_length=16)
    return new_model(words, seed), words


def test_random_captions_cannot_be_learned():
    """T55: whoever sees the next word, or is asked for the one it sees, gets below ln V."""
    letters = list("stuvwxyz")
    model, words = word_model(letters)
    images = np.random.default_rng(0).normal(size=(48, 32, 32, 3)).astype(np.float32)

    def batch(seed):
        drawn = np.random.default_rng([7, seed]).choice(letters, (48, 8))
        texts = encode_texts(words, [[(" ".join(row), True)] for row in drawn])
        texts.targets[:, -1] = IGNORE  # the end can be learned
        return texts

    def losses(params, seeds):
        return np.mean([steps.describe(images, batch(seed), params, model.coca, frozen=True)[0] for seed in seeds])

    def objective(step, params):
        return steps.describe(images, batch(step), params, model.coca, frozen=True)

    untrained = losses(model.params, [1000])
    params = fit(Stage("random", 60, objective, ("decoder",), peak_lr=1e-2, warmup=10), model.params, silent=True)
    assert untrained > np.log(8) + 0.3
    assert np.log(8) - 0.05 <= losses(params, range(1000, 1004)) <= np.log(8) + 0.3


def test_counting_goes_on():
    """T55: trained to count, it counts on from anywhere; whatever is shifted by one too few or too many does not."""
    words = Tokenizer(["one", "two", "three"], context_length=16)
    config = DecoderConfig(words.vocab_size, 16, 16, 1, 2)
    texts = encode_texts(words, [[(" ".join((words.words * 6)[i : i + 12]), True)] for i in range(3)])
    start = {"decoder": init_decoder(np.random.default_rng(0), config)}
    stage = Stage("count", 80, lambda step, p: steps.read(texts, p, config), ("decoder",), peak_lr=1e-2, warmup=10)
    model = LanguageModel(config, fit(stage, start, silent=True), words)
    ids, _ = generate(model.writer(None), [[words.start, 4 + i] for i in range(3)], words.end, 10)
    assert ids.tolist() == [[4 + (i + 1 + t) % 3 for t in range(10)] for i in range(3)]


def test_a_later_word_and_the_picture_move_what_they_should(model, sixteen):
    """T55: a changed word moves no earlier logit, another picture moves them all."""
    texts = recipe.descriptions(WORDS, sixteen.scenes)
    logits, _ = describe_forward(sixteen.images, texts.ids, model.params, model.coca)
    ids = texts.ids.copy()
    ids[:, 6] = (ids[:, 6] + 1) % WORDS.vocab_size
    changed, _ = describe_forward(sixteen.images, ids, model.params, model.coca)
    assert np.array_equal(changed[:, :6], logits[:, :6])
    assert (changed[:, 6:] != logits[:, 6:]).any(-1).all()
    swapped, _ = describe_forward(sixteen.images[::-1], texts.ids, model.params, model.coca)
    assert np.abs(swapped - logits).max(-1).min() > 0


def test_prompts_carry_no_loss(sixteen):
    """T56: the loss is the mean surprise at the answers alone, and its gradient is zero elsewhere."""
    model = new_model()
    texts = recipe.dialogues(WORDS, sixteen.scenes, turns=2)
    logits, _ = describe_forward(sixteen.images, texts.ids, model.params, model.coca)
    loss, dlogits = steps.word_loss(logits, texts.targets, 0.5)
    surprise, n = 0.0, 0
    for row, (ids, targets) in enumerate(zip(texts.ids.tolist(), texts.targets.tolist(), strict=True)):
        scored = [WORDS.words[i - 4] for i in targets if i > WORDS.end]
        assert " ".join(scored) == " ".join(ask(sixteen.scenes, turn)[1][row] for turn in range(2))
        for t, target in enumerate(targets):
            if target != IGNORE:
                p = np.exp(logits[row, t].astype(np.float64) - logits[row, t].max())
                surprise, n = surprise - np.log(p[target] / p.sum()), n + 1
                assert t + 1 == len(ids) or ids[t + 1] == target
    assert loss == pytest.approx(0.5 * surprise / n, rel=1e-5)
    assert not dlogits[texts.targets == IGNORE].any()
    assert (np.abs(dlogits[texts.targets != IGNORE]).max(-1) > 0).all()
    without = recipe.dialogues(WORDS, sixteen.scenes, turns=1, question=False)
    assert WORDS.decode(without.targets) == sixteen.answers
    after = recipe.dialogues(WORDS, sixteen.scenes, turns=1, before=[[("a red star", False)]] * 16, question=False)
    assert WORDS.decode(after.ids[:, :5]) == ["a red star"] * 16


# Scores.


def test_answers_are_scored_against_their_own_scene(monkeypatch):
    """T56, the bookkeeping: what is reordered is what goes in, never what is right."""
    n, seen = 60, []
    scenes = sample_scenes(3, "D", np.arange(n))
    questions, truth, kinds = ask(scenes)
    given = [answer if b % 3 else "nonsense" for b, answer in enumerate(truth)]
    monkeypatch.setattr(vqa, "answer", lambda model, images, asked: seen.append((images, asked)) or given)
    order = np.random.default_rng(0).permutation(n)
    for images_of, questions_of in ((None, None), (order, None), (None, order)):
        scores = vqa.score_answers(None, 3, n, images_of, questions_of)
        images, asked = seen.pop()
        assert np.array_equal(images, paint(scenes) if images_of is None else paint(scenes)[order])
        assert asked == (questions if questions_of is None else [questions[i] for i in order])
        assert scores.keys() == {"overall", *KINDS}
        assert scores["overall"] == pytest.approx(2 / 3)
        for kind in KINDS:
            rows = [b for b in range(n) if kinds[b] == kind]
            assert scores[kind] == pytest.approx(np.mean([b % 3 > 0 for b in rows]))
    chance = vqa.chance_scores(3, n)
    assert chance == {"overall": pytest.approx(np.mean([CHANCE[kind] for kind in kinds]))} | CHANCE


class Echo:
    """A model that answers with the first word of its prompt, and says which picture it was given."""

    image_places, places, words = 0, WORDS.context_length, WORDS

    def writer(self, images):
        return EchoWriter(images[:, 0, 0, 0])


class EchoWriter:
    def __init__(self, marks):
        self.marks, self.fed, self.length, self.attention = marks, 0, 0, []
        self.config = SimpleNamespace(context_length=WORDS.context_length)

    def feed(self, ids):
        if self.fed == 0:
            self.first, self.length = np.array(ids)[:, 1], np.shape(ids)[1]
        numbers = np.array([WORDS.ids[("one", "two", "three")[int(mark)]] for mark in self.marks])
        said = (self.first, numbers, np.full(len(self.marks), WORDS.end))[self.fed]
        self.fed += 1
        return np.eye(WORDS.vocab_size)[said][:, None]


def test_answers_come_back_in_the_order_of_the_questions():
    """Though questions of one length are answered together."""
    questions = ["red circle?", "blue", "green circle", "pink", "star below the ring", "cyan"]
    images = np.zeros((6, 32, 32, 3))
    images[:, 0, 0, 0] = [0, 1, 2, 2, 0, 1]
    expected = ["red one", "blue two", "green three", "pink three", "star one", "cyan two"]
    assert vqa.answer(Echo(), images, questions) == expected


def scene(style, *objects):
    """One scene by hand: (shape, colour, size, row, column) of each object."""
    columns = np.full((5, 1, 3), -1)
    for i, one in enumerate(objects):
        columns[:, 0, i] = one
    return Scenes(np.zeros(1, np.uint64), np.array([style]), np.array([len(objects)]), *columns)


TWO = scene(
    1, (0, 0, 1, 2, 2), (4, 5, 0, 0, 0)
)  # a sketch: a large red circle bottom right, a small blue star top left
WHOLE = "a sketch of a small blue star in the top left corner and a large red circle in the bottom right corner"


@pytest.mark.parametrize(
    ("text", "true", "hits", "said", "every"),
    [
        (WHOLE, 1, 11, 11, 1),
        ("a sketch of a small blue star in the top left corner", 1, 6, 6, 0),
        ("a blue star and a scarlet disc", 1, 4, 4, 1),
        ("a red circle and a blue star", 1, 0, 4, 1),  # true, but not in reading order
        ("a photo of a small blue star and a large red circle", 0, 6, 7, 1),
        ("a green star and a red circle", 0, 3, 4, 1),
        ("a blue star and a red circle and a pink ring", 0, 4, 6, 0),
        ("a star left of a circle", 1, 2, 2, 1),
        ("a star right of a circle", 0, 2, 2, 1),
        ("a thing and a thing", 1, 0, 0, 1),
        ("a blue dog", 0, 0, 0, 0),
        ("", 0, 0, 0, 0),
    ],
)
def test_captions_are_scored_as_by_hand(text, true, hits, said, every):
    """11 things are to be said: five of each object, and the style."""
    scores = caption_scores([text], TWO)
    expected = {"true": true, "attribute F1": 2 * hits / (said + 11), "every object": every}
    assert scores == pytest.approx(expected, abs=1e-15)


def test_scores_of_several_captions_are_pooled():
    """The share of true ones is a mean over captions, F1 one over all things said."""
    one = scene(0, (6, 7, 0, 1, 1))  # a photo of a small pink ring in the centre
    both = recipe.join(TWO, one)
    scores = caption_scores([WHOLE, "a pink ring on the left"], both)
    expected = {"true": 0.5, "attribute F1": 2 * (11 + 2) / (11 + 3 + 11 + 6), "every object": 1.0}
    assert scores == pytest.approx(expected, abs=1e-15)


# Writing about pictures.


def test_each_word_has_its_map_of_the_picture(model, sixteen):
    for one in caption(model, sixteen.images):
        assert one.words == one.text.split()
        assert one.attention.shape == (len(one.words), 17)
        assert one.attention.min() >= 0
        np.testing.assert_allclose(one.attention.sum(1), 1.0, atol=1e-5)
        assert np.ptp(one.attention, axis=0).max() > 0.01  # it does not look the same way for every word


def test_a_picture_alone_gets_the_caption_it_gets_among_others(model, sixteen):
    together = caption(model, sixteen.images)
    for b in (0, 5, 11):
        (alone,) = caption(model, sixteen.images[b : b + 1])
        assert alone.text == together[b].text
        np.testing.assert_allclose(alone.attention, together[b].attention, atol=1e-5)


def test_beams_and_chance(model, sixteen):
    texts = [caption_beams(model, image, 1)[0][0] for image in sixteen.images[:4]]
    assert texts == describe(sixteen.scenes)[:4]
    best = caption_beams(model, sixteen.images[0], 4, 0.0)
    assert best[0][0] == texts[0]
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    drawn = [caption(model, sixteen.images[:4], Sampling(3.0), 8, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    said = [[one.text for one in found] for found in drawn]
    assert said[0] == said[1] != said[2]
    for text in said[0]:
        assert len(text.split()) <= 8


def test_each_word_has_its_map_at_any_temperature(sixteen):
    found = caption(new_model(), sixteen.images, Sampling(5.0), rng=np.random.default_rng(0))
    assert [len(one.words) for one in found] == [len(one.attention) for one in found]


def test_questions_that_are_refused(model, sixteen):
    image = sixteen.images[:1]
    for question in ("", "  ", "?!", "\n\t"):
        with pytest.raises(TextError, match=r"question 0 is '.*', expected words"):
            vqa.answer(model, image, [question])
    for question, name in ((None, "NoneType"), (3, "int"), (b"where?", "bytes"), (["where?"], "list")):
        with pytest.raises(TypeError, match=f"question 1 is {name}, expected str"):
            vqa.answer(model, sixteen.images[:2], ["where is the star?", question])
    with pytest.raises(ValueError, match="there are 1 pictures and 2 questions, expected one each"):
        vqa.answer(model, image, ["where?", "where?"])
    with pytest.raises(TypeError, match="uint8"):
        vqa.answer(model, image.astype(np.uint8), ["where?"])
    with pytest.raises(ValueError, match="expected 1 to"):
        caption(model, image, max_new_tokens=WORDS.context_length)


def bridged(prefix):
    """A language model that is shown four vectors."""
    rng, tower = np.random.default_rng(0), new_model()
    bridge = BridgeConfig("queries", 32, 32, 16, queries=prefix)
    decoder = DecoderConfig(WORDS.vocab_size, WORDS.context_length, 32, 1, 2)
    params = {"visual": tower.params["visual"], "bridge": init_bridge(rng, bridge)}
    params |= {"decoder": init_decoder(rng, decoder)}
    return BridgedModel(tower.config.vision, bridge, decoder, pack(params)[1], WORDS)


@pytest.mark.parametrize("prefix", [0, 4])
def test_a_question_that_is_too_long_names_the_sum(prefix, sixteen):
    """What just fits is answered; the picture is never cut."""
    model = bridged(prefix) if prefix else new_model()
    room = model.places - prefix - 3  # for start, the words and their end
    assert len(vqa.answer(model, sixteen.images[:1], ["a " * (room - 2)])) == 1
    message = (
        rf"question 1: {prefix} places for the picture \+ {room + 1} words \+ 3 .* = {model.places + 1}, .*shorten"
    )
    with pytest.raises(TextError, match=message):
        vqa.answer(model, sixteen.images[:2], ["where?", "a " * (room - 1)])


def test_a_control_marker_in_a_question_is_plain_text(model, sixteen):
    plain = vqa.answer(model, sixteen.images[:2], ["end what start", "pad unk"])
    assert vqa.answer(model, sixteen.images[:2], ["<end> what <start>", "<pad> <unk>"]) == plain


def test_a_language_model_is_blind_and_a_bridge_is_not(sixteen):
    model = bridged(4)
    blind, words = LanguageModel(model.decoder, model.params, WORDS), [[WORDS.start, 5]]
    seen = [one.writer(sixteen.images[b : b + 1]).feed(np.array(words)) for one in (blind, model) for b in (0, 1)]
    assert np.array_equal(seen[0], seen[1])
    assert not np.allclose(seen[2], seen[3], atol=1e-6)
    whole, _ = decoder_forward(np.array(words), blind.params["decoder"], blind.decoder)
    np.testing.assert_allclose(seen[0], whole, atol=1e-5)


# Training.


@pytest.mark.parametrize("names", [("decoder",), ("visual", "decoder"), ("text", "logit_scale")])
def test_only_what_is_named_is_trained(names):
    start = new_model().params
    before, asked_for = bits(start), []

    def objective(step, params):
        asked_for.append({name: bits(params[name]) for name in start})
        return 1.0, [{name: params[name]} for name in names]  # any gradient

    after = fit(Stage("some", 3, objective, names, warmup=1), start, silent=True)
    assert bits(start) == before
    assert after.keys() == start.keys()
    for name in start:
        assert (bits(after[name]) == bits(start[name])) == (name not in names)
        assert (after[name] is start[name]) == (name not in names)
    assert [seen["decoder"] == asked_for[0]["decoder"] for seen in asked_for] == [True] + 2 * ["decoder" not in names]


def test_the_scale_stays_in_its_bounds():
    start = {"logit_scale": np.array(MAX_LOGIT_SCALE - 0.01)}
    stage = Stage("scale", 5, lambda step, p: (0.0, [{"logit_scale": np.array(-1.0)}]), ("logit_scale",), 0.1, 1)
    assert fit(stage, start, silent=True)["logit_scale"] == np.float32(MAX_LOGIT_SCALE)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["loss", "gradient"])
def test_a_loss_that_is_not_finite_stops_training(bad, where):
    start = {"decoder": {"weight": np.ones((2, 2), np.float32)}}

    def objective(step, params):
        worse = step == 2
        leaf = np.full((2, 2), bad if worse and where == "gradient" else 0.1, np.float32)
        return bad if worse and where == "loss" else 1.0, [{"decoder": {"weight": leaf}}]

    with (
        np.errstate(all="ignore"),
        pytest.raises(TrainingDiverged, match=r"^wild, step 2: the loss is ") as caught,
    ):
        fit(Stage("wild", 5, objective, ("decoder",)), start, silent=True)
    assert caught.value.exit_code == 5
    assert (start["decoder"]["weight"] == 1).all()


def test_every_stage_takes_a_step(monkeypatch):
    """Each trains what it says it trains, and nothing else."""
    asked = recipe.asked
    monkeypatch.setattr(recipe, "BATCH", 8)
    monkeypatch.setattr(recipe, "SMALL", 8)
    monkeypatch.setattr(recipe, "asked", lambda seed, step, size=8: asked(seed, step, size))
    tower = new_model()
    language = recipe.new_language_model(0)
    bridges = [recipe.new_bridged(kind, tower, language, 0) for kind in ("linear", "queries")]
    matcher = recipe.new_matcher(tower, 0)
    for stage, params in (
        (recipe.describe_stage(tower, 0, 2), tower.params),
        (recipe.describe_stage(tower, 0, 2, frozen=True), tower.params),
        (recipe.coca_stage(tower, 0, 2), tower.params),
        (recipe.answer_stage(tower, 0, 2), tower.params),
        (recipe.system_stage(tower, 0, 2), tower.params),
        (recipe.deaf_stage(tower, 0, 2), tower.params),
        (recipe.read_stage(language, 0, 2), language.params),
        (recipe.blind_stage(language, 0, 2), language.params),
        *((recipe.bridge_stage(one, 0, 2), one.params) for one in bridges),
        (recipe.align_stage(bridges[1], 0, 2), bridges[1].params),
        (recipe.match_stage(tower, 0, 2), matcher),
    ):
        after = fit(stage, params, silent=True)
        assert {name for name in params if bits(after[name]) != bits(params[name])} == set(stage.trained), stage.name


COLUMNS_OF = {
    "captioning": {"model", "frozen tower", "untrained", "shuffled", "uniform"},
    "vqa": {"model", "shuffled images", "shuffled questions", "blind", "deaf", "chance"},
    "bridge": {"linear", "mlp", "queries", "queries, not aligned", "specialist", "reading", "blind"},
    "system": {"system", "specialist"},
    "fusion": {"dual", "fusion", "dual, single objects", "chance", "possible", "every pair"},
}


@pytest.mark.parametrize("name", study.STUDIES)
def test_a_study_puts_every_score_beside_its_baselines(name, monkeypatch):
    """After one step of each stage: what takes minutes must not fail at its last line."""
    one_step = partial(lambda real, stage, params, silent: real(replace(stage, steps=1), params, silent), recipe.fit)
    for room in (recipe, study):
        monkeypatch.setattr(room, "fit", one_step)
    models = study.Trained(0, silent=True)
    for able in ("captioner", "answerer"):  # one that cannot say a word has no share of anything
        models.__dict__[able] = load(SYSTEM)
    table = study.STUDIES[name](models, n=20)
    assert {column for row in table.values() for column in row} == COLUMNS_OF[name]
    assert all(type(value) is float and np.isfinite(value) for row in table.values() for value in row.values())
    if name == "bridge":
        before, after = models.language.params, models.bridged("queries", aligned=True).params
        assert after["decoder"] is before["decoder"]
        assert after["visual"] is models.first_stage.params["visual"]
        assert table["trained parameters"]["queries"] / table["share trained"]["queries"] == to_vector(after).size


# Files.


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("describer") / "run"
    commit(path, describer_files(model))
    return path


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_what_is_saved_describes_and_answers_as_before(model, folder, sixteen):
    again = load(folder)
    assert type(again) is Describer
    assert bits(again.params) == bits(model.params)
    assert (again.coca, again.words.words) == (model.coca, model.words.words)
    for ours, theirs in zip(caption(model, sixteen.images), caption(again, sixteen.images), strict=True):
        assert ours.text == theirs.text
        assert np.array_equal(ours.attention, theirs.attention)
    assert vqa.answer(again, sixteen.images, sixteen.questions) == sixteen.answers
    assert np.array_equal(again.encode_text(["a red circle"]), model.encode_text(["a red circle"]))
    assert describer_files(again) == describer_files(model)


@pytest.mark.filterwarnings("default")
def test_transformers_opens_the_clip_of_a_describer(model, folder, sixteen):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    theirs, report = transformers.CLIPModel.from_pretrained(folder, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    ids = model.tokenizer.encode(["a red circle", "two shapes"])
    with torch.no_grad():
        out = theirs.eval()(input_ids=torch.from_numpy(ids),
                            pixel_values=torch.from_numpy(sixteen.images.transpose(0, 3, 1, 2).copy()))  # fmt: skip
    image = model.encode_image(sixteen.images)
    np.testing.assert_allclose(image, out.image_embeds.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(model.encode_text(ids), out.text_embeds.numpy(), rtol=0, atol=1e-5)
    assert np.ptp(image, axis=0).max() > 1e-2


def test_a_clip_without_a_decoder_stays_a_clip(model, tmp_path):
    clip = {name: model.params[name] for name in ("visual", "text", "logit_scale")}
    commit(tmp_path / "clip", model_files(clip, model.config, model.tokenizer))
    assert not isinstance(load(tmp_path / "clip"), Describer)


NAMES = ("decoder.json", "decoder.safetensors", "words.json")


@pytest.mark.parametrize("name", NAMES)
def test_damaged_and_missing_decoder_files_are_refused(folder, copy, name):
    sound = (folder / name).read_bytes()
    rng = np.random.default_rng(0)
    for at in rng.integers(len(sound), size=10):
        flipped = sound[:at] + bytes([sound[at] ^ 1 << int(rng.integers(8))]) + sound[at + 1 :]
        for data in (flipped, sound[:at], sound + b"\0", b""):
            (copy / name).write_bytes(data)
            with pytest.raises(CheckpointError, match=re.escape(name)) as caught:
                load(copy)
            assert "\n" not in str(caught.value)
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=re.escape(name)):
        load(copy)


@pytest.mark.parametrize("data", [b"", b"<html>", b"[]", b"3", b"null", b"{}", b"\x80\x04]q\x00K\x01a.", b'{"a": 1'])
@pytest.mark.parametrize("name", NAMES)
def test_foreign_decoder_files_are_refused_though_the_manifest_vouches_for_them(copy, name, data):
    commit(copy, {name: data})
    with pytest.raises(MiniclipError, match=re.escape(name) if name != "words.json" else "json") as caught:
        load(copy)
    assert "\n" not in str(caught.value)


def changed(folder, change):
    named = safetensors.numpy.load_file(folder / "decoder.safetensors")
    change(named)
    commit(folder, {"decoder.safetensors": safetensors.numpy.save(named)})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n: n.pop("ln_final.weight"), "1 tensors do not fit decoder.json, such as ln_final.weight"),
        (lambda n: n.update(spy=np.zeros(2, np.float32)), "1 tensors .* such as spy"),
        (lambda n: n.update({"ln_final.bias": np.zeros(3, np.float32)}), "1 tensors .* such as ln_final.bias"),
        (lambda n: n["ln_final.bias"].__setitem__(0, np.nan), "1 tensors .* such as ln_final.bias"),
        (lambda n: n["ln_final.bias"].__setitem__(0, np.inf), "1 tensors .* such as ln_final.bias"),
        (lambda n: n.update({"ln_final.bias": np.zeros(32)}), "1 tensors .* such as ln_final.bias"),
        (lambda n: n.clear(), "tensors do not fit decoder.json"),
    ],
    ids=["missing", "extra", "shape", "nan", "inf", "float64", "nothing"],
)
def test_decoder_weights_that_do_not_fit_are_refused(copy, change, message):
    changed(copy, change)
    with pytest.raises(WeightsError, match=message):
        load(copy)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"width": 31}, ConfigError, "DecoderConfig.width is 31"),
        ({"layers": 3}, WeightsError, "do not fit decoder.json"),
        ({"heads": 0}, ConfigError, "DecoderConfig.heads is 0"),
        ({"memory_width": 16}, WeightsError, "4 tensors do not fit decoder.json, such as blocks.0.cross.kv_proj"),
        ({"memory_width": 0}, WeightsError, "do not fit decoder.json"),
        ({"vocab_size": 7}, CheckpointError, "words.json has .* words, decoder.json says 7"),
        ({"activation": "relu"}, ConfigError, "activation is 'relu'"),
        ({"spy": 1}, ConfigError, "decoder.json has other keys than a decoder's sizes"),
    ],
)
def test_decoder_sizes_that_do_not_fit_are_refused(model, copy, change, error, message):
    commit(copy, {"decoder.json": encode_json(vars(model.coca.decoder) | change)})
    with pytest.raises(error, match=message):
        load(copy)


# Matching.


def test_swapped_captions_exchange_the_colours():
    scenes = sample_scenes(2, "C", np.arange(200))
    true, false = matching.swapped_captions(scenes)
    for b, (good, bad) in enumerate(zip(true, false, strict=True)):
        assert is_true(good, scenes[[b]])[0]
        assert not is_true(bad, scenes[[b]])[0]
        one, other = good.split(" and "), bad.split(" and ")
        colours, shapes = ([part.split()[i] for part in one] for i in (1, 2))
        assert [part.split()[1:] for part in other] == [[colours[1], shapes[0]], [colours[0], shapes[1]]]
    assert not re.search(r"\ba [aeio]|\ban [^aeio]", " ".join(true + false))


def test_reranking_reorders_the_candidates_alone(monkeypatch):
    """With a judge that is always right, R@1 is what the candidates allow."""
    rng = np.random.default_rng(0)
    T, N, k = 12, 20, 5
    cosines, relevant = rng.uniform(-1, 1, (T, N)).astype(np.float32), rng.random((T, N)) < 0.1
    relevant[np.arange(T), rng.integers(N, size=T)] = True
    texts, memory = [str(t) for t in range(T)], np.arange(N)[:, None, None]
    asked_for = []

    def judge(model, params, memory, texts):
        pairs = [(int(t), int(i)) for t, i in zip(texts, memory[:, 0, 0], strict=True)]
        asked_for.extend(pairs)
        return np.array([500.0 * relevant[pair] - 40 + rng.random() for pair in pairs], np.float32)

    monkeypatch.setattr(matching, "match_scores", judge)
    kept = cosines.copy()
    scores = matching.rerank(new_model(), None, memory, texts, cosines, k)
    assert np.array_equal(cosines, kept)
    nearest = np.argsort(-cosines, axis=1)
    assert set(asked_for) == {(t, int(i)) for t in range(T) for i in nearest[t, :k]}
    order = np.argsort(-scores, axis=1)
    assert np.array_equal(order[:, k:], nearest[:, k:])
    assert np.array_equal(np.sort(order[:, :k]), np.sort(nearest[:, :k]))
    assert recall_at_k(scores, relevant, 1) == recall_at_k(cosines, relevant, k) > recall_at_k(cosines, relevant, 1)


def test_pairs_are_judged_one_by_one(sixteen):
    """A pair's logit does not hang on the others, nor on how much padding they need."""
    model = new_model()
    _, params = pack(recipe.new_matcher(model, 0))
    memory = matching.memory_of(model, params, sixteen.images)
    texts = describe(sixteen.scenes)
    together = matching.match_scores(model, params, memory, texts)
    assert together.shape == (16,)
    alone = [matching.match_scores(model, params, memory[[b]], [texts[b]])[0] for b in range(16)]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_sizes_far_beyond_the_file_are_refused_before_they_are_made(copy):
    sizes = json.loads((copy / "decoder.json").read_text()) | {"width": 4000}
    commit(copy, {"decoder.json": encode_json(sizes)})
    with pytest.raises(WeightsError, match=r"decoder.safetensors has [\d,]+ numbers, decoder.json says [\d,]{10,}"):
        load(copy)


def test_the_system_in_the_package():
    """It opens, says what is true, answers, and is a CLIP as well: a little of `miniclip study system`."""
    model = load(SYSTEM)
    assert isinstance(model, Describer)
    assert score_captions(model, 1, "A", 128)["true"] >= 0.97
    assert score_captions(model, 1, "B", 128)["attribute F1"] >= 0.97
    assert vqa.score_answers(model, 1, 256)["overall"] >= 0.97
    assert zero_shot_accuracy(model, 1, "B", 128) >= 0.95
    shown = attention_on_object(model, 1, 64)
    assert min(shown.values()) >= 0.45  # looking everywhere gives 0.25
