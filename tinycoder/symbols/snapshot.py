"""The symbols of a workspace's files at one moment, and what is looked up across them by name."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from tinycoder.symbols.imports.forms import ImportForm, ImportForms, form_of, n_dots
from tinycoder.symbols.module_names import ModuleNames
from tinycoder.symbols.name_index import MODULE, Defined, NameIndex, kind_of
from tinycoder.symbols.records import EMPTY, Class, Import, Module

TEST_PREFIXES = ("test_", "Test")


@dataclass(frozen=True, slots=True)
class Summary:
    """Of a file, what is looked up by name across the workspace."""

    defined: tuple[Defined, ...]
    imports: tuple[Import, ...]
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FileSymbols:
    """A file on disk, as it was when it was read."""

    n_bytes: int
    mtime_ns: int
    digest: str
    module: Module
    summary: Summary


@dataclass(frozen=True, eq=False)
class Overlay:
    """An open document."""

    path: str
    module: Module

    @cached_property
    def index(self) -> NameIndex[Defined]:
        """What it defines at top level."""
        return NameIndex(_defined(self.path, self.module))

    @cached_property
    def members(self) -> set[str]:
        """Names of members of its classes."""
        return _members(self.module)


class Snapshot:
    """The symbols of all files at one moment. Does not change; may be used by several threads."""

    def __init__(self, files: Mapping[str, FileSymbols], overlays: Mapping[str, Overlay], base: Across) -> None:
        self._files = files
        self._overlays = overlays
        self._base = base

    @cached_property
    def names(self) -> ModuleNames:
        """The names by which the files can be imported."""
        return self._base.names_with(path for path in self._overlays if path not in self._files)

    def paths(self) -> list[str]:
        """The paths of all files, sorted."""
        return sorted({*self._files, *self._overlays})

    def record(self, path: str) -> Module:
        """What a file defines; nothing for one that is not there."""
        if path in self._overlays:
            return self._overlays[path].module
        file = self._files.get(path)
        return file.module if file else EMPTY

    def starting(self, prefix: str) -> list[Defined]:
        """What the files define at top level, and the modules, that begin with ``prefix`` (see ``NameIndex``)."""
        return self._defined(lambda index: index.starting(prefix))

    def named(self, name: str) -> list[Defined]:
        """The files' definitions of just this name."""
        return self._defined(lambda index: index.named(name))

    def _defined(self, ask: Callable[[NameIndex[Defined]], Sequence[Defined]]) -> list[Defined]:
        defined = [one for one in ask(self._base.index) if one.path not in self._overlays]
        return defined + [one for overlay in self._overlays.values() for one in ask(overlay.index)]

    @cached_property
    def forms(self) -> ImportForms:
        """The forms of import that the files use; those of the open documents where only these may be read."""
        if self._files or not self._overlays:
            return self._base.forms
        imports = ((path, each.module.imports) for path, each in self._overlays.items())
        return ImportForms(_count_forms(imports, self.names))

    def max_dots(self, package: str) -> int:
        """The dots that imports within a top-level package begin with at most; 0 where most of them are absolute."""
        n_relative, n_absolute, most = self._base.dots.get(package.partition(".")[0], (0, 0, 0))
        return most if n_relative > n_absolute else 0

    def is_member(self, name: str) -> bool:
        """Whether any class of the workspace has a member of this name, also in an open document."""
        return name in self._base.members or any(name in overlay.members for overlay in self._overlays.values())


class Across:
    """What is looked up across the files on disk."""

    def __init__(self, files: Mapping[str, FileSymbols], roots: Sequence[str]) -> None:
        self._paths = tuple(sorted(files))
        self._roots = roots
        self._extended: tuple[frozenset[str], ModuleNames] | None = None
        self.dots: dict[str, tuple[int, int, int]] = {}  # of a top-level package: relative, absolute imports, most dots
        plain = ModuleNames(self._paths, roots=roots)
        members: Counter[str] = Counter()
        for path, file in files.items():
            self._count_dots(_package(path, plain), file.summary.imports)
            members.update(file.summary.members)
        self.forms = ImportForms(_count_forms(((path, file.summary.imports) for path, file in files.items()), plain))
        self.members = members
        self.names = ModuleNames(self._paths, roots=roots, n_imports=self.forms.n_imports)
        self.index = NameIndex(one for file in files.values() for one in file.summary.defined)

    def _count_dots(self, package: str, imports: Iterable[Import]) -> None:
        top = package.partition(".")[0]
        n_relative, n_absolute, most = self.dots.get(top, (0, 0, 0))
        for each in imports if top else ():
            dots = n_dots(each.module)
            n_relative += bool(dots)
            n_absolute += bool(each.attribute) and each.module.partition(".")[0] == top
            most = max(most, dots)
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


def _count_forms(imports: Iterable[tuple[str, Iterable[Import]]], names: ModuleNames) -> Counter[ImportForm]:
    """How many of some files, given with their imports, use each form."""
    counts: Counter[ImportForm] = Counter()
    for path, imported in imports:
        package = _package(path, names)
        forms = {form for each in imported if (form := form_of(each, package))}
        if _is_init(path):  # what it takes from its own package it passes on
            top = package.partition(".")[0]
            forms = {form for form in forms if form.module.partition(".")[0] != top}
        counts.update(forms)
    return counts


def _package(path: str, names: ModuleNames) -> str:
    name = next(iter(names.names(path)), "")
    return name if _is_init(path) else name.rpartition(".")[0]


def _is_init(path: str) -> bool:
    return path.rpartition("/")[2].startswith("__init__.")


def summary_of(path: str, module: Module) -> Summary:
    """What a file contributes to the tables of names."""
    path = sys.intern(path)
    unique = {(each.name, each.module, each.attribute): each for each in module.imports}
    return Summary(
        tuple(_defined(path, module)), tuple(unique.values()), tuple(sorted(map(sys.intern, _members(module))))
    )


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
        yield Defined(sys.intern(name), kind_of(symbol), path, symbol.line)


def _members(module: Module) -> set[str]:
    """Names of members of all classes of a module, also of classes inside classes."""
    names: set[str] = set()
    pending = [symbol for symbol in module.symbols.values() if isinstance(symbol, Class)]
    while pending:
        members = pending.pop().members
        names.update(members)
        pending += [symbol for symbol in members.values() if isinstance(symbol, Class)]
    return names
