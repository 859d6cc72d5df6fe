"""What each command of `miniclip` does: one public function call, and what it found as a dict."""

import os
from pathlib import Path

from ..errors import ConfigError, quote

OPTIONS = {  # the parts of the recipe that can be set, with their types
    "seed": int, "steps": int, "batch_size": int, "peak_lr": float, "warmup": int, "replay": int,
    "log_every": int, "score_every": int, "save_every": int,
}  # fmt: skip


def open_run(name: str):
    """The model of a run folder, or the one that comes with the package."""
    from ..files.checkpoint import load

    return load(None if name == "default" else name)


def open_describer(name: str):
    """The run with a decoder of a folder, or the one that comes with the package."""
    from ..errors import CheckpointError
    from ..files.checkpoint import SYSTEM, load
    from ..model import Describer

    model = load(SYSTEM if name == "default" else name)
    if not isinstance(model, Describer):
        raise CheckpointError(f"{name} has no decoder: make a run that has one with `miniclip study system --out DIR`")
    return model


def recipe_of(args):
    """The recipe, with what was given on the command line."""
    from ..train.clip import TrainConfig

    return TrainConfig(**{name: getattr(args, name) for name in OPTIONS if getattr(args, name) is not None})


def new_picture(path: str) -> Path:
    """The path, after checking that a picture can be written there: nothing is overwritten, nothing half done."""
    from ..errors import DataError

    target = Path(path)
    if target.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise DataError(f"--out {quote(path)} ends in {target.suffix or 'nothing'}, expected .png, .svg or .pdf")
    if not target.parent.is_dir():
        raise DataError(f"--out {quote(path)}: the folder {quote(str(target.parent))} does not exist: make it first")
    if target.exists():
        raise DataError(f"--out {quote(path)} exists already: choose another name, or remove it")
    return target


def run_train(args) -> dict:
    from ..files.state import read_log
    from ..train.clip import train

    options = {name: getattr(args, name) for name in ("device", "precision", "compile")}
    given = {name: value for name, value in options.items() if value is not None}
    if args.backend == "torch":
        torch_train().train(recipe_of(args), args.out, args.resume, **given)
    elif given:
        raise ConfigError(f"--{next(iter(given))} is for PyTorch, and the backend is numpy: add --backend torch")
    else:
        train(recipe_of(args), args.out, args.resume)
    if int(os.environ.get("RANK", 0)) > 0:  # of many processes, the first one reports
        return {}
    last = read_log(args.out)[-1]
    return {"run": str(args.out), **last}


def torch_train():
    """The module `miniclip.torch.train`, or a ConfigError that says how to get PyTorch."""
    try:
        from ..torch import train
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise ConfigError("PyTorch is not installed: pip install 'miniclip[torch]', or use --backend numpy") from error
    return train


def run_demo(args) -> dict:
    from ..figures import save
    from ..files.state import read_log
    from ..tasks.evaluate import evaluate
    from ..train.clip import train
    from .show import overview

    recipe = recipe_of(args)
    picture = Path(args.out) / "demo.png"
    model = train(recipe, args.out)
    save(overview(model, read_log(args.out), recipe.seed), picture)
    return {"run": str(args.out), "picture": str(picture), "scores": evaluate(model, recipe.seed)}


def run_eval(args) -> dict:
    from ..tasks.evaluate import evaluate

    return {"run": args.run, "scores": evaluate(open_run(args.run), n=args.n)}


def run_zeroshot(args) -> dict:
    from ..figures import save
    from .show import zeroshot

    picture = new_picture(args.out)
    class_names = [name.strip() for name in args.classes.split(",")]
    result, figure = zeroshot(open_run(args.run), class_names, args.images)
    save(figure, picture)
    return {**result, "picture": str(picture)}


def run_search(args) -> dict:
    from ..figures import save
    from .show import search

    picture = new_picture(args.out)
    result, figure = search(open_run(args.run), args.query, args.k)
    save(figure, picture)
    return {**result, "picture": str(picture)}


def run_caption(args) -> dict:
    from ..figures import save
    from ..tasks.generation import Sampling
    from .show import describe

    picture = new_picture(args.out)
    result, figure = describe(open_describer(args.run), args.images, Sampling(args.temperature), args.seed)
    save(figure, picture)
    return {**result, "picture": str(picture)}


def run_ask(args) -> dict:
    from ..data.pairs import open_image, preprocess
    from ..tasks.vqa import answer

    model = open_describer(args.run)
    images = preprocess([open_image(args.image)], model.config.vision.image_size)
    return {"question": args.question, "answer": answer(model, images, [args.question])[0]}


def run_study(args) -> dict:
    from ..errors import CheckpointError
    from ..files.checkpoint import describer_files
    from ..files.storage import commit
    from ..train.study import STUDIES, Trained

    if args.out and args.what != "system":
        raise ConfigError(f"--out is for the study of the system, and this is {args.what}: leave it out")
    if args.out and Path(args.out).exists():
        raise CheckpointError(f"{args.out} exists already: choose a new folder")
    models = Trained(args.seed)
    if args.out:  # what was trained is saved before anything else can go wrong
        commit(Path(args.out), describer_files(models.system))
    return {"study": args.what, "seed": args.seed, "scores": STUDIES[args.what](models)}


def run_export(args) -> dict:
    from ..files.checkpoint import export

    return {"run": args.run, "out": args.out, "bytes": export(args.run, args.out)}


def run_bench(args) -> dict:
    from . import bench

    if args.device != "cpu":
        torch_train()
        return bench.device(args.device)
    result = bench.bench()
    return result | bench.growth() | bench.whole_run() if args.full else result


def run_figures(args) -> dict:
    from ..figures.gallery import sheet
    from ..figures.lectures import Run, lectures
    from ..figures.render import chosen, render

    if args.what == "list":
        return {"figures": {id: module.TITLE for id, module in lectures().items()}}
    run = Run(None if args.run == "default" else args.run)
    if args.what == "sheet":
        return {"files": [sheet(args.out or "figures.png", args.theme, run)]}
    ids = chosen(args.ids, args.all)
    return {"files": render(ids, args.out or "slides", args.format.split(","), args.size, args.theme, run)}


COMMANDS = {
    "demo": run_demo, "train": run_train, "eval": run_eval, "zeroshot": run_zeroshot, "search": run_search,
    "caption": run_caption, "ask": run_ask, "study": run_study, "export": run_export, "bench": run_bench,
    "figures": run_figures,
}  # fmt: skip
