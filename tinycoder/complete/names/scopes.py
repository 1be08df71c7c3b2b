"""The lines around the cursor's line: which names they use, bind, import and define, and what encloses the cursor.

Everything is found when it is first asked for, and kept: the cursor's own line may change meanwhile. Rows count from 0.
Scopes are told by indentation alone. Knows no types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from tinycoder.complete.names.cursor import SELF
from tinycoder.complete.names.line import NO_CODE, Line

Key = TypeVar("Key")


@dataclass(frozen=True, kw_only=True)
class Scope:
    """A ``def`` or ``class`` with its body: rows ``start`` up to ``end``, without it."""

    kind: str
    name: str
    start: int
    end: int


class Scopes:
    """What the lines ``before`` and ``after`` the cursor's line say."""

    def __init__(self, before: Sequence[Line], after: Sequence[Line]) -> None:
        self.lines = [*before, Line(), *after]
        self.row = len(before)
        self._scopes: dict[int, list[Scope]] = {}
        self._bound: dict[int, dict[str, int]] = {}
        self._members: dict[int, dict[str, int]] = {}
        self._counts: dict[int, Counter[str]] = {}

    def scopes(self, indent: int) -> list[Scope]:
        """What encloses a cursor's line of this indentation in columns, innermost first."""
        if indent not in self._scopes:
            found, limit = [], indent
            for row in range(self.row - 1, -1, -1):
                if limit <= 0:
                    break
                line = self.lines[row]
                if NO_CODE < line.indent < limit:
                    limit = line.indent
                    if line.kind:
                        found.append(self._scope(row))
            self._scopes[indent] = found
        return self._scopes[indent]

    def bound(self, scope: Scope) -> dict[str, int]:
        """Parameters and locals of a function, and the row where each is given a value first."""
        if scope.start not in self._bound:
            found: dict[str, int] = {}
            for row in range(scope.start, scope.end):
                for name in self.lines[row].bound:
                    found.setdefault(name, row)
            self._bound[scope.start] = found
        return self._bound[scope.start]

    def is_parameter(self, scope: Scope, row: int) -> bool:
        """Whether what the row binds is a parameter of the function: the row belongs to its head."""
        return all(self.lines[before].end.head == "def" for before in range(scope.start, row))

    def members(self, start: int) -> dict[str, int]:
        """What the class that begins in a row holds, nearest first, then what its bases in the text do."""
        if start not in self._members:
            self._members[start] = {}  # a class may name itself as its base
            scope = self._scope(start)
            pairs = self._own_members(scope)
            found = _first(sorted(pairs, key=lambda pair: (pair[1] > self.row, abs(pair[1] - self.row))))
            for base in reversed(self.lines[start].words):
                if base != scope.name and base in self.classes:
                    for name, row in self.members(self.classes[base]).items():
                        found.setdefault(name, row)
            self._members[start] = found
        return self._members[start]

    @cached_property
    def uses(self) -> dict[str, int]:
        """Each name and the row of its use nearest to the cursor: those before it, then those after it."""
        return _first((name, row) for row in self._rows for name in self.lines[row].words)

    @cached_property
    def attributes(self) -> dict[tuple[str, str], int]:
        """Each receiver and attribute, as in ``uses``."""
        return _first((pair, row) for row in self._rows for pair in self.lines[row].attributes)

    @cached_property
    def kinds(self) -> dict[str, str]:
        """What each name is annotated with or made by, nearest to the cursor."""
        return {name: kind for row in reversed([*self._rows]) for name, kind in reversed(self.lines[row].kinds)}

    @cached_property
    def prose(self) -> dict[str, int]:
        """Words of strings and comments, as in ``uses``."""
        return _first((word, row) for row in self._rows for word in self.lines[row].prose)

    @cached_property
    def imports(self) -> dict[str, str]:
        """Imported names, each with its dotted path; under a path itself, that path."""
        found: dict[str, str] = {}
        for line in self.lines:
            for name, path in line.imports:
                found.setdefault(name or path, path)
        return found

    @cached_property
    def classes(self) -> dict[str, int]:
        """Where each class is defined."""
        return {line.name: row for row, line in enumerate(self.lines) if line.kind == "class" and line.name}

    @cached_property
    def definitions(self) -> dict[str, str]:
        """How each function and class is introduced: "def, line 3"."""
        return {line.name: f"{line.kind}, line {row + 1}" for row, line in enumerate(self.lines) if line.name}

    @cached_property
    def methods(self) -> dict[str, int]:
        """Members of all classes."""
        return _first(pair for start in self.classes.values() for pair in self.members(start).items())

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name that code uses, binds, imports or names after a dot."""
        found = set(self.uses)
        found.update(name for _, name in self.attributes)
        for line in self.lines:
            found.update(line.bound)
            for _, path in line.imports:
                found.update(path.split("."))
        return frozenset(found - {""})

    @cached_property
    def counts(self) -> Counter[str]:
        """How many lines use each name, after a dot or not."""
        found = Counter(name for line in self.lines for name in line.words)
        found.update(name for line in self.lines for _, name in line.attributes)
        return found

    def counts_in(self, indent: int) -> Counter[str]:
        """The same of the innermost function around a cursor's line of this indentation; elsewhere of all lines."""
        function = next((scope for scope in self.scopes(indent) if scope.kind == "def"), None)
        if function is None:
            return self.counts
        if function.start not in self._counts:
            lines = self.lines[function.start : function.end]
            found = Counter(name for line in lines for name in line.words)
            found.update(name for line in lines for _, name in line.attributes)
            self._counts[function.start] = found
        return self._counts[function.start]

    @cached_property
    def bound_anywhere(self) -> frozenset[str]:
        """Every name that is defined, imported or given a value in these lines."""
        found = {name for line in self.lines for name in line.bound}
        return frozenset(found.union(line.name for line in self.lines if line.name))

    @property
    def _rows(self) -> Iterable[int]:
        """All rows, those before the cursor by recency, then those after it."""
        yield from range(self.row - 1, -1, -1)
        yield from range(self.row + 1, len(self.lines))

    def _scope(self, start: int) -> Scope:
        head = self.lines[start]
        end = start + 1
        while end < len(self.lines) and not NO_CODE < self.lines[end].indent <= head.indent:
            end += 1
        return Scope(kind=head.kind, name=head.name, start=start, end=end)

    def _own_members(self, scope: Scope) -> Iterable[tuple[str, int]]:
        body = NO_CODE
        for row in range(scope.start + 1, scope.end):
            line = self.lines[row]
            if line.indent > NO_CODE:
                body = line.indent if body == NO_CODE else body
                if line.indent <= body:
                    yield from ((name, row) for name in ([line.name] if line.kind else line.bound) if name)
            yield from ((name, row) for receiver, name in line.attributes if receiver in SELF)


def _first(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """The first row of each key, in the order of the pairs."""
    found: dict[Key, int] = {}
    for key, row in pairs:
        found.setdefault(key, row)
    return found
