"""What expressions of a Python text stand for, and what may follow them: members, signatures, definitions.

Answers come from records alone, and no question works for long: what is not found soon is not known.
"""

from __future__ import annotations

import ast

from tinycoder.symbols.modules import Definition, Modules, Source
from tinycoder.symbols.records import EMPTY, Parameter
from tinycoder.symbols.types.inference import Inference
from tinycoder.symbols.types.lookup import Binding, parse
from tinycoder.symbols.types.members import Members, members_of
from tinycoder.symbols.types.signatures import Signature, signature_of
from tinycoder.symbols.types.values import (
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    Scope,
    SuperValue,
    Value,
    Values,
)

_NOWHERE = Scope(Source(name="", path="", is_package=False, origin=""), EMPTY)


class Types:
    """Answers about expressions; keeps nothing between questions."""

    def __init__(self, modules: Modules) -> None:
        self._modules = modules

    def infer(self, expression: str, scope: Scope) -> Values:
        """What ``expression`` stands for in ``scope``; nothing if that is not known. ``DOUBT``: or something else."""
        try:
            return Inference(self._modules, scope).evaluate(parse(expression), scope)
        except RecursionError:  # where the caller left little room
            return ()

    def members(self, values: Values) -> Members:
        """What may follow a dot after the values."""
        try:
            return members_of(values, self._inference(values))
        except RecursionError:
            return Members()

    def signature(self, value: Value) -> Signature | None:
        """What a call of ``value`` may be given."""
        try:
            return signature_of(value, self._inference((value,)))
        except RecursionError:
            return None

    def definition(self, expression: str, scope: Scope) -> Definition | None:
        """Where a name, or a member of what can be inferred, is defined."""
        try:
            return self._definition(expression, scope)
        except RecursionError:
            return None

    def _definition(self, expression: str, scope: Scope) -> Definition | None:
        inference = Inference(self._modules, scope)
        node = parse(expression)
        if node is None:
            return None
        found = inference.annotations.found(node, scope)
        if isinstance(found, ModuleValue):
            return Definition(source=found.source, symbol=None)
        if isinstance(found, Binding) and found.symbol and not isinstance(found.symbol, Parameter):
            return Definition(source=found.scope.source, symbol=found.symbol)
        if not isinstance(node, ast.Attribute):
            return None
        for value in inference.evaluate(node.value, scope):
            member = members_of((value,), inference).rows.get(node.attr)
            if member:
                return Definition(source=member.source, symbol=member.symbol)
        return None

    def _inference(self, values: Values) -> Inference:
        """For what was inferred before: the module that it stands in is taken as it was then."""
        return Inference(self._modules, next((_scope(value) for value in values if _scope(value)), None) or _NOWHERE)


def _scope(value: Value) -> Scope | None:
    match value:
        case ClassValue() | FunctionValue():
            return value.scope
        case Instance():
            return value.kind.scope
        case SuperValue():
            return value.after.scope
        case _:
            return None
