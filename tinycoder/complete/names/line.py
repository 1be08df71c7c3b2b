"""What one line of Python says about names: those it uses, gives a value, defines or imports.

A line is read with regular expressions and the state that the line before it left, so half-typed code is read like
any other, and a text under edit costs its changed lines. Identifiers with combining marks are
not read.
"""

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tinycoder.symbols.source.lines import REST_OF_STRING, STRING, continued, opening_quote, width

NAME = r"[^\W\d]\w*"
DOTTED = rf"{NAME}(?:\.{NAME})*"
NO_CODE = -1  # the indentation of a line where no statement begins
MAX_LENGTH = 2_000  # characters of a line that are read: what is longer is data

_KEYWORDS = frozenset(keyword.kwlist)
_FORMATTED = frozenset("fFtT")
_STRING_PREFIX = r"(?:[bBuU]|[bB]?[rR]|[rR][bBfFtT]|[fFtT][rR]?)?"
_TOKEN = re.compile(
    rf"(?P<string>{_STRING_PREFIX}(?:{STRING}))|(?P<comment>#.*)|\d[\w.]*"
    rf"|(?P<name>\.?{DOTTED})|(?P<mark>:=|[=!<>]=|[()\[\]{{}},:=*])"
)
_IN_BRACES = re.compile(r"\{([^{}!:]*)")
_NESTED_STRING = re.compile(r"""(['"]).*?(?:\1|$)""")
_HEAD = re.compile(rf"\s*(?:async\s+)?(def|class)\b(?:\s+({NAME}))?")
_IMPORT = re.compile(r"\s*import\b(?P<items>.*)")
_FROM = re.compile(rf"\s*from\s+(?P<module>\.*(?:{DOTTED})?)\s*\bimport\b(?P<items>.*)")
_IMPORTED = re.compile(rf"({DOTTED})(?:\s+as\s+({NAME}))?")
_STATEMENT = re.compile(  # no line inside brackets begins so: a bracket before it was left open
    r"\s*(?:(?:async\s+)?(?:def|class|with)\b|(?:import|return|raise|while|try|del|assert|pass|break|continue)\b"
    r"|from\s+[\w.]+\s+import\b)"
)


class State(NamedTuple):
    """What a line leaves for the next: the string it is in, and the ``def`` or ``from`` whose bracket is open."""

    quote: str = ""  # the mark that closes the string, after an "f" if braces hold code
    head: str = ""  # "def", or "from" and a module
    depth: int = 0  # brackets open in the head


START = State()
Piece = tuple[str, str]
"""A name or mark of a line: its sort and its text."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line's names, each tuple last first and without repetition."""

    indent: int = NO_CODE  # columns
    kind: str = ""  # "def" or "class"
    name: str = ""  # what is defined
    words: tuple[str, ...] = ()  # names of code that do not stand after a dot; no keywords
    attributes: tuple[tuple[str, str], ...] = ()  # receiver as it is written ("" for no dotted name), name
    bound: frozenset[str] = frozenset()  # parameters, targets and imports
    keywords: frozenset[str] = frozenset()  # words that the line has as names of arguments alone
    imports: tuple[tuple[str, str], ...] = ()  # name here, dotted path there
    inside: str = ""  # what the end of the line is part of: "string", "comment", or "braces" of an f-string
    end: State = START


def read_line(line: str, state: State) -> Line:
    """The names of ``line``, a line without its line break, after a line that left ``state``."""
    line = line[:MAX_LENGTH]
    if state.head and not state.quote and _STATEMENT.match(line):
        state = START
    imports = _read_import(line, state)
    return _read_code(line, state) if imports is None else imports


def _read_import(line: str, state: State) -> Line | None:
    if state.quote:
        return None
    module, opened = "", False
    if state.head.startswith("from "):
        module, items, opened = state.head[len("from ") :], line, True
    elif match := _FROM.match(line):
        module, items = match["module"], match["items"]
    elif match := _IMPORT.match(line):
        items = match["items"]
    else:
        return None
    items, comment, _ = items.partition("#")
    imports = []
    for path, alias in _IMPORTED.findall(items):
        if path in _KEYWORDS:
            continue
        if module:
            joined = module + path if module.endswith(".") else f"{module}.{path}"
            imports.append((alias or path, joined))
        else:
            imports.append((alias, path) if alias else (path.partition(".")[0], path.partition(".")[0]))
            if not alias and "." in path:
                imports.append(("", path))
    opened = bool(module) and (opened or "(" in items) and ")" not in items
    names = _last_first(name for name, _ in imports if name)
    return Line(
        indent=NO_CODE if state.head else _indent(line),
        words=names,
        bound=frozenset(names),
        imports=tuple(reversed(imports)),
        inside="comment" if comment else "",
        end=State(head=f"from {module}", depth=1) if opened else START,
    )


def _read_code(line: str, state: State) -> Line:
    pieces, quote, inside = _pieces(line, state.quote)
    head = None if state.quote or state.head else _HEAD.match(line)
    kind, defined = (head[1], head[2] or "") if head else ("", "")
    depth = state.depth
    words: list[str] = []
    attributes: list[tuple[str, str]] = []
    for sort, text in pieces:
        if sort == "name":
            receiver, *names = text.split(".")
            if receiver and receiver not in _KEYWORDS and receiver != "_":
                words.append(receiver)
            for name in names:
                attributes.append((receiver, name))
                receiver = f"{receiver}.{name}" if receiver else ""
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth = max(depth - 1, 0)
    in_head = "def" if (kind == "def" or state.head) and depth else ""
    return Line(
        indent=NO_CODE if state.quote or state.head else _indent(line),
        kind=kind,
        name=defined,
        words=_last_first(words),
        attributes=tuple(dict.fromkeys(reversed(attributes))),
        bound=frozenset(_parameters(pieces, state) if kind == "def" or state.head else _targets(pieces)),
        keywords=_keywords(pieces),
        inside=inside,
        end=State(quote=quote, head=in_head, depth=depth if in_head else 0),
    )


def _pieces(line: str, quote: str) -> tuple[list[Piece], str, str]:
    """The names and marks of a line; the quote of a string that continues on the next one; what its end is inside."""
    if not quote:
        return _code_pieces(line, 0)
    mark, is_formatted = quote.removeprefix("f"), quote.startswith("f")
    rest = REST_OF_STRING[mark].match(line)
    assert rest is not None, mark
    pieces = list(_in_braces(rest[0])) if is_formatted else []
    if not rest[1]:
        return pieces, quote if continued(mark, rest[0]) else "", _inside_string(rest[0], is_formatted)
    code, quote, inside = _code_pieces(line, rest.end())
    return pieces + code, quote, inside


def _code_pieces(line: str, start: int) -> tuple[list[Piece], str, str]:
    """``_pieces`` of a line from ``start`` on, where it is in no string."""
    pieces: list[Piece] = []
    quote = inside = ""
    for token in _TOKEN.finditer(line, start):
        sort, text = token.lastgroup, token[0]
        if sort == "name" or sort == "mark":
            pieces.append((sort, text))
        elif sort == "comment":
            inside = "comment"
        elif sort == "string":
            literal = text.lstrip("bBuUfFrRtT")
            is_formatted = not _FORMATTED.isdisjoint(text[: len(text) - len(literal)])
            if is_formatted:
                pieces += _in_braces(literal)
            if not any(token.group(2, 3, 4, 5)):
                mark = continued(opening_quote(literal), literal)
                quote = f"f{mark}" if is_formatted and mark else mark
                inside = _inside_string(text, is_formatted)
    return pieces, quote, inside


def _in_braces(text: str) -> Iterator[tuple[str, str]]:
    for code in _IN_BRACES.findall(text.replace("{{", "")):
        for token in _TOKEN.finditer(_NESTED_STRING.sub("", code)):
            if token.lastgroup == "name":
                yield "name", token[0]


def _inside_string(text: str, formatted: bool) -> str:
    """ "braces" where an open brace holds code: not in the string around it, and not in a format specification."""
    return "braces" if formatted and _in_code(text) else "string"


def _in_code(text: str) -> bool:
    """Whether a formatted string that goes so far ends in code."""
    opened: list[str] = []  # "{" of a replacement field, ":" of its specification, other brackets within its code
    at = 0
    while at < len(text):
        mark = text[at]
        code = bool(opened) and opened[-1] != ":"
        if not code and text.startswith(("{{", "}}"), at):
            at += 2
            continue
        if code and mark in "'\"":
            end = text.find(mark, at + 1)
            if end < 0:
                return False
            at = end
        elif mark == "{" or (code and mark in "(["):
            opened.append(mark)
        elif mark == "}" and opened:
            while opened.pop() != "{" and opened:
                pass
        elif code and mark in ")]" and len(opened) > 1:
            opened.pop()
        elif opened and opened[-1] == "{" and (mark == ":" or (mark == "!" and text[at + 1 : at + 2] != "=")):
            opened.append(":")
        at += 1
    return bool(opened) and opened[-1] != ":"


def _parameters(pieces: list[Piece], state: State) -> Iterator[str]:
    depth, before = state.depth, "," if state.head else ""
    for sort, text in pieces:
        if sort == "name" and depth == 1 and before in ("(", ",", "*") and text not in _KEYWORDS:
            yield text
        depth += (text in "([{") - (text in ")]}")
        before = text


def _targets(pieces: list[Piece]) -> Iterator[str]:
    yield from _assigned(pieces)
    taking, before = False, ""
    for sort, text in pieces:  # after ``as``, before ``:=``, from ``for`` to ``in``, from ``lambda`` to its colon
        if sort == "name" and text in _KEYWORDS:
            taking = text in ("for", "lambda") or (taking and text != "in")
        elif sort == "name" and "." not in text and (taking or before == "as"):
            yield text
        elif text == ":=" and before.isidentifier():
            yield before
        elif text == ":":
            taking = False
        before = text


def _keywords(pieces: list[Piece]) -> frozenset[str]:
    """Names that stand only between the start of a bracket or a comma, and an equals sign."""
    depth = 0
    given: set[str] = set()
    others: set[str] = set()
    for i, (sort, text) in enumerate(pieces):
        depth += (text in "([{") - (text in ")]}")
        if sort == "name":
            is_given = depth > 0 and pieces[i - 1][1] in ("(", ",") and pieces[i + 1 : i + 2] == [("mark", "=")]
            (given if is_given else others).add(text.partition(".")[0])
    return frozenset(given - others)


def _assigned(pieces: list[Piece]) -> Iterator[str]:
    """Names before ``=``, or before the colon of an annotation."""
    names: list[str] = []
    depth, has_annotation = 0, False
    has_header = bool(pieces) and pieces[0][1] in _KEYWORDS  # a colon ends it
    for sort, text in pieces:
        if sort == "name":
            if not has_annotation and "." not in text and text not in _KEYWORDS:
                names.append(text)
        elif text in "([{":
            depth += 1
        elif text in ")]}":
            depth -= 1
        elif depth == 0 and text == "=":
            yield from names
            names, has_annotation = [], False
        elif depth == 0 and text == ":" and has_header:
            names = []
        elif depth == 0 and text == ":":
            has_annotation = True
    if has_annotation:
        yield from names


def _last_first(words: Iterator[str] | list[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(reversed(list(words))))


def _indent(line: str) -> int:
    code = line.lstrip()
    return width(line[: len(line) - len(code)]) if code and code[0] != "#" else NO_CODE
