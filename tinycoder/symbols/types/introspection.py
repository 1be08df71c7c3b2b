"""Records of modules and classes without source text, made by looking at them in the Python that runs this."""

import inspect
import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from tinycoder.symbols.records import (
    KEYWORD_ONLY,
    KEYWORDS,
    ORDINARY,
    POSITIONAL_ONLY,
    VARIADIC,
    Class,
    Function,
    Import,
    Module,
    Parameter,
    Symbol,
    Variable,
)
from tinycoder.symbols.types.library_types import read_tables

_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: POSITIONAL_ONLY,
    inspect.Parameter.POSITIONAL_OR_KEYWORD: ORDINARY,
    inspect.Parameter.VAR_POSITIONAL: VARIADIC,
    inspect.Parameter.KEYWORD_ONLY: KEYWORD_ONLY,
    inspect.Parameter.VAR_KEYWORD: KEYWORDS,
}
_FUNCTIONS = (
    types.BuiltinFunctionType,
    types.FunctionType,
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.MethodWrapperType,
)
_LEFT_OUT = frozenset({"__doc__", "__module__", "__name__", "__loader__", "__spec__", "__package__", "__dict__"})
_SIMPLE = (type(None), bool, int, float)
_TABLES = read_tables("builtin_types.ini")
_BASES, _ARGUMENTS, _IMPORTS = (_TABLES.pop(section) for section in ("bases", "arguments", "imports"))
_KNOWN: dict[tuple[Any, ...], list[Parameter]] = {}  # parameters, by all that they depend on
_FIRST_OF_SIGNATURE = re.compile(r"^(?:\w+\.)?\w+\(([^()]*)\)")


def module_record(module: types.ModuleType, name: str) -> Module:
    """What a module of this name holds; ``exported`` are its public names."""
    symbols: dict[str, Symbol] = {}
    for each, value in sorted(vars(module).items()):
        if each not in _LEFT_OUT and each.isidentifier() and each != "_":
            symbols[each] = _symbol(each, value, name)
    exported = tuple(each for each in symbols if not each.startswith("_"))
    if any(f"{owner}.".startswith(f"{name}.") for owner in _TABLES):
        for each, source in _IMPORTS.items():
            symbols.setdefault(each, Import(each, 0, source, each))
    return Module(symbols=symbols, exported=exported)


def class_record(kind: type, module: str) -> Class:
    """A class of a module."""
    qualified = f"{module}.{kind.__name__}"
    returns = _TABLES.get(qualified, {})
    members = {
        each: _member(each, value, qualified, returns.get(each, ""))
        for each, value in vars(kind).items()
        if each not in _LEFT_OUT and each.isidentifier()
    }
    for each, annotation in returns.items():
        if each not in members:
            inherited = inspect.getattr_static(kind, each, None)
            members[each] = _member(each, inherited, qualified, annotation)
    bases = tuple(base.__name__ for base in kind.__bases__ if base is not object or module == "builtins")
    return Class(kind.__name__, 0, (_BASES[qualified],) if qualified in _BASES else bases, members=members)


def _symbol(name: str, value: Any, module: str) -> Symbol:
    if isinstance(value, type):
        if value.__name__ != name and value.__module__ == "builtins":
            return Variable(name, 0, value=value.__name__)  # EnvironmentError = OSError
        if value.__module__.partition(".")[0] in ("builtins", module, "_io", "_collections") or _is_own(value, module):
            return class_record(value, module)
        return Import(name, 0, value.__module__, value.__name__)
    if isinstance(value, types.ModuleType):
        return Import(name, 0, value.__name__)
    known = _TABLES.get(module, {}).get(name, "")
    if isinstance(value, _FUNCTIONS):
        return _function(name, value, f"{module}.{name}", known)
    return Variable(name, 0, annotation=known or _type_name(value))


def _is_own(value: type, module: str) -> bool:
    """Whether a class is defined nowhere else: compiled modules name another module as theirs, as `_csv` does."""
    return value.__module__.lstrip("_") == module.lstrip("_") or value.__module__ not in ("typing", "abc", "enum")


def _member(name: str, value: Any, owner: str, returns: str) -> Symbol:
    if isinstance(value, staticmethod):
        return _function(name, value.__func__, f"{owner}.{name}", returns, ("staticmethod",))
    if isinstance(value, (classmethod, types.ClassMethodDescriptorType)):
        return _function(name, value, f"{owner}.{name}", returns, ("classmethod",))
    if isinstance(value, property):
        return Function(name, 0, (Parameter("self"),), returns, decorators=("property",))
    if isinstance(value, _FUNCTIONS):
        static = isinstance(value, types.BuiltinFunctionType) and name != "__new__"
        decorators = ("staticmethod",) if static else ()
        return _function(name, value, f"{owner}.{name}", returns, decorators)
    if isinstance(value, (types.GetSetDescriptorType, types.MemberDescriptorType)):
        return Variable(name, 0, annotation=returns)
    if isinstance(value, type):
        return Variable(name, 0, value=value.__name__)
    return Variable(name, 0, annotation=returns or _type_name(value))


def _function(name: str, value: Any, qualified: str, returns: str, decorators: tuple[str, ...] = ()) -> Function:
    parameters = tuple(
        replace(one, annotation=annotation) if (annotation := _ARGUMENTS.get(f"{qualified}.{one.name}")) else one
        for one in _parameters(value)
    )
    if decorators == ("classmethod",) and (not parameters or parameters[0].name not in ("cls", "type")):
        parameters = (Parameter("cls", POSITIONAL_ONLY), *parameters)
    return Function(name, 0, parameters, returns, decorators=decorators)


def _parameters(value: Any) -> Iterable[Parameter]:
    text, owner = getattr(value, "__text_signature__", None), getattr(value, "__self__", None)
    if isinstance(value, types.FunctionType) or not isinstance(text, str):
        return list(_inspected(value))
    # Most methods of builtin classes are alike, and to inspect one is slow.
    alike = text, type(value), getattr(value, "__module__", None), owner is None, isinstance(owner, types.ModuleType)
    if alike not in _KNOWN:
        _KNOWN[alike] = list(_inspected(value))
    return _KNOWN[alike]


def _inspected(value: Any) -> Iterator[Parameter]:
    try:
        signature = inspect.signature(value)
    except (ValueError, TypeError):
        yield from _described(value)
        return
    for parameter in signature.parameters.values():
        default = "" if parameter.default is inspect.Parameter.empty else _sketch(parameter.default)
        yield Parameter(parameter.name, _KINDS[parameter.kind], default=default)


def _described(value: Any) -> Iterator[Parameter]:
    """The parameters of a function without a signature, such as ``dict.get``: from its documentation, if it says."""
    if isinstance(value, (types.MethodDescriptorType, types.WrapperDescriptorType)):
        yield Parameter("self", POSITIONAL_ONLY)
    described = _FIRST_OF_SIGNATURE.match(getattr(value, "__doc__", None) or "")
    parts = described[1].translate({ord("["): None, ord("]"): None}).split(",") if described else []
    names = [part.partition("=")[0].strip() for part in parts]
    if names and all(name.isidentifier() for name in names):
        yield from (Parameter(name, POSITIONAL_ONLY) for name in names)
    elif not described or described[1].strip():
        yield Parameter("args", VARIADIC)
        yield Parameter("kwargs", KEYWORDS)


def _sketch(value: Any) -> str:
    if isinstance(value, _SIMPLE):
        return repr(value)
    return "''" if isinstance(value, str) else "..."


def _type_name(value: Any) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" and kind.__name__.isidentifier() else ""
