"""Reads what Python source defines: one pass over the statements of its tree, at little more than the tree's own cost.

Statements give events, in order; ``fold`` makes a table of names of them. What is read statement by statement may so be
put together from pieces. Expressions are entered only as far as their sketches go. Knows no other file.
"""

from __future__ import annotations

import ast
import sys
import threading
import warnings
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from tinycoder.symbols.records import (
    KEYWORD_ONLY,
    KEYWORDS,
    ORDINARY,
    POSITIONAL_ONLY,
    VARIADIC,
    Class,
    Function,
    Import,
    Module,
    Parameter,
    Symbol,
    Variable,
)
from tinycoder.symbols.source.bindings import (
    LOOPS,
    SIMPLE,
    TRIES,
    WITHS,
    Statement,
    bindings,
    flat,
    functional,
    imports,
    target_names,
)
from tinycoder.symbols.source.sketch import annotation, decorator, instance, sketch

LARGEST = 5_000_000  # characters or bytes: a longer file is data
REFUSALS = (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError, SystemError)  # of Python's parser

PLAIN, CONDITIONAL, ALTERNATE = 0, 1, 2  # where a statement stands: in no block, in one, in the other one

_YIELDS = (ast.Yield, ast.YieldFrom)
_MAY_HOLD_YIELD = frozenset((*_YIELDS, ast.Call, ast.Await, ast.NamedExpr, ast.BinOp))
_MAY_HOLD_WALRUS = frozenset((ast.NamedExpr, ast.BoolOp, ast.Compare, ast.UnaryOp, ast.Call))
_ON_CLASS = ("classmethod", "abc.abstractclassmethod")
_IMPLICIT_ON_CLASS = ("__new__", "__init_subclass__", "__class_getitem__")
_NAMESPACES = ("globals", "locals", "vars")
_READING = ("get", "items", "keys", "values", "copy")  # methods that give no names
_CONVERTING = ("_convert_", "_convert")  # an enumeration whose members become names of a module
_ACCESSORS = (".setter", ".deleter")
_NOTHING = ("", "None")

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef

_parameter = lru_cache(maxsize=16_384)(Parameter)  # most parameters are alike
_intern = sys.intern
_quiet = threading.Lock()  # what ``warnings`` does is done to all threads


class Events:
    """What statements do to the names of a module or a class, in their order."""

    __slots__ = ("attributes", "defined", "exports", "globals", "imports", "is_open", "set_on", "stars")

    def __init__(self, outer: Events | None = None) -> None:
        self.defined: list[tuple[Symbol, int]] = []  # with PLAIN, CONDITIONAL or ALTERNATE
        self.attributes: list[Variable] = []  # what methods set on their first parameter
        self.exports: list[tuple[bool, tuple[str, ...]]] = []  # whether ``__all__`` is set anew, and its names
        self.stars: list[str] = outer.stars if outer else []
        self.imports: list[Import] = outer.imports if outer else []
        self.globals: list[Variable] = outer.globals if outer else []  # what functions set that call it global
        self.set_on: list[tuple[str, Variable]] = []  # what is set on a name, such as that of a class
        self.is_open = False  # whether names may be given in ways that are not read

    def __iadd__(self, other: Events) -> Events:
        self.defined += other.defined
        self.attributes += other.attributes
        self.exports += other.exports
        self.stars += other.stars
        self.imports += other.imports
        self.globals += other.globals
        self.set_on += other.set_on
        self.is_open = self.is_open or other.is_open
        return self


def read_source(text: str | bytes) -> Module | None:
    """What a file defines; None if it does not parse or is too long. Bytes are decoded as Python does. Never raises."""
    if len(text) > LARGEST:
        return None
    try:
        statements = parse(text)
        events = Events()
        read_statements(statements, events)
    except REFUSALS:
        return None
    return module(events)


def parse(text: str | bytes) -> list[ast.stmt]:
    """The statements of a text; raises one of ``REFUSALS``."""
    with _quiet, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as for an unknown escape in a string
        return ast.parse(text).body


def module(events: Events) -> Module:
    """The record of a file whose statements gave ``events``."""
    exported: list[str] | None = None
    for anew, names in events.exports:
        exported = [*names] if anew or exported is None else [*exported, *names]
    symbols = fold(events.defined, events.globals)
    added: dict[str, dict[str, Symbol]] = {}
    for name, variable in events.set_on:
        added.setdefault(name, {}).setdefault(variable.name, variable)
    for name, members in added.items():
        owner = symbols.get(name)
        if isinstance(owner, Class):
            new = {each: variable for each, variable in members.items() if each not in owner.members}
            symbols[name] = replace(owner, members={**owner.members, **new})
    return Module(
        symbols=symbols,
        exported=None if exported is None else tuple(dict.fromkeys(exported)),
        stars=tuple(dict.fromkeys(events.stars)),
        imports=tuple(events.imports),
        is_open=events.is_open,
    )


def fold(defined: Iterable[tuple[Symbol, int]], later: Iterable[Variable] = ()) -> dict[str, Symbol]:
    """The names that are left of what was defined one after the other, and then of what functions set."""
    table: dict[str, Symbol] = {}
    for symbol, standing in defined:
        old = table.setdefault(symbol.name, symbol)
        if old is not symbol:
            table[symbol.name] = _newer(old, symbol, standing)
    for variable in later:
        old = table.setdefault(variable.name, variable)
        if old is not variable:
            table[variable.name] = _newer(old, variable, ALTERNATE)
    return table


def _newer(old: Symbol, new: Symbol, standing: int) -> Symbol:
    """What a name is that is given a second meaning."""
    if isinstance(new, Variable):
        if not isinstance(old, Variable) or old.annotation:
            return old
        on_instance = old.on_instance and new.on_instance
        if new.annotation:
            return Variable(new.name, new.line, new.annotation, new.value, on_instance)
        if old.value in _NOTHING and new.value not in _NOTHING:
            return Variable(old.name, old.line, "", new.value, on_instance)
        return old
    if isinstance(old, Variable):
        known = old.annotation or old.value not in _NOTHING
        return old if standing == ALTERNATE and known else new
    if isinstance(old, Function) and is_overload(old):
        if not isinstance(new, Function):
            return old
        if is_overload(new):
            return old
        if new.returns or not old.returns:
            return new
        return Function(
            new.name, new.line, new.parameters, old.returns, "", new.decorators, new.is_async, new.is_generator
        )
    if standing == ALTERNATE or (standing == CONDITIONAL and (isinstance(new, Import) or isinstance(old, Import))):
        return old  # such as a faster version from another module
    return new


def is_overload(function: Function) -> bool:
    """Whether the function only tells of one of several signatures."""
    return any(name == "overload" or name.endswith(".overload") for name in function.decorators)


def read_statements(body: Iterable[ast.stmt], events: Events, *, in_class: bool = False, standing: int = PLAIN) -> None:
    """Add what the statements of a module or a class do to ``events``."""
    inner = standing or CONDITIONAL
    for node in body:
        kind = type(node)
        if kind is ast.Expr:
            _read_expression(node, events)  # type: ignore[arg-type]
        elif kind is ast.FunctionDef or kind is ast.AsyncFunctionDef:
            if function := read_function(node, events, in_class=in_class):  # type: ignore[arg-type]
                events.defined.append((function, standing))
        elif kind is ast.ClassDef:
            events.defined.append((read_class(node, events), standing))  # type: ignore[arg-type]
        elif kind is ast.Import or kind is ast.ImportFrom:
            for found in imports(node, events.stars):  # type: ignore[arg-type]
                events.imports.append(found)
                events.defined.append((found, standing))
        elif isinstance(node, ast.If):
            read_statements(node.body, events, in_class=in_class, standing=inner)
            other = node.orelse
            while len(other) == 1 and isinstance(other[0], ast.If):  # thousands of ``elif`` are no depth
                read_statements(other[0].body, events, in_class=in_class, standing=ALTERNATE)
                other = other[0].orelse
            read_statements(other, events, in_class=in_class, standing=ALTERNATE)
        elif isinstance(node, TRIES):
            read_statements(node.body, events, in_class=in_class, standing=inner)
            read_statements(node.orelse, events, in_class=in_class, standing=inner)
            for handler in node.handlers:
                read_statements(handler.body, events, in_class=in_class, standing=ALTERNATE)
            read_statements(node.finalbody, events, in_class=in_class, standing=inner)
        elif kind in SIMPLE:
            continue
        else:
            _read_variables(node, events, standing, in_class)
            if isinstance(node, LOOPS):
                read_statements(node.body, events, in_class=in_class, standing=inner)
                read_statements(node.orelse, events, in_class=in_class, standing=ALTERNATE)
            elif isinstance(node, WITHS):
                read_statements(node.body, events, in_class=in_class, standing=standing)
            elif isinstance(node, ast.Match):
                for number, case in enumerate(node.cases):
                    place = ALTERNATE if number else inner
                    read_statements(case.body, events, in_class=in_class, standing=place)


def _read_expression(node: ast.Expr, events: Events) -> None:
    """``__all__.extend(...)`` and ``__all__.append(...)``, and what may give names to the module."""
    call = node.value
    if type(call) is not ast.Call:
        return
    if _gives_names(call):
        events.is_open = True
    if (
        type(call.func) is ast.Attribute
        and type(call.func.value) is ast.Name
        and call.func.value.id == "__all__"
        and len(call.args) == 1
    ):
        if call.func.attr == "extend":
            names = _strings(call.args[0])
        elif call.func.attr == "append":
            names = _strings(ast.List(elts=call.args))
        else:
            return
        if names is not None:
            events.exports.append((False, names))


def _gives_names(call: ast.Call) -> bool:
    """Whether a call may give names to the module: ``globals().update(...)``, ``f(globals())``, ``exec(...)``."""
    function = call.func
    if type(function) is ast.Name and function.id == "exec":
        return True
    if type(function) is ast.Attribute and (
        function.attr in _CONVERTING or (function.attr not in _READING and _is_namespace(function.value))
    ):
        return True
    return any(map(_is_namespace, call.args)) or any(_is_namespace(keyword.value) for keyword in call.keywords)


def _is_namespace(node: ast.expr) -> bool:
    """Whether an expression is the module's own names: ``globals()`` and its like, ``sys.modules[__name__]``."""
    while type(node) is ast.Attribute:  # such as ``sys.modules[__name__].__dict__``
        node = node.value
    if type(node) is ast.Call:
        return type(node.func) is ast.Name and node.func.id in _NAMESPACES and not node.args
    return type(node) is ast.Subscript and type(node.slice) is ast.Name and node.slice.id == "__name__"


def _read_variables(node: ast.stmt, events: Events, standing: int, in_class: bool) -> None:
    line = node.lineno
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and type(node.value) is ast.Call and _gives_names(node.value):
        events.is_open = True
    for target, kind, value in bindings(node):
        if type(target) is not ast.Name:
            if type(target) is ast.Attribute and _is_namespace(target.value):
                events.is_open = True
            elif type(target) is ast.Attribute and type(target.value) is ast.Name:
                events.set_on.append((target.value.id, Variable(_intern(target.attr), line, kind, value)))
            elif type(target) is ast.Subscript and (_is_namespace(target) or _is_namespace(target.value)):
                events.is_open = True
            continue
        name = target.id
        if name == "__all__":
            _read_exports(node, events)
        elif name == "__slots__" and in_class and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
            slots = _strings(node.value)
            if slots is None and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                slots = (node.value.value,)
            for slot in slots or ():
                events.defined.append((Variable(_intern(slot), line, "", "", True), CONDITIONAL))
        elif isinstance(node, ast.Assign) and type(node.value) is ast.Call and (made := functional(node.value)):
            base, members = made
            events.defined.append((Class(name, line, (base,), "", (), members), standing))
            continue
        events.defined.append((Variable(name, line, kind, value), standing))


def _read_exports(node: ast.stmt, events: Events) -> None:
    if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)) and node.value:
        names = _strings(node.value)
        if names is not None:
            events.exports.append((not isinstance(node, ast.AugAssign), names))


def _strings(node: ast.expr) -> tuple[str, ...] | None:
    """The strings of a display, or of several that are added; None where there is no display."""
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return tuple(
            _intern(part.value) for part in node.elts if isinstance(part, ast.Constant) and type(part.value) is str
        )
    if isinstance(node, ast.BinOp):
        sides = []
        while isinstance(node, ast.BinOp):
            sides.append(node.right)
            node = node.left
        found = [_strings(side) if not isinstance(side, ast.BinOp) else None for side in (node, *reversed(sides))]
        known = [names for names in found if names is not None]
        return tuple(name for names in known for name in names) if known else None
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return _strings(node.args[0]) if node.func.id in ("list", "tuple", "sorted", "set", "frozenset") else None
    return None


def read_function(node: FunctionNode, events: Events, *, in_class: bool = False) -> Function | None:
    """A function or, in a class, a method; what it imports and sets goes to ``events``. None for a setter."""
    decorators: tuple[str, ...] = ()
    if node.decorator_list:
        decorators = tuple(_intern(decorator(each)) for each in node.decorator_list)
    parameters = read_parameters(node.args)
    returns = _intern(annotation(node.returns)) if node.returns is not None else ""
    body = _Body(node, events)
    first = _first_parameter(node, decorators) if in_class else ""
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


def _first_parameter(node: FunctionNode, decorators: tuple[str, ...]) -> str:
    if "staticmethod" in decorators:
        return ""
    arguments = node.args.posonlyargs or node.args.args
    return arguments[0].arg if arguments else ""


def read_parameters(node: ast.arguments) -> tuple[Parameter, ...]:
    """The parameters of a function, in order."""
    found: list[Parameter] = []
    positional = node.posonlyargs + node.args if node.posonlyargs else node.args
    n_only, required = len(node.posonlyargs), len(positional) - len(node.defaults)
    for place, argument in enumerate(positional):
        default = _default(node.defaults[place - required]) if place >= required else ""
        kind = POSITIONAL_ONLY if place < n_only else ORDINARY
        note = _intern(annotation(argument.annotation)) if argument.annotation is not None else ""
        found.append(_parameter(argument.arg, kind, note, default))
    if node.vararg:
        found.append(_parameter(node.vararg.arg, VARIADIC, _intern(annotation(node.vararg.annotation)), ""))
    for argument, value in zip(node.kwonlyargs, node.kw_defaults, strict=True):
        note = _intern(annotation(argument.annotation)) if argument.annotation is not None else ""
        found.append(_parameter(argument.arg, KEYWORD_ONLY, note, _default(value) if value is not None else ""))
    if node.kwarg:
        found.append(_parameter(node.kwarg.arg, KEYWORDS, _intern(annotation(node.kwarg.annotation)), ""))
    return tuple(found)


def _default(node: ast.expr) -> str:
    return _intern(sketch(node)) or "..."


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
        """For a ``yield`` that stands where one does: alone, awaited, as an argument or an operand."""
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
    """The imports of a function or class that stands in a function."""
    todo = [node]
    while todo:
        for each in flat(todo.pop().body):
            if isinstance(each, (ast.Import, ast.ImportFrom)):
                events.imports += imports(each, events.stars)
            elif isinstance(each, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                todo.append(each)


class _Local:
    """The names of a function's own, with the sketches that stand in for them outside; found when asked for."""

    __slots__ = ("_found", "_global", "_made", "_parameters", "_pending", "_statements")

    def __init__(
        self,
        parameters: tuple[Parameter, ...],
        body: _Body,
        first: str,
        called: str,
    ) -> None:
        self._parameters = parameters
        self._statements = body.statements
        self._global = body.globals
        self._found: dict[str, str] = {first: called} if first else {}
        self._pending: dict[str, Statement | None] = {}
        self._made = False

    def get(self, name: str, default: str, /) -> str:
        if not self._made:
            self._make()
        text = self._found.get(name)
        if text is None:
            if name not in self._pending:
                return default
            self._found[name] = ""  # what is made of itself is not known
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
        for parameter in self._parameters:
            if parameter.name == name:
                if parameter.kind == VARIADIC:
                    return f"tuple[{parameter.annotation}, ...]" if parameter.annotation else ""
                if parameter.kind == KEYWORDS:
                    return f"dict[str, {parameter.annotation}]" if parameter.annotation else ""
                return parameter.annotation
        return ""

    def _make(self) -> None:
        self._made = True
        found, pending = self._found, self._pending
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
            if name in found:
                continue
            if parameter.kind == VARIADIC:
                found[name] = "()"
            elif parameter.kind == KEYWORDS:
                found[name] = "{}"
            elif text := instance(parameter.annotation):
                found[name] = text
            elif not parameter.annotation and parameter.default not in ("", "None", "..."):
                found[name] = parameter.default
            elif name not in pending:
                found[name] = ""


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


def read_class(node: ast.ClassDef, outer: Events) -> Class:
    """A class; what it imports goes to ``outer``."""
    events = Events(outer)
    bases, metaclass = read_bases(node, events)
    read_statements(node.body, events, in_class=True)
    return class_record(node, bases, metaclass, events)


def class_record(node: ast.ClassDef, bases: tuple[str, ...], metaclass: str, events: Events) -> Class:
    """The record of a class whose body gave ``events``."""
    decorators = tuple(_intern(decorator(each)) for each in node.decorator_list)
    return Class(node.name, node.lineno, bases, metaclass, decorators, fold(events.defined, events.attributes))


def read_bases(node: ast.ClassDef, events: Events) -> tuple[tuple[str, ...], str]:
    """The bases and the metaclass; fields of a base that is made in place go to ``events``."""
    bases: list[str] = []
    metaclass = ""
    for base in node.bases:
        if type(base) is ast.Call:
            if made := functional(base):
                bases.append(made[0])
                events.defined += [(member, PLAIN) for member in made[1].values()]
                continue
            if sketch(base.func).rpartition(".")[2] == "with_metaclass" and base.args:  # of six and its like
                metaclass = _intern(sketch(base.args[0]))
                bases += [_intern(annotation(each)) for each in base.args[1:]]
                continue
        text = annotation(base)
        if text:
            bases.append(_intern(text))
        elif type(base) is not ast.Starred:
            bases.append("...")
    for keyword in node.keywords:
        if keyword.arg == "metaclass":
            metaclass = _intern(sketch(keyword.value)) or "..."
    return tuple(bases), metaclass
