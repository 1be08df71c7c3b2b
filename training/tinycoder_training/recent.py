"""Which files were changed lately. Knows their times, not what they say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten
from tinycoder.workspace import tree


def recent_paths(
    paths: Sequence[Path],
    *,
    hours: float,
    now: float,
    exclude: Sequence[str] = (),
    forgotten: Forgotten = NOTHING_FORGOTTEN,
) -> frozenset[str]:
    """Paths, as ``python_repos.read`` has them, of the files that were written within ``hours`` before ``now``.

    ``now`` is in seconds since the epoch, like the files' times; one from the future is recent too. Raises
    ``CorpusError`` for a path that does not exist or is not Python.
    """
    files, _ = tree.walk(paths, exclude=exclude, forgotten=forgotten)
    return frozenset(file.path for file in files if _changed(file.location) >= now - 3600 * hours)


def _changed(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0
