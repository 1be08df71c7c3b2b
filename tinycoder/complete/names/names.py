"""Which names could stand at a cursor in a Python text: the reader of the text around it, and what it found.

Lines that were read before are not read again, and what the other lines say is kept while one line is typed on.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace

from tinycoder.complete.names import candidates
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.importable import importable
from tinycoder.complete.names.line import MAX_LENGTH, START, Line, State, read_line
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.position import ATTRIBUTE, IMPORTED, NO_NAME, Position, position
from tinycoder.complete.names.resolver import Resolver
from tinycoder.complete.names.scopes import Scopes
from tinycoder.complete.text import rest_of_word, typed_word
from tinycoder.symbols.imports.offers import OfferedNames
from tinycoder.symbols.project import Project
from tinycoder.symbols.records import Module, Symbol
from tinycoder.symbols.source.live import LiveReader
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.types.narrowing import narrowed
from tinycoder.symbols.world import View, World

MAX_LINES = 8_192  # lines that are remembered, or twice a text's, and as many that have not been read lately
_NARROWS = re.compile(r"\bisinstance\(|^\s*case\b", re.MULTILINE)
MAX_READERS = 16  # open documents whose records are kept up to date


class Names:
    """Answers about one text after another, quickly if they resemble each other. One thread at a time."""

    def __init__(self, world: World | None = None) -> None:
        self._world = world or World(Project())
        self._view: View | None = None
        self._offered = OfferedNames()
        self._opened: dict[str, Module] = {}
        self._forgotten: Callable[[str], bool] = lambda path: False
        self._lines: dict[State, dict[str, Line]] = {}
        self._older_lines: dict[State, dict[str, Line]] = {}
        self._above: tuple[str, list[Line], State] = ("", [], START)
        self._scopes_key: tuple[str, str, State] | None = None
        self._scopes = Scopes([], [])
        self._readers: OrderedDict[str, LiveReader] = OrderedDict()
        self._unread: dict[str, str] = {}  # texts of open documents that changed, by path
        self._found: tuple[object, list[Name]] | None = None

    def know(self, world: World, offered: OfferedNames) -> None:
        """Answer from the modules of ``world`` from now on, and offer these names with their import."""
        self._world, self._offered = world, offered
        self._view = self._found = None
        world.project.leave_out(self._forgotten)
        for path, module in self._opened.items():
            world.project.open(path, module)

    def observe(self, path: str, text: str) -> None:
        """The file is open and says this now."""
        self._unread[path] = text

    def forget(self, path: str) -> None:
        """It is closed."""
        self._unread.pop(path, None)
        self._readers.pop(path, None)
        self._opened.pop(path, None)
        self._world.project.close(path)

    def leave_out(self, forgotten: Callable[[str], bool]) -> None:
        """Know nothing of these paths from now on, but in an open file of them what it says itself."""
        self._forgotten = forgotten
        self._world.project.leave_out(forgotten)
        self._found = None

    def cursor(self, path: str, text: str, offset: int) -> Cursor:
        """Where ``offset`` (in characters) is, with what can come there."""
        offset = max(0, min(offset, len(text)))
        start, end = text.rfind("\n", 0, offset) + 1, text.find("\n", offset)
        end = len(text) if end < 0 else end
        typed, rest = typed_word(text, offset), rest_of_word(text, offset)
        first, last = offset - len(typed), offset + len(rest)
        if self._above[0] != text[:start]:
            lines = self._read(text[: start - 1], START) if start else []
            self._above = (text[:start], lines, lines[-1].end if lines else START)
        state = self._above[2]
        before = text[max(start, first - MAX_LENGTH // 2) : first]
        line = read_line(before + text[last:end], state)
        inside = read_line(before, state).inside
        scopes = self._around(text[:start], text[end:], line.end)
        return Cursor(
            path=path,
            row=scopes.row,
            before=before,
            typed=typed,
            rest=rest,
            inside=inside if inside in ("string", "comment") else "",
            prose=inside == "comment" or (inside == "string" and (bool(state.quote) or _is_sentence(before))),
            position=self._position(text, start, before, typed, state, inside),
            line=line,
            scopes=scopes,
        )

    def at(self, cursor: Cursor, text: str) -> list[Name]:
        """The names that could stand at the cursor, none twice. They need not begin with what is typed there."""
        if cursor.inside or cursor.position.kind == NO_NAME:
            return []
        resolver = self.resolver(cursor, text)
        key = (cursor.before, cursor.position, id(cursor.scopes), id(resolver.module), id(resolver.modules))
        if self._found is None or self._found[0] != key:
            self._found = (key, candidates.names_at(cursor, resolver))
        return self._found[1]

    def is_open(self, cursor: Cursor, text: str) -> bool:
        """Whether names can stand at the cursor that nothing defines: behind a dot, in a call, from a module."""
        where = cursor.position
        resolver = self.resolver(cursor, text)
        if where.kind == ATTRIBUTE:
            return not resolver.members(where.receiver).known
        if where.kind == IMPORTED:
            return resolver.modules.find(resolver.absolute(where.module)) is None
        if where.call is not None:
            signature = resolver.signature(where.call.callee)
            return signature is None or signature.takes_any_keyword
        return False

    def importable(self, cursor: Cursor) -> list[Name]:
        """Names that begin with what is typed and need an import."""
        return importable(cursor, self.modules(cursor.path), self._offered)

    def resolver(self, cursor: Cursor, text: str) -> Resolver:
        """What is known at the cursor: scopes, modules, types. ``text`` is the document's."""
        for path, unread in self._unread.items():
            if path != cursor.path:
                self._open(path, self._reader(path).update(unread))
        self._unread.clear()
        reader = self._reader(cursor.path)
        module = reader.update(text, cursor.row)
        self._open(cursor.path, module)
        enclosing = reader.locals_at(cursor.row, cursor.indent)
        if here := _bound_before(cursor.position.before):
            if enclosing:
                inner = replace(enclosing[0], bindings={**enclosing[0].bindings, **here})
                enclosing = [inner, *enclosing[1:]]
            else:
                module = replace(module, symbols={**module.symbols, **here})
        narrower = narrowed(text.split("\n"), cursor.row, cursor.indent) if _NARROWS.search(text) else {}
        return Resolver(self.modules(cursor.path), module, enclosing, narrower)

    def modules(self, path: str) -> View:
        """The modules as the file at ``path`` sees them."""
        view = self._world.view(path)
        if self._view is None or not self._view.is_like(view):
            self._view = view
        return self._view

    def _open(self, path: str, module: Module) -> None:
        if self._opened.get(path) is not module:
            self._opened[path] = module
            self._world.project.open(path, module)

    def _reader(self, path: str) -> LiveReader:
        reader = self._readers.get(path)
        if reader is None:
            reader = self._readers[path] = LiveReader()
        self._readers.move_to_end(path)
        if len(self._readers) > MAX_READERS:
            self._readers.popitem(last=False)
        return reader

    def _position(self, text: str, start: int, before: str, typed: str, state: State, inside: str) -> Position:
        if inside in ("string", "comment") or typed[:1].isdigit():
            return Position(kind=NO_NAME)
        sources = text[max(0, start - candidates.MAX_ABOVE) : start].split("\n")[:-1][-candidates.ROWS_ABOVE :]
        first_row = len(self._above[1]) - len(sources)
        above = [
            _code(source, self._above[1][row - 1].end.quote if row > 0 else "")
            for row, source in enumerate(sources, first_row)
        ]
        importing = "" if state.quote or not state.head.startswith("from ") else state.head.partition(" ")[2]
        braces = inside == "braces"  # perhaps of a string that an earlier line began
        return position(before if braces else _code(before, state.quote), above, importing=importing, braces=braces)

    def _around(self, before: str, after: str, state: State) -> Scopes:
        """``after`` begins with the line break of the cursor's line, if there is one."""
        if (before, after, state) != self._scopes_key:
            self._scopes_key = (before, after, state)
            self._scopes = Scopes(self._above[1], self._read(after[1:], state) if after else [])
        return self._scopes

    def _read(self, text: str, state: State) -> list[Line]:
        if sum(map(len, self._lines.values())) > max(MAX_LINES, 2 * text.count("\n")):
            self._lines, self._older_lines = {}, self._lines
        lines = []
        known = self._lines.setdefault(state, {})
        for source in text.split("\n"):
            line = known.get(source)
            if line is None:
                line = self._older_lines.get(state, {}).get(source) or read_line(source, state)
                known[source] = line
            lines.append(line)
            if line.end != state:
                state = line.end
                known = self._lines.setdefault(state, {})
        return lines


def _bound_before(statement: str) -> Mapping[str, Symbol]:
    """What earlier statements of the cursor's line bind: before a semicolon, or in the header before a colon."""
    for mark in (";", ":"):
        first, mark_found, _ = statement.rpartition(mark)
        if mark_found and (read := read_source(f"{first.strip()}{': pass' if mark == ':' else ''}\n")):
            return read.symbols
    return {}


def _code(line: str, quote: str) -> str:
    """A line without the end of a string that an earlier line began."""
    if not quote:
        return line
    mark = quote.removeprefix("f")
    _, found, rest = line.partition(mark)
    return mark[0] * 2 + rest if found else ""


def _is_sentence(before: str) -> bool:
    """Whether the string at the end of a line is a docstring, or has several words."""
    at = max(before.rfind("'"), before.rfind('"')) + 1
    return " " in before[at:] or before[:at].endswith(("'''", '"""'))
