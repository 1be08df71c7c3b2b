"""Where a block begins: Python's parser decides, so that only what it takes for a header is one."""

import ast
import re
import warnings
from collections import deque

from tinycoder.complete.text import line_end, line_start

_MAX_LINES = 40  # of a header
_MAX_CHARACTERS = 4_000
_COLON = re.compile(r":[ \t\f]*(?:#.*)?\Z")
_KEYWORD = re.compile(r"[ \t\f]*((?:async[ \t]+)?[a-z]+)\b")
# What stands above and below a header so that Python's parser takes both for a statement.
_AROUND = {
    **dict.fromkeys(("class", "def", "for", "if", "while", "with"), ("", " pass")),
    **dict.fromkeys(("async def", "async for", "async with"), ("", " pass")),
    **dict.fromkeys(("elif", "else"), ("if 1: pass\n", " pass")),
    **dict.fromkeys(("except", "finally"), ("try: pass\n", " pass")),
    "try": ("", " pass\nfinally: pass"),
    "match": ("", " case 1: pass"),
    "case": ("match 1:\n ", "  pass"),
}
_STRINGS = re.compile(  # and comments; one of the groups is the closing quote
    r'''"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(""")?'''
    r"""|'''[^'\\]*(?:(?:\\.|'(?!''))[^'\\]*)*(''')?"""
    r"""|"[^"\\\n]*(?:\\.[^"\\\n]*)*(")?"""
    r"""|'[^'\\\n]*(?:\\.[^'\\\n]*)*(')?"""
    r"""|\#[^\n]*""",
    re.DOTALL,
)


def block_header(text: str, offset: int) -> str | None:
    """The last line of the header whose block begins at ``offset``; None if no block begins there.

    A block begins at the end of the header's line, and on the blank line below it.
    """
    if text[offset : line_end(text, offset)].strip():
        return None
    start, end = line_start(text, offset), offset
    if start and not text[start:offset].strip():
        start, end = line_start(text, start - 1), start - 1
    line = text[start:end]
    if end - start > _MAX_CHARACTERS or not _COLON.search(line):
        return None
    first = _first_line(text, start, end)
    return None if first is None or _is_in_string(text, first) else line


def _first_line(text: str, start: int, end: int) -> int | None:
    """The offset of the first line of a header whose last line is ``text[start:end]``; None if that is none."""
    for _ in range(_MAX_LINES):
        found = _KEYWORD.match(text, start, end)
        if found and (around := _AROUND.get(" ".join(found[1].split()))) and _opens(text[start:end], *around):
            return start
        if not start or end - start > _MAX_CHARACTERS:
            break
        start = line_start(text, start - 1)
    return None


def _opens(header: str, above: str, below: str) -> bool:
    """Whether ``below`` is the block of ``header``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for an unknown escape in a string
            ast.parse(f"{above}{header.lstrip()}\n{below}\n")
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return False
    return True


def _is_in_string(text: str, at: int) -> bool:
    """Whether a string literal goes on at ``at``, the beginning of a line."""
    last = next(iter(deque(_STRINGS.finditer(text, 0, at), maxlen=1)), None)
    return last is not None and last.end() == at and last.lastindex is None
