"""What statements do to the names of a module or a class, as events in order; folded into tables of names.

A file that is read statement by statement can so be put together from pieces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import chain, repeat
from operator import attrgetter
from typing import Any, TypeVar

from tinycoder.symbols.records import Class, Function, Import, Module, Symbol, Variable

PLAIN, CONDITIONAL, ALTERNATE = 0, 1, 2  # a statement in no block, in one, in an alternative

_NO_VALUES = ("", "None")
_AFTER_LINE: dict[type, Any] = {
    kind: attrgetter(*kind.__match_args__[2:]) for kind in (Variable, Function, Class, Import)
}  # the fields of a symbol but its name and line

_Symbol = TypeVar("_Symbol", bound=Symbol)


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

    def moved(self, by: int) -> Events:
        """The same ``by`` lines further down."""
        if not by:
            return self
        events = Events()
        events.defined = [(moved(symbol, by), standing) for symbol, standing in self.defined]
        events.attributes = [moved(each, by) for each in self.attributes]
        events.globals = [moved(each, by) for each in self.globals]
        events.imports = [moved(each, by) for each in self.imports]
        events.set_on = [(name, moved(each, by)) for name, each in self.set_on]
        events.exports, events.stars, events.is_open = self.exports, self.stars, self.is_open
        return events


def moved(symbol: _Symbol, by: int) -> _Symbol:
    """A symbol, of a class also its members, ``by`` lines further down."""
    kind: Callable[..., _Symbol] = type(symbol)
    if isinstance(symbol, Class):
        members = {name: moved(member, by) for name, member in symbol.members.items()}
        return kind(symbol.name, symbol.line + by, symbol.bases, symbol.metaclass, symbol.decorators, members)
    return kind(symbol.name, symbol.line + by, *_AFTER_LINE[type(symbol)](symbol))


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
    for symbol, standing in chain(defined, zip(later, repeat(ALTERNATE))):
        old = table.setdefault(symbol.name, symbol)
        if old is not symbol:
            table[symbol.name] = _newer(old, symbol, standing)
    return table


def _newer(old: Symbol, new: Symbol, standing: int) -> Symbol:
    """What a name is that is given a second meaning."""
    if isinstance(new, Variable):
        if not isinstance(old, Variable) or old.annotation:
            return old
        on_instance = old.on_instance and new.on_instance
        if new.annotation:
            return Variable(new.name, new.line, new.annotation, new.value, on_instance)
        if old.value in _NO_VALUES and new.value not in _NO_VALUES:
            return Variable(old.name, old.line, "", new.value, on_instance)
        return old
    if isinstance(old, Variable):
        known = old.annotation or old.value not in _NO_VALUES
        return old if standing == ALTERNATE and known else new
    if isinstance(old, Function) and is_overload(old):
        if not isinstance(new, Function):
            return old
        if is_overload(new):
            return old
        if new.returns or not old.returns:
            return new
        return replace(new, returns=old.returns, result="")
    if standing == ALTERNATE or (standing == CONDITIONAL and (isinstance(new, Import) or isinstance(old, Import))):
        return old  # such as a faster version from another module
    return new


def is_overload(function: Function) -> bool:
    """Whether the function only tells of one of several signatures."""
    return any(name == "overload" or name.endswith(".overload") for name in function.decorators)
