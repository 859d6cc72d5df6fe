"""A stage trained in a folder: saved on the way, stopped gently, resumed bit for bit; by one process at a time."""

from contextlib import nullcontext
from pathlib import Path

from ..errors import Interrupted, TrainingDiverged
from ..files.checkpoint import load, model_files
from ..files.state import check_fresh, environment, read_training, training_files
from ..files.storage import commit, lock, read_manifest
from ..machine.signals import interrupts
from .backend import NUMPY, Backend
from .loop import Stage, fit

LOG_EVERY, SAVE_EVERY = 20, 250  # steps


def run(folder, stage: Stage, model, recipe: dict, resume: bool = False, backend: Backend = NUMPY, complete=None,
        log_every: int = LOG_EVERY, save_every: int = SAVE_EVERY, bar=None):  # fmt: skip
    """Train a model through a stage and leave a run folder.

    Parameters
    ----------
    folder : str or Path
        New, or with `resume` one that the same recipe began.
    model : Model, or any other handle that `files.checkpoint` can save
        What the stage begins with.
    recipe : dict
        All that decides the run, as JSON: another one is not resumed.
    complete : function of (row, now), optional
        A line of the log, from what the step told; `now()` is the model as it is now.
    log_every, save_every : int
        Steps.
    bar : tqdm, optional
        See `loop.fit`.

    Returns
    -------
    The model after the stage.

    Raises
    ------
    CheckpointError
        If the folder holds a run already (without `resume`), none (with it), is in use, or cannot be written.
    TrainingDiverged
        If a loss or gradient is not finite; the last save is intact.
    Interrupted
        After Ctrl-C or SIGTERM; the run was saved first.
    """
    folder, log = Path(folder), list[dict]()
    here = environment() | {"backend": backend.name}
    learner = backend.learner(stage, model)
    if resume and not folder.is_dir() and backend.reports:
        read_manifest(folder)  # says what is wrong before anything is made

    def now():
        return model.with_params(learner.params)

    def save():
        if backend.reports:
            resumable, readable = training_files(learner.vectors, recipe, here, learner.steps, log)
            commit(folder, resumable | model_files(now()) | readable)

    def each(row):
        last = learner.steps == stage.steps
        if backend.reports and (last or learner.steps % log_every == 0):
            log.append(complete(row, now) if complete else row)
        if learner.steps % save_every == 0:
            save()

    def stopped():
        return backend.agree(caught[0] if caught else 0)

    with lock(folder) if backend.reports else nullcontext(), interrupts() as caught:
        if backend.reports and resume:
            vectors, steps, log = read_training(folder, recipe, here, learner.vectors)
            learner.resume(vectors, steps)
            if bar is not None:
                bar.update(steps * stage.cost)
        elif backend.reports:
            check_fresh(folder)
        backend.meet(learner, recipe)
        save()
        try:
            signal = fit(learner, each, stopped, bar)
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error}; what was saved before is intact") from None
        save()
        signal = signal or stopped()
    if signal:
        where = f"{stage.name}: stopped at step {learner.steps} of {stage.steps}, saved in {folder}"
        raise Interrupted(signal, f"{where}: give the same command again, with --resume")
    return load(folder) if backend.reports else now()
