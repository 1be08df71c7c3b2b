"""The lines around the cursor's line: which names they use, bind and define, and what encloses the cursor.

Everything is found when it is first asked for, and kept: the cursor's own line may change meanwhile. Rows count from 0.
Scopes are told by indentation alone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

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
        self._counts: dict[int, Counter[str]] = {}

    def scopes(self, indent: int) -> list[Scope]:
        """What encloses a cursor's line of this indentation in columns, innermost first."""
        if indent not in self._scopes:
            enclosing, limit = [], indent
            for row in range(self.row - 1, -1, -1):
                if limit <= 0:
                    break
                line = self.lines[row]
                if NO_CODE < line.indent < limit:
                    limit = line.indent
                    if line.kind:
                        enclosing.append(self._scope(row))
            self._scopes[indent] = enclosing
        return self._scopes[indent]

    @cached_property
    def uses(self) -> dict[str, int]:
        """Each name and the row of its use nearest to the cursor: those before it, then those after it."""
        return _first((name, row) for row in self._rows for name in self.lines[row].words)

    @cached_property
    def attributes(self) -> dict[tuple[str, str], int]:
        """Each receiver and attribute, as in ``uses``."""
        return _first((pair, row) for row in self._rows for pair in self.lines[row].attributes)

    @cached_property
    def known(self) -> frozenset[str]:
        """Every name that code uses, binds, imports or names after a dot."""
        names = set(self.uses)
        names.update(name for _, name in self.attributes)
        for line in self.lines:
            names.update(line.bound)
            for _, path in line.imports:
                names.update(path.split("."))
        return frozenset(names - {""})

    @cached_property
    def counts(self) -> Counter[str]:
        """How many lines use each name, after a dot or not."""
        return _counts(self.lines)

    def counts_in(self, indent: int) -> Counter[str]:
        """The same of the innermost function around a cursor's line of this indentation; elsewhere of all lines."""
        function = next((scope for scope in self.scopes(indent) if scope.kind == "def"), None)
        if function is None:
            return self.counts
        if function.start not in self._counts:
            self._counts[function.start] = _counts(self.lines[function.start : function.end])
        return self._counts[function.start]

    @cached_property
    def bound_anywhere(self) -> frozenset[str]:
        """Every name that is defined, imported or given a value in these lines."""
        names = {name for line in self.lines for name in line.bound}
        return frozenset(names.union(line.name for line in self.lines if line.name))

    @cached_property
    def free(self) -> frozenset[str]:
        """Names that these lines use and bind nowhere."""
        used = {word for line in self.lines for word in line.words if word not in line.keywords}
        return frozenset(used - self.bound_anywhere)

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


def _counts(lines: Sequence[Line]) -> Counter[str]:
    counts = Counter(name for line in lines for name in line.words)
    counts.update(name for line in lines for _, name in line.attributes)
    return counts


def _first(pairs: Iterable[tuple[Key, int]]) -> dict[Key, int]:
    """The first row of each key, in the order of the pairs."""
    rows: dict[Key, int] = {}
    for key, row in pairs:
        rows.setdefault(key, row)
    return rows
