"""What may be shown: no new syntax error, no bracket too many, nothing that stands there already."""

from __future__ import annotations

from collections.abc import Sequence

from tinycoder.complete.overlap import balanced_end, repeats_before, repeats_next, without_overlap
from tinycoder.complete.syntax import SyntaxGate
from tinycoder.complete.text import around


class Filters:
    """All gates in a row; keeps what the syntax gate read last."""

    def __init__(self) -> None:
        self._syntax = SyntaxGate()

    def let_through(self, text: str, offset: int, new: str, ends: Sequence[int]) -> str:
        """The longest part of ``new`` that may stand at ``offset``, cut at one of the rising ``ends``; else nothing."""
        before, following, after = around(text, offset)
        if not before.strip() and new[:1].isspace():
            return ""  # the indentation is as it stands
        first_line = new.partition("\n")[0]
        if repeats_next(before + new, after) or repeats_before(before + first_line, text[: offset - len(before)]):
            return ""
        new = _without_repeated_line(new)
        if "\n" not in new:
            new = balanced_end(without_overlap(new, following, before), before, following)
        ends = [end for end in ends if end < len(new)] + [len(new)]
        if not new.strip():
            return ""
        return self._syntax.longest_valid(text, offset, offset, new, ends) or ""


def _without_repeated_line(new: str) -> str:
    """A block up to where a line says again what the line above says: a greedy search that runs in circles."""
    lines = new.split("\n")
    for i in range(1, len(lines)):
        if lines[i].strip() == lines[i - 1].strip() != "":
            return "\n".join(lines[:i])
    return new
