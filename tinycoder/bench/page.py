"""A bench record as one self-contained HTML page: bars by unit, and the curves of `bench scaling`."""

from __future__ import annotations

from collections.abc import Sequence

from tinycoder import html
from tinycoder.bench.report import Record


def page(record: Record) -> str:
    """The whole page."""
    units = dict.fromkeys(row.unit for row in record.rows)
    bars = {unit: [(row.name, row.value) for row in record.rows if row.unit == unit] for unit in units}
    curves = [
        html.section(f"{label} against {name}", _curve(label, sweep["values"], sweep[key], sweep[f"{key}_fit"]))
        for name, sweep in record.metadata.get("sweeps", {}).items()
        for key, label in (("us_per_token", "µs a token"), ("mib", "MiB"))
    ]
    return html.page(
        f"tinycoder bench {record.bench}",
        *(curves or [html.section(unit, html.bar_chart(unit, rows)) for unit, rows in bars.items()]),
    )


def _curve(label: str, values: Sequence[float], measured: Sequence[float], fitted: Sequence[float]) -> str:
    lines = [
        (name, [html.Point(x=x, y=y, title=f"{x:,}: {y:,.4g}") for x, y in zip(values, points, strict=True)])
        for name, points in (("measured", measured), ("fitted", fitted))
    ]
    x = html.Axis(low=min(values), high=max(values), digits=0)
    return html.line_chart(label, lines, x, html.Axis(low=0.0, high=1.08 * max(*measured, *fitted)))
