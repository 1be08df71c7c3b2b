"""What a dot and a name after a value stand for."""

from __future__ import annotations

import ast
from dataclasses import replace
from typing import TYPE_CHECKING

from tinycoder.symbols.records import Function, Symbol, Variable
from tinycoder.symbols.types.traits import (
    TRANSPARENT,
    is_enum_member,
    is_property,
    last_part,
    receiver_name,
    takes_class,
)
from tinycoder.symbols.types.values import (
    NO_ARGUMENTS,
    TABLE_SCOPE,
    Arguments,
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    SuperValue,
    Value,
    Values,
    receiver_class,
    union,
    without_none,
)

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference


MODULE_ATTRIBUTES = {
    **dict.fromkeys(("__name__", "__file__", "__doc__", "__package__"), "str"),
    "__dict__": "dict[str, object]",
    "__path__": "list[str]",
    "__spec__": "importlib.machinery.ModuleSpec",
    "__loader__": "object",
}
"""What every module has, with its type."""

_FUNCTION = ast.Name("function")


class Attributes:
    """Finds the attributes of one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference

    def attribute(self, values: Values, name: str) -> Values:
        """What ``.name`` of the values stands for."""
        return union(self.of_value(value, name) for value in without_none(values))

    def of_value(self, value: Value, name: str) -> Values:
        """What ``.name`` of one value stands for."""
        match value:
            case ModuleValue():
                if name in MODULE_ATTRIBUTES:
                    return self._inference.annotations.table(MODULE_ATTRIBUTES[name], {})
                return self._inference.value_of(self._inference.lookup.attribute(value.source.name, name))
            case Instance():
                return self._instance_attribute(value, name)
            case ClassValue():
                return self._class_attribute(value, name)
            case SuperValue():
                return self._member(receiver_class(value.receiver), name, value.receiver, after=value.after)
            case _:
                return ()

    def decorated(self, value: FunctionValue) -> Values:
        """What a function is after its decorators, where one of them is known to make something else of it."""
        names = [last_part(decorator) for decorator in value.symbol.decorators]
        if names and is_property(value.symbol):
            return self._inference.classes.instance("property")
        if all(name in TRANSPARENT for name in names) or len(names) > 1:
            return (value,)
        plain = replace(value, symbol=replace(value.symbol, decorators=()))
        given = Arguments([_FUNCTION], {}, replace(TABLE_SCOPE, local={_FUNCTION.id: (plain,)}))
        key = ("decorated", value.key)

        def decorate() -> Values:
            decorators = self._inference.text(value.symbol.decorators[0], replace(value.scope, local={}))
            return self._inference.calls.call(decorators, given)

        result = self._inference.work.once(key, value, decorate)
        return (value,) if any(isinstance(one, FunctionValue) for one in result) else result or (value,)

    def _instance_attribute(self, value: Instance, name: str) -> Values:
        if name == "__class__":
            return (value.kind,)
        if name in ("name", "value") and self._inference.classes.is_enum(value.kind):
            return self._inference.classes.instance("str") if name == "name" else self._enum_value(value.kind)
        return self._member(value.kind, name, value)

    def _enum_value(self, kind: ClassValue) -> Values:
        members = [symbol for symbol in kind.symbol.members.values() if is_enum_member(symbol)]
        inside = self._inference.classes.inside(kind)
        return union(self._inference.variable(symbol, inside, kind) for symbol in members[:4])

    def _class_attribute(self, value: ClassValue, name: str) -> Values:
        member = self._inference.classes.member(value, name)
        if member and not (isinstance(member[1], Variable) and member[1].on_instance):
            if is_enum_member(member[1]) and self._inference.classes.is_enum(value):
                return (Instance(value),)
            return self._bound(member[0], member[1], value)
        if name in ("__iter__", "__members__") and self._inference.classes.is_enum(value):
            return ()
        kind = self._inference.classes.metaclass(value)
        return self._member(kind, name, value) if kind else ()

    def _member(
        self, kind: ClassValue, name: str, receiver: Instance | ClassValue, after: ClassValue | None = None
    ) -> Values:
        member = self._inference.classes.member(kind, name, after=after)
        return self._bound(*member, receiver) if member else ()

    def _bound(self, owner: ClassValue, symbol: Symbol, receiver: Instance | ClassValue) -> Values:
        """A member of ``owner`` as it is seen on ``receiver``."""
        inside = self._inference.classes.inside(owner)
        if isinstance(symbol, Function):
            if is_property(symbol):
                if not isinstance(receiver, Instance):
                    return ()
                return self._inference.calls.call_function(FunctionValue(symbol, inside, owner, receiver), NO_ARGUMENTS)
            given: Instance | ClassValue | None = receiver
            if not receiver_name(symbol):
                given = None
            elif takes_class(symbol):
                given = receiver_class(receiver)
            elif isinstance(receiver, ClassValue) and not self._is_metaclass_of(owner, receiver):
                given = None
            return self.decorated(FunctionValue(symbol, inside, owner, given))
        if isinstance(symbol, Variable):
            values = self._inference.variable(symbol, inside.with_self(receiver), owner)
            kinds = [value.kind for value in values if isinstance(value, Instance)]
            if any(self._inference.classes.member(kind, "__get__") for kind in kinds):
                return ()
            replaced = isinstance(receiver, Instance) and not symbol.on_instance and not symbol.annotation
            if replaced and values and not self._inference.classes.order(receiver_class(receiver)).metaclass_known:
                return union([values, ()])
            return values
        return self._inference.value_of(self._inference.lookup.name(symbol.name, inside))

    def _is_metaclass_of(self, owner: ClassValue, receiver: ClassValue) -> bool:
        return all(base.value.symbol is not owner.symbol for base in self._inference.classes.order(receiver).bases)
