"""Reads a document that is being typed into the same records as ``reader``, and tells what encloses a row.

The text is cut into statements (``layout``); of classes, into the statements of their bodies. Each is parsed for
itself, mended where it is broken (``mend``), and what it said is kept by its text: an edit costs the pieces that it
touched. For one thread at a time.
"""

import ast
from bisect import bisect_left
from dataclasses import dataclass, field, replace

from tinycoder.symbols.records import EMPTY, Class, Enclosing, Function, Module
from tinycoder.symbols.source.events import PLAIN, Events, fold, module, moved
from tinycoder.symbols.source.functions import FunctionNode, read_function
from tinycoder.symbols.source.layout import OPENING, Layout, State, read
from tinycoder.symbols.source.mend import mended, parse_rows
from tinycoder.symbols.source.reader import LARGEST, REFUSALS, class_record, read_bases, read_class, read_statements
from tinycoder.symbols.source.scope import locals_of
from tinycoder.workspace.line_ends import as_code

_DEFINITIONS = ("def", "class", "async")
_REMEMBERED = 64  # enclosing functions


@dataclass(slots=True)
class _Piece:
    """What a piece of text said, as it stood last; lines are those of the text."""

    row: int
    events: Events
    class_: Class | None = None  # a class without its body, where the piece is a header


@dataclass(slots=True)
class _Seen:
    """The text that was read last: what is before and after the line that was left out, and what stood for it."""

    row: int = -1
    before: str = ""
    after: str = ""
    state: State = field(default_factory=State)
    opens_block: bool = False
    instead: str = ""


class LiveReader:
    """The records of one document, kept up with its text."""

    def __init__(self) -> None:
        self._module = EMPTY
        self._text: str | None = None
        self._layout = Layout([])
        self._seen = _Seen()
        self._pieces: dict[tuple[str, str], _Piece] = {}
        self._older: dict[tuple[str, str], _Piece] = {}
        self._enclosing: dict[tuple[int, int], list[Enclosing]] = {}
        self._functions: dict[str, tuple[FunctionNode | ast.ClassDef | None, int]] = {}

    def update(self, text: str, skip_line: int | None = None) -> Module:
        """What ``text`` defines. The line in row ``skip_line`` is left out where nothing else hangs on it.

        A line stays that opens a block, a bracket or a string. The same text outside of that line gives the same
        object. Never raises.
        """
        text = as_code(text)
        if skip_line is not None and self._is_seen(text, skip_line):
            return self._module
        if len(text) > LARGEST:
            self._set(EMPTY, "", Layout([]))
            self._seen = _Seen()
            return EMPTY
        seen = _Seen()
        if skip_line is not None and 0 <= skip_line <= text.count("\n"):
            lines = text.split("\n")
            seen = self._skipped(lines, skip_line)
            text = "\n".join(lines)
        self._seen = seen
        if text != self._text:
            layout = Layout(text.split("\n"), self._layout)
            self._older, self._pieces = self._pieces, {}
            self._set(module(self._read(layout)), text, layout)
        return self._module

    def locals_at(self, row: int, column_indent: int) -> list[Enclosing]:
        """The functions and classes around a row whose code begins in a column, innermost first.

        What is bound on later rows of a function counts only where nothing is before.
        """
        key = (row, column_indent)
        if key not in self._enclosing:
            if len(self._enclosing) >= _REMEMBERED:
                self._enclosing.clear()
            self._enclosing[key] = self._around(row, column_indent)
        return self._enclosing[key]

    def _set(self, module: Module, text: str, layout: Layout) -> None:
        self._module, self._text, self._layout = module, text, layout
        self._enclosing = {}

    def _is_seen(self, text: str, row: int) -> bool:
        """Whether the text differs from the last one in nothing but what is left out."""
        seen = self._seen
        if seen.row != row or len(text) < len(seen.before) + len(seen.after):
            return False
        end = len(text) - len(seen.after)
        if not text.startswith(seen.before) or not text.endswith(seen.after):
            return False
        line = text[len(seen.before) : end]
        return "\n" not in line and _instead(line, seen.state, seen.opens_block) == seen.instead

    def _skipped(self, lines: list[str], row: int) -> _Seen:
        """Replace a line that is left out."""
        before, line, after = lines[:row], lines[row], lines[row + 1 :]
        layout = Layout(before, self._layout)
        state = layout.end
        opens_block = False
        if state.is_fresh or layout.words[-1] in OPENING:
            indent = read(lines[row if state.is_fresh else state.start]).indent
            below = next((said for said in (read(each) for each in after) if said.is_code), None)
            word = read(line).word if state.is_fresh else layout.words[-1]
            opens_block = not state.is_fresh or (word in OPENING and below is not None and below.indent > indent)
        lines[row] = instead = _instead(line, state, opens_block)
        head, tail = "\n".join([*before, ""]), "\n".join(["", *after])
        return _Seen(row, head, tail if after else "", state, opens_block, instead)

    def _read(self, layout: Layout) -> Events:
        events = Events()
        for first, last in layout.blocks(0, len(layout.starts)):
            head = first
            while layout.words[head] == "@" and head + 1 < last:
                head += 1
            is_class = layout.words[head] == "class" and head + 1 < last
            if not is_class or not self._read_class(layout, first, head, last, events):
                events += self._piece(layout, first, last, in_class=False).events
        return events

    def _read_class(self, layout: Layout, first: int, head: int, last: int, events: Events) -> bool:
        header = self._header(layout, first, head)
        if header is None or any(layout.indents[each] <= layout.indents[head] for each in range(head + 1, last)):
            return False
        inside = Events(events)
        inside += header.events
        for start, end in layout.blocks(head + 1, last):
            inside += self._piece(layout, start, end, in_class=True).events
        assert header.class_ is not None
        events.defined.append((replace(header.class_, members=fold(inside.defined, inside.attributes)), PLAIN))
        return True

    def _header(self, layout: Layout, first: int, head: int) -> _Piece | None:
        row = layout.starts[first]
        lines = [*layout.lines[row : layout.ends[head]], " " * (layout.indents[head] + 1) + "..."]
        key = ("header", "\n".join(lines))
        piece = self._known(key, row)
        if piece is None:
            try:
                nodes, by = parse_rows(lines, layout.indents[first])
            except REFUSALS:
                return None
            node = nodes[-1]
            if not isinstance(node, ast.ClassDef):
                return None
            events = Events()
            bases, metaclass = read_bases(node, events)
            class_ = class_record(node, bases, metaclass, Events())
            piece = self._pieces[key] = _Piece(row, events.moved(row + by), moved(class_, row + by))
        return piece

    def _piece(self, layout: Layout, first: int, last: int, *, in_class: bool) -> _Piece:
        """What a block says."""
        row = layout.starts[first]
        lines = layout.lines[row : layout.ends[last - 1]]
        key = ("class" if in_class else "", "\n".join(lines))
        piece = self._known(key, row)
        if piece is None:
            events = Events()
            nodes, by = _statements(layout, first, last)
            read_statements(nodes, events, in_class=in_class)
            piece = self._pieces[key] = _Piece(row, events.moved(row + by))
        return piece

    def _known(self, key: tuple[str, str], row: int) -> _Piece | None:
        piece = self._pieces.get(key) or self._older.get(key)
        if piece is not None:
            if piece.row != row:
                by = row - piece.row
                piece = _Piece(row, piece.events.moved(by), moved(piece.class_, by) if piece.class_ else None)
            self._pieces[key] = piece
        return piece

    def _around(self, row: int, column_indent: int) -> list[Enclosing]:
        layout = self._layout
        enclosing: list[Enclosing] = []
        number = bisect_left(layout.starts, row) - 1  # the last that begins before the row
        limit = column_indent
        if number >= 0 and row < layout.ends[number]:  # the row continues a statement
            limit = layout.indents[number]
            if layout.words[number] in OPENING:
                limit += 1  # it is a part of the header
        for outer in layout.around(number, limit):
            known = None if layout.indents[outer] else self._class_at(layout.starts[outer] + 1)
            if known is not None:
                enclosing.append(Enclosing(known, known.members))
                break
            definition = self._definition(layout, outer)
            if definition is not None:
                words = (layout.words[each] for each in layout.around(outer, layout.indents[outer]))
                holder = next((word for word in words if word in _DEFINITIONS), "")
                enclosing.append(_enclosing(*definition, row, in_class=holder == "class"))
        return enclosing

    def _class_at(self, line: int) -> Class | None:
        """The class that was read at a line: there is no need to read a long one again."""
        for symbol in self._module.symbols.values():
            if isinstance(symbol, Class) and symbol.line == line:
                return symbol
        return None

    def _definition(self, layout: Layout, number: int) -> tuple[FunctionNode | ast.ClassDef, int] | None:
        """The function or class whose header is statement ``number``, and what to add to its lines."""
        if layout.words[number] not in _DEFINITIONS:
            return None
        first = number
        while first and layout.words[first - 1] == "@" and layout.indents[first - 1] == layout.indents[number]:
            first -= 1
        last = number + 1
        while last < len(layout.starts) and layout.indents[last] > layout.indents[number]:
            last += 1
        row = layout.starts[first]
        key = "\n".join(layout.lines[row : layout.ends[last - 1]])
        if key not in self._functions:
            if len(self._functions) >= _REMEMBERED:
                self._functions.clear()
            nodes, by = _statements(layout, first, last)
            kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
            self._functions[key] = next((each for each in nodes if isinstance(each, kinds)), None), by
        node, by = self._functions[key]
        return None if node is None else (node, row + by)


def _instead(line: str, state: State, opens_block: bool) -> str:
    """What replaces a line that is left out: the line itself where others hang on it, else the brackets it closes."""
    said = read(line, state.quote)
    if opens_block or said.goes_on or said.quote != state.quote:
        return line
    if state.is_fresh:
        return line if said.opens else ""
    return said.closes + said.opens


def _statements(layout: Layout, first: int, last: int) -> tuple[list[ast.stmt], int]:
    """The statements of a block, and what to add to their lines where its first is 0."""
    row = layout.starts[first]
    try:
        return parse_rows(layout.lines[row : layout.ends[last - 1]], layout.indents[first])
    except REFUSALS:
        try:
            return mended(layout, first, last), -row
        except RecursionError:
            return [], 0


def _enclosing(node: FunctionNode | ast.ClassDef, by: int, row: int, *, in_class: bool) -> Enclosing:
    if isinstance(node, ast.ClassDef):
        class_ = moved(read_class(node, Events()), by)
        return Enclosing(class_, class_.members)
    function = read_function(node, Events(), in_class=in_class) or Function(node.name, node.lineno)
    bindings = {name: moved(symbol, by) for name, symbol in locals_of(node, row + 1 - by).items()}
    return Enclosing(moved(function, by), bindings)
