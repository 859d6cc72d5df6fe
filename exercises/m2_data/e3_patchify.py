"""2.3 Patches and back (4 points)

Level 2 of 3, about 20 minutes.

Cut a picture into square patches, and put it together again.

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


def patchify(img, p):
    """The patches of an image, left to right, then down.

    img (H, W, C), p divides H and W -> (n, p * p * C)
    """
    raise NotImplementedError("2.3: write patchify")


def unpatchify(patches, p, H, W):
    """The image that was cut into these patches.

    patches (n, p * p * C), H and W: the height and the width of the image -> (H, W, C)
    """
    raise NotImplementedError("2.3: write unpatchify")
