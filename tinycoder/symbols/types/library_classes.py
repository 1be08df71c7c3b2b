"""Classes that functions of the standard library make or that their texts leave out."""

from tinycoder.symbols.records import KEYWORDS, VARIADIC, Class, Function, Parameter, Symbol, Variable

COROUTINE = Class(
    "Coroutine",
    0,
    bases=("Generic[Y, S, T]",),
    members={name: Function(name, 0) for name in ("send", "throw", "close")},
)

_SELF = Parameter("self")


def _manager(name: str, enter: str, leave: str, *, is_async: bool) -> Class:
    members: dict[str, Symbol] = {
        enter: Function(enter, 0, (_SELF,), returns="T", is_async=is_async),
        leave: Function(leave, 0, (_SELF, Parameter("args", VARIADIC)), returns="bool", is_async=is_async),
    }
    return Class(name, 0, bases=("Generic[T]",), members=members)


MANAGER = _manager("AbstractContextManager", "__enter__", "__exit__", is_async=False)
ASYNC_MANAGER = _manager("AbstractAsyncContextManager", "__aenter__", "__aexit__", is_async=True)

NAMED_TUPLE_METHODS = Class(
    "NamedTuple",
    0,
    members={
        "_asdict": Function("_asdict", 0, (_SELF,), returns="dict[str, object]"),
        "_replace": Function("_replace", 0, (_SELF, Parameter("kwargs", KEYWORDS)), returns="Self"),
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
