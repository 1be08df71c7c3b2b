"""A training run on stderr: a live bar on a terminal, plain lines in a pipe, or JSON for another program.

As JSON, one object a line: ``start`` once, before the first step; then ``progress``, a few times a second at most and
with every evaluation, and ``notice`` where the engine has something to say; then ``end`` when all is saved. A run that
fails has no ``end``, but a sentence for a person.
"""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn
from rich.text import Text

from tinycoder.cli.streams import Terminal
from tinycoder.cli.terminal import one_line, width, wrapped
from tinycoder.words import counted

if TYPE_CHECKING:
    from tinycoder_training.evaluation import Evaluation
    from tinycoder_training.forecast import Forecast
    from tinycoder_training.job import Job
    from tinycoder_training.report import Sample
    from tinycoder_training.trainer import Report

LINE_SECONDS = 10.0
JSON_SECONDS = 0.25  # between two lines
FEW_TOKENS = 3_000
BAR = 12  # columns
N_BEFORE = 30  # characters of a sample's prompt
INDENT = " " * 6
LEGEND = "end of a held-out text ▸ how the model continues it (⏎: a line break)"

Samples = Callable[["Report"], "list[Sample]"]


def describe(job: Job) -> str:
    """The run in a few words, before it starts."""
    record, model, settings = job.record, job.run.model, job.run.train
    data = record.data
    assert data is not None
    budget = counted(settings.steps, "step") if settings.steps is not None else counted(settings.minutes or 0, "minute")
    if settings.max_steps is not None:
        budget += f" or {counted(settings.max_steps, 'step')}"
    again = f", from step {job.progress.step:,}" if job.progress.step else ""
    held_out = f"{counted(data.validation_files, 'file')} held out"
    if data.one_file:
        held_out = "the last lines of the only file held out"
    lines = [
        f"{job.folder.name}: {record.parameters:,} parameters "
        f"({model.n_layers} layers, width {model.width}, context {model.context}, {model.vocab_size:,} ids); "
        f"{counted(data.files, 'file')}, {data.bytes / 1e6:.1f} MB, {data.tokens:,} tokens, {held_out}; {budget}{again}"
    ]
    if record.origin and not job.progress.step:
        other = f", and {record.replay.bytes / 1e6:.1f} MB of other code" if settings.replay and record.replay else ""
        what = f"{counted(record.recent.files, 'file')} that changed lately" if record.recent else "all these files"
        lines.append(f"continues from {record.origin} with {what}{other}; its quality before is measured first")
    lines += _standing(job)
    if record.recipe == "code" and data.validation_tokens < FEW_TOKENS:
        lines.append(f"only {counted(data.validation_tokens, 'token')} are held out: the figures are rough")
    return wrapped("\n".join(lines))


def _standing(job: Job) -> list[str]:
    """A line for the finished model of that name, if there is one that this run does not go on from."""
    from tinycoder_training.quality import has_finished_model

    name, standing = job.folder.name, job.run.standing
    if standing is not None:
        return [
            f"there is a model {name} already: {_figures(standing)} bits per byte on the same held-out files; "
            "it stays unless this run becomes better (--overwrite replaces it in any case)"
        ]
    if not has_finished_model(job.folder) or job.record.origin == name:
        return []
    return [f"there is a model {name} already; this run will replace it"]


def expected(job: Job, forecast: Forecast) -> str:
    """The time and memory that the run would take."""
    return wrapped(
        f"{job.folder.name}: {job.record.parameters:,} parameters, {counted(forecast.steps, 'step')}, "
        f"{forecast.tokens_per_second:,.0f} tokens/s\n"
        f"time:   {forecast.seconds / 60:.1f} minutes\nmemory: {forecast.n_bytes / 1e6:,.0f} MB"
        + (f"\nengine: {forecast.notice}" if forecast.notice else "")
    )


def outcome(job: Job) -> str:
    """The outcome of the run, in a sentence for a person."""
    return wrapped(_outcome(job))


def _outcome(job: Job) -> str:
    name, progress = job.folder.name, job.progress
    before, after, standing = progress.before, progress.best_bits_per_byte, job.run.standing
    beside = job.training.beside_memory
    if not progress.finished and job.only_better:
        return f"stopped at step {progress.step:,}; the model {name} stays as it was"
    if not progress.finished:
        return f"stopped at step {progress.step:,} and saved; continue with: tinycoder train --resume --name {name}"
    if not job.replaces and standing is not None:
        return (
            f"the model {name} stays as it was: {_figures(standing)} bits per byte on the held-out text, this run "
            f"{_beside(after, beside)}; --overwrite replaces it in any case"
        )
    if before is None:
        return f"{name}: {after:.4f} bits per byte on held-out text"
    if not progress.kept:
        return (
            f"held-out text: {_figures(before)} bits per byte before, and nothing that was tried is better: "
            f"the weights stay those of {job.record.origin}"
        )
    said = [f"held-out text: {_change(before.bits_per_byte, after, 'bits per byte ')}"]
    if before.beside is not None and beside is not None:
        said.append(f"beside the memory of the workspace {_change(before.beside, beside)}")
    return "; ".join(said)


def _figures(found: Evaluation) -> str:
    return _beside(found.bits_per_byte, found.beside)


def _beside(alone: float, beside: float | None) -> str:
    """Bits per byte of a model, and beside the memory where it is judged by that."""
    return f"{alone:.3f}" if beside is None else f"{alone:.3f} ({beside:.3f} beside the memory)"


def _change(before: float, after: float, unit: str = "") -> str:
    return f"{before:.3f} {unit}before, {after:.3f} after ({100 * (after / before - 1):+.1f} %)"


def show(job: Job, reports: Iterable[Report], samples: Samples) -> list[Sample]:
    """Draw each report as it comes; returns the samples of the last evaluation."""
    console = Console(file=cast(IO[str], Terminal(sys.stderr)), highlight=False)
    last: list[Sample] = []
    spoke, n_shown, held_out = -LINE_SECONDS, 0, ""
    columns = TextColumn("{task.percentage:>3.0f}%"), BarColumn(bar_width=BAR), TextColumn("{task.description}")
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("starting", total=1.0)
        for report in reports:
            if report.evaluation:
                held_out, last = f" ({report.evaluation.bits_per_byte:.3f} held out)", samples(report)
            line = _line(job, report, held_out)
            bar.update(task, completed=report.done, description=line)
            if report.notice:
                console.print(Text(wrapped(report.notice)), soft_wrap=True)
            now = time.monotonic()
            if report.evaluation or (not console.is_terminal and now - spoke >= LINE_SECONDS):
                spoke = now
                console.print(Text(wrapped(f"{report.done:4.0%}  {line}", INDENT)), soft_wrap=True)
            if report.evaluation and last:
                if not n_shown:
                    console.print(Text(wrapped(INDENT + LEGEND, INDENT), style="dim"), soft_wrap=True)
                n_shown += 1
                console.print(Text(_one_line(last[n_shown % len(last)]), style="dim"), soft_wrap=True)
    return last


def _line(job: Job, report: Report, held_out: str) -> str:
    left = report.seconds * (1 - report.done) / max(report.done, 1e-6)
    return (
        f"step {report.step:,}, {_clock(left)} left, "
        f"{_bits_per_byte(job, report.smooth_loss):.3f} bits per byte{held_out}"
    )


def _bits_per_byte(job: Job, nats: float) -> float:
    """From a loss in nats per token, with the bytes of a token in the texts of the run."""
    data = job.record.data
    assert data is not None
    return nats / math.log(2) * data.tokens / max(1, data.bytes)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _one_line(sample: Sample) -> str:
    """The last words of the prompt and the first of the completion, in a line of the terminal."""
    before, after = one_line(sample.prompt[-N_BEFORE:]), one_line(sample.completion.rstrip())
    line = f"{INDENT}…{before} ▸ {after}"
    return line if len(line) <= width() else f"{line[: width() - 1]}…"


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
        done=job.done,
        steps=settings.steps,
        minutes=settings.minutes,
    )


def show_lines(reports: Iterable[Report], samples: Samples) -> list[Sample]:
    """Say each report that is due; returns the samples of the last evaluation.

    ``done`` is the part of the budget, ``loss`` the smooth one in nats per token, ``seconds`` those of training,
    ``bits_per_byte`` that of the last evaluation or null.
    """
    last: list[Sample] = []
    spoke, bits_per_byte = -JSON_SECONDS, None
    for report in reports:
        if report.evaluation:
            bits_per_byte, last = report.evaluation.bits_per_byte, samples(report)
        if report.notice:
            _say("notice", text=report.notice)
        now = time.monotonic()
        if report.evaluation or now - spoke >= JSON_SECONDS:
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

    ``before`` are the bits per byte of the weights that the run started with, null for new ones; ``standing`` those of
    a finished model of that name, null where there was none to be compared. ``kept`` says whether the run became better
    than both. ``bits_per_byte`` is null if the run was never evaluated.
    """
    progress, training = job.progress, job.training
    _say(
        "end",
        finished=progress.finished,
        kept=job.is_better,
        step=progress.step,
        done=job.done,
        before=training.before and training.before.bits_per_byte,
        standing=job.standing,
        bits_per_byte=training.val_bpb,
        report=page and str(page),
    )


def say_nothing_learnt() -> None:
    """There was nothing to learn: an end without a start."""
    nothing = dict.fromkeys(("before", "standing", "bits_per_byte", "report"))
    _say("end", finished=True, kept=False, step=0, done=1.0, **nothing)


def _say(event: str, **values: object) -> None:
    click.echo(json.dumps({"event": event, **values}), err=True)
