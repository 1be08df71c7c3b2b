"""Names in a suggestion that do not exist: likely to be wrong, unless this is where they are bound."""

from __future__ import annotations

import re
from collections.abc import Sequence

from tinycoder.complete.names.known import KnownNames

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
