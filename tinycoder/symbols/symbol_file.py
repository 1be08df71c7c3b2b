"""Records on disk: what each file of a workspace defines, with what tells whether the file has changed.

A database of ``sqlite3`` that several processes may use at once. It holds nothing that cannot be read again: one that
is damaged, foreign or of another version is created anew, and where the disk refuses all is kept in memory.
"""

import json
import logging
import os
import sqlite3
import sys
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from tinycoder import __version__
from tinycoder.storage.atomic import make_folder
from tinycoder.symbols.records import Class, Function, Import, Module, Parameter, Symbol, Variable

FORMAT_VERSION = 2
SUFFIX = "-symbols.sqlite"  # of the file's name
PATIENCE = 5.0  # seconds for which another process is waited for

# Another version of Python may parse, and one of ours read, in another way.
_MADE_BY = f"{FORMAT_VERSION} {__version__} {sys.version_info.major}.{sys.version_info.minor}"
_TABLES = (
    "CREATE TABLE IF NOT EXISTS facts (made_by TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, n_bytes INTEGER NOT NULL, mtime_ns INTEGER NOT NULL,"
    " digest TEXT NOT NULL, data BLOB NOT NULL, checksum INTEGER NOT NULL) WITHOUT ROWID",
)
_KINDS = (Variable, Function, Class, Import)
_DEFAULTS = (("", "", 0), ((), "", "", (), 0), ((), (), "", ()), ("", ""))  # of each kind, what a row may leave out

_log = logging.getLogger(__name__)
_text = sys.intern  # raises TypeError for all but a str


@dataclass(frozen=True, slots=True)
class Stored:
    """A file as it was read: its size, time and hash, and its records (``encode``)."""

    n_bytes: int
    mtime_ns: int
    digest: str
    data: bytes


class SymbolFile:
    """The stored files; in memory alone where ``path`` is None. May be used from several threads. Never raises."""

    def __init__(self, path: Path | None, *, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        self._held = [self._opened()]
        weakref.finalize(self, _close, self._held)  # whoever is done with it need not say so

    def load(self) -> dict[str, Stored]:
        """All files by their paths."""
        with self._lock:
            rows = self._run(lambda database: database.execute("SELECT * FROM files").fetchall()) or []
        return {row[0]: Stored(*row[1:5]) for row in rows if _is_valid(row)}

    def paths(self) -> tuple[str, ...]:
        """The paths of all files."""
        with self._lock:
            rows = self._run(lambda database: database.execute("SELECT path FROM files").fetchall()) or []
        return tuple(path for (path,) in rows if isinstance(path, str))

    def get(self, path: str) -> Stored | None:
        """One file, if it is known, and if the database can be asked now: a completion waits for nobody who writes."""
        if not _is_unicode(path) or not self._lock.acquire(blocking=False):
            return None
        try:
            row = self._run(lambda database: _read_at_once(database, path))
        finally:
            self._lock.release()
        return Stored(*row[1:5]) if row and _is_valid(row) else None

    def put(self, rows: Mapping[str, Stored]) -> None:
        """Store files, instead of what is known of them."""
        values = [
            (path, row.n_bytes, row.mtime_ns, row.digest, row.data, zlib.crc32(row.data))
            for path, row in rows.items()
            if _is_unicode(path)
        ]
        self._change("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", values)

    def remove(self, paths: Iterable[str]) -> None:
        """Take files out."""
        self._change("DELETE FROM files WHERE path = ?", [(path,) for path in paths if _is_unicode(path)])

    def close(self) -> None:
        """Let go of the file; nothing may be asked after that."""
        with self._lock:
            _close(self._held)

    def _change(self, statement: str, values: list[tuple[Any, ...]]) -> None:
        def change(database: sqlite3.Connection) -> None:
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.executemany(statement, values)

        if values:
            with self._lock:
                self._run(change)

    def _run(self, ask: Callable[[sqlite3.Connection], Any]) -> Any:
        """What the database answers; None if another process keeps it busy. One that is damaged is created anew."""
        try:
            return ask(self._held[0])
        except sqlite3.ProgrammingError:  # closed
            return None
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as problem:
            if _is_busy(problem) or isinstance(problem, OverflowError):
                _log.info("the file of symbols is in use (%s); it is left as it is", problem)
                return None
            _close(self._held)
            self._held[:] = [self._opened(anew=not _is_refusal(problem))]
        try:
            return ask(self._held[0])
        except (sqlite3.Error, sqlite3.Warning):
            return None

    def _opened(self, *, anew: bool = False) -> sqlite3.Connection:
        path = self._path
        if path is None:
            return _in_memory()
        for discards in (anew, True):
            try:
                if discards:
                    _discard(path)
                return _connected(path, self._patience)
            except (sqlite3.Error, OSError, ValueError) as error:
                problem = error
                if not isinstance(error, sqlite3.DatabaseError) or _is_busy(error) or _is_refusal(error):
                    break  # else it is damaged, or no database at all
        _log.warning("symbols are kept in memory alone: %s (%s)", path, problem)
        self._path = None
        return _in_memory(path)


def _read_at_once(database: sqlite3.Connection, path: str) -> Any:
    (patience,) = database.execute("PRAGMA busy_timeout").fetchone()
    database.execute("PRAGMA busy_timeout = 0")
    try:
        return database.execute("SELECT * FROM files WHERE path = ?", (path,)).fetchone()
    finally:
        database.execute(f"PRAGMA busy_timeout = {int(patience)}")


def _close(held: list[sqlite3.Connection]) -> None:
    with suppress(sqlite3.Error):
        held[0].close()


def encode(module: Module) -> bytes:
    """The records of a file as bytes; what ``symbols`` and ``members`` map from are the names."""
    document = [
        [_row(symbol) for symbol in module.symbols.values()],
        module.exported,
        module.stars,
        [_row(each) for each in module.imports],
        int(module.is_open),
    ]
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode(data: bytes) -> Module | None:
    """What ``encode`` was given; None for other bytes."""
    try:
        symbols, exported, stars, imports, is_open = json.loads(data)
        return Module(
            symbols=_table(symbols),
            exported=None if exported is None else _texts(exported),
            stars=_texts(stars),
            imports=tuple(_symbol(*row) for row in imports),
            is_open=bool(is_open),
        )
    except (TypeError, LookupError, ValueError, RecursionError):
        return None


def _row(symbol: Symbol) -> list[Any]:
    """A symbol without the defaults at its end."""
    row: list[Any] = [_KINDS.index(type(symbol)), symbol.name, symbol.line]
    if isinstance(symbol, Variable):
        row += [symbol.annotation, symbol.value, int(symbol.on_instance)]
    elif isinstance(symbol, Function):
        parameters = [_short([each.name, each.annotation, each.default, each.kind]) for each in symbol.parameters]
        flags = symbol.is_async + 2 * symbol.is_generator
        row += [parameters, symbol.returns, symbol.result, symbol.decorators, flags]
    elif isinstance(symbol, Class):
        members = [_row(member) for member in symbol.members.values()]
        row += [symbol.bases, members, symbol.metaclass, symbol.decorators]
    else:
        row += [symbol.module, symbol.attribute]
    return _short(row)


def _short(row: list[Any]) -> list[Any]:
    while len(row) > 3 and not row[-1]:
        row.pop()
    return row


def _table(rows: list[list[Any]]) -> dict[str, Symbol]:
    return {_text(row[1]): _symbol(*row) for row in rows}


def _symbol(kind: int, name: str, line: int, *rest: Any) -> Any:
    """The symbol of a row."""
    name, fields = _text(name), [*rest, *_DEFAULTS[kind][len(rest) :]]
    if kind == 0:
        annotation, value, on_instance = fields
        return Variable(name, line, _text(annotation), _text(value), bool(on_instance))
    if kind == 1:
        parameters, returns, result, decorators, flags = fields
        known = tuple([_parameter(*each) for each in parameters])
        texts, is_async, is_generator = _texts(decorators), bool(flags & 1), bool(flags & 2)
        return Function(name, line, known, _text(returns), _text(result), texts, is_async, is_generator)
    if kind == 2:
        bases, members, metaclass, decorators = fields
        return Class(name, line, _texts(bases), _text(metaclass), _texts(decorators), _table(members))
    module, attribute = fields
    return Import(name, line, _text(module), _text(attribute))


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(map(_text, values))


@lru_cache(maxsize=16_384)  # most parameters are alike
def _parameter(name: str, annotation: str = "", default: str = "", kind: str = "") -> Parameter:
    return Parameter(_text(name), _text(kind), _text(annotation), _text(default))


def _connected(path: Path, patience: float) -> sqlite3.Connection:
    make_folder(path.parent)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    with suppress(OSError):
        path.chmod(0o600)
    database = sqlite3.connect(path, timeout=patience, isolation_level=None, check_same_thread=False)
    try:
        with database:
            database.execute("BEGIN IMMEDIATE")
            _prepare(database)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection) -> None:
    """Create the tables, anew where they are another version's."""
    database.execute(_TABLES[0])
    made_by = database.execute("SELECT made_by FROM facts").fetchall()
    if made_by != [(_MADE_BY,)]:
        database.execute("DROP TABLE IF EXISTS files")
        database.execute("DELETE FROM facts")
        database.execute("INSERT INTO facts VALUES (?)", (_MADE_BY,))
    database.execute(_TABLES[1])
    database.execute("SELECT path, n_bytes, mtime_ns, digest, data, checksum FROM files LIMIT 1").fetchall()


def _in_memory(path: Path | None = None) -> sqlite3.Connection:
    """A database in memory, with what a file holds that cannot be written."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        if path is not None:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as source:
                source.backup(database)
        _prepare(database)
    except (sqlite3.Error, OSError, ValueError):
        database.close()
        return _in_memory()
    return database


def _discard(path: Path) -> None:
    for file in (path, path.with_name(f"{path.name}-journal"), path.with_name(f"{path.name}-wal")):
        file.unlink(missing_ok=True)


def _is_busy(problem: Exception) -> bool:
    return isinstance(problem, sqlite3.OperationalError) and ("locked" in str(problem) or "busy" in str(problem))


def _is_refusal(problem: Exception) -> bool:
    """Whether the disk refuses, which a new file would not mend."""
    words = ("readonly", "read-only", "unable to open", "disk I/O", "full", "permission")
    return isinstance(problem, sqlite3.OperationalError) and any(word in str(problem) for word in words)


def _is_unicode(path: str) -> bool:
    """Whether a database takes the path: the name of a file may be any bytes."""
    return path.encode(errors="replace").decode() == path


def _is_valid(row: tuple[Any, ...]) -> bool:
    path, n_bytes, mtime_ns, digest, data, checksum = row
    return (
        isinstance(path, str)
        and type(n_bytes) is type(mtime_ns) is int
        and isinstance(digest, str)
        and isinstance(data, bytes)
        and zlib.crc32(data) == checksum
    )
