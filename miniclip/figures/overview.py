"""Everything that a trained CLIP does, in one picture."""

from matplotlib.figure import Figure

from .matrix import draw_matrix
from .search import draw_captions, draw_sheet
from .style import new_figure, styled
from .training import draw_training
from .zero_shot import draw_bars

SIZE = (13.33, 9.2)  # inches: what a page of a browser shows at once
BODY = 11.0  # points


def overview(matrix, zero_shot, text_search, image_search, log) -> Figure:
    """The matrix, training, zero-shot on combinations never trained on, and both directions of search.

    Parameters
    ----------
    matrix, zero_shot, text_search, image_search : dict
        What `contrastive_matrix`, `zero_shot_bars` (with `truth`), `contact_sheet` and `captions_sheet` take (with
        `right`), by name. The pictures of `zero_shot` are of held-out combinations.
    log : list of dict
        What `training_curves` takes.

    Returns
    -------
    Figure
    """
    edge, gap, left = 0.35, 0.45, 6.45
    beside = edge + left + gap
    right = SIZE[0] - edge - beside
    lower = 5.7
    with styled():
        figure = new_figure(SIZE)
        draw_matrix(figure, (edge, edge, left, lower - edge - 0.35), **matrix, size=BODY)
        draw_training(figure, (edge, lower, left, SIZE[1] - lower - edge), log, BODY)
        draw_bars(figure, (beside, edge, right, 2.85), **zero_shot, size=BODY, what="never-seen combinations")
        draw_sheet(figure, (beside, 3.5, right, lower - 3.5 - 0.2), **text_search, size=BODY)
        draw_captions(figure, (beside, lower, right, SIZE[1] - lower - edge), **image_search, size=BODY)
        return figure
