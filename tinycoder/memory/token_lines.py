"""The tokens of a text that is being edited, line by line: a keystroke costs the tokens of one line.

A line begins with its line break, which is one token with the indentation after it. No token spans the beginning of a
line, so the tokens of a text are the tokens of its lines, one after the other.
"""

from __future__ import annotations

import copy
import itertools
import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Set

import numpy as np

from tinycoder.memory.change import Change
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

_WORD = re.compile(r"[^\W\d]\w*")


class TokenLines:
    """A text and its ids: ``ids`` (n,) int32 as a whole, and by line.

    ``changed`` says which lines the last update replaced: the first one, counted from 0, and how many there are now.
    """

    def __init__(self, tokenizer: Tokenizer, text: str = "") -> None:
        self.tokenizer = tokenizer
        self.text = ""
        self.ids: Array = np.zeros(0, np.int32)
        self.changed: tuple[int, int] | None = None
        self._words: Counter[str] | None = None
        self._lines: list[str] = []
        self._line_ids: list[list[int]] = []
        self._text_starts: list[int] = [0]
        self._id_starts: list[int] = [0]
        self.update(text)

    def edited(self, text: str) -> TokenLines:
        """The tokens of another ``text``, of which most lines are those of this one."""
        other = copy.copy(self)
        other._line_ids, other._words = list(self._line_ids), None
        other.update(text)
        return other

    def update(self, text: str, change: Change | None = None) -> None:
        """Hold ``text`` from now on. Costs as much as the lines of the ``change``, where it is known."""
        if text == self.text and self._lines:
            return
        old = self._lines
        first, last = self._around(change) if change and change.before is self.text else (0, 0)
        end = len(text) - (len(self.text) - self._text_starts[len(old) - last])
        middle = split_lines(text[self._text_starts[first] : end])
        changed = middle[1:] if first else middle  # what begins with a line break has nothing before it
        n_same = _common(old[first : len(old) - last], changed)
        changed, first = changed[n_same:], first + n_same
        n_same = _common(old[first : len(old) - last][::-1], changed[::-1])
        changed, last = changed[: len(changed) - n_same], last + n_same
        new = [*old[:first], *changed, *old[len(old) - last :]]
        encode = self.tokenizer.encode
        fresh = [encode(line) for line in changed] if len(changed) < 8 else self.tokenizer.encode_all(changed)
        start, end = self._id_starts[first], self._id_starts[len(old) - last] if old else 0
        ids = np.fromiter(itertools.chain.from_iterable(fresh), np.int32)
        self.ids = np.concatenate([self.ids[:start], ids, self.ids[end:]])
        self._lines = new
        self._line_ids[first : len(old) - last] = fresh
        self._text_starts = [0, *itertools.accumulate(map(len, new))]
        self._id_starts = [0, *itertools.accumulate(map(len, self._line_ids))]
        if self._words is not None:
            gone = _words(old[first : len(old) - last])
            self._words.subtract(gone)
            self._words.update(_words(changed))
            for word in set(gone):
                if not self._words[word]:
                    del self._words[word]
        self.text = text
        self.changed = (first, len(changed)) if old else None

    def _around(self, change: Change) -> tuple[int, int]:
        """How many lines at the start and at the end a change has not touched, but for one next to it."""
        first = bisect_left(self._text_starts, change.start, hi=len(self._lines)) - 2
        end = bisect_right(self._text_starts, change.old_end, hi=len(self._lines)) + 1
        return max(0, first), max(0, len(self._lines) - end)

    @property
    def words(self) -> Set[str]:
        """The identifiers of the text."""
        if self._words is None:
            self._words = Counter(_words(self._lines))
        return self._words.keys()

    def line_at(self, offset: int) -> tuple[int, int, int]:
        """The line in which ``offset`` lies or which it ends: where its text starts, and where its ids start and end.

        An offset right before a line break belongs to the line before.
        """
        line = max(0, bisect_left(self._text_starts, offset) - 1)
        line = min(line, len(self._lines) - 1)
        return self._text_starts[line], self._id_starts[line], self._id_starts[line + 1]

    def ids_of_line(self, number: int) -> tuple[int, int]:
        """Where the ids of line ``number``, counted from 0, start and end; nothing if there is no such line."""
        if not 0 <= number < len(self._lines):
            return 0, 0
        return self._id_starts[number], self._id_starts[number + 1]


def split_lines(text: str) -> list[str]:
    """``text`` cut before each line break; at least one line."""
    first, *others = text.split("\n")
    lines = [first, *("\n" + line for line in others)]
    if "\r" in text:
        for i in range(1, len(lines)):
            if lines[i - 1].endswith("\r"):
                lines[i - 1], lines[i] = lines[i - 1][:-1], "\r" + lines[i]
    return lines


def _words(lines: Iterable[str]) -> list[str]:
    return [word for line in lines for word in _WORD.findall(line)]


def _common(a: list[str], b: list[str]) -> int:
    """How many lines two lists have in common at their beginning."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    low, high = 0, n  # a[:low] == b[:low], a[:high] != b[:high]
    while high - low > 1:
        middle = (low + high) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle
    return low
