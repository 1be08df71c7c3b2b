"""Modules in the folders of an environment: found by listing folders, read from their text when first asked for."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tinycoder.storage.forget_list import NOTHING_FORGOTTEN, Forgotten, true_path
from tinycoder.symbols.interpreter import Interpreter, read_small
from tinycoder.symbols.modules import ENVIRONMENT, Source
from tinycoder.symbols.records import EMPTY, Module
from tinycoder.symbols.source.live import LiveReader
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.symbol_file import Stored, SymbolFile, decode, encode
from tinycoder.workspace import python_file

MAX_FILE_BYTES = 2_000_000
MAX_RECORDS = 500  # of files that are kept: about 5 MB of source text, and half as much memory
CHECK_S = 3.0  # seconds between two looks at whether an environment has changed
STUBS = "-stubs"
_FOLDER, _PY, _PYI, _COMPILED = 1, 2, 4, 8
_MODULE = _PY | _PYI | _COMPILED
_EXTENSIONS = (".so", ".pyd", ".pyc")
_NO_MODULES = frozenset({"__pycache__", "__init__", "__main__"})


class FileRecords:
    """What files define, kept until they change: MAX_RECORDS in memory, all in ``file``, if there is one.

    May be used by several threads.
    """

    def __init__(self, file: SymbolFile | None = None) -> None:
        self._file = file
        self._forgotten = NOTHING_FORGOTTEN
        self._fresh: dict[str, tuple[int, int, Module]] = {}  # what the file does not have yet
        self._is_tidy = file is None
        self._cached = lru_cache(maxsize=MAX_RECORDS)(self._read)

    def read(self, path: str) -> Module:
        """What a file defines; nothing for one that is missing, forgotten, too large or no text."""
        try:
            status = Path(path).stat()
            if self._is_forgotten(path):
                return EMPTY
            return self._cached(path, status.st_size, status.st_mtime_ns)
        except (OSError, ValueError):
            return EMPTY

    def forget(self, forgotten: Forgotten) -> None:
        """Read these files no more, nor keep what they define."""
        if forgotten != self._forgotten:
            self._forgotten = forgotten
            self._cached.cache_clear()
            self._is_tidy = self._file is None

    def keep(self) -> None:
        """Keep on the disk what was read since this was called last. Files that are gone or forgotten are dropped."""
        rows = {}
        while self._fresh:
            path, (n_bytes, mtime_ns, module) = self._fresh.popitem()
            if not self._is_forgotten(path):
                rows[path] = Stored(n_bytes, mtime_ns, "", encode(module))
        if self._file:
            self._file.put(rows)
        if self._file and not self._is_tidy:
            self._is_tidy = True
            self._file.remove([path for path in self._file.paths() if _is_gone(path) or self._is_forgotten(path)])

    def _read(self, path: str, n_bytes: int, mtime_ns: int) -> Module:
        stored = self._file.get(path) if self._file else None
        if stored and (stored.n_bytes, stored.mtime_ns) == (n_bytes, mtime_ns) and (known := decode(stored.data)):
            return known
        raw = read_small(Path(path), MAX_FILE_BYTES)
        if raw is None:
            raise OSError(path)  # perhaps it can be read later: nothing is kept of it
        module = read_module(raw)
        if self._file:
            self._fresh[path] = n_bytes, mtime_ns, module
        return module

    def _is_forgotten(self, path: str) -> bool:
        return bool(self._forgotten.paths) and self._forgotten.holds(true_path(Path(path)))


def _is_gone(path: str) -> bool:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except (OSError, ValueError):
        pass  # it cannot be looked at now
    return False


def read_module(raw: bytes) -> Module:
    """What a file's text defines, also where it is of another Python version or has errors."""
    if module := read_source(raw):
        return module
    text, unreadable = python_file.decode(raw)
    return LiveReader().update(raw.decode("utf-8", "replace") if unreadable else text)


_RECORDS = FileRecords()  # for whoever keeps none


@dataclass(frozen=True, slots=True)
class _Found:
    """A module: where its text is, and the folders that its submodules are in."""

    path: str
    is_package: bool
    folders: tuple[str, ...] = ()
    stub_folders: tuple[str, ...] = ()


class PackageFolders:
    """The modules below some folders as they are now; the first folder that has a name wins, as in ``sys.path``.

    A stub is read instead of its module, from a package ``X-stubs`` before one next to it. ``hidden`` are top-level
    names that are left out, ``records`` what reads the files.
    """

    def __init__(
        self,
        search_paths: Sequence[Path],
        *,
        origin: str = ENVIRONMENT,
        hidden: Iterable[str] = (),
        records: FileRecords | None = None,
    ) -> None:
        self._records = records or _RECORDS
        self._paths = tuple(str(path) for path in search_paths)
        self._origin = origin
        self._hidden = frozenset(hidden)
        self._listings: dict[str, dict[str, int]] = {}
        self._found: dict[str, _Found | None] = {}
        self._top_level: Mapping[str, str] | None = None

    def find(self, name: str) -> Source | None:
        """The module called ``name``; a namespace package counts."""
        module = self._look_up(name)
        if module is None:
            return None
        return Source(name=name, path=module.path, is_package=module.is_package, origin=self._origin)

    def record(self, source: Source) -> Module:
        """What a module defines; nothing for one without text."""
        return self._records.read(source.path) if source.path else EMPTY

    def submodules(self, name: str) -> tuple[str, ...]:
        """The last parts of the names of modules directly inside a package, sorted."""
        module = self._look_up(name)
        if module is None or not module.is_package:
            return ()
        return tuple(_shown(self._modules_in((*module.stub_folders, *module.folders))))

    def top_level(self) -> Mapping[str, str]:
        """All modules that have no dot in their names, with their origin."""
        if self._top_level is None:
            names = {name.removesuffix(STUBS) for name in self._modules_in(self._paths)}
            self._top_level = dict.fromkeys(_shown(names - self._hidden), self._origin)
        return self._top_level

    def _modules_in(self, folders: Iterable[str]) -> set[str]:
        """The names of modules and packages, and of ``X-stubs``, directly inside some folders."""
        return {
            name
            for folder in folders
            for name, flags in self._listing(folder).items()
            if flags & _MODULE or self._is_package(folder, name)
        }

    def _look_up(self, name: str) -> _Found | None:
        if name in self._found:
            return self._found[name]
        parent, _, last = name.rpartition(".")
        module = None
        if last.isidentifier() and last not in _NO_MODULES:
            if parent:
                above = self._look_up(parent)
                if above is not None and above.is_package:
                    module = _joined(self._inside(above.folders, last), self._inside(above.stub_folders, last))
            elif name not in self._hidden:
                stubs = [path for path in self._paths if self._listing(path).get(name + STUBS, 0) & _FOLDER]
                module = self._inside(self._paths, last)
                for path in stubs:
                    module = _joined(module, self._inside([path], name + STUBS))
        self._found[name] = module
        return module

    def _inside(self, folders: Sequence[str], name: str) -> _Found | None:
        """The module ``name`` directly inside one of the folders."""
        portions = []
        for folder in folders:
            flags = self._listing(folder).get(name, 0)
            path = os.path.join(folder, name)  # noqa: PTH118 - many, and strings are smaller
            if flags & _FOLDER:
                inner = self._listing(path).get("__init__", 0)
                if inner & _MODULE:
                    return _Found(_text(os.path.join(path, "__init__"), inner), True, (path,))  # noqa: PTH118
            if flags & _MODULE:
                return _Found(_text(path, flags), False)
            if flags & _FOLDER:
                portions.append(path)
        return _Found("", True, tuple(portions)) if portions else None

    def _is_package(self, folder: str, name: str) -> bool:
        """Whether a folder holds Python modules, directly or, as for ``google``, one level below."""
        if name in _NO_MODULES or not self._listing(folder).get(name, 0) & _FOLDER:
            return False
        path = os.path.join(folder, name)  # noqa: PTH118
        listing = self._listing(path)
        if any(flags & _MODULE for flags in listing.values()):
            return True
        below = (os.path.join(path, inner) for inner in list(listing)[:50])  # noqa: PTH118
        return any(self._listing(inner).get("__init__", 0) & _MODULE for inner in below)

    def _listing(self, folder: str) -> dict[str, int]:
        """What a folder holds: names of modules and folders, with the sorts of entries of each."""
        if folder not in self._listings:
            names: dict[str, int] = {}
            try:
                with os.scandir(folder) as entries:
                    for entry in entries:
                        name, dot, rest = entry.name.partition(".")
                        if not dot:
                            flags = _FOLDER if name.removesuffix(STUBS).isidentifier() and entry.is_dir() else 0
                        else:
                            flags = {"py": _PY, "pyi": _PYI}.get(rest, 0)
                            flags = flags or _COMPILED * entry.name.endswith(_EXTENSIONS)
                        if flags:
                            names[name] = names.get(name, 0) | flags
            except OSError:
                pass
            self._listings[folder] = names
        return self._listings[folder]


def _shown(names: set[str]) -> list[str]:
    return sorted(name for name in names - _NO_MODULES if name.isidentifier())


def _text(path: str, flags: int) -> str:
    """The file that tells what a module defines: its stub, if it has one."""
    return f"{path}.pyi" if flags & _PYI else f"{path}.py" if flags & _PY else ""


def _joined(module: _Found | None, stub: _Found | None) -> _Found | None:
    """A module with what a stubs package says of it; such a package may be partial."""
    if stub is None or module is None:
        return module or (stub and _Found(stub.path, stub.is_package, (), stub.folders))
    is_package = module.is_package or stub.is_package
    return _Found(stub.path or module.path, is_package, module.folders, stub.folders)


class Environment:
    """The packages of the workspace's interpreter; where the environment changes, they are looked at again.

    ``find`` says which interpreter it is, and is asked every ``CHECK_S`` seconds at most, by ``now``. May be used by
    several threads.
    """

    def __init__(
        self,
        find: Callable[[], Interpreter],
        *,
        now: Callable[[], float] = time.monotonic,
        records: FileRecords | None = None,
    ) -> None:
        self.records = records or _RECORDS  # of its files
        self._find = find
        self._now = now
        self._lock = threading.Lock()
        self._checked = now()
        self.interpreter = find()  # as it was found last
        self._stamp = _stamp(self.interpreter)
        self._packages = PackageFolders(self.interpreter.search_paths, records=self.records)

    def packages(self) -> PackageFolders:
        """The packages as they are; another object once anything changed."""
        with self._lock:
            if self._now() - self._checked >= CHECK_S:
                self._checked = self._now()
                interpreter = self._find()
                stamp = _stamp(interpreter)
                if (interpreter, stamp) != (self.interpreter, self._stamp):
                    self.interpreter, self._stamp = interpreter, stamp
                    self._packages = PackageFolders(interpreter.search_paths, records=self.records)
            return self._packages


def _stamp(interpreter: Interpreter) -> tuple[int, ...]:
    """What changes when something is installed."""
    stamps = []
    for path in interpreter.search_paths:
        try:
            stamps.append(path.stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)
