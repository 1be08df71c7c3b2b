"""From the options of ``tinycoder train`` to the run."""

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import click

from tinycoder.cli.launcher import told_launcher
from tinycoder.cli.train import DEFAULT_PRESET, TrainOptions
from tinycoder.config import FROM_SCRATCH, PRESETS, TUNING_BATCH, ModelConfig, TrainConfig, n_cpus, tuning
from tinycoder.errors import CheckpointError, ConfigError, CorpusError, TrainingError
from tinycoder.memory.learners import left_out, refuse_forgotten, refuse_forgotten_shards
from tinycoder.storage.bundled import BUNDLED
from tinycoder.storage.checkpoint import Model, load_model, read_training
from tinycoder.storage.forget_list import Forgotten, load_forgotten, true_path
from tinycoder.storage.models import exists, is_resumable, resolve_model, run_folder
from tinycoder.storage.record import TrainingRecord
from tinycoder.workspace import tree
from tinycoder_training.corpora import python_repos, shakespeare, validation
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.forecast import refuse_what_cannot_fit
from tinycoder_training.job import Job, new_job, refuse_to_lose, resumed_job
from tinycoder_training.quality import has_finished_model
from tinycoder_training.replay import general_texts, recent_paths
from tinycoder_training.shards.folder import open_shards
from tinycoder_training.shards.job import shards_job

DEFAULT_BUDGET: dict[str, tuple[int | None, float | None]] = {  # steps, minutes
    "code": (None, 10.0),
    "shakespeare": (None, 15.0),
    "validation": (150, None),
}
RECENT_BUDGET = (None, 1.0)


def job_of(home: Path, folder: Path, options: TrainOptions, workspaces: Sequence[str]) -> Job | None:
    """The stopped run, or a new one; None if no recent file teaches anything."""
    stopped = _stopped_job(home, folder, options)
    if stopped is not None:
        return stopped
    if not (options.dry_run or options.overwrite or options.attached):
        refuse_to_lose(folder)
    model = _start(home, folder, options)
    record = model.training if model else TrainingRecord()
    size = options.preset or record.preset
    size = size if size in PRESETS else DEFAULT_PRESET[options.recipe]
    seed = _seed(options.seed, model, folder, workspaces)
    settings = _settings(options, TUNING_BATCH if model else PRESETS[size].batch_size, seed, tuned=model is not None)
    shape = model.config if model else PRESETS[size].model(PRESETS[size].vocab_size)
    shape = _with_window(shape, options.window, model)
    if options.engine == "numpy":  # another one cuts a batch into parts that fit
        refuse_what_cannot_fit(shape, settings)
    if options.shards is not None:
        return _shards_job(home, folder, options, model, size, settings)
    forgotten = load_forgotten(home)
    corpus, recent = read_texts(home, options, forgotten, seed)
    if corpus is None or (recent is not None and recent.isdisjoint(text.path for text in corpus.train)):
        return None
    roots = [true_path(path) for path in options.roots]
    return new_job(
        corpus,
        folder=folder,
        preset=size,
        settings=settings,
        start=model,
        context=options.window,
        general=general_texts() if model and options.recipe == "code" else (),
        only=recent,
        record=TrainingRecord(
            created=_now(),
            workspaces=tuple(dict.fromkeys([*workspaces, *record.workspaces])),
            forgotten=tuple(left_out(forgotten, roots, record if model else None)),
        ),
        overwrite=options.overwrite or options.dry_run,
    )


def _shards_job(
    home: Path, folder: Path, options: TrainOptions, model: Model | None, size: str, settings: TrainConfig
) -> Job:
    """A new run that learns shards."""
    assert options.shards is not None
    shards = open_shards(options.shards)
    said, before = shards.description, model.training if model else TrainingRecord()
    refuse_forgotten_shards(home, shards.folder, said.workspaces, said.forgotten)
    unread = set(said.forgotten)
    if not set(before.workspaces).isdisjoint(said.workspaces):  # it may have learnt some of them
        unread &= set(before.forgotten)
    return shards_job(
        shards,
        folder=folder,
        settings=settings,
        preset=size,
        start=model,
        context=options.window,
        record=TrainingRecord(
            created=_now(),
            workspaces=tuple(dict.fromkeys([*said.workspaces, *before.workspaces])),
            forgotten=tuple(sorted(unread)),
        ),
        overwrite=options.overwrite or options.dry_run,
    )


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S%z")


def _stopped_job(home: Path, folder: Path, options: TrainOptions) -> Job | None:
    """The run that was stopped, where it is to go on.

    A person asks for it, and hears why it cannot; so does a launcher that starts anew what ended early. An editor
    wants it as long as it is of the size asked for, valid, has time left, and has read nothing that was forgotten
    since; else all begins anew.
    """
    if options.resume or _goes_on(folder):
        refuse_forgotten(home, folder)
        return resumed_job(folder, steps=options.steps, minutes=options.minutes)
    if not options.attached or options.overwrite or not is_resumable(folder):
        return None
    with suppress(CheckpointError, TrainingError):
        saved = read_training(run_folder(folder))
        if options.preset is None or (saved.origin, saved.preset) == (None, options.preset):
            refuse_forgotten(home, folder)
            return resumed_job(folder, steps=options.steps, minutes=options.minutes)
    return None


def _goes_on(folder: Path) -> bool:
    """Whether the launcher has started before what was saved here."""
    told = told_launcher()
    return bool(told) and is_resumable(folder) and run_of(read_training(run_folder(folder))) == told


def is_done(folder: Path) -> bool:
    """Whether the launcher has started before what is finished here, and need not be done again."""
    told = told_launcher()
    return bool(told) and has_finished_model(folder) and run_of(read_training(folder)) == told


def run_of(record: TrainingRecord) -> str:
    """What tells a run from others of its name."""
    return f"{record.created} {record.data.sha256 if record.data else ''} {record.seed}"


def where_taken_up(job: Job) -> str:
    """The sentence that says where a finished model is used from now on; "" for one that is no workspace's own."""
    if job.folder.name not in job.record.workspaces:
        return ""
    return "Editors that are open on this code use it within a minute of typing; no restart is needed."


def _start(home: Path, folder: Path, options: TrainOptions) -> Model | None:
    """The model to continue from, if any."""
    if options.start is not None:
        return None if options.start == FROM_SCRATCH else load_model(resolve_model(home, options.start))
    if options.recipe != "code" or options.preset:
        return None
    return load_model(folder if options.recent is not None and exists(folder) else resolve_model(home, BUNDLED))


def _seed(asked: int | None, start: Model | None, folder: Path, workspaces: Sequence[str]) -> int:
    """The seed asked for, else that of a model which knows the workspace: it says which files it has not seen.

    That is the model which the run continues from, or the one which it would replace.
    """
    if asked is not None:
        return asked
    known = [(start.name, start.training)] if start else []
    with suppress(CheckpointError):  # there is none, or it is damaged
        known.append((folder.name, read_training(folder)))
    for name, training in known:
        if not {name, *training.workspaces}.isdisjoint(workspaces):
            return training.seed
    return 0


def read_texts(
    home: Path, options: TrainOptions, forgotten: Forgotten, seed: int
) -> tuple[Corpus | None, frozenset[str] | None]:
    """The texts of the recipe, and with --recent the paths that changed lately; no texts if there are no such paths."""
    if options.file and forgotten.holds(true_path(options.file)):
        raise CorpusError(f"{options.file} is forgotten; `tinycoder forget --undo` lets it be learnt again")
    if options.recipe == "shakespeare":
        return shakespeare.read(home / "cache", file=options.file), None
    if options.recipe == "validation":
        return validation.read(), None
    files, skipped = tree.walk(options.roots, exclude=options.exclude, forgotten=forgotten)
    recent = None
    if options.recent is not None:
        recent = recent_paths(files, hours=options.recent, now=time.time())
        if not recent:
            return None, recent
    return python_repos.of_files(files, skipped, options.roots, seed=seed), recent


def _with_window(shape: ModelConfig, window: int | None, start: Model | None) -> ModelConfig:
    """``shape`` with the window that was asked for, which a trained model cannot exceed."""
    if start and window and window > start.config.context:
        raise ConfigError(
            f"--context {window} is over the window of {start.name}, {start.config.context} tokens; "
            "use at most that, or train anew with --from none"
        )
    return replace(shape, context=window) if window else shape


def _settings(options: TrainOptions, batch_size: int, seed: int, *, tuned: bool) -> TrainConfig:
    """Settings with the default ``batch_size``; ``tuned`` for a model that was trained before."""
    batch_size = options.batch_size or batch_size
    steps, minutes = options.steps, options.minutes
    if steps is None and minutes is None:
        steps, minutes = RECENT_BUDGET if options.recent is not None else DEFAULT_BUDGET[options.recipe]
    try:
        settings = TrainConfig(
            steps=steps,
            minutes=minutes,
            batch_size=batch_size,
            shards=min(batch_size, n_cpus()),
            optimizer=options.optimizer,
            seed=seed,
        )
        return tuning(settings) if tuned else settings
    except ConfigError as error:
        raise click.UsageError(str(error)) from None
