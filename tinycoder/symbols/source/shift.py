"""Records with other line numbers, for a piece of text that has moved."""

from __future__ import annotations

from tinycoder.symbols.records import Class, Function, Import, Symbol, Variable
from tinycoder.symbols.source.events import Events


def shift_events(events: Events, by: int) -> Events:
    if not by:
        return events
    found = Events()
    found.defined = [(shift(symbol, by), standing) for symbol, standing in events.defined]
    found.attributes = [_shift_variable(each, by) for each in events.attributes]
    found.globals = [_shift_variable(each, by) for each in events.globals]
    found.imports = [Import(each.name, each.line + by, each.module, each.attribute) for each in events.imports]
    found.set_on = [(name, _shift_variable(each, by)) for name, each in events.set_on]
    found.exports, found.stars, found.is_open = events.exports, events.stars, events.is_open
    return found


def shift(symbol: Symbol, by: int) -> Symbol:
    if isinstance(symbol, Function):
        return shift_function(symbol, by)
    if isinstance(symbol, Variable):
        return _shift_variable(symbol, by)
    if isinstance(symbol, Class):
        return shift_class(symbol, by)
    return Import(symbol.name, symbol.line + by, symbol.module, symbol.attribute)


def shift_function(function: Function, by: int) -> Function:
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


def shift_class(found: Class, by: int) -> Class:
    members = {name: shift(member, by) for name, member in found.members.items()}
    return Class(found.name, found.line + by, found.bases, found.metaclass, found.decorators, members)
