"""Every figure, and the only place that imports matplotlib: numbers in, a Figure out, `save_figure` to a file.

A figure's title states what its numbers say, and is computed from them.
"""

from .losses import loss_panels
from .matrix import contrastive_matrix
from .next_words import next_words
from .overview import overview
from .rows import picture_rows
from .saliency import saliency_maps
from .search import captions_sheet, contact_sheet
from .style import drawn, save_figure
from .training import training_curves
from .words import object_maps
from .zero_shot import zero_shot_bars

__all__ = [
    "captions_sheet",
    "contact_sheet",
    "contrastive_matrix",
    "drawn",
    "loss_panels",
    "next_words",
    "object_maps",
    "overview",
    "picture_rows",
    "saliency_maps",
    "save_figure",
    "training_curves",
    "zero_shot_bars",
]
