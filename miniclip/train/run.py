"""A stage trained in a folder: saved on the way, stopped gently, resumed bit for bit; by one process at a time."""

from contextlib import ExitStack
from pathlib import Path
from types import MappingProxyType

from ..errors import Interrupted, TrainingDiverged, quote
from ..files.checkpoint import load, model_files
from ..files.state import check_fresh, environment, read_training, training_files
from ..files.storage import check_folder, commit, discard, lock
from ..machine.disk import as_folder
from ..machine.signals import interrupts
from .backend import NUMPY, Backend
from .loop import Stage, fit

LOG_EVERY, SAVE_EVERY = 20, 250  # steps


class Progress:
    """A learner and the folder that its progress is kept in; only where the backend reports is anything written."""

    def __init__(self, folder: Path, stage: Stage, model, recipe: dict, backend: Backend, beside: dict[str, bytes]):
        self.folder, self.model, self.recipe, self.backend = folder, model, recipe, backend
        self.beside = beside
        self.learner = backend.learner(stage, model)
        self.log: list[dict] = []
        self.saved_at: int | None = None
        self.here = environment() | {"backend": backend.name}

    def begin(self, resume: bool, held: ExitStack) -> None:
        """Hold the folder until `held` ends; go on from its last save, or see that it is new."""
        if resume:
            check_folder(self.folder)  # before the lock makes it
        held.enter_context(lock(self.folder))
        if resume:
            vectors, steps, self.log = read_training(self.folder, self.recipe, self.here, self.learner.vectors)
            self.learner.resume(vectors, steps)
        else:
            check_fresh(self.folder)

    def now(self):
        """The model as it is now."""
        return self.model.with_params(self.learner.params)

    def save(self) -> None:
        """Every file of the folder, or none: first of all the one that suffices to resume."""
        steps = self.learner.steps
        if self.backend.reports and self.saved_at != steps:
            resumable, readable = training_files(self.learner.vectors, self.recipe, self.here, steps, self.log)
            commit(self.folder, resumable | model_files(self.now()) | self.beside | readable)
            self.saved_at = steps


def train_stage(
    folder, stage: Stage, model, recipe: dict, resume: bool = False, backend: Backend = NUMPY,
    complete=None, log_every: int = LOG_EVERY, save_every: int = SAVE_EVERY, bar=None, beside=MappingProxyType({}),
):  # fmt: skip
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
        A line of the log, from a row of `loop.fit`; `now()` is the model as it is now.
    log_every, save_every : int
        Steps.
    bar : tqdm, optional
        See `loop.fit`.
    beside : dict of str to bytes, optional
        Other files of the folder, by name.

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
    run = Progress(as_folder(folder), stage, model, recipe, backend, dict(beside))
    learner, reports = run.learner, backend.reports

    def after_step(row):
        if reports and (learner.steps == stage.steps or learner.steps % log_every == 0):
            run.log.append(complete(row, run.now) if complete else row)
        if learner.steps % save_every == 0:
            run.save()

    def stop_signal():
        return backend.agree(caught[0] if caught else 0)

    with ExitStack() as held, interrupts() as caught:
        backend.first_decides(lambda: run.begin(resume, held))
        backend.meet(learner, recipe)
        run.save()
        try:
            signal = fit(learner, after_step, stop_signal, bar)
        except TrainingDiverged as error:
            raise TrainingDiverged(f"{error}; what was saved before is intact") from None
        except Exception:  # such as too little memory: a run without a step is none, and would be in the way
            if not (resume or learner.steps) and reports:
                discard(run.folder)
            raise
        run.save()
        signal = signal or stop_signal()
    if signal:
        where = f"{stage.name}: stopped at step {learner.steps} of {stage.steps}, saved in {quote(run.folder)}"
        raise Interrupted(signal, f"{where}: give the same command again, with --resume")
    return load(run.folder) if reports else run.now()
