"""Cut a picture into square patches, and put it together again.

A vision transformer reads a picture as a row of patches. The image has shape (H, W, C): rows, columns, channels. p
divides H and W.

`patchify(img, p)` returns the n = (H/p) * (W/p) patches, one a row, as an array of shape (n, p * p * C). The patches go
like words on a page: left to right, then down. The numbers inside a patch go the same way: row by row, in each row
column by column, and for each pixel all its channels.

`unpatchify(patches, p, H, W)` undoes this and returns the image (H, W, C). C follows from the size of a patch.

Graded: 4 x 6 pixels with 3 channels and p = 2, 6 x 3 pixels with 2 channels and p = 3, patches of one pixel, one patch
for the whole picture, and the way back.
"""

import numpy as np

from miniclip.learn.spec import Exercise

exercise = Exercise(
    "2.3", "Patches and back", points=4, level=2, minutes=20,
    use="`patchify_forward` in models/vision.py cuts every picture so before the first layer of the image tower.",
    hints=(
        "Each pixel has four coordinates: the row of its patch, the row inside the patch, the column of its patch, the "
        "column inside the patch. Memory holds them in this order. You want both patch coordinates first.",
        "Three steps: split H and W by a reshape to five axes, swap the two axes in the middle, join by a reshape. The "
        "way back takes the same steps in reverse.",
        "One channel, p = 1, pixels [[1, 2], [3, 4]]: patches [[1], [2], [3], [4]]. With p = 2 there is one patch, "
        "[[1, 2, 3, 4]]. For [[1, 2, 3, 4], [5, 6, 7, 8]] and p = 2: [[1, 2, 5, 6], [3, 4, 7, 8]].",
    ),
)  # fmt: skip


@exercise.solution
def patchify(img, p):
    """The patches of an image, left to right, then down.

    img (H, W, C), p divides H and W -> (n, p * p * C)
    """
    H, W, C = img.shape
    grid = img.reshape(H // p, p, W // p, p, C).swapaxes(1, 2)
    return grid.reshape(-1, p * p * C)


@exercise.solution
def unpatchify(patches, p, H, W):
    """The image that was cut into these patches.

    patches (n, p * p * C), H and W: the height and the width of the image -> (H, W, C)
    """
    grid = patches.reshape(H // p, W // p, p, p, -1)
    return grid.swapaxes(1, 2).reshape(H, W, -1)


@exercise.oracle
def number_by_number(img, p):
    H, W, C = img.shape
    patches = np.zeros((H * W // p**2, p * p * C))
    for y in range(H):
        for x in range(W):
            for c in range(C):
                patches[(y // p) * (W // p) + x // p, ((y % p) * p + x % p) * C + c] = img[y, x, c]
    return patches


@exercise.oracle(of="unpatchify")
def back_number_by_number(patches, p, H, W):
    n, size = patches.shape
    C = size // p**2
    img = np.zeros((H, W, C))
    for i in range(n):
        for j in range(size):
            img[i // (W // p) * p + j // (p * C), i % (W // p) * p + j // C % p, j % C] = patches[i, j]
    return img


@exercise.also_right
def with_slices(img, p):
    H, W, _ = img.shape
    return [img[y : y + p, x : x + p].ravel().tolist() for y in range(0, H, p) for x in range(0, W, p)]


@exercise.also_right
def with_einsum(img, p):
    H, W, C = img.shape
    grid = np.einsum("yaxbc->yxabc", img.reshape(H // p, p, W // p, p, C))
    return grid.reshape(H // p * (W // p), p * p * C)


@exercise.also_right
def with_split(img, p):
    H, W, _ = img.shape
    bands = np.split(img, H // p, axis=0)
    return np.stack([patch.flatten() for band in bands for patch in np.split(band, W // p, axis=1)])


@exercise.also_right(of="unpatchify")
def back_with_slices(patches, p, H, W):
    img = np.empty((H, W, patches.shape[1] // p**2))
    for i, patch in enumerate(patches):
        y, x = divmod(i, W // p)
        img[y * p : (y + 1) * p, x * p : (x + 1) * p] = patch.reshape(p, p, -1)
    return img


@exercise.also_right(of="unpatchify")
def back_with_concatenate(patches, p, H, W):
    tiles = [patch.reshape(p, p, -1) for patch in patches]
    bands = [np.concatenate(tiles[i : i + W // p], axis=1) for i in range(0, len(tiles), W // p)]
    return np.concatenate(bands, axis=0).tolist()


def reshape_back(patches, p, H, W):
    return patches.reshape(H, W, -1)


def column_major_back(patches, p, H, W):
    return patches.reshape(W // p, H // p, p, p, -1).transpose(1, 2, 0, 3, 4).reshape(H, W, -1)


def channel_first_back(patches, p, H, W):
    return patches.reshape(H // p, W // p, -1, p, p).transpose(0, 3, 1, 4, 2).reshape(H, W, -1)


@exercise.wrong("""A reshape alone cuts along memory, so each of your patches holds a strip of a pixel row. Split into 5
axes, swap two of them, then join.""")
def plain_reshape(img, p):
    return img.reshape(-1, p * p * img.shape[2])


@exercise.wrong("""Your round trip works, but no patch is a square of pixels: a reshape there and back proves nothing.
Swap axes 1 and 2 in both functions.""", also={"unpatchify": reshape_back})  # fmt: skip
def plain_reshape_in_both(img, p):
    return img.reshape(-1, p * p * img.shape[2])


@exercise.wrong("Your patch 1 lies below patch 0. Go from left to right first, and down when a row of patches is done.")
def column_major_grid(img, p):
    H, W, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).transpose(2, 0, 1, 3, 4).reshape(-1, p * p * C)


@exercise.wrong("""Both functions go down first and then right, so the round trip hides it. Patch 1 lies to the right of
patch 0.""", also={"unpatchify": column_major_back})  # fmt: skip
def column_major_in_both(img, p):
    return column_major_grid(img, p)


@exercise.wrong("""Your patch lists all of channel 0, then all of channel 1. The order is row, column, channel: the
channels of a pixel stay together.""")
def channel_first(img, p):
    H, W, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).transpose(0, 2, 4, 1, 3).reshape(-1, p * p * C)


@exercise.wrong("""Both functions put channel 0 of all pixels first, so the round trip hides it. Inside a patch the
channels of a pixel stay together.""", also={"unpatchify": channel_first_back})  # fmt: skip
def channel_first_in_both(img, p):
    return channel_first(img, p)


@exercise.wrong("""You took the width for the height, which works for squares only. Axis 0 of the image counts rows,
axis 1 columns.""")
def h_w_swapped(img, p):
    W, H, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).swapaxes(1, 2).reshape(-1, p * p * C)


@exercise.wrong("""Your patches have lost their colour: all channels carry the values of channel 0. Each pixel keeps the
values of all its channels.""")
def one_channel(img, p):
    return patchify(np.repeat(img[..., :1], img.shape[2], axis=2), p)


@exercise.wrong("Only channel 0 is left. A pixel brings all its channels into the patch.")
def drops_channels(img, p):
    return patchify(img[..., :1], p)


@exercise.wrong("""Inside a patch you go down a column before you go right. Rows come first: pixel 1 is the right
neighbour of pixel 0.""")
def transposed_inside(img, p):
    H, W, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).transpose(0, 2, 3, 1, 4).reshape(-1, p * p * C)


@exercise.wrong("Your patches are still small pictures. Join their last 3 axes: one patch, one row of numbers.")
def not_flat(img, p):
    H, W, C = img.shape
    return img.reshape(H // p, p, W // p, p, C).swapaxes(1, 2).reshape(-1, p, p, C)


@exercise.wrong("""You cut a patch at every pixel, so they overlap. Move on by p pixels: each pixel belongs to one
patch.""")
def overlapping(img, p):
    H, W, _ = img.shape
    return np.stack([img[y : y + p, x : x + p].ravel() for y in range(H - p + 1) for x in range(W - p + 1)])


@exercise.wrong("""A reshape alone puts the patches one after the other, like strips. Undo the swap of axes 1 and 2 as
well.""", of="unpatchify")  # fmt: skip
def back_by_reshape(patches, p, H, W):
    return reshape_back(patches, p, H, W)


@exercise.wrong("""You lay the patches from top to bottom first. Patch 1 belongs to the right of patch 0.""",
                of="unpatchify")  # fmt: skip
def back_column_major(patches, p, H, W):
    return column_major_back(patches, p, H, W)


@exercise.wrong("""You took the first axis inside a patch for the channels. A patch is rows, columns, channels: the
channel is the last axis, -1.""", of="unpatchify")  # fmt: skip
def back_channel_first(patches, p, H, W):
    return channel_first_back(patches, p, H, W)


@exercise.wrong("""You swapped height and width. H comes first: it counts the rows of the image.""",
                of="unpatchify")  # fmt: skip
def back_h_w_swapped(patches, p, H, W):
    return unpatchify(patches, p, W, H)


wide = np.array([
    [[11, 12, 13], [21, 22, 23], [31, 32, 33], [41, 42, 43], [51, 52, 53], [61, 62, 63]],
    [[14, 15, 16], [24, 25, 26], [34, 35, 36], [44, 45, 46], [54, 55, 56], [64, 65, 66]],
    [[17, 18, 19], [27, 28, 29], [37, 38, 39], [47, 48, 49], [57, 58, 59], [67, 68, 69]],
    [[71, 72, 73], [74, 75, 76], [77, 78, 79], [81, 82, 83], [84, 85, 86], [87, 88, 89]],
]) / 100  # fmt: skip
tall = np.array([
    [[1, 19], [2, 20], [3, 21]], [[4, 22], [5, 23], [6, 24]], [[7, 25], [8, 26], [9, 27]],
    [[10, 28], [11, 29], [12, 30]], [[13, 31], [14, 32], [15, 33]], [[16, 34], [17, 35], [18, 36]],
]) / 40  # fmt: skip
exercise.case("4 x 6 pixels, 3 channels, p = 2", wide, 2)
exercise.case("6 x 3 pixels, 2 channels, p = 3", tall, 3)
exercise.case("4 x 6 pixels, 3 channels, p = 1", wide, 1)
exercise.case("2 x 2 pixels, 1 patch of p = 2", wide[1:3, 2:4], 2)
exercise.case("6 patches back to 4 x 6 pixels", np.arange(72.0).reshape(6, 12) / 7, 2, 4, 6, of="unpatchify")
exercise.case("2 patches back to 6 x 3 pixels", np.arange(36.0).reshape(2, 18) / 5, 3, 6, 3, of="unpatchify")
exercise.case("there and back: 4 x 6 pixels, p = 2", patchify(wide, 2), 2, 4, 6, of="unpatchify")
