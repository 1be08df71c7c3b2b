"""A run as one self-contained HTML page: curves drawn as SVG, figures, samples."""

from __future__ import annotations

import html
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tinycoder.errors import TinyCoderError
from tinycoder.storage.atomic import replace_text
from tinycoder.storage.record import CurvePoint, TrainingRecord
from tinycoder_training.job import Job
from tinycoder_training.trainer import Report

WIDTH, HEIGHT, MARGIN = 760, 300, 48
SERIES = (("train_loss", "training loss", "#2a78d6"), ("val_loss", "validation loss", "#eb6834"))

_STYLE = """
:root { color-scheme: light dark; --ink: #1f2328; --quiet: #656d76; --line: #d0d7de; --page: #ffffff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --quiet: #8d96a0; --line: #30363d; --page: #0d1117; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); max-width: 800px;
       margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; } td { padding: .15rem 1.5rem .15rem 0; } td:first-child { color: var(--quiet); }
pre { border: 1px solid var(--line); border-radius: 6px; padding: .7rem; overflow-x: auto; font-size: 13px; }
pre .prompt { color: var(--quiet); } pre .made { font-weight: 600; }
svg text { fill: var(--quiet); font: 12px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg { width: 100%; height: auto; }
"""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A prompt from a held-out text and the model's completion of it."""

    prompt: str
    completion: str


def samples_of(job: Job) -> Callable[[Report], list[Sample]]:
    """A function that turns the samples in a report of this job into text."""

    def read(report: Report) -> list[Sample]:
        if report.evaluation is None:
            return []
        pairs = zip(job.run.data.prompts, report.evaluation.samples, strict=True)
        return [Sample(prompt=job.tokenizer.decode(p), completion=job.tokenizer.decode(c)) for p, c in pairs]

    return read


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
        "read": f"{data.files:,} files, {data.bytes:,} bytes",
        "held out": f"{data.validation_files:,} files, {data.validation_bytes:,} bytes",
        "trained": f"{training.steps:,} steps, {training.tokens_seen:,} tokens",
        "time": f"{training.seconds / 60:.1f} minutes",
        "held-out bits per byte": "not measured" if bpb is None else f"{bpb:.4f}",
    }
    if before:
        metadata |= {"started from": str(training.origin), "before": f"{before.bits_per_byte:.4f}"}
    rows = "".join(f"<tr><td>{html.escape(k)}</td><td>{html.escape(str(v))}</td></tr>" for k, v in metadata.items())
    shown = "".join(f"<pre>{_span('prompt', s.prompt)}{_span('made', s.completion)}</pre>" for s in samples)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(name)} - TinyCoder training report</title><style>{_STYLE}</style></head><body>
<h1>{html.escape(name)}</h1><table>{rows}</table>
<h2>Loss in nats per token</h2>{curve_svg(training.curve)}
<h2>Samples</h2><p>Quiet: text the model did not train on. Bold: its greedy continuation.</p>{shown}
</body></html>
"""


def curve_svg(curve: Sequence[CurvePoint]) -> str:
    """Training and validation loss over minutes."""
    if not curve:
        return "<p>The run was too short to be evaluated.</p>"
    minutes = [point.seconds / 60 for point in curve]
    values = [value for point in curve for key, _, _ in SERIES if (value := getattr(point, key)) is not None]
    low, high = min(values), max(values)
    pad = max(0.05, 0.08 * (high - low))
    low, high = low - pad, high + pad

    def x(minute: float) -> Any:
        return MARGIN + (WIDTH - 2 * MARGIN) * (minute / max(minutes[-1], 1e-9))

    def y(value: float) -> Any:
        return HEIGHT - MARGIN - (HEIGHT - 2 * MARGIN) * (value - low) / (high - low)

    parts = []
    for i in range(5):
        value, minute = low + (high - low) * i / 4, minutes[-1] * i / 4
        parts.append(
            f'<line class="grid" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{y(value):.1f}" y2="{y(value):.1f}"/>'
        )
        parts.append(f'<text x="{MARGIN - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value:.2f}</text>')
        parts.append(
            f'<text x="{x(minute):.1f}" y="{HEIGHT - MARGIN + 20}" text-anchor="middle">{minute:.1f} min</text>'
        )
    for i, (key, label, colour) in enumerate(SERIES):
        drawn = [
            (m, p.step, value) for m, p in zip(minutes, curve, strict=True) if (value := getattr(p, key)) is not None
        ]
        points = " ".join(f"{x(m):.1f},{y(value):.1f}" for m, _, value in drawn)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for m, step, value in drawn:
            title = f"<title>step {step}: {value:.4f}</title>"
            parts.append(f'<circle cx="{x(m):.1f}" cy="{y(value):.1f}" r="3" fill="{colour}">{title}</circle>')
        left = MARGIN + 160 * i
        parts.append(f'<rect x="{left}" y="14" width="12" height="12" fill="{colour}"/>')
        parts.append(f'<text x="{left + 18}" y="24">{label}</text>')
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Loss curves">{"".join(parts)}</svg>'


def _span(kind: str, text: str) -> str:
    return f'<span class="{kind}">{html.escape(text)}</span>'
