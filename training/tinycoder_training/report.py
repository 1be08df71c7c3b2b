"""A run as one self-contained HTML page: bits per byte, metadata, samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder import html
from tinycoder.complete.generation import ends_of
from tinycoder.errors import TinyCoderError
from tinycoder.storage.atomic import replace_text
from tinycoder.storage.record import CurvePoint, DataSummary, TrainingRecord
from tinycoder.transformer.repetition import without_repetition
from tinycoder.words import counted
from tinycoder_training.job import Job
from tinycoder_training.trainer import Report


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt from a held-out text and the model's completion of it."""

    prompt: str
    completion: str


def samples_of(job: Job, report: Report) -> list[Sample]:
    """The samples in a report of this job, as text; a completion ends where it goes round in a circle."""
    completions = report.evaluation.samples if report.evaluation else ()
    decode, finishes = job.tokenizer.decode, ends_of(job.tokenizer)
    pairs = [
        (prompt, list(without_repetition((), ids, finishes)))
        for prompt, ids in zip(job.run.data.prompts, completions, strict=False)
    ]
    return [Sample(prompt=decode(prompt), completion=decode(ids)) for prompt, ids in pairs]


def write_report(folder: Path, name: str, training: TrainingRecord, samples: Sequence[Sample]) -> Path:
    """Write the page of the run ``name`` into ``folder``; its path. Raises ``TinyCoderError`` if the disk refuses."""
    page = folder / f"{name}.html"
    try:
        replace_text(page, report_html(name, training, samples))  # for its owner alone: it quotes what was learnt
    except OSError as error:
        raise TinyCoderError(f"the model is saved, but not its report {page} ({error.strerror})") from None
    return page


def report_html(name: str, training: TrainingRecord, samples: Sequence[Sample]) -> str:
    """The whole page."""
    data, bpb, before = training.data, training.val_bpb, training.before
    assert data is not None
    metadata = {
        "recipe": training.recipe,
        "parameters": f"{training.parameters:,}",
        "read": f"{counted(data.files, 'file')}, {counted(data.bytes, 'byte')}",
        "held out": f"{counted(data.validation_files, 'file')}, {counted(data.validation_bytes, 'byte')}",
        "trained": f"{counted(training.steps, 'step')}, {counted(training.tokens_seen, 'token')}",
        "time": f"{training.seconds / 60:.1f} minutes",
        "held-out bits per byte": "not measured" if bpb is None else f"{bpb:.4f}",
    }
    if before:
        metadata |= {"started from": str(training.origin), "before": f"{before.bits_per_byte:.4f}"}
    if before and before.beside_memory is not None and training.beside_memory is not None:
        change = f"{before.beside_memory:.4f} before, {training.beside_memory:.4f} after"
        metadata["beside the workspace's memory"] = change
    shown = "".join(f"<pre>{html.span('quiet', s.prompt)}{html.span('strong', s.completion)}</pre>" for s in samples)
    return html.page(
        name,
        html.table(metadata.items()),
        html.section("Bits per byte", "<p>Fewer are better.</p>", curve_svg(training.curve, data)),
        html.section("Samples", "<p>Quiet: held-out text. Bold: how the model continues it.</p>", shown),
    )


def curve_svg(curve: Sequence[CurvePoint], data: DataSummary) -> str:
    """Bits per byte over minutes: of the texts that are learnt, about, and of those held out."""
    if not curve:
        return "<p>The run was too short to be evaluated.</p>"
    scale = data.tokens / max(1, data.bytes) / math.log(2)  # of nats per token
    series = {
        "while learning": [(at, at.train_loss * scale) for at in curve if at.train_loss is not None],
        "held out": [(at, at.val_bpb) for at in curve],
    }
    lines = [
        (label, [html.Point(x=at.seconds / 60, y=bits, title=f"step {at.step}: {bits:.4f}") for at, bits in points])
        for label, points in series.items()
    ]
    values = [point.y for _, points in lines for point in points]
    pad = max(0.05, 0.08 * (max(values) - min(values)))
    minutes = html.Axis(low=0.0, high=max(curve[-1].seconds / 60, 1e-9), unit=" min")
    bits = html.Axis(low=max(0.0, min(values) - pad), high=max(values) + pad, digits=2)
    return html.line_chart("Bits per byte", lines, minutes, bits)
