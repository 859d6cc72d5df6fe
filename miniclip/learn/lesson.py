"""What the notebooks use beside the package: its source, a guess beside the truth, a picture with handles."""

import inspect
import os
from pathlib import Path

from ..errors import InputTypeError, MiniclipError, quote
from ..tasks.generation import is_number

FAST = os.environ.get("MINICLIP_FAST", "") not in ("", "0")  # notebooks that train take fewer steps


class Source:
    """Python text, coloured wherever a notebook is shown."""

    def __init__(self, text: str):
        self.text = text

    def __repr__(self) -> str:
        return self.text

    def _repr_markdown_(self) -> str:
        return f"```python\n{self.text}\n```"


class Picture:
    """A figure, drawn wherever a notebook is shown, whatever is set for matplotlib."""

    def __init__(self, figure):
        self.figure = figure

    def _repr_png_(self) -> bytes:
        from ..figures import drawn

        return drawn(self.figure, Path("reward.png"))


def source(*objects) -> Source:
    """The source of functions and classes, for the last line of a cell."""
    return Source("\n\n".join(inspect.getsource(one).rstrip() for one in objects))


def compare(guess, value: float, unit: str = "", digits: int = 2) -> None:
    """Print a value beside what was guessed before; None is no guess.

    Raises
    ------
    TypeError
        If the guess is no number.
    """
    if guess is not None and not is_number(guess):
        raise InputTypeError(f"the guess is {quote(guess)}, expected a number, such as 2.5 or np.log(3)")
    said = "no guess" if guess is None else f"you said {guess:g}{unit}, {abs(guess - value):.{digits}f}{unit} off"
    print(f"measured {value:.{digits}f}{unit} ({said})")


def explore(draw, **controls) -> None:
    """Show draw(**values), and draw it again whenever a handle is moved.

    Where there is no kernel, or no ipywidgets, the first picture stays: choose first values that make the point.

    Parameters
    ----------
    draw : function
        Its result is shown: a figure, or anything with a picture of its own.
    **controls : list or str
        For each argument the values to choose from, the first one first; or a text to type over.
    """
    from IPython.display import display

    first = {name: given if isinstance(given, str) else given[0] for name, given in controls.items()}
    shown = display(draw(**first), display_id=True)
    try:
        import ipywidgets
    except ImportError:
        print("to move this, install ipywidgets: pip install 'miniclip[notebooks]'")
        return
    handles = {name: handle(ipywidgets, name, given) for name, given in controls.items()}

    def moved(_):
        try:
            shown.update(draw(**{name: one.value for name, one in handles.items()}))
        except (MiniclipError, ValueError) as error:  # half-typed text
            shown.update(Source(f"# {error}"))

    for one in handles.values():
        one.observe(moved, "value")
    display(ipywidgets.VBox(list(handles.values())))


def handle(ipywidgets, name: str, given):
    """A box to type in for a text, a slider over values, a menu for words."""
    look = {"description": name, "style": {"description_width": "initial"}}
    if isinstance(given, str):
        return ipywidgets.Text(given, continuous_update=False, layout={"width": "40em"}, **look)
    kind = ipywidgets.Dropdown if isinstance(given[0], str) else ipywidgets.SelectionSlider
    return kind(options=list(given), value=given[0], **look)
