"""What one line of Python says about names: those it uses, gives a value, defines or imports.

A line is read with regular expressions and the state that the line before it left, so half-typed code is read like
any other, and a text under edit costs its changed lines. Knows no scopes, no types, and no identifiers with combining
marks.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

NAME = r"[^\W\d]\w*"
DOTTED = rf"{NAME}(?:\.{NAME})*"
NO_CODE = -1  # the indentation of a line where no statement begins
MAX_LENGTH = 2_000  # characters of a line that are read: what is longer is data
TAB = 8  # columns, as Python counts them

_KEYWORDS = frozenset(keyword.kwlist)
_STRING_PREFIX = r"(?:[bBuU]|[bB]?[rR]|[rR][bBfFtT]|[fFtT][rR]?)?"
_REST_OF_STRING = {
    "'''": r"(?:[^'\\]|\\.?|'(?!''))*(''')?",
    '"""': r'(?:[^"\\]|\\.?|"(?!""))*(""")?',
    "'": r"(?:[^'\\]|\\.?)*(')?",
    '"': r'(?:[^"\\]|\\.?)*(")?',
}
_STRING = "|".join(mark + rest for mark, rest in _REST_OF_STRING.items())
_TOKEN = re.compile(
    rf"(?P<string>{_STRING_PREFIX}(?:{_STRING}))|(?P<comment>#.*)|\d[\w.]*"
    rf"|(?P<name>\.?{DOTTED})|(?P<mark>:=|[=!<>]=|[()\[\]{{}},:=*])"
)
_REST = {mark: re.compile(rest) for mark, rest in _REST_OF_STRING.items()}
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


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line's names, each tuple last first and without repetition."""

    indent: int = NO_CODE  # columns
    kind: str = ""  # "def" or "class"
    name: str = ""  # what is defined
    words: tuple[str, ...] = ()  # names of code that do not stand after a dot; no keywords
    attributes: tuple[tuple[str, str], ...] = ()  # receiver as it is written ("" for no dotted name), name
    bound: tuple[str, ...] = ()  # parameters, targets and imports
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


def width(space: str) -> int:
    """Columns of white space at the start of a line."""
    return len(space.expandtabs(TAB)) if "\t" in space else len(space)


def _read_import(line: str, state: State) -> Line | None:
    if state.quote:
        return None
    module, opened = "", False
    if state.head.startswith("from "):
        module, items, opened = state.head[len("from ") :], line, True
    elif found := _FROM.match(line):
        module, items = found["module"], found["items"]
    elif found := _IMPORT.match(line):
        items = found["items"]
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
    names = _last_first(name for name, _ in imports)
    return Line(
        indent=NO_CODE if state.head else _indent(line),
        words=names,
        bound=names,
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
        bound=_last_first(_parameters(pieces, state) if kind == "def" or state.head else _targets(pieces)),
        inside=inside,
        end=State(quote=quote, head=in_head, depth=depth if in_head else 0),
    )


def _pieces(line: str, quote: str) -> tuple[list[tuple[str, str]], str, str]:
    """Names and marks in their order; the string that goes on in the next line; what is unfinished."""
    pieces: list[tuple[str, str]] = []
    inside, start = "", 0
    if quote:
        mark = quote.removeprefix("f")
        rest = _REST[mark].match(line)
        assert rest is not None, mark
        start, text, formatted = rest.end(), rest[0], quote.startswith("f")
        pieces += _in_braces(text) if formatted else ()
        if not rest[1]:
            quote = "" if len(mark) == 1 and not text.endswith("\\") else quote
            return pieces, quote, _inside_string(text, formatted)
    quote = ""
    for token in _TOKEN.finditer(line, start):
        sort, text = token.lastgroup, token[0]
        if sort == "name" or sort == "mark":
            pieces.append((sort, text))
        elif sort == "string":
            prefix = text[: len(text) - len(text.lstrip("bBuUfFrRtT"))]
            formatted = not {"f", "F", "t", "T"}.isdisjoint(prefix)
            pieces += _in_braces(text[len(prefix) :]) if formatted else ()
            if not any(token.group(2, 3, 4, 5)):
                mark = text[len(prefix) :][:3]
                mark = mark if mark in _REST else mark[0]
                goes_on = len(mark) == 3 or text.endswith("\\")
                quote = ("f" if formatted else "") + mark if goes_on else ""
                inside = _inside_string(text, formatted)
        elif sort == "comment":
            inside = "comment"
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


def _parameters(pieces: list[tuple[str, str]], state: State) -> Iterator[str]:
    depth, before = state.depth, "," if state.head else ""
    for sort, text in pieces:
        if sort == "name" and depth == 1 and before in ("(", ",", "*") and text not in _KEYWORDS:
            yield text
        if text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
        before = text


def _targets(pieces: list[tuple[str, str]]) -> Iterator[str]:
    """Names before ``=``, ``:=`` or an annotation, after ``as``, from ``for`` to ``in``, from ``lambda`` to ``:``."""
    depth, before, taking, noting = 0, "", False, True
    waiting: list[str] = []
    compound = bool(pieces) and pieces[0][1] in _KEYWORDS
    for sort, text in pieces:
        if sort == "name" and text in _KEYWORDS:
            taking = text in ("for", "lambda") or (taking and text != "in")
        elif sort == "name" and "." not in text:
            if taking or before == "as":
                yield text
            elif noting:
                waiting.append(text)
        elif text == ":=":
            yield before if before.isidentifier() else ""
        elif text == "=" and depth == 0:
            yield from waiting
            waiting, noting = [], True
        elif text == ":":
            taking = False
            if depth == 0:
                waiting, noting = ([], True) if compound else (waiting, False)
        elif text in ("(", "[", "{"):
            depth += 1
        elif text in (")", "]", "}"):
            depth -= 1
        before = text
    if not noting:
        yield from waiting


def _last_first(words: Iterator[str] | list[str]) -> tuple[str, ...]:
    unique = dict.fromkeys(reversed(list(words)))
    unique.pop("", None)
    return tuple(unique)


def _indent(line: str) -> int:
    code = line.lstrip()
    return width(line[: len(line) - len(code)]) if code and code[0] != "#" else NO_CODE
