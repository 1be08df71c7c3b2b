"""What decorators, bases and names say about a record."""

from typing import TypeGuard

from tinycoder.symbols.records import KEYWORD_ONLY, KEYWORDS, VARIADIC, Class, Function, Symbol, Variable

TRANSPARENT = frozenset(
    {
        *("staticmethod", "classmethod", "abstractmethod", "abstractclassmethod", "abstractstaticmethod"),
        *("lru_cache", "cache", "contextmanager", "asynccontextmanager", "overload", "final", "override", "wraps"),
        *("deprecated", "no_type_check", "singledispatch", "singledispatchmethod", "unique", "fixture", "validator"),
        *("field_validator", "model_validator", "setter", "getter", "deleter", "register", "coroutine"),
    }
)

CLASS_DECORATORS = frozenset(
    {
        *("dataclass", "total_ordering", "final", "runtime_checkable", "unique", "deprecated", "dataclass_transform"),
        *("s", "attrs", "attributes", "define", "frozen", "mutable", "attr", "dataclass_json", "verify", "register"),
        *("python_2_unicode_compatible", "disjoint_base", "type_check_only"),
    }
)
ENUM_MODULE = "enum"
ENUMS = frozenset({"Enum", "IntEnum", "StrEnum", "Flag", "IntFlag", "ReprEnum"})
_CLASS_BOUND = frozenset({"classmethod", "abstractclassmethod"})
_IMPLICIT_CLASS = frozenset({"__new__", "__init_subclass__", "__class_getitem__"})


def last_part(decorator: str) -> str:
    """The name at the end of a decorator or a base class, without dots, arguments or what is called."""
    return decorator.partition("(")[0].partition("[")[0].rpartition(".")[2]


def receiver_name(function: Function) -> str:
    """The name of the parameter that a method's receiver is given to; ``""`` if there is none."""
    if "staticmethod" in map(last_part, function.decorators):
        return ""
    first = next(iter(function.parameters), None)
    return "" if first is None or first.kind in (VARIADIC, KEYWORD_ONLY, KEYWORDS) else first.name


def takes_class(function: Function) -> bool:
    """Whether a method's receiver is the class itself."""
    return function.name in _IMPLICIT_CLASS or not _CLASS_BOUND.isdisjoint(map(last_part, function.decorators))


def is_property(symbol: Symbol | None) -> bool:
    """Whether a function is read as an attribute."""
    if not isinstance(symbol, Function):
        return False
    names = [last_part(decorator) for decorator in symbol.decorators]
    return any(name.endswith("property") or name in ("setter", "getter", "deleter", "reify") for name in names)


def is_enum_member(symbol: Symbol) -> TypeGuard[Variable]:
    """Whether a symbol of an ``Enum`` class is one of its members."""
    return isinstance(symbol, Variable) and not symbol.on_instance and not symbol.annotation and symbol.name[:1] != "_"


def named_fields(symbol: Class) -> list[Variable]:
    """The fields of a named tuple or a dataclass that its own body names."""
    return [
        member
        for member in symbol.members.values()
        if isinstance(member, Variable) and not member.on_instance and last_part(member.annotation) != "ClassVar"
    ]


def is_same(one: Class, other: Class) -> bool:
    """Whether two records are of one class of a module, read twice."""
    return one is other or (one.name == other.name and one.line == other.line)
