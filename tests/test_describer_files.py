"""Run folders of models that describe, answer or judge: round trips, and no damaged or foreign byte is believed."""

import json
import re
import shutil

import numpy as np
import pytest
import safetensors.numpy
from describers import bits, new_bridged, new_language_model, tiny_matcher

from miniclip.errors import CheckpointError, ConfigError, MiniclipError, WeightsError
from miniclip.files.checkpoint import load, model_files
from miniclip.files.storage import commit, encode_json
from miniclip.model import Describer, Model
from miniclip.tasks import vqa
from miniclip.tasks.captioning import caption


@pytest.fixture(scope="module")
def folder(model, tmp_path_factory):
    path = tmp_path_factory.mktemp("describer") / "run"
    commit(path, model_files(model))
    return path


@pytest.fixture
def copy(folder, tmp_path):
    return shutil.copytree(folder, tmp_path / "copy")


def test_what_is_saved_describes_and_answers_as_before(model, folder, sixteen):
    again = load(folder)
    assert type(again) is Describer
    assert bits(again.params) == bits(model.params)
    assert (again.coca, again.decoder_tokenizer.words) == (model.coca, model.decoder_tokenizer.words)
    for ours, theirs in zip(caption(model, sixteen.images), caption(again, sixteen.images), strict=True):
        assert ours.text == theirs.text
        assert np.array_equal(ours.attention, theirs.attention)
    assert [one.text for one in vqa.answer(again, sixteen.images, sixteen.questions)] == sixteen.answers
    assert np.array_equal(again.encode_text(["a red circle"]), model.encode_text(["a red circle"]))
    assert model_files(again) == model_files(model)


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
    commit(tmp_path / "clip", model_files(Model(model.config, clip, model.tokenizer)))
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


def test_weights_in_half_precision_become_single_precision_exactly(folder, copy):
    changed(copy, lambda named: named.update({name: leaf.astype(np.float16) for name, leaf in named.items()}))
    half = safetensors.numpy.load_file(copy / "decoder.safetensors")
    assert {leaf.dtype for leaf in half.values()} == {np.dtype(np.float16)}
    assert bits(load(copy).params["decoder"]) == bits({name: leaf.astype(np.float32) for name, leaf in half.items()})


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"width": 31}, ConfigError, "DecoderConfig.width is 31"),
        ({"layers": 3}, WeightsError, "do not fit decoder.json"),
        ({"heads": 0}, ConfigError, "DecoderConfig.heads is 0"),
        ({"memory_width": 16}, WeightsError, "4 tensors do not fit decoder.json, such as blocks.0.cross.kv_proj"),
        ({"memory_width": 0}, WeightsError, "do not fit decoder.json"),
        ({"vocab_size": 7}, CheckpointError, r"words.json has \(words, length\) .*, decoder.json says \(7, "),
        ({"activation": "relu"}, ConfigError, "activation is 'relu'"),
        ({"spy": 1}, ConfigError, "decoder.json has other keys than a DecoderConfig"),
    ],
)
def test_decoder_sizes_that_do_not_fit_are_refused(model, copy, change, error, message):
    commit(copy, {"decoder.json": encode_json(vars(model.coca.decoder) | change)})
    with pytest.raises(error, match=message):
        load(copy)


def test_sizes_far_beyond_the_file_are_refused_before_they_are_made(copy):
    sizes = json.loads((copy / "decoder.json").read_text()) | {"width": 4000}
    commit(copy, {"decoder.json": encode_json(sizes)})
    with pytest.raises(WeightsError, match=r"decoder.safetensors has [\d,]+ numbers, decoder.json says [\d,]{10,}"):
        load(copy)


OTHERS = {"language model": new_language_model, "bridged": new_bridged, "matcher": tiny_matcher}


@pytest.mark.parametrize("kind", OTHERS)
def test_models_that_are_no_clips_come_back_as_they_were(kind, tmp_path, sixteen):
    model = OTHERS[kind]()
    commit(tmp_path / "run", model_files(model))
    again = load(tmp_path / "run")
    assert type(again) is type(model)
    assert bits(again.params) == bits(model.params)
    assert (again.config, again.decoder_tokenizer.words) == (model.config, model.decoder_tokenizer.words)
    assert model_files(again) == model_files(model)
    assert len(again.digest) == 64
    assert set(path.name for path in (tmp_path / "run").iterdir()) == {
        "model.json", "weights.safetensors", "words.json", "manifest.json"}  # fmt: skip
    if kind == "matcher":
        memory = [one.memory(sixteen.images) for one in (model, again)]
        assert np.array_equal(
            *(one.logits(m, ["a red circle"] * 16) for one, m in zip((model, again), memory, strict=True))
        )
    else:
        assert vqa.answer(again, sixteen.images, sixteen.questions) == vqa.answer(
            model, sixteen.images, sixteen.questions
        )


@pytest.mark.parametrize("kind", OTHERS)
@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "words.json"])
def test_their_files_are_checked_too(kind, name, tmp_path):
    """Damaged bytes are refused by the manifest, foreign ones though it vouches for them."""
    folder = tmp_path / "run"
    commit(folder, model_files(OTHERS[kind]()))
    sound = (folder / name).read_bytes()
    for data in (sound[:-1], sound + b" ", bytes([sound[0] ^ 4]) + sound[1:], b""):
        (folder / name).write_bytes(data)
        with pytest.raises(CheckpointError, match=re.escape(name)):
            load(folder)
    for data in (
        b"",
        b"[]",
        b"3",
        b"null",
        b"{}",
        b'{"kind": "spy", "config": {}}',
        b'{"kind": ["bridged"], "config": 1}',
    ):
        commit(folder, {name: data})
        with pytest.raises(MiniclipError, match=r"json|safetensors") as caught:
            load(folder)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "path", "value", "message"),
    [
        ("language model", ("width",), 31, "DecoderConfig.width is 31"),
        ("language model", ("width",), 48, "do not fit model.json"),
        ("bridged", ("bridge", "kind"), "rope", "BridgeConfig.kind is 'rope'"),
        ("bridged", ("bridge", "kind"), "linear", "do not fit model.json"),
        ("bridged", ("bridge", "width"), 16, "the bridge has .* expected"),
        ("bridged", ("bridge", "inner"), 2**20, "the bridge has .* parameters"),
        ("bridged", ("clip", "vision", "layers"), 10**5, "numbers, model.json says"),
        ("bridged", ("clip",), 3, "model.json is not the sizes of a ClipConfig"),
        ("matcher", ("clip", "vision", "width"), 64, "memory_width is 32"),
        ("matcher", ("spy",), 1, "other keys than a CocaConfig"),
    ],
)
def test_their_sizes_are_checked_too(kind, path, value, message, tmp_path):
    files = model_files(OTHERS[kind]())
    about = json.loads(files["model.json"])
    inner = about["config"]
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    commit(tmp_path, files | {"model.json": encode_json(about)})
    with pytest.raises(MiniclipError, match=message):
        load(tmp_path)
