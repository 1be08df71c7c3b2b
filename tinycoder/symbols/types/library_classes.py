"""Classes that functions of the standard library make or that their texts leave out."""

from __future__ import annotations

from tinycoder.symbols.modules import LIBRARY, Source
from tinycoder.symbols.records import EMPTY, KEYWORDS, VARIADIC, Class, Function, Parameter, Variable
from tinycoder.symbols.types.values import Scope

TABLE_SCOPE = Scope(Source(name="", path="", is_package=False, origin=LIBRARY), EMPTY)
"""Where names are full dotted names, or builtins."""

COROUTINE = Class(
    "Coroutine",
    0,
    bases=("Generic[Y, S, T]",),
    members={name: Function(name, 0) for name in ("send", "throw", "close")},
)

MANAGER = Class(
    "AbstractContextManager",
    0,
    bases=("Generic[T]",),
    members={
        "__enter__": Function("__enter__", 0, (Parameter("self"),), returns="T"),
        "__exit__": Function("__exit__", 0, (Parameter("self"), Parameter("args", VARIADIC)), returns="bool"),
    },
)

ASYNC_MANAGER = Class(
    "AbstractAsyncContextManager",
    0,
    bases=("Generic[T]",),
    members={
        "__aenter__": Function("__aenter__", 0, (Parameter("self"),), returns="T", is_async=True),
        "__aexit__": Function(
            "__aexit__", 0, (Parameter("self"), Parameter("args", VARIADIC)), returns="bool", is_async=True
        ),
    },
)

NAMED_TUPLE_METHODS = Class(
    "NamedTuple",
    0,
    members={
        "_asdict": Function("_asdict", 0, (Parameter("self"),), returns="dict[str, object]"),
        "_replace": Function("_replace", 0, (Parameter("self"), Parameter("kwargs", KEYWORDS)), returns="Self"),
        "_make": Function("_make", 0, (Parameter("cls"), Parameter("iterable")), "Self", decorators=("classmethod",)),
        "_fields": Variable("_fields", 0, "tuple[str, ...]"),
        "_field_defaults": Variable("_field_defaults", 0, "dict[str, object]"),
    },
)

NAMED_TUPLE = Class(
    "namedtuple",
    0,
    bases=("builtins.tuple",),
    decorators=("fields",),  # are not known
    members=NAMED_TUPLE_METHODS.members,
)
