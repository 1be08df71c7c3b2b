"""What an expression can stand for, and the scopes in which names have a meaning.

A type is a tuple of values: several are a union, none says that nothing is known. ``DOUBT`` in a union stands for
further values that are not known.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tinycoder.symbols.modules import LIBRARY, Source
from tinycoder.symbols.records import EMPTY, Class, Enclosing, Function, Module

MAX_UNION = 6
MAX_ITEMS = 8  # of a tuple whose elements are told apart


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """A location in a module: what encloses it, innermost first.

    ``local`` binds names before anything else; ``types`` binds type variables, and ``Self``. ``narrowed`` has classes,
    as they are written, that dotted names are instances of (``narrowing``).
    """

    source: Source
    module: Module
    enclosing: Sequence[Enclosing] = ()
    local: Mapping[str, Values] = field(default_factory=dict)
    types: Mapping[str, Values] = field(default_factory=dict)
    narrowed: Mapping[str, str] = field(default_factory=dict)

    def class_at(self, index: int) -> ClassValue | None:
        """The class that is the enclosing at ``index``, if there is one and it is a class."""
        symbol = self.enclosing[index].symbol if index < len(self.enclosing) else None
        if not isinstance(symbol, Class):
            return None
        return ClassValue(symbol, Scope(self.source, self.module, self.enclosing[index + 1 :]))

    def with_self(self, receiver: Instance | ClassValue) -> Scope:
        """The scope in which ``Self`` is the receiver."""
        mine = receiver if isinstance(receiver, Instance) else Instance(receiver)
        return replace(self, types={**self.types, "Self": (mine,)})


TABLE_SCOPE = Scope(Source(name="", path="", is_package=False, origin=LIBRARY), EMPTY)
"""Where names are full dotted names, or builtins."""


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given; the expressions are evaluated only when their values are asked for."""

    nodes: Sequence[ast.expr]
    keywords: Mapping[str, ast.expr]
    scope: Scope


NO_ARGUMENTS = Arguments((), {}, TABLE_SCOPE)


@dataclass(frozen=True, slots=True, eq=False)
class ModuleValue:
    """A module."""

    source: Source

    @property
    def key(self) -> object:
        """Equal for equal values."""
        return self.source.name


@dataclass(frozen=True, slots=True, eq=False)
class ClassValue:
    """A class itself, with its type arguments where they are known; ``scope`` is where it is defined."""

    symbol: Class
    scope: Scope
    arguments: tuple[Values, ...] = ()

    @property
    def key(self) -> object:
        """Equal for equal values."""
        return "class", id(self.symbol), tuple(_keys(values) for values in self.arguments)

    @property
    def qualified(self) -> str:
        """Module and name, without enclosing classes."""
        return f"{self.scope.source.name}.{self.symbol.name}"


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """An instance of a class. ``items`` are the elements of a tuple that are told apart."""

    kind: ClassValue
    items: tuple[Values, ...] | None = None

    @property
    def key(self) -> object:
        """Equal for equal values."""
        items = None if self.items is None else tuple(_keys(values) for values in self.items)
        return "instance", self.kind.key, items


@dataclass(frozen=True, slots=True, eq=False)
class FunctionValue:
    """A function, or a method of ``owner``; bound if there is a ``receiver``. ``scope`` is where it is defined."""

    symbol: Function
    scope: Scope
    owner: ClassValue | None = None
    receiver: Instance | ClassValue | None = None

    @property
    def key(self) -> object:
        """Equal for equal values."""
        return "function", id(self.symbol), self.receiver and self.receiver.key

    @property
    def qualified(self) -> str:
        """Module, class if it is a method, and name."""
        return f"{self.owner.qualified if self.owner else self.scope.source.name}.{self.symbol.name}"


@dataclass(frozen=True, slots=True, eq=False)
class SuperValue:
    """What ``super()`` gives: the members of ``receiver`` that come after those of ``after``."""

    receiver: Instance | ClassValue
    after: ClassValue

    @property
    def key(self) -> object:
        """Equal for equal values."""
        return "super", self.receiver.key, self.after.key


@dataclass(frozen=True, slots=True)
class Special:
    """``NONE`` or ``DOUBT``."""

    key: str


Value = ModuleValue | ClassValue | Instance | FunctionValue | SuperValue | Special
Values = tuple[Value, ...]

NONE = Special("None")
DOUBT = Special("?")
"""Values that are not known."""


def union(parts: Iterable[Values]) -> Values:
    """All values of all parts, none twice; an empty part leaves a doubt."""
    unique: dict[object, Value] = {}
    doubt = False
    for values in parts:
        doubt = doubt or not values
        for value in values:
            unique.setdefault(value.key, value)
    doubt = unique.pop(DOUBT.key, None) is not None or doubt or len(unique) > MAX_UNION
    kept = tuple(unique.values())[:MAX_UNION]
    return (*kept, DOUBT) if kept and doubt else kept


def without_none(values: Values) -> Values:
    """The values but ``None``, unless that is all that is known."""
    rest = tuple(value for value in values if value is not NONE)
    return rest if any(value is not DOUBT for value in rest) else values


def classes_of(values: Values) -> list[ClassValue]:
    """Those of the values that are classes."""
    return [value for value in values if isinstance(value, ClassValue)]


def receiver_class(value: Instance | ClassValue) -> ClassValue:
    """The class that a receiver's members are looked up in."""
    return value.kind if isinstance(value, Instance) else value


def _keys(values: Values) -> tuple[object, ...]:
    return tuple(value.key for value in values)
