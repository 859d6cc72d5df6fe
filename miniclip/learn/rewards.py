"""What a passed exercise earns: the learner's own function at work.

    4.3, 4.4, 4.5   clip_loss and its gradients train a toy CLIP
    7.1             search fills a contact sheet
    2.3             patchify cuts a picture up, unpatchify puts it together

Their code runs in a process of its own, as when it is graded; the towers, the pictures and the drawing are ours.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from ..errors import MiniclipError
from .files import path_of
from .grade import grade
from .kept import kept
from .picture import can_show, in_a_row, picture_lines
from .screen import live, nearby, wrapped
from .served import served
from .spec import Exercise
from .specs import all_exercises

QUERY = "a small red circle on the left"
FOUND, GALLERY, PICTURE = 8, 512, 35


@dataclass(frozen=True)
class Screen:
    """Where a reward is shown: lines that stay, one that the next replaces, and pictures (Y, X, 3) with a line."""

    say: Callable
    live: Callable
    picture: Callable
    stop: str  # how one stops what takes long


class NotEarned(MiniclipError):
    """The exercise has no reward, or does not pass."""

    exit_code = 1


def has_reward(id: str) -> bool:
    """Is there something to see once this exercise passes?"""
    return id in REWARDS


def show_reward(id: str, place: Callable[[Exercise], Path], screen: Screen):
    """Show the learner's function at work.

    Parameters
    ----------
    id : str
        Of an exercise.
    place : function
        An exercise -> the file with the learner's answer.
    screen : Screen

    Returns
    -------
    Figure or None

    Raises
    ------
    NotEarned
        Where there is no reward, or the answer does not pass.
    Unanswered
        Where a call ends in an exception, or does not come back.
    """
    if id not in REWARDS:
        raise NotEarned(f"{id} has nothing to show, expected one of {', '.join(REWARDS)}")
    show, needed = REWARDS[id]
    exercises = [all_exercises()[one] for one in needed]
    status = {one.id: grade(one, place(one)).status for one in exercises}
    if status[id] != "pass":
        raise NotEarned(f"{id} does not pass yet ({status[id].replace('_', ' ')}): `miniclip learn {id}`")
    mine = [one for one in exercises if status[one.id] == "pass"]
    screen.say("\n".join(wrapped(whose(mine, [one for one in exercises if one not in mine]))))
    reference = {name: function for one in exercises for name, function in one.solutions.items()}
    with served({name: place(one) for one in mine for name in one.solutions}) as call:
        return show(reference | {name: partial(call, name) for one in mine for name in one.solutions}, screen)


def show_in_terminal(id: str, folder: Path, say: Callable) -> None:
    """The same where a learner types: pictures in letters if the terminal has colours, and the figure in a file."""

    def show(image, under=""):
        if can_show():
            say("\n".join("  " + line for line in [*picture_lines(image), under]))

    if figure := show_reward(id, lambda one: path_of(one, folder), Screen(say, live, show, "Ctrl-C")):
        from ..figures import save_figure

        path = kept(folder, f"reward-{id}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        save_figure(figure, path)
        say(f"\n  The same as a picture: {nearby(path)}")


def whose(mine: list[Exercise], others: list[Exercise]) -> str:
    """Which of the functions are the learner's."""
    yours, theirs = (", ".join(f"{one.first} ({one.id})" for one in some) for some in (mine, others))
    return f"At work: your {yours}" + (f"; from the reference, until yours pass: {theirs}." if theirs else ".")


# What is shown


def train_toy_clip(functions, screen: Screen):
    """The loss and its gradients train a toy CLIP."""
    from .toy_clip import CHANCE, LOOKS, PAIRS, STEPS, belongs, train_toy

    loss, slope, scale_slope = (functions[name] for name in ("clip_loss", "clip_loss_grad_image", "grad_log_scale"))
    measured, claimed = belongs(loss, slope, scale_slope)
    agree = f"Along a random direction the loss changes by {measured:.6f}, measured; the gradients say {claimed:.6f}."
    screen.say("\n".join(wrapped(f"{agree} Now {STEPS} steps; {screen.stop} ends them.")))
    screen.say(f"\n   step    loss   of {PAIRS} unseen pictures, so many find their caption")
    begun, rows = time.monotonic(), [0]

    def told(now):
        row = f"  {now.step:5} {now.loss:7.2f}   {'#' * round(40 * now.right):40} {now.right:4.0%}"
        if now.step >= rows[0] * now.steps / LOOKS:
            rows[0] += 1
            screen.say(row + f" (chance {CHANCE:.0%})" * (now.step == 0))
        else:
            screen.live(row)

    last = train_toy(loss, slope, scale_slope, told)
    ended = "" if last.step == last.steps else f"Stopped after {last.step} of {last.steps} steps. "
    seconds = time.monotonic() - begun
    came = f"{ended}From {CHANCE:.0%} to {last.right:.0%} in {seconds:.0f} s."
    between = "Between the two towers stood nothing but the functions named above."
    screen.say("\n".join(["", *wrapped(f"{came} {between}", "+")]))


def fill_sheet(functions, screen: Screen):
    """The search looks through pictures that the CLIP of the package has not seen."""
    from .. import figures
    from ..data.captions import is_true
    from ..data.drawing import draw_scenes
    from ..data.pictures import normalize
    from ..data.world import sample_scenes
    from ..files.checkpoint import load

    model = load()
    scenes = sample_scenes(0, "A", np.arange(GALLERY))
    images = draw_scenes(scenes)
    ids, scores = functions["search"](model.encode_image(normalize(images)), model.encode_text([QUERY])[0], FOUND)
    ids, scores = np.asarray(ids), np.asarray(scores, float)
    small = images[ids].reshape(FOUND, 16, 2, 16, 2, 3).mean((2, 4))  # eight fit a terminal
    screen.say(f'\n  "{QUERY}": the best {FOUND} of {GALLERY} pictures, best first\n')
    for row in (slice(0, FOUND // 2), slice(FOUND // 2, FOUND)):
        screen.picture(in_a_row(small[row]), "".join(f"{score:^18.2f}" for score in scores[row]).rstrip())
    return figures.contact_sheet(QUERY, images[ids], scores, is_true(QUERY, scenes)[ids])


def cut_up(functions, screen: Screen):
    """A picture, its patches, and the picture again."""
    from ..data.drawing import draw_scenes
    from ..data.world import sample_scenes
    from ..figures.patches import patches_sheet

    image = draw_scenes(sample_scenes(0, "A", np.array([PICTURE])))[0].astype(float)
    side = len(image)
    patches = np.asarray(functions["patchify"](image, side // 4), float)
    rebuilt = np.asarray(functions["unpatchify"](patches, side // 4, side, side), float)
    shown = np.full((side + 6, side + 6, 3), np.nan)  # the patches with a gap of 2 pixels
    for n, patch in enumerate(patches.reshape(16, side // 4, side // 4, 3)):
        y, x = divmod(n, 4)
        y, x = y * (side // 4 + 2), x * (side // 4 + 2)
        shown[y : y + side // 4, x : x + side // 4] = patch
    screen.say("\n  your 16 patches, in the order of your list; and what unpatchify makes of them\n")
    room = np.full((6, side, 3), np.nan)
    screen.picture(in_a_row([shown, np.concatenate([room[:4], rebuilt, room[:2]])], gap=4))
    return patches_sheet(image, patches, rebuilt)


REWARDS = {
    "2.3": (cut_up, ("2.3",)),
    "4.3": (train_toy_clip, ("4.3", "4.4", "4.5")),
    "4.4": (train_toy_clip, ("4.3", "4.4", "4.5")),
    "4.5": (train_toy_clip, ("4.3", "4.4", "4.5")),
    "7.1": (fill_sheet, ("7.1",)),
}
