"""Filters on ghost text: no new syntax error, no surplus bracket, no repetition of the text around the cursor."""

from collections.abc import Sequence

from tinycoder.complete.overlap import balanced_end, repeats_before, repeats_next, without_overlap
from tinycoder.complete.syntax import SyntaxGate
from tinycoder.complete.text import around


class Filters:
    """Applies all filters in turn; keeps what the syntax gate read last."""

    def __init__(self) -> None:
        self._syntax = SyntaxGate()

    def let_through(self, text: str, offset: int, new: str, ends: Sequence[int]) -> str:
        """The longest part of ``new`` to show at ``offset``, cut at one of the rising ``ends``; "" if there is none."""
        before, following, after = around(text, offset)
        if not before.strip() and new[:1].isspace():
            return ""  # the indentation is the author's choice
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
    """The block up to the first line that equals the line above it, a sign that the greedy search loops."""
    lines = new.split("\n")
    for i in range(1, len(lines)):
        if lines[i].strip() == lines[i - 1].strip() != "":
            return "\n".join(lines[:i])
    return new
