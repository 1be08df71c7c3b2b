"""The symbols of a workspace's files: those on disk, and, laid over them, those of the open documents."""

import hashlib
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tinycoder.errors import Cancelled
from tinycoder.stop import Progress, Stop, never, no_progress
from tinycoder.symbols.environment import MAX_FILE_BYTES, read_module
from tinycoder.symbols.interpreter import read_small
from tinycoder.symbols.records import Module
from tinycoder.symbols.snapshot import Across, FileSymbols, Overlay, Snapshot, summary_of
from tinycoder.symbols.symbol_file import Stored, SymbolFile, decode, encode

PUT_FILES = 100  # that are read before they are stored


@dataclass(frozen=True, kw_only=True)
class WorkspaceFile:
    """A file of the workspace: its path there, after its folder's label, and where it lies."""

    path: str
    location: Path


class Project:
    """The symbols of the workspace whose folders' labels are ``roots``; kept in ``file``, if there is one.

    ``refresh`` runs in a thread of its own; everything else answers at once, from the ``snapshot`` before.
    """

    def __init__(self, file: SymbolFile | None = None, *, roots: Sequence[str] = ("",)) -> None:
        self._file = file
        self._roots = tuple(roots)
        self._is_left_out: Callable[[str], bool] = lambda path: False
        self._lock = threading.Lock()
        self._files: dict[str, FileSymbols] = {}
        self._overlays: dict[str, Overlay] = {}
        self._base = Across({}, self._roots)
        self.snapshot = Snapshot({}, {}, self._base)  # the symbols as they are now

    def open(self, path: str, module: Module) -> None:
        """Take an open document's symbols instead of the file's; nothing of one that is left out."""
        if self._is_left_out(path):
            return
        with self._lock:
            self._overlays = {**self._overlays, path: Overlay(path, module)}
            self._swap()

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Know nothing of these paths from now on."""
        self._is_left_out = forgotten
        with self._lock:
            kept = {path: file for path, file in self._files.items() if not forgotten(path)}
            if len(kept) < len(self._files):
                self._files, self._base = kept, Across(kept, self._roots)
            self._overlays = {path: each for path, each in self._overlays.items() if not forgotten(path)}
            self._swap()

    def close(self, path: str) -> None:
        """Take the file's symbols again."""
        with self._lock:
            self._overlays = {other: each for other, each in self._overlays.items() if other != path}
            self._swap()

    def refresh(
        self,
        files: Iterable[WorkspaceFile],
        *,
        stop: Stop = never,
        progress: Progress = no_progress,
    ) -> None:
        """Read the files that are new or changed; those that are not among ``files`` are forgotten.

        Raises ``Cancelled`` when ``stop`` says so; then everything is as it was.
        """
        wanted = list(files)
        known = self._files
        stored = self._file.load() if self._file and not known else {}
        fresh: dict[str, FileSymbols] = {}
        unsaved: dict[str, Stored] = {}
        for done, file in enumerate(wanted):
            if stop():
                self._put(unsaved)
                raise Cancelled
            progress(done, len(wanted))
            read, row = _read(file, known.get(file.path), stored.pop(file.path, None))
            if read is not None:
                fresh[file.path] = read
            if row is not None:
                unsaved[file.path] = row
            if len(unsaved) >= PUT_FILES:
                self._put(unsaved)
                unsaved = {}
        progress(len(wanted), len(wanted))
        self._put(unsaved)
        if self._file:
            self._file.remove([path for path in (*stored, *known) if path not in fresh])
        if fresh != known or not known:
            alike = known.keys() == fresh.keys() and all(fresh[path].summary is known[path].summary for path in fresh)
            base = self._base if alike and known else Across(fresh, self._roots)
            with self._lock:
                self._files, self._base = fresh, base
                self._swap()

    def take(self, texts: Mapping[str, str]) -> None:
        """Know these texts by their paths, and no files."""
        fresh = {}
        for path, text in texts.items():
            raw = text.encode("utf-8", "replace")
            module = read_module(raw)
            fresh[path] = FileSymbols(len(raw), 0, "", module, summary_of(path, module))
        with self._lock:
            self._files, self._base = fresh, Across(fresh, self._roots)
            self._swap()

    def _put(self, rows: Mapping[str, Stored]) -> None:
        if self._file:
            self._file.put(rows)

    def _swap(self) -> None:
        self.snapshot = Snapshot(self._files, self._overlays, self._base)


def _read(
    file: WorkspaceFile, known: FileSymbols | None, stored: Stored | None
) -> tuple[FileSymbols | None, Stored | None]:
    """A file's symbols, read again if its size or time changed, and what is then to be stored.

    A file that cannot be read now keeps what was known of it.
    """
    try:
        status = file.location.stat()
    except FileNotFoundError:
        return None, None
    except OSError:
        return known, None
    stamp = status.st_size, status.st_mtime_ns
    if known and (known.n_bytes, known.mtime_ns) == stamp:
        return known, None
    if stored and (stored.n_bytes, stored.mtime_ns) == stamp and (module := decode(stored.data)):
        return FileSymbols(*stamp, stored.digest, module, summary_of(file.path, module)), None
    raw = read_small(file.location, MAX_FILE_BYTES)
    if raw is None:
        return known if status.st_size <= MAX_FILE_BYTES else None, None
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    if known and known.digest == digest:
        symbols = FileSymbols(*stamp, digest, known.module, known.summary)
    else:
        again = stored if stored and stored.digest == digest else None
        module = (again and decode(again.data)) or read_module(raw)
        symbols = FileSymbols(*stamp, digest, module, summary_of(file.path, module))
    return symbols, Stored(*stamp, digest, encode(symbols.module))
