"""Annotations and base classes as texts, and the sketch of an instance of what they name."""

import ast
import re
from functools import lru_cache

from tinycoder.symbols.source.sketch import CONSTANTS, DEEPEST, UNKNOWN, sketch

MAX_ANNOTATION = 400  # characters

_TYPE = re.compile(r"[\w.\[\], |]+")
_DOTTED = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_NO_CLASSES = ("Any", "object", "None", "Literal", "Union", "Callable")


def annotation(node: ast.expr | None) -> str:
    """The text of an annotation or a base class: forward references lose their quotes, other strings what they say."""
    if node is None:
        return ""
    if type(node) is ast.Name:
        return node.id
    text = _annotation(node, 0)
    return text if len(text) <= MAX_ANNOTATION else ""


def instance(text: str) -> str:
    """The sketch of an instance of what an annotation names; ``""`` for one that names several classes or none."""
    text = text.removesuffix(" | None").removeprefix("None | ")
    name, bracket, inside = text.partition("[")
    name = name.rpartition(".")[2]
    if name == "Optional" and bracket:
        return instance(inside[:-1])
    if name in ("type", "Type") and bracket:
        return inside[:-1] if _DOTTED.fullmatch(inside[:-1]) else ""
    return "" if not text or " | " in text or name in _NO_CLASSES else f"{text}()"


def _annotation(node: ast.expr, depth: int) -> str:
    if depth > DEEPEST:
        return ""
    kind = type(node)
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        value = _annotation(node.value, depth + 1)
        return f"{value}.{node.attr}" if value else ""
    if isinstance(node, ast.Subscript):
        return _generic(node, depth + 1)
    if isinstance(node, ast.Constant):
        if type(node.value) is str:
            return _forward(node.value)
        return CONSTANTS.get(type(node.value), UNKNOWN)
    if isinstance(node, ast.BinOp) and type(node.op) is ast.BitOr:
        left, right = _annotation(node.left, depth + 1), _annotation(node.right, depth + 1)
        return f"{left} | {right}" if left and right else left or right
    if kind is ast.List or kind is ast.Tuple:
        parts: list[ast.expr] = node.elts  # type: ignore[attr-defined]
        text = ", ".join(_annotation(part, depth + 1) or UNKNOWN for part in parts)
        return f"[{text}]" if kind is ast.List else f"({text})"
    if isinstance(node, ast.Starred):
        return f"*{_annotation(node.value, depth + 1) or UNKNOWN}"
    return sketch(node)


def _generic(node: ast.Subscript, depth: int) -> str:
    value = _annotation(node.value, depth)
    parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    name = value.rpartition(".")[2]
    if name == "Annotated":
        return _annotation(parts[0], depth) if parts else ""
    if name == "Literal":
        texts = list(dict.fromkeys(sketch(part) or UNKNOWN for part in parts))
    else:
        texts = [_annotation(part, depth) or UNKNOWN for part in parts] or ["()"]
    return f"{value}[{', '.join(texts)}]" if value else ""


@lru_cache(maxsize=4096)
def _forward(text: str) -> str:
    """What a string in an annotation refers to; ``""`` where that is no type."""
    text = text.strip()
    if len(text) > MAX_ANNOTATION or not _TYPE.fullmatch(text):
        return ""
    if _DOTTED.fullmatch(text):
        return text
    try:
        return _annotation(ast.parse(text, mode="eval").body, 1)
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return ""
