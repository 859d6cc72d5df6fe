"""Real CLIPs, with random weights: transformers writes a folder and we open it, and the other way round."""

import json
import shutil
import warnings
from dataclasses import replace

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
import transformers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

import miniclip
from miniclip.errors import CheckpointError, ConfigError, InputError, MiniclipError, WeightsError
from miniclip.files.checkpoint import export, load
from miniclip.files.names import OPENAI, TRANSFORMERS, from_dialect, to_dialect
from miniclip.files.real import cache_folder
from miniclip.files.tensors import map_tensors
from miniclip.models.clip import clip_backward, clip_forward
from miniclip.nn.losses import info_nce_backward, info_nce_forward
from miniclip.nn.tree import flatten, unflatten

pytestmark = pytest.mark.filterwarnings("default")


def files(folder):
    """Every file of a folder, by name."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


DTYPES = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
SMALL = {"P": 4, "side": 3, "K": (3, 2), "H": (2, 3), "layers": (2, 1), "inner": (11, 7), "eps": (1e-5, 1e-6),
         "act": ("quick_gelu", "gelu"), "V": 23, "T": 9, "end": 5, "E": 6}  # fmt: skip


def their_config(z):
    """A transformers.CLIPConfig of other proportions than ours: all sizes differ, in each tower."""

    def tower(i):
        return {"hidden_size": z["K"][i] * z["H"][i], "num_attention_heads": z["H"][i], "hidden_act": z["act"][i],
                "num_hidden_layers": z["layers"][i], "intermediate_size": z["inner"][i],
                "layer_norm_eps": z["eps"][i]}  # fmt: skip

    text = tower(1) | {"vocab_size": z["V"], "max_position_embeddings": z["T"], "eos_token_id": z["end"],
                       "bos_token_id": 0, "pad_token_id": 1}  # fmt: skip
    vision = tower(0) | {"image_size": z["P"] * z["side"], "patch_size": z["P"]}
    return transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=z["E"])


def their_model(z, seed, dtype="F32"):
    """A CLIPModel far from its start, whose weights are numbers that the dtype has."""
    torch.manual_seed(seed)
    model = transformers.CLIPModel(their_config(z)).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return model.to(DTYPES[dtype])


def some_inputs(z, seed, B=4):
    """Pictures and captions with one end token, or several at their end, as CLIP's tokenizer fills them up."""
    rng = np.random.default_rng(seed)
    images = rng.standard_normal((B, z["P"] * z["side"], z["P"] * z["side"], 3)).astype(np.float32)
    end = z["V"] - 1 if z["end"] == 2 else z["end"]
    ids = rng.integers(0, z["V"] - 1, (B, z["T"]))
    ids[ids == end] = 0
    for row, place in enumerate(rng.integers(1, z["T"], B)):
        ids[row, place : None if row % 2 else place + 1] = end
    return images, ids


def outputs(model, images, ids):
    """What transformers makes of them."""
    pixels = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
    return model(input_ids=torch.from_numpy(ids), pixel_values=pixels.to(model.dtype))


def in_double(params):
    return unflatten({name: np.asarray(leaf, np.float64) for name, leaf in flatten(params).items()})


sizes = st.fixed_dictionaries({
    "P": st.integers(1, 5), "side": st.integers(1, 4), "K": st.tuples(st.integers(1, 5), st.integers(1, 5)),
    "H": st.tuples(st.integers(1, 3), st.integers(1, 3)), "layers": st.tuples(st.integers(1, 3), st.integers(1, 2)),
    "inner": st.tuples(st.integers(1, 19), st.integers(1, 19)), "E": st.integers(2, 7), "V": st.integers(9, 30),
    "eps": st.tuples(*[st.sampled_from((1e-3, 1e-5, 1e-7))] * 2), "T": st.integers(2, 8), "end": st.integers(2, 8),
    "act": st.tuples(*[st.sampled_from(("quick_gelu", "gelu"))] * 2),
})  # fmt: skip


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(z=sizes, seed=st.integers(0, 1000), dtype=st.sampled_from(sorted(DTYPES)), sharded=st.booleans())
def test_a_folder_of_transformers_opens_with_its_features_logits_and_gradients(tmp_path_factory, z, seed, dtype,
                                                                               sharded):  # fmt: skip
    folder = tmp_path_factory.mktemp("real")
    theirs = their_model(z, seed, dtype)
    theirs.save_pretrained(folder, max_shard_size="2KB" if sharded else "5GB")
    assert sharded <= (folder / "model.safetensors.index.json").exists() or (folder / "model.safetensors").exists()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        ours = load(folder)
    assert any("highest token id" in str(one.message) for one in said) == (z["end"] == 2)
    assert all(leaf.dtype == np.float32 for leaf in flatten(ours.params).values())
    images, ids = some_inputs(z, seed)
    theirs = theirs.double()
    out = outputs(theirs, images.astype(np.float64), ids)
    params = in_double(ours.params)
    (image, text), cache = clip_forward(images.astype(np.float64), ids, params, ours.config)
    scale = np.exp(params["logit_scale"])
    for mine, reference in (
        (image, out.image_embeds),
        (text, out.text_embeds),
        (scale * image @ text.T, out.logits_per_image),
    ):
        assert np.abs(mine - reference.detach().numpy()).max() <= 1e-10 * max(1.0, scale)

    truth = torch.arange(len(ids))
    loss = sum(F.cross_entropy(logits, truth) for logits in (out.logits_per_image, out.logits_per_text)) / 2
    loss.backward()
    mine, loss_cache = info_nce_forward(image, text, params["logit_scale"])
    assert abs(mine - loss.item()) <= 1e-10 * max(1.0, loss.item())
    dimage, dtext, dscale = info_nce_backward(loss_cache)
    _, grads = clip_backward(dimage, dtext, cache)
    ordered = unflatten({name: flatten(grads | {"logit_scale": dscale})[name] for name in flatten(params)})
    found = to_dialect(ordered, z["P"])
    for name, p in theirs.named_parameters():
        bound = 1e-9 * max(1.0, p.grad.abs().max().item())
        assert np.abs(found[name] - p.grad.numpy()).max() <= bound, name
    np.testing.assert_allclose(ours.encode_image(images), image, rtol=0, atol=1e-4)
    np.testing.assert_allclose(ours.encode_text(ids), text, rtol=0, atol=1e-4)


@pytest.fixture(scope="module")
def theirs():
    return their_model(SMALL, 0)


@pytest.fixture
def folder(theirs, tmp_path):
    theirs.save_pretrained(tmp_path / "clip")
    return tmp_path / "clip"


def embeddings(model):
    images, ids = some_inputs(SMALL, 1)
    return np.concatenate([model.encode_image(images), model.encode_text(ids)])


def change(folder, edit):
    """Edit the tensors of a folder, in place."""
    path = folder / "model.safetensors"
    named = {name: tensor.clone() for name, tensor in safetensors.torch.load_file(path).items()}
    edit(named)
    safetensors.torch.save_file({name: tensor.contiguous() for name, tensor in named.items()}, path)


LAYER = "vision_model.encoder.layers.{}."
QUERY, KEY = (LAYER.format(0) + f"self_attn.{one}_proj.weight" for one in "qk")


def swap(named, one, other):
    named[one], named[other] = named[other], named[one]


def swap_layers(named):
    for name in [name for name in named if name.startswith(LAYER.format(0))]:
        swap(named, name, name.replace(LAYER.format(0), LAYER.format(1)))


def transpose(named):
    named[QUERY] = named[QUERY].T


SILENT = {"a matrix transposed": transpose, "two layers exchanged": swap_layers,
          "query and key exchanged": lambda named: swap(named, QUERY, KEY),
          "a bias of 0": lambda named: named[QUERY.replace("weight", "bias")].zero_()}  # fmt: skip


@pytest.mark.parametrize("edit", SILENT.values(), ids=SILENT)
def test_parity_would_notice(folder, edit):
    """Changes that fit every shape: only the numbers tell, and they do."""
    before = embeddings(load(folder))
    change(folder, edit)
    assert np.abs(embeddings(load(folder)) - before).max() > 1e-4


def put(name, value):
    return lambda named: named.__setitem__(name, value)


BROKEN = {
    "missing": (lambda named: named.pop(QUERY), "1 tensors do not fit .*q_proj.weight is missing"),
    "left over": (put("vision_model.extra", torch.zeros(2)), "vision_model.extra is not part of the model"),
    "another shape": (put(QUERY, torch.zeros(5, 6)), r"q_proj.weight has shape \(5, 6\), expected \(6, 6\)"),
    "integers": (put(QUERY, torch.zeros(6, 6, dtype=torch.int64)), "q_proj.weight is int64, expected floats"),
    "8 bits": (put(QUERY, torch.zeros(6, 6).to(torch.float8_e4m3fn)), "is F8_E4M3, expected one of F64, F32"),
    "bool": (put(QUERY, torch.zeros(6, 6, dtype=torch.bool)), "is BOOL, expected one of"),
    "NaN": (lambda named: named[QUERY].fill_(torch.nan), "q_proj.weight is not all finite"),
}  # fmt: skip


@pytest.mark.parametrize(("edit", "words"), BROKEN.values(), ids=BROKEN)
def test_tensors_that_do_not_fit(folder, edit, words):
    change(folder, edit)
    with pytest.raises(WeightsError, match=words):
        load(folder)


def test_old_files_hold_positions(folder):
    before = embeddings(load(folder))
    change(folder, put("text_model.embeddings.position_ids", torch.arange(9)[None]))
    assert np.array_equal(embeddings(load(folder)), before)


def edit_config(folder, path, value):
    """Change a value deep in config.json, or remove it."""
    data = json.loads((folder / "config.json").read_text())
    inner = data
    for key in path[:-1]:
        inner = inner.setdefault(key, {})
    if value is None:
        inner.pop(path[-1], None)
    else:
        inner[path[-1]] = value
    (folder / "config.json").write_text(json.dumps(data))


CONFIGS = {
    "SigLIP": (("model_type",), "siglip", "model_type 'siglip', expected clip"),
    "CLIPSeg": (("model_type",), "clipseg", "model_type 'clipseg', expected clip"),
    "relu": (("vision_config", "hidden_act"), "relu", "activation is 'relu', expected one of"),
    "larger pictures": (("vision_config", "image_size"), 16, r"has shape \(10, 6\), expected \(17, 6"),
    "more layers": (("text_config", "num_hidden_layers"), 2, "layers.1.layer_norm1.weight is missing"),
    "not said": (("vision_config", "intermediate_size"), None, r"expected \(3072,"),
    "heads": (("text_config", "num_attention_heads"), 4, "width is 6, expected a multiple of heads = 4"),
    "channels": (("vision_config", "num_channels"), 1, "num_channels 1, expected 3"),
    "no tower": (("text_config",), None, "config.json lacks 'text_config'"),
    "a list": (("text_config",), [1], "text_config of another layout"),
    "eps": (("text_config", "layer_norm_eps"), -1.0, "eps is -1.0"),
    "enormous": (("text_config", "vocab_size"), 10**9, "parameters"),
}  # fmt: skip


@pytest.mark.parametrize(("path", "value", "words"), CONFIGS.values(), ids=CONFIGS)
def test_configs_that_do_not_fit(folder, path, value, words):
    edit_config(folder, path, value)
    with pytest.raises((ConfigError, WeightsError), match=words):
        load(folder)


def test_an_old_config_says_its_sizes_twice_and_the_second_has_the_last_word(folder):
    before = embeddings(load(folder))
    edit_config(folder, ("text_config_dict",), {"hidden_size": 6, "num_hidden_layers": 1})
    edit_config(folder, ("text_config", "hidden_size"), 12)
    assert np.array_equal(embeddings(load(folder)), before)


def shorten(path):
    path.write_bytes(path.read_bytes()[:-1])


def to_pickle(path):
    path.rename(path.with_name("pytorch_model.bin"))


FILES = {
    "truncated": ("model.safetensors", shorten, "is not a safetensors file"),
    "empty": ("model.safetensors", lambda path: path.write_bytes(b""), "is not a safetensors file"),
    "HTML": ("model.safetensors", lambda path: path.write_bytes(b"<html>" * 9), "is not a safetensors file"),
    "a folder": ("model.safetensors", lambda path: (path.unlink(), path.mkdir()), "is not a safetensors file"),
    "only a pickle": ("model.safetensors", to_pickle, r"only as a pickle \('pytorch_model.bin'\), .*: .*python -c"),
    "none": ("model.safetensors", lambda path: path.unlink(), "lacks model.safetensors"),
    "no JSON": ("config.json", lambda path: path.write_text("{"), "config.json is not JSON"),
    "no object": ("config.json", lambda path: path.write_text("[]"), "model_type None"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "spoil", "words"), FILES.values(), ids=FILES)
def test_files_that_are_damaged_or_missing(folder, name, spoil, words):
    spoil(folder / name)
    with pytest.raises(MiniclipError, match=words) as caught:
        load(folder)
    assert "\n" not in str(caught.value)


INDEXES = ["[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": "../x"}}', '{"weight_map": {"a": 3}}']


@pytest.mark.parametrize("index", INDEXES)
def test_an_index_that_is_none(folder, index):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors.index.json").write_text(index)
    with pytest.raises(CheckpointError, match="is not an index of weights"):
        load(folder)


def test_what_we_save_transformers_opens_and_we_open_again(folder, tmp_path):
    ours = load(folder)
    miniclip.save(ours, tmp_path / "saved")
    with pytest.raises(CheckpointError, match="exists already"):
        miniclip.save(ours, tmp_path / "saved")
    again, report = transformers.CLIPModel.from_pretrained(tmp_path / "saved", output_loading_info=True)
    assert not any(report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    images, ids = some_inputs(SMALL, 1)
    with torch.no_grad():
        out = outputs(again.eval(), images, ids)
    np.testing.assert_allclose(ours.encode_image(images), out.image_embeds.numpy(), rtol=0, atol=1e-5)
    np.testing.assert_allclose(ours.encode_text(ids), out.text_embeds.numpy(), rtol=0, atol=1e-5)
    assert np.array_equal(embeddings(load(tmp_path / "saved")), embeddings(ours))
    assert export(folder, tmp_path / "exported") > 0
    assert files(tmp_path / "exported") == files(tmp_path / "saved")


class OpenAIBlock(nn.Module):
    """A residual block with the modules that OpenAI's model.py has, and so with its names."""

    def __init__(self, width, heads, inner, eps, act):
        super().__init__()
        self.attn = nn.MultiheadAttention(width, heads, batch_first=True)
        self.ln_1, self.ln_2, self.act = nn.LayerNorm(width, eps), nn.LayerNorm(width, eps), act
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(width, inner), "c_proj": nn.Linear(inner, width)})

    def forward(self, x, mask=None):
        h = self.ln_1(x)
        x = x + self.attn(h, h, h, need_weights=False, attn_mask=mask)[0]
        return x + self.mlp.c_proj(self.act(self.mlp.c_fc(self.ln_2(x))))


class OpenAIClip(nn.Module):
    """Both towers under the names of OpenAI's state dict; projections are matrices to multiply by from the right."""

    def __init__(self, config):
        super().__init__()
        v, t, E = config.vision, config.text, config.embed_dim
        tower = nn.Module()
        tower.conv1 = nn.Conv2d(3, v.width, v.patch_size, v.patch_size, bias=False)
        tower.class_embedding = nn.Parameter(torch.zeros(v.width))
        tower.positional_embedding = nn.Parameter(torch.zeros(1 + v.patches, v.width))
        tower.ln_pre, tower.ln_post = nn.LayerNorm(v.width, v.eps), nn.LayerNorm(v.width, v.eps)
        tower.transformer, tower.proj = self.blocks(v), nn.Parameter(torch.zeros(v.width, E))
        self.visual, self.transformer = tower, self.blocks(t)
        self.token_embedding = nn.Embedding(t.vocab_size, t.width)
        self.positional_embedding = nn.Parameter(torch.zeros(t.context_length, t.width))
        self.ln_final, self.text_projection = nn.LayerNorm(t.width, t.eps), nn.Parameter(torch.zeros(t.width, E))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    @staticmethod
    def blocks(tower):
        act = F.gelu if tower.activation == "gelu" else lambda x: x * torch.sigmoid(1.702 * x)
        holder = nn.Module()
        holder.resblocks = nn.ModuleList(
            OpenAIBlock(tower.width, tower.heads, tower.mlp_width, tower.eps, act) for _ in range(tower.layers)
        )
        return holder

    def encode(self, images, ids, end):
        v = self.visual
        x = v.conv1(images).flatten(2).transpose(1, 2)
        x = torch.cat([v.class_embedding.expand(len(x), 1, -1), x], 1) + v.positional_embedding
        x = v.ln_pre(x)
        for block in v.transformer.resblocks:
            x = block(x)
        image = v.ln_post(x[:, 0]) @ v.proj
        x = self.token_embedding(ids) + self.positional_embedding
        mask = torch.full((ids.shape[1], ids.shape[1]), -torch.inf).triu(1).to(x)
        for block in self.transformer.resblocks:
            x = block(x, mask)
        text = self.ln_final(x)[torch.arange(len(ids)), end] @ self.text_projection
        return F.normalize(image, dim=1), F.normalize(text, dim=1)


@pytest.mark.parametrize("nested", [False, True])
def test_openai_s_names_and_open_clip_s(folder, tmp_path, nested):
    """A state dict of OpenAI's modules, also with open_clip's `text.` before the text tower's names."""
    ours = load(folder)
    config = replace(ours.config, vision=replace(ours.config.vision, eps=1e-5, activation="gelu"),
                     text=replace(ours.config.text, eps=1e-5, eos_token_id=SMALL["V"] - 1))  # fmt: skip
    model = OpenAIClip(config).double().eval()
    torch.manual_seed(1)
    for p in model.parameters():
        nn.init.normal_(p, 0, 0.3)
    named = {name: leaf.float().contiguous() for name, leaf in model.state_dict().items()}
    model.load_state_dict(named)
    mine = from_dialect({name: leaf.numpy() for name, leaf in named.items()}, config)
    images, ids = some_inputs(SMALL | {"end": SMALL["V"] - 1}, 3)
    end = (ids == SMALL["V"] - 1).argmax(1)
    with torch.no_grad():
        reference = model.encode(torch.from_numpy(images.transpose(0, 3, 1, 2)).double(), torch.from_numpy(ids), end)
    (image, text), _ = clip_forward(images.astype(np.float64), ids, in_double(mine), config)
    assert np.abs(image - reference[0].numpy()).max() <= 1e-10
    assert np.abs(text - reference[1].numpy()).max() <= 1e-10
    back = to_dialect(mine, config.vision.patch_size, OPENAI)
    assert back.keys() == named.keys()
    assert all(np.array_equal(back[name], leaf) for name, leaf in named.items())

    there = tmp_path / "open_clip"
    there.mkdir()
    text_names = [name for name in named if not name.startswith("visual.") and name != "logit_scale"]
    renamed = {f"text.{name}" if nested and name in text_names else name: leaf for name, leaf in named.items()}
    safetensors.torch.save_file(renamed, there / "open_clip_model.safetensors")
    v, t = config.vision, config.text
    about = {"model_cfg": {
        "embed_dim": config.embed_dim,
        "vision_cfg": {"image_size": v.image_size, "layers": v.layers, "width": v.width, "patch_size": v.patch_size,
                       "head_width": v.width // v.heads, "mlp_ratio": v.mlp_width / v.width},
        "text_cfg": {"context_length": t.context_length, "vocab_size": t.vocab_size, "width": t.width,
                     "heads": t.heads, "layers": t.layers, "mlp_ratio": t.mlp_width / t.width}},
        "preprocess_cfg": {"mean": [0.5, 0.4, 0.3], "std": [0.2, 0.3, 0.4]}}  # fmt: skip
    (there / "open_clip_config.json").write_text(json.dumps(about))
    opened = load(there)
    assert opened.config == config
    assert opened.preprocessing.mean == (0.5, 0.4, 0.3)
    assert all(
        np.array_equal(a, b) for a, b in zip(flatten(opened.params).values(), flatten(mine).values(), strict=True)
    )


OPEN_CLIPS = {
    "timm": (("vision_cfg", "timm_model_name", "vit_base"), "timm_model_name 'vit_base'"),
    "pooling": (("text_cfg", "pool_type", "last"), "pool_type 'last'"),
    "attention pooling": (("vision_cfg", "attentional_pool", True), "attentional_pool True"),
    "ResNet": (("vision_cfg", "layers", [3, 4, 6, 3]), "layers is"),
    "words for sizes": (("vision_cfg", "width", "wide"), "sizes that are no numbers"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "words"), OPEN_CLIPS.values(), ids=OPEN_CLIPS)
def test_open_clips_with_other_towers(tmp_path, change, words):
    tower, key, value = change
    about = {"embed_dim": 4, "vision_cfg": {"width": 64}, "text_cfg": {"width": 64}}
    about[tower][key] = value
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": about}))
    with pytest.raises(ConfigError, match=words):
        load(tmp_path)


def test_the_names_of_both_layouts_are_those_of_a_real_model(theirs, folder):
    ours = load(folder)
    named = to_dialect(ours.params, SMALL["P"], TRANSFORMERS)
    assert named.keys() == {name for name in theirs.state_dict() if not name.endswith("position_ids")}
    assert all(np.array_equal(named[name], leaf.detach().numpy()) for name, leaf in theirs.named_parameters())


def test_a_repository_is_looked_for_in_the_cache(folder, tmp_path, monkeypatch):
    for name in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CheckpointError, match=r"'open/clip' is no folder here, .*hf download open/clip config.json"):
        load("open/clip")
    there = cache_folder() / "models--open--clip"
    shutil.copytree(folder, there / "snapshots" / "abc123")
    (there / "refs").mkdir()
    (there / "refs" / "main").write_text("abc123\n")
    assert np.array_equal(embeddings(load("open/clip")), embeddings(load(folder)))
    for hostile in ("../../x", "", "gone"):
        (there / "refs" / "main").write_text(hostile)
        with pytest.raises(CheckpointError, match="hf download"):
            load("open/clip")
    (tmp_path / "open" / "clip").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="manifest"):
        load("open/clip")


def test_without_a_tokenizer_texts_are_refused(folder):
    with pytest.raises(InputError, match="has no tokenizer: give token ids"):
        load(folder).encode_text(["a dog"])


def test_weights_are_mapped_and_cannot_be_changed_by_accident(folder):
    leaves = flatten(load(folder).params)
    mapped = leaves["text.token_embedding.weight"]
    assert not mapped.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        mapped += 1.0


def test_half_precision_is_widened_exactly(tmp_path):
    odd = torch.tensor([1e-7, -0.0, 65504.0, 6e-8, 1.0, -3.1415])
    for dtype in (torch.float16, torch.bfloat16):
        path = tmp_path / "x.safetensors"
        safetensors.torch.save_file({"odd": torch.zeros(3, dtype=torch.uint8).float()[:1], "x": odd.to(dtype)}, path)
        assert map_tensors(path)["x"].tobytes() == odd.to(dtype).float().numpy().tobytes()
