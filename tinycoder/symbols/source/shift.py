"""Records with other line numbers, for a piece of text that has moved."""

from __future__ import annotations

from tinycoder.symbols.records import Class, Function, Import, Symbol, Variable
from tinycoder.symbols.source.events import Events


def shift_events(events: Events, by: int) -> Events:
    """Events ``by`` lines further down."""
    if not by:
        return events
    shifted = Events()
    shifted.defined = [(shift(symbol, by), standing) for symbol, standing in events.defined]
    shifted.attributes = [_shift_variable(each, by) for each in events.attributes]
    shifted.globals = [_shift_variable(each, by) for each in events.globals]
    shifted.imports = [Import(each.name, each.line + by, each.module, each.attribute) for each in events.imports]
    shifted.set_on = [(name, _shift_variable(each, by)) for name, each in events.set_on]
    shifted.exports, shifted.stars, shifted.is_open = events.exports, events.stars, events.is_open
    return shifted


def shift(symbol: Symbol, by: int) -> Symbol:
    """A symbol ``by`` lines further down."""
    if isinstance(symbol, Function):
        return shift_function(symbol, by)
    if isinstance(symbol, Variable):
        return _shift_variable(symbol, by)
    if isinstance(symbol, Class):
        return shift_class(symbol, by)
    return Import(symbol.name, symbol.line + by, symbol.module, symbol.attribute)


def shift_function(function: Function, by: int) -> Function:
    """A function ``by`` lines further down."""
    return Function(
        function.name,
        function.line + by,
        function.parameters,
        function.returns,
        function.result,
        function.decorators,
        function.is_async,
        function.is_generator,
    )


def _shift_variable(variable: Variable, by: int) -> Variable:
    return Variable(variable.name, variable.line + by, variable.annotation, variable.value, variable.on_instance)


def shift_class(class_: Class, by: int) -> Class:
    """A class with its members, ``by`` lines further down."""
    members = {name: shift(member, by) for name, member in class_.members.items()}
    return Class(class_.name, class_.line + by, class_.bases, class_.metaclass, class_.decorators, members)
