"""Names in a suggestion that nobody has heard of: likely to be wrong, unless this is where they are made."""

from __future__ import annotations

import re
from collections.abc import Callable

from tinycoder.complete.ghost import Ghost

DOUBT = 0.3  # what is left of the probability of a name that does not exist

_TOKEN = re.compile(r"(?P<string>'[^'\n]*'?|\"[^\"\n]*\"?|#.*)|(?P<word>[^\W\d]\w*)(?P<made>\s*=(?!=))?")
_MAKING = re.compile(
    r"\b(?:def|class|as|for|import|global|nonlocal|lambda)\s*$|^\s*$"
    r"|^\s*(?:async\s+)?def\b.*[(,*]\s*$|\blambda\b[^:]*[,*]\s*$|\bfor\b(?:(?!\bin\b).)*,\s*$"
)


def doubted(ghost: Ghost, line: str, exists: Callable[[str], bool]) -> tuple[float, ...]:
    """The probabilities of ``ghost`` after ``line``, less where a name comes that does not exist.

    Words in strings and comments count for nothing, nor do names that are being made.
    """
    whole = line + ghost.text
    sure = list(ghost.sure)
    for match in _TOKEN.finditer(whole):
        word = match["word"]
        if not word or match["made"] or match.end("word") <= len(line) or _MAKING.search(whole[: match.start()]):
            continue
        if not exists(word):
            place = match.end("word") - len(line)
            sure = [p * DOUBT if end >= place else p for end, p in zip(ghost.ends, sure, strict=True)]
    return tuple(sure)
