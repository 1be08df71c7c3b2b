"""The first paragraph of a definition's docstring, from the text of its file. Nothing is run.

Read with tree-sitter from the definition's line on, so that a file that is being typed, or a long one, costs little.
"""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node

MAX_LINES = 400  # of a definition that are read for it
MAX_CHARACTERS = 20_000
MAX_PARAGRAPH = 1_000
_LINE_END = re.compile(r"\r\n|\n|\r")
_DEFINITION = re.compile(r"([ \t]*)(?:async[ \t]+def|def|class)[ \t]+(\w+)")
_DEFINITIONS = ("function_definition", "class_definition")


def first_paragraph(text: str, line: int) -> str:
    """That of the docstring of the function, class or variable in ``line``, counted from 1; of the module for 0.

    ``""`` where there is none.
    """
    lines = _LINE_END.split(text)[max(0, line - 1) : max(0, line - 1) + MAX_LINES]
    if not lines:
        return ""
    indent = lines[0][: len(lines[0]) - len(lines[0].lstrip())]
    code = "\n".join(each.removeprefix(indent) for each in lines)[:MAX_CHARACTERS]
    docstring = inspect.cleandoc(_docstring(_parsed(code), is_module=line < 1))
    paragraph = re.split(r"\n[ \t]*\n", docstring, maxsplit=1)[0].strip()
    return paragraph if len(paragraph) <= MAX_PARAGRAPH else f"{paragraph[:MAX_PARAGRAPH].rstrip()} …"


def line_of(stub: str, line: int, text: str) -> int | None:
    """The line of ``text`` that defines what its ``stub`` declares in ``line``; ``None`` if there is none."""
    if line < 1:
        return 0
    declared, lines = _LINE_END.split(stub), _LINE_END.split(text)
    match = _DEFINITION.match(declared[line - 1]) if line <= len(declared) else None
    if match is None:
        return None
    names, indent = [match[2]], len(match[1])
    for above in reversed(declared[: line - 1]):
        n_blank = len(above) - len(above.lstrip())
        if n_blank < indent and above.strip():
            match = _DEFINITION.match(above)
            names, indent = [match[2], *names] if match else names, n_blank
    at, indent = -1, -1
    for name in names:
        definitions = list(_definitions(lines, name, at + 1, indent))
        if not definitions:
            return None
        indent, at = min(definitions)
    return at + 1


def _definitions(lines: Sequence[str], name: str, start: int, indent: int) -> Iterator[tuple[int, int]]:
    """Indentation and number of the lines that define ``name`` in the block behind a line that is indented so far."""
    for number in range(start, len(lines)):
        match = _DEFINITION.match(lines[number])
        if match and len(match[1]) <= indent:
            return
        if match and match[2] == name:
            yield len(match[1]), number


def _parsed(code: str) -> Node:
    import tree_sitter_python
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_python.language())).parse(code.encode("utf-8", "replace")).root_node


def _docstring(root: Node, *, is_module: bool) -> str:
    """That of the module, or of its first statement: inside of a definition, behind an assignment."""
    statements, at = _statements(root), 0
    if statements and not is_module:
        first = statements[0].child_by_field_name("definition") or statements[0]  # without its decorators
        if first.type in _DEFINITIONS:
            statements = _statements(first.child_by_field_name("body"))
        elif any(node.type == "assignment" for node in first.named_children):
            at = 1
        else:
            return ""
    return _text_of(statements[at]) if at < len(statements) else ""


def _statements(block: Node | None) -> list[Node]:
    return [node for node in block.named_children if node.type != "comment"] if block else []


def _text_of(statement: Node) -> str:
    """The text that a statement consists of; ``""`` if it is no plain string."""
    if statement.type != "expression_statement" or statement.named_child_count != 1 or statement.text is None:
        return ""
    if statement.named_children[0].type not in ("string", "concatenated_string"):
        return ""
    try:
        value = ast.literal_eval(statement.text.decode("utf-8"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):  # ValueError: an f-string
        return ""
    return value if isinstance(value, str) else ""
