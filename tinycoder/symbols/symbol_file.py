"""Records on disk: what each file of a workspace defines, with what tells whether the file has changed.

A database of ``sqlite3`` that several processes may use at once. It holds nothing that cannot be read again: one that
is damaged, foreign or of another version is created anew, and where the disk refuses all is kept in memory.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
import sys
import threading
import weakref
import zlib
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
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
_VARIABLE, _FUNCTION, _CLASS, _IMPORT = range(4)

_log = logging.getLogger(__name__)
_parameter = lru_cache(maxsize=16_384)(Parameter)  # most parameters are alike


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

    @property
    def _database(self) -> sqlite3.Connection:
        return self._held[0]

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
            return ask(self._database)
        except sqlite3.ProgrammingError:  # closed
            return None
        except (sqlite3.Error, sqlite3.Warning, OverflowError) as problem:
            if _is_busy(problem) or isinstance(problem, OverflowError):
                _log.info("the file of symbols is in use (%s); it is left as it is", problem)
                return None
            _close(self._held)
            self._held[:] = [self._opened(anew=not _is_refusal(problem))]
        try:
            return ask(self._database)
        except (sqlite3.Error, sqlite3.Warning):
            return None

    def _opened(self, *, anew: bool = False) -> sqlite3.Connection:
        path = self._path
        if path is None:
            return _in_memory()
        problem: Exception
        try:
            if anew:
                _discard(path)
            try:
                return _connected(path, self._patience)
            except sqlite3.DatabaseError as error:
                if _is_busy(error) or _is_refusal(error):
                    raise
                _discard(path)  # damaged, or no database at all
                return _connected(path, self._patience)
        except (sqlite3.Error, OSError, ValueError) as error:
            problem = error
        _log.warning("symbols are kept in memory alone: %s (%s)", path, problem)
        self._path = None
        return _copy_in_memory(path)


def _close(held: list[sqlite3.Connection]) -> None:
    with suppress(sqlite3.Error):
        held[0].close()


def encode(module: Module) -> bytes:
    """The records of a file as bytes; what ``symbols`` and ``members`` map from are the names."""
    document = [
        [_row(symbol) for symbol in module.symbols.values()],
        None if module.exported is None else list(module.exported),
        list(module.stars),
        [_row(each) for each in module.imports],
        int(module.is_open),
    ]
    return json.dumps(document, separators=(",", ":")).encode("ascii")


def decode(data: bytes) -> Module:
    """What ``encode`` was given. Raises ``ValueError`` for any other bytes."""
    try:
        symbols, exported, stars, imports, is_open = json.loads(data)
        return Module(
            symbols=_table(symbols),
            exported=None if exported is None else _texts(exported),
            stars=_texts(stars),
            imports=tuple(_import(*row[1:]) for row in imports),
            is_open=bool(_number(is_open)),
        )
    except (TypeError, LookupError, ValueError, RecursionError) as error:
        raise ValueError(f"these are no records: {error}") from None


def _row(symbol: Symbol) -> list[Any]:
    """A symbol without the defaults at its end."""
    row: list[Any]
    if isinstance(symbol, Variable):
        row = [_VARIABLE, symbol.name, symbol.line, symbol.annotation, symbol.value, int(symbol.on_instance)]
    elif isinstance(symbol, Function):
        parameters = [_short([each.name, each.annotation, each.default, each.kind]) for each in symbol.parameters]
        flags = symbol.is_async + 2 * symbol.is_generator
        row = [_FUNCTION, symbol.name, symbol.line, parameters, symbol.returns, symbol.result]
        row += [list(symbol.decorators), flags]
    elif isinstance(symbol, Class):
        members = [_row(member) for member in symbol.members.values()]
        row = [_CLASS, symbol.name, symbol.line, list(symbol.bases), members, symbol.metaclass, list(symbol.decorators)]
    else:
        row = [_IMPORT, symbol.name, symbol.line, symbol.module, symbol.attribute]
    return _short(row)


def _short(row: list[Any]) -> list[Any]:
    while len(row) > 3 and not row[-1]:
        row.pop()
    return row


def _table(rows: list[Any]) -> dict[str, Symbol]:
    table: dict[str, Symbol] = {}
    for row in rows:
        symbol = _MAKERS[row[0]](*row[1:])
        table[symbol.name] = symbol
    return table


def _variable(name: str, line: int, annotation: str = "", value: str = "", on_instance: int = 0) -> Variable:
    return Variable(_text(name), _number(line), _text(annotation), _text(value), bool(on_instance))


def _function(
    name: str,
    line: int,
    parameters: Iterable[list[str]] = (),
    returns: str = "",
    result: str = "",
    decorators: Iterable[str] = (),
    flags: int = 0,
) -> Function:
    found = tuple(_parameter_of(*row) for row in parameters)
    is_async, is_generator = bool(flags & 1), bool(flags & 2)
    line = _number(line)
    return Function(_text(name), line, found, _text(returns), _text(result), _texts(decorators), is_async, is_generator)


def _parameter_of(name: str, annotation: str = "", default: str = "", kind: str = "") -> Parameter:
    return _parameter(_text(name), _text(kind), _text(annotation), _text(default))


def _class(
    name: str,
    line: int,
    bases: Iterable[str] = (),
    members: Iterable[Any] = (),
    metaclass: str = "",
    decorators: Iterable[str] = (),
) -> Class:
    table = _table(list(members))
    return Class(_text(name), _number(line), _texts(bases), _text(metaclass), _texts(decorators), table)


def _import(name: str, line: int, module: str = "", attribute: str = "") -> Import:
    return Import(_text(name), _number(line), _text(module), _text(attribute))


_MAKERS: dict[int, Any] = {_VARIABLE: _variable, _FUNCTION: _function, _CLASS: _class, _IMPORT: _import}


def _text(value: str) -> str:
    return sys.intern(value)  # raises TypeError for anything else


def _texts(values: Iterable[str]) -> tuple[str, ...]:
    if isinstance(values, str):
        raise TypeError("a list is wanted")
    return tuple(map(sys.intern, values))


def _number(value: int) -> int:
    if type(value) is not int:
        raise TypeError("a number is wanted")
    return value


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


def _in_memory() -> sqlite3.Connection:
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    _prepare(database)
    return database


def _copy_in_memory(path: Path) -> sqlite3.Connection:
    """What a file that cannot be written holds."""
    database = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    try:
        source = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        try:
            source.backup(database)
        finally:
            source.close()
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
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_valid(row: tuple[Any, ...]) -> bool:
    path, n_bytes, mtime_ns, digest, data, checksum = row
    return (
        isinstance(path, str)
        and type(n_bytes) is type(mtime_ns) is int
        and isinstance(digest, str)
        and isinstance(data, bytes)
        and zlib.crc32(data) == checksum
    )
