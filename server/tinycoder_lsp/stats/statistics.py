"""The counts of suggestions in a home folder, day by day.

Several servers may share a home: each adds its own counts to the file now and then. Losing them costs nothing but a
figure, so a disk that refuses is a line in the log and no fault.
"""

import datetime
import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filelock

from tinycoder.errors import ConfigError
from tinycoder.storage.atomic import make_folder, replace_text
from tinycoder.validate import parse
from tinycoder_lsp.stats.counts import Day, Days, from_json, merged, plus, to_json

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
KEPT = datetime.timedelta(days=400)
PAUSE_S = 60.0  # between a count and its being written
_PATIENCE_S = 2.0  # for another server that writes


@dataclass(frozen=True)
class _File:
    """What the file holds."""

    format: int
    days: Any = None


class NewerFormatError(ValueError):
    """The file was written by a later version, which will want it back as it is."""


def statistics_file(home: Path) -> Path:
    """Where the counts are."""
    return home / "statistics.json"


def load(home: Path) -> dict[datetime.date, Day]:
    """The counts in a home, perhaps none. Raises ``ConfigError`` where they cannot be read."""
    file = statistics_file(home)
    try:
        return _read(file)
    except NewerFormatError:
        raise ConfigError(f"{file} was written by a later version of TinyCoder; update this one") from None
    except OSError as error:
        raise ConfigError(f"cannot read {file} ({error.strerror}); check who owns it") from None
    except ValueError:
        raise ConfigError(f"{file} is damaged; `tinycoder stats --clear` removes it") from None


def clear(home: Path) -> bool:
    """Forget everything; whether there was anything. Raises ``ConfigError`` where the disk refuses."""
    file = statistics_file(home)
    files = [path for path in (file, _damaged(file)) if path.exists()]
    if not files:
        return False
    try:
        with _lock(file):
            for path in files:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"cannot remove {file} ({error.strerror or error}); check who owns it") from None
    return True


class Statistics:
    """Counts for one server. All methods may be called from any thread; only those that say so wait for the disk."""

    def __init__(
        self,
        home: Path,
        *,
        enabled: bool = True,
        today: Callable[[], datetime.date] = datetime.date.today,
        pause_s: float = PAUSE_S,
    ) -> None:
        self.enabled = enabled  # without, nothing is counted
        self._home = home
        self._today = today
        self._pause_s = pause_s
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._queued: dict[datetime.date, Day] = {}
        self._timer: threading.Timer | None = None
        self._closed = False
        self._said: set[str] = set()

    def add(self, counted: Day) -> None:
        """Count these today, unless nothing is to be counted."""
        if not self.enabled:
            return
        with self._lock:
            date = self._today()
            self._queued[date] = plus(self._queued.get(date, Day()), counted)
            if self._timer is None and not self._closed:
                self._timer = threading.Timer(self._pause_s, self.flush)
                self._timer.daemon = True  # who leaves without closing need not wait a minute
                self._timer.start()

    def flush(self) -> None:
        """Add to the file what was counted since. Waits for the disk."""
        with self._writing:
            with self._lock:
                queued, self._queued = self._queued, {}
                if self._timer is not None:
                    self._timer.cancel()
                self._timer = None
            try:
                if queued:
                    self._write(queued)
            except (NewerFormatError, OSError) as error:
                self._keep(queued, getattr(error, "strerror", None) or str(error))

    def close(self) -> None:
        """Write what there is, for the last time. Waits for the disk."""
        self._closed = True
        self.flush()

    def days(self) -> dict[datetime.date, Day]:
        """All that was counted in this home, also by other servers. Waits for the disk."""
        self.flush()
        try:
            stored = _read(statistics_file(self._home))
        except (OSError, ValueError):
            stored = {}
        with self._lock:
            return merged(stored, self._queued)

    def summary(self) -> dict[str, object]:
        """The figures as ``text``, as ``html`` (a page), and as ``inline`` and ``popup``. Waits for the disk."""
        from tinycoder_lsp.stats.figures import figures, page, text

        days, today = self.days(), self._today()
        return {"text": text(days, today), "html": page(days, today), **figures(days, today)}

    def _write(self, queued: Days) -> None:
        file = statistics_file(self._home)
        make_folder(self._home)
        with _lock(file):
            try:
                stored = _read(file)
            except NewerFormatError:
                raise
            except ValueError as error:
                logger.warning("%s is damaged (%s); it is kept aside, and counting starts anew", file, error)
                file.replace(_damaged(file))
                stored = {}
            first = self._today() - KEPT
            days = {date: day for date, day in merged(stored, queued).items() if date >= first}
            replace_text(file, json.dumps({"format": FORMAT_VERSION, "days": to_json(days)}))

    def _keep(self, queued: Days, reason: str) -> None:
        with self._lock:
            self._queued = merged(queued, self._queued)
        if reason not in self._said:
            self._said.add(reason)
            logger.warning("statistics are not kept in %s (%s)", statistics_file(self._home), reason)


def _read(file: Path) -> dict[datetime.date, Day]:
    try:
        values = parse(_File, file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    if values.format > FORMAT_VERSION:
        raise NewerFormatError("it was written by a later version")
    return from_json(values.days)


def _lock(file: Path) -> filelock.BaseFileLock:
    return filelock.FileLock(file.with_name(f".{file.name}~lock"), timeout=_PATIENCE_S)


def _damaged(file: Path) -> Path:
    return file.with_name(f"{file.name}.damaged")
