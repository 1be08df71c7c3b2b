"""What single statements bind: names, with sketches of what they stand for. Enters no block and knows no scope."""

import ast
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from tinycoder.symbols.records import Import, Symbol, Variable
from tinycoder.symbols.source.annotation import annotation
from tinycoder.symbols.source.sketch import Names, atom, element, itself, sketch

LOOPS = (ast.For, ast.AsyncFor, ast.While)
WITHS = (ast.With, ast.AsyncWith)
TRIES = (ast.Try, ast.TryStar)
SIMPLE = frozenset((ast.Pass, ast.Raise, ast.Assert, ast.Delete, ast.Break, ast.Continue))  # they bind nothing

_BLOCKS = ("finalbody", "orelse", "handlers", "body")  # of a statement, the last first
_WITHOUT_BLOCKS = frozenset(
    (
        *(ast.Expr, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.Import, ast.ImportFrom),
        *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Global, ast.Nonlocal),
    )
)
_SHORT = {"namedtuple": "NamedTuple", "NamedTuple": "NamedTuple", "TypedDict": "TypedDict"}
_SHORT |= {name: name for name in ("Enum", "IntEnum", "StrEnum", "Flag", "IntFlag")}

Statement = ast.stmt | ast.excepthandler
Binding = tuple[ast.expr, str, str]  # target, annotation, value

_intern = sys.intern


def flat(body: list[ast.stmt]) -> Iterator[Statement]:
    """Statements in order, each before what its blocks hold; functions and classes are not entered."""
    todo: list[Statement] = list(reversed(body))
    while todo:
        node = todo.pop()
        kind = type(node)
        if kind in SIMPLE:
            continue
        yield node
        if kind in _WITHOUT_BLOCKS:
            continue
        if isinstance(node, ast.Match):
            for case in reversed(node.cases):
                todo += reversed(case.body)
        else:
            for block in _BLOCKS:
                todo += reversed(getattr(node, block, ()))


def bindings(node: Statement, names: Names = itself) -> Iterable[Binding]:
    """What a statement itself binds, without its blocks: targets with their annotations and sketches of their values.

    A target is a name, an attribute or an index. Definitions and imports are not among them.
    """
    binder = _BINDERS.get(type(node))
    return binder(node, names) if binder else ()


def _assigned(node: ast.Assign, names: Names) -> Iterator[Binding]:
    value = node.value
    text = _intern(sketch(value, names))
    for target in node.targets:
        if type(target) is ast.Name or type(target) is ast.Attribute:
            yield target, "", text
        else:
            yield from _unpacked(target, value, text, names)


def _annotated(node: ast.AnnAssign, names: Names) -> Iterator[Binding]:
    note = _intern(annotation(node.annotation))
    if node.value is None:
        yield node.target, note, ""
    elif note.endswith("TypeAlias"):
        yield node.target, note, _intern(annotation(node.value))
    else:
        yield node.target, note, _intern(sketch(node.value, names))


def _looped(node: ast.For | ast.AsyncFor, names: Names) -> Iterator[Binding]:
    text = sketch(node.iter, names)
    if text and type(node) is ast.For:
        text = f"{atom(text)}.__iter__().__next__()"
    elif text:
        text = f"await {atom(text)}.__aiter__().__anext__()"
    yield from _unpacked(node.target, None, text, names)


def _entered(node: ast.With | ast.AsyncWith, names: Names) -> Iterator[Binding]:
    for item in node.items:
        if item.optional_vars is not None:
            text = sketch(item.context_expr, names)
            if text:
                text = f"{atom(text)}.__enter__()" if type(node) is ast.With else f"await {atom(text)}.__aenter__()"
            yield from _unpacked(item.optional_vars, None, text, names)


def _caught(node: ast.ExceptHandler, names: Names) -> Iterator[Binding]:
    if node.name:
        kinds = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type] if node.type else []
        texts = [sketch(kind, names) for kind in kinds]
        yield _name(node.name, node), "", _intern(" or ".join(f"{atom(text)}()" for text in texts[:4] if text))


def _unpacked(target: ast.expr, value: ast.expr | None, text: str, names: Names) -> Iterator[Binding]:
    if isinstance(target, (ast.Tuple, ast.List)):
        parts = target.elts
        values = value.elts if isinstance(value, (ast.Tuple, ast.List)) else []
        stars = [index for index, part in enumerate(parts) if type(part) is ast.Starred]
        if len(values) == len(parts) and not stars and not any(type(each) is ast.Starred for each in values):
            for part, each in zip(parts, values, strict=True):
                yield from _unpacked(part, each, sketch(each, names), names)
            return
        for index, part in enumerate(parts):
            position = index - len(parts) if stars and index > stars[0] else index
            yield from _unpacked(part, None, element(text, position), names)
    elif isinstance(target, ast.Starred):
        yield from _unpacked(target.value, None, f"[{text}]", names)
    else:
        yield target, "", _intern(text)


def _name(name: str, node: Statement | ast.pattern) -> ast.Name:
    return ast.Name(id=name, lineno=node.lineno, col_offset=node.col_offset)


def _walruses(node: ast.expr, names: Names) -> Iterator[Binding]:
    """``:=`` in a condition or an expression that is a statement; what is deep in it is not looked for."""
    kind = type(node)
    if isinstance(node, ast.NamedExpr):
        yield node.target, "", _intern(sketch(node.value, names))
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _walruses(value, names)
    elif isinstance(node, ast.Compare):
        yield from _walruses(node.left, names)
    elif kind is ast.UnaryOp:
        yield from _walruses(node.operand, names)  # type: ignore[attr-defined]
    elif isinstance(node, ast.Call):
        for argument in node.args[:2]:
            if type(argument) is ast.NamedExpr:
                yield from _walruses(argument, names)


def _captured(node: ast.Match, names: Names) -> Iterator[Binding]:
    for case in node.cases:
        todo: list[tuple[ast.pattern, str]] = [(case.pattern, sketch(node.subject, names))]
        while todo:
            pattern, text = todo.pop()
            if isinstance(pattern, ast.MatchAs):
                inner = pattern.pattern
                if isinstance(inner, ast.MatchClass):
                    text = sketch(inner.cls, names)
                    text = f"{atom(text)}()" if text else ""
                if pattern.name:
                    yield _name(pattern.name, pattern), "", _intern(text)
                if inner is not None:
                    todo.append((inner, text))
            elif isinstance(pattern, (ast.MatchStar, ast.MatchMapping)):
                name, text = (pattern.name, "[]") if isinstance(pattern, ast.MatchStar) else (pattern.rest, "{}")
                if name:
                    yield _name(name, pattern), "", text
            for inside in (getattr(pattern, "patterns", ()), getattr(pattern, "kwd_patterns", ())):
                todo += [(each, "") for each in inside]


_BINDERS: dict[type, Callable[[Any, Names], Iterable[Binding]]] = {
    ast.Assign: _assigned,
    ast.AnnAssign: _annotated,
    ast.AugAssign: lambda node, names: [(node.target, "", _intern(sketch(node.value, names)))],
    ast.For: _looped,
    ast.AsyncFor: _looped,
    ast.With: _entered,
    ast.AsyncWith: _entered,
    ast.ExceptHandler: _caught,
    ast.If: lambda node, names: _walruses(node.test, names),
    ast.While: lambda node, names: _walruses(node.test, names),
    ast.Expr: lambda node, names: _walruses(node.value, names),
    ast.Match: _captured,
}
if sys.version_info >= (3, 12):
    _BINDERS[ast.TypeAlias] = lambda node, names: [(node.name, "TypeAlias", _intern(annotation(node.value)))]


def target_names(node: Statement) -> Iterator[str]:
    """The names that a statement binds, as ``bindings`` does."""
    for target, _, _ in bindings(node, lambda name: ""):
        if type(target) is ast.Name:
            yield target.id


def imports(node: ast.Import | ast.ImportFrom, stars: list[str]) -> Iterator[Import]:
    """What an import binds; a module of which all is imported goes to ``stars``."""
    line = node.lineno
    if isinstance(node, ast.Import):
        for alias in node.names:
            first = alias.asname or alias.name.partition(".")[0]
            yield Import(_intern(first), line, _intern(alias.name if alias.asname else first))
        return
    module = _intern("." * node.level + (node.module or ""))
    for alias in node.names:
        if alias.name == "*":
            stars.append(module)
        else:
            yield Import(alias.asname or alias.name, line, module, alias.name)


def functional(call: ast.Call) -> tuple[str, dict[str, Symbol]] | None:
    """Base and fields of ``namedtuple("X", "a b")`` and its like; None for any other call."""
    function = call.func
    name = function.id if type(function) is ast.Name else function.attr if type(function) is ast.Attribute else ""
    base = _SHORT.get(name)
    if base is None or not call.args or not isinstance(call.args[0], ast.Constant):
        return None
    members: dict[str, Symbol] = {}
    source = call.args[1] if len(call.args) > 1 else None
    for keyword in call.keywords:
        if keyword.arg in ("fields", "field_names", "names"):
            source = keyword.value
        elif base == "NamedTuple" and name != base and keyword.arg:
            continue
        elif base == "NamedTuple" and keyword.arg:
            members[keyword.arg] = Variable(keyword.arg, call.lineno, annotation(keyword.value))
    value = "" if base in ("NamedTuple", "TypedDict") else "0"
    for field, note in _fields(source):
        kind = annotation(note) if note is not None and not value else ""
        text = (sketch(note) if note is not None else value) if value else ""
        members[field] = Variable(_intern(field), call.lineno, kind, text)
    return base, members


def _fields(node: ast.expr | None) -> Iterator[tuple[str, ast.expr | None]]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        for name in node.value.replace(",", " ").split():
            yield name, None
    elif isinstance(node, (ast.List, ast.Tuple)):
        for part in node.elts:
            inner = part.elts if isinstance(part, (ast.Tuple, ast.List)) else [part]
            if inner and isinstance(inner[0], ast.Constant) and isinstance(inner[0].value, str):
                yield inner[0].value, inner[1] if len(inner) > 1 else None
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                yield key.value, value
