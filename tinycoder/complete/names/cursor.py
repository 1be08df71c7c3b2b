"""A cursor in a Python text, with the line and the scopes that it is in."""

from dataclasses import dataclass

from tinycoder.complete.names.line import Line
from tinycoder.complete.names.position import Position
from tinycoder.complete.names.scopes import Scopes
from tinycoder.symbols.source.lines import width


@dataclass(frozen=True, kw_only=True)
class Cursor:
    """A cursor in a text whose line breaks are line feeds.

    ``typed`` is the part of the word before it, ``rest`` the part behind it. ``line`` is the cursor's own line without
    what is typed, ``inside`` what it is in: "string" or "comment". ``prose`` tells comments, docstrings and
    sentences in strings from strings of one word.
    """

    path: str
    row: int
    before: str
    typed: str
    rest: str
    inside: str
    prose: bool
    position: Position
    line: Line
    scopes: Scopes

    @property
    def function(self) -> str:
        """The name of the innermost function around the cursor; empty outside of functions."""
        return next((scope.name for scope in self.scopes.scopes(self.indent) if scope.kind == "def"), "")

    @property
    def indent(self) -> int:
        """Columns of white space before the line's code."""
        return width(self.before[: len(self.before) - len(self.before.lstrip())])
