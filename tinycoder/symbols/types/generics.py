"""What type variables stand for in a call, as its arguments say."""

from __future__ import annotations

import ast
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


class Generics:
    """Solves the type variables of one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def solved(
        self, symbol: Function, scope: Scope, arguments: Arguments, names: frozenset[str], skip: int
    ) -> dict[str, Values]:
        """What type variables stand for, as the arguments of a call say."""
        solved: dict[str, Values] = {}
        for parameter, argument in pairs(symbol, arguments, skip):
            node = parse(parameter.annotation)
            if node and any(isinstance(part, ast.Name) and part.id in names for part in ast.walk(node)):
                self._match(node, self._inference.evaluate(argument, arguments.scope), scope, names, solved)
        return solved

    def _match(
        self, node: ast.expr, values: Values, scope: Scope, names: frozenset[str], solved: dict[str, Values]
    ) -> None:
        values = tuple(value for value in values if value is not NONE and value is not DOUBT)
        if not values or not self._inference.work.step(lambda: True, False):
            return
        match node:
            case ast.Name():
                if node.id in names:
                    solved[node.id] = union(part for part in (solved.get(node.id), values) if part)
            case ast.BinOp():
                self._match(node.left, values, scope, names, solved)
                self._match(node.right, values, scope, names, solved)
            case ast.Subscript():
                self._match_generic(node, values, scope, names, solved)

    def _match_generic(
        self, node: ast.Subscript, values: Values, scope: Scope, names: frozenset[str], solved: dict[str, Values]
    ) -> None:
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        name = last_part(ast.unparse(node.value))
        if name in ("Optional", "Union", "Annotated"):
            for part in parts:
                self._match(part, values, scope, names, solved)
        elif name in ("type", "Type"):
            self._match(parts[0], tuple(map(Instance, classes_of(values))), scope, names, solved)
        elif name == "Callable":
            self._match(parts[-1], self._inference.calls.call(values, NO_ARGUMENTS), scope, names, solved)
        elif name in ("Awaitable", "Coroutine"):
            self._match(parts[-1], self._inference.elements.awaited(values), scope, names, solved)
        elif len(parts) == 1 and name not in ("AsyncIterable", "AsyncIterator"):
            self._match(parts[0], self._inference.elements.iterate(values), scope, names, solved)
        else:
            wanted = self._inference.evaluate(node.value, scope)
            for value in values:
                arguments = self._arguments_as(value, wanted)
                for part, argument in zip(parts, arguments, strict=False):
                    self._match(part, argument, scope, names, solved)

    def _arguments_as(self, value: Value, wanted: Values) -> tuple[Values, ...]:
        """The type arguments that an instance has as one of the classes ``wanted``."""
        if not isinstance(value, Instance):
            return ()
        kinds = [kind.symbol for kind in classes_of(wanted)]
        for base in self._inference.classes.order(value.kind).bases:
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
