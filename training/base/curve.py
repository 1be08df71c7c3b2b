"""The log of a run: read, thinned, and drawn."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tinycoder.errors import ConfigError, CorpusError
from tinycoder.storage.record import Stage

MAX_LINES = 200
MEASURED = "bits_per_byte"


def read_log(file: Path) -> list[dict[str, Any]]:
    """The lines that ``train.py`` wrote, by steps; where a run continued from an earlier step, the newer ones.

    Raises ``CorpusError`` if the file cannot be read or has no such line.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise CorpusError(f"{file} cannot be read ({error}); give the log of the run") from None
    lines: list[dict[str, Any]] = []
    for raw in text.splitlines():
        if not raw.startswith('{"step"'):
            continue  # a warning of a library, or a line that a crash cut
        try:
            line = json.loads(raw)
        except ValueError:
            continue
        while lines and lines[-1]["step"] >= line["step"]:
            lines.pop()
        lines.append(line)
    if not lines:
        raise CorpusError(f"{file} has no line of a run; give what train.py wrote to standard output")
    return lines


def thinned(lines: Sequence[Mapping[str, Any]], most: int = MAX_LINES) -> list[Mapping[str, Any]]:
    """At most so many lines: the first, the last, those with a measurement, and of the others evenly chosen ones."""
    fixed = {0, len(lines) - 1} | {i for i, line in enumerate(lines) if MEASURED in line}
    if len(fixed) > most:
        return spread(lines, most)
    others = [i for i in range(len(lines)) if i not in fixed]
    return [lines[i] for i in sorted(fixed | set(spread(others, most - len(fixed))))]


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """All items, or ``most`` of them, evenly chosen with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[i * (len(items) - 1) // max(1, most - 1)] for i in range(most)]


def write_log(lines: Sequence[Mapping[str, Any]], file: Path) -> None:
    """One JSON object a line."""
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")


def check() -> None:
    """Raise ``ConfigError`` if there is no matplotlib."""
    if importlib.util.find_spec("matplotlib") is None:
        raise ConfigError("pictures need matplotlib: pip install '.[plot]'")


def draw(lines: Sequence[Mapping[str, Any]], file: Path, history: Sequence[Stage] = ()) -> None:
    """Held-out bits per byte over the hours of all stages, and the learning rate of the last, whose log ``lines`` is.

    Raises ``ConfigError`` if there is no matplotlib, or the picture cannot be saved.
    """
    check()
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    panel = figure.subplots()
    rate = panel.twinx()
    begin = 0.0
    for stage in history:
        hours = [begin + point.seconds / 3600 for point in stage.curve]
        panel.plot(hours, [point.val_bpb for point in stage.curve], ".-", color="#2f6f4f", markersize=3)
        begin += stage.seconds / 3600
        panel.axvline(begin, color="#9aa5b1", linewidth=0.8, linestyle=":")
    rate.fill_between(_hours(lines, begin), [line["scale"] for line in lines], color="#9aa5b1", alpha=0.2, linewidth=0)
    rate.set_ylim(0, 1.05)
    rate.set_ylabel("learning rate, part of the largest", color="#75818d")
    measured = [line for line in lines if MEASURED in line]
    panel.set_zorder(rate.get_zorder() + 1)  # the curve lies over the area
    panel.patch.set_visible(False)
    panel.plot(_hours(measured, begin), [line[MEASURED] for line in measured], ".-", color="#2f6f4f", markersize=3)
    panel.set_xlabel("hours")
    panel.set_ylabel("bits per byte, held-out files")
    panel.grid(axis="y", color="#9aa5b1", alpha=0.3)
    for each in (panel, rate):
        each.spines["top"].set_visible(False)
    try:
        # text stays text, and the same log makes the same file
        with rc_context({"svg.fonttype": "none", "svg.hashsalt": "tinycoder"}):
            figure.savefig(file, dpi=120, metadata={"Date": None} if file.suffix == ".svg" else None)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot save the picture {file} ({error}); choose another place or ending") from None


def _hours(lines: Sequence[Mapping[str, Any]], begin: float) -> list[float]:
    return [begin + line["minutes"] / 60 for line in lines]
