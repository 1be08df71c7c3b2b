"""The members of what an expression stands for, in the order of lookup, and whether these are all."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from tinycoder.symbols.imports.forms import absolute
from tinycoder.symbols.modules import LIBRARY, Modules, Source
from tinycoder.symbols.records import EMPTY, Class, Function, Import, Symbol, Variable
from tinycoder.symbols.types.attributes import MODULE_ATTRIBUTES
from tinycoder.symbols.types.classes import Order
from tinycoder.symbols.types.inference import Inference
from tinycoder.symbols.types.lookup import BUILTINS
from tinycoder.symbols.types.traits import CLASS_DECORATORS, ENUMS, is_enum_member, is_property, is_same, last_part
from tinycoder.symbols.types.values import (
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    SuperValue,
    Value,
    Values,
    receiver_class,
    without_none,
)

MAX_STARS = 8  # modules that take their names from one another
_DYNAMIC = frozenset(
    {
        *("argparse.Namespace", "optparse.Values", "types.SimpleNamespace", "types.ModuleType", "threading.local"),
        *("_thread._local", "_threading_local.local", "ctypes.Structure", "ctypes.Union", "_ctypes.Structure"),
    }
)  # classes whose instances are given members that no text names
_FUNCTION_ATTRIBUTES = {
    **dict.fromkeys(("__name__", "__qualname__", "__module__", "__doc__"), "str"),
    "__dict__": "dict[str, object]",
}
_CATCHING = ("__getattr__", "__getattribute__")


@dataclass(frozen=True)
class Member:
    """A member: ``owner`` is the class or module that defines it, ``depth`` how many bases away that is.

    ``symbol`` is None for a submodule. ``kind`` is one of ``KINDS`` of ``tinycoder.complete.candidate``.
    """

    symbol: Symbol | None
    owner: str
    depth: int
    kind: str
    source: Source


@dataclass(frozen=True, kw_only=True)
class Members:
    """Members by name; ``known`` if there can be no others."""

    rows: Mapping[str, Member] = field(default_factory=dict)
    known: bool = False


def members_of(values: Values, inference: Inference) -> Members:
    """The members that any of the values has."""
    rows: dict[str, Member] = {}
    known = True
    for value in without_none(values):
        members = _members(value, inference)
        known = known and members.known
        for name, member in members.rows.items():
            rows.setdefault(name, member)
    return Members(rows=rows, known=known and bool(rows))


def kind_of(symbol: Symbol | None, owner: Class | None = None) -> str:
    """What a symbol is, among ``KINDS``; ``owner`` is the class that it is a member of."""
    match symbol:
        case None:
            return "module"
        case Class():
            return "enum" if _looks_like_enum(symbol) else "class"
        case Function():
            return "property" if is_property(symbol) else "method" if owner else "function"
        case Variable():
            if owner:
                return "enum member" if _looks_like_enum(owner) and is_enum_member(symbol) else "field"
            return "constant" if symbol.name.isupper() else "variable"
        case Import():
            if not symbol.attribute:
                return "module"
            name = symbol.name.lstrip("_")
            if name.isupper() and len(name) > 1:
                return "constant"
            return "class" if name[:1].isupper() else "function"


def _looks_like_enum(symbol: Class) -> bool:
    return any(last_part(base) in ENUMS for base in symbol.bases)


def _members(value: Value, inference: Inference) -> Members:
    match value:
        case ModuleValue():
            return _of_module(value.source, inference.modules)
        case Instance():
            return _of_instance(value, inference)
        case ClassValue():
            return _of_class(value, inference)
        case SuperValue():
            return _of_super(value, inference)
        case FunctionValue():
            return Members(rows=_of_function(inference))
        case _:
            return Members()


def _of_module(source: Source, modules: Modules) -> Members:
    rows = {
        name: Member(symbol, source.name, depth=0, kind=kind_of(symbol), source=source)
        for name, symbol in modules.public(source.name).items()
    }
    for name, annotation in MODULE_ATTRIBUTES.items():
        symbol = Variable(name, 0, annotation)
        rows.setdefault(name, Member(symbol, source.name, depth=1, kind="variable", source=source))
    return Members(rows=rows, known=_is_read(source, modules, MAX_STARS))


def _is_read(source: Source, modules: Modules, depth: int) -> bool:
    """Whether a module's text was read, makes no names when asked for them, and so with all its stars."""
    record = modules.record(source)
    if record is EMPTY or not depth or record.is_open or "__getattr__" in record.symbols:
        return False
    if record.exported is None and "__all__" in record.symbols:
        return False  # it is computed, as are the names, perhaps
    if not record.stars and any(
        name not in record.symbols and modules.resolve(source.name, name) is None for name in record.exported or ()
    ):
        return False
    for star in record.stars:
        module = modules.find(absolute(star, source.package))
        if module is None and source.origin == LIBRARY:
            continue  # of another system
        if module is None or (module.name != source.name and not _is_read(module, modules, depth - 1)):
            return False
    return True


def _of_function(inference: Inference) -> dict[str, Member]:
    kind = inference.classes.class_named("types.FunctionType")
    if kind is None:
        return {}
    rows = _rows(inference.classes.order(kind), inference)
    for name, annotation in _FUNCTION_ATTRIBUTES.items():
        symbol = Variable(name, 0, annotation)
        rows[name] = Member(symbol, owner="function", depth=0, kind="field", source=kind.scope.source)
    return rows


def _of_instance(value: Instance, inference: Inference) -> Members:
    order = inference.classes.order(value.kind)
    rows = _rows(order, inference)
    if inference.classes.is_a(value.kind, "TypedDict"):
        rows = {name: row for name, row in rows.items() if row.kind != "field" or row.source.name == BUILTINS}
    if inference.classes.is_enum(value.kind):
        rows = dict(sorted(rows.items(), key=lambda row: row[1].kind == "enum member"))
    return Members(rows=rows, known=_is_known(order) and value.kind.qualified not in _DYNAMIC)


def _of_class(value: ClassValue, inference: Inference) -> Members:
    order = inference.classes.order(value)
    rows = _of_body(_rows(order, inference))
    if inference.classes.is_enum(value):
        rows = dict(sorted(rows.items(), key=lambda row: row[1].kind != "enum member"))
    metaclass = inference.classes.metaclass(value)
    if metaclass:
        distance = max(base.depth for base in order.bases) + 1
        for name, row in _rows(inference.classes.order(metaclass), inference, distance).items():
            rows.setdefault(name, row)
    return Members(rows=rows, known=_is_known(order))


def _of_super(value: SuperValue, inference: Inference) -> Members:
    order = inference.classes.order(receiver_class(value.receiver))
    symbols = [base.value.symbol for base in order.bases]
    start = next((index + 1 for index, symbol in enumerate(symbols) if is_same(symbol, value.after.symbol)), 0)
    rest = replace(order, bases=order.bases[start:])
    return Members(rows=_of_body(_rows(rest, inference)), known=_is_known(rest))


def _of_body(rows: Mapping[str, Member]) -> dict[str, Member]:
    """The members that a class itself has: not those that methods set on an instance."""
    return {
        name: row for name, row in rows.items() if not (isinstance(row.symbol, Variable) and row.symbol.on_instance)
    }


def _rows(order: Order, inference: Inference, distance: int = 0) -> dict[str, Member]:
    rows: dict[str, Member] = {}
    is_enum = bool(order.bases) and inference.classes.is_enum(order.bases[0].value)
    for base in order.bases:
        symbol = base.value.symbol
        for name, member in symbol.members.items():
            if name in rows or (base.depth and name.startswith("__") and not name.endswith("__")):
                continue
            kind = kind_of(member, symbol)
            if is_enum and kind == "field" and is_enum_member(member) and not base.depth:
                kind = "enum member"
            source = base.value.scope.source
            rows[name] = Member(member, symbol.name, depth=base.depth + distance, kind=kind, source=source)
    return rows


def _is_known(order: Order) -> bool:
    if not (order.complete and order.metaclass_known):
        return False
    if order.bases and "mixin" in order.bases[0].value.symbol.name.lower():
        return False  # uses what the classes have that it is mixed into
    return all(not _is_open(base.value) for base in order.bases)


def _is_open(value: ClassValue) -> bool:
    """Whether instances of a class may have members that its text does not name."""
    if value.qualified in _DYNAMIC:
        return True
    if value.scope.source.path and any(name in value.symbol.members for name in _CATCHING):
        return True  # compiled classes all have a `__getattribute__`
    return any(last_part(decorator) not in CLASS_DECORATORS for decorator in value.symbol.decorators)
