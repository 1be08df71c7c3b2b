"""How the lines of a text that is being typed make statements and blocks: by brackets, quotes and indentation.

A bracket or quote that was left open does not swallow the file: a line that can stand in no bracket ends it. What a
line says is remembered by its text, so that a text that changed a little is laid out in a fraction of the time. Rows
count from 0.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tinycoder.symbols.source.lines import REST_OF_STRING, STRING, continued, opening_quote, width

CONTINUING = frozenset(("else", "elif", "except", "finally"))  # they continue the block above
OPENING = CONTINUING | {"def", "class", "if", "for", "while", "with", "try", "match", "case", "async"}

_NEVER_INSIDE = frozenset(
    ("def", "class", "import", "return", "with", "while", "try", "raise", "del", "pass", "break", "continue", "assert")
)
_TOKEN = re.compile(rf"(?P<string>{STRING})|(?P<comment>#)|(?P<bracket>[()\[\]{{}}])")
_WORD = re.compile(r"\s*(@|[^\W\d]\w*)?")
_DEFINITION = re.compile(r"\s*(?:(?:async\s+)?def|class)\s+\w+\s*[(:\[]")
_REMEMBERED = 8_192  # lines, and as many that have not been read lately


class Reading(NamedTuple):
    """What a line says of the lines after it: brackets left open or closed in vain, the quote it ends in."""

    indent: int  # columns
    word: str  # the first, or "@"
    is_code: bool  # else it is blank or a comment
    closes: str
    opens: str
    quote: str
    goes_on: bool  # by a backslash
    is_cut: bool = False  # a definition that has its colon, so that its bracket was left open in vain


class State(NamedTuple):
    """What the lines before a line leave: how many brackets are open, the quote; the row where its statement began."""

    depth: int = 0
    quote: str = ""
    goes_on: bool = False
    start: int = -1  # -1 where a statement may begin

    @property
    def is_fresh(self) -> bool:
        """Whether a statement begins on the line."""
        return self.start < 0


_Readings = dict[tuple[str, str], Reading]
_remembered: _Readings = {}
_older: _Readings = {}


def read(line: str, quote: str = "") -> Reading:
    """What a line says that begins within a string of this ``quote``."""
    global _remembered, _older
    key = (line, quote)
    reading = _remembered.get(key)
    if reading is None:
        if len(_remembered) >= _REMEMBERED:
            _remembered, _older = {}, _remembered
        reading = _remembered[key] = _older.get(key) or _read(line, quote)
    return reading


def _read(line: str, quote: str) -> Reading:
    indent, word, start = 0, "", 0
    if quote:
        rest = REST_OF_STRING[quote].match(line)
        assert rest is not None, quote
        if not rest[1]:
            return Reading(0, "", True, "", "", continued(quote, line), False)
        start = rest.end()
    else:
        code = line.lstrip()
        indent = width(line[: len(line) - len(code)])
        if not code or code[0] == "#":
            return Reading(indent, "", False, "", "", "", False)
        match = _WORD.match(line)
        word = (match[1] or "") if match else ""
    closes, opens, left = "", "", ""
    goes_on = line.endswith("\\")
    for token in _TOKEN.finditer(line, start):
        sort = token.lastgroup
        if sort == "comment":
            goes_on = False
            break
        if sort == "string":
            if not any(token.group(2, 3, 4, 5)):
                left = continued(opening_quote(token[0]), token[0])
                goes_on = goes_on and not left
        elif token[0] in "([{":
            opens += token[0]
        elif opens:
            opens = opens[:-1]
        else:
            closes += token[0]
    is_cut = bool(opens) and line.rstrip().endswith(":") and bool(_DEFINITION.match(line))
    return Reading(indent, word, True, closes, opens, left, goes_on, is_cut)


class Layout:
    """The statements of ``lines``: rows ``starts[i]`` up to ``ends[i]``, columns, first word; ``end``: what is open."""

    def __init__(self, lines: Sequence[str], old: Layout | None = None) -> None:
        """``old``: the layout of a text that may begin alike, which spares work."""
        self.lines = lines
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.indents: list[int] = []
        self.words: list[str] = []
        self.end = State()
        self._cut: set[int] = set()  # rows at whose end an open string is taken for closed
        quoted = self._lay_out(self._taken_over(old) if old is not None and not old._cut else 0)
        while quoted and len(self._cut) < 3:
            if self._cut or old is None:
                self._cut.add(self._culprit(quoted))
            self.starts, self.ends, self.indents, self.words = [], [], [], []
            old = None
            quoted = self._lay_out(0)

    def around(self, number: int, indent: int) -> Iterator[int]:
        """The statements up to ``number`` that enclose code in a column, by their indentation, innermost first."""
        for each in range(number, -1, -1):
            if indent <= 0:
                return
            if self.indents[each] < indent:
                indent = self.indents[each]
                yield each

    def blocks(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Statements ``first`` up to ``last`` as blocks: a header with its indented lines, and what continues it.

        Decorators belong to what they decorate.
        """
        indents, words = self.indents, self.words
        while first < last:
            base = indents[first]
            decorated = words[first] == "@"
            end = first + 1
            while end < last:
                if indents[end] <= base:
                    if indents[end] < base or not (decorated or words[end] in CONTINUING):
                        break
                    decorated = decorated and words[end] == "@"
                end += 1
            yield first, end
            first = end

    def _taken_over(self, old: Layout) -> int:
        """Take the statements of a text before the first difference; the row where the next one begins."""
        row = same(self.lines, old.lines)
        n = bisect_left(old.starts, row) - 1  # the last of them may continue
        if n < 1:
            return 0
        self.starts, self.ends = old.starts[:n], old.ends[:n]
        self.indents, self.words = old.indents[:n], old.words[:n]
        return old.starts[n]

    def _lay_out(self, first: int) -> list[tuple[int, int]]:
        """Rows where strings begin and end that take several, if the last of them does not end."""
        starts, ends, indents, words = self.starts, self.ends, self.indents, self.words
        cut = self._cut
        quoted: list[tuple[int, int]] = []
        depth, quote, goes_on, opened = 0, "", False, 0
        known = _remembered.get
        for row, text in enumerate(self.lines[first:], first):
            line = known((text, quote)) or read(text, quote)
            if depth or quote or goes_on:
                if not quote and not goes_on and line.word in _INSIDE_SELDOM and _never_inside(line, text):
                    depth, begins = 0, True
                else:
                    begins = False
                    if line.is_code or goes_on:
                        ends[-1] = row + 1
            elif line.is_code:
                begins = True
            else:
                continue
            if begins:
                starts.append(row)
                ends.append(row + 1)
                indents.append(line.indent)
                words.append(line.word)
            if line.closes:
                depth = max(depth - len(line.closes), 0)
            depth = 0 if line.is_cut else depth + len(line.opens)
            goes_on = line.goes_on
            if line.quote != quote or (line.quote and row in cut):
                if quote:
                    quoted.append((opened, row))
                quote = "" if row in cut else line.quote
                opened = row
        self.end = State(depth, quote, goes_on, starts[-1]) if depth or quote or goes_on else State()
        if len(quote) == 3:
            return [*quoted, (opened, len(self.lines))]
        return []

    def _culprit(self, quoted: list[tuple[int, int]]) -> int:
        """The row of a quote that was left open: the first that has a definition below it, not farther in."""
        for opened, end in quoted:
            limit = read(self.lines[opened]).indent
            for row in range(opened + 1, min(end + 1, len(self.lines))):
                text = self.lines[row]
                if _DEFINITION.match(text) and width(text[: len(text) - len(text.lstrip())]) <= limit:
                    return opened
        return quoted[-1][0]


_INSIDE_SELDOM = _NEVER_INSIDE | {"from", "async"}


def _never_inside(line: Reading, text: str) -> bool:
    """Whether no line inside brackets begins so."""
    if line.word == "from":
        return " import" in text
    return line.word in _NEVER_INSIDE or (line.word == "async" and " for " not in text)


def same(lines: Sequence[str], others: Sequence[str]) -> int:
    """How many lines are the same at the beginning."""
    low, high = 0, min(len(lines), len(others))
    while low < high:  # slices compare at once
        middle = (low + high + 1) // 2
        low, high = (middle, high) if lines[low:middle] == others[low:middle] else (low, middle - 1)
    return low
