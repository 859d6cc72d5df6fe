"""Models that describe and answer: they learn what can be learned, and look where they should."""

from types import SimpleNamespace

import numpy as np
import pytest
from describers import WORDS, fitted, new_bridged, new_describer

from miniclip.data.captions import write_descriptions
from miniclip.data.pairs import normalized_images
from miniclip.data.prompts import encode_prompt, encode_texts
from miniclip.data.questions import CHANCE, NAMES, ask, ask_each
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import Scenes, join
from miniclip.errors import TextError
from miniclip.files.checkpoint import SYSTEM, load
from miniclip.model import Describer, LanguageModel
from miniclip.models.coca import caption_forward
from miniclip.models.decoder import DecoderConfig, decoder_forward, init_decoder
from miniclip.nn.decoder_ops import IGNORE
from miniclip.tasks import vqa
from miniclip.tasks.captioning import (
    Caption,
    attention_on_object,
    attention_shares,
    caption,
    caption_beams,
    caption_scores,
    reread,
    score_captions,
)
from miniclip.tasks.evaluate import zero_shot_accuracy
from miniclip.tasks.generation import Sampling, generate
from miniclip.train import objectives, stages
from miniclip.train.loop import Stage

# What can be learned, and what cannot.


def answered(model, images, questions):
    return [one.text for one in vqa.answer(model, images, questions)]


def test_sixteen_scenes_can_be_learned_by_heart(model, sixteen):
    assert [one.text for one in caption(model, sixteen.images)] == write_descriptions(sixteen.scenes)
    assert answered(model, sixteen.images, sixteen.questions) == sixteen.answers
    scores = caption_scores([one.text for one in caption(model, sixteen.images)], sixteen.scenes)
    assert scores == {"exact": 1.0, "true": 1.0, "attribute F1": 1.0, "every object": 1.0}


def test_the_picture_and_the_question_decide(model, sixteen):
    others = np.roll(np.arange(16), 1)
    truth = write_descriptions(sixteen.scenes)
    assert [one.text for one in caption(model, sixteen.images[others])] == [truth[i] for i in others]
    for images, questions in (
        (sixteen.images[others], sixteen.questions),
        (sixteen.images, [sixteen.questions[i] for i in others]),
    ):
        right = np.mean([a == b for a, b in zip(answered(model, images, questions), sixteen.answers, strict=True)])
        assert right < 0.7


def word_model(letters, seed=0):
    words = Tokenizer(letters, context_length=16)
    return new_describer(words, seed), words


def test_random_captions_cannot_be_learned():
    """whoever sees the next word, or is asked for the one it sees, gets below ln V."""
    letters = list("stuvwxyz")
    model, words = word_model(letters)
    images = np.random.default_rng(0).normal(size=(48, 32, 32, 3)).astype(np.float32)

    def batch(seed):
        drawn = np.random.default_rng([7, seed]).choice(letters, (48, 8))
        texts = encode_texts(words, [[(" ".join(row), True)] for row in drawn])
        texts.targets[:, -1] = IGNORE  # the end can be learned
        return texts

    def losses(params, seeds):
        found = (objectives.captioning(images, batch(seed), params, model.coca, frozen=True) for seed in seeds)
        return np.mean([loss for loss, _, _ in found])

    def objective(step, params):
        return objectives.captioning(images, batch(step), params, model.coca, frozen=True)

    untrained = losses(model.params, [1000])
    params = fitted(Stage("random", objective, 60, ("decoder",), peak_lr=1e-2, warmup=10), model.params)
    assert untrained > np.log(8) + 0.3
    assert np.log(8) - 0.05 <= losses(params, range(1000, 1004)) <= np.log(8) + 0.3


def test_counting_goes_on():
    """trained to count, it counts on from anywhere; whatever is shifted by one too few or too many does not."""
    words = Tokenizer(["one", "two", "three"], context_length=16)
    config = DecoderConfig(words.vocab_size, 16, 16, 1, 2)
    texts = encode_texts(words, [[(" ".join((words.words * 6)[i : i + 12]), True)] for i in range(3)])
    start = {"decoder": init_decoder(np.random.default_rng(0), config)}
    stage = Stage("count", lambda step, p: objectives.language(texts, p, config), 80, ("decoder",), 1e-2, warmup=10)
    model = LanguageModel(config, fitted(stage, start), words)
    ids = generate(model.writer(None), [[words.start, 4 + i] for i in range(3)], words.end, 10).ids
    assert ids.tolist() == [[4 + (i + 1 + t) % 3 for t in range(10)] for i in range(3)]


def test_a_later_word_and_the_picture_move_what_they_should(model, sixteen):
    """a changed word moves no earlier logit, another picture moves them all."""
    texts = stages.descriptions(WORDS, sixteen.scenes)
    logits, _ = caption_forward(sixteen.images, texts.ids, model.params, model.coca)
    ids = texts.ids.copy()
    ids[:, 6] = (ids[:, 6] + 1) % WORDS.vocab_size
    changed, _ = caption_forward(sixteen.images, ids, model.params, model.coca)
    assert np.array_equal(changed[:, :6], logits[:, :6])
    assert (changed[:, 6:] != logits[:, 6:]).any(-1).all()
    swapped, _ = caption_forward(sixteen.images[::-1], texts.ids, model.params, model.coca)
    assert np.abs(swapped - logits).max(-1).min() > 0


def test_prompts_carry_no_loss(sixteen):
    """the loss is the mean surprise at the answers alone, and its gradient is zero elsewhere."""
    model = new_describer()
    texts = stages.dialogues(WORDS, sixteen.scenes, turns=2)
    logits, _ = caption_forward(sixteen.images, texts.ids, model.params, model.coca)
    loss, dlogits = objectives.word_loss(logits, texts.targets, 0.5)
    surprise, n = 0.0, 0
    for row, (ids, targets) in enumerate(zip(texts.ids.tolist(), texts.targets.tolist(), strict=True)):
        scored = [WORDS.words[i - 4] for i in targets if i > WORDS.end]
        assert " ".join(scored) == " ".join(ask(sixteen.scenes, turn)[row].answer for turn in range(2))
        for t, target in enumerate(targets):
            if target != IGNORE:
                p = np.exp(logits[row, t].astype(np.float64) - logits[row, t].max())
                surprise, n = surprise - np.log(p[target] / p.sum()), n + 1
                assert t + 1 == len(ids) or ids[t + 1] == target
    assert loss == pytest.approx(0.5 * surprise / n, rel=1e-5)
    assert not dlogits[texts.targets == IGNORE].any()
    assert (np.abs(dlogits[texts.targets != IGNORE]).max(-1) > 0).all()
    without = stages.dialogues(WORDS, sixteen.scenes, turns=1, question=False)
    assert WORDS.decode(without.targets) == sixteen.answers
    after = stages.dialogues(WORDS, sixteen.scenes, turns=1, before=[[("a red star", False)]] * 16, question=False)
    assert WORDS.decode(after.ids[:, :5]) == ["a red star"] * 16


# Scores.


def test_answers_are_scored_against_their_own_scene(monkeypatch):
    """The bookkeeping: what is reordered is what goes in, never what is right."""
    seen = []
    scenes, asked = ask_each(3, "D", 12)
    n, own = len(asked), normalized_images(scenes)
    given = [vqa.Answer(one.answer if b % 3 else "nonsense", 0.5) for b, one in enumerate(asked)]
    monkeypatch.setattr(vqa, "answer", lambda model, images, texts: seen.append((images, texts)) or given)
    order = np.random.default_rng(0).permutation(n)
    for images_of, questions_of in ((None, None), (order, None), (None, order)):
        scores = vqa.score_answers(None, 3, 12, images_of, questions_of)
        images, texts = seen.pop()
        assert np.array_equal(images, own if images_of is None else own[order])
        assert texts == [asked[i].text for i in (range(n) if questions_of is None else order)]
        rows = {"overall", *NAMES.values(), *(f"{one.form}, {one.case}" for one in asked if one.case)}
        assert scores.keys() == rows
        for row in rows:
            mine = [b % 3 > 0 for b, one in enumerate(asked) if row in ("overall", one.form, f"{one.form}, {one.case}")]
            assert (scores[row], scores[row].n) == (pytest.approx(np.mean(mine)), len(mine))
    assert vqa.chance_scores() == {"overall": pytest.approx(np.mean(list(CHANCE.values())))} | CHANCE


def test_probabilities_are_those_of_the_words(model, sixteen):
    """The product over an answer's words and its end; what was learned by heart is nearly certain."""
    for found, image, question in zip(vqa.answer(model, sixteen.images, sixteen.questions), sixteen.images,
                                      sixteen.questions, strict=True):  # fmt: skip
        prompt = encode_prompt(WORDS, (question,))
        ids = [*prompt, *(WORDS.ids[word] for word in found.text.split()), WORDS.end]
        logits = model.writer(image[None]).feed(np.array([ids]))[0].astype(float)
        p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        said = [p[t - 1, ids[t]] for t in range(len(prompt), len(ids))]
        assert found.probability == pytest.approx(np.prod(said), rel=1e-4)
        assert found.probability > 0.8
    for one, image in zip(caption(model, sixteen.images), sixteen.images, strict=True):
        assert one.probability == pytest.approx(reread(model, image, one.text).probability, rel=1e-4)
    unsure = caption(model, sixteen.images, Sampling(30.0), rng=np.random.default_rng(0))
    assert max(one.probability for one in unsure) < 1e-3  # of what it drew, in its own distribution


class Echo:
    """A model that answers with the first word of its prompt, and says which picture it was given."""

    image_places, places, decoder_tokenizer = 0, WORDS.context_length, WORDS

    def writer(self, images):
        return EchoWriter(images[:, 0, 0, 0])


class EchoWriter:
    def __init__(self, marks):
        self.marks, self.fed, self.length, self.attention = marks, 0, 0, []
        self.texts = None
        self.config = SimpleNamespace(context_length=WORDS.context_length, vocab_size=WORDS.vocab_size)

    def feed(self, ids):
        if self.fed == 0:
            self.first, self.length = np.array(ids)[:, 1], np.shape(ids)[1]
        numbers = np.array([WORDS.ids[("one", "two", "three")[int(mark)]] for mark in self.marks])
        said = (self.first, numbers, np.full(len(self.marks), WORDS.end))[self.fed]
        self.fed += 1
        return np.eye(WORDS.vocab_size)[said][:, None]


def test_answers_come_back_in_the_order_of_the_questions(monkeypatch):
    """Though questions of one length are answered together."""
    monkeypatch.setattr(vqa, "check_kind", lambda *_: None)
    questions = ["red circle?", "blue", "green circle", "pink", "star below the ring", "cyan"]
    images = np.zeros((6, 32, 32, 3))
    images[:, 0, 0, 0] = [0, 1, 2, 2, 0, 1]
    expected = ["red one", "blue two", "green three", "pink three", "star one", "cyan two"]
    assert answered(Echo(), images, questions) == expected


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
        (WHOLE, 1, 11, 11, 1),  # the only one that is exact
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
    f1 = 2 * hits / (said + 11)
    expected = {"exact": float(text == WHOLE), "true": true, "attribute F1": f1, "every object": every}
    assert scores == pytest.approx(expected, abs=1e-15)


def test_scores_of_several_captions_are_pooled():
    """The share of true ones is a mean over captions, F1 one over all things said."""
    one = scene(0, (6, 7, 0, 1, 1))  # a photo of a small pink ring in the centre
    both = join(TWO, one)
    scores = caption_scores([WHOLE, "a pink ring on the left"], both)
    expected = {"exact": 0.5, "true": 0.5, "attribute F1": 2 * (11 + 2) / (11 + 3 + 11 + 6), "every object": 1.0}
    assert scores == pytest.approx(expected, abs=1e-15)


# Writing about pictures.


def test_each_word_has_its_map_of_the_picture(model, sixteen):
    for one in caption(model, sixteen.images):
        assert one.words == one.text.split()
        assert one.attention.shape == (len(one.words), 17)
        assert one.attention.min() >= 0
        np.testing.assert_allclose(one.attention.sum(1), 1.0, atol=1e-5)
        assert np.ptp(one.attention, axis=0).max() > 0.01  # it does not look the same way for every word


SAID = {
    "a photo of a small pink cross in the top left corner and an amber heart": [[4, 5, 6], [14, 15]],
    "a sketch of a ring": [[4]],
    "two large shapes at the top": [[1]],
    "red red star on the left": [[0, 1, 2]],
    "the top of a photo": [],
    "no words that the grammar has": [],
    "": [],
}


@pytest.mark.parametrize("text", SAID)
def test_the_words_that_name_an_object_stand_side_by_side(text):
    words = text.split()
    maps = np.arange(len(words) * 5, dtype=float).reshape(len(words), 5)
    one = Caption(text, words, maps, 1.0)
    assert one.objects == SAID[text]
    for places, (said, seen) in zip(one.objects, one.named, strict=True):
        assert said.split() == [words[place] for place in places]
        assert seen.tolist() == maps[places, 1:].mean(0).reshape(2, 2).tolist()


def test_shares_of_attention_are_told_in_reading_order():
    """An even map gives every object a quarter; one patch of an object gives it all, and the class token nothing."""
    scenes = scene(0, (6, 7, 0, 2, 1), (0, 0, 1, 0, 0))  # a ring at the bottom, and before it a circle at the top left
    maps = np.zeros((3, 17))
    maps[0], maps[1, [0, 1]], maps[2, [0, 15]] = 1 / 17, 0.5, 0.5
    assert attention_shares(Caption("", ["a"] * 3, maps, 1.0), scenes, 0).tolist() == [[0.25, 0.25], [1, 0], [0, 1]]


def test_a_picture_alone_gets_the_caption_it_gets_among_others(model, sixteen):
    together = caption(model, sixteen.images)
    for b in (0, 5, 11):
        (alone,) = caption(model, sixteen.images[b : b + 1])
        assert alone.text == together[b].text
        np.testing.assert_allclose(alone.attention, together[b].attention, atol=1e-5)


def test_beams_and_chance(model, sixteen):
    texts = [caption_beams(model, image, 1)[0][0] for image in sixteen.images[:4]]
    assert texts == write_descriptions(sixteen.scenes)[:4]
    best = caption_beams(model, sixteen.images[0], 4, 0.0)
    assert best[0][0] == texts[0]
    assert [score for _, score in best] == sorted((score for _, score in best), reverse=True)
    again = reread(model, sixteen.images[0], texts[0])
    first = caption(model, sixteen.images[:1])[0]
    assert again.words == first.words
    np.testing.assert_allclose(again.attention, first.attention, atol=1e-5)
    drawn = [caption(model, sixteen.images[:4], Sampling(3.0), 8, np.random.default_rng(seed)) for seed in (0, 0, 1)]
    said = [[one.text for one in found] for found in drawn]
    assert said[0] == said[1] != said[2]
    for text in said[0]:
        assert len(text.split()) <= 8


def test_each_word_has_its_map_at_any_temperature(sixteen):
    found = caption(new_describer(), sixteen.images, Sampling(5.0), rng=np.random.default_rng(0))
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


@pytest.mark.parametrize("prefix", [0, 4])
def test_a_question_that_is_too_long_names_the_sum(prefix, sixteen):
    """What just fits is answered; the picture is never cut."""
    model = new_bridged(queries=prefix) if prefix else new_describer()
    room = model.places - prefix - 4  # for start, the words and their end
    assert len(vqa.answer(model, sixteen.images[:1], ["a " * (room - 2)])) == 1
    message = rf"question 1 takes {room + 1} places .*, the picture {prefix}, .* 4: {model.places + 1}, .*shorten"
    with pytest.raises(TextError, match=message):
        vqa.answer(model, sixteen.images[:2], ["where?", "a " * (room - 1)])


def test_a_control_marker_in_a_question_is_plain_text(model, sixteen):
    spoken, markers = ["end what start", "pad unk"], ["<end> what <start>", "<pad> <unk>"]
    with pytest.warns(UserWarning, match="unknown, read as <unk>"):
        plain = vqa.answer(model, sixteen.images[:2], spoken)
    with pytest.warns(UserWarning, match="unknown, read as <unk>"):
        marked = vqa.answer(model, sixteen.images[:2], markers)
    assert marked == plain


def test_a_language_model_is_blind_and_a_bridge_is_not(sixteen):
    model = new_bridged()
    blind, words = LanguageModel(model.config.decoder, model.params, WORDS), [[WORDS.start, 5]]
    seen = [one.writer(sixteen.images[b : b + 1]).feed(np.array(words)) for one in (blind, model) for b in (0, 1)]
    assert np.array_equal(seen[0], seen[1])
    assert not np.allclose(seen[2], seen[3], atol=1e-6)
    whole, _ = decoder_forward(np.array(words), blind.params["decoder"], blind.config)
    np.testing.assert_allclose(seen[0], whole, atol=1e-5)


# The one that ships.


def test_the_system_in_the_package():
    """It opens, says what is true, answers, and is a CLIP as well: a little of `miniclip study system`."""
    model = load(SYSTEM)
    assert isinstance(model, Describer)
    assert score_captions(model, 1, "A", 128)["true"] >= 0.97
    assert score_captions(model, 1, "B", 128)["attribute F1"] >= 0.97
    assert score_captions(model, 1, "D", 128)["exact"] >= 0.92
    answers = vqa.score_answers(model, 1, 25)  # of each form as many, the hard ones too
    assert answers["overall"] >= 0.94
    assert min(answers[name] for name in NAMES.values()) >= 0.8
    assert zero_shot_accuracy(model, 1, "B", 128) >= 0.95
    shown = attention_on_object(model, 1, 64)
    assert min(shown.values()) >= 0.45  # looking everywhere gives 0.25
    of_two = attention_on_object(model, 1, 64, "C")
    assert min(of_two["colour"], of_two["shape"]) >= 0.4
    assert of_two["another"] <= 0.2
