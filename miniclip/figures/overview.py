"""Everything that a trained CLIP does, and what grows on it, in one picture."""

from .answers import draw_answers
from .matrix import draw_matrix
from .page import page, write
from .search import draw_captions, draw_sheet
from .style import MUTED, Figure, new_figure, styled
from .training import draw_training
from .zero_shot import draw_bars

SIZE = (13.33, 9.9)  # inches
BODY = 11.0  # points


def overview(text_search, answers, matrix, zero_shot, image_search, log) -> Figure:
    """What it is for, search, captions and answers, above how it comes about: the matrix and zero-shot, training.

    Parameters
    ----------
    text_search, answers, matrix, zero_shot, image_search : dict
        What `contact_sheet` (with `right`), `answers_sheet`, `contrastive_matrix`, `zero_shot_bars` (with `truth`) and
        `captions_sheet` (with `right`) take, by name. The pictures of `zero_shot` are of held-out combinations.
    log : list of dict
        What `training_curves` takes.

    Returns
    -------
    Figure
    """
    edge, gap, left = 0.35, 0.45, 6.45
    beside = edge + left + gap
    right, below, upper, lower = SIZE[0] - edge - beside, 2.6, 3.5, 6.85
    with styled():
        figure = new_figure(SIZE)
        draw_sheet(figure, (edge, edge, left, below - edge), **text_search, size=BODY)
        draw_answers(figure, (beside, edge, right, upper - edge - 0.25), **answers, size=BODY)
        who = page(figure, (beside, upper - 0.2, right, 0.25))
        write(who, 0, 0, "said by the system in the package, trained on from such a CLIP", BODY, right, color=MUTED)
        draw_matrix(figure, (edge, below + 0.2, left, lower - below - 0.45), **matrix, size=BODY)
        draw_bars(figure, (beside, upper + 0.25, right, lower - upper - 0.45), **zero_shot, size=BODY,
                  what="never-seen combinations")  # fmt: skip
        draw_training(figure, (edge, lower, left, SIZE[1] - lower - edge), log, BODY)
        draw_captions(figure, (beside, lower, right, SIZE[1] - lower - edge), **image_search, size=BODY)
        return figure
