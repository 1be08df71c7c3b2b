"""The parameters of a call: of functions and methods, and of classes, also where a decorator or a base makes them."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from tinycoder.symbols.records import (
    KEYWORD_ONLY,
    KEYWORDS,
    ORDINARY,
    POSITIONAL_ONLY,
    VARIADIC,
    Class,
    Function,
    Parameter,
    Variable,
)
from tinycoder.symbols.types.classes import Base
from tinycoder.symbols.types.inference import Inference
from tinycoder.symbols.types.lookup import BUILTINS
from tinycoder.symbols.types.traits import last_part, named_fields, receiver_name
from tinycoder.symbols.types.values import ClassValue, FunctionValue, Instance, Value

MAX_DEFAULT = 24  # characters of a default that is shown
_TOLD = re.compile(r"[^\W\d][\w.]*|\[\]|\{\}|\(\)")  # defaults that are sketched as they are

_DATACLASS = frozenset({"dataclass", "attrs", "s", "define", "frozen", "mutable", "attributes", "dataclass_transform"})
_MODELS = frozenset({"BaseModel", "BaseSettings", "SQLModel", "Struct", "GenericModel", "RootModel"})
_FIELD_CALLS = frozenset({"ib", "attrib", "field", "Factory"})
_OBJECT = "builtins.object"
_UNTOLD = {
    "builtins.zip": (Parameter("iterables", VARIADIC), Parameter("strict", KEYWORD_ONLY, default="True")),
    **dict.fromkeys(
        ("builtins.max", "builtins.min"),
        (
            Parameter("iterable", VARIADIC),
            Parameter("key", KEYWORD_ONLY, default="None"),
            Parameter("default", KEYWORD_ONLY, default="..."),
        ),
    ),
    "builtins.int": (Parameter("number", POSITIONAL_ONLY, default="0"), Parameter("base", default="0")),
    "builtins.str": tuple(Parameter(name, default="''") for name in ("object", "encoding", "errors")),
    "builtins.enumerate": (Parameter("iterable"), Parameter("start", default="0")),
}
"""Parameters of builtins that do not tell theirs."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """What a call may be given, without the receiver. ``text`` is for people.

    ``keywords`` are names that may stand before ``=``; there may be others if ``takes_any_keyword``.
    """

    text: str
    parameters: tuple[Parameter, ...]

    @property
    def keywords(self) -> tuple[str, ...]:
        """Parameters that may be given by name."""
        return tuple(one.name for one in self.parameters if one.kind in (ORDINARY, KEYWORD_ONLY))

    @property
    def takes_any_keyword(self) -> bool:
        """Whether there is a ``**kwargs``."""
        return any(one.kind == KEYWORDS for one in self.parameters)


def signature_of(value: Value, inference: Inference) -> Signature | None:
    """The signature of what is called; None where there is none."""
    match value:
        case FunctionValue() if value.owner is None and value.qualified in _UNTOLD:
            return _signature(_UNTOLD[value.qualified])
        case FunctionValue():
            drop = value.receiver is not None
            return _signature(value.symbol.parameters[int(drop) :], value.symbol.returns)
        case ClassValue():
            parameters = _of_class(value, inference)
            return None if parameters is None else _signature(parameters)
        case Instance():
            for method in inference.attributes.attribute((value,), "__call__"):
                if isinstance(method, FunctionValue):
                    return signature_of(method, inference)
    return None


def function_text(symbol: Function, *, drop_first: bool = False) -> str:
    """A function's parameters and return annotation, for people."""
    return _signature(symbol.parameters[int(drop_first) :], symbol.returns).text


def _signature(parameters: Sequence[Parameter], returns: str = "") -> Signature:
    arrow = f" -> {returns}" if returns else ""
    return Signature(text=f"({', '.join(_parts(parameters))}){arrow}", parameters=tuple(parameters))


def _parts(parameters: Sequence[Parameter]) -> Iterable[str]:
    before = POSITIONAL_ONLY
    for index, one in enumerate(parameters):
        if before == POSITIONAL_ONLY and one.kind != POSITIONAL_ONLY and index:
            yield "/"
        if one.kind == KEYWORD_ONLY and before not in (VARIADIC, KEYWORD_ONLY):
            yield "*"
        before = one.kind
        stars = {VARIADIC: "*", KEYWORDS: "**"}.get(one.kind, "")
        yield f"{stars}{one.name}{_default(one.default)}"
    if before == POSITIONAL_ONLY and parameters:
        yield "/"


def _default(sketch: str) -> str:
    """A sketch says of numbers and truth values only what they are: these are not shown."""
    if not sketch:
        return ""
    is_told = len(sketch) <= MAX_DEFAULT and sketch != "True" and _TOLD.fullmatch(sketch)
    return f"={sketch}" if is_told else "='…'" if sketch == "''" else "=…"


def _of_class(value: ClassValue, inference: Inference) -> Sequence[Parameter] | None:
    if value.qualified in _UNTOLD:
        return _UNTOLD[value.qualified]
    bases = inference.classes.order(value).bases
    vague: Sequence[Parameter] = ()
    if inference.classes.is_a(value, "NamedTuple"):
        return _fields(bases, base_is="NamedTuple")
    if inference.classes.is_a(value, "TypedDict"):
        return [replace(one, kind=KEYWORD_ONLY) for one in _fields(bases, base_is="TypedDict")]
    if inference.classes.is_enum(value):
        return [Parameter("value")]
    for index, base in enumerate(bases):
        symbol = base.value.symbol
        if base.value.qualified == _OBJECT:
            return vague
        if symbol.name in _MODELS and base.depth:
            return [replace(one, kind=KEYWORD_ONLY) for one in _fields(bases[:index])]
        for name in ("__init__", "__new__"):
            function = symbol.members.get(name)
            if isinstance(function, Function):
                given = function.parameters[int(bool(receiver_name(function))) :]
                if name == "__init__" or not {VARIADIC, KEYWORDS} <= {one.kind for one in function.parameters}:
                    return given
                vague = vague or given
        if _is_dataclass(symbol):
            return _fields([other for other in bases[index:] if _is_dataclass(other.value.symbol)])
        if any(last_part(text) in _MODELS for text in symbol.bases) and not inference.classes.order(value).complete:
            return [replace(one, kind=KEYWORD_ONLY) for one in _fields(bases[: index + 1])]
    return None


def _is_dataclass(symbol: Class) -> bool:
    return any(last_part(decorator) in _DATACLASS for decorator in symbol.decorators)


def _fields(bases: Sequence[Base], *, base_is: str = "") -> list[Parameter]:
    """The fields of classes as parameters: those of bases first."""
    fields: dict[str, Parameter] = {}
    for base in reversed(bases):
        symbol = base.value.symbol
        if base.value.scope.source.name in (BUILTINS, ""):
            continue
        if base_is == "NamedTuple" and base_is not in map(last_part, symbol.bases):
            continue
        kind = ORDINARY
        for member in named_fields(symbol):
            if last_part(member.annotation) == "KW_ONLY":
                kind = KEYWORD_ONLY
            elif not _is_field(member, base_is):
                continue
            else:
                name = member.name.lstrip("_") if _is_attrs(symbol) else member.name
                default = "..." if "(" in member.value else member.value
                fields[name] = Parameter(name, kind, member.annotation, default)
    return list(fields.values())


def _is_field(member: Variable, base_is: str) -> bool:
    if member.annotation or base_is == "NamedTuple":
        return member.name not in ("model_config", "__slots__")
    return last_part(member.value) in _FIELD_CALLS and "(" in member.value


def _is_attrs(symbol: Class) -> bool:
    return any(
        decorator.startswith(("attr", "define", "frozen", "mutable")) and "dataclass" not in decorator
        for decorator in symbol.decorators
    )
