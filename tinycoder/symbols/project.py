"""The symbols of a workspace's files: those on disk, and, laid over them, those of the open documents."""

from __future__ import annotations

import hashlib
import sys
import threading
import zlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tinycoder.errors import Cancelled
from tinycoder.symbols.environment import read_module
from tinycoder.symbols.import_forms import ImportForm, ImportForms, form_of
from tinycoder.symbols.interpreter import read_small
from tinycoder.symbols.module_names import ModuleNames
from tinycoder.symbols.name_index import CLASS, FUNCTION, MODULE, VARIABLE, Defined, NameIndex
from tinycoder.symbols.records import EMPTY, Class, Function, Import, Module
from tinycoder.symbols.symbol_file import Stored, SymbolFile, decode, encode

MAX_FILE_BYTES = 2_000_000
MAX_DECODED = 200  # records that are kept as objects
TEST_PREFIXES = ("test_", "Test")

PUT_FILES = 100  # that are read before they are stored


def never() -> bool:
    """A ``stop`` that lets everything go on to its end."""
    return False


def nothing(done: int, total: int) -> None:
    """A ``progress`` that tells nobody."""


@dataclass(frozen=True, kw_only=True)
class WorkspaceFile:
    """A file of the workspace: its path there, after its folder's label, and where it lies."""

    path: str
    location: Path


@dataclass(frozen=True, slots=True)
class _Summary:
    """Of a file, what is looked up by name across the workspace."""

    defined: tuple[Defined, ...]
    imports: tuple[Import, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _File:
    """``packed`` are the records, encoded and compressed."""

    n_bytes: int
    mtime_ns: int
    digest: str
    packed: bytes
    location: Path
    summary: _Summary


class Snapshot:
    """The symbols of all files at one moment. Does not change; may be used by several threads."""

    def __init__(
        self, files: Mapping[str, _File], overlays: Mapping[str, Module], base: _Base, decoded: _Decoded
    ) -> None:
        self._files = files
        self._overlays = overlays
        self._base = base
        self._decoded = decoded

    @cached_property
    def names(self) -> ModuleNames:
        """The names by which the files can be imported."""
        return self._base.names_with(path for path in self._overlays if path not in self._files)

    def __contains__(self, path: str) -> bool:
        return path in self._overlays or path in self._files

    def paths(self) -> list[str]:
        """The paths of all files, sorted."""
        return sorted({*self._files, *self._overlays})

    def location(self, path: str) -> Path | None:
        """Where a file lies; None for an open document that is on no disk yet."""
        file = self._files.get(path)
        return file.location if file else None

    def record(self, path: str) -> Module:
        """What a file defines; nothing for one that is not there."""
        if path in self._overlays:
            return self._overlays[path]
        file = self._files.get(path)
        return self._decoded.module(path, file) if file else EMPTY

    def starting(self, prefix: str) -> list[Defined]:
        """What the files define at top level, and the modules, that begin with ``prefix`` (see ``NameIndex``)."""
        found = [one for one in self._base.index.starting(prefix) if one.path not in self._overlays]
        return found + list(self._open_index.starting(prefix)) if self._overlays else found

    def named(self, name: str) -> list[Defined]:
        """The files' definitions of just this name."""
        found = [one for one in self._base.index.named(name) if one.path not in self._overlays]
        return found + list(self._open_index.named(name)) if self._overlays else found

    @cached_property
    def forms(self) -> ImportForms:
        """The forms of import that the files use."""
        return self._base.forms

    def max_dots(self, package: str) -> int:
        """The dots that imports within a top-level package begin with at most; 0 where most of them are absolute."""
        n_relative, n_absolute, most = self._base.dots.get(package.partition(".")[0], (0, 0, 0))
        return most if n_relative > n_absolute else 0

    @property
    def member_names(self) -> Mapping[str, int]:
        """Names that any class defines as a member, with the number of files that do."""
        return self._base.members

    def is_member(self, name: str) -> bool:
        """Whether any class of the workspace has a member of this name, also in an open document."""
        return name in self._base.members or any(name in _members(module) for module in self._overlays.values())

    @cached_property
    def _open_index(self) -> NameIndex:
        return NameIndex(one for path, module in self._overlays.items() for one in _defined(path, module))


class Project:
    """The symbols of the workspace whose folders' labels are ``roots``; kept in ``file``, if there is one.

    ``refresh`` runs in a thread of its own; everything else answers at once, from the ``snapshot`` before.
    """

    def __init__(self, file: SymbolFile | None = None, *, roots: Sequence[str] = ("",)) -> None:
        self._file = file
        self._roots = tuple(roots)
        self._lock = threading.Lock()
        self._files: dict[str, _File] = {}
        self._overlays: dict[str, Module] = {}
        self._decoded = _Decoded()
        self._base = _Base({}, self._roots)
        self._snapshot = Snapshot({}, {}, self._base, self._decoded)

    @property
    def snapshot(self) -> Snapshot:
        """The symbols as they are now."""
        return self._snapshot

    def open(self, path: str, module: Module) -> None:
        """Take an open document's symbols in place of the file's."""
        with self._lock:
            self._overlays = {**self._overlays, path: module}
            self._swap()

    def close(self, path: str) -> None:
        """Take the file's symbols again."""
        with self._lock:
            self._overlays = {other: module for other, module in self._overlays.items() if other != path}
            self._swap()

    def refresh(
        self,
        files: Iterable[WorkspaceFile],
        *,
        stop: Callable[[], bool] = never,
        progress: Callable[[int, int], None] = nothing,
    ) -> None:
        """Read the files that are new or changed; those that are not among ``files`` are forgotten.

        Raises ``Cancelled`` when ``stop`` says so; then everything is as it was.
        """
        wanted = list(files)
        known = self._files
        stored = self._file.load() if self._file and not known else {}
        fresh: dict[str, _File] = {}
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
            base = self._base if alike and known else _Base(fresh, self._roots)
            with self._lock:
                self._files, self._base = fresh, base
                self._swap()

    def _put(self, rows: Mapping[str, Stored]) -> None:
        if self._file:
            self._file.put(rows)

    def _swap(self) -> None:
        self._snapshot = Snapshot(self._files, self._overlays, self._base, self._decoded)


class _Decoded:
    """Records as objects, those that were used last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], Module] = OrderedDict()
        self._lock = threading.Lock()

    def module(self, path: str, file: _File) -> Module:
        key = path, file.digest
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        module = decode(zlib.decompress(file.packed))
        with self._lock:
            module = self._kept.setdefault(key, module)
            if len(self._kept) > MAX_DECODED:
                self._kept.popitem(last=False)
        return module


class _Base:
    """What is looked up across the files on disk."""

    def __init__(self, files: Mapping[str, _File], roots: Sequence[str]) -> None:
        self._paths = tuple(sorted(files))
        self._roots = roots
        self._extended: tuple[frozenset[str], ModuleNames] | None = None
        self.dots: dict[str, tuple[int, int, int]] = {}  # of a top-level package: relative, absolute imports, most dots
        plain = ModuleNames(self._paths, roots=roots)
        counts: Counter[ImportForm] = Counter()
        members: Counter[str] = Counter()
        for path, file in files.items():
            names = plain.names(path)
            package = _package(path, names[0] if names else "")
            self._count_dots(package, file.summary.imports)
            forms = {form for each in file.summary.imports if (form := form_of(each, package))}
            if _is_init(path):  # what it takes from its own package it passes on
                top = package.partition(".")[0]
                forms = {form for form in forms if form.module.partition(".")[0] != top}
            counts.update(forms)
            members.update(file.summary.members)
        self.forms = ImportForms(counts)
        self.members = members
        self.names = ModuleNames(self._paths, roots=roots, n_imports=self.forms.n_imports)
        self.index = NameIndex(one for file in files.values() for one in file.summary.defined)

    def _count_dots(self, package: str, imports: Iterable[Import]) -> None:
        top = package.partition(".")[0]
        n_relative, n_absolute, most = self.dots.get(top, (0, 0, 0))
        for each in imports if top else ():
            n_dots = len(each.module) - len(each.module.lstrip("."))
            n_relative += bool(n_dots)
            n_absolute += bool(each.attribute) and each.module.partition(".")[0] == top
            most = max(most, n_dots)
        self.dots[top] = n_relative, n_absolute, most

    def names_with(self, paths: Iterable[str]) -> ModuleNames:
        """The names of modules, also of these new files."""
        added = frozenset(paths)
        if not added:
            return self.names
        if self._extended is None or self._extended[0] != added:
            names = ModuleNames([*self._paths, *added], roots=self._roots, n_imports=self.forms.n_imports)
            self._extended = added, names
        return self._extended[1]


def _package(path: str, name: str) -> str:
    return name if _is_init(path) else name.rpartition(".")[0]


def _is_init(path: str) -> bool:
    return path.rpartition("/")[2].startswith("__init__.")


def _read(file: WorkspaceFile, known: _File | None, stored: Stored | None) -> tuple[_File | None, Stored | None]:
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
    if stored and (stored.n_bytes, stored.mtime_ns) == stamp:
        if made := _unpacked(file, stored):
            return made, None
        stored = None
    raw = read_small(file.location, MAX_FILE_BYTES)
    if raw is None:
        return known if status.st_size <= MAX_FILE_BYTES else None, None
    digest = hashlib.blake2b(raw, digest_size=16).hexdigest()
    if known and known.digest == digest:
        data = zlib.decompress(known.packed)
        made = _File(*stamp, digest, known.packed, file.location, known.summary)
    else:
        data = stored.data if stored and stored.digest == digest else encode(read_module(raw))
        made = _unpacked(file, Stored(*stamp, digest, data))
    return made, Stored(*stamp, digest, data)


def _unpacked(file: WorkspaceFile, stored: Stored) -> _File | None:
    """A file's symbols from what was stored; None if that is damaged."""
    try:
        module = decode(stored.data)
    except ValueError:
        return None
    packed = zlib.compress(stored.data, 1)
    summary = _summary(file.path, module)
    return _File(stored.n_bytes, stored.mtime_ns, stored.digest, packed, file.location, summary)


def _summary(path: str, module: Module) -> _Summary:
    path = sys.intern(path)
    unique = {(each.name, each.module, each.attribute): each for each in module.imports}
    imports = tuple(
        Import(sys.intern(name), 0, sys.intern(source), sys.intern(attribute)) for name, source, attribute in unique
    )
    return _Summary(tuple(_defined(path, module)), imports, tuple(sorted(map(sys.intern, _members(module)))))


def _defined(path: str, module: Module) -> Iterable[Defined]:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    shown = path.rpartition("/")[0].rpartition("/")[2] if stem == "__init__" else stem
    if shown.isidentifier() and not shown.startswith("__"):
        yield Defined(sys.intern(shown), MODULE, path, 1)
    is_test = stem.startswith("test_") or stem.endswith("_test")
    for name, symbol in module.symbols.items():
        if isinstance(symbol, Import) or (name.startswith("__") and name.endswith("__")):
            continue
        if is_test and name.startswith(TEST_PREFIXES):
            continue
        kind = CLASS if isinstance(symbol, Class) else FUNCTION if isinstance(symbol, Function) else VARIABLE
        yield Defined(sys.intern(name), kind, path, symbol.line)


def _members(module: Module) -> set[str]:
    """Names of members of all classes of a module, also of classes inside classes."""
    found: set[str] = set()
    pending = [symbol for symbol in module.symbols.values() if isinstance(symbol, Class)]
    while pending:
        members = pending.pop().members
        found.update(members)
        pending += [symbol for symbol in members.values() if isinstance(symbol, Class)]
    return found
