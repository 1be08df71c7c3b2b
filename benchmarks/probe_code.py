"""What a workspace's own files define, read with ``ast``, and the words that stand in it or in the language.

Only what can be read off without doubt is kept as something to ask about: names bound once, functions without
decorators, classes without metaclass. Nothing of the workspace is run.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import io
import json
import keyword
import os
import platform
import re
import sys
import tempfile
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

WORD = re.compile(r"[^\W\d]\w*")
READABLE = frozenset(  # decorators that leave a class's members as they are written
    {
        "dataclass",
        "dataclasses.dataclass",
        "total_ordering",
        "functools.total_ordering",
        "final",
        "runtime_checkable",
    }
)
ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag"})
OPAQUE = ENUMS | {"TypedDict", "NamedTuple", "Protocol", "Structure", "BaseModel", "BaseSettings"}
SOURCE_ROOTS = ("src", "lib")
NOT_IMPORTED = ("setup", "conftest", "noxfile")  # and tests: scripts that nobody imports by name
NO_LIBRARY = frozenset(
    {"test", "tests", "idlelib", "lib2to3", "site-packages", "turtledemo", "pydoc_data", "encodings"}
)
COMPILED = (  # beside those that are built in
    *("math", "array", "unicodedata", "zlib", "select", "_socket", "_ssl", "_sqlite3", "_struct", "pyexpat"),
    *("_ctypes", "_csv", "_json"),
)


@dataclass(frozen=True, kw_only=True)
class Public:
    """A name that one statement of a module binds; ``parameters`` only of functions without decorators."""

    name: str
    kind: str
    parameters: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Module:
    """What can be asked about, and all names that the module has."""

    public: tuple[Public, ...]
    bound: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Class:
    """A class whose members (by name: ``method`` or ``attribute``) can be read off, and the last parts of its bases."""

    members: dict[str, str]
    bases: tuple[str, ...]


@dataclass
class Code:
    """All that the files under a folder define. ``files`` holds the texts that parse, by path."""

    modules: dict[str, Module] = field(default_factory=dict)
    classes: dict[tuple[str, str], Class] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    words: set[str] = field(default_factory=set)

    def is_itself(self, module: str) -> bool:
        """Whether ``import MODULE as it`` binds the module: no name in its package hides it."""
        package, _, last = module.rpartition(".")
        return not package or package not in self.modules or last not in self.modules[package].bound

    def names_of(self, module: str) -> set[str]:
        """What may stand after ``from MODULE import`` or after the module and a dot."""
        inside = {name[len(module) + 1 :].split(".")[0] for name in self.modules if name.startswith(f"{module}.")}
        return self.modules[module].bound | inside

    def members_of(self, module: str, name: str) -> set[str]:
        """The members of a class and of its bases, of those that the workspace or the language has by these names."""
        names, bases, seen = set(self.classes[module, name].members), [*self.classes[module, name].bases], {name}
        while bases:
            base = bases.pop()
            if base in seen:
                continue
            seen.add(base)
            names.update(dir(getattr(builtins, base, object)))
            for (_, other), cls in self.classes.items():
                if other == base:
                    names.update(cls.members)
                    bases += cls.bases
        return names


def read(root: Path) -> Code:
    """Read all Python files under ``root``."""
    code = Code(words=set(language()))
    for file in sorted([*root.rglob("*.py"), *root.rglob("*.pyi")]):
        path = file.relative_to(root)
        text = decoded(file.read_bytes())
        code.words.update(WORD.findall(text))
        code.words.update(path.with_suffix("").parts)
        name = module_name(path, root)
        if path.suffix == ".pyi" or not name or "\ufffd" in text:  # the last: not UTF-8
            continue
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):
            continue
        code.files[path.as_posix()] = text
        if is_imported(path, name, root):
            _read_module(tree, name, code)
    enums = _enums(code)
    code.classes = {key: cls for key, cls in code.classes.items() if not enums & {key[1], *cls.bases}}
    return code


def decoded(raw: bytes) -> str:
    """A file as an editor holds it: without a byte order mark, with line feeds alone."""
    return raw.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def module_name(path: Path, root: Path) -> str:
    """The dotted name of the module at ``path``, or nothing where it has none."""
    parts = list(path.with_suffix("").parts)
    if parts[0] in SOURCE_ROOTS and not (root / parts[0] / "__init__.py").exists():
        parts = parts[1:]
    if parts and parts[-1] == "__init__":
        parts = parts[:-1]
    return ".".join(parts) if all(part.isidentifier() and not keyword.iskeyword(part) for part in parts) else ""


def is_imported(path: Path, name: str, root: Path) -> bool:
    """Whether the file is imported by name: a module of a package or of the top, and neither a script nor a test."""
    parts = name.split(".")
    if any(part.startswith("test") for part in parts) or name in NOT_IMPORTED:
        return False
    if len(parts) == 1 and path.name != "__init__.py":
        return True
    above = root if path.parts[0] == parts[0] or len(path.parts) == 1 else root / path.parts[0]
    return (above / parts[0] / "__init__.py").exists()


def _read_module(tree: ast.Module, name: str, code: Code) -> None:
    bound = [n for node in tree.body for n in bindings(node)]
    deleted = {n for node in tree.body for n in deletions(node)}
    public = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            cls = class_of(node)
            if cls:
                code.classes[name, node.name] = cls
        public += [row for row in publics(node) if bound.count(row.name) == 1 and row.name not in deleted]
    code.modules[name] = Module(public=tuple(public), bound=frozenset(bound) - deleted)


def publics(node: ast.stmt) -> Iterator[Public]:
    """The names that a statement of a module defines."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        parameters = [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]
        yield Public(name=node.name, kind="function", parameters=() if node.decorator_list else tuple(parameters))
    elif isinstance(node, ast.ClassDef):
        yield Public(name=node.name, kind="class")
    elif isinstance(node, ast.Assign):
        for target in node.targets:
            if isinstance(target, ast.Name):
                yield Public(name=target.id, kind="constant")


def bindings(node: ast.AST) -> Iterator[str]:
    """The names that a statement of a module binds."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)
    else:
        yield from (sub.id for sub in ast.walk(node) if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Store))
        for sub in ast.walk(node):
            if isinstance(sub, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
                yield from bindings(sub)


def deletions(node: ast.AST) -> Iterator[str]:
    """The names that a statement, outside functions and classes, deletes."""
    if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield from (sub.id for sub in ast.walk(node) if isinstance(sub, ast.Name) and isinstance(sub.ctx, ast.Del))


def class_of(node: ast.ClassDef) -> Class | None:
    """The class if its members can be read off."""
    bases = tuple(ast.unparse(base).rpartition(".")[2].partition("[")[0] for base in node.bases)
    plain = all(ast.unparse(decorator).partition("(")[0] in READABLE for decorator in node.decorator_list)
    made = any(getattr(item, "name", "") == "__new__" for item in node.body)
    if not plain or made or node.keywords or OPAQUE & set(bases):
        return None
    deleted = {name for item in node.body for name in deletions(item)}
    return Class(members={name: kind for name, kind in members(node) if name not in deleted}, bases=bases)


def members(node: ast.ClassDef) -> Iterator[tuple[str, str]]:
    """Methods, and attributes set in the class or by its methods."""
    own = {getattr(item, "name", None) for item in node.body}
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield item.name, "method"
        elif isinstance(item, ast.Assign):
            yield from ((target.id, "attribute") for target in item.targets if isinstance(target, ast.Name))
        elif isinstance(item, ast.AnnAssign) and "InitVar" not in ast.unparse(item.annotation):
            yield from ((target.id, "attribute") for target in [item.target] if isinstance(target, ast.Name))
    for item in node.body:
        if isinstance(item, (ast.FunctionDef, ast.AsyncFunctionDef)) and item.args.args and not item.decorator_list:
            yield from ((name, "attribute") for name in assigned(item, item.args.args[0].arg) if name not in own)


def assigned(method: ast.FunctionDef | ast.AsyncFunctionDef, receiver: str) -> Iterator[str]:
    """The attributes that a method sets on its receiver."""
    for node in ast.walk(method):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        for target in targets:
            if isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == receiver:
                yield target.attr


def _enums(code: Code) -> set[str]:
    """Names of enumerations and of the classes above which one stands: their members are no instance's."""
    names = set(ENUMS)
    while True:
        more = {name for (_, name), cls in code.classes.items() if names & set(cls.bases)} - names
        if not more:
            return names
        names |= more


def language() -> frozenset[str]:
    """Words of the language, and all names in the code of the standard library; kept in a temporary file."""
    kept = Path(tempfile.gettempdir(), f"probe-words-{os.getuid()}-{platform.python_version()}.json")
    if not kept.exists():
        part = kept.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(sorted(_language())), encoding="utf-8")
        part.replace(kept)  # at once: another probe may read it meanwhile
    return frozenset(json.loads(kept.read_text(encoding="utf-8")))


def _language() -> set[str]:
    words = {*keyword.kwlist, *keyword.softkwlist, *dir(builtins), *sys.stdlib_module_names}
    words |= {"self", "cls", "args", "kwargs"}
    for kind in vars(builtins).values():
        words.update(dir(kind) if isinstance(kind, type) else ())
    for name in sys.builtin_module_names + COMPILED:
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        for key, value in list(vars(module).items()):
            words.update((key, *(dir(value) if isinstance(value, type) else ())))
    root = Path(os.__file__).parent
    for file in root.rglob("*.py"):
        path = file.relative_to(root)
        if not NO_LIBRARY & set(path.parts):
            words.update(names_in(file.read_text("utf-8", "replace")))
            words.update(path.with_suffix("").parts)
    return words


def names_in(text: str) -> Iterator[str]:
    """The names and keywords of a source, as far as it can be read."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME:
                yield token.string
    except (tokenize.TokenError, SyntaxError):
        return
