"""What the standard library's modules hold, read from their source text and never by running it.

Compiled modules have no source text; it loads those few that do nothing when they are loaded, and looks at others if
they are there already. Knows the library of the Python that runs it, and nothing of other packages.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

LARGEST = 1_000_000  # bytes of a source file that is read
DEEPEST = 4  # modules that take their names from one another
COMPILED = frozenset(
    {"_decimal", "_socket", "_sqlite3", "array", "binascii", "cmath", "fcntl", "math", "mmap", "select", "zlib"}
)

TOP_LEVEL = tuple(sorted(name for name in sys.stdlib_module_names if not name.startswith("_")))


@dataclass(frozen=True, kw_only=True)
class _Module:
    names: tuple[str, ...] = ()
    exported: tuple[str, ...] = ()  # what a star takes
    classes: dict[str, tuple[str, ...]] = field(default_factory=dict)


_EMPTY = _Module()


@lru_cache(maxsize=512)
def members(dotted: str) -> tuple[str, ...]:
    """Public names of a module or of a class in one, such as ``os.path`` or ``pathlib.Path``; of anything else none."""
    if dotted.partition(".")[0] not in sys.stdlib_module_names:
        return ()
    names = _module(dotted, 0).names
    if names or "." not in dotted:
        return tuple(dict.fromkeys(names + submodules(dotted)))
    parent, _, name = dotted.rpartition(".")
    return _module(parent, 0).classes.get(name, ()) or submodules(dotted)


_OTHER_NAMES = {"os.path": os.path.__name__, "collections.abc": "_collections_abc"}  # modules without a file of theirs


@lru_cache(maxsize=256)
def submodules(dotted: str) -> tuple[str, ...]:
    """Public modules and packages directly inside a package."""
    if dotted == "os":
        return ("path",)
    if dotted == "collections":
        return ("abc",)
    folder = _place(dotted)
    if folder is None:
        return ()
    try:
        entries = [entry for entry in folder.iterdir() if not entry.name.startswith("_")]
        found = {entry.stem for entry in entries if entry.suffix == ".py"}
        found |= {entry.name for entry in entries if (entry / "__init__.py").is_file()}
    except OSError:
        return ()
    return tuple(sorted(name for name in found if name.isidentifier()))


@lru_cache(maxsize=256)
def _module(dotted: str, depth: int) -> _Module:
    if dotted in _OTHER_NAMES:
        dotted = _OTHER_NAMES[dotted]
    place = _place(dotted)
    if place is None or depth > DEEPEST:
        return _EMPTY
    for file in (place / "__init__.py", place.with_name(place.name + ".py")):
        try:
            if file.stat().st_size <= LARGEST:
                return _read(dotted, ast.parse(file.read_bytes()), file.name == "__init__.py", depth)
        except OSError:
            continue
        except (SyntaxError, ValueError, RecursionError):
            return _EMPTY
    names = _loaded(dotted)
    return _Module(names=names, exported=names)


def _place(dotted: str) -> Path | None:
    """Where a module of the library would be, as a folder or with ``.py`` after it."""
    parts = dotted.split(".")
    if parts[0] not in sys.stdlib_module_names or not all(part.isidentifier() for part in parts):
        return None
    return Path(sysconfig.get_path("stdlib"), *parts)


def _loaded(dotted: str) -> tuple[str, ...]:
    """Names of a compiled module."""
    module = sys.modules.get(dotted)
    if dotted in sys.builtin_module_names or dotted in COMPILED:
        try:
            module = importlib.import_module(dotted)
        except ImportError:
            return ()
    return tuple(sorted(_public(list(vars(module))))) if module else ()


def _read(dotted: str, tree: ast.Module, is_package: bool, depth: int) -> _Module:
    listed: dict[str, None] = {}
    own: dict[str, None] = {}
    taken: dict[str, None] = {}
    classes: dict[str, tuple[str, ...]] = {}
    for node in _statements(tree.body):
        if isinstance(node, ast.ImportFrom):
            source = _absolute(node, dotted if is_package else dotted.rpartition(".")[0])
            if node.names[0].name == "*":
                other = _module(source, depth + 1)
                taken.update(dict.fromkeys(other.exported))
                classes.update(other.classes)
            elif node.module and (node.level or source.startswith("_")):
                taken.update(dict.fromkeys(alias.asname or alias.name for alias in node.names))
        elif _is_list_of_names(node):
            listed.update(dict.fromkeys(_strings(node)))
        else:
            own.update(dict.fromkeys(_bound(node)))
            if isinstance(node, ast.ClassDef):
                classes[node.name] = _class_members(node, classes)
    names = tuple(dict.fromkeys(_public([*listed, *own, *taken])))
    return _Module(names=names, exported=tuple(listed) or names, classes=classes)


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run when the module is imported, those under ``if``, ``try`` and ``with`` too."""
    for node in body:
        if isinstance(node, (ast.If, ast.Try, ast.With, ast.For, ast.While)):
            for name in ("body", "handlers", "orelse", "finalbody"):
                for inner in getattr(node, name, ()):
                    yield from _statements(inner.body if isinstance(inner, ast.ExceptHandler) else [inner])
        else:
            yield node


def _absolute(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".") if node.level else []
    parts = parts[: len(parts) - max(node.level - 1, 0)]
    return ".".join([*parts, *([node.module] if node.module else [])])


def _is_list_of_names(node: ast.stmt) -> bool:
    """Whether the statement makes or extends ``__all__``."""
    target: ast.expr | None = None
    if isinstance(node, ast.Assign):
        target = node.targets[0]
    elif isinstance(node, (ast.AugAssign, ast.AnnAssign)):
        target = node.target
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        target = node.value.func.value if isinstance(node.value.func, ast.Attribute) else None
    return isinstance(target, ast.Name) and target.id == "__all__"


def _strings(node: ast.stmt) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str) and inner.value.isidentifier():
            yield inner.value


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a statement defines or assigns."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    for target in targets:
        for inner in target.elts if isinstance(target, ast.Tuple) else [target]:
            if isinstance(inner, ast.Name):
                yield inner.id


def _class_members(node: ast.ClassDef, classes: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
    """What the class and those it derives from define; bases of other modules are not looked up."""
    found = [name for inner in _statements(node.body) for name in _bound(inner)]
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.ctx, ast.Store):
            found += [inner.attr] if isinstance(inner.value, ast.Name) and inner.value.id == "self" else []
    for base in node.bases:
        if isinstance(base, ast.Name):
            found += classes.get(base.id) or dir(getattr(builtins, base.id, object))
    return tuple(dict.fromkeys(_public(found)))


def _public(names: Iterable[str]) -> Iterator[str]:
    return (name for name in names if not name.startswith("_"))
