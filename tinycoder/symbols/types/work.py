"""How much work one question may take, and what it has found so far."""

from collections.abc import Callable
from typing import TypeVar

from tinycoder.symbols.types.values import Values

MAX_STEPS = 400  # expressions that are looked at
MAX_DEPTH = 8  # records that are followed from one to the next
MAX_NESTING = 25  # expressions within expressions, records between them included

T = TypeVar("T")


class Work:
    """The work of one question."""

    def __init__(self) -> None:
        self._steps = 0
        self._nesting = 0
        self._depth = 0
        self._active: set[object] = set()
        self._found: dict[object, tuple[object, Values]] = {}

    def step(self, find: Callable[[], T], otherwise: T) -> T:
        """``find()``, for one more expression within those that are looked at; ``otherwise`` where that is too much."""
        if self._steps >= MAX_STEPS or self._nesting >= MAX_NESTING:
            return otherwise
        self._steps += 1
        self._nesting += 1
        try:
            return find()
        finally:
            self._nesting -= 1

    def once(self, key: object, held: object, find: Callable[[], Values]) -> Values:
        """``find()``, once a question and not within itself; ``held`` keeps the key's identities alive."""
        if key in self._found:
            return self._found[key][1]
        if key in self._active or self._depth >= MAX_DEPTH:
            return ()
        self._active.add(key)
        self._depth += 1
        try:
            values = find()
        finally:
            self._depth -= 1
            self._active.discard(key)
        self._found[key] = (held, values)
        return values
