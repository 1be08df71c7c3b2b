"""Sketches: expressions as canonical text that keeps what tells a type and drops what strings say.

``""`` means that nothing is known; ``...`` keeps the position of an unknown argument, element or index. Keyword
arguments, conditions of comprehensions and the rest of long displays are dropped. ``a and b`` and ``a if c else b``
read ``a or b``. ``ast.unparse`` would take ten times as long.
"""

import ast
from collections.abc import Callable

MAX_SKETCH = 120  # characters of a sketch; a longer one loses its arguments
FIRST = 8  # arguments, elements, values of ``or``
DEEPEST = 40  # expressions within expressions
LARGEST = 100  # an index that is kept


Names = Callable[[str], str]
"""The sketch that stands in for a name, such as a function's own; ``""`` where nothing is known of it."""


def itself(name: str) -> str:
    """A name that nothing stands in for."""
    return name


UNKNOWN = "..."
_OPERATORS: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.MatMult: "@",
    ast.Div: "/",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitXor: "^",
    ast.BitAnd: "&",
    ast.FloorDiv: "//",
}
CONSTANTS = {str: "''", bytes: "b''", int: "0", float: "0.0", complex: "0j", bool: "True", type(None): "None"}


def sketch(node: ast.expr, names: Names = itself) -> str:
    """The sketch of an expression; ``names`` of it are replaced."""
    kind = type(node)
    if kind is ast.Name:
        name: str = node.id  # type: ignore[attr-defined]
        return names(name)
    text = _sketch(node, names, 0)
    return text if len(text) <= MAX_SKETCH else ""


def atom(text: str) -> str:
    """A sketch in a form that an attribute, an index or a call may follow."""
    if " " in text or text[0] in "0123456789.":
        depth = 0
        for character in text:
            if character in "([{":
                depth += 1
            elif character in ")]}":
                depth -= 1
            elif depth == 0 and (character == " " or text[0] in "0123456789."):
                return f"({text})"
    return text


def element(text: str, index: int) -> str:
    """The sketch of an element of what ``text`` is a sketch of."""
    return f"{atom(text)}[{index}]" if text else ""


def decorator(node: ast.expr) -> str:
    """A decorator's name, with ``()`` where it is called."""
    if type(node) is ast.Call:
        name = decorator(node.func)
        return f"{name}()" if name and not name.endswith("()") else name
    return sketch(node)


def _sketch(node: ast.expr, names: Names, depth: int) -> str:
    if depth > DEEPEST:
        return ""
    kind = type(node)
    if kind is ast.Name:
        name: str = node.id  # type: ignore[attr-defined]
        return names(name)
    write = _WRITERS.get(kind)
    return write(node, names, depth + 1) if write else ""


def _attribute(node: ast.Attribute, names: Names, depth: int) -> str:
    value = _sketch(node.value, names, depth)
    return f"{atom(value)}.{node.attr}" if value else ""


def _call(node: ast.Call, names: Names, depth: int) -> str:
    function = _sketch(node.func, names, depth)
    if not function:
        return ""
    function = atom(function)
    if not node.args:
        return function + "()"
    if len(function) > MAX_SKETCH:
        return ""
    text = f"{function}({', '.join(_several(node.args, names, depth))})"
    return text if len(text) <= MAX_SKETCH else function + "()"


def _several(nodes: list[ast.expr], names: Names, depth: int) -> list[str]:
    """The sketches of the first, up to one with a star; unknown ones at the end are left out."""
    texts: list[str] = []
    for node in nodes[:FIRST]:
        if type(node) is ast.Starred:
            break
        text = _sketch(node, names, depth)
        texts.append(text if len(text) <= MAX_SKETCH // 2 else "")
    while texts and not texts[-1]:
        texts.pop()
    return [text or UNKNOWN for text in texts]


def _subscript(node: ast.Subscript, names: Names, depth: int) -> str:
    value = _sketch(node.value, names, depth)
    if not value:
        return ""
    text = f"{atom(value)}[{_index(node.slice, names, depth)}]"
    return text if len(text) <= MAX_SKETCH else f"{atom(value)}[...]"


def _index(node: ast.expr, names: Names, depth: int) -> str:
    number: ast.expr = node
    sign = ""
    if type(node) is ast.UnaryOp and type(node.op) is ast.USub:
        number, sign = node.operand, "-"
    if type(number) is ast.Constant and type(number.value) is int and number.value < LARGEST:
        return f"{sign}{number.value}"
    if type(node) is ast.Slice:
        return ":"
    if type(node) is ast.Tuple and node.elts:
        parts = [_index(part, names, depth) for part in node.elts[:FIRST]]
        return ", ".join(parts) if len(parts) > 1 else f"{parts[0]},"
    return _sketch(node, names, depth) or UNKNOWN


def _first(nodes: list[ast.expr], names: Names, depth: int) -> str:
    text = _sketch(nodes[0], names, depth) if nodes else ""
    return text if len(text) <= MAX_SKETCH - 2 else ""


def _tuple(node: ast.Tuple, names: Names, depth: int) -> str:
    texts = []
    for part in node.elts[:FIRST]:
        if type(part) is ast.Starred:
            break
        text = _sketch(part, names, depth)
        texts.append(text if text and len(text) <= MAX_SKETCH // 3 else UNKNOWN)
    text = ", ".join(texts)
    if len(text) > MAX_SKETCH - 2:
        text = ", ".join(text if len(text) <= MAX_SKETCH // FIRST - 2 else UNKNOWN for text in texts)
    return f"({text},)" if len(texts) == 1 else f"({text})"


def _dict(node: ast.Dict, names: Names, depth: int) -> str:
    key = node.keys[0] if node.keys else None
    if key is None:
        return "{}"
    text = f"{{{_sketch(key, names, depth) or UNKNOWN}: {_sketch(node.values[0], names, depth) or UNKNOWN}}}"
    return text if len(text) <= MAX_SKETCH else "{}"


def _generator(node: ast.GeneratorExp, names: Names, depth: int) -> str:
    text = _comprehension(node.generators, (node.elt,), names, depth)
    return f"({text})" if text else ""


def _comprehension(
    generators: list[ast.comprehension], elements: tuple[ast.expr, ...], names: Names, depth: int
) -> str:
    """Without brackets; empty where the element is not known."""
    loops = ""
    for generator in generators:
        iterable = _sketch(generator.iter, names, depth)
        targets = _target_names(generator.target)
        if not iterable or not targets:
            return ""
        names = _hidden(names, targets)
        target = _sketch(generator.target, itself, depth)
        loops += f" {'async for' if generator.is_async else 'for'} {target} in {iterable}"
    texts = [_sketch(part, names, depth) for part in elements]
    if not any(texts) or len(loops) > MAX_SKETCH:
        return ""
    text = ": ".join(text or UNKNOWN for text in texts) + loops
    return text if len(text) <= MAX_SKETCH - 2 else ""


def _hidden(names: Names, own: set[str]) -> Names:
    """``names`` without those that a comprehension binds."""
    return lambda name: name if name in own else names(name)


def _target_names(node: ast.expr) -> set[str]:
    """The names of a target of names alone; nothing for any other."""
    if type(node) is ast.Name:
        return {node.id}
    if type(node) is not ast.Tuple or len(node.elts) > FIRST:
        return set()
    parts = [_target_names(part) for part in node.elts]
    return set().union(*parts) if all(parts) else set()


def _either(node: ast.expr, names: Names, depth: int) -> str:
    alternatives: dict[str, None] = {}
    todo = [node]
    while todo and len(alternatives) < FIRST:
        part = todo.pop()
        if type(part) is ast.BoolOp:
            todo += reversed(part.values)
        elif type(part) is ast.IfExp:
            todo += (part.orelse, part.body)
        elif text := _sketch(part, names, depth):
            alternatives[text] = None
    if len(alternatives) > 1:
        alternatives.pop("None", None)
    text = " or ".join(alternatives)
    return text if len(text) <= MAX_SKETCH else next(iter(alternatives))


def _await(node: ast.Await, names: Names, depth: int) -> str:
    text = _sketch(node.value, names, depth)
    return f"await {atom(text)}" if text else ""


def _binary(node: ast.BinOp, names: Names, depth: int) -> str:
    left = _sketch(node.left, names, depth)
    operator = _OPERATORS[type(node.op)]
    if operator == "%" and left in ("''", "b''"):
        return left
    right = _sketch(node.right, names, depth)
    if not left or not right:
        return ""
    if left == right and operator != "/" and left in ("''", "b''", "0", "0.0"):
        return left
    text = f" {operator} ".join(atom(side) if " " in side else side for side in (left, right))
    return text if len(text) <= MAX_SKETCH else ""


_WRITERS: dict[type[ast.expr], Callable[..., str]] = {
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.Subscript: _subscript,
    ast.Constant: lambda node, names, depth: CONSTANTS.get(type(node.value), ""),
    ast.JoinedStr: lambda node, names, depth: "''",
    ast.Compare: lambda node, names, depth: "True",
    ast.List: lambda node, names, depth: f"[{_first(node.elts, names, depth)}]",
    ast.Set: lambda node, names, depth: f"{{{_first(node.elts, names, depth) or UNKNOWN}}}",
    ast.Tuple: _tuple,
    ast.Dict: _dict,
    ast.ListComp: lambda node, *rest: f"[{_comprehension(node.generators, (node.elt,), *rest)}]",
    ast.SetComp: lambda node, *rest: f"{{{_comprehension(node.generators, (node.elt,), *rest) or UNKNOWN}}}",
    ast.GeneratorExp: _generator,
    ast.DictComp: lambda node, *rest: f"{{{_comprehension(node.generators, (node.key, node.value), *rest)}}}",
    ast.BoolOp: _either,
    ast.IfExp: _either,
    ast.Await: _await,
    ast.BinOp: _binary,
    ast.UnaryOp: lambda node, *rest: "True" if type(node.op) is ast.Not else _sketch(node.operand, *rest),
    ast.NamedExpr: lambda node, names, depth: _sketch(node.value, names, depth),
}
