"""A text as it was typed, with any line ends, and the code in it that the engine completes."""

import dataclasses
import re
from functools import cached_property

from tinycoder.complete.candidate import Candidate, Edit
from tinycoder.workspace.line_ends import BYTE_ORDER_MARK, as_code, line_end_of

_CHARACTER = re.compile(r"\r\n|.", re.DOTALL)


class TypedText:
    """Maps offsets of a text to its ``code``, which has line feeds and no byte-order mark, and candidates back."""

    def __init__(self, text: str) -> None:
        self.code = as_code(text)
        self._text = text

    def offset(self, at: int) -> int:
        """The offset in the code; between ``\\r`` and ``\\n`` that of the line's end."""
        inside = self._text[max(0, at - 1) : at + 1] == "\r\n"
        return len(as_code(self._text[: at - inside]))

    def back(self, candidate: Candidate) -> Candidate:
        """A candidate for the code as one for the text, whose line ends it gets."""
        if self.code == self._text:
            return candidate
        at, end = self._offsets, candidate.replace_end
        return dataclasses.replace(
            candidate,
            text=self._own(candidate.text),
            start=at[candidate.start],
            end=at[candidate.end],
            replace_end=None if end is None else at[end],
            edits=tuple(
                Edit(start=at[each.start], end=at[each.end], text=self._own(each.text)) for each in candidate.edits
            ),
        )

    def _own(self, text: str) -> str:
        return text.replace("\n", line_end_of(self._text))

    @cached_property
    def _offsets(self) -> list[int]:
        """The offset in the text of each character of the code, and of its end."""
        start = len(BYTE_ORDER_MARK) if self._text.startswith(BYTE_ORDER_MARK) else 0
        return [*(each.start() for each in _CHARACTER.finditer(self._text, start)), len(self._text)]
