"""Functions as records: parameters, what they return, and what methods set on their instance.

Expressions are entered only as far as their sketches go.
"""

import ast
import sys
from functools import lru_cache
from itertools import repeat

from tinycoder.symbols.records import (
    KEYWORD_ONLY,
    KEYWORDS,
    ORDINARY,
    POSITIONAL_ONLY,
    VARIADIC,
    Function,
    Parameter,
    Variable,
)
from tinycoder.symbols.source.annotation import annotation, instance
from tinycoder.symbols.source.bindings import Statement, bindings, flat, imports, target_names
from tinycoder.symbols.source.events import Events
from tinycoder.symbols.source.sketch import decorator, sketch

_YIELDS = (ast.Yield, ast.YieldFrom)
_MAY_HOLD_YIELD = frozenset((*_YIELDS, ast.Call, ast.Await, ast.NamedExpr, ast.BinOp))
_MAY_HOLD_WALRUS = frozenset((ast.NamedExpr, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Call))
_ON_CLASS = ("classmethod", "abc.abstractclassmethod")
_IMPLICIT_ON_CLASS = ("__new__", "__init_subclass__", "__class_getitem__")
_ACCESSORS = (".setter", ".deleter")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_parameter = lru_cache(maxsize=16_384)(Parameter)  # most parameters are alike
_intern = sys.intern


def read_function(node: FunctionNode, events: Events, *, in_class: bool = False) -> Function | None:
    """A function or, in a class, a method; what it imports and sets goes to ``events``. None for a setter."""
    decorators: tuple[str, ...] = ()
    if node.decorator_list:
        decorators = tuple(_intern(decorator(each)) for each in node.decorator_list)
    parameters = read_parameters(node.args)
    returns = _intern(annotation(node.returns)) if node.returns is not None else ""
    body = _Body(node, events)
    arguments = node.args.posonlyargs or node.args.args if in_class and "staticmethod" not in decorators else ()
    first = arguments[0].arg if arguments else ""
    on_class = bool(first) and (node.name in _IMPLICIT_ON_CLASS or any(name in _ON_CLASS for name in decorators))
    names = _Local(parameters, body, first, "cls" if on_class else "self")
    if first:
        _read_attributes(body.statements, names, first, not on_class, events)
    if body.globals:
        _read_globals(body, names, events)
    if decorators and decorators[-1].endswith(_ACCESSORS):
        return None
    result = "" if returns or body.yields or not body.returns else _intern(_result(body.returns, names))
    is_async = type(node) is ast.AsyncFunctionDef
    return Function(node.name, node.lineno, parameters, returns, result, decorators, is_async, body.yields)


def read_parameters(node: ast.arguments) -> tuple[Parameter, ...]:
    """The parameters of a function, in order."""
    positional = node.posonlyargs + node.args if node.posonlyargs else node.args
    n_only, required = len(node.posonlyargs), len(positional) - len(node.defaults)
    rows: list[tuple[ast.arg, str, ast.expr | None]] = [
        (argument, POSITIONAL_ONLY if i < n_only else ORDINARY, node.defaults[i - required] if i >= required else None)
        for i, argument in enumerate(positional)
    ]
    if node.vararg:
        rows.append((node.vararg, VARIADIC, None))
    rows += zip(node.kwonlyargs, repeat(KEYWORD_ONLY), node.kw_defaults)
    if node.kwarg:
        rows.append((node.kwarg, KEYWORDS, None))
    parameters: list[Parameter] = []
    for argument, kind, default in rows:
        note = _intern(annotation(argument.annotation)) if argument.annotation is not None else ""
        value = (_intern(sketch(default)) or "...") if default is not None else ""
        parameters.append(_parameter(argument.arg, kind, note, value))
    return tuple(parameters)


def declared(parameter: Parameter) -> str:
    """The annotation of what a parameter's name stands for in its function."""
    if parameter.annotation and parameter.kind == VARIADIC:
        return f"tuple[{parameter.annotation}, ...]"
    if parameter.annotation and parameter.kind == KEYWORDS:
        return f"dict[str, {parameter.annotation}]"
    return parameter.annotation


class _Body:
    """The statements of a function that matter, in order; its imports go to ``events``, also those of inner ones."""

    __slots__ = ("globals", "returns", "statements", "yields")

    def __init__(self, node: FunctionNode, events: Events) -> None:
        self.statements: list[Statement] = []  # that bind names
        self.returns: list[ast.expr] = []
        self.globals: set[str] = set()
        self.yields = False
        for each in flat(node.body):
            kind = type(each)
            value: ast.expr | None = None
            if kind is ast.Expr:
                value = each.value  # type: ignore[union-attr]
                if type(value) is ast.NamedExpr:
                    self.statements.append(each)
            elif kind is ast.Assign:
                self.statements.append(each)
                value = each.value  # type: ignore[union-attr]
            elif kind is ast.Return:
                value = each.value  # type: ignore[union-attr]
                if value is not None:
                    self.returns.append(value)
            elif kind is ast.If:
                value = each.test  # type: ignore[union-attr]
                if type(value) in _MAY_HOLD_WALRUS:
                    self.statements.append(each)
            elif kind is ast.Import or kind is ast.ImportFrom:
                events.imports += imports(each, events.stars)  # type: ignore[arg-type]
            elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef or kind is ast.ClassDef:
                self.statements.append(each)
                _read_inner(each, events)  # type: ignore[arg-type]
            elif kind is ast.Global:
                self.globals.update(each.names)  # type: ignore[union-attr]
            else:
                self.statements.append(each)
                if isinstance(each, (ast.AnnAssign, ast.AugAssign)):
                    value = each.value
                elif kind is ast.While:
                    value = each.test  # type: ignore[union-attr]
            if type(value) in _MAY_HOLD_YIELD:
                self._look(value)  # type: ignore[arg-type]

    def _look(self, node: ast.expr) -> None:
        """Look for a ``yield`` where one usually is: alone, awaited, as an argument or an operand."""
        kind = type(node)
        if kind in _YIELDS:
            self.yields = True
        elif kind is ast.Call:
            for argument in node.args:  # type: ignore[attr-defined]
                if type(argument) in _YIELDS:
                    self.yields = True
        elif kind is ast.Await or kind is ast.NamedExpr:
            self._look(node.value)  # type: ignore[attr-defined]
        elif kind is ast.BinOp:
            self.yields = (
                self.yields or type(node.left) in _YIELDS or type(node.right) in _YIELDS  # type: ignore[attr-defined]
            )


def _read_inner(node: FunctionNode | ast.ClassDef, events: Events) -> None:
    """The imports of a function or class within a function."""
    todo = [node]
    while todo:
        for each in flat(todo.pop().body):
            if isinstance(each, (ast.Import, ast.ImportFrom)):
                events.imports += imports(each, events.stars)
            elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                todo.append(each)


class _Local:
    """The names of a function's own, with the sketches that stand in for them outside; found when asked for."""

    __slots__ = ("_found", "_global", "_is_filled", "_parameters", "_pending", "_statements")

    def __init__(self, parameters: tuple[Parameter, ...], body: _Body, first: str, called: str) -> None:
        self._parameters = parameters
        self._statements = body.statements
        self._global = body.globals
        self._found: dict[str, str] = {first: called} if first else {}
        self._pending: dict[str, Statement | None] = {}
        self._is_filled = False

    def __call__(self, name: str) -> str:
        if not self._is_filled:
            self._fill()
        text = self._found.get(name)
        if text is None:
            if name not in self._pending:
                return name
            self._found[name] = ""  # what depends on itself is not known
            node = self._pending[name]
            if node is not None:
                for target, kind, value in bindings(node, self):
                    if type(target) is ast.Name and target.id == name:
                        self._found[name] = instance(kind) or value
                        break
            text = self._found[name]
        return text

    def declared(self, name: str) -> str:
        """The annotation of a parameter."""
        return next((declared(each) for each in self._parameters if each.name == name), "")

    def _fill(self) -> None:
        self._is_filled = True
        texts, pending = self._found, self._pending
        for node in self._statements:
            if type(node) is ast.Assign and len(node.targets) == 1 and type(node.targets[0]) is ast.Name:
                name = node.targets[0].id
                pending[name] = None if name in pending else node
            elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                pending[node.name] = None
            else:
                for name in target_names(node):
                    pending[name] = None if name in pending else node
        for name in self._global:
            pending.pop(name, None)
        for parameter in self._parameters:
            name = parameter.name
            if name in texts:
                continue
            if parameter.kind == VARIADIC:
                texts[name] = "()"
            elif parameter.kind == KEYWORDS:
                texts[name] = "{}"
            elif text := instance(parameter.annotation):
                texts[name] = text
            elif not parameter.annotation and parameter.default not in ("", "None", "..."):
                texts[name] = parameter.default
            elif name not in pending:
                texts[name] = ""


def _read_attributes(statements: list[Statement], names: _Local, first: str, on_instance: bool, events: Events) -> None:
    """What a method sets on its first parameter."""
    for node in statements:
        if type(node) is ast.Assign:
            if len(node.targets) == 1:
                target = node.targets[0]
                if type(target) is ast.Name or type(target) is ast.Subscript:
                    continue
                if type(target) is ast.Attribute and not (type(target.value) is ast.Name and target.value.id == first):
                    continue
        elif isinstance(node, (ast.If, ast.While, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for target, kind, value in bindings(node, names):
            if type(target) is ast.Attribute and type(target.value) is ast.Name and target.value.id == first:
                source = node.value if isinstance(node, (ast.Assign, ast.AnnAssign)) else None
                if not kind and type(source) is ast.Name:
                    kind = names.declared(source.id)
                    value = "" if kind else value
                events.attributes.append(Variable(target.attr, target.lineno, kind, _intern(value), on_instance))


def _read_globals(body: _Body, names: _Local, events: Events) -> None:
    for node in body.statements:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            continue
        for target, kind, value in bindings(node, names):
            if type(target) is ast.Name and target.id in body.globals:
                events.globals.append(Variable(target.id, target.lineno, kind, _intern(value)))


def _result(returns: list[ast.expr], names: _Local) -> str:
    """The one sketch of all that is returned but None; ``""`` if there are several."""
    result = "None"
    for node in returns:
        text = sketch(node, names)
        if text == "None" or text == result:
            continue
        if not text or result != "None":
            return ""
        result = text
    return result
