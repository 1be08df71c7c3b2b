"""Brackets, quotes and lines around the cursor that a suggestion must not repeat.

Pure functions over text, which read Python's brackets, strings and comments, but not its grammar.
"""

import keyword
import re
from collections.abc import Iterator
from itertools import islice

CLOSER = {"(": ")", "[": "]", "{": "}"}
CLOSING = ")]}"
QUOTES = "'\""
TRIPLE = ('"""', "'''")

# One step of a scan over Python text: a string (one of the groups 1 to 4 matches if it ends), a comment, an escaped
# character, a line break or a bracket. No part can match in two ways, so that a scan takes linear time.
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
_TELLING = 3  # characters in uncommon words that a line must have: fewer may be on two lines by chance
_LOOP = 4  # repetitions of a chain of tokens that make a loop
_LONG_LOOP = 8  # the same for elements of a list, which people do repeat
_MAX_UNIT = 8  # tokens of such a chain
_MAX_OVERLAP = 200  # characters
_MAX_CLOSERS = 32  # characters at the end of a suggestion that are searched for closing brackets


def left_open(text: str) -> tuple[tuple[int, str], ...]:
    """Offset and sign of the brackets and quotes that ``text`` leaves open; a quote can only be the last of them.

    A closing bracket without an opening one is skipped, and so is a string that a line break cuts off.
    """
    return _balance(text)[0]


def without_overlap(new: str, following: str, before: str = "") -> str:
    """``new`` without the end that the rest of the line, ``following``, begins with.

    Blanks at the start of ``following`` do not count. Of several such ends the one is cut that best balances the
    brackets and quotes of ``before`` (the line up to the cursor), ``new`` and ``following``; of equal ones the longest.
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

    ``before`` is the statement so far, ``following`` the rest of the line: ``new`` must not close a bracket that
    ``following`` closes. What comes after a bracket that is cut, such as a colon, is cut too.
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
    """Whether the lines ``new``, or the last of them, equal the next lines.

    ``new`` is whole lines: for a suggestion within a line, the typed part and the suggestion. ``after`` is the text
    below the cursor's line. White space and blank lines do not count; lines that are common everywhere, such as
    ``else:`` or ``)``, do not count alone.
    """
    lines = list(_lines(new))
    next_lines = list(islice(_lines(after), len(lines)))
    for first in range(len(lines)):
        run = lines[first:]
        if run == next_lines[: len(run)] and any(is_telling(line) for line in run):
            return True
    return False


def repeats_before(new_line: str, before: str, n: int = 2) -> bool:
    """Whether a greedy search loops: all of the last ``n`` lines equal ``new_line``, or its tokens repeat themselves.

    ``new_line`` is a whole line with its typed part; ``before`` is the text above it. White space and blank lines do
    not count, nor do lines that are common everywhere.
    """
    if _loops(new_line):
        return True
    lines = _last_lines(before, n)
    return len(lines) == n and is_telling(new_line) and set(lines) == {_squeezed(new_line)}


def _balance(text: str) -> tuple[tuple[tuple[int, str], ...], int]:
    """The brackets and quotes left open, and how many other brackets and strings are faulty."""
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
    """The lines that are not blank, squeezed; lazily, so that a long text need not be read to its end."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        if line := _squeezed(text[start:end]):
            yield line
        start = end + 1


def _last_lines(text: str, n: int) -> list[str]:
    lines: list[str] = []
    end = len(text)
    while end > 0 and len(lines) < n:
        start = text.rfind("\n", 0, end)
        if line := _squeezed(text[start + 1 : end]):
            lines.append(line)
        end = start
    return lines


def is_telling(line: str) -> bool:
    """Whether a line says enough not to be on two lines by chance."""
    words = (word for word in _WORD.findall(line) if word not in _EVERYWHERE and not word.isdigit())
    return sum(map(len, words)) >= _TELLING


def _loops(line: str) -> bool:
    """Whether tokens repeat up to the end of ``line``, such as ``x.x.x.x``."""
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
