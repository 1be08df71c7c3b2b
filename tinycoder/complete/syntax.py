"""Does a suggestion bring a new syntax error?

Two parsers answer. Python's own compiler says whether the text up to the cursor could begin a module; it reads only
the few lines that matter. If there is code after the cursor, tree-sitter, which continues after a fault, says whether
the whole document has more faults than before.
"""

import ast
import re
import warnings
from collections.abc import Sequence

import tree_sitter_python
from tree_sitter import Language, Node, Parser, Point, Tree

from tinycoder.complete.overlap import CLOSER, CLOSING, LEXEME, left_open
from tinycoder.complete.text import line_end, line_start
from tinycoder.memory.change import change_of

DOCUMENT_LIMIT = 300_000  # characters: tree-sitter does not read longer documents
CONTINUATION_LIMIT = 1_000  # lines that end with a backslash: tree-sitter takes quadratic time for a run of them
FAULT_LIMIT = 100  # a document with more is hardly Python, and takes long to read
STATEMENT_LIMIT = 20_000  # characters: more is not given to Python's parser, which reads a few megabytes a second

# 0x4000 is PyCF_ALLOW_INCOMPLETE_INPUT, which tells incomplete text from wrong text. The interactive prompt uses it;
# ``ast`` does not name it. A Python that lacks it refuses all text, and tree-sitter decides alone. The text is
# compiled, not only parsed, since a ``return`` outside a function is no fault of the grammar. Notebooks await anywhere.
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | 0x4000
_NOT_KEPT = "no binding for nonlocal"  # the gate may not have read the line that binds the name
_REFUSALS = (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError, SystemError)
_CONTINUES = re.compile(r"[ \t\f]*(?:elif|else|except|finally)\b")  # a line that continues the statement above
_INDENTATION = re.compile(r"[ \t\f]*")
_HALF_TOKEN = re.compile(r"(?:\\*\w+|[^\w\s()\[\]{}'\"#]+)\Z")  # a word, an escape or an operator that may continue
_MAX_TOKEN = 100  # characters
_TAB = 8  # columns, as in Python's tokenizer
_REMEMBERED = 16  # texts whose number of faults is kept


class SyntaxGate:
    """Judges suggestions, one thread at a time; keeps what it read last, so that several at one cursor are cheap."""

    def __init__(self) -> None:
        self._statement = _Statement()
        self._faults = _Faults()

    def accepts(self, text: str, start: int, end: int, new: str) -> bool:
        """Whether replacing ``text[start:end]`` by ``new`` brings no new syntax error.

        Offsets are code points. Never raises, whatever the text.
        """
        start = min(max(start, 0), len(text))
        end = min(max(end, start), len(text))
        line = line_start(text, start)
        end_of_line = line_end(text, end)
        head = self._statement.above(text[:line])
        likely = self._begins(head, text[line:start], text[start:end], text[end:end_of_line], new)
        if likely is False:
            return False
        if (likely and not text[end:].strip()) or _is_too_much(text):
            return True
        return self._no_new_fault(text, start, end, new)

    def longest_valid(self, text: str, start: int, end: int, new: str, ends: Sequence[int]) -> str | None:
        """The longest ``new[:e]``, with ``e`` from the rising ``ends``, that is accepted; None if none is."""
        for length in reversed(ends):
            if self.accepts(text, start, end, new[:length]):
                return new[:length]
        return None

    def _begins(self, head: str | None, typed: str, old: str, following: str, new: str) -> bool | None:
        """Whether the text up to the end of the line could begin a module; None if the compiler cannot tell."""
        if head is None or len(head) + len(typed) > STATEMENT_LIMIT:  # None: it refuses the author's own lines
            return None
        if _could_begin_a_module(head + typed + new + following):
            return True
        if (
            # The line is unfinished and continues after the cursor: judge the part before the cursor.
            following.strip()
            and not _could_begin_a_module(head + typed + old + following)
            and _could_begin_a_module(head + typed + new)
        ):
            return True
        # A backslash at the end makes a line incomplete unless it is wrong already.
        unfinished = head + typed[:-_MAX_TOKEN] + _HALF_TOKEN.sub("", typed[-_MAX_TOKEN:]) + "\\"
        return False if _could_begin_a_module(unfinished) else None

    def _no_new_fault(self, text: str, start: int, end: int, new: str) -> bool:
        """Whether tree-sitter finds no more faults than now, or than without the line if that has fewer.

        The author's open brackets are the author's to close, so it is enough to have no more faults once they are
        closed. A bracket that ``new`` opens must be closed by the text after it, if there is any.
        """
        line, end_of_line = line_start(text, start), line_end(text, end)
        indentation = _INDENTATION.match(text, line, start)
        without = self._faults.base(text[: indentation.end() if indentation else line] + text[end:])
        if without > FAULT_LIMIT:
            return True
        changed = text[:start] + new + text[end:]
        n = self._faults.roughly(changed)
        if not n:
            return True
        now = self._faults.remembered(text)
        allowed = min(without, now)

        statement = self._statement.unfinished + text[line:start]
        opened = left_open(statement + new + text[end:end_of_line])
        opened_before = [bracket for bracket in opened if bracket[0] < len(statement)]
        owed = [bracket for bracket in left_open(statement + text[start:end_of_line]) if bracket in opened_before]
        at_end = not text[end:].strip()

        def closed(brackets: Sequence[tuple[int, str]]) -> str:
            closers = "".join(CLOSER.get(delimiter, delimiter) for _, delimiter in reversed(brackets))
            return text[:start] + new + text[end:end_of_line].rstrip() + closers + text[end_of_line:]

        opens_more = len(opened) > len(opened_before) and not at_end  # even an unfinished line does not excuse that
        if opens_more and self._faults.roughly(closed(opened)) < n:
            return False
        if n <= allowed and self._faults.at_most(changed, allowed):
            return True
        to_close = opened if at_end else owed
        if to_close and self._faults.at_most(closed(to_close), allowed):
            return True
        return not opens_more and allowed < now and n <= now and self._faults.at_most(changed, now)


class _Statement:
    """The lines above the cursor on which the syntax of the next line depends.

    These are the last line of each open block, and the statement that an ``else`` or its like belongs to. All other
    lines, such as the other methods of a class, are left out.
    """

    def __init__(self) -> None:
        self.unfinished = ""  # the lines above the cursor's that belong to its statement
        self._text = ""
        self._head: str | None = ""
        self._whole = ""  # the part of the text that is whole statements, and below the lines of each
        self._lines: list[tuple[int, int, int]] = []  # columns, start, end

    def above(self, text: str) -> str | None:
        """The lines to parse before the cursor's line; None if Python's compiler refuses them.

        ``text`` ends with a line break or is empty.
        """
        if text != self._text:
            self._text = text
            if not text.startswith(self._whole):
                self._whole, self._lines = "", []
            self._read(text)
            self._head = self._short(text)
            if len(self._head) > STATEMENT_LIMIT or not _could_begin_a_module(self._head):
                self._head = None
        return self._head

    def _read(self, text: str) -> None:
        """Find the statements that follow the known ones."""
        start = len(self._whole)
        depth, blank_from, end = 0, start, start
        for match in LEXEME.finditer(text, start):
            lexeme = match.group()
            if lexeme in CLOSER:
                depth += 1
            elif lexeme in CLOSING:
                depth = max(depth - 1, 0)
            elif lexeme[0] == "#":
                if not depth and not text[blank_from : match.start()].strip():
                    blank_from = match.end()  # a comment alone is no statement
            elif lexeme in ("\n", "\r\n", "\r") and not depth:
                if text[blank_from : match.end()].strip():
                    indentation = _INDENTATION.match(text, start)
                    self._lines.append((_columns(indentation.group() if indentation else ""), start, match.end()))
                start = blank_from = end = match.end()
        self._whole = text[:end]
        self.unfinished = text[end:]

    def _short(self, text: str) -> str:
        kept: list[str] = []
        limit: int | None = None  # columns of the outermost line so far
        chained = left_out = False
        if self.unfinished.strip():
            kept.append(self.unfinished)
            indentation = _INDENTATION.match(self.unfinished)
            limit = _columns(indentation.group() if indentation else "")
            chained = bool(_CONTINUES.match(self.unfinished))
        for columns, start, end in reversed(self._lines):
            if limit is not None and (columns > limit or (columns == limit and not chained)):
                left_out = left_out or columns > limit
                continue
            if limit == 0 and not chained:
                break
            line = text[start:end]
            if chained and columns == limit and left_out:
                indentation = _INDENTATION.match(line)
                kept.append((indentation.group() if indentation else "") + " pass\n")
            kept.append(line)
            limit, left_out = columns, False
            chained = bool(_CONTINUES.match(line))
            if limit == 0 and not chained:
                break
        return "".join(reversed(kept))


class _Faults:
    """Counts error and missing nodes; parses a text incrementally from the tree of the last base."""

    def __init__(self) -> None:
        self._parser = Parser(Language(tree_sitter_python.language()))
        self._base = ""
        self._tree: Tree | None = None
        self._n_base = 0
        self._counts: dict[str, int] = {}

    def count(self, text: str) -> int:
        return _count(self._parser.parse(_encoded(text)))

    def base(self, text: str) -> int:
        """Make ``text`` the base that the next texts are compared with; return its number of faults."""
        if self._tree is None or text != self._base:
            clean = self._tree is not None and not self._n_base
            tree = self._changed(text) if clean else self._parser.parse(_encoded(text))
            if clean and tree.root_node.has_error:  # the base must not depend on the texts before it
                tree = self._parser.parse(_encoded(text))
            self._base, self._tree, self._n_base = text, tree, _count(tree)
        return self._n_base

    def remembered(self, text: str) -> int:
        if text not in self._counts:
            if len(self._counts) >= _REMEMBERED:
                self._counts.clear()
            clean = not self._n_base and not self._changed(text).root_node.has_error
            self._counts[text] = 0 if clean else self.count(text)
        return self._counts[text]

    def roughly(self, text: str) -> int:
        """The number of faults by an incremental parse from the base, which must be set; may be a little off."""
        return _count(self._changed(text))

    def at_most(self, text: str, allowed: int) -> bool:
        """Whether ``text`` has no more faults than ``allowed``; only a fresh parse can confirm that it has some."""
        n = self.roughly(text)
        return n <= allowed and (n == 0 or self.count(text) <= allowed)

    def _changed(self, text: str) -> Tree:
        if self._tree is None:
            return self._parser.parse(_encoded(text))
        old = self._base
        change = change_of(old, text)
        before = _encoded(old[: change.start])
        removed, added = _encoded(old[change.start : change.old_end]), _encoded(text[change.start : change.new_end])
        tree = self._tree.copy()
        tree.edit(
            start_byte=len(before),
            old_end_byte=len(before) + len(removed),
            new_end_byte=len(before) + len(added),
            start_point=_point(before),
            old_end_point=_point(before + removed),
            new_end_point=_point(before + added),
        )
        return self._parser.parse(before + added + _encoded(text[change.new_end :]), tree)


def _count(tree: Tree) -> int:
    n = 0
    nodes: list[Node] = [tree.root_node] if tree.root_node.has_error else []
    while nodes:
        node = nodes.pop()
        n += node.is_error or node.is_missing
        nodes += [child for child in node.children if child.has_error or child.is_missing]
    return n


def _could_begin_a_module(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as for an unknown escape in a string
            compile(text if text.endswith("\n") else text + "\n", "module", "exec", _FLAGS, dont_inherit=True)
    except _REFUSALS as problem:
        return "incomplete input" in str(problem) or _NOT_KEPT in str(problem)
    return True


def _is_too_much(text: str) -> bool:
    return len(text) > DOCUMENT_LIMIT or text.count("\\\n") + text.count("\\\r") > CONTINUATION_LIMIT


def _columns(indentation: str) -> int:
    return len(indentation.rpartition("\f")[2].expandtabs(_TAB))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "replace")  # a lone surrogate has no bytes


def _point(before: bytes) -> Point:
    """Row and column, in bytes, of the end of ``before``."""
    point: Point = Point(before.count(b"\n"), len(before) - before.rfind(b"\n") - 1)
    return point
