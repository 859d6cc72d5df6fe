"""Every figure, and the only place that imports matplotlib: numbers in, a Figure out, `save_figure` to a file.

A figure's title states what its numbers say, and is computed from them.
"""

from .answers import answers_sheet
from .lessons.arrows import arrows
from .lessons.heat import heat_tables
from .lessons.live import live_curves
from .lessons.next_words import next_words
from .lessons.rows import picture_rows
from .losses import loss_panels
from .matrix import contrastive_matrix
from .overview import overview
from .saliency import saliency_maps
from .search import captions_sheet, contact_sheet
from .style import drawn, save_figure
from .training import training_curves
from .words import object_maps
from .zero_shot import zero_shot_bars

__all__ = [
    "answers_sheet",
    "arrows",
    "captions_sheet",
    "contact_sheet",
    "contrastive_matrix",
    "drawn",
    "heat_tables",
    "live_curves",
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
