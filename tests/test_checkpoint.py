"""Run folders: round trips, transformers opens them, and no damaged or hostile byte is ever believed."""

import io
import json
import pickle
import random
import re
import shutil
import zipfile

import numpy as np
import pytest
import safetensors.numpy
from test_train import HERE, RECIPE, files, like

from miniclip.data.pairs import batch
from miniclip.errors import CheckpointError, ConfigError, MiniclipError, WeightsError
from miniclip.files import checkpoint, state, storage, tensors
from miniclip.files.checkpoint import export, load
from miniclip.files.hugging_face import config_from_hugging_face, hugging_face_config
from miniclip.files.names import from_dialect, to_dialect
from miniclip.files.state import read_log, read_training
from miniclip.files.storage import MANIFEST, commit, encode_json
from miniclip.machine.memory import peak_memory
from miniclip.model import BridgedModel, Describer, Model
from miniclip.models.clip import ClipConfig, init_clip
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.nn.tree import flatten, to_vector
from miniclip.train.clip import train

TEXTS = ["a red circle", "a small blue star on the left", "a sketch of a green square"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A tiny trained run, opened; nobody may change it."""
    folder = tmp_path_factory.mktemp("checkpoint") / "run"
    train(RECIPE, folder)
    return folder


@pytest.fixture
def copy(run, tmp_path):
    return shutil.copytree(run, tmp_path / "copy")


@pytest.fixture(scope="module")
def pairs(run):
    return batch(0, "A", np.arange(6), load(run).tokenizer)


def resumed(folder):
    return read_training(folder, RECIPE.to_json(), HERE, like())


def everything(folder):
    """All that the package reads from a run, in a form that can be compared."""
    model, (vectors, step, log) = load(folder), resumed(folder)
    arrays = [to_vector(model.params), *(vectors[name] for name in ("theta", "m", "v"))]
    sizes = [model.config, model.tokenizer.words, model.digest, step, log, read_log(folder)]
    checked = [storage.read_verified(folder, name) for name in storage.read_manifest(folder)]
    return [array.tobytes() for array in arrays], sizes, checked


def reseal(folder, **contents):
    """Change files and the manifest with them: what a stranger can send."""
    names = {"weights": "model.safetensors", "config": "config.json", "tokenizer": "tokenizer.json",
             "training": "training.safetensors", "log": "metrics.jsonl"}  # fmt: skip
    commit(folder, {names[key]: data for key, data in contents.items()})


def test_round_trip(run):
    """What was saved comes back bit for bit, with its dtype, and saved again gives the same bytes."""
    model, (vectors, step, log) = load(run), resumed(run)
    assert to_vector(model.params).dtype == vectors["theta"].dtype == np.float32
    np.testing.assert_array_equal(to_vector(model.params), vectors["theta"])
    assert np.shape(model.params["logit_scale"]) == ()
    assert step == 12
    assert log == read_log(run)
    resumable, readable = state.training_files(vectors, RECIPE.to_json(), HERE, step, log)
    again = resumable | checkpoint.model_files(model) | readable
    assert files(run) == again | {MANIFEST: (run / MANIFEST).read_bytes()}
    assert len(model.digest) == 64
    assert load(str(run)).digest == model.digest


def test_round_trip_of_odd_tensors():
    """0-d and empty tensors, and every kind of float, survive the container."""
    odd = {"0-d": np.array(2.5), "empty": np.zeros((3, 0), np.float32), "f2": np.array([1e-7, -0.0], np.float16),
           "denormal": np.array([1e-45], np.float32), "nan": np.array([np.nan, np.inf])}  # fmt: skip
    back = tensors.parse_tensors(safetensors.numpy.save(odd), "odd")
    assert back.keys() == odd.keys()
    for name, value in odd.items():
        assert (back[name].dtype, back[name].shape, back[name].tobytes()) == (value.dtype, value.shape, value.tobytes())


@pytest.mark.filterwarnings("default")
def test_transformers_opens_a_run(run, pairs):
    transformers = pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    model = load(run)
    theirs, report = transformers.CLIPModel.from_pretrained(run, output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    theirs.eval()
    with torch.no_grad():
        out = theirs(input_ids=torch.from_numpy(pairs.ids), return_loss=True,
                     pixel_values=torch.from_numpy(pairs.images.transpose(0, 3, 1, 2).copy()))  # fmt: skip
    image, text = model.encode_image(pairs.images), model.encode_text(pairs.texts)
    np.testing.assert_allclose(image, out.image_embeds.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(text, out.text_embeds.numpy(), rtol=0, atol=1e-5)
    logits = np.exp(model.logit_scale) * image @ text.T
    np.testing.assert_allclose(logits, out.logits_per_image.numpy(), rtol=0, atol=1e-3)
    assert np.ptp(image, axis=0).max() > 1e-3  # embeddings that all agree would prove nothing


def odd_config():
    """Sizes that are all different, so that a swap cannot fit."""
    vision = VisionConfig(12, 4, 14, 3, 7, "gelu")
    return ClipConfig(vision, TextConfig(23, 9, 15, 2, 5, "quick_gelu", 11), 6)


def test_config_round_trip():
    data = hugging_face_config(odd_config())
    assert config_from_hugging_face(json.loads(json.dumps(data))) == odd_config()


def test_names_round_trip():
    config, rng = odd_config(), np.random.default_rng(3)
    params = init_clip(rng, config)
    for leaf in flatten(params).values():
        leaf += rng.normal(size=leaf.shape)
    named = to_dialect(params, config.vision.patch_size)
    back = flatten(from_dialect(named, config))
    assert back.keys() == flatten(params).keys()
    for name, leaf in flatten(params).items():
        np.testing.assert_array_equal(back[name], leaf, err_msg=name)
    patches = named["vision_model.embeddings.patch_embedding.weight"]
    assert patches.shape == (14, 3, 4, 4)
    ours = params["visual"]["patch_embedding"]["weight"].reshape(14, 4, 4, 3)
    assert patches[5, 2, 1, 3] == ours[5, 1, 3, 2]


def flip(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def append(data, rng):
    return data + rng.choice([b"\0", b"\n", b" ", b"{}", rng.randbytes(rng.randint(1, 99)), data])


def zero_block(data, rng):
    at = rng.randrange(len(data))
    return data[:at] + bytes(len(data[at : at + 512])) + data[at + 512 :]


def refusal(folder, whole):
    """What is said about a damaged run; None if it reads as the whole one does. Anything else is a failure."""
    try:
        assert everything(folder) == whole, "changed in silence"
    except CheckpointError as error:
        return str(error)


@pytest.mark.parametrize("damage", [flip, truncate, append, zero_block])
def test_damage_is_never_silent(run, copy, damage):
    """200 of each, over all files: an error that names the file, or the very same result."""
    rng, names, whole = random.Random(7), sorted(files(run)), everything(run)
    told = dict.fromkeys(names, 0)
    for i in range(200):
        name = names[i % len(names)]
        sound = (run / name).read_bytes()
        data = damage(sound, rng)
        (copy / name).write_bytes(data)
        said = refusal(copy, whole)
        if said is None:
            assert data == sound or name == MANIFEST  # white space after JSON, for one, changes nothing
        else:
            assert name in said
            assert "\n" not in said
            told[name] += 1
        (copy / name).write_bytes(sound)
    print(damage.__name__, told, sum(told.values()))
    assert min(told.values()) > 0
    assert sum(told.values()) >= 175


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("archive/data.pkl", pickle.dumps([1]))
    return buffer.getvalue()


@pytest.mark.parametrize("data", [b"", b"<!DOCTYPE html><p>404", pickle.dumps({"w": 1}), archive()],
                         ids=["empty", "html", "pickle", "zip"])  # fmt: skip
@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "training.safetensors",
                                  "metrics.jsonl", MANIFEST])  # fmt: skip
def test_another_kind_of_file(copy, name, data):
    """With a manifest that does not know it, and with one that does."""
    (copy / name).write_bytes(data)
    with pytest.raises(CheckpointError, match=re.escape(name)):
        everything(copy)
    if name != MANIFEST and not (name == "metrics.jsonl" and not data):
        known = storage.read_manifest(copy) | {name: [storage.digest(data)]}
        (copy / MANIFEST).write_bytes(storage.encode_manifest(known))
        with pytest.raises(CheckpointError, match=re.escape(name)):
            everything(copy)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", MANIFEST])
def test_missing_or_a_directory(copy, name):
    (copy / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing: expected a run folder"):
        load(copy)
    (copy / name).mkdir()
    with pytest.raises(CheckpointError, match=f"{name} is not a file"):
        load(copy)


def test_no_run_at_all(tmp_path, run):
    for path in (tmp_path, tmp_path / "nowhere", run / "config.json", "x" * 5000):
        with pytest.raises(CheckpointError, match=r"is missing|is not a folder") as caught:
            load(path)
        assert caught.value.exit_code == 4


def header(table) -> bytes:
    text = table if isinstance(table, bytes) else json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text


def claim(shape, offsets, dtype="F32"):
    return header({"logit_scale": {"dtype": dtype, "shape": shape, "data_offsets": offsets}})


HOSTILE = {
    "a header of 2^63 bytes": (2**63 - 1).to_bytes(8, "little") + b"{}",
    "a terabyte": claim([2**38], [0, 2**40]) + b"\0" * 64,
    "a shape that overflows": claim([2**40, 2**40], [0, 4]) + b"\0" * 4,
    "a negative shape": claim([-1], [0, 4]) + b"\0" * 4,
    "overlap": header({n: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]} for n in "ab"}) + b"\0" * 4,
    "an unknown dtype": claim([1], [0, 4], "F33") + b"\0" * 4,
    "depth": header(b'{"a":' * 100_000),
    "a list": header([]),
    "nothing": header({}),
    "no header": b"\0" * 7,
}


@pytest.mark.parametrize("data", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("target", ["weights", "training"])
def test_hostile_tensors(copy, target, data):
    """Refused before anything is allocated, although the manifest vouches for it."""
    reseal(copy, **{target: data})

    def refused():
        with pytest.raises(CheckpointError, match=r"safetensors|config\.json"):
            load(copy) if target == "weights" else resumed(copy)

    assert peak_memory(refused) < 100 * 2**20


def bad_weights(named, change):
    named = {name: leaf.copy() for name, leaf in named.items()}
    change(named)
    return safetensors.numpy.save(named)


def drop_seven(named):
    for name in sorted(named)[:7]:
        del named[name]


WRONG = {
    "missing": (lambda n: n.pop("logit_scale"), "1 tensors do not fit .*: logit_scale is missing"),
    "extra": (lambda n: n.update(spy=np.zeros(2, np.float32)), "spy is not part of the model"),
    "seven": (drop_seven, r"7 tensors do not fit config.json: ([^;]* is missing(; )?){5}$"),
    "shape": (lambda n: n.update(logit_scale=np.zeros(1, np.float32)), r"logit_scale has shape \(1,\), expected \(\)"),
    "transposed": (
        lambda n: n.update({k: np.ascontiguousarray(v.T) for k, v in n.items() if k.endswith("0.mlp.fc1.weight")}),
        r"2 tensors .*fc1.weight has shape \(16, 64\), expected \(64, 16\)",
    ),
    "nan": (lambda n: n["visual_projection.weight"].__setitem__((0, 0), np.nan), "visual_projection.weight is not all"),
    "inf": (lambda n: n["text_projection.weight"].__setitem__((1, 0), -np.inf), "text_projection.weight is not all"),
    "whole numbers": (lambda n: n.update(logit_scale=np.array(3)), "logit_scale is int64, expected floats"),
}


@pytest.mark.parametrize(("change", "words"), WRONG.values(), ids=WRONG)
def test_weights_that_do_not_fit(copy, change, words):
    named = safetensors.numpy.load_file(copy / "model.safetensors")
    reseal(copy, weights=bad_weights(named, change))
    with pytest.raises(WeightsError, match=words) as caught:
        load(copy)
    assert caught.value.exit_code == 4


def test_wide_and_narrow_floats_are_cast(copy):
    """float64 and float16 weights are weights; bfloat16 is refused by name, not misread."""
    named = safetensors.numpy.load_file(copy / "model.safetensors")
    want = to_vector(load(copy).params)
    for kind, tolerance in ((np.float64, 0), (np.float16, 2e-3)):
        reseal(copy, weights=safetensors.numpy.save({name: leaf.astype(kind) for name, leaf in named.items()}))
        got = to_vector(load(copy).params)
        assert got.dtype == np.float32
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=1e-4 * bool(tolerance))


def change_json(folder, name, *path, to):
    data = json.loads((folder / name).read_bytes())
    inner = data
    for key in path[:-1]:
        inner = inner[key]
    if to is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return encode_json(data)


CONFIGS = [
    (("vision_config", "hidden_size"), 15, "width is 15, expected a multiple of heads = 2"),
    (("vision_config", "patch_size"), 5, "image_size is 32, expected a multiple of patch_size = 5"),
    (("vision_config", "num_hidden_layers"), 0, "layers is 0"),
    (("text_config", "num_attention_heads"), 2.0, "heads is 2.0"),
    (("text_config", "num_attention_heads"), True, "heads is True"),
    (("text_config", "hidden_act"), "relu", "activation is 'relu'"),
    (("text_config", "hidden_act"), ["gelu"], r"activation is \['gelu'\], expected one of"),
    (("text_config", "vocab_size"), 10**9, "parameters .* GiB"),
    (("text_config", "eos_token_id"), 10**6, "eos_token_id is 1000000"),
    (("projection_dim",), -1, "embed_dim is -1"),
    (("text_config",), None, "config.json lacks 'text_config'"),
    (("text_config",), [1], "config.json"),
]


@pytest.mark.parametrize(("path", "value", "words"), CONFIGS, ids=[f"{c[0][-1]} {c[1]}" for c in CONFIGS])
def test_configs_that_make_no_sense(copy, path, value, words):
    reseal(copy, config=change_json(copy, "config.json", *path, to=value))
    with pytest.raises(ConfigError, match=words):
        load(copy)


@pytest.mark.parametrize("data", [b"[]", b"3", b"null", b'"vision_config"'])
def test_json_of_another_kind(copy, data):
    for name in ("tokenizer", "config"):
        reseal(copy, **{name: data})
        with pytest.raises(MiniclipError, match=rf"{name}\.json"):
            load(copy)


def test_config_and_weights_disagree(copy):
    reseal(copy, config=change_json(copy, "config.json", "projection_dim", to=17))
    with pytest.raises(WeightsError, match=r"2 tensors do not fit config\.json: .*\(16, 16\), expected \(17, 16\)"):
        load(copy)


@pytest.mark.parametrize("key", ["words", "length"])
def test_tokenizer_and_config_disagree(copy, key):
    """Fewer words than rows of the table would encode other words with their vectors: refused."""
    data = json.loads((copy / "tokenizer.json").read_bytes())
    if key == "words":
        data["model"]["vocab"].popitem()
    else:
        data["truncation"]["max_length"] = 15
    reseal(copy, tokenizer=encode_json(data))
    with pytest.raises(CheckpointError, match=r"tokenizer\.json has \(words, length\) .*config\.json says"):
        load(copy)


@pytest.mark.parametrize("about", [
    "null", "[]", "{}", "{", '{"recipe": 1, "environment": {}, "step": 1, "log": []}', "[" * 5000, "9" * 5000,
    '{"recipe": {}, "environment": {}, "step": -1, "log": []}',
    '{"recipe": {}, "environment": {}, "step": 1, "log": [3]}',
])  # fmt: skip
def test_training_state_that_says_nothing(copy, about):
    tensors = safetensors.numpy.load_file(copy / "training.safetensors")
    reseal(copy, training=safetensors.numpy.save(tensors, {"about": about}))
    with pytest.raises(CheckpointError, match=r"training\.safetensors (does not say|is not JSON)"):
        resumed(copy)


@pytest.mark.parametrize("line", [b"3", b"[]", b"[" * 5000, b"9" * 5000])
def test_a_log_that_is_none(copy, line):
    reseal(copy, log=line + b"\n")
    with pytest.raises(CheckpointError, match=r"metrics\.jsonl is no"):
        read_log(copy)


@pytest.mark.parametrize("change", [lambda x: x[:-1], lambda x: x.astype(np.float64), lambda x: x * np.nan])
@pytest.mark.parametrize("name", ["theta", "m", "v"])
def test_training_state_that_does_not_fit(copy, name, change):
    tensors = safetensors.numpy.load_file(copy / "training.safetensors")
    about = state.parse_metadata((copy / "training.safetensors").read_bytes(), copy)
    tensors[name] = change(tensors[name])
    reseal(copy, training=safetensors.numpy.save(tensors, {"about": json.dumps(about)}))
    with pytest.raises(CheckpointError, match=rf"training\.safetensors: {name} does not fit"):
        resumed(copy)


def test_newer_format(copy):
    text = (copy / MANIFEST).read_text()
    listed = json.loads(text)["files"]
    inner = json.dumps([2, listed], indent=2).encode() + b"\n"
    (copy / MANIFEST).write_text(json.dumps({"format": 2, "files": listed, "sha256": storage.digest(inner)}))
    with pytest.raises(CheckpointError, match=r"manifest.json has format 2, this miniclip reads 1: install"):
        load(copy)


def test_export(run, tmp_path):
    written = export(run, tmp_path / "small")
    assert files(tmp_path / "small").keys() == files(run).keys() - {"training.safetensors"}
    assert written == sum(len(data) for name, data in files(tmp_path / "small").items() if name != MANIFEST)
    assert load(tmp_path / "small").digest == load(run).digest
    with pytest.raises(CheckpointError, match=r"training\.safetensors: this run folder does not hold it"):
        resumed(tmp_path / "small")
    with pytest.raises(CheckpointError, match="exists already"):
        export(run, tmp_path / "small")


def test_export_of_a_damaged_run_writes_nothing(copy, tmp_path):
    (copy / "config.json").write_bytes(b"{}")
    with pytest.raises(CheckpointError, match=r"config\.json is damaged"):
        export(copy, tmp_path / "small")
    assert not (tmp_path / "small").exists()


def test_the_runs_in_the_package_have_names(tmp_path, monkeypatch):
    """And a folder of the same name is opened by its path."""
    assert load("default").digest == load().digest == load(checkpoint.PRETRAINED).digest
    system = load("system")
    assert (type(system), system.digest) == (Describer, load(checkpoint.PRETRAINED / "system").digest)
    assert type(load("bridge")) is BridgedModel
    monkeypatch.chdir(tmp_path)
    export("system", tmp_path / "default")
    assert type(load("./default")) is type(load(tmp_path / "default")) is Describer
    assert type(load("default")) is Model
    with pytest.raises(CheckpointError):
        load("./system")
