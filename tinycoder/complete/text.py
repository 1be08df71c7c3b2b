"""Words, lines and blocks at an offset of a text (in characters), and the change between two texts."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BLOCK_OPENED = re.compile(
    r"(?:(?:async\s+)?(?:class|def|if|elif|else|for|while|with|try|except|finally|match|case)\b|[)\]}]).*:\s*(?:#.*)?"
)
_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class Change:
    """The change from the text ``before`` to the next: ``before[start:old_end]`` became ``text[start:new_end]``."""

    before: str
    start: int
    old_end: int
    new_end: int


def change_of(before: str, text: str, known: Change | None = None) -> Change:
    """The change from ``before`` to ``text``: ``known`` if it begins at ``before``, else the smallest."""
    if known is not None and known.before is before:
        return known
    shorter = min(len(before), len(text))
    start = _n_common(before, text, shorter)
    end = _n_common(before, text, shorter - start, at_end=True)
    return Change(before, start, len(before) - end, len(text) - end)


def _n_common(a: str, b: str, limit: int, *, at_end: bool = False) -> int:
    """How many characters two texts share at their beginning or end, up to ``limit``."""
    low, high = 0, limit + 1  # so many are shared, so many are not
    while high - low > 1:
        middle = (low + high) // 2
        if at_end:
            same = a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]
        else:
            same = a[low:middle] == b[low:middle]
        low, high = (middle, high) if same else (low, middle)
    return low


def typed_word(text: str, offset: int) -> str:
    """The part of a word before ``offset``; empty if there is none."""
    start = offset
    while start > 0 and is_word_character(text[start - 1]):
        start -= 1
    return text[start:offset]


def rest_of_word(text: str, offset: int) -> str:
    """The part of a word after ``offset``."""
    end = offset
    while end < len(text) and is_word_character(text[end]):
        end += 1
    return text[offset:end]


def is_word_character(character: str) -> bool:
    """Whether a character can be in a word."""
    return character == "_" or character.isalnum()


def line_start(text: str, offset: int) -> int:
    """The offset at which the line of ``offset`` begins."""
    return max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) + 1


def line_end(text: str, offset: int) -> int:
    """The offset at which the line of ``offset`` ends, before its line break."""
    ends = (text.find("\n", offset), text.find("\r", offset))
    return min((end for end in ends if end >= 0), default=len(text))


def around(text: str, offset: int) -> tuple[str, str, str]:
    """The line before ``offset``, the line after it, and all text below."""
    end = line_end(text, offset)
    return text[line_start(text, offset) : offset], text[offset:end], text[end:]


def columns(line: str) -> int:
    """Columns of white space at the beginning of a line, tabs counted to multiples of 8."""
    return len(line[: len(line) - len(line.lstrip())].expandtabs(8))


def block_header(text: str, offset: int) -> str | None:
    """The line that opens a block at ``offset``: just after its colon, or on the blank line below; else None."""
    above, _, line = _LINE_END.sub("\n", text[max(0, offset - 1000) : offset]).rstrip(" \t").rpartition("\n")
    if not line.strip():
        line = above.rpartition("\n")[2]
    return line if _BLOCK_OPENED.fullmatch(line.strip()) else None
