"""The bridges in the package answer what is claimed of them, and only one that was taught words speaks in words."""

import shutil

import numpy as np
import pytest
from describers import bits, new_bridged

import miniclip
from miniclip.data.notes import take_notes
from miniclip.data.pairs import normalized_images
from miniclip.data.world import sample_scenes
from miniclip.files.checkpoint import BRIDGE, save
from miniclip.files.state import LOG, RECIPE, read_log
from miniclip.files.storage import commit, parse_json, read_manifest, read_verified
from miniclip.labs import bridges
from miniclip.labs.bridges import ALIGNED, ASKED, BOTH, LOG_OF_ASKED, TRAINED, load_bridges
from miniclip.model import LanguageModel
from miniclip.tasks.bridging import read_queries
from miniclip.tasks.vqa import score_answers, score_prompts
from miniclip.train.plan import folder_of

N = 32  # questions of each form: certain to 5 points


@pytest.fixture(scope="module")
def three():
    return load_bridges()


def test_the_three_differ_in_the_bridge_alone(three):
    """All lead from one tower to one language model, which is what makes the comparison one."""
    assert list(three) == [ALIGNED, BOTH, ASKED]
    for part in ("visual", "decoder"):
        assert len({str(bits(model.params[part])) for model in three.values()}) == 1
    assert len({str(bits(model.params["bridge"])) for model in three.values()}) == 3
    assert {np.dtype(np.float32)} == {dtype for model in three.values() for dtype, _ in bits(model.params).values()}
    shapes = [{name: len(data) for name, (_, data) in bits(model.params).items()} for model in three.values()]
    assert shapes[0] == shapes[1] == shapes[2]
    assert bits(three[BOTH].params) == bits(miniclip.load("bridge").params)


def test_the_folder_is_small_and_says_how_it_was_made():
    assert sum(len(read_verified(BRIDGE, name)) for name in read_manifest(BRIDGE)) <= 1_200_000
    made = parse_json(read_verified(BRIDGE, RECIPE), BRIDGE)
    recipe = made["recipe"]
    assert (recipe["stage"], recipe["seed"], recipe["trained"]) == ("bridge: queries", 0, ["bridge"])
    assert read_log(BRIDGE)[-1]["step"] == made["step"] == recipe["steps"]


def test_aligned_and_then_asked_answers_nearly_what_can_be_read_and_either_lesson_alone_far_less(three):
    found = {way: score_answers(model, 0, N)["overall"] for way, model in three.items()}
    model = three[BOTH]
    reader = LanguageModel(model.config.decoder, model.params, model.decoder_tokenizer)
    reading = score_prompts(reader, 0, take_notes, N)["overall"]
    assert reading >= 0.8
    assert found[BOTH] >= reading - 0.1
    for way in (ALIGNED, ASKED):
        assert 0.45 <= found[way] <= found[BOTH] - 0.1


def test_vectors_that_were_taught_words_spell_the_notes(three):
    scenes = sample_scenes(0, "D", np.arange(128))
    shares = {}
    for way, model in three.items():
        words, attention = read_queries(model, normalized_images(scenes))
        assert attention.shape == (128, 4, 4, 4)
        assert np.abs(attention.sum((2, 3)) - 1).max() < 1e-5
        said = [" ".join(one for one in row if one != "<end>") for row in words]
        shares[way] = np.mean([a == b for a, b in zip(said, take_notes(scenes), strict=True)])
    assert shares[ALIGNED] >= 0.65
    assert shares[ASKED] <= 0.02


def test_a_study_becomes_the_folder_of_the_package(tmp_path, monkeypatch):
    """Half precision changes a weight by less than a thousandth; log and recipe are the study's."""
    models = {way: new_bridged() for way in TRAINED}
    for k, (way, name) in enumerate(TRAINED.items()):
        bridge = {**models[way].params["bridge"], "queries": np.full((4, 56), k + 1 / 3, np.float32)}
        models[way] = models[way].with_params(models[way].params | {"bridge": bridge})
        folder = folder_of(tmp_path / "study", name)
        save(models[way], folder)
        commit(folder, {RECIPE: b"{}\n", LOG: b'{"step": %d}\n' % k})
    bridges.main(str(tmp_path / "study"), str(tmp_path / "out"))
    monkeypatch.setattr(bridges, "BRIDGE", tmp_path / "out")
    monkeypatch.setattr(bridges, "load", lambda name: miniclip.load(tmp_path / "out"))
    for way, model in bridges.load_bridges().items():
        ours, theirs = bits(model.params), bits(models[way].params)
        assert list(ours) == list(theirs)
        for name, (dtype, data) in ours.items():
            assert np.allclose(np.frombuffer(data, dtype), np.frombuffer(theirs[name][1], dtype), 1e-3, 1e-7), name
    assert [row["step"] for row in read_log(tmp_path / "out")] == [1]
    assert read_verified(tmp_path / "out", LOG_OF_ASKED) == b'{"step": 2}\n'


def test_a_changed_byte_is_noticed(tmp_path, monkeypatch):
    copy = shutil.copytree(BRIDGE, tmp_path / "copy")
    data = bytearray((copy / bridges.OTHERS).read_bytes())
    data[-1] ^= 1
    (copy / bridges.OTHERS).write_bytes(data)
    monkeypatch.setattr(bridges, "BRIDGE", copy)
    with pytest.raises(miniclip.errors.CheckpointError, match=r"bridges\.safetensors"):
        bridges.load_bridges()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: new_bridged("linear"), "the bridge is 'linear', expected one with queries"),
        (lambda: new_bridged("mlp"), "the bridge is 'mlp', expected one with queries"),
        (lambda: miniclip.load("system"), "the model is a CLIP that describes, expected a bridged model"),
    ],
    ids=["linear", "mlp", "no bridge"],
)
def test_what_has_no_queries_is_refused(model, message):
    with pytest.raises((ValueError, TypeError), match=message):
        read_queries(model(), normalized_images(sample_scenes(0, "D", [0])))
