"""Classes: their bases in the order of lookup, their members, their type parameters."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tinycoder.symbols.modules import LIBRARY
from tinycoder.symbols.records import Enclosing, Symbol
from tinycoder.symbols.types import library_types
from tinycoder.symbols.types.library_classes import NAMED_TUPLE_METHODS
from tinycoder.symbols.types.lookup import BUILTINS, Binding, parse
from tinycoder.symbols.types.traits import ENUM_MODULE, ENUMS, is_same, last_part
from tinycoder.symbols.types.values import TABLE_SCOPE, ClassValue, Instance, Scope, Values, classes_of, union

if TYPE_CHECKING:
    from tinycoder.symbols.types.inference import Inference

MAX_BASES = 60
_MAKING = frozenset({"__new__", "__init__", "__prepare__", "__getattr__", "__getattribute__", "__call__"})


@dataclass(frozen=True, slots=True)
class Base:
    """A class in the order of lookup, and how many steps of inheritance it is away."""

    value: ClassValue
    depth: int


@dataclass(frozen=True, slots=True)
class Order:
    """A class and its bases in the order of lookup; ``complete`` if all bases were found."""

    bases: tuple[Base, ...]
    complete: bool
    metaclass: ClassValue | None  # None for ``type``
    metaclass_known: bool


class Classes:
    """Knows the classes of one question."""

    def __init__(self, inference: Inference) -> None:
        self._inference = inference
        self._orders: dict[object, tuple[ClassValue, Order]] = {}

    def instance(self, name: str, *arguments: Values) -> Values:
        """An instance of a builtin class."""
        return self.library_instance(f"{BUILTINS}.{name}", *arguments)

    def tuple_of(self, items: Sequence[Values]) -> Values:
        """A tuple whose elements are told apart."""
        kind = self.class_named("builtins.tuple")
        if kind is None:
            return ()
        return (Instance(replace(kind, arguments=(union(items),) if items else ()), tuple(items)),)

    def class_named(self, name: str) -> ClassValue | None:
        """A class by its full dotted name."""
        found = self._inference.lookup.dotted(name)
        values = self._inference.value_of(found) if isinstance(found, Binding) else ()
        return next(iter(classes_of(values)), None)

    def library_instance(self, name: str, *arguments: Values) -> Values:
        """An instance of a class by its full dotted name."""
        kind = self.class_named(name)
        return (Instance(replace(kind, arguments=arguments) if any(arguments) else kind),) if kind else ()

    def type_parameters(self, value: ClassValue) -> tuple[str, ...]:
        """The names of a class's type variables."""
        known = library_types.parameters(value.qualified)
        if known is not None:
            return known
        variables: dict[str, None] = {}
        for text in value.symbol.bases:
            node = parse(text) if "[" in text else None
            if not isinstance(node, ast.Subscript):
                continue
            names = [part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)]
            if last_part(text) in ("Generic", "Protocol"):
                return tuple(names)
            variables.update(
                dict.fromkeys(name for name in names if self._inference.annotations.is_type_variable(name, value.scope))
            )
        return tuple(variables)

    def inside(self, value: ClassValue) -> Scope:
        """The scope of a class's body."""
        parameters = self.type_parameters(value)
        types = value.scope.types
        if parameters:
            given = dict(zip(parameters, (*value.arguments, *[()] * len(parameters)), strict=False))
            types = {**types, **given}
        return replace(value.scope, enclosing=(Enclosing(value.symbol), *value.scope.enclosing), types=types, local={})

    def member(
        self, value: ClassValue, name: str, *, after: ClassValue | None = None
    ) -> tuple[ClassValue, Symbol] | None:
        """The first class that defines ``name``, and what it is there; only classes ``after`` one if that is given."""
        passed = after is None
        for base in self.order(value).bases:
            if passed:
                if (symbol := base.value.symbol.members.get(name)) is not None:
                    return base.value, symbol
            elif after and is_same(base.value.symbol, after.symbol):
                passed = True
        return None

    def order(self, value: ClassValue) -> Order:
        """A class and all its bases: depth first, a class before its own bases, ``object`` last."""
        kept = self._orders.get(value.key)
        if kept is None:
            order = self._inference.work.step(lambda: self._order(value), None)
            if order is None:
                return Order((Base(value, 0),), False, None, False)
            kept = self._orders[value.key] = (value, order)
        return kept[1]

    def _order(self, value: ClassValue) -> Order:
        collected: list[Base] = []
        complete = self._collect(value, 0, collected, set())
        last: dict[int, Base] = {}  # of each class, in order
        for base in collected:
            before = last.pop(id(base.value.symbol), base)
            last[id(base.value.symbol)] = Base(base.value, min(base.depth, before.depth))
        bases = list(last.values())
        top = self.class_named("builtins.object")
        if top and all(base.value.symbol is not top.symbol for base in bases):
            bases.append(Base(top, max(base.depth for base in bases) + 1))
        bases.sort(key=lambda base: top is not None and base.value.symbol is top.symbol)
        metaclass, known = self._metaclass(bases)
        return Order(tuple(bases), complete, metaclass, known)

    def _collect(self, value: ClassValue, depth: int, collected: list[Base], active: set[int]) -> bool:
        if id(value.symbol) in active or len(collected) >= MAX_BASES or depth > MAX_BASES // 3:
            return False
        collected.append(Base(value, depth))
        active.add(id(value.symbol))
        complete = True
        for text in value.symbol.bases:
            bases, known = self._bases(text, value)
            complete = complete and known
            for base in bases:
                complete = self._collect(base, depth + 1, collected, active) and complete
        active.discard(id(value.symbol))
        return complete

    def _bases(self, text: str, value: ClassValue) -> tuple[list[ClassValue], bool]:
        """The classes that a base names, and whether these are all."""
        node = parse(text)
        if node is None:
            return [], False
        target = node.value if isinstance(node, ast.Subscript) else node
        scope = value.scope
        if value.arguments or self.type_parameters(value):
            inside = self.inside(value)
            scope = replace(inside, enclosing=value.scope.enclosing)
        found = self._inference.annotations.resolve(target, scope)
        form = found.form if isinstance(found, Binding) else ""
        if found is None and text in ("NamedTuple", "TypedDict"):
            form = text
        elif found is None and text in ENUMS:
            node = parse(f"{ENUM_MODULE}.{text}")
            scope = TABLE_SCOPE
        if node is None:
            return [], False
        if form in ("Generic", "Protocol"):
            return [], True
        if form in ("NamedTuple", "TypedDict"):
            kind = self.class_named("builtins.tuple" if form == "NamedTuple" else "builtins.dict")
            extra = [ClassValue(NAMED_TUPLE_METHODS, TABLE_SCOPE)] if form == "NamedTuple" else []
            return [*extra, *([kind] if kind else [])], kind is not None
        values = self._inference.evaluate(node, scope)
        if form and not values:
            instances = self._inference.annotations.annotate(node, scope)
            values = tuple(one.kind for one in instances if isinstance(one, Instance))
        kinds = classes_of(values)
        if not kinds and isinstance(node, ast.Call):  # with_metaclass(Meta, Base)
            return [one for part in node.args for one in classes_of(self._inference.evaluate(part, scope))], False
        return kinds, bool(kinds) and len(kinds) == len(values)

    def metaclass(self, value: ClassValue) -> ClassValue | None:
        """The class of a class."""
        return self.order(value).metaclass or self.class_named("builtins.type")

    def _metaclass(self, bases: Sequence[Base]) -> tuple[ClassValue | None, bool]:
        for base in bases:
            if base.value.symbol.metaclass:
                kinds = classes_of(self._inference.text(base.value.symbol.metaclass, base.value.scope))
                return (kinds[0], self._is_plain(kinds[0])) if kinds else (None, False)
        return None, True

    def _is_plain(self, metaclass: ClassValue) -> bool:
        """Whether a metaclass makes no members of its own in the classes that it makes."""
        order = self.order(metaclass)
        return order.complete and all(
            base.value.scope.source.origin == LIBRARY or _MAKING.isdisjoint(base.value.symbol.members)
            for base in order.bases
        )

    def is_a(self, value: ClassValue, name: str) -> bool:
        """Whether a class or one of its bases is written with a base of this name."""
        return any(last_part(text) == name for base in self.order(value).bases for text in base.value.symbol.bases)

    def is_enum(self, value: ClassValue) -> bool:
        """Whether the variables of a class are its instances."""
        if value.scope.source.name == ENUM_MODULE:
            return False
        return any(last_part(text) in ENUMS for text in value.symbol.bases) or any(
            base.value.scope.source.name == ENUM_MODULE and base.value.symbol.name in ENUMS
            for base in self.order(value).bases
        )
