"""Statements out of code that does not parse: block by block, and where one is broken, its header and what is inside.

A header that is unfinished is completed, a statement is cut where it still says what it binds; what cannot be read is
left out.
"""

import ast
import re
import textwrap
from collections.abc import Iterator, Sequence

from tinycoder.symbols.source.layout import OPENING, Layout, read
from tinycoder.symbols.source.reader import REFUSALS, parse

MAX_LENGTH = 20_000  # characters of a statement that is mended
_CLOSER = {"(": ")", "[": "]", "{": "}"}
_BLOCKS = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef),
    *(ast.If, ast.While, ast.For, ast.AsyncFor, ast.With, ast.AsyncWith),
)
_NAME = r"[^\W\d]\w*"
_TYPES = r"(?:\[[^()]*?\]\s*)?"  # type parameters, which Python before 3.12 does not parse
_DEF = re.compile(rf"(?P<head>(?:async\s+)?def)\s*(?P<name>{_NAME})?\s*{_TYPES}(?:\((?P<rest>.*))?", re.DOTALL)
_CLASS = re.compile(rf"class\s*(?P<name>{_NAME})?\s*{_TYPES}(?:\((?P<rest>.*))?", re.DOTALL)
_PARAMETER = re.compile(rf"(?:^|,)\s*(\*{{0,2}}{_NAME})\s*(?::\s*({_NAME}(?:\.{_NAME})*))?")
_BASE = re.compile(rf"(?:^|,)\s*({_NAME}(?:\.{_NAME})*)\s*(?=,|\)|$)")
_FOR = re.compile(r"(?P<head>(?:async\s+)?for)\s+(?P<target>[\w\s,()*]+?)(?:\s+in\b.*)?\s*:?\s*", re.DOTALL)
_AS = re.compile(rf"\bas\s+({_NAME})")
_TARGET = re.compile(rf"{_NAME}(?:\.{_NAME})*\s*(?::[^=]*)?=(?!=)")
_TARGETS = re.compile(rf"(?:{_NAME}\s*,\s*)+(?:{_NAME})?\s*=(?!=)")
_ASSIGNMENT = re.compile(rf"{_NAME}(?:\.{_NAME})*(?:\s*:[^=]*)? = .*[^,]\Z")  # no keyword argument is written so
_UNFINISHED = re.compile(r"(?:[\s.,=+\-*/|&<>!%:@~^(\[{]|\b(?:and|or|not|in|is|if|else|for|lambda|await|import|as))+\Z")


def parse_rows(lines: Sequence[str], indent: int) -> tuple[list[ast.stmt], int]:
    """The statements of lines whose code begins in a column, and what to add to their lines so that the first is 1.

    Raises one of ``REFUSALS``.
    """
    text = "\n".join(lines)
    if not indent:
        return parse(text), 0
    outer = parse("if 1:\n" + text)
    if len(outer) != 1 or not isinstance(outer[0], ast.If) or outer[0].orelse:
        raise SyntaxError("the lines are no block")
    return outer[0].body, -1


def mended(layout: Layout, first: int, last: int) -> list[ast.stmt]:
    """What can be read of the statements ``first`` up to ``last``; lines are those of the text, from 1."""
    nodes: list[ast.stmt] = []
    for start, end in layout.blocks(first, last):
        nodes += _block(layout, start, end, whole=(start, end) == (first, last))
    return nodes


def _block(layout: Layout, first: int, last: int, *, whole: bool = False) -> list[ast.stmt]:
    """``whole``: it is known that it does not parse."""
    if not whole:
        row = layout.starts[first]
        try:
            nodes, by = parse_rows(layout.lines[row : layout.ends[last - 1]], layout.indents[first])
        except REFUSALS:
            pass
        else:
            return [_moved(node, row + by) for node in nodes]
    statements: list[ast.stmt] = []
    while first < last:
        head = first
        while layout.words[head] == "@" and head + 1 < last:
            head += 1
        inside = head + 1
        while inside < last and layout.indents[inside] > layout.indents[head]:
            inside += 1
        body: list[ast.stmt] = []
        for start, end in layout.blocks(head + 1, inside):
            body += _block(layout, start, end)
        statements += _headed(layout, first, head, body)
        first = inside
    return statements


def _headed(layout: Layout, first: int, head: int, body: list[ast.stmt]) -> list[ast.stmt]:
    """A statement that may open a block, with what is in the block."""
    row, end = layout.starts[head], layout.ends[head]
    text = "\n".join(layout.lines[row:end]).lstrip()
    word = layout.words[head]
    if word == "async":
        word = "def" if _DEF.match(text) else "for" if _FOR.match(text) else "with"
    if word == "case":
        nodes = _parsed(f"match _:\n {text.rstrip().removesuffix(':')}:\n  ...")
        if nodes and isinstance(nodes[0], ast.Match):
            _moved(nodes[0], row - 1)
            nodes[0].cases[0].body = body or nodes[0].cases[0].body
            return [nodes[0]]
    if word not in OPENING or (word in ("match", "case") and not body) or len(text) > MAX_LENGTH:
        return [*_simple(layout, row, end), *body]
    decorators = [
        textwrap.dedent("\n".join(layout.lines[layout.starts[each] : layout.ends[each]])) for each in range(first, head)
    ]
    if not body:  # all in one line
        nodes = _parsed("\n".join([*decorators, text]))
        if nodes:
            return [_moved(node, layout.starts[first]) for node in nodes]
    # Blank lines between decorators do not count, so that a decorated header's own line may be a little off.
    gap = "\n" * max(row - layout.starts[first] - sum(each.count("\n") + 1 for each in decorators), 0)
    decorated = [("\n".join([*decorators, gap]), layout.starts[first])] if decorators else []
    for above, start in (*decorated, ("", row)):
        for candidate in _headers(word, text):
            if node := _parsed_header(above + candidate):
                return [_filled(_moved(node, start), word, body)]
    return [_choice(row + 1, [], body) if word in ("elif", "else", "except", "case") else _choice(row + 1, body, [])]


def _filled(node: ast.stmt, word: str, body: list[ast.stmt]) -> ast.stmt:
    if word in ("elif", "else", "case") and isinstance(node, ast.If):
        node.body, node.orelse = [], body
    elif word == "except" and isinstance(node, ast.Try):
        node.body, node.handlers[0].body = [], body
    elif isinstance(node, _BLOCKS):
        node.body = body
    return node


def _headers(word: str, text: str) -> Iterator[str]:
    """Ways to read a header, each with its colon; the likeliest first."""
    text = text.rstrip()
    bare = text.removesuffix(":")
    closed = bare + _closers(bare)
    if word in ("if", "while", "elif"):
        text, closed = text.removeprefix("el"), closed.removeprefix("el")
    before = "try: pass\n" if word == "except" else ""
    if word not in ("else", "try", "finally", "match", "case"):
        yield from (before + text, f"{before}{text}:", f"{before}{closed}:")
    if word == "def" and (match := _DEF.match(text)):
        parameters: dict[str, str] = {}
        for name, kind in _PARAMETER.findall(match["rest"] or ""):
            parameters.setdefault(name, f"{name}: {kind}" if kind else name)
        name = f"{match['head']} {match['name'] or '_'}"
        yield f"{name}({', '.join(parameters.values())}):"
        yield f"{name}({', '.join(key for key in parameters if key[0] != '*')}):"
        yield f"{name}():"
    elif word == "class" and (match := _CLASS.match(text)):
        yield f"class {match['name'] or '_'}({', '.join(_BASE.findall(match['rest'] or ''))}):"
        yield f"class {match['name'] or '_'}:"
    elif word == "for" and (match := _FOR.match(text)):
        yield f"{match['head']} {match['target']} in _:"
    elif word == "with":
        yield from (f"with _ as {name}:" for name in _AS.findall(text)[:1])
    elif word in ("if", "while", "elif"):
        yield "if 1:"


def _parsed_header(header: str) -> ast.stmt | None:
    nodes = _parsed(header + "\n ...")
    if nodes and header.startswith("try: pass\n"):
        return _moved(nodes[-1], -1)
    return nodes[-1] if nodes else None


def _simple(layout: Layout, row: int, end: int) -> list[ast.stmt]:
    """A statement without a block; where several lines do not make one, those that look like one each."""
    lines = layout.lines
    text = "\n".join(lines[row:end]).strip()
    indent = read(lines[row]).indent
    nodes: list[ast.stmt] = []
    if end == row + 1:
        nodes = _cut(text)
    elif not any(_is_beside(each, indent) for each in lines[row + 1 : end]):
        nodes = _closed(text)
    if nodes or end == row + 1:
        return [_moved(node, row) for node in nodes]
    statements: list[ast.stmt] = []
    for each in range(row, end):
        line, text = read(lines[each]), lines[each].strip()
        if line.word == "for":
            statements += [_moved(node, each) for node in map(_parsed_header, _headers("for", text)) if node][:1]
        elif line.is_code and (line.indent <= indent or _ASSIGNMENT.match(text)):
            statements += [_moved(node, each) for node in _cut(text)]
    return statements


def _is_beside(line: str, indent: int) -> bool:
    """Whether a line is a statement of its own, though a bracket above it was left open."""
    return read(line).indent <= indent and bool(_ASSIGNMENT.match(line.strip()))


def _cut(text: str) -> list[ast.stmt]:
    """A statement, or the part of it that parses and binds the same names."""
    nodes = _closed(text)
    if nodes or len(text) > MAX_LENGTH:
        return nodes
    targets = _TARGETS.match(text) or _TARGET.match(text)
    shorter = _UNFINISHED.sub("", text)
    if shorter != text and len(shorter) > (targets.end() if targets else 0):
        nodes = _closed(shorter)
        if nodes:
            return nodes
    if not targets:
        return []
    name, _, kind = targets[0][:-1].partition(":")
    return (_parsed(f"{name}: {kind} = {_UNKNOWN}") if kind else []) or _parsed(f"{name} = {_UNKNOWN}")


def _closed(text: str) -> list[ast.stmt]:
    return [] if len(text) > MAX_LENGTH else _parsed(text) or _parsed(text + _closers(text))


_UNKNOWN = "lambda: 0"  # an expression of which no sketch tells anything


def _closers(text: str) -> str:
    """What closes the string and the brackets that a statement leaves open."""
    quote, opens = "", ""
    goes_on = False
    for line in text.split("\n"):
        said = read(line, quote)
        opens = opens[: len(opens) - len(said.closes)] if len(said.closes) < len(opens) else ""
        opens += said.opens
        quote, goes_on = said.quote, said.goes_on
    tail = "" if not goes_on else "\n"
    return tail + quote + "".join(_CLOSER[each] for each in reversed(opens))


def _parsed(text: str) -> list[ast.stmt]:
    try:
        return parse(text)
    except REFUSALS:
        return []


def _moved(node: ast.stmt, by: int) -> ast.stmt:
    return ast.increment_lineno(node, by) if by else node


def _choice(line: int, body: list[ast.stmt], other: list[ast.stmt]) -> ast.If:
    return ast.If(test=ast.Constant(value=True), body=body, orelse=other, lineno=line, col_offset=0)
