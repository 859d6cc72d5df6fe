"""An article's way from prompts and a photograph to a printout, step by step as transformers goes it.

Its model is openai/clip-vit-base-patch32, its printout two probabilities of a frog; the weights here are random. The
article is one on CuPL, as Pratt et al. 2022, arXiv:2209.03320 have it: its numbers stand here, none of its sentences.
"""

import math
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import transformers
from clip_texts import byte_pair_files
from PIL import Image
from test_real import in_double
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

import miniclip
from miniclip.app import cli
from miniclip.app.measure_clip import VIT_B_32
from miniclip.data.byte_pairs import read_shipped
from miniclip.figures.lectures.f08_merges import steps
from miniclip.figures.lectures.f32_one_picture import PRINTED, SCALE, cosine_gap, fewest_to_convince
from miniclip.files.real import NEEDED
from miniclip.models.text import text_forward
from miniclip.models.vision import vision_forward
from miniclip.nn.ops import normalize_forward, softmax_forward
from miniclip.tasks.shares import Share
from miniclip.tasks.zero_shot import build_prompts, classify, ensemble, zero_shot_probabilities

ROCKET = Path(__file__).parent / "pictures" / "rocket.jpg"
CLASSES = ["tree frog", "tailed frog"]
PROMPTS = [prompt for (prompt,) in build_prompts(CLASSES, ["a photo of a {}"])]
PICTURES_OF = [prompt for (prompt,) in build_prompts(["dog", "cat", "horse"], ["Picture of a {}"])]
# Written for this test, with the faults of the article's: blanks, a long one, one without a thing to see, one twice.
DESCRIPTIONS = [
    ["A small green frog with sticky pads on its toes.", " Its eyes are round and stand out on both sides.",
     "There are thousands of kinds, so it is hard to say what one looks like!", "It clings to leaves & twigs."],
    ["A brown frog from cold, fast brooks; the males have something like a short tail.", "It hides under stones.",
     "It hides under stones.", "A frog 2 to 5 cm long, with a flat head, a grainy skin and long outer toes: " * 4],
]  # fmt: skip


def article_config(layers: int, vision_width: int, text_width: int, E: int):
    """ViT-B/32's pictures, patches, words and places; the rest as asked."""

    def tower(width, heads):
        return {"hidden_size": width, "num_attention_heads": heads, "intermediate_size": 4 * width,
                "num_hidden_layers": layers}  # fmt: skip

    text = tower(text_width, 8) | {"vocab_size": 49_408, "max_position_embeddings": 77, "bos_token_id": 49_406,
                                   "eos_token_id": 49_407, "pad_token_id": 49_407}  # fmt: skip
    vision = tower(vision_width, 12) | {"image_size": 224, "patch_size": 32}
    return transformers.CLIPConfig(text_config=text, vision_config=vision, projection_dim=E)


def written(folder, config, shake: float):
    """transformers' model and processor, random; and the folder in which they lie as a published CLIP does."""
    torch.manual_seed(0)
    model = transformers.CLIPModel(config).eval()
    with torch.no_grad():
        for p in model.parameters():
            p.add_(shake * torch.randn_like(p))
        model.logit_scale.fill_(math.log(100))  # where the published ones have it
    model.save_pretrained(folder)
    for name, data in byte_pair_files(read_shipped()).items():
        (folder / name).write_bytes(data)
    CLIPImageProcessorPil().save_pretrained(folder)
    tokenizer = transformers.CLIPTokenizer.from_pretrained(folder)
    return model, transformers.CLIPProcessor(image_processor=CLIPImageProcessorPil(), tokenizer=tokenizer)


@pytest.fixture(scope="module")
def article(tmp_path_factory):
    """Both sides' model, transformers' processor, and what it makes of the article's prompts and a photograph."""
    folder = tmp_path_factory.mktemp("article")
    theirs, processor = written(folder, article_config(3, 48, 40, 24), 0.03)
    ours = miniclip.load(folder)
    with Image.open(ROCKET) as image:
        inputs = processor(text=PROMPTS, images=image, return_tensors="pt", padding=True)
    outputs = theirs.double()(**inputs | {"pixel_values": inputs["pixel_values"].double()})
    return SimpleNamespace(folder=folder, theirs=theirs, processor=processor, ours=ours, params=in_double(ours.params),
                           inputs=inputs, outputs=outputs)  # fmt: skip


def as_array(tensor) -> np.ndarray:
    return tensor.detach().numpy()


def our_pixels(article) -> np.ndarray:
    return article.ours.preprocess([miniclip.open_image(ROCKET)])


def close(found, expected, bound: float = 1e-10) -> bool:
    return found.shape == expected.shape and np.abs(found - expected).max() <= bound


# One: what the towers read


@pytest.mark.parametrize("texts", [PROMPTS, PICTURES_OF, *DESCRIPTIONS], ids=["prompts", "pictures of", "one", "other"])
@pytest.mark.filterwarnings("ignore:1 text is longer than 75 tokens:UserWarning")
def test_prompts_become_the_ids_of_the_processor(article, texts):
    """It fills up to the longest, we to the end: with end tokens, both."""
    longest = as_array(article.processor(text=texts, padding=True, truncation=True, return_tensors="pt")["input_ids"])
    ids = article.ours.tokenizer.encode(texts)
    assert ids.shape == (len(texts), 77)
    assert np.array_equal(ids[:, : longest.shape[1]], longest)
    assert (ids[:, longest.shape[1] :] == 49_407).all()
    assert (ids[:, 0] == 49_406).all()


def test_the_two_prompts_differ_in_one_word():
    """8 ids each, of which 7 are the same: all that the classifier knows of the classes is in the other."""
    one, other = read_shipped().encode(PROMPTS)
    assert one[:9].tolist() == [49406, 320, 1125, 539, 320, 2677, 11438, 49407, 49407]
    assert other[:8].tolist() == [49406, 320, 1125, 539, 320, 20626, 11438, 49407]
    assert (one != other).sum() == 1


def test_the_figure_of_merges_merges_as_the_tokenizer_does():
    tokenizer = read_shipped()
    words = {"amphibian", *" ".join(sum(DESCRIPTIONS, PROMPTS)).lower().split(), "日本語", "🐸", "a"}
    for word in words:
        found = steps(tokenizer, word)
        assert found[-1][0] == tokenizer.merge(word)
        assert [len(pieces) for pieces, _ in found] == [*range(len(found[0][0]), len(found[-1][0]) - 1, -1)]
    assert len(words) > 40


def test_a_photograph_becomes_the_pixels_of_the_processor(article):
    theirs = as_array(article.inputs["pixel_values"]).transpose(0, 2, 3, 1)
    assert close(our_pixels(article), theirs, 1e-5)
    assert theirs.shape == (1, 224, 224, 3)
    assert theirs.std() > 0.5


# Two: from features to the printout


def features(article) -> tuple[np.ndarray, np.ndarray]:
    """What each tower of ours says, in double precision, before it is brought to unit length."""
    pixels = as_array(article.inputs["pixel_values"]).transpose(0, 2, 3, 1).astype(np.float64)
    ids = article.ours.tokenizer.encode(PROMPTS)
    return (vision_forward(pixels, article.params["visual"], article.ours.config.vision)[0],
            text_forward(ids, article.params["text"], article.ours.config.text)[0])  # fmt: skip


def test_a_logit_is_the_scale_times_a_cosine(article):
    """The article's identity: projection of what is pooled, unit length, scale; against what `model(**inputs)` says."""
    theirs, out, inputs = article.theirs, article.outputs, article.inputs
    image, text = features(article)
    pooled = theirs.vision_model(inputs["pixel_values"].double()).pooler_output
    assert close(image, as_array(theirs.visual_projection(pooled)))
    pooled = theirs.text_model(inputs["input_ids"]).pooler_output  # without the mask of what is filled up
    assert close(text, as_array(theirs.text_projection(pooled)))
    lengths = [np.linalg.norm(x, axis=1) for x in (image, text)]
    assert min(abs(length - 1).min() for length in lengths) > 0.1
    unit = [normalize_forward(x)[0] for x in (image, text)]
    for mine, raw, length, reference in zip(unit, (image, text), lengths, (out.image_embeds, out.text_embeds),
                                            strict=True):  # fmt: skip
        assert close(mine, raw / length[:, None])
        assert close(mine, as_array(reference))
    cosines, scale = unit[0] @ unit[1].T, np.exp(article.params["logit_scale"])
    assert abs(scale - 100) < 1e-4
    assert close(image @ text.T / np.outer(*lengths), cosines)
    assert close(scale * cosines, as_array(out.logits_per_image), 1e-10 * scale)
    assert close(scale * cosines.T, as_array(out.logits_per_text), 1e-10 * scale)


def test_the_printout_is_the_softmax_of_the_logits(article):
    """Ours in single precision from the file on, beside theirs in double: the article's four decimals."""
    expected = as_array(article.outputs.logits_per_image.softmax(1))
    found = classify(article.ours, our_pixels(article), CLASSES, ["a photo of a {}"])
    assert close(found, expected, 5e-5)
    assert abs(found.sum() - 1) < 1e-6
    assert 0.01 < found.min() < found.max() < 0.99


# Three: many descriptions, one vector


def described(article, texts):
    """(features of ours, what transformers pooled) of some texts, in double precision."""
    ids = article.ours.tokenizer.encode(texts)
    inputs = article.processor(text=texts, padding=True, truncation=True, return_tensors="pt")
    return (text_forward(ids, article.params["text"], article.ours.config.text)[0],
            article.theirs.text_model(inputs["input_ids"]).pooler_output)  # fmt: skip


@pytest.mark.filterwarnings("ignore:1 text is longer than 75 tokens:UserWarning")
def test_descriptions_averaged_before_and_after_they_have_unit_length(article):
    """The article averages before the projection: as after it, the map being linear, but not as of unit vectors."""
    before, after = [], []
    for texts in DESCRIPTIONS:
        mine, pooled = described(article, texts)
        averaged = as_array(article.theirs.text_projection(pooled.mean(0, keepdim=True)))
        assert close(mine.mean(0, keepdims=True), averaged)
        before.append(normalize_forward(averaged)[0][0])
        unit = as_array(torch.nn.functional.normalize(article.theirs.text_projection(pooled)))
        after.append(unit.mean(0) / np.linalg.norm(unit.mean(0)))
        assert close(ensemble(mine[None])[0], after[-1])
        lengths = np.linalg.norm(mine, axis=1)
        assert lengths.max() / lengths.min() > 1.01  # else the two would be one
        assert close(ensemble(mine[None] / lengths[:, None])[0], after[-1])
        assert 1e-6 < 1 - before[-1] @ after[-1] < 0.1
    image, scale = normalize_forward(features(article)[0])[0], article.ours.logit_scale
    one, other = (zero_shot_probabilities(image, np.array(weights), scale) for weights in (before, after))
    theirs = (math.exp(scale) * torch.from_numpy(image) @ torch.tensor(np.array(before)).T).softmax(1)
    assert close(one, theirs.numpy())
    assert np.abs(one - other).max() > 0.05


# Four: the printout of the frog


def test_every_number_of_the_frog_follows_from_two():
    """0.3164, 0.6836 with one prompt, 0.6512, 0.3488 with thirty descriptions a class: the logit of two probabilities.

    By hand: ln(0.3164 / 0.6836) = -0.7704, ln(0.6512 / 0.3488) = 0.6243; a hundredth of each is a gap of cosines.
    """
    (one, thirty), half = PRINTED.values(), 0.5e-4  # the last decimal is rounded
    assert (one, thirty) == ((0.3164, 0.6836), (0.6512, 0.3488))
    assert abs(SCALE - 100) < 1e-9
    for p, logit, gap in ((one, -0.7704, -0.0077), (thirty, 0.6243, 0.0062)):
        assert abs(sum(p) - 1) <= 2 * half
        assert abs(math.log(p[0] / p[1]) - logit) <= half
        assert abs(cosine_gap(p) - gap) <= half
        again = softmax_forward(SCALE * np.array([cosine_gap(p), 0.0]))[0]
        assert np.abs(again - p).max() <= 1e-9
        assert cosine_gap((p[0] + half, p[1] - half)) - cosine_gap((p[0] - half, p[1] + half)) < 5e-6
    assert round(one[1], 2) == 0.68
    assert abs(cosine_gap(thirty) - cosine_gap(one) - 0.0139) <= half
    assert abs(SCALE * (cosine_gap(thirty) - cosine_gap(one)) - 1.3947) <= half
    start = softmax_forward(np.array([cosine_gap(one), 0.0]) / 0.07)[0]  # at the scale with which training begins
    assert np.abs(start - [0.4725, 0.5275]).max() <= half


def test_one_picture_allows_nearly_every_share():
    """Wilson's interval of 0 of 1 and of 1 of 1: 0 to z^2 / (1 + z^2), and 1 / (1 + z^2) to 1, with z = 1.96."""
    wrong, right = Share([False]).interval, Share([True]).interval
    np.testing.assert_allclose(wrong, (0, 0.7935), rtol=0, atol=5e-5)
    np.testing.assert_allclose(right, (0.2065, 1), rtol=0, atol=5e-5)
    assert right[0] < wrong[1]  # both ways to prompt may be equally good
    assert fewest_to_convince(0.05) == 6
    assert 2 * 0.5**6 < 0.05 < 2 * 0.5**5


# Five: the README's way to a first answer

README = (Path(__file__).parents[1] / "README.md").read_text()
NAME = "openai/clip-vit-base-patch32"
REAL_LINES = re.findall(rf"^miniclip .*{NAME}.*$", README, re.MULTILINE)


def test_there_are_lines_for_real_weights():
    assert [line.split()[1] for line in REAL_LINES] == ["zeroshot", "search", "explain"]
    assert f"hf download {NAME} {NEEDED}\n" in README


@pytest.mark.parametrize("line", REAL_LINES)
def test_the_lines_for_real_weights_run_on_random_ones(article, tmp_path, monkeypatch, capsys, line):
    monkeypatch.chdir(tmp_path)
    for name in ("photo.jpg", "other.jpg"):
        shutil.copy(ROCKET, name)
    words = [str(article.folder) if word == NAME else word for word in shlex.split(line)[1:]]
    words = [one for word in words for one in (["other.jpg", "photo.jpg"] if word == "*.jpg" else [word])]
    assert cli.main(words) == 0
    out, err = capsys.readouterr()
    assert f"{words[0]}.png" in out
    assert not err


# Six: at full size


def test_a_full_vit_b_32_of_transformers_says_the_same(tmp_path):
    """151 million random numbers in single precision, through a file: about 600 MB, which are not kept."""
    folder = tmp_path / "full"
    theirs, processor = written(folder, article_config(12, 768, 512, 512), 0.0)
    ours = miniclip.load(folder)
    assert ours.config.parameters == VIT_B_32.parameters == 151_277_313
    with Image.open(ROCKET) as image:
        inputs = processor(text=PROMPTS + PICTURES_OF, images=image, return_tensors="pt", padding=True)
    with torch.no_grad():
        out = theirs(**inputs)
    image, text = ours.encode_image(our_pixels(SimpleNamespace(ours=ours))), ours.encode_text(PROMPTS + PICTURES_OF)
    assert close(image, out.image_embeds.numpy(), 1e-4)
    assert close(text, out.text_embeds.numpy(), 1e-4)
    scale = math.exp(ours.logit_scale)
    assert close(scale * image @ text.T, out.logits_per_image.numpy(), 1e-4 * scale)
    assert np.ptp(image @ text.T) > 1e-3
    del ours
    shutil.rmtree(folder)
