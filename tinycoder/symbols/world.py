"""All modules that a file can import: those of the workspace, of the standard library, and of the environment."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from functools import lru_cache

from tinycoder.symbols.environment import Environment, PackageFolders
from tinycoder.symbols.imports.forms import absolute
from tinycoder.symbols.interpreter import no_interpreter
from tinycoder.symbols.library import Library
from tinycoder.symbols.module_names import ModuleNames
from tinycoder.symbols.modules import LIBRARY, WORKSPACE, Definition, Source
from tinycoder.symbols.project import Project
from tinycoder.symbols.records import Import, Module, Symbol, Variable
from tinycoder.symbols.snapshot import Snapshot

MAX_STEPS = 200  # imports and stars that are followed for one name
_BUILTIN_MEMBERS = frozenset(
    name for kind in (str, bytes, int, float, list, tuple, dict, set, io.TextIOWrapper) for name in dir(kind)
)
Installed = tuple[PackageFolders, Library]
_library = lru_cache(maxsize=1)(Library)


class World:
    """A workspace's project and environment; ``view`` is asked for each question, and may be in any thread."""

    def __init__(self, project: Project, environment: Environment | None = None) -> None:
        self.project = project
        self._environment = environment or Environment(no_interpreter)
        self._lock = threading.Lock()
        self._found: dict[str, dict[str, Source | None]] = {}
        self._found_in: tuple[ModuleNames, Installed] | None = None

    def view(self, path: str = "") -> View:
        """The modules as the workspace's file at ``path`` may import them, as they are now."""
        installed = (
            self._environment.packages(),
            _library(self._environment.interpreter.library, self._environment.records),
        )
        snapshot = self.project.snapshot
        state = snapshot.names, installed
        with self._lock:
            if self._found_in != state:
                self._found_in, self._found = state, {}
            sources = self._found.setdefault(path.rpartition("/")[0], {})
        return View(snapshot, installed, path, sources)


class View:
    """The ``Modules`` as one file sees them. What it returned once it returns again, as the same object."""

    def __init__(self, snapshot: Snapshot, installed: Installed, path: str, sources: dict[str, Source | None]) -> None:
        self.snapshot = snapshot
        self.path = path
        self._packages, self._library = installed
        self._seen = path, snapshot, installed
        self._found = sources
        self._records: dict[str, Module] = {}
        self._public: dict[str, Mapping[str, Symbol | None]] = {}

    def is_like(self, other: View) -> bool:
        """Whether another view answers the same."""
        return self._seen == other._seen

    def find(self, name: str) -> Source | None:
        """The module called ``name``; a namespace package counts.

        The workspace's come first where they lie at a root or next to the asking file, else the standard library's;
        then other ones of the workspace, and those of the environment.
        """
        if name not in self._found:
            self._found[name] = self._find(name)
        return self._found[name]

    def own(self, path: str) -> Source | None:
        """The module that the workspace's file at ``path`` is; None if no name can be written for it."""
        names = self.snapshot.names.names(path)
        return _workspace_source(names[0], path) if names else None

    def record(self, source: Source) -> Module:
        """What the module defines; read when it is first asked for."""
        key = source.path or source.name
        module = self._records.get(key)
        if module is None:
            if source.origin == WORKSPACE:
                module = self.snapshot.record(source.path)
            else:
                module = (self._library if source.origin == LIBRARY else self._packages).record(source)
            self._records[key] = module
        return module

    def is_member(self, name: str) -> bool:
        """Whether a class of the workspace or a builtin one has a member of this name."""
        return name in _BUILTIN_MEMBERS or self.snapshot.is_member(name)

    def submodules(self, name: str) -> tuple[str, ...]:
        """The last parts of the names of modules directly inside a package, sorted."""
        source = self.find(name)
        if source is not None and source.origin == LIBRARY:
            return self._library.submodules(name)
        if source is None or not source.is_package:
            return ()
        own, installed = self.snapshot.names.submodules(name, self.path), self._packages.submodules(name)
        if not source.path:
            return tuple(sorted({*own, *installed}))
        return own if source.origin == WORKSPACE else installed

    def top_level(self) -> Mapping[str, str]:
        """All modules that have no dot in their names, with their origin."""
        own = dict.fromkeys(self.snapshot.names.top_level(self.path), WORKSPACE)
        others = {**self._packages.top_level(), **self._library.top_level()}
        return {**others, **{name: origin for name, origin in own.items() if self.origin(name) == origin}}

    def resolve(self, name: str, attribute: str) -> Definition | None:
        """What ``attribute`` of the module ``name`` is where it is defined: imports and stars are followed.

        With ``""`` the module itself.
        """
        return self._resolve(name, attribute, set())

    def public(self, name: str) -> Mapping[str, Symbol | None]:
        """The names that a module offers, star imports included, with the symbol as that module has it.

        ``None`` for a submodule that nothing in the module names. Private names come last.
        """
        if name not in self._public:
            self._public[name] = self._names(name, set())
        return self._public[name]

    def starred(self, name: str) -> Mapping[str, Symbol | None]:
        """What ``from name import *`` binds, as far as can be told: no private names, and no mere submodules."""
        source = self.find(name)
        exported = (self.record(source).exported if source else None) or ()
        return {
            each: symbol
            for each, symbol in self.public(name).items()
            if each in exported or not (symbol is None or each.startswith("_"))
        }

    def origin(self, name: str) -> str:
        """Where the module called ``name`` comes from; ``""`` if there is none."""
        source = self.find(name)
        return source.origin if source else ""

    def _find(self, name: str) -> Source | None:
        names = self.snapshot.names
        top, dot, _ = name.partition(".")
        first = names.find(top, self.path)
        file = names.find(name, self.path) if dot else first
        own = _workspace_source(name, file.path) if file else None
        if first is not None and not first.is_namespace:
            is_neighbour = first.base == self.path.rpartition("/")[0] + "/"
            if first.declared or is_neighbour or self._library.find(top) is None:
                return own
        if self._library.find(top) is not None:
            return self._library.find(name)
        installed = self._packages.find(name)
        if installed is not None and installed.path:
            return installed
        return own or installed

    def _resolve(self, name: str, attribute: str, seen: set[tuple[str, str]]) -> Definition | None:
        source = self.find(name)
        if source is None or (name, attribute) in seen or len(seen) > MAX_STEPS:
            return None
        if not attribute:
            return Definition(source=source, symbol=None)
        seen.add((name, attribute))
        record = self.record(source)
        symbol = record.symbols.get(attribute)
        if isinstance(symbol, Import):
            module = absolute(symbol.module, source.package)
            definition = self._resolve(module, symbol.attribute, seen)
            if definition is None and symbol.attribute:
                return self._resolve(f"{module}.{symbol.attribute}", "", seen)
            return definition
        if symbol is not None:
            return Definition(source=source, symbol=symbol)
        for star in record.stars:
            module = absolute(star, source.package)
            if self._gives(module, attribute) and (definition := self._resolve(module, attribute, seen)):
                return definition
        return self._resolve(f"{name}.{attribute}", "", seen)

    def _gives(self, name: str, attribute: str) -> bool:
        """Whether a star import of a module takes a name, if the module has it."""
        source = self.find(name)
        if source is None:
            return False
        exported = self.record(source).exported
        return attribute in exported if exported is not None else not attribute.startswith("_")

    def _names(self, name: str, seen: set[str]) -> Mapping[str, Symbol | None]:
        source = self.find(name)
        if source is None or name in seen or len(seen) > MAX_STEPS:
            return {}
        seen.add(name)
        record = self.record(source)
        own: dict[str, Symbol | None] = {}  # with what stars bring
        passed_on: dict[str, Symbol | None] = {}  # names of other modules that may be meant to be used from here
        others: dict[str, Symbol | None] = {}
        for each, symbol in record.symbols.items():
            if not isinstance(symbol, Import):
                own[each] = symbol
            elif symbol.module != "__future__" and (source.path or each in (record.exported or ())):
                (passed_on if _is_passed_on(symbol, source) else others)[each] = symbol
        for star in record.stars:
            target = absolute(star, source.package)
            for each, inner in self._names(target, seen).items():
                if self._gives(target, each):
                    own.setdefault(each, inner)
        submodules: dict[str, Symbol | None] = dict.fromkeys(self.submodules(name))
        every = {**submodules, **others, **passed_on, **own}
        listed = {each: every[each] if each in every else Variable(each, 1) for each in record.exported or ()}
        shown = dict.fromkeys((*listed, *own, *passed_on, *submodules, *(others if _shows_imports(source) else ())))
        return {each: listed[each] if each in listed else every[each] for each in sorted(shown, key=_privacy)}


def _workspace_source(name: str, path: str) -> Source:
    is_package = path.endswith(("/", "/__init__.py", "/__init__.pyi"))
    return Source(name=name, path="" if path.endswith("/") else path, is_package=is_package, origin=WORKSPACE)


def _is_passed_on(symbol: Import, source: Source) -> bool:
    """Whether a module that imports a name is likely to offer it as its own."""
    if symbol.module.startswith("."):
        return True
    top = symbol.module.partition(".")[0]
    return bool(symbol.attribute) and (top == source.name.partition(".")[0] or top.startswith("_"))


def _shows_imports(source: Source) -> bool:
    """Whether names that a module imported from elsewhere are seen in it: not in stubs, by their rules."""
    return bool(source.path) and source.origin != LIBRARY and not source.path.endswith(".pyi")


def _privacy(name: str) -> int:
    return 0 if not name.startswith("_") else 2 if name.startswith("__") else 1
