"""Train the base model on the corpus that ``corpus.py`` wrote; a stopped run continues where it was.

    python training/base/train.py CORPUS --folder MODEL --tokens 130e6 --start tinycoder/models/base
    python training/base/train.py CORPUS --folder MODEL --resume
    python training/base/train.py CORPUS --folder DECAYED --branch MODEL --tokens 5e6

The budget is in tokens and counts from the beginning; another one may be given when a run continues: the learning rate
stays up until the last ``DECAY`` part of it. A finished run is continued by another stage, which starts from its
weights, raises the learning rate again, and keeps the history of the stages before. A branch continues from the saved
state of a run that stays as it is, and lets the learning rate fall to zero over its tokens. Late checkpoints are
written to MODEL-late, in half precision: ``average.py`` makes one model of them. Everything goes to the log on standard
output, a JSON object a line. ``long_run.py`` does all this in the background.
"""

from __future__ import annotations

import dataclasses
import json
import math
import time
from collections.abc import Callable
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import click
import numpy as np
from safetensors.numpy import save_file

from tinycoder.cli.signals import stop_on_signals
from tinycoder.config import PRESETS, TrainConfig, n_cpus
from tinycoder.errors import TinyCoderError, TrainingError
from tinycoder.storage.checkpoint import Model, load_model
from tinycoder.storage.models import only_writer
from tinycoder.storage.record import Stage, TrainingRecord
from tinycoder.workspace.text import Text
from tinycoder_training.clock import awake_clock
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.job import Job, new_job, resumed_job

LATE = 0.5  # of the learning rate: once it has fallen so far, checkpoints are kept to be averaged
DECAY = 0.2  # of the budget, over which the learning rate falls to zero
EVALUATIONS = 100
BRANCH_EVALUATIONS = 10
EVALUATION_TOKENS = 65_536
SAVE_SECONDS = 300.0
STEPS_A_LINE = 20


def read_corpus(folder: Path) -> Corpus:
    """Every file of ``train`` and ``held_out`` as it is: ``corpus.py`` has left out what must not be learnt."""
    return Corpus(recipe="code", train=_texts(folder / "train"), validation=_texts(folder / "held_out"))


def _texts(folder: Path) -> tuple[Text, ...]:
    texts = []
    for file in sorted(folder.rglob("*.py")):
        raw = file.read_bytes()
        texts.append(Text(path=file.relative_to(folder).as_posix(), text=raw.decode(), n_bytes=len(raw)))
    return tuple(texts)


def train(job: Job, clock: Callable[[], float]) -> None:
    """Train and log until the budget is used or a signal asks to stop."""
    late = job.folder.with_name(f"{job.folder.name}-late")
    settings = job.run.train
    tokens_of_step = _tokens_of_step(job)
    with stop_on_signals() as asked, closing(job.train(stop=asked, clock=clock)) as reports:
        for report in reports:
            if report.evaluation is None and report.step % STEPS_A_LINE:
                continue
            line = {
                "step": report.step,
                "tokens": report.step * tokens_of_step,
                "budget": (settings.steps or 0) * tokens_of_step,
                "minutes": round(report.seconds / 60, 2),
                "done": round(report.done, 4),
                "loss": round(report.smooth_loss, 4),
                "scale": round(report.learning_rate_scale, 4),
                "norm": round(report.gradient_norm, 3),
                "tokens_per_second": round(report.tokens_per_second),
            }
            if report.evaluation is not None:
                line["bits_per_byte"] = round(report.evaluation.bits_per_byte, 5)
                if report.done > settings.warmup and report.learning_rate_scale <= LATE:
                    late.mkdir(exist_ok=True)
                    halves = {name: param.astype(np.float16) for name, param in job.progress.params.items()}
                    save_file(halves, late / f"{report.step:07}.safetensors")
            click.echo(json.dumps(line))


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The model's folder.")
@click.option("--tokens", type=click.FloatRange(1), help="Budget from the beginning, or of a branch.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="medium", show_default=True)
@click.option("--resume", is_flag=True, help="Continue the run in FOLDER.")
@click.option("--start", type=click.Path(path_type=Path, file_okay=False), help="A model whose run this one takes up.")
@click.option("--branch", type=click.Path(path_type=Path, file_okay=False), help="A run that this one is a decay of.")
@click.option("--pauses", type=click.Path(path_type=Path), help="File of the seconds that long_run.py paused it for.")
def main(
    corpus: Path,
    folder: Path,
    tokens: float | None,
    preset: str,
    resume: bool,
    start: Path | None,
    branch: Path | None,
    pauses: Path | None,
) -> None:
    """Train on CORPUS/train, judged by CORPUS/held_out."""
    if sum((resume, start is not None, branch is not None)) > 1:
        raise click.UsageError("give one of --resume, --start and --branch")
    if tokens is None and not resume:
        raise click.UsageError("give the budget with --tokens")
    try:
        with only_writer(folder):
            if resume:
                job = resumed_job(folder)
                job = job if tokens is None else with_budget(job, tokens)
            elif branch:
                job = branched(branch, folder, tokens)
            else:
                job = _new(corpus, folder, tokens, preset, load_model(start) if start else None)
            train(job, awake_clock(partial(running_seconds, pauses)))
    except TinyCoderError as error:
        raise click.ClickException(str(error)) from None


def branched(run: Path, folder: Path, tokens: float) -> Job:
    """A decay to zero over ``tokens``, from the saved state of the unfinished ``run``, which stays as it is."""
    job = dataclasses.replace(resumed_job(run), folder=folder)
    n_steps = _steps(job, tokens)
    steps = job.progress.step + n_steps
    job.progress.best_judged = math.inf  # of the weights that have decayed, not of those on the way
    n_evals = round(BRANCH_EVALUATIONS * steps / n_steps)
    return _with(job, steps=steps, warmup=0.0, decay=n_steps / steps, n_evals=n_evals)


def with_budget(job: Job, tokens: float) -> Job:
    """The run with another budget from its beginning. Raises ``TrainingError`` if that is used up."""
    if _steps(job, tokens) <= job.progress.step:
        raise TrainingError(f"the run has read {job.progress.step * _tokens_of_step(job):,} tokens already; give more")
    return _with(job, steps=_steps(job, tokens))


def running_seconds(pauses: Path | None) -> float:
    """Seconds on a clock that stood still in the pauses that the file counts, which ``long_run.py`` writes."""
    paused = 0.0
    if pauses:
        with suppress(OSError, ValueError):
            paused = json.loads(pauses.read_text(encoding="utf-8"))["seconds"]
    return time.monotonic() - paused


def _new(corpus: Path, folder: Path, tokens: float, preset: str, start: Model | None) -> Job:
    history = stages(start.training) if start else ()
    settings = TrainConfig(
        steps=1,  # until the window is known
        batch_size=PRESETS[preset].batch_size,
        shards=n_cpus(),
        decay=DECAY,
        n_evals=EVALUATIONS,
        evaluation_tokens=EVALUATION_TOKENS,
        save_seconds=SAVE_SECONDS,
        seed=len(history),  # another order of the same text
    )
    created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    job = new_job(
        read_corpus(corpus),
        folder=folder,
        preset=preset,
        settings=settings,
        start=start,
        record=TrainingRecord(created=created, history=history),
        overwrite=True,
    )
    # Not a fine-tuned model: it is not weighed against what it began with.
    job = dataclasses.replace(job, run=dataclasses.replace(job.run, start=None))
    return _with(job, steps=_steps(job, tokens))


def _with(job: Job, **changes: Any) -> Job:
    """The job with other settings."""
    settings = dataclasses.replace(job.run.train, minutes=None, **changes)
    record = dataclasses.replace(job.record, settings=settings)
    return dataclasses.replace(job, run=dataclasses.replace(job.run, train=settings), record=record)


def _steps(job: Job, tokens: float) -> int:
    return math.ceil(tokens / _tokens_of_step(job))


def _tokens_of_step(job: Job) -> int:
    return job.run.train.batch_size * job.run.model.context


def stages(record: TrainingRecord) -> tuple[Stage, ...]:
    """The stages of a model with this record, oldest first."""
    last = Stage(**{field.name: getattr(record, field.name) for field in dataclasses.fields(Stage)})
    return (*record.history, last)


if __name__ == "__main__":
    main()
