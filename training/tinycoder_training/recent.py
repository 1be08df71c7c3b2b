"""Which files were changed lately."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tinycoder.workspace.tree import SourceFile


def recent_paths(files: Iterable[SourceFile], *, hours: float, now: float) -> frozenset[str]:
    """Paths of the files that were written within ``hours`` before ``now``, also of those from the future.

    ``now`` is in seconds since the epoch, like the files' times.
    """
    return frozenset(file.path for file in files if _changed(file.location) >= now - 3600 * hours)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
