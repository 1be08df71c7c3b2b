"""What indexing, loops and ``await`` give."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from tinycoder.symbols.records import Variable
from tinycoder.symbols.types.lookup import BUILTINS
from tinycoder.symbols.types.traits import last_part, named_fields
from tinycoder.symbols.types.values import (
    MAX_ITEMS,
    NO_ARGUMENTS,
    Arguments,
    ClassValue,
    Instance,
    Scope,
    Value,
    Values,
    union,
    without_none,
)

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference

_AWAITED = frozenset({"Coroutine", "Awaitable", "Future", "Task"})


class Elements:
    """Finds elements for one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def subscript(self, value: Value, node: ast.Subscript, scope: Scope) -> Values:
        """What indexing a value gives."""
        if isinstance(value, ClassValue):
            if self._inference.classes.is_enum(value):
                return (Instance(value),)
            parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
            arguments = tuple(self._inference.annotations.annotate(part, scope) for part in parts[:MAX_ITEMS])
            return (replace(value, arguments=arguments),)
        if not isinstance(value, Instance):
            return ()
        if isinstance(node.slice, ast.Slice) and value.kind.scope.source.name == BUILTINS:
            return (replace(value, items=None),)
        index = _integer(node.slice)
        if index is not None and (value.items is not None or self._named_tuple_item(value, index)):
            return self.item((value,), index)
        key = node.slice.value if isinstance(node.slice, ast.Constant) else None
        if isinstance(key, str) and (field_type := self._typed_dict_item(value, key)):
            return field_type
        return self._called(value, "__getitem__", Arguments([node.slice], {}, scope))

    def item(self, values: Values, index: int) -> Values:
        """The element at an index."""
        parts: list[Values] = []
        for value in values:
            if not isinstance(value, Instance):
                parts.append(())
            elif value.items is not None:
                parts.append(value.items[index] if -len(value.items) <= index < len(value.items) else ())
            else:
                named = self._named_tuple_item(value, index)
                parts.append(named or self._called(value, "__getitem__") or self.iterate((value,)))
        return union(parts)

    def iterate(self, values: Values, *, is_async: bool = False) -> Values:
        """What a loop over the values gives."""
        first, second = ("__aiter__", "__anext__") if is_async else ("__iter__", "__next__")
        parts: list[Values] = []
        for value in without_none(values):
            if isinstance(value, ClassValue) and self._inference.classes.is_enum(value):
                parts.append((Instance(value),))
                continue
            iterator = self._called(value, first)
            element = self._inference.calls.call(self._inference.attributes.attribute(iterator, second), NO_ARGUMENTS)
            parts.append(self.awaited(element) if is_async else element)
        return union(parts)

    def awaited(self, values: Values) -> Values:
        """What awaiting the values gives."""
        return union(self._awaited(value) for value in without_none(values))

    def _awaited(self, value: Value) -> Values:
        if not isinstance(value, Instance):
            return ()
        for base in self._inference.classes.order(value.kind).bases:
            if base.value.symbol.name in _AWAITED and base.value.arguments:
                return base.value.arguments[-1]
        result: Values = ()
        for given in self._called(value, "__await__"):
            if isinstance(given, Instance) and len(given.kind.arguments) == 3:
                result = given.kind.arguments[-1]
        return result

    def _called(self, value: Value, method: str, arguments: Arguments = NO_ARGUMENTS) -> Values:
        return self._inference.calls.call(self._inference.attributes.of_value(value, method), arguments)

    def _typed_dict_item(self, value: Instance, key: str) -> Values:
        order = self._inference.classes.order(value.kind)
        if not any(base.value.qualified.rpartition(".")[0] == BUILTINS for base in order.bases):
            return ()
        member = self._inference.classes.member(value.kind, key)
        if not member or not isinstance(member[1], Variable):
            return ()
        if not self._inference.classes.is_a(value.kind, "TypedDict"):
            return ()
        return self._inference.variable(member[1], self._inference.classes.inside(member[0]), member[0])

    def _named_tuple_item(self, value: Instance, index: int) -> Values:
        if "NamedTuple" not in map(last_part, value.kind.symbol.bases):
            return ()
        fields = named_fields(value.kind.symbol)
        if not -len(fields) <= index < len(fields):
            return ()
        return self._inference.variable(fields[index], self._inference.classes.inside(value.kind), value.kind)


def _integer(node: ast.expr) -> int | None:
    sign = 1
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        node, sign = node.operand, -1
    if isinstance(node, ast.Constant) and type(node.value) is int and abs(node.value) < 1_000_000:
        return sign * node.value
    return None
