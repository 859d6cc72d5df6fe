"""Pictures from elsewhere are framed; those of the world are left alone; blank ones are known."""

import numpy as np
import pytest
from foreign import FOREIGN_STYLES, foreign_pictures

import miniclip
from miniclip.data.drawing import draw_scenes
from miniclip.data.framing import frame_object, is_blank, only_object, resized
from miniclip.data.grammar import CLASS_NAMES
from miniclip.data.pictures import preprocess
from miniclip.data.world import COLOURS, sample_scenes
from miniclip.files.checkpoint import SYSTEM
from miniclip.tasks.zero_shot import classify


@pytest.fixture(scope="module", params=[None, SYSTEM], ids=["clip", "system"])
def shipped(request):
    return miniclip.load(request.param)


def world(split: str, n: int):
    """(pictures (B, 32, 32, 3), classes, scenes)"""
    scenes = sample_scenes(3, split, np.arange(n))
    return draw_scenes(scenes), scenes.shape[:, 0] * len(COLOURS) + scenes.colour[:, 0], scenes


def predicted(model, images) -> np.ndarray:
    return classify(model, images, list(CLASS_NAMES)).argmax(1)


def test_shapes_in_five_other_styles_are_read(shipped):
    pictures, classes, styles = foreign_pictures()
    right = predicted(shipped, preprocess(pictures)) == classes
    assert right.mean() >= 0.70
    assert min(right[styles == style].mean() for style in FOREIGN_STYLES) >= 0.60
    assert (predicted(shipped, preprocess(pictures, frame=False)) == classes).mean() < 0.40  # framing is what does it


def to_the_edge(picture):
    """As much of a picture as its object fills."""
    y, x = np.nonzero((picture < 200).any(2))
    return picture[y.min() : y.max() + 1, x.min() : x.max() + 1]


LAYOUTS = {
    "a third as large": lambda picture: np.pad(picture, [(len(picture),) * 2] * 2 + [(0, 0)], constant_values=255),
    "in a wide picture": lambda picture: np.pad(picture, [(0, 0), (2 * len(picture), 0), (0, 0)], constant_values=255),
    "filling the frame": lambda picture: np.pad(to_the_edge(picture), [(4, 4)] * 2 + [(0, 0)], constant_values=255),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_shapes_are_read_in_any_layout(shipped, layout):
    pictures, classes, _ = foreign_pictures(styles=("flat",))
    images = [LAYOUTS[layout](picture) for picture in pictures]
    right, cropped = (
        (predicted(shipped, preprocess(images, frame=frame)) == classes).mean() for frame in (None, False)
    )
    assert right >= 0.70, right
    assert cropped < right - 0.3


@pytest.mark.parametrize("side", [32, 64, 200])
@pytest.mark.parametrize("split", ["A", "D"])
def test_scenes_of_the_world_are_left_alone_at_any_size(split, side):
    images, _, _ = world(split, 200)
    framed = [frame_object(resized(image, side, side), 32) for image in images]
    assert np.mean([one is None for one in framed]) >= 0.97


def test_scenes_of_the_world_are_read_as_well_at_any_size(shipped):
    images, classes, _ = world("A", 256)
    right = [(predicted(shipped, preprocess([resized(image, side, side) for image in images])) == classes).mean()
             for side in (32, 200)]  # fmt: skip
    assert right[1] >= right[0] - 0.01


def disc(side: int, centre, radius: float) -> np.ndarray:
    y, x = (np.mgrid[:side, :side] + 0.5) / side
    inside = np.hypot(y - centre[0], x - centre[1]) < radius
    return np.where(inside[:, :, None], np.float32([0.8, 0.1, 0.1]), np.float32(0.95))


@pytest.mark.parametrize("row", range(3))
@pytest.mark.parametrize("column", range(3))
def test_an_object_keeps_its_place_and_gets_the_size_that_is_read_best(row, column):
    for radius in (0.04, 0.08, 0.16, 0.24):
        centre = 0.25 + 0.25 * np.array([row, column]) + (0.06, -0.05)
        red = frame_object(disc(150, centre, radius), 32)[:, :, 1] < 0.5
        y, x = np.nonzero(red)
        assert np.abs([y.mean() + 0.5 - 8 * (row + 1), x.mean() + 0.5 - 8 * (column + 1)]).max() < 0.75
        assert abs(2 * np.sqrt(red.sum() / np.pi) - 13.0) < 2.5  # a coarse look finds it


def test_the_same_object_is_the_same_picture_wherever_it_was():
    one = frame_object(disc(200, (0.52, 0.47), 0.3), 32)
    for side, centre, radius in ((200, (0.42, 0.56), 0.3), (90, (0.5, 0.45), 0.38), (500, (0.55, 0.5), 0.25)):
        assert np.abs(frame_object(disc(side, centre, radius), 32) - one).mean() < 0.02


def test_framing_can_be_asked_for_and_refused():
    small, large = (disc(side, (0.4, 0.4), 0.3) for side in (32, 64))
    assert not np.array_equal(preprocess(small, frame=True), preprocess(small))
    assert np.array_equal(preprocess(small), preprocess(small, frame=False))
    assert np.array_equal(preprocess(large), preprocess(large, frame=True))
    assert not np.array_equal(preprocess(large), preprocess(large, frame=False))


def test_blank_pictures_are_known_and_no_scene_is_one():
    grain = np.random.default_rng(0).normal(0.7, 0.02, (120, 90, 3)).astype(np.float32)
    for blank in (np.zeros((32, 32, 3)), np.ones((1, 1, 3)), np.full((40, 300, 3), 0.3), np.clip(grain, 0, 1)):
        assert is_blank(np.float32(blank))
        assert frame_object(np.float32(blank), 32) is None
    assert not is_blank(np.random.default_rng(0).random((64, 64, 3)).astype(np.float32))  # noise is something
    for split in "ABCD":
        assert not any(is_blank(image) for image in world(split, 300)[0])
    assert not any(is_blank(np.float32(picture) / 255) for picture in foreign_pictures()[0])


@pytest.mark.filterwarnings("ignore:a picture is over 10 times as long as wide")
@pytest.mark.parametrize("shape", [(1, 1), (1, 900), (900, 1), (2, 3), (31, 33), (33, 32), (700, 40)])
def test_any_size_of_picture_can_be_framed(shape):
    image = np.random.default_rng(0).random((*shape, 3)).astype(np.float32)
    assert preprocess([image]).shape == (1, 32, 32, 3)
    assert np.isfinite(preprocess([image, np.zeros_like(image)], frame=True)).all()


def test_several_parts_are_no_object_and_crumbs_are_none():
    mask = np.zeros((64, 64), bool)
    assert only_object(mask) is None
    mask[10:30, 10:30] = True
    mask[60, 60] = True
    assert only_object(mask).sum() == 400
    mask[50:60, 50:60] = True
    assert only_object(mask) is None
