"""What calls give: instances, what functions return, ``super()``."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from tinycoder.symbols.modules import LIBRARY
from tinycoder.symbols.records import Enclosing, Function
from tinycoder.symbols.types import library_types
from tinycoder.symbols.types.generics import Solver, pairs
from tinycoder.symbols.types.library_classes import ASYNC_MANAGER, COROUTINE, MANAGER, NAMED_TUPLE
from tinycoder.symbols.types.lookup import BUILTINS, parse
from tinycoder.symbols.types.traits import (
    ENUM_MODULE,
    ENUMS,
    TRANSPARENT,
    last_part,
    receiver_name,
    takes_class,
)
from tinycoder.symbols.types.values import (
    MAX_ITEMS,
    NO_ARGUMENTS,
    TABLE_SCOPE,
    Arguments,
    ClassValue,
    FunctionValue,
    Instance,
    Scope,
    SuperValue,
    Value,
    Values,
    classes_of,
    receiver_class,
    union,
    without_none,
)

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference


_NAMED_TUPLE: Values = (ClassValue(NAMED_TUPLE, TABLE_SCOPE),)  # a class whose fields are not known


class Calls:
    """Makes the calls of one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def call(self, values: Values, arguments: Arguments) -> Values:
        """What calling the values gives."""
        return union(self._call(value, arguments) for value in without_none(values))

    def _call(self, value: Value, arguments: Arguments) -> Values:
        match value:
            case ClassValue():
                return self._construct(value, arguments)
            case FunctionValue():
                return self.call_function(value, arguments)
            case Instance():
                return self.call(self._inference.attributes.of_value(value, "__call__"), arguments)
            case _:
                return ()

    def _construct(self, value: ClassValue, arguments: Arguments) -> Values:
        module, _, last = value.qualified.rpartition(".")
        if module in library_types.TYPING:
            return self._typing_call(last, arguments)
        if module == BUILTINS and (special := self._builtin_call(last, arguments)) is not None:
            return special
        if last in ENUMS and module == ENUM_MODULE:
            return ()
        if module in ("collections", "_collections") and arguments.nodes:
            first = self._inference.evaluate(arguments.nodes[0], arguments.scope)
            if last == "deque":
                return (Instance(replace(value, arguments=(self._inference.elements.iterate(first),))),)
            if last == "defaultdict" and not value.arguments:
                return (Instance(replace(value, arguments=((), self.call(first, NO_ARGUMENTS)))),)
        parameters = self._inference.classes.type_parameters(value)
        if parameters and not value.arguments and (arguments.nodes or arguments.keywords):
            classes = self._inference.classes
            constructor = classes.member(value, "__init__") or classes.member(value, "__new__")
            if constructor and isinstance(constructor[1], Function):
                solver = Solver(self._inference, classes.inside(constructor[0]), parameters)
                if solved := solver.solve(constructor[1], arguments, skip=1):
                    value = replace(value, arguments=tuple(solved.get(name, ()) for name in parameters))
        return (Instance(value),)

    def _typing_call(self, name: str, arguments: Arguments) -> Values:
        nodes, scope = arguments.nodes, arguments.scope
        if name == "NewType" and len(nodes) > 1:
            return self._inference.evaluate(nodes[1], scope)
        if name == "cast" and nodes:
            return self._inference.annotations.annotate(nodes[0], scope)
        return _NAMED_TUPLE if name == "NamedTuple" else ()

    def _builtin_call(self, name: str, arguments: Arguments) -> Values | None:
        nodes, scope = arguments.nodes, arguments.scope
        if not nodes:
            return None
        classes = self._inference.classes
        match name:
            case "type" if len(nodes) == 1:
                values = self._inference.evaluate(nodes[0], scope)
                return union((value.kind,) if isinstance(value, Instance) else () for value in values)
            case "zip":
                return self._iterator(classes.tuple_of([self._element(part, scope) for part in nodes[:MAX_ITEMS]]))
            case "enumerate":
                return self._iterator(classes.tuple_of([classes.instance("int"), self._element(nodes[0], scope)]))
            case "map" if len(nodes) > 1:
                return self._iterator(self.call(self._inference.evaluate(nodes[0], scope), NO_ARGUMENTS))
            case "filter" | "reversed":
                return self._iterator(self._element(nodes[-1], scope))
            case "list" | "set" | "frozenset" | "tuple":
                return classes.instance(name, self._element(nodes[0], scope))
        return None

    def _element(self, node: ast.expr, scope: Scope) -> Values:
        """What a loop over an expression gives."""
        return self._inference.elements.iterate(self._inference.evaluate(node, scope))

    def _iterator(self, element: Values) -> Values:
        return self._inference.classes.library_instance("collections.abc.Iterator", element)

    def call_function(self, value: FunctionValue, arguments: Arguments) -> Values:
        """What calling a function gives."""
        symbol = value.symbol
        if value.owner is None and (special := self._special_call(value, arguments)) is not None:
            return special
        values = self._returned(value, arguments)
        names = [last_part(decorator) for decorator in symbol.decorators]
        if "contextmanager" in names or "asynccontextmanager" in names:
            manager = MANAGER if "contextmanager" in names else ASYNC_MANAGER
            kinds = [one.kind if isinstance(one, Instance) else None for one in values]
            yielded = union(kind.arguments[0] if kind and kind.arguments else () for kind in kinds)
            return (Instance(ClassValue(manager, TABLE_SCOPE, (yielded,))),)
        if symbol.is_async and not symbol.is_generator:
            values = (Instance(ClassValue(COROUTINE, TABLE_SCOPE, ((), (), values))),)
        if values and not all(name in TRANSPARENT or name.endswith("property") for name in names):
            return union([values, ()])
        return values

    def _special_call(self, value: FunctionValue, arguments: Arguments) -> Values | None:
        module, _, name = value.qualified.rpartition(".")
        nodes, scope = arguments.nodes, arguments.scope
        if module in library_types.TYPING:
            return self._typing_call(name, arguments)
        if value.qualified == "collections.namedtuple":
            return _NAMED_TUPLE
        if value.qualified in ("copy.copy", "copy.deepcopy") and nodes:
            return self._inference.evaluate(nodes[0], scope)
        if module != BUILTINS or not nodes:
            return None
        if name == "sorted":
            return self._inference.classes.instance("list", self._element(nodes[0], scope))
        if name in ("next", "anext", "iter", "aiter"):
            values = self._inference.evaluate(nodes[0], scope)
            return self.call(self._inference.attributes.attribute(values, f"__{name}__"), NO_ARGUMENTS)
        if name == "abs" or (name in ("min", "max") and len(nodes) > 1):
            return self._inference.evaluate(nodes[0], scope)
        if name in ("min", "max", "sum"):
            return self._element(nodes[0], scope)
        return self._builtin_call(name, arguments)

    def _returned(self, value: FunctionValue, arguments: Arguments) -> Values:
        symbol, annotations, once = value.symbol, self._inference.annotations, self._inference.work.once
        key: tuple[object, ...] = ("returned", value.key)
        receiver = value.receiver or value.owner
        scope = value.scope.with_self(receiver) if receiver else value.scope
        skip = int(value.receiver is not None)
        if symbol.returns:
            node = parse(symbol.returns)
            open_names = annotations.open_variables(node, scope)
            if not open_names:
                return once(key, symbol, lambda: annotations.annotate(node, scope))
            solved = Solver(self._inference, scope, open_names).solve(symbol, arguments, skip)
            return annotations.annotate(node, replace(scope, types={**scope.types, **solved}))
        if known := _in_table(value):
            return once(key, symbol, lambda: annotations.table(known, scope.types))
        if symbol.is_generator:
            kind = "AsyncGenerator" if symbol.is_async else "Generator"
            return self._inference.classes.library_instance(f"collections.abc.{kind}")
        if not symbol.result:
            return ()
        given = self._given(value, arguments)
        local = {**self._receiver_local(value), **given}
        inner = replace(scope, enclosing=(Enclosing(symbol), *scope.enclosing), local=local)
        if given:
            key = (*key, tuple((name, tuple(one.key for one in some)) for name, some in given.items()))
        return once(key, symbol, lambda: self._inference.text(symbol.result, inner))

    def _receiver_local(self, value: FunctionValue) -> dict[str, Values]:
        if value.owner is None or not receiver_name(value.symbol):
            return {}
        receiver = value.receiver or Instance(value.owner)
        return {"self": (receiver,), "cls": (receiver_class(receiver),)}

    def _given(self, value: FunctionValue, arguments: Arguments) -> dict[str, Values]:
        """The arguments of parameters without annotation that the function's result names."""
        if not (arguments.nodes or arguments.keywords):
            return {}
        node = parse(value.symbol.result)
        names = {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} if node else set()
        return {
            parameter.name: values
            for parameter, argument in pairs(value.symbol, arguments, skip=int(value.receiver is not None))
            if parameter.name in names and not parameter.annotation
            if (values := self._inference.evaluate(argument, arguments.scope))
        }

    def super(self, node: ast.Call, scope: Scope) -> Values:
        """What a call of ``super`` gives."""
        if len(node.args) > 1:
            kinds, receivers = (self._inference.evaluate(argument, scope) for argument in node.args[:2])
            kind = next(iter(classes_of(kinds)), None)
            receiver = next((value for value in receivers if isinstance(value, (Instance, ClassValue))), None)
            return (SuperValue(receiver or Instance(kind), kind),) if kind else ()
        for index in range(len(scope.enclosing)):
            if here := scope.class_at(index):
                for value in scope.local.get("self", ()):
                    if isinstance(value, (Instance, ClassValue)):
                        return (SuperValue(value, here),)
                function = scope.enclosing[index - 1].symbol if index else None
                of_class = isinstance(function, Function) and takes_class(function)
                return (SuperValue(here if of_class else Instance(here), here),)
        return ()


def _in_table(value: FunctionValue) -> str:
    """What the table says that a function returns: first for the receiver's own class."""
    if value.scope.source.origin != LIBRARY:
        return ""
    known = ""
    if value.receiver is not None:
        known = library_types.RETURNS.get(f"{receiver_class(value.receiver).qualified}.{value.symbol.name}", "")
    return known or library_types.RETURNS.get(value.qualified, "")
