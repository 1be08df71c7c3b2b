"""Which names could stand at a cursor in a Python text: those of the text, of the language, of the standard library.

Lines that were read before are not read again, and what the other lines say is kept while one line is typed on. Knows
no types, no other files, no packages but the standard library, and not how likely a name is.
"""

from __future__ import annotations

import builtins
import io
import keyword
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tinycoder.complete.names import stdlib
from tinycoder.complete.names.line import DOTTED, LONGEST, START, Line, State, read_line, width
from tinycoder.complete.names.scopes import SELF, Scope, Surroundings

FAR = 10_000  # distance of what no line of the text uses
MOST_LINES = 50_000  # lines that are remembered; then all are forgotten

_SOFT_KEYWORDS = tuple(word for word in keyword.softkwlist if word != "_")
_BUILTINS = tuple(name for name in dir(builtins) if not name.startswith("_") and not keyword.iskeyword(name))
_OF_TYPES = {
    name: kind.__name__
    for kind in (io.TextIOWrapper, tuple, float, int, bytes, set, dict, list, str)
    for name in dir(kind)
    if not name.startswith("_")
}
_LANGUAGE = frozenset([*keyword.kwlist, *_SOFT_KEYWORDS, *_BUILTINS, *_OF_TYPES, *SELF])
_RECEIVER = re.compile(rf"(?<![\w.])({DOTTED}|super\(\))\.$")
_NO_RECEIVER = re.compile(r"(?:(?<![\w.])\d\w*|[^\w\s)\]}'\"]|\S\s+)\.$")
_IMPORT = re.compile(r"\s*import\s+(?:[^#]*,\s*)?(?P<package>(?:[^\W\d]\w*\.)*)$")
_FROM = re.compile(r"\s*from\s+(?P<package>\.*(?:[^\W\d]\w*\.)*)$")
_FROM_IMPORT = re.compile(r"\s*from\s+(?P<module>[\w.]+)\s+import\b\s*\(?(?:[^#]*,)?\s*$")
_AFTER_MODULE = re.compile(r"\s*from\s+[\w.]*[\w.]\s+$")
_AFTER_IMPORTED = re.compile(r"\s*(?:from\s+[\w.]+\s+)?import\b[^#]*\w\s+$")


@dataclass(frozen=True, kw_only=True)
class Name:
    """A name that could stand at the cursor."""

    text: str
    origin: str  # where it comes from, for people: "line 12", "parameter of f, line 3", "import os", "builtin"
    distance: int  # lines to the nearest use, with FAR added to what is seldom meant here


@dataclass(frozen=True, kw_only=True)
class _Spot:
    """A cursor: its own line without the half-typed word, what stands before that word, and the other lines."""

    line: Line
    before: str
    typed: str
    module: str  # that names are imported from in a bracket that an earlier line opened
    inside: str
    around: Surroundings

    @property
    def scopes(self) -> list[Scope]:
        """What encloses the cursor, innermost first."""
        return self.around.scopes(width(self.before[: len(self.before) - len(self.before.lstrip())]))


class Names:
    """Answers about one text after another, quickly if they resemble each other. One thread at a time."""

    def __init__(self) -> None:
        self._lines: dict[State, dict[str, Line]] = {}
        self._before: tuple[str, list[Line], State] = ("", [], START)
        self._around_key: tuple[str, str, State] | None = None
        self._around = Surroundings([], [])
        self._plain: dict[int, tuple[list[Name], list[Name]]] = {}

    def at(self, text: str, offset: int) -> list[Name]:
        """The names that could stand at ``offset``, in characters: likeliest first, none twice.

        They need not begin with what is typed there, which is no name yet. What is local comes before the rest of the
        text, and uses before the cursor before those after it, so distances do not rise all the way.
        """
        return list(self._found(self._spot(text, offset)).values())

    def exists(self, word: str, text: str, offset: int) -> bool:
        """Whether ``word`` is a name of the text, the language, or what is imported; or could stand at ``offset``.

        What is half typed at ``offset`` does not count.
        """
        spot = self._spot(text, offset)
        return (
            word in _LANGUAGE
            or (word.startswith("__") and word.endswith("__"))
            or word in spot.around.known
            or word in Surroundings([spot.line], []).known
            or word in self._found(spot)
            or any(word in stdlib.members(path) for path in _paths(spot).values())
        )

    def _spot(self, text: str, offset: int) -> _Spot:
        offset = max(0, min(offset, len(text)))
        if "\r" in text:
            before = _unix(text[:offset].removesuffix("\r") if text[offset : offset + 1] == "\n" else text[:offset])
            text, offset = before + _unix(text[offset:]), len(before)
        start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
        end = len(text) if end < 0 else end
        first, last = offset, offset
        while first > start and _in_word(text[first - 1]):
            first -= 1
        while last < end and _in_word(text[last]):
            last += 1
        if self._before[0] != text[:start]:
            lines = self._read(text[: start - 1], START) if start else []
            self._before = (text[:start], lines, lines[-1].end if lines else START)
        state = self._before[2]
        before = text[max(start, first - LONGEST // 2) : first]
        line = read_line(before + text[last:end], state)
        return _Spot(
            line=line,
            before=before,
            typed=text[first:offset],
            module="" if state.quote else state.head.partition(" ")[2],
            inside=read_line(before, state).inside,
            around=self._surroundings(text[:start], text[end:], line.end),
        )

    def _surroundings(self, before: str, after: str, state: State) -> Surroundings:
        """``after`` begins with the line break of the cursor's line, if there is one."""
        if (before, after, state) != self._around_key:
            self._around_key = (before, after, state)
            self._around = Surroundings(self._before[1], self._read(after[1:], state) if after else [])
            self._plain = {}
        return self._around

    def _read(self, text: str, state: State) -> list[Line]:
        if sum(map(len, self._lines.values())) > MOST_LINES:
            self._lines = {}
        lines = []
        known = self._lines.setdefault(state, {})
        for source in text.split("\n"):
            line = known.get(source)
            if line is None:
                line = known[source] = read_line(source, state)
            lines.append(line)
            if line.end != state:
                state = line.end
                known = self._lines.setdefault(state, {})
        return lines

    def _found(self, spot: _Spot) -> dict[str, Name]:
        found: dict[str, Name] = {}
        for name in self._possible(spot):
            found.setdefault(name.text, name)
        return found

    def _possible(self, spot: _Spot) -> Iterable[Name]:
        if spot.typed[:1].isdigit():
            return []
        if spot.inside:
            return _words(spot)
        imported = _in_import(spot)
        if imported is not None:
            return imported
        if spot.before.endswith("."):
            return _attributes(spot)
        return self._anywhere(spot)

    def _anywhere(self, spot: _Spot) -> Iterator[Name]:
        """Names where an expression or a statement could begin."""
        function = next((scope for scope in spot.scopes if scope.kind == "def"), None)
        key = function.start if function else -1
        if key not in self._plain:
            self._plain[key] = _by_locality(spot.around, function)
        local, others = self._plain[key]
        bound = spot.around.bound(function) if function else {}
        here = [_name(spot.around, word, spot.around.row, function) for word in spot.line.words]
        yield from (name for name in here if name.text in bound)
        yield from local
        yield from here
        yield from others
        yield from _OF_LANGUAGE
        if not spot.before.strip():
            yield from (_far(word, "keyword") for word in _SOFT_KEYWORDS)
        for (_, text), row in spot.around.attributes.items():
            yield Name(text=text, origin=f"line {row + 1}", distance=FAR + abs(row - spot.around.row))


def _by_locality(around: Surroundings, function: Scope | None) -> tuple[list[Name], list[Name]]:
    """The names of the text: parameters and locals of the function, and others."""
    bound = around.bound(function) if function else {}
    local: list[Name] = []
    others: list[Name] = []
    for word, row in around.uses.items():
        (local if word in bound else others).append(_name(around, word, row, function))
    return local, others


def _name(around: Surroundings, word: str, row: int, function: Scope | None = None) -> Name:
    """A name of the text that is used in ``row``."""
    first = around.bound(function).get(word) if function else None
    if function and first is not None and around.is_parameter(function, first):
        origin = f"parameter of {function.name}, line {first + 1}"
    elif first is None and word in around.imports:
        origin = f"import {around.imports[word]}"
    else:
        origin = around.definitions.get(word) or f"line {row + 1}"
    return Name(text=word, origin=origin, distance=abs(row - around.row))


def _attributes(spot: _Spot) -> Iterator[Name]:
    around = spot.around
    if _NO_RECEIVER.search(spot.before):
        return
    found = _RECEIVER.search(spot.before)
    receiver = found[1] if found else ""
    paths = _paths(spot)
    kind = dict(spot.line.kinds).get(receiver) or around.kinds.get(receiver, "")
    start = around.classes.get(receiver, around.classes.get(kind))
    if receiver in (*SELF, "super()"):
        start = next((scope.start for scope in spot.scopes if scope.kind == "class"), None)
    if start is not None:
        yield from _used(around, around.members(start).items())
    pairs = [*((pair, around.row) for pair in spot.line.attributes), *around.attributes.items()]
    if receiver:
        yield from _used(around, ((name, row) for (other, name), row in pairs if other == receiver))
    for path in (_resolved(receiver, paths), _resolved(kind, paths)):
        if inside := stdlib.members(path):
            yield from (_far(name, f"{path} (standard library)") for name in inside)
            return
    yield from _used(around, ((name, row) for (_, name), row in pairs))
    yield from _used(around, around.methods.items())
    if receiver.partition(".")[0] not in paths:
        yield from (_far(name, f"attribute of {of}") for name, of in _OF_TYPES.items())


def _resolved(dotted: str, paths: dict[str, str]) -> str:
    """The dotted name as its module would be imported; empty if it begins with no imported name."""
    first, dot, rest = dotted.partition(".")
    return paths[first] + dot + rest if first in paths else ""


def _in_import(spot: _Spot) -> Iterator[Name] | None:
    """Names in an import statement; ``None`` if the cursor is in none."""
    before = spot.before
    if spot.module:
        return _names_of(spot, spot.module)
    if found := _FROM_IMPORT.match(before):
        return _names_of(spot, found["module"])
    if found := _IMPORT.match(before) or _FROM.match(before):
        return _modules(spot, found["package"])
    if _AFTER_MODULE.match(before):
        return iter([_far("import", "keyword")])
    if _AFTER_IMPORTED.match(before):
        return iter(()) if before.split()[-1] == "as" else iter([_far("as", "keyword")])
    return None


def _modules(spot: _Spot, package: str) -> Iterator[Name]:
    yield from _seen(spot, package)
    inside = stdlib.submodules(package[:-1]) if package else stdlib.TOP_LEVEL
    yield from (_far(name, "standard library") for name in inside)


def _names_of(spot: _Spot, module: str) -> Iterator[Name]:
    yield from _seen(spot, module if module.endswith(".") else module + ".")
    yield from (_far(name, f"{module} (standard library)") for name in stdlib.members(module))


def _seen(spot: _Spot, package: str) -> Iterator[Name]:
    """What the text imports from a package, or is a package that it imports."""
    for path in spot.around.imports.values():
        name = path[len(package) :].partition(".")[0] if path.startswith(package) else ""
        if name:
            yield Name(text=name, origin=f"import {path}", distance=0)


def _words(spot: _Spot) -> Iterator[Name]:
    """Words where prose is written."""
    around = spot.around
    here = [(word, around.row) for word in (*spot.line.words, *spot.line.prose)]
    yield from _used(around, [*here, *around.uses.items(), *around.prose.items()])
    yield from _used(around, ((name, row) for (_, name), row in around.attributes.items()))


def _paths(spot: _Spot) -> dict[str, str]:
    """What is imported, and its dotted path."""
    return {**spot.around.imports, **{name or path: path for name, path in spot.line.imports}}


def _used(around: Surroundings, rows: Iterable[tuple[str, int]]) -> Iterator[Name]:
    return (_name(around, text, row) for text, row in rows)


def _far(text: str, origin: str) -> Name:
    return Name(text=text, origin=origin, distance=FAR)


_OF_LANGUAGE = [_far(word, "keyword") for word in keyword.kwlist] + [_far(name, "builtin") for name in _BUILTINS]


def _in_word(character: str) -> bool:
    return character == "_" or character.isalnum()


def _unix(text: str) -> str:
    """``text`` with line feeds for all line breaks."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
