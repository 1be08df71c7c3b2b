"""Trains the base model on the corpus that ``corpus.py`` wrote; stopped at any time, it goes on where it was.

    python training/base/train.py CORPUS --folder MODEL --minutes 600
    python training/base/train.py CORPUS --folder MODEL --minutes 600 --resume
    python training/base/train.py CORPUS --folder MODEL --minutes 600 --start tinycoder/models/base

The budget counts from the beginning and may be changed when a run goes on: the learning rate stays up until the last
``decay`` part of it. A finished run is taken up by another sitting, which starts from its weights, raises the learning
rate again, and keeps what the folder says of the sittings before. Late checkpoints come to stand in MODEL-late, in half
precision: ``average.py`` makes one model of them. Everything goes to the log on standard output, a JSON object a line.
"""

from __future__ import annotations

import dataclasses
import json
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import click
import numpy as np
from safetensors.numpy import save_file

from tinycoder.checkpoint import Model, load_model
from tinycoder.cli.signals import stop_on_signals
from tinycoder.config import PRESETS, TrainConfig, n_cpus
from tinycoder.errors import TinyCoderError
from tinycoder.store import only_writer
from tinycoder_training.clock import awake_clock
from tinycoder_training.corpora.corpus import Corpus, Text
from tinycoder_training.run import Job, new_job, resumed_job

LATE = 0.9  # of the budget: from here on, checkpoints are kept to be averaged
EVALUATIONS = 100
EVALUATION_TOKENS = 65_536
SAVE_SECONDS = 300.0
STEPS_A_LINE = 50


def read_corpus(folder: Path) -> Corpus:
    """Every file of ``train`` and ``held_out`` as it is: ``corpus.py`` has left out what must not be learnt."""
    return Corpus(recipe="code", train=_texts(folder / "train"), validation=_texts(folder / "held_out"))


def _texts(folder: Path) -> tuple[Text, ...]:
    texts = []
    for file in sorted(folder.rglob("*.py")):
        raw = file.read_bytes()
        texts.append(Text(path=file.relative_to(folder).as_posix(), text=raw.decode(), n_bytes=len(raw)))
    return tuple(texts)


def train(job: Job) -> None:
    """Train and log until the budget is used or a signal asks to stop."""
    late = job.folder.with_name(f"{job.folder.name}-late")
    settings = job.run.train
    with stop_on_signals() as asked, closing(job.train(stop=asked, clock=awake_clock())) as reports:
        for report in reports:
            if report.evaluation is None and report.step % STEPS_A_LINE:
                continue
            line = {
                "step": report.step,
                "tokens": report.step * settings.batch_size * job.run.model.context,
                "minutes": round(report.seconds / 60, 2),
                "done": round(report.done, 4),
                "loss": round(report.smooth_loss, 4),
                "scale": round(report.learning_rate_scale, 4),
                "norm": round(report.gradient_norm, 3),
                "tokens_per_second": round(report.tokens_per_second),
            }
            if report.evaluation is not None:
                line["bits_per_byte"] = round(report.evaluation.bits_per_byte, 5)
                if report.done >= LATE:
                    late.mkdir(exist_ok=True)
                    halves = {name: param.astype(np.float16) for name, param in job.progress.params.items()}
                    save_file(halves, late / f"{report.step:07}.safetensors")
            click.echo(json.dumps(line))


@click.command()
@click.argument("corpus", type=click.Path(path_type=Path, exists=True, file_okay=False))
@click.option("--folder", required=True, type=click.Path(path_type=Path, file_okay=False), help="The model's folder.")
@click.option("--minutes", required=True, type=click.FloatRange(0, min_open=True), help="Budget from the beginning.")
@click.option("--preset", type=click.Choice(list(PRESETS)), default="medium", show_default=True)
@click.option("--resume", is_flag=True, help="Go on with the run in FOLDER.")
@click.option("--start", type=click.Path(path_type=Path, file_okay=False), help="A model whose run this one takes up.")
def main(corpus: Path, folder: Path, minutes: float, preset: str, resume: bool, start: Path | None) -> None:
    """Train on CORPUS/train, judged by CORPUS/held_out."""
    try:
        with only_writer(folder):
            if resume:
                job = resumed_job(folder, minutes=minutes)
            else:
                job = _new(corpus, folder, minutes, preset, load_model(start) if start else None)
            train(job)
    except TinyCoderError as error:
        raise click.ClickException(str(error)) from None


def _new(corpus: Path, folder: Path, minutes: float, preset: str, start: Model | None) -> Job:
    earlier = sittings(start) if start else []
    settings = TrainConfig(
        minutes=minutes,
        batch_size=PRESETS[preset].batch_size,
        shards=n_cpus(),
        evaluations=EVALUATIONS,
        evaluation_tokens=EVALUATION_TOKENS,
        save_seconds=SAVE_SECONDS,
        seed=len(earlier),  # another order of the same text
    )
    created = time.strftime("%Y-%m-%dT%H:%M:%S%z")
    job = new_job(
        read_corpus(corpus),
        folder=folder,
        preset=preset,
        settings=settings,
        start=start,
        created=created,
        earlier=earlier,
    )
    # Not a fine-tuned model: it is not weighed against what it began with, and no number of passes ends it.
    settings = dataclasses.replace(job.run.train, most_steps=None)
    run = dataclasses.replace(job.run, train=settings, start=None)
    return dataclasses.replace(job, run=run, facts={**job.facts, "settings": dataclasses.asdict(settings)})


def sittings(model: Model) -> list[dict[str, Any]]:
    """What the runs that ``model`` comes from took, oldest first."""
    training = model.training
    last = {name: training[name] for name in ("created", "steps", "seconds", "tokens_seen", "curve")}
    return [*training.get("earlier", []), last]


if __name__ == "__main__":
    main()
