"""Names in a suggestion that do not exist: likely to be wrong, unless this is where they are bound."""

import builtins
import keyword
import re
from collections.abc import Callable, Sequence
from functools import cached_property

from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.position import ATTRIBUTE, position
from tinycoder.complete.names.resolver import Resolver

UNBOUND = 0.3  # what is left of the probability of a name that is not bound here, or an attribute that is found nowhere
IMPOSSIBLE = 0.0  # for what a known receiver lacks, and a module that is not bound though names are imported from it

_TOKEN = re.compile(
    r"(?P<string>'[^'\n]*'?|\"[^\"\n]*\"?|#.*)|(?P<number>\d\w*)|(?P<word>[^\W\d]\w*)(?P<binds>\s*:?=(?!=))?"
)
_TARGETS = re.compile(r"\s*(?P<names>[\w.*]+(?:\s*,\s*[\w.*]+)*)\s*[:=](?!=)")
_IMPORT = re.compile(r"\s*(?:from|import)\b")
_OWN = re.compile(r"\b(?:self|cls)\.$")
_AS = re.compile(r"\bas\s+[\w.]+\.$")
_BINDING = re.compile(
    r"\b(?:def|class|as|for|import|global|nonlocal|lambda)\s*$|^\s*$"
    r"|^\s*(?:async\s+)?def\b.*[(,*]\s*$|\blambda\b[^:]*[,*]\s*$|\bfor\b(?:(?!\bin\b).)*[,(]\s*$"
)


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
        return word in self._cursor.scopes.free


def factors(line: str, text: str, known: KnownNames) -> list[tuple[int, float]]:
    """For each name in ``text``, which comes after ``line``, that does not exist: where it ends, and what is left of
    the probability from there on.

    Words in strings and comments count for nothing, nor do names that are being bound, nor what is imported.
    """
    whole = line + text
    if _IMPORT.match(whole, line.rfind(";") + 1):
        return []
    doubts: list[tuple[int, float]] = []
    bound: set[str] = set(_bound_in(whole))
    targets = _TARGETS.match(whole)
    for match in _TOKEN.finditer(whole):
        word = match["word"]
        end = match.end("word") - len(line) if word else 0
        if not word or end <= 0 or match["binds"] or (targets and _is_last_part(targets, match.end("word"))):
            continue
        before = whole[: match.start()]
        if before.rstrip().endswith("."):
            has = known.has_member(before, word)
            if has is False and not _AS.search(before):  # the class that is being written may have it later
                doubts.append((end, UNBOUND if _OWN.search(before) else IMPOSSIBLE))
            elif has is None and not known.exists(word):
                doubts.append((end, UNBOUND))
        elif word not in bound and not _BINDING.search(before) and not known.is_bound(word):
            doubts.append((end, IMPOSSIBLE if known.is_taken_from(word) else UNBOUND))
    return doubts


def _is_last_part(targets: re.Match[str], end: int) -> bool:
    """Whether a word that ends there is what one of the targets binds: all of a name, or what follows its last dot."""
    return end <= targets.end("names") and targets.string[end] != "."


def _bound_in(line: str) -> Sequence[str]:
    """Names that the line itself binds: targets of comprehensions, parameters of a lambda, ``as``."""
    bound: list[str] = []
    for match in re.finditer(r"\bfor\s+([^=]*?)\s+in\b|\blambda\s+([^:]*):|\bas\s+(\w+)|(\w+)\s*:=", line):
        bound += re.findall(r"[^\W\d]\w*", next(each for each in match.groups() if each is not None))
    return bound


def unknown_names(
    line: str, text: str, ends: Sequence[int], probabilities: Sequence[float], known: KnownNames
) -> tuple[float, ...]:
    """The probabilities that ``text`` is right up to each of its ``ends``, less where a name comes that is not."""
    left = list(probabilities)
    for name_end, factor in factors(line, text, known):
        left = [p * factor if end >= name_end else p for end, p in zip(ends, left, strict=True)]
    return tuple(left)
