"""Which files define a name: sorted, so that the names that begin with some letters are found at once."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, Protocol, TypeVar

from tinycoder.symbols.records import Class, Function, Symbol


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Item = TypeVar("Item", bound=_Named)
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


class NameIndex(Generic[Item]):
    """Items in the order of their names' letters, whatever their case, without leading underscores.

    Of those with one such key the lowest ``rank`` comes first.
    """

    def __init__(self, items: Iterable[Item], rank: Callable[[Item], Any] = attrgetter("name", "path")) -> None:
        pairs = sorted(((_key(item.name), item) for item in items), key=lambda pair: (pair[0], rank(pair[1])))
        self._keys = [key for key, _ in pairs]
        self._items = [item for _, item in pairs]

    def __len__(self) -> int:
        return len(self._keys)

    def starting(self, prefix: str) -> Sequence[Item]:
        """Those that begin with ``prefix`` in any case; names' leading underscores may be left out of it."""
        key = _key(prefix)
        start = bisect_left(self._keys, key)
        items = self._items[start : bisect_left(self._keys, key + "\U0010ffff", start)]
        if prefix.startswith("_"):
            folded = prefix.casefold()
            return [item for item in items if item.name.casefold().startswith(folded)]
        return items

    def named(self, name: str) -> Sequence[Item]:
        """Those of just this name."""
        key = _key(name)
        start = bisect_left(self._keys, key)
        return [item for item in self._items[start : bisect_right(self._keys, key, start)] if item.name == name]


def kind_of(symbol: Symbol | None) -> str:
    """The kind of what a name stands for; None stands for a module."""
    if symbol is None:
        return MODULE
    return CLASS if isinstance(symbol, Class) else FUNCTION if isinstance(symbol, Function) else VARIABLE


def _key(name: str) -> str:
    """What names are found by: in any case, without leading underscores."""
    return name.lstrip("_").casefold()
