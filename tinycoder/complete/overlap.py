"""What stands around the cursor already: brackets, quotes and lines that a suggestion must not say twice.

Pure functions over text. Knows Python's brackets, strings and comments, but no grammar, no model and no document.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from itertools import islice

CLOSER = {"(": ")", "[": "]", "{": "}"}
CLOSING = ")]}"
QUOTES = "'\""
TRIPLE = ('"""', "'''")

# One step of a scan over Python text: a string (group 1 to 4 says that it ends), a comment, an escaped character,
# a line break or a bracket. No part can match in two ways, so that a scan takes linear time.
LEXEME = re.compile(
    r'''"""[^"\\]*(?:(?:\\(?:.|\Z)|"(?!""))[^"\\]*)*(""")?'''
    r"""|'''[^'\\]*(?:(?:\\(?:.|\Z)|'(?!''))[^'\\]*)*(''')?"""
    r"""|"[^"\\\r\n]*(?:\\(?:\r\n|.|\Z)[^"\\\r\n]*)*(")?"""
    r"""|'[^'\\\r\n]*(?:\\(?:\r\n|.|\Z)[^'\\\r\n]*)*(')?"""
    r"""|\#[^\r\n]*|\\(?:\r\n|.)|\r\n?|\n|[()\[\]{}]""",
    re.DOTALL,
)

_TRAILING = re.compile(r"""[\s)\]}'":,;]*\Z""")
_WORD = re.compile(r"\w+")
_TOKEN = re.compile(r"\w+|[^\w\s]")
_LETTER = re.compile(r"[^\W\d]")
_EVERYWHERE = frozenset({"self", *keyword.kwlist})
_TELLING = 3  # characters of words that do not stand everywhere: fewer may well be on two lines by chance
_LOOP = 4  # a chain of tokens that comes so many times in a row is a loop
_LONG_LOOP = 8  # the same for what people do write several times: elements of a list
_MAX_UNIT = 8  # tokens
_MAX_OVERLAP = 200  # characters
_MAX_CLOSERS = 32  # characters at the end of a suggestion that are looked at


def left_open(text: str) -> tuple[tuple[int, str], ...]:
    """Offset and sign of the brackets and quotes that ``text`` leaves open: at most one quote, and that at the end.

    A closing bracket that fits nothing is passed over, as is a string that a line break cut off.
    """
    return _balance(text)[0]


def without_overlap(new: str, following: str, before: str = "") -> str:
    """``new`` without the end that the rest of the line, ``following``, says already.

    Blanks at the start of ``following`` do not count. Where several ends could go, the one goes that leaves the
    brackets and quotes of ``before`` (the line up to the cursor), ``new`` and ``following`` best in balance; then
    the longest.
    """
    rest = following.strip()
    body = new.rstrip()
    sizes = [0]
    for size in range(1, min(len(body), len(rest), _MAX_OVERLAP) + 1):
        if body.endswith(rest[:size]) and not _inside_word(rest, size):
            sizes.append(size)
    if len(sizes) == 1:
        return new
    best = min(sizes, key=lambda size: (_faults(before + body[: len(body) - size] + following), -size))
    if not best:
        return new
    kept = body[: len(body) - best]
    return kept.rstrip() if following[:1].isspace() else kept


def balanced_end(new: str, before: str, following: str) -> str:
    """``new`` without the closing brackets and quotes at its end that close nothing.

    ``before`` is the statement so far, ``following`` the rest of the line: a bracket that ``following`` closes is
    not closed by ``new`` too. What comes after a bracket that goes, such as a colon, goes with it.
    """
    match = _TRAILING.search(new, max(len(new) - _MAX_CLOSERS, 0))
    first = match.start() if match else len(new)
    best, fewest = len(new), _faults(before + new + following)
    for end in range(len(new) - 1, first - 1, -1):
        if new[end] in CLOSING or new[end] in QUOTES:
            faults = _faults(before + new[:end] + following)
            if faults < fewest:
                best, fewest = end, faults
    return new if best == len(new) else new[:best].rstrip()


def repeats_next(new: str, after: str) -> bool:
    """Whether the lines ``new``, or the last of them, say what the next lines say again.

    ``new`` is whole lines: for a suggestion within a line, what is typed and the suggestion. ``after`` is the text
    behind the cursor's line. White space and blank lines do not count; lines that could stand anywhere, such as
    ``else:`` or ``)``, do not count alone.
    """
    said = list(_lines(new))
    coming = list(islice(_lines(after), len(said)))
    for first in range(len(said)):
        run = said[first:]
        if run == coming[: len(run)] and any(_telling(line) for line in run):
            return True
    return False


def repeats_before(new_line: str, before: str, n: int = 2) -> bool:
    """Whether a greedy search runs in circles: the last ``n`` lines already said ``new_line``, or it loops in itself.

    ``new_line`` is a whole line, typed part included; ``before`` is the text above it. White space and blank lines
    do not count, nor do lines that could stand anywhere.
    """
    if _loops(new_line):
        return True
    lines = _last_lines(before, n)
    return len(lines) == n and _telling(new_line) and set(lines) == {_squeezed(new_line)}


def _balance(text: str) -> tuple[tuple[tuple[int, str], ...], int]:
    """What is left open, and how many brackets and strings are at fault without being open."""
    stack: list[tuple[int, str]] = []
    n_wrong = 0
    for match in LEXEME.finditer(text):
        lexeme = match.group()
        if lexeme in CLOSER:
            stack.append((match.start(), lexeme))
        elif lexeme in CLOSING:
            if stack and CLOSER[stack[-1][1]] == lexeme:
                stack.pop()
            else:
                n_wrong += 1
        elif lexeme[0] in QUOTES and match.lastindex is None:
            if match.end() == len(text):
                stack.append((match.start(), lexeme[:3] if lexeme[:3] in TRIPLE else lexeme[0]))
            else:
                n_wrong += 1
    return tuple(stack), n_wrong


def _faults(text: str) -> int:
    opened, n_wrong = _balance(text)
    return len(opened) + n_wrong


def _inside_word(text: str, at: int) -> bool:
    return at < len(text) and bool(_WORD.fullmatch(text[at - 1 : at + 1]))


def _squeezed(line: str) -> str:
    return "".join(line.split())


def _lines(text: str) -> Iterator[str]:
    """The lines that are not blank, squeezed, one by one: a long text need not be read to its end."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if line := _squeezed(text[start:end]):
            yield line
        start = end + 1


def _last_lines(text: str, n: int) -> list[str]:
    found: list[str] = []
    end = len(text)
    while end > 0 and len(found) < n:
        start = text.rfind("\n", 0, end)
        if line := _squeezed(text[start + 1 : end]):
            found.append(line)
        end = start
    return found


def _telling(line: str) -> bool:
    words = (word for word in _WORD.findall(line) if word not in _EVERYWHERE and not word.isdigit())
    return sum(map(len, words)) >= _TELLING


def _loops(line: str) -> bool:
    """Whether tokens repeat themselves to the end of ``line``, such as ``x.x.x.x``."""
    tokens = _TOKEN.findall(line)
    for size in range(1, min(_MAX_UNIT, len(tokens) // 2) + 1):
        unit = tokens[-size:]
        if "\\" in unit or not any(_LETTER.match(token) for token in unit):
            continue
        n, end = 1, len(tokens) - size
        while end >= size and tokens[end - size : end] == unit:
            n, end = n + 1, end - size
        # The first element of a chain has no sign before it: ``x.x.x.x`` is three times ``.x``, after an ``x``.
        if end and unit[-1] == tokens[end - 1] and len(set(unit)) > 1:
            n += 1
        if n >= (_LONG_LOOP if "," in unit else _LOOP):
            return True
    return False
