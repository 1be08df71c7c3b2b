"""What the baseline servers share: a lexer that never fails, the files of a workspace, and a buffer.

The buffer keeps its tokens from one keystroke to the next.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator
from pathlib import Path

TOKEN = re.compile(
    r'''
  (?P<comment>\#[^\n]*)
| (?P<string>(?:[rbuf]|[rR][bBfF]|[bBfF][rR]|[RBUF])?
    (?:"""(?:\\.|[^\\])*?(?:"""|\Z)|\'\'\'(?:\\.|[^\\])*?(?:\'\'\'|\Z)|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?))
| (?P<name>[^\W\d]\w*)
| (?P<number>\.?\d(?:[eE][-+]\d|[\w.])*)
| (?P<op>\*\*=?|//=?|>>=?|<<=?|!=|->|:=|\.\.\.|[-+*/%&|^=<>@]=?|[()\[\]{},:;.~])
| (?P<newline>\n)
| (?P<space>[ \t\f\r]+|\\\n|.)
''',
    re.VERBOSE | re.DOTALL,
)
SKIPPED = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist", "venv"})
MAX_BYTES = 400_000  # of a file that is read
NEWLINE, BREAK, INDENT, DEDENT = "\n", "\n)", "\t>", "\t<"  # texts of layout tokens; no token of code looks so
Token = tuple[str, int, int]  # text, start, end


class Lexer:
    """Takes text piece by piece.

    ``tokens`` holds those of code, without comments: with a NEWLINE after each statement, a BREAK where a line ends
    within brackets, and INDENT and DEDENT before the first token of a line. ``comment`` is the end of the last comment.
    """

    def __init__(self) -> None:
        self.tokens: list[Token] = []
        self.indents = [0]
        self.depth, self.fresh, self.comment = 0, True, -1

    def feed(self, text: str, start: int, end: int) -> int:
        """Read text[start:end]: the offset behind its last complete statement."""
        complete = start
        for match in TOKEN.finditer(text, start, end):
            kind = match.lastgroup
            if kind == "newline":
                if self.depth:
                    self.tokens.append((BREAK, match.start(), match.end()))
                else:
                    if not self.fresh:
                        self.tokens.append((NEWLINE, match.start(), match.end()))
                    self.fresh, complete = True, match.end()
            elif kind == "comment":
                self.comment = match.end()
            elif kind != "space":
                self.layout(text, match.start())
                if kind == "op":
                    self.depth = max(0, self.depth + (match[0] in "([{") - (match[0] in ")]}"))
                self.tokens.append((match[0], match.start(), match.end()))
        return complete

    def layout(self, text: str, at: int) -> None:
        """The INDENT or DEDENT tokens that are due where a line's first token starts."""
        if self.fresh:
            column, self.fresh = at - text.rfind("\n", 0, at) - 1, False
            while column < self.indents[-1]:
                self.indents.pop()
                self.tokens.append((DEDENT, at, at))
            if column > self.indents[-1]:
                self.indents.append(column)
                self.tokens.append((INDENT, at, at))


def lex(text: str) -> list[Token]:
    """The tokens of a whole text."""
    lexer = Lexer()
    lexer.feed(text, 0, len(text))
    return lexer.tokens


class Buffer:
    """The tokens before the cursor of an open document, each statement read once."""

    def __init__(self) -> None:
        self._done, self._text = Lexer(), ""

    def before(self, text: str, at: int) -> tuple[list[Token], Lexer, str] | None:
        """Tokens of the complete statements, a lexer with those of the one at the cursor, the name being typed.

        None in a comment.
        """
        if at < len(self._text) or not text.startswith(self._text):
            self._done, self._text = Lexer(), ""
        tail, complete = self._tail(text, at)
        if complete > len(self._text):
            self._text = text[: self._done.feed(text, len(self._text), complete)]
            tail, _ = self._tail(text, at)
        if tail.comment == at:
            return None
        partial = ""
        if tail.tokens and tail.tokens[-1][2] == at and is_name(tail.tokens[-1][0]):
            partial = tail.tokens.pop()[0]
        tail.layout(text, at - len(partial))
        return self._done.tokens, tail, partial

    def _tail(self, text: str, at: int) -> tuple[Lexer, int]:
        tail = Lexer()
        tail.indents = self._done.indents[:]
        return tail, tail.feed(text, len(self._text), at)


def is_name(token: str) -> bool:
    """Whether it can be a name (or is a keyword)."""
    return token.isidentifier()


def python_files(root: str, skipped: Collection[str] = SKIPPED) -> Iterator[str]:
    """The text of each Python file under a folder."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name not in skipped and not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if name.endswith(".py") and file.stat().st_size <= MAX_BYTES:
                yield file.read_text("utf-8", "replace").replace("\r\n", "\n")
