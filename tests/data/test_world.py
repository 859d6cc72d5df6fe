"""The world: pure items, honest splits, true captions, and pictures that decide the scene."""

import hashlib
import math
import re
import subprocess
import sys
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from miniclip.data import captions, grammar, negatives, notes, world
from miniclip.data.drawing import draw_scenes
from miniclip.data.pairs import batch, unique_caption_batches
from miniclip.data.tokenizer import Tokenizer
from miniclip.data.world import (
    COLOURS,
    COLUMNS,
    HELD_OUT,
    ROWS,
    SHAPES,
    SIZES,
    SPLITS,
    Scenes,
    item_keys,
    join,
    sample_scenes,
)
from miniclip.errors import TextError

TOKENIZER = Tokenizer(grammar.vocabulary())
FIELDS = ("key", "style", "count", "shape", "colour", "size", "row", "column")


@given(st.sampled_from(SPLITS), st.lists(st.integers(-(2**40), 2**40), min_size=1, max_size=7), st.integers(0, 2**32))
def test_an_item_is_the_same_in_any_batch(split, indices, seed):
    together = sample_scenes(seed, split, np.array(indices))
    images, texts = draw_scenes(together), captions.write_captions(together)
    for place, index in enumerate(indices):
        alone = sample_scenes(seed, split, np.array([index]))
        assert all(np.array_equal(getattr(alone, name)[0], getattr(together, name)[place]) for name in FIELDS)
        assert np.array_equal(draw_scenes(alone)[0], images[place])
        assert captions.write_captions(alone) == [texts[place]]


def test_splits_are_what_they_say():
    scenes = {split: sample_scenes(3, split, np.arange(4000)) for split in SPLITS}
    held = {split: HELD_OUT[s.shape[s.shape >= 0], s.colour[s.shape >= 0]] for split, s in scenes.items()}
    assert held["B"].all()
    assert not any(held[split].any() for split in ("train", "A", "C", "many", "D"))
    assert HELD_OUT.mean() >= 0.2
    train = scenes["train"]
    assert set(train.shape[:, 0]) == set(range(len(SHAPES)))
    assert set(train.colour[:, 0]) == set(range(len(COLOURS)))
    assert all(set(scenes[split].count) == {1} for split in ("train", "A", "B"))
    assert set(scenes["C"].count) == set(scenes["E"].count) == {2}
    assert set(scenes["many"].count) == set(scenes["D"].count) == {1, 2, 3}
    for two in (scenes["C"], scenes["E"]):
        assert (two.shape[:, 0] != two.shape[:, 1]).all()
        assert (two.colour[:, 0] != two.colour[:, 1]).all()
    many = scenes["many"][scenes["many"].count == 3]
    cells = many.row * 3 + many.column
    assert all(len(set(row)) == 3 for row in cells.tolist())
    with pytest.raises(ValueError, match="expected one of"):
        sample_scenes(0, "test", np.arange(2))


def test_an_exchange_of_colours_leads_from_each_scene_of_split_e_to_another():
    """As frequent, and with as many held-out combinations: who only reads cannot tell which of the two was drawn."""
    ways = {(s, c, t, d) for (s, c), (t, d) in world.EXCHANGEABLE.tolist()}
    assert len(ways) == len(world.EXCHANGEABLE) == 1372
    assert {(s, d, t, c) for s, c, t, d in ways} == ways
    held = [HELD_OUT[s, c] + 0 + HELD_OUT[t, d] for s, c, t, d in ways]
    assert held == [HELD_OUT[s, d] + 0 + HELD_OUT[t, c] for s, c, t, d in ways]
    assert Counter(held) == {0: 1116, 1: 248, 2: 8}
    scenes = sample_scenes(0, "E", np.arange(50_000))
    columns = (getattr(scenes, name)[:, i].tolist() for i in (0, 1) for name in ("shape", "colour"))
    drawn = Counter(zip(*columns, strict=True))
    assert drawn.keys() == ways
    assert min(drawn.values()) > 12


def test_objects_are_often_alike_where_there_is_something_to_count():
    for split in ("many", "D"):
        scenes = sample_scenes(4, split, np.arange(6000))
        for n, most, least in ((2, 1, 0.27), (3, 1, 0.27), (3, 2, 0.18)):
            for values in (scenes.shape[scenes.count == n], scenes.colour[scenes.count == n]):
                repeats = (values[:, 1:n] == values[:, :1]).sum(1)
                assert least < (repeats >= most).mean() < 0.45


def test_pictures_of_different_splits_are_different():
    drawn = {split: draw_scenes(sample_scenes(0, split, np.arange(600))) for split in SPLITS}
    hashes = {split: {hashlib.sha256(image.tobytes()).digest() for image in images} for split, images in drawn.items()}
    assert all(len(found) == 600 for found in hashes.values())
    assert len(set.union(*hashes.values())) == 600 * len(SPLITS)


def test_no_item_is_in_two_splits():
    """Every choice is hashed from the item's own number, so other numbers are other scenes."""
    keys = [item_keys(0, split, np.arange(50_000)) for split in SPLITS]
    assert len(keys) == 7
    assert len(np.unique(np.concatenate(keys))) == 350_000


def test_joined_scenes_are_some_and_then_others():
    some, others = sample_scenes(0, "train", np.arange(3)), sample_scenes(0, "many", np.arange(4))
    both = join(some, others)
    assert len(both) == 7
    for name in FIELDS:
        assert np.array_equal(getattr(both[:3], name), getattr(some, name))
        assert np.array_equal(getattr(both[3:], name), getattr(others, name))


def test_pictures_are_numbers_from_0_to_1():
    images = draw_scenes(sample_scenes(1, "many", np.arange(500)))
    assert images.dtype == np.float32
    assert images.shape == (500, 32, 32, 3)
    assert images.min() >= 0.0
    assert images.max() <= 1.0


def unmixed(x: int) -> int:
    """The number that `world.mix` makes x of: each of its steps backwards, in Python's own integers."""
    for shift, factor in ((31, 0x94D049BB133111EB), (27, 0xBF58476D1CE4E5B9), (30, None)):
        back = x
        for _ in range(64 // shift + 1):
            back = x ^ (back >> shift)
        x = back * pow(factor, -1, 2**64) % 2**64 if factor else back
    return x


@pytest.mark.parametrize("stream", [*range(world.DRAWING, world.DRAWING + 8), *range(world.DRAWING + 10, 337)])
def test_the_largest_random_number_is_drawn_as_well(stream):
    """In float32 it is 1.0: one training in forty meets such a picture."""
    key = np.array([(unmixed(2**64 - 1) - stream * 0x9E3779B97F4A7C15) % 2**64], np.uint64)
    assert world.uniform(key, stream) == 1 - 2.0**-53
    assert all(world.choose(key, stream, n) == n - 1 for n in range(1, 200))
    scene = world.sample_scenes(0, "D", np.arange(1))
    image = draw_scenes(world.Scenes(key, *(getattr(scene, name) for name in list(vars(scene))[1:])))
    assert 0.0 <= image.min() < image.max() <= 1.0


def seen_by_an_independent_eye(image):
    """(colour, size, row, column) of the one object of a picture, from saturation, hue, area and centre alone."""
    top, bottom = image.max(-1), image.min(-1)
    paper = np.median(image.reshape(-1, 3), axis=0)
    distance = np.abs(image - paper).max(-1)
    mask = distance > 0.6 * np.sort(distance.ravel())[-12]
    ys, xs = np.nonzero(mask)
    y, x = (ys.min() + ys.max() + 1) / 2, (xs.min() + xs.max() + 1) / 2
    size = int((distance > 0.5 * np.sort(distance.ravel())[-12]).sum() > 60)  # area, in pixels
    strong = image[mask][np.argsort((top - bottom)[mask])[-8:]].mean(0)
    r, g, b = strong
    hue = math.degrees(math.atan2(math.sqrt(3) * (g - b), 2 * r - g - b)) % 360
    return hue, size, int(np.clip(round((y - 8) / 8), 0, 2)), int(np.clip(round((x - 8) / 8), 0, 2))


HUES = (0, 32, 55, 129, 185, 229, 275, 326)  # degrees, the palette's own


@pytest.mark.parametrize("n", [400, pytest.param(10_000, marks=pytest.mark.nightly)])
def test_the_picture_decides_the_scene(n):
    """An eye that knows nothing of the drawing code."""
    scenes = sample_scenes(5, "A", np.arange(n))
    scenes = scenes[scenes.style != 2]  # a tinted canvas hides the hue from so simple an eye
    wrong = Counter()
    for i, image in enumerate(draw_scenes(scenes)):
        hue, size, row, column = seen_by_an_independent_eye(image)
        apart = [abs((hue - h + 180) % 360 - 180) for h in HUES]
        wrong["colour"] += int(np.argmin(apart)) != scenes.colour[i, 0]
        if scenes.style[i] != 1:  # a sketch is mostly paper: its area says little
            wrong["size"] += size != scenes.size[i, 0]
        wrong["row"] += row != scenes.row[i, 0]
        wrong["column"] += column != scenes.column[i, 0]
    assert not +wrong, wrong


@pytest.mark.parametrize("split", SPLITS)
def test_every_caption_is_true_of_its_scene_and_known_to_the_tokenizer(split):
    pairs = batch(2, split, np.arange(1500), TOKENIZER)
    w = [captions.likelihood(grammar.parse(text), pairs.scenes[np.array([i])])[0] for i, text in enumerate(pairs.texts)]
    assert min(w) > 0
    assert not (pairs.ids == Tokenizer.unk).any()
    assert max(len(text.split()) for text in pairs.texts) <= TOKENIZER.context_length - 2


def said_slowly(meaning, scenes: Scenes, i: int) -> bool:
    """The truth of a sentence by trying all objects, one number at a time."""
    n = int(scenes.count[i])
    names = ("shape", "colour", "size", "row", "column")
    objects = [{name: int(getattr(scenes, name)[i, k]) for name in names} for k in range(n)]

    def fits(described, thing):
        return all(getattr(described, name) in (-1, thing[name]) for name in names)

    if meaning.style not in (-1, int(scenes.style[i])):
        return False
    if meaning.count:
        described = meaning.objects[0] if meaning.objects else grammar.Described()
        return sum(fits(described, thing) for thing in objects) == meaning.count
    if not meaning.objects:
        return True
    for chosen in permutations(objects, len(meaning.objects)):
        one, two = chosen[0], chosen[-1]
        holds = {
            "": True, "and": True, "left of": one["column"] < two["column"],
            "right of": one["column"] > two["column"], "above": one["row"] < two["row"],
            "below": one["row"] > two["row"],
        }  # fmt: skip
        if holds[meaning.relation] and all(map(fits, meaning.objects, chosen)):
            return True
    return False


def test_the_oracle_agrees_with_a_slow_one():
    scenes = sample_scenes(4, "many", np.arange(120))
    texts = captions.write_captions(scenes)
    fast = captions.truth_matrix(texts, scenes)
    assert captions.truth_matrix([], scenes).shape == (len(scenes), 0)
    slow = [[said_slowly(grammar.parse(text), scenes, i) for text in texts] for i in range(len(scenes))]
    assert np.array_equal(fast, slow)
    assert 0.01 < fast.mean() < 0.99
    assert np.array_equal(fast, captions.caption_likelihood(texts, scenes) > 0)
    for i, text in enumerate(texts):
        assert np.array_equal(captions.is_true(text, scenes), fast[:, i])


QUERIES = [
    "one object", "two objects", "three objects", "one red shape", "two red shapes", "two shapes on the left",
    "three small things", "a scan of one star", "a scan", "something green", "a star and a thing",
    "a shape below a ring", "a thing and a thing and a thing", "a red thing and a star and something small",
    "a thing on the left and a thing on the right and a large thing",
]  # fmt: skip


@pytest.mark.parametrize("text", QUERIES)
def test_the_oracle_answers_queries_that_no_caption_asks(text):
    """A sentence can be true though nobody would write it: "one object", of a scene with one object."""
    scenes = sample_scenes(6, "many", np.arange(1500))
    true = captions.is_true(text, scenes)
    assert true.tolist() == [said_slowly(grammar.parse(text), scenes, i) for i in range(len(scenes))]
    assert 0 < true.sum() < len(scenes)


def objects_of(scenes: Scenes, b: int) -> list[grammar.Described]:
    """All that can be said of each object, in the order of the scene."""
    names = ("shape", "colour", "size", "row", "column")
    return [grammar.Described(*(int(getattr(scenes, name)[b, i]) for name in names)) for i in range(scenes.count[b])]


@pytest.mark.parametrize("split", SPLITS)
def test_a_description_says_everything_in_reading_order(split):
    scenes = sample_scenes(7, split, np.arange(600))
    texts = captions.write_descriptions(scenes)
    for b, text in enumerate(texts):
        meaning = grammar.parse(text)
        assert captions.is_true(text, scenes[[b]])[0], text
        assert list(meaning.objects) == sorted(objects_of(scenes, b), key=lambda one: (one.row, one.column))
        assert (meaning.style, meaning.count) == (scenes.style[b], 0)
    words = {word for text in texts for word in text.split()}
    assert {"a", "of"} < words <= set(grammar.vocabulary())
    assert captions.write_descriptions(scenes[[5, 2]]) == [texts[5], texts[2]]
    assert not re.search(r"\ba [aeio]|\ban [^aeio]", " ".join(texts))


@pytest.mark.parametrize("split", SPLITS)
def test_notes_and_what_is_retold_are_colour_shape_and_place(split):
    """Notes are in reading order; retold, the same objects come in any order, colour first or shape first."""
    scenes = sample_scenes(7, split, np.arange(600))
    noted, stories, first = notes.take_notes(scenes), notes.retell(scenes), set()
    for b, (note, story) in enumerate(zip(noted, stories, strict=True)):
        objects = sorted(objects_of(scenes, b), key=lambda one: (one.row, one.column))
        expected = [(COLOURS[o.colour], SHAPES[o.shape], ROWS[o.row], COLUMNS[o.column]) for o in objects]
        assert note.split() == ["".join(one) for one in expected]
        told = [tuple(one.split()) for one in story.split(" and ")]
        first |= {(len(told), expected.index(told[0]) if told[0] in expected else -1)}
        by_colour = [(one[1], one[0], *one[2:]) if one[0] in SHAPES else one for one in told]
        assert sorted(by_colour) == sorted(expected)
    n = scenes.count.max()
    assert {turn for size, turn in first if size == n} == {-1, *range(n)}
    assert notes.take_notes(scenes[[5, 2]]) == [noted[5], noted[2]]
    assert notes.retell(scenes[[5, 2]]) == [stories[5], stories[2]]
    assert set(" ".join(noted).split()) <= set(notes.SHORTHAND)


@pytest.mark.parametrize("split", SPLITS)
def test_a_falsified_sentence_is_false_by_little(split):
    """Two words at most are others, or it is about another number."""
    scenes = sample_scenes(8, split, np.arange(600))
    for true in (captions.write_captions(scenes), captions.write_descriptions(scenes)):
        false, counted = negatives.falsify(true, scenes), 0
        for b, (text, other) in enumerate(zip(true, false, strict=True)):
            assert not said_slowly(grammar.parse(other), scenes, b), (text, other)
            words, others = text.split(), other.split()
            if len(words) != len(others) or not 1 <= sum(map(str.__ne__, words, others)) <= 2:
                assert other in ("one shapes", "two shapes", "three shapes")
                counted += 1
            named = [(one.shape, one.colour) for one in grammar.parse(other).objects]
            assert not any(HELD_OUT[kind] for kind in named if min(kind) >= 0), other
        assert counted <= 0.1 * len(scenes)
        assert negatives.falsify([true[5], true[2]], scenes[[5, 2]]) == [false[5], false[2]]


def test_a_sentence_of_three_objects_is_true_in_any_order_and_false_by_any_word():
    scenes = sample_scenes(9, "D", np.arange(120))
    true = [" and ".join(f"a {SIZES[o.size]} {COLOURS[o.colour]} {SHAPES[o.shape]}" for o in objects_of(scenes, b))
            for b in range(len(scenes))]  # fmt: skip
    three = np.flatnonzero(scenes.count == 3).tolist()
    assert len(three) > 20
    for b in three:
        parts = true[b].split(" and ")
        assert all(captions.is_true(" and ".join(order), scenes[[b]])[0] for order in permutations(parts))
        assert not captions.is_true(" and ".join([parts[0], *parts[:2]]), scenes[[b]])[0]  # one object said twice
        words = true[b].split()
        for i, word in enumerate(words):
            for names in (COLOURS, SHAPES):
                if word in names:
                    changed = [*words[:i], names[(names.index(word) + 3) % 8], *words[i + 1 :]]
                    assert not captions.is_true(" ".join(changed), scenes[[b]])[0]
    fast = captions.truth_matrix([true[b] for b in three], scenes)
    assert not fast[scenes.count < 3].any()
    assert fast[three, range(len(three))].all()
    assert not captions.caption_likelihood([true[three[0]]], scenes).any()  # no caption says so much


def test_the_likelihood_is_how_often_things_are_said():
    """Of many tellings of two scenes, texts that both could tell appear in the ratio of their likelihoods."""
    base, n = sample_scenes(0, "many", np.arange(300)), 6000
    three = base[base.count == 3][:1]
    alone = Scenes(three.key, three.style, np.array([1]), *(np.where([[True, False, False]], getattr(three, name), -1)
                                                            for name in FIELDS[3:]))  # fmt: skip
    keys = item_keys(9, "train", np.arange(n))
    tellings = []
    for scene in (three, alone):
        same = scene[np.zeros(n, int)]
        again = Scenes(keys, *(getattr(same, name) for name in FIELDS[1:]))
        tellings.append(Counter(grammar.parse(text) for text in captions.write_captions(again)))
    seen = 0
    for meaning in set(tellings[0]) & set(tellings[1]):
        w = np.array([captions.likelihood(meaning, scene)[0] for scene in (three, alone)])
        counts = np.array([tellings[0][meaning], tellings[1][meaning]])
        if counts.sum() > 60:
            expected = counts.sum() * w / w.sum()
            assert (np.abs(counts - expected) < 5 * np.sqrt(expected + 1)).all(), meaning
            seen += 1
    assert seen > 0


def test_queries_are_read():
    parse = grammar.parse
    assert parse("A small RED circle, on the left!").objects == (grammar.Described(0, 0, 0, -1, 0),)
    assert parse("something green").objects == (grammar.Described(colour=COLOURS.index("green")),)
    assert parse("a ring to the left of a big box").relation == "left of"
    assert parse("three things").count == 3
    assert parse("a scan of two shapes").style == 3
    assert parse("in the centre").objects == (grammar.Described(row=1, column=1),)
    three = parse("a star and a red ring and a cross")
    assert [(one.shape, one.colour) for one in three.objects] == [(4, -1), (6, 0), (5, -1)]
    assert (three.relation, three.count) == ("and", 0)
    for text, word in (
        ("a red dog", "dog"),
        ("", "no words"),
        ("a red blue circle", "colour"),
        ("two stars", "stars"),
        ("two red shapes and a star", "counts"),
        ("a star and a ring and a cross and a heart", "at most two objects, or three joined by 'and'"),
        ("a star and a ring above a cross", "at most two objects, or three joined by 'and'"),
        ("a star left of a ring right of a cross", "at most two objects, or three joined by 'and'"),
        ("three stars and a ring and a cross", "stars"),
        ("three red shapes and a ring and a cross", "counts"),
        ("a photo of a scan", "style"),
        ("a star and a scan of a photo", "style"),
        ("a\x1b[0m circle", "0m"),
    ):
        with pytest.raises(TextError, match=word):
            parse(text)


@given(st.lists(st.integers(0, 6)), st.integers(1, 6))
def test_a_repeated_caption_waits_for_the_first_batch_with_room(numbers, batch_size):
    texts = [str(number) for number in numbers]
    slow, waiting = [], list(range(len(texts)))
    while True:
        chosen = []
        for i in waiting:
            if len(chosen) < batch_size and texts[i] not in [texts[j] for j in chosen]:
                chosen.append(i)
        if len(chosen) < batch_size:
            break
        slow.append(chosen)
        waiting = [i for i in waiting if i not in chosen]
    assert [chosen.tolist() for chosen in unique_caption_batches(texts, batch_size)] == slow


def test_batches_without_a_repeated_caption():
    texts = captions.write_captions(sample_scenes(0, "train", np.arange(3000)))
    texts = [text.split()[-1] + text.split()[0] for text in texts]  # many repeats
    batches = unique_caption_batches(texts, 16)
    items = np.concatenate(batches)
    assert len(set(items.tolist())) == len(items)
    assert all(len({texts[i] for i in chosen}) == 16 for chosen in batches)


def test_captions_that_say_the_same_are_one_group():
    texts = ["a red circle", "a scarlet disc", "a red disc", "a red square", "a red circle on the left", "a red circle"]
    groups = captions.caption_groups(texts)
    assert groups.dtype == np.int64
    same = groups[:, None] == groups
    assert same.tolist() == [[t < 3 or t == 5 for t in range(6)] if b in (0, 1, 2, 5) else [t == b for t in range(6)]
                             for b in range(6)]  # fmt: skip
    scenes = sample_scenes(0, "many", np.arange(300))
    texts = captions.write_captions(scenes)
    groups, truth = captions.caption_groups(texts), captions.truth_matrix(texts, scenes)
    for a, b in np.argwhere(groups[:, None] == groups):
        assert np.array_equal(truth[:, a], truth[:, b])  # true of the same pictures
    code = "import sys; from miniclip.data.captions import caption_groups; print(caption_groups(sys.argv[1:])[0])"
    elsewhere = subprocess.run([sys.executable, "-c", code, texts[0]], capture_output=True, text=True, check=True)
    assert int(elsewhere.stdout) == groups[0]  # in every process alike
