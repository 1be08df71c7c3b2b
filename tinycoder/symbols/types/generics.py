"""What type variables stand for in a call, as its arguments say."""

from __future__ import annotations

import ast
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tinycoder.symbols.records import KEYWORD_ONLY, KEYWORDS, VARIADIC, Function, Parameter
from tinycoder.symbols.types.lookup import parse
from tinycoder.symbols.types.traits import is_same, last_part
from tinycoder.symbols.types.values import (
    DOUBT,
    NO_ARGUMENTS,
    NONE,
    Arguments,
    Instance,
    Scope,
    Value,
    Values,
    classes_of,
    union,
)

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference


@dataclass(slots=True)
class Solver:
    """Finds what type variables stand for in one call. ``scope`` is where the function's annotations are read."""

    inference: Inference
    scope: Scope
    names: Collection[str]  # of type variables
    solved: dict[str, Values] = field(default_factory=dict)

    def solve(self, symbol: Function, arguments: Arguments, skip: int) -> dict[str, Values]:
        """What the arguments of a call say of each type variable; nothing of some."""
        for parameter, argument in pairs(symbol, arguments, skip):
            node = parse(parameter.annotation)
            if node and any(isinstance(part, ast.Name) and part.id in self.names for part in ast.walk(node)):
                self._match(node, self.inference.evaluate(argument, arguments.scope))
        return self.solved

    def _match(self, node: ast.expr, values: Values) -> None:
        values = tuple(value for value in values if value is not NONE and value is not DOUBT)
        if not values or not self.inference.work.step(lambda: True, False):  # a step, if one is left
            return
        match node:
            case ast.Name() if node.id in self.names:
                self.solved[node.id] = union(part for part in (self.solved.get(node.id), values) if part)
            case ast.BinOp():
                self._match(node.left, values)
                self._match(node.right, values)
            case ast.Subscript():
                self._match_generic(node, values)

    def _match_generic(self, node: ast.Subscript, values: Values) -> None:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        name = last_part(ast.unparse(node.value))
        if name in ("Optional", "Union", "Annotated"):
            for part in parts:
                self._match(part, values)
        elif name in ("type", "Type"):
            self._match(parts[0], tuple(map(Instance, classes_of(values))))
        elif name == "Callable":
            self._match(parts[-1], self.inference.calls.call(values, NO_ARGUMENTS))
        elif name in ("Awaitable", "Coroutine"):
            self._match(parts[-1], self.inference.elements.awaited(values))
        elif len(parts) == 1 and name not in ("AsyncIterable", "AsyncIterator"):
            self._match(parts[0], self.inference.elements.iterate(values))
        else:
            wanted = self.inference.evaluate(node.value, self.scope)
            for value in values:
                for part, argument in zip(parts, self._arguments_as(value, wanted), strict=False):
                    self._match(part, argument)

    def _arguments_as(self, value: Value, wanted: Values) -> tuple[Values, ...]:
        """The type arguments that an instance has as one of the classes ``wanted``."""
        if not isinstance(value, Instance):
            return ()
        kinds = [kind.symbol for kind in classes_of(wanted)]
        for base in self.inference.classes.order(value.kind).bases:
            if any(is_same(base.value.symbol, kind) for kind in kinds):
                return base.value.arguments
        if len(value.kind.arguments) == 2 and any(kind.name in ("Mapping", "MutableMapping") for kind in kinds):
            return value.kind.arguments
        return ()


def pairs(symbol: Function, arguments: Arguments, skip: int) -> list[tuple[Parameter, ast.expr]]:
    """Parameters and what they are given."""
    given: list[tuple[Parameter, ast.expr]] = []
    positional = [one for one in symbol.parameters if one.kind not in (VARIADIC, KEYWORDS, KEYWORD_ONLY)][skip:]
    for parameter, node in zip(positional, arguments.nodes, strict=False):
        if isinstance(node, ast.Starred):
            break
        given.append((parameter, node))
    variadic = next((one for one in symbol.parameters if one.kind == VARIADIC), None)
    if variadic:
        given += [(variadic, node) for node in arguments.nodes[len(positional) :] if not isinstance(node, ast.Starred)]
    named = {parameter.name: parameter for parameter in symbol.parameters}
    given += [(named[name], node) for name, node in arguments.keywords.items() if name in named]
    return given
