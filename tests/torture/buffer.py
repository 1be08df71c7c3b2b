"""A text and its edits as LSP describes them, one character after the other: slow, and plain to see through.

What the server makes of the same edits is compared with this.
"""

from __future__ import annotations

import hashlib
import random
import re
from collections.abc import Callable

ENCODINGS: dict[str, Callable[[str], int]] = {
    "utf-8": lambda character: len(character.encode("utf-8")),
    "utf-16": lambda character: 2 if ord(character) > 0xFFFF else 1,
    "utf-32": lambda character: 1,
}
PIECES = (
    "x",
    "name",
    " = ",
    "\n",
    "\n    ",
    "\r\n",
    "\r",
    "\t",
    "😀",
    "é",
    "e\u0301",
    "漢字",
    "\u2028",
    "\f",
    "\x00",
    "\ud83d",
    "\ude00",
    "def f(a):\n",
)


class Buffer:
    """A text, edited by ranges in one of LSP's encodings."""

    def __init__(self, text: str, encoding: str) -> None:
        self.text = text
        self._units = ENCODINGS[encoding]

    @property
    def digest(self) -> str:
        """That of the code in the text."""
        return hashlib.sha256(_code(self.text).encode()).hexdigest()

    def code_offset(self, line: int, column: int) -> int:
        """The offset of a position in the code."""
        return len(_code(self.text[: self.offset(line, column)]))

    def offset(self, line: int, column: int) -> int:
        """Walk to a position: past the end of a line is its end, past the last line the end of the text."""
        at = 0
        for _ in range(line):
            at = self._after_line(at)
            if at < 0:
                return len(self.text)
        while at < len(self.text) and self.text[at] not in "\r\n":
            column -= self._units(self.text[at])
            if column < 0:
                return at
            at += 1
        return at

    def replace(self, start: tuple[int, int], end: tuple[int, int], new: str) -> None:
        first, last = sorted((self.offset(*start), self.offset(*end)))
        self.text = self.text[:first] + without_halves(new) + self.text[last:]

    def somewhere(self, chance: random.Random) -> tuple[int, int]:
        """A position, mostly in the text."""
        line = chance.randrange(self.text.count("\n") + self.text.count("\r") + 2)
        return chance.choice([(line, chance.randrange(30))] * 9 + [(line, 2**31 - 1)])

    def _after_line(self, at: int) -> int:
        """Where the next line begins; -1 if there is none."""
        while at < len(self.text) and self.text[at] not in "\r\n":
            at += 1
        if at == len(self.text):
            return -1
        return at + (2 if self.text[at : at + 2] == "\r\n" else 1)


def _code(text: str) -> str:
    """What the engine sees of a text: lines that end with line feeds, and no byte-order mark."""
    return re.sub(r"\r\n?", "\n", text).removeprefix("\ufeff")


def without_halves(text: str) -> str:
    """Half a pair of surrogates is no character, and counts as one that is unknown. JSON makes both halves one."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
    return "".join("\ufffd" if 0xD800 <= ord(character) <= 0xDFFF else character for character in text)


def some_text(chance: random.Random, most: int) -> str:
    return "".join(chance.choices(PIECES, k=chance.randrange(most)))
