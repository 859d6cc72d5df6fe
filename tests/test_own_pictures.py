"""Training and scoring on a folder of one's own: which pairs a step has, floors, resuming, both backends, baselines."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from test_train import SIZES, files, same, stop_at

from miniclip.app import cli
from miniclip.data.pictures import denormalize
from miniclip.data.tokenizer import Tokenizer
from miniclip.datasets.dataset import read_dataset
from miniclip.errors import CheckpointError, ConfigError, DataError, Interrupted
from miniclip.files.checkpoint import load
from miniclip.files.state import read_log
from miniclip.nn.floors import duplicate_floor
from miniclip.nn.tree import flatten
from miniclip.tasks.own_pictures import captions_of, encode_pictures, evaluate_dataset, search_scores
from miniclip.tasks.zero_shot import template_set, templates_of
from miniclip.train.clip import TrainConfig, new_clip, train
from miniclip.train.sources import (
    Folder,
    FolderConfig,
    World,
    expected_floor,
    learn_tokenizer,
    summary,
    trained_pictures,
)

pytestmark = pytest.mark.filterwarnings("ignore:.* unknown, read as <unk>")  # words of captions held out
N, SIDE = 24, 16
RECIPE = TrainConfig(steps=8, batch_size=6, warmup=2, log_every=2, score_every=4, save_every=3, **SIZES)
CONFIG = FolderConfig(image_size=SIDE, context_length=8, val=0.25)


def picture(i: int, side: int = 40) -> np.ndarray:
    """Noise of a colour: no two alike."""
    rng = np.random.default_rng(i)
    return np.clip(rng.normal(120, 40, (1, 1, 3)) + rng.normal(0, 30, (side, side, 3)), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """24 pictures with one to three captions each; "twice" stands at two of them."""
    root = tmp_path_factory.mktemp("own")
    with open(root / "metadata.jsonl", "w") as table:
        for i in range(N):
            Image.fromarray(picture(i)).save(root / f"{i:02}.png")
            text = [f"number {i} way {way}" for way in range(1 + i % 3)] if i > 1 else ["twice"]
            table.write(json.dumps({"file_name": f"{i:02}.png", "text": text}) + "\n")
    return root


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def source(folder, cache):
    def make(config=CONFIG, recipe=RECIPE, root=folder):
        return Folder(read_dataset(root, config.side, cache=cache), config, recipe.seed, recipe.batch_size)

    return make


def test_an_epoch_shows_each_picture_once_and_no_batch_one_twice(source):
    one = source()
    assert len(one.training) == 18
    seen = [one.chosen(np.arange(6 * step, 6 * step + 6))[0] for step in range(9)]
    epochs = [np.concatenate(seen[3 * e : 3 * e + 3]).tolist() for e in range(3)]
    assert all(sorted(epoch) == list(range(18)) for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]
    uneven = source(recipe=replace(RECIPE, batch_size=7))  # 18 = 2 x 7 + 4: other four are left out in each epoch
    seen = [uneven.chosen(np.arange(7 * step, 7 * step + 7))[0] for step in range(40)]
    assert all(len(set(batch.tolist())) == 7 for batch in seen)
    assert set(np.concatenate(seen).tolist()) == set(range(18))


def test_a_pair_is_decided_by_its_number_alone(source):
    """Any order, any share of a batch, as processes have it; and a seed that differs gives other ones."""
    one = source()
    numbers = np.random.default_rng(0).permutation(60)
    images, ids, texts = one.pairs(numbers)
    for rows in (np.arange(60), np.arange(0, 60, 2), np.array([17])):
        some = source().pairs(numbers[rows])
        np.testing.assert_array_equal(some[0], images[rows])
        np.testing.assert_array_equal(some[1], ids[rows])
        assert some[2] == [texts[i] for i in rows]
    assert source(recipe=replace(RECIPE, seed=1)).pairs(numbers)[2] != texts


def test_a_caption_is_one_of_its_picture_and_each_comes(source):
    one = source()
    pictures, chosen = one.chosen(np.arange(600))
    said = {(m, one.texts[c]) for m, c in zip(pictures.tolist(), chosen.tolist(), strict=True)}
    assert said == {(m, text) for m, texts in enumerate(one.training.captions) for text in texts}
    images, ids, texts = one.pairs(np.arange(6))
    np.testing.assert_array_equal(ids, one.tokenizer.encode(texts))
    wanted = one.training.pixels[one.training.rows[one.chosen(np.arange(6))[0]]]
    np.testing.assert_array_equal(np.rint(255 * denormalize(images)), wanted)


def test_augmentation_moves_and_mirrors_only_where_asked_and_never_what_is_held_out(source):
    plain = source().training
    assert source().pairs(np.arange(3))[0].shape == (3, SIDE, SIDE, 3)
    both = source(replace(CONFIG, augment=("crop", "flip")))
    whole, side = both.training, round(SIDE * 9 / 8)
    assert whole.pixels.shape[1] == side > SIDE
    seen = {}
    for number in range(400):
        m = int(both.chosen([number])[0][0])
        image = np.rint(255 * denormalize(both.pairs([number])[0][0])).astype(np.uint8)
        seen.setdefault(m, set()).add(image.tobytes())
    for m, found in seen.items():
        pixels, room = whole.pixels[whole.rows[m]], side - SIDE + 1
        views = [pixels[y : y + SIDE, x : x + SIDE] for y in range(room) for x in range(room)]
        allowed = {view.tobytes() for view in views} | {view[:, ::-1].tobytes() for view in views}
        assert found <= allowed
        assert len(found) > len(allowed) / 2
    flipped = source(replace(CONFIG, augment=("flip",)))
    shown = {image.tobytes() for image in np.rint(255 * denormalize(flipped.pairs(np.arange(400))[0])).astype(np.uint8)}
    assert len(shown) == 2 * len(plain)
    centre = both.held_out.images(np.arange(6), side=SIDE)
    np.testing.assert_array_equal(centre, both.held_out.images(np.arange(6))[:, 1:17, 1:17])


def test_no_picture_is_on_both_sides_and_the_seed_does_not_decide_which(source):
    one, other = source(), source(recipe=replace(RECIPE, seed=5))
    assert not set(one.training.digests) & set(one.held_out.digests)
    assert one.held_out.digests == other.held_out.digests
    assert [len(source(replace(CONFIG, val=val)).held_out) for val in (0.0, 0.1, 0.7)] == [0, 2, 17]


def test_words_are_learned_from_what_is_trained_on_the_most_frequent_first(source):
    one = source()
    held_out_only = {f"{m}" for m in range(2, N)} - {word for text in one.texts for word in text.split()}
    assert held_out_only
    assert not held_out_only & set(one.tokenizer.words)
    assert learn_tokenizer(["b a", "b c", "A"], CONFIG).words == ("a", "b", "c")
    pairs = learn_tokenizer(["b"], replace(CONFIG, tokens="byte_pairs"))
    assert (pairs.vocab_size, pairs.context_length) == (49408, 8)


def test_the_floor_is_that_of_equal_captions(source, folder):
    one = source(replace(CONFIG, val=0.0), replace(RECIPE, batch_size=24))
    texts = one.pairs(np.arange(24))[2]
    assert texts.count("twice") == 2
    with_floor = train_line(one, 24)["caption_floor"]
    assert with_floor == pytest.approx(duplicate_floor(texts), abs=1e-12)
    floor = expected_floor(one.training, 24)
    assert floor == pytest.approx(2 * np.log(2) / 24)
    assert (one.groups(texts)[:, None] == one.groups(texts)).sum() == 26
    about = summary(read_dataset(folder, SIDE), 24)
    assert about["caption_floor"] == pytest.approx(floor)
    assert (about["pictures"], about["captions"], about["different_captions"]) == (24, 47, 46)


def test_the_floor_counts_each_caption_as_often_as_it_is_drawn(tmp_path, cache):
    """Two classes, one picture each of two in a batch, and two templates: in half of the batches both say the same."""
    for i in range(2):
        (tmp_path / f"set/{i}").mkdir(parents=True)
        Image.fromarray(picture(i)).save(tmp_path / f"set/{i}/x.png")
    data = read_dataset(tmp_path / "set", SIDE, ["a {}", "the {}"], cache=cache)
    alike = replace(data, captions=[["a x", "the x"]] * 2)
    assert expected_floor(data, 2) == 0
    assert 0.3 * np.log(2) < expected_floor(alike, 2) < 0.7 * np.log(2)


def train_line(source, B):
    """The log's comparison values of the first step."""
    from miniclip.train.clip import floors

    return floors(replace(RECIPE, batch_size=B), 0, 1.0, source)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, folder, cache):
    """The files of a run that nobody stopped."""
    out = tmp_path_factory.mktemp("whole") / "run"
    source = Folder(read_dataset(folder, SIDE, cache=cache), CONFIG, RECIPE.seed, RECIPE.batch_size)
    train(RECIPE, out, source=source)
    return files(out)


@pytest.mark.parametrize("step", [1, 3, 5, 8])
def test_a_run_on_a_folder_stops_and_resumes_bit_for_bit(tmp_path, monkeypatch, whole, source, step):
    with monkeypatch.context() as patch:
        stop_at(patch, step)
        with pytest.raises(Interrupted):
            train(RECIPE, tmp_path / "run", source=source())
    train(RECIPE, tmp_path / "run", resume=True, source=source())
    same(tmp_path / "run", whole, "data.json")
    assert {"text_to_image_R@1", "image_to_text_R@1"} <= read_log(tmp_path / "run")[-1].keys()


def test_other_pictures_captions_or_settings_are_another_run(tmp_path, source, folder, cache):
    train(replace(RECIPE, steps=3), tmp_path / "run", source=source())
    other = tmp_path / "other"
    other.mkdir()
    for path in folder.iterdir():
        (other / path.name).write_bytes(path.read_bytes())
    train(replace(RECIPE, steps=3), tmp_path / "run", resume=True, source=source(root=other))  # its name is no matter
    (other / "metadata.jsonl").write_text((other / "metadata.jsonl").read_text().replace("twice", "once"))
    for changed in (source(root=other), source(replace(CONFIG, val=0.5)), source(replace(CONFIG, augment=("flip",)))):
        with pytest.raises(CheckpointError, match=r"another recipe \((data|val|augment) "):
            train(replace(RECIPE, steps=3), tmp_path / "run", resume=True, source=changed)
    with pytest.raises(CheckpointError, match="another recipe"):
        train(replace(RECIPE, steps=3), tmp_path / "run", resume=True)


@pytest.mark.parametrize("loss", ["info_nce", "multi_positive", "sigmoid"])
def test_both_backends_learn_the_same_from_a_folder(tmp_path, source, loss):
    import torch

    from miniclip.torch.distributed import Place
    from miniclip.torch.learner import backend_at

    recipe = replace(RECIPE, loss=loss)
    ours = train(recipe, tmp_path / "ours", source=source())
    theirs = train(recipe, tmp_path / "theirs", backend=backend_at(Place(0, 1, torch.device("cpu"))), source=source())
    for mine, other in zip(flatten(ours.params).values(), flatten(theirs.params).values(), strict=True):
        np.testing.assert_allclose(mine, other, atol=1e-3)
    for mine, other in zip(read_log(tmp_path / "ours"), read_log(tmp_path / "theirs"), strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], abs=1e-4)
        assert mine["caption_floor"] == other["caption_floor"]


def test_the_model_opens_again_here_and_in_transformers(tmp_path, source):
    from transformers import CLIPModel

    one = source()
    model = train(RECIPE, tmp_path / "run", source=one)
    assert not model.of_the_world
    assert model.preprocessing.image_size == SIDE
    again = load(tmp_path / "run")
    assert again.preprocessing == model.preprocessing
    assert again.tokenizer.words == one.tokenizer.words
    theirs = CLIPModel.from_pretrained(tmp_path / "run")
    images, _, _ = one.pairs(np.arange(6))
    found = theirs.get_image_features(__import__("torch").tensor(images.transpose(0, 3, 1, 2)))
    found = getattr(found, "pooler_output", found).detach().numpy()
    np.testing.assert_allclose(
        again.encode_image(images), found / np.linalg.norm(found, axis=1, keepdims=True), atol=1e-5
    )
    side, seen = trained_pictures(tmp_path / "run")
    assert (side, len(seen)) == (SIDE, 18)


def test_scores_count_every_caption_of_a_picture_and_baselines_fail(source):
    """A model that is right has 1 everywhere; its embeddings in another order, and chance, do not."""
    held = source().training
    texts, relevant = captions_of(held)
    assert relevant.sum() == sum(map(len, held.captions))
    assert relevant[:, texts.index("twice")].sum() == sum("twice" in captions for captions in held.captions)
    image = np.eye(len(held))
    text = (relevant / relevant.sum(0)).T @ image
    right = search_scores(image, text, relevant)
    assert all(score == 1 for score in right.values())
    wrong = search_scores(np.roll(image, 1, 0), text, relevant)
    assert wrong["text to image R@1"] < 0.2
    flat = search_scores(np.ones((len(held), 2)), np.ones((len(texts), 2)), relevant)
    assert flat["image to text R@1"] == flat["text to image R@1"] == 0


def test_evaluate_has_every_column_and_encodes_what_the_model_sees(source):
    one = source()
    model = new_clip(RECIPE, one)
    table = evaluate_dataset(model, one.held_out)
    assert {"model", "untrained", "shuffled", "chance", "n", "low", "high"} <= table["image to text R@1"].keys()
    assert table["image to text R@1"]["n"] == 6
    whole = model.encode_image(model.preprocess([np.asarray(Image.open(one.training.root / name[0]))
                                                 for name in one.held_out.names]))  # fmt: skip
    np.testing.assert_allclose(encode_pictures(model, one.held_out), whole, atol=1e-6)
    with pytest.raises(DataError, match="there are 1 pictures to test on, expected at least 2"):
        evaluate_dataset(model, one.held_out[:1])


def test_classes_are_named_in_templates_and_scored_zero_shot(tmp_path, cache):
    for i, name in enumerate(("green_tea", "red_wine") * 4):
        (tmp_path / "set" / name).mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(i)).save(tmp_path / "set" / name / f"{i}.png")
    data = read_dataset(tmp_path / "set", SIDE, ["a cup of {}", "{}"], cache=cache)
    assert data.class_names == ["green tea", "red wine"]
    assert {tuple(captions) for captions in data.captions} == {
        ("a cup of green tea", "green tea"), ("a cup of red wine", "red wine")}  # fmt: skip
    recipe = replace(RECIPE, batch_size=4)
    model = new_clip(recipe, Folder(data, replace(CONFIG, val=0.0), 0, 4))
    assert "zero-shot" in evaluate_dataset(model, data, ["{}"])
    assert templates_of(model) == ("{}",)
    assert templates_of(model, "clip80") == template_set("clip80")
    assert templates_of(new_clip(RECIPE)) == template_set("world")


BAD = {
    "image_size": ({"image_size": 4}, "image_size is 4, expected a whole number from 8 to 512"),
    "context": ({"context_length": 2}, "context_length is 2, expected a whole number from 3"),
    "val": ({"val": 1.0}, r"val is 1.0, expected a share from 0 to less than 1"),
    "tokens": ({"tokens": "letters"}, "tokens are 'letters', expected words or byte_pairs"),
    "augment": ({"augment": ("turn",)}, "the augmentation is 'turn', expected crop or flip"),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_settings_that_no_run_can_have(given, message):
    with pytest.raises(ConfigError, match=message):
        FolderConfig(**given)


def test_fewer_pictures_than_a_batch(source):
    with pytest.raises(DataError, match="has 18 pictures to train on and 6 held out, expected at least a batch of 19"):
        source(recipe=replace(RECIPE, batch_size=19))


def test_the_commands(tmp_path, folder, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    run = ["train", "--data", str(folder), "--image-size", "16", "--context", "8", "--val", "0.25", "--out", "run",
           "--steps", "2", "--batch-size", "6", "--json"]  # fmt: skip
    assert cli.main(run) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["step"] == 2
    assert "1 of 34 captions stand there before" in err or "captions stand" not in err
    assert cli.main(["eval", "run", "--data", str(folder), "--json"]) == 0
    found = json.loads(capsys.readouterr()[0])
    assert (found["pictures"], found["trained_on"]) == (6, 18)
    assert cli.main(["data", str(folder), "--image-size", "16", "--json"]) == 0
    assert json.loads(capsys.readouterr()[0])["pictures"] == 24
    assert cli.main(["data", str(folder)]) == 0
    assert "different_captions" in capsys.readouterr()[0]
    for words in (["train", "--out", "x", "--image-size", "32"], ["train", "--out", "x", "--strict"],
                  ["train", "--out", "x", "--context", "9"], ["eval", "run", "--max-bad", "0.5"]):  # fmt: skip
        assert cli.main(words) == 3
        option = next(word for word in words if word.startswith("--") and word != "--out")
        assert f"{option} is for pictures of one's own: add --data FOLDER" in capsys.readouterr()[1]
    monkeypatch.setattr("miniclip.app.own_data.read_data", None)  # told before anything is read:
    assert cli.main([*run, "--image-size", "20"]) == 3
    assert "image_size" in capsys.readouterr()[1]
    assert cli.main(run) == 4
    assert "run is not empty (it holds 'config.json')" in capsys.readouterr()[1]
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    assert cli.main(["train", "--out", "x", "--data", "nowhere"]) == 3
    assert "nowhere is missing: expected a folder with pictures" in capsys.readouterr()[1]
    assert cli.main(["train", "--out", "x", "--data", str(folder), "--val", "2"]) == 2
    assert cli.main(["zeroshot", "run", "--classes", "number,way", str(folder / "00.png")]) == 0
    assert cli.main(["search", "run", "number 3", *map(str, sorted(folder.glob("*.png")))]) == 0
    assert cli.main(["eval", "default", "--data", str(folder)]) == 0  # a model of the world, on anything


def test_the_world_is_a_source_like_any_other():
    """What a run on the world draws, says and scores has not changed: see test_train."""
    one = World(3)
    assert isinstance(one.tokenizer, Tokenizer)
    assert one.about == {}
    assert one.pairs(np.arange(4))[2] == World(3).pairs(np.arange(8))[2][:4]
