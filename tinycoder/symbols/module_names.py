"""The dotted names by which the files of a workspace can be imported, from their paths alone.

A package's top folder is the highest one of an unbroken chain of ``__init__`` files. Names may also begin at the
workspace's root, at a folder such as ``src``, and, for files below it, at any other folder that is no package.
"""

import keyword
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile

SOURCE_ROOTS = frozenset({"src", "lib", "python"})
ROOT_MARKERS = frozenset({"setup.py", "manage.py"})  # files that are run where their neighbours are importable
SCRIPT_FOLDERS = frozenset(
    {"test", "tests", "testing", "script", "scripts", "bin", "tool", "tools", "example", "examples", "doc", "docs"}
    | {"benchmark", "benchmarks", "bench"}
)  # their files import one another by bare names
SUFFIXES = (".py", ".pyi")


@dataclass(frozen=True, slots=True)
class NamedFile:
    """A file (or, with a slash at its end, a folder) under one of its names, which begins below ``base``.

    ``declared`` says that ``base`` is a root: the workspace's, or a folder such as ``src``; ``anywhere`` that files
    outside ``base`` may use the name too.
    """

    path: str
    base: str
    declared: bool
    anywhere: bool

    @property
    def is_package(self) -> bool:
        """Whether submodules may lie below; true for a namespace package."""
        return self.path.endswith(("/", "/__init__.py", "/__init__.pyi"))

    @property
    def is_namespace(self) -> bool:
        """Whether this is a folder without an ``__init__`` file."""
        return self.path.endswith("/")


class ModuleNames:
    """The names of the modules at some paths, which have slashes and may begin with a workspace folder's label.

    ``roots`` are those labels, each with a slash at its end, or ``""``. ``n_imports`` counts how often import
    statements have a name; of a file's names the most used one is canonical.
    """

    def __init__(
        self, paths: Iterable[str], *, roots: Sequence[str] = ("",), n_imports: Mapping[str, int] | None = None
    ) -> None:
        self._n_imports = n_imports or {}
        self._roots = sorted({*roots} or {""}, key=len, reverse=True)
        files = sorted(path for path in paths if path.endswith(SUFFIXES))
        self._packages = {_folder(path) for path in files if _stem(path) == "__init__"}
        marked = {_folder(path) for path in files if path.rpartition("/")[2] in ROOT_MARKERS}
        self._marked = marked - self._packages
        self._named: dict[str, tuple[NamedFile, ...]] = {}
        self._children: dict[str, tuple[str, ...]] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        named: dict[str, dict[NamedFile, None]] = {}
        children: dict[str, set[str]] = {}
        for path in files:
            self._add(path, named, children)
        self._named = {name: tuple(entries) for name, entries in named.items()}
        self._children = {folder: tuple(sorted(names)) for folder, names in children.items()}

    def names(self, path: str) -> tuple[str, ...]:
        """The names that may be used in any file, the canonical one first; none if no name can be written."""
        names = self._names.get(path, ())
        if len(names) < 2:
            return names
        return tuple(sorted(names, key=lambda name: -self._n_imports.get(name, 0)))

    def find(self, name: str, near: str = "") -> NamedFile | None:
        """What a file at ``near`` means by ``name``: the nearest, at a root, a file before a namespace package."""
        entries = [entry for entry in self._named.get(name, ()) if entry.anywhere or near.startswith(entry.base)]
        if len(entries) < 2:
            return entries[0] if entries else None
        here = near.split("/")[:-1]

        def rank(entry: NamedFile) -> tuple[bool, int, bool, bool, bool, str]:
            shared = n_shared(here, entry.path.split("/")[:-1])
            stub = entry.path.endswith(".pyi")
            return entry.is_namespace, -shared, not entry.declared, not entry.is_package, stub, entry.path

        return min(entries, key=rank)

    def submodules(self, name: str, near: str = "") -> tuple[str, ...]:
        """The last parts of the names of modules directly inside a package, sorted."""
        entry = self.find(name, near)
        if entry is None or not entry.is_package:
            return ()
        if not entry.is_namespace:
            return self._children.get(_folder(entry.path), ())
        portions = [other for other in self._named[name] if other.is_namespace]
        portions = [other for other in portions if other.anywhere or near.startswith(other.base)]
        return tuple(sorted({child for other in portions for child in self._children.get(other.path, ())}))

    def top_level(self, near: str = "") -> list[str]:
        """The names without a dot that a file at ``near`` may use."""
        names = []
        for name, entries in self._named.items():
            if "." not in name and any(entry.anywhere or near.startswith(entry.base) for entry in entries):
                names.append(name)
        return sorted(names)

    def _add(self, path: str, named: dict[str, dict[NamedFile, None]], children: dict[str, set[str]]) -> None:
        root = next((root for root in self._roots if path.startswith(root)), "")
        folders = path[len(root) :].split("/")[:-1]
        starts = [root + "".join(f"{part}/" for part in folders[:n]) for n in range(len(folders) + 1)]
        stem = _stem(path)
        is_package = stem == "__init__"
        parts = folders if is_package else [*folders, stem]
        if is_package and not folders:
            return  # the workspace's folder itself is the package: its name is not the workspace's to say
        if not _is_name(parts[-1]):
            return
        top = len(folders)
        while top > 0 and starts[top] in self._packages:
            top -= 1
        declared = {
            n for n in range(top + 1) if n == 0 or folders[n - 1].lower() in SOURCE_ROOTS or starts[n] in self._marked
        }
        inside = {n for n in range(top + 1, len(folders)) if folders[n - 1].lower() in SOURCE_ROOTS}  # src/__init__.py
        usable: dict[int, str] = {}
        for n in (*range(top + 1), *inside):
            name_parts = parts[n:]
            if name_parts and all(map(_is_name, name_parts)):
                usable[n] = ".".join(name_parts)
                anywhere = n in declared or n in inside or n == top
                entry = NamedFile(path, starts[n], n in declared, anywhere)
                named.setdefault(usable[n], {})[entry] = None
                for end in range(n + 1, top + 1):  # folders above that are namespace packages
                    folder = NamedFile(starts[end], starts[n], n in declared, n in declared)
                    named.setdefault(".".join(parts[n:end]), {})[folder] = None
        for end in range(len(parts)):
            if _is_name(parts[end]):
                children.setdefault(starts[end], set()).add(parts[end])
        nearest = max(declared)
        is_script = top == len(folders) and any(folder.lower() in SCRIPT_FOLDERS for folder in folders)
        preferred = top if is_script or (top < len(folders) and nearest == 0) else nearest
        order = [preferred, *sorted({*declared, top} - {preferred}, reverse=True), *sorted(inside)]
        self._names[path] = tuple(dict.fromkeys(usable[n] for n in order if n in usable))


def _folder(path: str) -> str:
    folder, slash, _ = path.rpartition("/")
    return folder + slash


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _is_name(part: str) -> bool:
    return part.isidentifier() and not keyword.iskeyword(part)


def n_shared(parts: Sequence[str], others: Sequence[str]) -> int:
    """How many parts are the same at the beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(parts, others, strict=False)))
