"""A long run in the background: where it lies, whether it runs, and how it is halted for a measurement.

``training/base/long_run.py`` starts one. Linux only: a process is known by its number, the time it began, and the boot
of the machine, so that no other one is ever signalled; elsewhere none runs.
"""

import json
import os
import signal
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import platformdirs

from tinycoder.errors import TrainingError
from tinycoder.storage.atomic import replace_text
from tinycoder.validate import DataError, parse

PLACE = "TINYCODER_BASE_RUN"  # of the environment: the folder that was given to ``start --at``; empty for none


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a run of this name and everything it needs lie."""

    home: Path
    name: str = "run"

    @property
    def model(self) -> Path:
        """The model's folder, with the state of the run while it is not finished."""
        return self.home / self.name

    def file(self, ending: str) -> Path:
        """The file of the log folder with this ending: jsonl, errors, process, pauses or lock."""
        return self.home / "log" / f"{self.name}.{ending}"


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that no later one can be taken for: ``began`` is in ticks since the boot."""

    pid: int
    began: int
    boot: str


def identified(pid: int) -> Process | None:
    """The process of this number, if there is one."""
    stat = _stat(pid)
    return Process(pid=pid, began=stat[1], boot=_boot()) if stat else None


def running(place: Place) -> Process | None:
    """The process of the run, also while it is paused; none if it has ended, whoever has its number now."""
    try:
        process = parse(Process, place.file("process").read_bytes())
    except (OSError, DataError):
        return None
    stat = _stat(process.pid)
    alive = stat is not None and stat[0] not in "ZX" and stat[1] == process.began and process.boot == _boot()
    return process if alive else None


def is_paused(place: Place) -> bool:
    """Whether the run was paused, or its process halted by someone else."""
    process = running(place)
    stat = _stat(process.pid) if process else None
    return _pauses(place)["since"] is not None or (stat is not None and stat[0] in "Tt")


def pause(place: Place) -> None:
    """Stop the process until ``resume``; its memory stays. Raises ``TrainingError`` if none runs."""
    process, pauses = needed(place), _pauses(place)
    if pauses["since"] is None:
        write(place.file("pauses"), {**pauses, "since": time.monotonic()})
    os.killpg(process.pid, signal.SIGSTOP)


def resume(place: Place) -> None:
    """Let a paused process continue; the pause counts in none of its rates. Raises ``TrainingError`` if none runs."""
    process, pauses = needed(place), _pauses(place)
    if pauses["since"] is not None:
        paused = time.monotonic() - pauses["since"]
        write(place.file("pauses"), {"seconds": pauses["seconds"] + paused, "since": None})
    os.killpg(process.pid, signal.SIGCONT)


def needed(place: Place) -> Process:
    """The process of the run. Raises ``TrainingError`` if none runs."""
    process = running(place)
    if process is None:
        raise TrainingError(f"{place.name!r} does not run; start it first")
    return process


def remember(place: Place) -> None:
    """Note where a run was started, for ``remembered``, if the system keeps such notes."""
    with suppress(OSError, RuntimeError):
        replace_text(_note(), str(place.home))


def remembered(environ: Mapping[str, str]) -> list[Place]:
    """All runs in the folder that ``TINYCODER_BASE_RUN`` names, or else in the one where a run was started last."""
    named = environ.get(PLACE)
    if named is None:
        try:
            named = _note().read_text(encoding="utf-8")
        except (OSError, RuntimeError, UnicodeDecodeError):
            return []
    home = Path(named)
    return [Place(home=home, name=file.stem) for file in sorted((home / "log").glob("*.process"))] if named else []


def write(file: Path, value: dict[str, Any]) -> None:
    """Replace a file of the log folder."""
    replace_text(file, json.dumps(value))


def _note() -> Path:
    return Path(platformdirs.user_state_dir("tinycoder", appauthor=False)) / "long-run"


def _pauses(place: Place) -> dict[str, Any]:
    try:
        pauses: dict[str, Any] = json.loads(place.file("pauses").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {"seconds": 0.0, "since": None}
    return pauses


def _stat(pid: int) -> tuple[str, int] | None:
    """State and begin of a process, if there is one of this number (proc(5), fields 3 and 22)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    return fields[0], int(fields[19])


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
