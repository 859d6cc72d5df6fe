"""Every figure, and the only place that imports matplotlib: numbers in, a Figure out, `save_figure` to a file.

A figure's title states what its numbers say, and is computed from them.
"""

from .answers import answers_sheet
from .lessons.arrows import arrows
from .lessons.heat import heat_tables
from .lessons.live import live_curves
from .lessons.rows import picture_rows
from .matrix import contrastive_matrix
from .overview import overview
from .saliency import saliency_maps
from .search import captions_sheet, contact_sheet
from .style import drawn, save_figure
from .training import training_curves
from .words import word_maps
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
    "overview",
    "picture_rows",
    "saliency_maps",
    "save_figure",
    "training_curves",
    "word_maps",
    "zero_shot_bars",
]
