"""Which files define a name: sorted, so that the names that begin with some letters are found at once."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tinycoder.symbols.records import Class, Function, Symbol

CLASS, FUNCTION, VARIABLE, MODULE = "class", "function", "variable", "module"


@dataclass(frozen=True, slots=True)
class Defined:
    """A name that the file at ``path`` defines at its top level; ``kind`` is one of the constants above.

    A module is defined by its own file, at line 1.
    """

    name: str
    kind: str
    path: str
    line: int


class NameIndex:
    """Defined names in the order of their letters, whatever their case, without leading underscores."""

    def __init__(self, defined: Iterable[Defined]) -> None:
        pairs = sorted(
            ((name_key(one.name), one) for one in defined), key=lambda pair: (pair[0], pair[1].name, pair[1].path)
        )
        self._keys = [key for key, _ in pairs]
        self._defined = [one for _, one in pairs]

    def __len__(self) -> int:
        return len(self._keys)

    def starting(self, prefix: str) -> Sequence[Defined]:
        """Those that begin with ``prefix`` in any case; names' leading underscores may be left out of it."""
        defined = self._defined[keys_starting(self._keys, prefix)]
        if prefix.startswith("_"):
            folded = prefix.casefold()
            return [one for one in defined if one.name.casefold().startswith(folded)]
        return defined

    def named(self, name: str) -> Sequence[Defined]:
        """The definitions of just this name."""
        key = name_key(name)
        start = bisect_left(self._keys, key)
        defined = []
        while start < len(self._keys) and self._keys[start] == key:
            if self._defined[start].name == name:
                defined.append(self._defined[start])
            start += 1
        return defined


def kind_of(symbol: Symbol | None) -> str:
    """The kind of what a name stands for; None stands for a module."""
    if symbol is None:
        return MODULE
    return CLASS if isinstance(symbol, Class) else FUNCTION if isinstance(symbol, Function) else VARIABLE


def keys_starting(keys: Sequence[str], prefix: str) -> slice:
    """Where sorted keys of names begin with ``prefix``."""
    key = name_key(prefix)
    start = bisect_left(keys, key)
    return slice(start, bisect_left(keys, key + "\U0010ffff", start))


def name_key(name: str) -> str:
    """What names are found by: in any case, without leading underscores."""
    return name.lstrip("_").casefold()
