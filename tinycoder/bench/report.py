"""The record of a bench: rows with a unit and the machine they come from, as JSON, as a page, next to an older one."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_info

import tinycoder
from tinycoder import html
from tinycoder.errors import ConfigError

SLOWER = 1.05  # a change below 5 % is noise


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table. ``ratio`` is ours divided by this one; higher values are better, or lower ones."""

    name: str
    value: float
    unit: str
    higher_is_better: bool
    ratio: float | None = None


@dataclass(frozen=True, kw_only=True)
class Record:
    """The result of one bench; ``metadata`` go into the JSON as keys of their own."""

    bench: str
    rows: Sequence[Row]
    absent: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """One JSON object."""
        return {
            "bench": self.bench,
            **self.metadata,
            "absent": dict(self.absent),
            "rows": [asdict(row) for row in self.rows],
            "machine": machine(),
        }


def machine() -> dict[str, Any]:
    """What speed hangs on: processor, libraries, and settings of the environment."""
    variables = ("OMP_", "OPENBLAS_", "MKL_", "BLIS_")
    return {
        "processor": _processor(),
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "tinycoder": tinycoder.__version__,
        "blas": [
            {key: library.get(key) for key in ("internal_api", "version", "architecture")}
            for library in threadpool_info()
            if library.get("user_api") == "blas"
        ],
        "environment": {key: value for key, value in os.environ.items() if key.startswith(variables)},
        "bfloat16": "avx512_bf16" in _cpu_info() or "amx_bf16" in _cpu_info(),
    }


def _cpu_info() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _processor() -> str:
    names = [line.partition(":")[2].strip() for line in _cpu_info().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


def read_record(path: Path, bench: str) -> dict[str, Row]:
    """Rows of an older record by name. Raises ``ConfigError`` if the file is not one of this bench."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["bench"] != bench:
            raise ConfigError(f"{path} is of `bench {data['bench']}`; compare with a record of `bench {bench}`")
        return {row["name"]: Row(**row) for row in data["rows"]}
    except OSError as error:
        raise ConfigError(f"{path} cannot be read ({error.strerror}); give a file that --out wrote") from None
    except (ValueError, KeyError, TypeError):
        raise ConfigError(f"{path} is no record of a bench; give a file that --out wrote") from None


def slower_rows(rows: Sequence[Row], old: Mapping[str, Row]) -> list[str]:
    """A line for each of our rows that got worse by more than 5 %."""
    lines = []
    for row in rows:
        before = old.get(row.name)
        if before is None or row.ratio is not None or min(row.value, before.value) <= 0:
            continue
        factor = before.value / row.value if row.higher_is_better else row.value / before.value
        if factor > SLOWER:
            lines.append(f"{row.name}: {row.value:,.4g} {row.unit}, was {before.value:,.4g} ({factor:.2f} times worse)")
    return lines


def page(record: Record) -> str:
    """A self-contained HTML page: bars by unit, or the curves of `bench scaling`."""
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
