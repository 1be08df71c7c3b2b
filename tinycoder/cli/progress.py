"""A training run on screen: a live bar on a terminal, plain lines in a pipe. Everything goes to stderr."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

if TYPE_CHECKING:
    from tinycoder_training.report import Sample
    from tinycoder_training.run import Job
    from tinycoder_training.trainer import Report

LINE_SECONDS = 10.0

Samples = Callable[["Report"], "list[Sample]"]


def describe(job: Job) -> str:
    """The run in a few words, before it starts."""
    data, model, settings = job.facts["data"], job.run.model, job.run.train
    budget = f"{settings.steps:,} steps" if settings.steps is not None else f"{settings.minutes:g} minutes"
    again = f", from step {job.progress.step:,}" if job.progress.step else ""
    return (
        f"{job.folder.name}: {job.facts['parameters']:,} parameters "
        f"({model.n_layers} layers, width {model.width}, context {model.context}, {model.vocab_size:,} ids); "
        f"{data['files']:,} files, {data['bytes'] / 1e6:.1f} MB, {data['tokens']:,} tokens, "
        f"{data['validation_files']:,} files held out; {budget}{again}"
    )


def show(reports: Iterable[Report], samples: Samples) -> list[Sample]:
    """Draw each report as it comes; returns the samples of the last evaluation."""
    console = Console(stderr=True, highlight=False)
    last: list[Sample] = []
    spoke, n_shown = -LINE_SECONDS, 0
    with Progress(
        TextColumn("{task.percentage:>3.0f}%"),
        BarColumn(),
        TextColumn("{task.description}"),
        console=console,
        disable=not console.is_terminal,
    ) as bar:
        task: TaskID = bar.add_task("starting", total=1.0)
        bpb = ""
        for report in reports:
            if report.evaluation:
                bpb = f"  val bpb {report.evaluation.bits_per_byte:.3f}"
                last = samples(report)
            line = _line(report) + bpb
            bar.update(task, completed=report.done, description=line)
            now = time.monotonic()
            if report.evaluation or (not console.is_terminal and now - spoke >= LINE_SECONDS):
                spoke = now
                console.print(Text(f"{report.done:4.0%}  {line}"), soft_wrap=True)
            if report.evaluation and last:
                n_shown += 1
                console.print(Text(_one_line(last[n_shown % len(last)]), style="dim"), soft_wrap=True)
    return last


def _line(report: Report) -> str:
    left = report.seconds * (1 - report.done) / max(report.done, 1e-6)
    return (
        f"step {report.step:,}  {report.tokens_per_second:,.0f} tokens/s  loss {report.smooth_loss:.3f}  "
        f"{_clock(report.seconds)} + {_clock(left)}"
    )


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02}" if minutes < 60 else f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def _one_line(sample: Sample) -> str:
    """The last words of the prompt and the first of the completion."""
    before = sample.prompt[-30:].replace("\n", "⏎")
    after = sample.completion[:70].replace("\n", "⏎")
    return f"      …{before} ▸ {after}"


def curve_lines(curve: Sequence[Mapping[str, Any]]) -> list[str]:
    """Held-out bits per byte at each evaluation as horizontal bars."""
    worst = max((point["val_bpb"] for point in curve), default=1.0)
    return [
        f"  {_clock(point['seconds'])}  {point['val_bpb']:6.3f}  {'█' * round(40 * point['val_bpb'] / worst)}"
        for point in curve
    ]
