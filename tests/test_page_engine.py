"""The scripts of the page give NumPy's numbers: values, gradients, drawings, words."""

import base64
import json
import shutil
import subprocess

import numpy as np
import pytest

import miniclip
from miniclip.data.captions import write_captions
from miniclip.data.drawing import draw_scenes
from miniclip.data.pairs import normalized_images
from miniclip.data.tokenizer import Tokenizer, split_words
from miniclip.data.world import item_keys, sample_scenes, uniform
from miniclip.models.clip import ClipConfig, clip_forward, init_clip
from miniclip.models.text import TextConfig
from miniclip.models.vision import VisionConfig
from miniclip.nn.optim import AdamW, clip_by_global_norm, decay_mask, warmup_cosine
from miniclip.nn.tree import flatten, to_vector, unflatten
from miniclip.page.build import engine_source, grain, halves, model_data, scenes_data
from miniclip.tasks.captioning import caption
from miniclip.tasks.vqa import answer
from miniclip.train.step import loss_and_gradients

NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no node here: the page's scripts are run with it")
CLOSE = 1e-5  # of the largest number of a tensor


def run_js(program: str, **data):
    """What a program of engine functions returns; `data` holds what it is given."""
    source = f"{engine_source()}\nconst data = {json.dumps(data)};\nconst found = (() => {{ {program} }})();\n"
    source += "process.stdout.write(JSON.stringify(found));"
    done = subprocess.run([NODE, "-"], input=source, capture_output=True, text=True, encoding="utf-8", timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def assert_close(found: dict, expected: dict):
    """Equal names, and numbers within CLOSE of the tensor's largest."""
    assert found.keys() == expected.keys()
    for name, want in expected.items():
        got, want = np.reshape(found[name], np.shape(want)), np.asarray(want, float)
        assert np.abs(got - want).max() <= CLOSE * max(np.abs(want).max(), 0.02), (
            name
        )  # a sum of logits up to 100 holds no more in float32


@pytest.fixture(scope="module")
def system():
    """The shipped system with the weights that the page has, and what the page is given of it."""
    model = miniclip.load("system")
    rounded = unflatten({name: leaf.astype("<f2").astype(np.float32) for name, leaf in flatten(model.params).items()})
    model = type(model)(model.coca, rounded, model.tokenizer, model.decoder_tokenizer)
    return model, model_data(model)


SHOW = "const flat = (tree) => Object.fromEntries(Object.entries(flatten(tree)).map(([n, x]) => [n, [...x.data]]));"


def test_value_and_gradients_of_a_batch(system):
    """Of the shipped towers: embeddings, the loss and every gradient, in float32 against NumPy's float64."""
    model, data = system
    scenes = sample_scenes(0, "A", np.arange(12))
    images, texts = normalized_images(scenes), write_captions(scenes)
    ids = model.tokenizer.encode_short(texts)
    params = unflatten({name: leaf.astype(np.float64) for name, leaf in flatten(model.params).items()})
    (image, text), _ = clip_forward(images.astype(np.float64), ids, params, model.config)
    names = ("visual", "text", "logit_scale")
    loss, grads, _ = loss_and_gradients(images.astype(np.float64), ids, {n: params[n] for n in names}, model.config)
    found = run_js(
        SHOW
        + """const model = open_model(data.model), images = tensor(data.shape, Float32Array.from(data.images));
        const ids = encode_texts(data.texts, model.vocabulary, 16);
        const [[image, text], c] = clip_forward(images, ids, model.params, model.config);
        const [loss, c_loss] = info_nce_forward(image, text, model.params.logit_scale.data[0]);
        const [dimage, dtext, dscale] = info_nce_backward(c_loss);
        const g = {...clip_backward(dimage, dtext, c), logit_scale: tensor([], [dscale])};
        return {values: flat({image, text, loss: tensor([], [loss])}), grads: flat(g), ids: [...ids.data]};""",
        model=data, images=images.ravel().tolist(), shape=images.shape, texts=texts,
    )  # fmt: skip
    assert found["ids"] == ids.ravel().tolist()
    assert_close(found["values"], {"image": image, "text": text, "loss": loss})
    assert_close(found["grads"], flatten(grads))


def small_clip():
    """A CLIP of odd sizes, its parameters, and a batch with captions of several lengths."""
    config = ClipConfig(VisionConfig(32, 8, 12, 2, 3), TextConfig(11, 7, 8, 3, 2), 6)
    rng = np.random.default_rng(5)
    params = unflatten({name: np.float32(leaf + 0.1 * rng.standard_normal(leaf.shape))
                        for name, leaf in flatten(init_clip(rng, config)).items()})  # fmt: skip
    ids = np.array([[2, 5, 3, 0, 0], [2, 6, 7, 8, 3], [2, 3, 0, 0, 0]])
    return config, params, rng.standard_normal((3, 32, 32, 3)).astype(np.float32), ids


def test_gradients_of_other_sizes():
    """Every number random, biases and layer norms too: a gradient that leaves one out shows."""
    config, params, images, ids = small_clip()
    double = unflatten({name: leaf.astype(np.float64) for name, leaf in flatten(params).items()})
    loss, grads, _ = loss_and_gradients(images.astype(np.float64), ids, double, config)
    sizes = {
        "vision": {"patch_size": 8, "heads": 3},
        "text": {"heads": 2, "eos_token_id": 3},
    }
    found = run_js(
        SHOW
        + """const leaf = ([name, shape, x]) => [name, tensor(shape, Float32Array.from(x))];
        const params = unflatten(Object.fromEntries(data.params.map(leaf)));
        const images = tensor([3, 32, 32, 3], Float32Array.from(data.images));
        const ids = {shape: [3, 5], data: Int32Array.from(data.ids)};
        const [loss, g] = loss_and_gradients(images, ids, params, data.sizes);
        return {loss, grads: flat(g)};""",
        params=[[n, x.shape, x.ravel().tolist()] for n, x in flatten(params).items()],
        images=images.ravel().tolist(), ids=ids.ravel().tolist(), sizes=sizes,
    )  # fmt: skip
    assert found["loss"] == pytest.approx(loss, rel=CLOSE)
    assert_close(found["grads"], flatten(grads))


@pytest.mark.parametrize("split", ["train", "B", "D"])
def test_drawings_within_one_level(split):
    """Every pixel of 200 scenes, all styles, shapes and places among them."""
    scenes = sample_scenes(3, split, np.arange(200))
    found = run_js(
        """const textures = halves(data.grain), bytes = [];
        for (const scene of data.scenes) bytes.push(...draw_scene({...scene, key: BigInt(scene.key)}, textures));
        return Buffer.from(new Float32Array(bytes).buffer).toString("base64");""",
        grain=halves(grain()), scenes=scenes_data(scenes),
    )  # fmt: skip
    drawn = np.frombuffer(base64.b64decode(found), np.float32).reshape(-1, 32, 32, 3)
    assert np.abs(drawn - draw_scenes(scenes)).max() <= 1 / 255


def test_random_numbers_are_the_same():
    keys = item_keys(7, "A", np.arange(5))
    found = run_js("return data.i.map((i) => uniform(item_key(7, 1, i), 301));", i=list(range(5)))
    assert found == uniform(keys, 301).tolist()


TEXTS = [
    "A small RED circle!",
    "",
    "a red–blue ♥ é",
    "naïve café",
    "a_b <end> don't",
    "one two " * 12,
    "🙂 x",
    "...",
    "Ünï 3",
]


def test_words_are_the_same():
    found = run_js("return data.texts.map(split_words);", texts=TEXTS)
    assert found == [split_words(text) for text in TEXTS]
    tokenizer = Tokenizer(["a", "red", "circle", "one", "two", "é"], 16)
    with pytest.warns(UserWarning, match="unknown|empty|cut"):
        want = tokenizer.encode(TEXTS)
    words = [*("<pad>", "<unk>", "<start>", "<end>"), *tokenizer.words]
    found = run_js("""const ids = encode_texts(data.texts, new Map(data.words.map((w, i) => [w, i])), 16);
        return [ids.shape, [...ids.data]];""", texts=TEXTS, words=words)  # fmt: skip
    assert found[1] == want[:, : found[0][1]].ravel().tolist()


def test_it_writes_the_same_captions_and_answers(system):
    """Word by word, with its probability and where it looked."""
    model, data = system
    scenes = sample_scenes(2, "D", np.arange(6))
    images, asked = normalized_images(scenes), "how many shapes are there?"
    captions, answers = caption(model, images), answer(model, images, [asked] * 6)
    found = run_js(
        """const model = open_model(data.model);
        return Array.from({length: 6}, (_, b) => {
          const image = tensor([1, 32, 32, 3], Float32Array.from(data.images.slice(3072 * b, 3072 * (b + 1))));
          return [write(image, "", model), write(image, data.asked, model)].map(({words, probability}) =>
            [words.map((w) => w.word).join(" "), probability, words.map((w) => [...w.attention])]);
        });""",
        model=data, images=images.ravel().tolist(), asked=asked,
    )  # fmt: skip
    for (said, answered), want, reply in zip(found, captions, answers, strict=True):
        assert said[0] == want.text
        assert answered[0] == reply.text
        assert said[1] == pytest.approx(want.probability, rel=1e-4)
        assert answered[1] == pytest.approx(reply.probability, rel=1e-4)
        np.testing.assert_allclose(said[2], want.attention, atol=1e-5)


def test_the_optimiser_moves_as_numpys():
    """Clipping, AdamW with and without decay, and the schedule, over some steps."""
    rng = np.random.default_rng(2)
    params = {"weight": rng.standard_normal((5, 3)), "bias": rng.standard_normal(3)}
    gradients = [{name: 3 * rng.standard_normal(leaf.shape) for name, leaf in params.items()} for _ in range(6)]
    theta = to_vector(params)
    optimizer = AdamW(theta, decay_mask(params), decay=0.1)
    norms, rates = [], [warmup_cosine(step, 6, 2, 0.05) for step in range(6)]
    for gradient, lr in zip(gradients, rates, strict=True):
        clipped, norm = clip_by_global_norm(to_vector(gradient), 4.0)
        optimizer.step(theta, clipped, lr)
        norms.append(norm)
    found = run_js(
        """const leaves = (tree) => Object.fromEntries(Object.entries(tree).map(([n, x]) =>
          [n, tensor(n === "weight" ? [5, 3] : [3], Float32Array.from(x))]));
        const params = leaves(data.params), optimizer = new AdamW(params), norms = [], rates = [];
        data.gradients.forEach((tree, step) => {
          const grads = leaves(tree);
          norms.push(clip_by_global_norm(grads, 4));
          rates.push(warmup_cosine(step, 6, 2, 0.05));
          optimizer.step(grads, rates[step]);
        });
        return {norms, rates, theta: [...params.weight.data, ...params.bias.data]};""",
        params={name: leaf.ravel().tolist() for name, leaf in params.items()},
        gradients=[{name: leaf.ravel().tolist() for name, leaf in one.items()} for one in gradients],
    )  # fmt: skip
    assert found["rates"] == pytest.approx(rates)
    assert found["norms"] == pytest.approx(norms, rel=1e-6)
    assert found["theta"] == pytest.approx(theta.tolist(), abs=1e-6)


def test_first_weights_are_spread_as_numpys():
    """Of every tensor: the same name and shape, and a spread as large, to what so many random numbers allow."""
    config = ClipConfig(VisionConfig(32, 8, 32, 2, 4), TextConfig(13, 5, 32, 1, 4), 32)
    want = flatten(init_clip(np.random.default_rng(0), config))
    found = run_js("""return Object.entries(flatten(init_clip(0, PRESET))).map(([name, {shape, data}]) => {
        const mean = data.reduce((sum, x) => sum + x, 0) / data.length;
        return [name, shape, mean, Math.sqrt(data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length)];
    });""")  # fmt: skip
    assert {name: tuple(shape) for name, shape, _, _ in found} == {name: leaf.shape for name, leaf in want.items()}
    for name, _, mean, std in found:
        n = want[name].size
        spread = 0.5 if name.endswith("positional_embedding") else 4 / np.sqrt(2 * n)  # a grid is made of five vectors
        assert std == pytest.approx(want[name].std(), rel=max(spread, 1e-6)), name
        assert abs(mean - want[name].mean()) <= 8 * want[name].std() / np.sqrt(n) + 1e-6, name


def test_neighbouring_patches_begin_as_neighbours():
    """The first positions are f(row) + g(column), each along a line and a parabola, as `init_grid_position` has it."""
    found = run_js("return [...init_grid_position(normal_numbers(3), 4, 24).data];")
    grid = np.reshape(found, (17, 24))[1:].reshape(4, 4, 24)
    down, right = grid.mean(1), grid.mean(0)
    np.testing.assert_allclose(grid, down[:, None] + right[None], atol=1e-6)
    line = np.linspace(-1, 1, 4)
    curve = np.stack([line, (line**2 - np.mean(line**2)) / np.ptp(line**2) * 2], axis=1)
    for place in (down, right):
        weights, *_ = np.linalg.lstsq(curve, place, rcond=None)
        np.testing.assert_allclose(curve @ weights, place, atol=1e-6)
        assert np.abs(weights).max(1).min() > 0.3


def test_rewinding_is_exact():
    """From a copy it goes on bit for bit as it did."""
    found = run_js(
        """const training = new Training(0, halves(data.grain), {steps: 12}), losses = [];
        for (let i = 0; i < 4; i++) losses.push(training.advance().loss);
        training.keep();
        for (let i = 0; i < 4; i++) losses.push(training.advance().loss);
        training.rewind(5);
        const again = [training.step];
        for (let i = 0; i < 4; i++) again.push(training.advance().loss);
        training.rewind(0);
        return [losses, again, training.step, training.advance().loss];""",
        grain=halves(grain()),
    )  # fmt: skip
    losses, again, start, first = found
    assert again == [4, *losses[4:]]
    assert (start, first) == (0, losses[0])


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))])
def test_the_preset_learns(seed):
    """From nothing to 95 % of pictures that it never saw, in 800 steps; with the sentences of others never."""
    found = run_js(
        """const {grain, seed} = data, training = new Training(seed, halves(grain));
        const other = new Training(seed, halves(grain), {shuffled: true});
        while (training.step < 800 && (training.step % 50 || training.look().accuracy < 0.95)) training.advance();
        for (let i = 0; i < 200; i++) other.advance();
        return [training.look().accuracy, other.look().accuracy];""",
        grain=halves(grain()), seed=seed,
    )  # fmt: skip
    learned, shuffled = found
    assert learned >= 0.95
    assert shuffled < 0.3
