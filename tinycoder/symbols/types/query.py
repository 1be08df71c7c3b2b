"""What expressions of a Python text stand for, and what may follow them: members and signatures.

Answers come from records alone, and no question works for long: what is not found soon is not known.
"""

from tinycoder.symbols.modules import Modules
from tinycoder.symbols.types.inference import Inference
from tinycoder.symbols.types.lookup import parse
from tinycoder.symbols.types.members import Members, members_of
from tinycoder.symbols.types.signatures import Signature, signature_of
from tinycoder.symbols.types.values import (
    TABLE_SCOPE,
    ClassValue,
    FunctionValue,
    Instance,
    Scope,
    SuperValue,
    Value,
    Values,
)


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

    def _inference(self, values: Values) -> Inference:
        """For what was inferred before: its module is taken as it was then."""
        return Inference(self._modules, next(filter(None, map(_scope, values)), TABLE_SCOPE))


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
