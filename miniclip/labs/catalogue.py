"""All labs, by name."""

from importlib import import_module

from .harness import Lab

NAMES = (
    "templates",
    "ensemble",
    "descriptions",
    "out-of-domain",
    "fine-tune",
    "label-economy",
    "bias",
    "unsaid",
    "understanding",
    "batch-size",
    "hard-negatives",
    "noisy-web",
    "scaling",
    "broken",
)


def find_lab(name: str) -> Lab:
    """The lab of a name, whose file is read only now."""
    return import_module(f".{name.replace('-', '_')}", __package__).LAB
