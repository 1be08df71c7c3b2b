"""Names that a module gets or exports by calls and lists of strings: ``__all__``, ``globals()`` and the like."""

import ast
import sys

from tinycoder.symbols.source.events import Events

_NAMESPACES = ("globals", "locals", "vars")
_READING = ("get", "items", "keys", "values", "copy")  # methods that give no names
_CONVERTING = ("_convert_", "_convert")  # an enumeration whose members become names of a module


def read_expression(node: ast.Expr, events: Events) -> None:
    """``__all__.extend(...)`` and ``__all__.append(...)``, and what may give names to the module."""
    call = node.value
    if type(call) is not ast.Call:
        return
    if gives_names(call):
        events.is_open = True
    if (
        type(call.func) is ast.Attribute
        and type(call.func.value) is ast.Name
        and call.func.value.id == "__all__"
        and len(call.args) == 1
    ):
        added = {"extend": call.args[0], "append": ast.List(elts=call.args)}.get(call.func.attr)
        if added is not None and (names := strings(added)) is not None:
            events.exports.append((False, names))


def gives_names(call: ast.Call) -> bool:
    """Whether a call may give names to the module: ``globals().update(...)``, ``f(globals())``, ``exec(...)``."""
    function = call.func
    if type(function) is ast.Name and function.id == "exec":
        return True
    if type(function) is ast.Attribute and (
        function.attr in _CONVERTING or (function.attr not in _READING and is_namespace(function.value))
    ):
        return True
    return any(map(is_namespace, call.args)) or any(is_namespace(keyword.value) for keyword in call.keywords)


def is_namespace(node: ast.expr) -> bool:
    """Whether an expression is the module's own names: ``globals()`` and its like, ``sys.modules[__name__]``."""
    while type(node) is ast.Attribute:  # such as ``sys.modules[__name__].__dict__``
        node = node.value
    if type(node) is ast.Call:
        return type(node.func) is ast.Name and node.func.id in _NAMESPACES and not node.args
    return type(node) is ast.Subscript and type(node.slice) is ast.Name and node.slice.id == "__name__"


def read_exports(node: ast.stmt, events: Events) -> None:
    """Add what an assignment to ``__all__`` exports."""
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value:
        names = strings(node.value)
        if names is not None:
            events.exports.append((not isinstance(node, ast.AugAssign), names))


def strings(node: ast.expr) -> tuple[str, ...] | None:
    """The strings of a display, or of several that are added; None where there is no display."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return tuple(
            sys.intern(part.value) for part in node.elts if isinstance(part, ast.Constant) and type(part.value) is str
        )
    if isinstance(node, ast.BinOp):
        sides = []
        while isinstance(node, ast.BinOp):
            sides.append(node.right)
            node = node.left
        parts = [strings(side) if not isinstance(side, ast.BinOp) else None for side in (node, *reversed(sides))]
        known = [names for names in parts if names is not None]
        return tuple(name for names in known for name in names) if known else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return strings(node.args[0]) if node.func.id in ("list", "tuple", "sorted", "set", "frozenset") else None
    return None
