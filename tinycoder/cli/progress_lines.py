"""A training run for another program: one JSON object a line on stderr.

``start`` comes once, before the first step; then ``progress``, a few times a second at most and with every evaluation;
then ``end`` when all is saved. A run that fails has no ``end``, but a sentence for a person, like every command.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tinycoder_training.trainer import budget_used

if TYPE_CHECKING:
    from tinycoder_training.job import Job
    from tinycoder_training.report import Sample
    from tinycoder_training.trainer import Report

PAUSE_S = 0.25  # between two lines


def say_start(job: Job) -> None:
    """Name, size and data of the run, and its budget: steps or minutes, the other is null."""
    settings, data = job.run.train, job.record.data
    assert data is not None
    _say(
        "start",
        name=job.folder.name,
        parameters=job.record.parameters,
        files=data.files,
        held_out=data.validation_files,
        tokens=data.tokens,
        step=job.progress.step,
        done=budget_used(settings, job.progress),
        steps=settings.steps,
        minutes=settings.minutes,
    )


def show_lines(reports: Iterable[Report], samples: Callable[[Report], list[Sample]]) -> list[Sample]:
    """Say each report that is due; returns the samples of the last evaluation.

    ``done`` is the part of the budget, ``loss`` the smooth one in nats per token, ``seconds`` those of training,
    ``bits_per_byte`` that of the last evaluation or null.
    """
    last: list[Sample] = []
    spoke, bits_per_byte = -PAUSE_S, None
    for report in reports:
        if report.evaluation:
            bits_per_byte, last = report.evaluation.bits_per_byte, samples(report)
        now = time.monotonic()
        if report.evaluation or now - spoke >= PAUSE_S:
            spoke = now
            _say(
                "progress",
                done=report.done,
                step=report.step,
                loss=report.smooth_loss,
                tokens_per_second=round(report.tokens_per_second, 1),
                seconds=round(report.seconds, 3),
                bits_per_byte=bits_per_byte,
            )
    return last


def say_end(job: Job, page: Path | None) -> None:
    """The outcome, and the path of the report, if there is one.

    ``kept`` says whether the run found better weights than it started with; ``before`` are their bits per byte, null
    for a run from new weights. ``bits_per_byte`` is null if the run was never evaluated.
    """
    progress, best = job.progress, job.progress.best_bits_per_byte
    _say(
        "end",
        finished=progress.finished,
        kept=progress.kept,
        step=progress.step,
        done=min(1.0, budget_used(job.run.train, progress)),
        before=progress.before.bits_per_byte if progress.before else None,
        bits_per_byte=best if math.isfinite(best) else None,
        report=page and str(page),
    )


def say_nothing_learnt() -> None:
    """There was nothing to learn: an end without a start."""
    _say("end", finished=True, kept=False, step=0, done=1.0, before=None, bits_per_byte=None, report=None)


def _say(event: str, **values: object) -> None:
    click.echo(json.dumps({"event": event, **values}), err=True)
