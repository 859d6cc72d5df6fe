"""Every figure, and the only place that imports matplotlib: numbers in, a Figure out, `save` to a file.

    style.py      colours by role, sizes, and the settings that hold only while a figure is made
    page.py       a sheet measured in inches: text that fits, thumbnails, frames
    matrix.py     the contrastive matrix
    training.py   the training curves, with the floors under the loss
    zero_shot.py  pictures and the bars of their likeliest classes
    search.py     what a search found, in either direction
    words.py      where a captioner looked, word by word
    overview.py   all of it in one picture

A figure's title states what its numbers say, and is computed from them.
"""

from .matrix import contrastive_matrix
from .overview import overview
from .search import captions_sheet, contact_sheet
from .style import save
from .training import training_curves
from .words import word_maps
from .zero_shot import zero_shot_bars

__all__ = [
    "captions_sheet",
    "contact_sheet",
    "contrastive_matrix",
    "overview",
    "save",
    "training_curves",
    "word_maps",
    "zero_shot_bars",
]
