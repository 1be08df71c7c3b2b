"""Whether names in a suggestion mean something at the cursor."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Callable
from functools import cached_property

from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.position import ATTRIBUTE, position
from tinycoder.complete.names.resolver import Resolver

_BUILT_IN = (object, type, int, float, str, bytes, list, tuple, dict, set)
_TYPES: tuple[type, ...] = (*_BUILT_IN, type(builtins), type(lambda: 0), type(iter([])))
_DUNDERS = frozenset(name for kind in _TYPES for name in dir(kind) if name.startswith("__")) | frozenset(
    f"__{name}__"
    for name in (
        *("enter", "exit", "aenter", "aexit", "aiter", "anext", "await", "call", "getattr", "get", "set", "delete"),
        *("set_name", "post_init", "missing", "del", "copy", "deepcopy", "slots", "annotations", "all", "version"),
        *("author", "main", "path", "wrapped", "fspath", "index", "match_args", "bytes", "complex", "prepare"),
    )
)
_LANGUAGE = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins)]) | _DUNDERS


class KnownNames:
    """Answers for one cursor. ``occurs`` says whether a word occurs in the workspace or an open file."""

    def __init__(self, cursor: Cursor, resolver: Resolver, occurs: Callable[[str], bool]) -> None:
        self._cursor, self._resolver, self._occurs = cursor, resolver, occurs

    def is_bound(self, word: str) -> bool:
        """Whether ``word`` is a name in scope; one that the file uses and binds nowhere is taken for one."""
        return word in _LANGUAGE or word in self._visible or self._is_free(word)

    def exists(self, word: str) -> bool:
        """Whether ``word`` occurs anywhere."""
        return (
            word in _LANGUAGE
            or word in self._visible
            or word in self._cursor.scopes.known
            or self._occurs(word)
            or self._resolver.defines(word)
        )

    def is_taken_from(self, word: str) -> bool:
        """Whether the file imports names from a module or package ``word``."""
        imports = self._resolver.module.imports
        if any(each.attribute and each.module.partition(".")[0] == word for each in imports):
            return True
        return any(path.partition(".")[0] == word != path for _, path in self._cursor.line.imports)

    def has_member(self, before: str, word: str) -> bool | None:
        """Whether the receiver at the end of ``before`` has ``word``; ``None`` if it is not known."""
        at = position(before)
        if at.kind != ATTRIBUTE:
            return None
        members = self._resolver.members(at.receiver)
        if word in members.rows:
            return True
        return False if members.known else None

    @cached_property
    def _visible(self) -> frozenset[str]:
        return frozenset(name for name, _, _ in self._resolver.visible())

    def _is_free(self, word: str) -> bool:
        scopes = self._cursor.scopes
        return word in scopes.uses and word not in scopes.bound_anywhere
