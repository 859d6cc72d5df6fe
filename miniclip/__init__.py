"""miniclip: CLIP small enough to hold in your head.

Two towers map pictures and sentences into one space, and a contrastive loss pulls the pairs together. All of it is
NumPy, with every gradient derived by hand. The reading order is the course:

    nn/           arrays and their gradients: tree, gradcheck, ops, layers, blocks, losses, optim
    data/         what the models see: world, drawing, grammar, captions, questions, tokenizer, prompts, pairs
    models/       the two towers: vision, text, and clip, which joins them; then decoder, writer, coca, bridge, fusion
    model.py      the handle a user holds
    storage.py    a folder whose files are whole or refused
    tasks/        what a trained model is good for: zero_shot, retrieval, evaluate, captioning, vqa, matching
    checkpoint.py a run is a folder in the Hugging Face CLIP layout
    train.py      the loop, in full view
    stages/       from CLIP to a system that describes and answers, and what it is compared with
    bench.py      how fast it is
    figures/      pictures of all this, made from numbers alone
    show.py       the pictures of one run
    cli.py        `miniclip ...`: each command is one public function call

Sizes, used as axis names everywhere:

    B  batch          T  sequence length   N  patches           D  width        H  heads    K  width of a head
    E  shared space   V  vocabulary        P  side of a patch   C  channels     Y, X  image height and width

The gradient of the loss with respect to z is dz. Inside a function p, c, g are parameters, cache and gradients;
outside they are params, cache, grads, and theta is the flat vector that holds all parameters.
"""

from importlib import import_module

__version__ = "0.1.0"

# Public name -> the module that has it; imported at first use, so that `import miniclip` is quick.
_PUBLIC = {
    "load": "files.checkpoint",
    "Model": "model",
    "Describer": "model",
    "preprocess": "data.pairs",
    "open_image": "data.pairs",
    "TrainConfig": "train.clip",
    "classify": "tasks.zero_shot",
    "zero_shot_weights": "tasks.zero_shot",
    "Index": "tasks.retrieval",
    "caption": "tasks.captioning",
    "answer": "tasks.vqa",
    "MiniclipError": "errors",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module 'miniclip' has no attribute {name!r}")
    return getattr(import_module(f".{_PUBLIC[name]}", __name__), name)


def __dir__():
    return [*globals(), *__all__]
