"""The standard library: one more environment, and what has no source text, taken from the Python that runs this.

Compiled modules are looked at where they are loaded already; others are loaded only if loading them does nothing else.
"""

import importlib
import os
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tinycoder.symbols.environment import FileRecords, PackageFolders
from tinycoder.symbols.modules import LIBRARY, Source
from tinycoder.symbols.records import Module, Variable
from tinycoder.symbols.types.introspection import class_record, module_record

COMPILED = frozenset(
    {"_bisect", "_bz2", "_contextvars", "_csv", "_heapq", "_json", "_lzma", "_queue", "_random", "_socket", "_sqlite3"}
    | {"_struct", "array", "binascii", "cmath", "fcntl", "grp", "math", "mmap", "pyexpat", "resource", "select"}
    | {"termios", "unicodedata", "zlib"}
)  # modules that may be loaded to see what they hold
PURE = {"_datetime": "_pydatetime", "_decimal": "_pydecimal"}  # the same in Python, with all parameters
OTHER_NAMES = {"collections.abc": "_collections_abc", "os.path": os.path.__name__}
HIDDEN = frozenset({"test"})  # Python's own tests, not those of a workspace
TEST_MODULES = ("__hello", "__phello", "_test", "_ctypes_test", "_xx", "xx")  # of use to Python's own tests alone
TYPES_BY_EXAMPLE = {"re": ("Match", "Pattern"), "types": ()}  # modules that write `Match = type(...)`; () for all


class Library:
    """The modules of a standard library in ``folder``, read by ``records``; may be used by several threads."""

    def __init__(self, folder: Path, records: FileRecords | None = None) -> None:
        hidden = HIDDEN | set(sys.builtin_module_names)
        paths = [folder, folder / "lib-dynload", folder.parent / "DLLs"]
        self._folders = PackageFolders(paths, origin=LIBRARY, hidden=hidden, records=records)
        self._compiled: dict[str, Module] = {}

    def find(self, name: str) -> Source | None:
        """The module called ``name``, also a compiled one."""
        if name in OTHER_NAMES:
            source = self._folders.find(OTHER_NAMES[name])
            return source and replace(source, name=name)
        if name in PURE and self._folders.find(PURE[name]):
            return None
        source = self._folders.find(name)
        if source is None and (name in sys.builtin_module_names or name in COMPILED):
            source = Source(name=name, path="", is_package=False, origin=LIBRARY)
        return source

    def record(self, source: Source) -> Module:
        """What a module defines."""
        name = source.name
        if source.path and name not in TYPES_BY_EXAMPLE:
            return self._folders.record(source)
        if name not in self._compiled:
            module = None if source.path or source.is_package else _loaded(name)
            record = module_record(module, name) if module else self._folders.record(source)
            self._compiled[name] = _with_types(name, record) if source.path else record
        return self._compiled[name]

    def submodules(self, name: str) -> tuple[str, ...]:
        """The last parts of the names of modules directly inside a package, sorted."""
        others = [other.rpartition(".")[2] for other in OTHER_NAMES if other.rpartition(".")[0] == name]
        return tuple(sorted({*self._folders.submodules(name), *others}))

    def top_level(self) -> Mapping[str, str]:
        """All modules that have no dot in their names, with their origin."""
        names = {*self._folders.top_level(), *sys.builtin_module_names}
        return dict.fromkeys(sorted(name for name in names if not name.startswith(TEST_MODULES)), LIBRARY)


def _loaded(name: str) -> Any:
    if name in sys.builtin_module_names or name in COMPILED:
        try:
            return importlib.import_module(name)
        except ImportError:
            return None
    return sys.modules.get(name) if name in sys.stdlib_module_names else None


def _with_types(name: str, record: Module) -> Module:
    """A record with the classes that the module's text makes by asking for the type of something."""
    module = importlib.import_module(name)
    symbols = dict(record.symbols)
    for each in TYPES_BY_EXAMPLE[name] or tuple(symbols):
        known, kind = symbols.get(each), getattr(module, each, None)
        if isinstance(known, Variable) and isinstance(kind, type):
            symbols[each] = replace(class_record(kind, name), name=each, line=known.line)
    return replace(record, symbols=symbols)
