"""Long verbatim copies in suggestions, each with its source, searched for in the texts themselves.

A copy counts from LONG_WORDS words and signs on, or LONG_CHARACTERS characters that are no
white space; the white space within it must be the same too.
"""

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from tinycoder.complete.candidate import Document

LONG_WORDS, LONG_CHARACTERS = 10, 50
THIS_FILE, WORKSPACE, LEARNT = "this file", "workspace", "learnt"
_WORD = re.compile(r"\w+|[^\w\s]")
_BETWEEN = "\0"  # between two texts, and in none


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A part of a suggestion that a known text has: which, of what origin, where first, and how often.

    ``line`` counts from 1, ``n_characters`` leaves out white space.
    """

    text: str
    n_characters: int
    origin: str
    path: str
    line: int
    times: int


class Texts:
    """Texts of one origin, to be searched."""

    def __init__(self, origin: str, documents: Sequence[Document]) -> None:
        self.origin = origin
        self._paths = [document.path for document in documents]
        self._starts, texts, n = [], [], 0
        for document in documents:
            text = document.text.replace("\r\n", "\n").replace(_BETWEEN, " ")
            self._starts.append(n)
            texts.append(text)
            n += len(text) + 1
        self._text = _BETWEEN.join(texts)

    def __contains__(self, piece: str) -> bool:
        return piece in self._text

    def copy(self, piece: str) -> Copy:
        """What is to be said of a piece that is in it."""
        start = self._text.index(piece)
        i = bisect_right(self._starts, start) - 1
        return Copy(
            text=piece,
            n_characters=n_characters(piece),
            origin=self.origin,
            path=self._paths[i],
            line=self._text.count("\n", self._starts[i], start) + 1,
            times=self._text.count(piece),
        )


def is_long(text: str) -> bool:
    """Whether a copy of the whole text would count."""
    return len(_WORD.findall(text)) >= LONG_WORDS or n_characters(text) >= LONG_CHARACTERS


def n_characters(text: str) -> int:
    """Characters that are no white space."""
    return sum(map(len, text.split()))


def copies(suggestion: str, known: Sequence[Texts]) -> tuple[Copy, ...]:
    """The longest copies in a suggestion, from left to right, none within another; of equals the first texts' one."""
    words = [word.span() for word in _WORD.finditer(suggestion)]
    copied: list[Copy] = []
    first = 0
    while first < len(words):
        last, texts = max(
            ((_reach(suggestion, words, first, texts), texts) for texts in known),
            key=lambda each: each[0],
            default=(-1, None),
        )
        if texts is None or last < first:
            first += 1
            continue
        copied.append(texts.copy(suggestion[words[first][0] : words[last][1]]))
        first = last + 1
    return tuple(copied)


def _reach(suggestion: str, words: Sequence[tuple[int, int]], first: int, texts: Texts) -> int:
    """The last word of the longest copy that begins with the word ``first``; -1 if there is no long one."""
    reached = -1
    for last in range(first, len(words)):
        piece = suggestion[words[first][0] : words[last][1]]
        if is_long(piece):
            if piece not in texts:
                break
            reached = last
    return reached
