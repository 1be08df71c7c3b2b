"""Pictures of records, with matplotlib (``pip install tinycoder[plot]``)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tinycoder.bench.report import Record
from tinycoder.errors import ConfigError


def check() -> None:
    """Raise ``ConfigError`` if there is no matplotlib."""
    try:
        import matplotlib  # noqa: F401
    except ImportError:
        raise ConfigError("pictures need matplotlib: pip install tinycoder[plot]") from None


def draw(record: Record, path: Path) -> None:
    """Bars of all rows, by unit; of `bench scaling` the curves. Raises ``ConfigError`` if it cannot be saved."""
    check()
    from matplotlib.figure import Figure

    if "sweeps" in record.facts:
        figure = _curves(record, Figure)
    else:
        units = list(dict.fromkeys(row.unit for row in record.rows))
        figure = Figure(figsize=(8, 1 + 0.45 * len(record.rows) + 0.6 * len(units)), layout="constrained")
        sizes = [sum(row.unit == unit for row in record.rows) for unit in units]
        panels = figure.subplots(len(units), 1, squeeze=False, gridspec_kw={"height_ratios": sizes})[:, 0]
        for panel, unit in zip(panels, units, strict=True):
            rows = [row for row in record.rows if row.unit == unit][::-1]
            colours = ["#9aa5b1" if row.ratio is not None else "#2f6f4f" for row in rows]
            bars = panel.barh([row.name for row in rows], [row.value for row in rows], color=colours)
            panel.bar_label(bars, [f"{row.value:,.4g}" for row in rows], padding=3)
            panel.margins(x=0.15)
            panel.set_xlabel(unit)
            panel.spines[["top", "right"]].set_visible(False)
    try:
        figure.savefig(path, dpi=150)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot save the picture {path} ({error}); choose another place or ending") from None


def _curves(record: Record, figure_type: Any) -> Any:
    """Time and memory against each thing that was swept, with the fit."""
    sweeps = record.facts["sweeps"]
    figure = figure_type(figsize=(3.2 * len(sweeps), 6), layout="constrained")
    panels = figure.subplots(2, len(sweeps), squeeze=False)
    for column, (name, sweep) in enumerate(sweeps.items()):
        for panel, key, label in ((panels[0, column], "us_per_token", "µs a token"), (panels[1, column], "mib", "MiB")):
            panel.plot(sweep["values"], sweep[key], "o", color="#2f6f4f")
            panel.plot(sweep["values"], sweep[f"{key}_fit"], "-", color="#9aa5b1")
            panel.set_xlabel(name)
            panel.set_ylabel(label)
            panel.set_ylim(0, 1.08 * max(*sweep[key], *sweep[f"{key}_fit"]))
            panel.spines[["top", "right"]].set_visible(False)
    return figure
