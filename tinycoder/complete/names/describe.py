"""What a row of the completion list says about its name: kind, signature, where it comes from."""

from dataclasses import dataclass

from tinycoder.complete.candidate import NameOrigin
from tinycoder.complete.names import name as group
from tinycoder.complete.names.name import Name
from tinycoder.complete.names.resolver import Resolver
from tinycoder.symbols.modules import WORKSPACE, Definition
from tinycoder.symbols.records import Class, Function, Import, Symbol
from tinycoder.symbols.types.members import kind_of
from tinycoder.symbols.types.signatures import function_text

_DEFAULT_KINDS = {group.KEYWORD: "keyword", group.SEEN: "field", group.NEW: "text"}


@dataclass(frozen=True, kw_only=True)
class Description:
    """The kind of a name (one of ``candidate.KINDS``), its signature, its origin, and where it is defined: a path,
    relative in the workspace, and a line from 1."""

    kind: str
    signature: str = ""
    origin: NameOrigin | None = None
    path: str = ""
    line: int = 0


def describe(name: Name, resolver: Resolver) -> Description:
    """What there is to say about ``name`` at the cursor of ``resolver``."""
    definition = _definition(name, resolver)
    symbol = definition.symbol if definition else None
    kind = name.kind or (kind_of(symbol) if definition else _DEFAULT_KINDS.get(name.group, "variable"))
    if name.group == group.PARAMETER:
        kind = "parameter"
    return Description(
        kind=kind,
        signature=_signature(symbol, kind),
        origin=_origin(name, definition, resolver),
        path=definition.source.path if definition else "",
        line=symbol.line if symbol else 1 if definition else 0,
    )


def _signature(symbol: Symbol | None, kind: str) -> str:
    """How a function is called; of a class, how it is constructed where its own text says that."""
    if isinstance(symbol, Class):
        init = symbol.members.get("__init__")
        return function_text(init, drop_first=True).partition(" -> ")[0] if isinstance(init, Function) else ""
    if not isinstance(symbol, Function) or kind == "property":
        return ""
    return function_text(symbol, drop_first=kind == "method" and "staticmethod" not in symbol.decorators)


def _definition(name: Name, resolver: Resolver) -> Definition | None:
    """What the name stands for, where it is defined."""
    modules, symbol, source = resolver.modules, name.symbol, name.source
    if name.group in (group.BUILTIN, group.FREE):
        return modules.resolve("builtins", name.text)
    if name.group == group.IMPORTED and source is not None:
        return modules.resolve(name.owner, name.text)
    if isinstance(symbol, Import):
        return modules.resolve(resolver.absolute(symbol.module), symbol.attribute)
    if symbol is not None and source is not None:
        return Definition(source=source, symbol=symbol)
    if name.kind == "module":
        return modules.resolve(f"{name.owner}.{name.text}" if name.owner else name.text, "")
    return None


def _origin(name: Name, definition: Definition | None, resolver: Resolver) -> NameOrigin | None:
    """Where the name comes from, as far as the text and the modules tell."""
    kind = group.BUILTIN if name.group == group.FREE and definition else name.group
    where = _where(name, definition, resolver)
    told = where or kind in (group.KEYWORD, group.BUILTIN, group.PARAMETER, group.MODULE)
    return NameOrigin(kind, where) if told else None


def _where(name: Name, definition: Definition | None, resolver: Resolver) -> str:
    symbol = name.symbol
    match name.group:
        case group.PARAMETER:
            function = resolver.function
            return function.symbol.name if function and function.symbol else ""
        case group.LOCAL | group.ENCLOSING | group.DEFINED if symbol:
            return f"line {symbol.line}"
        case group.IMPORT if isinstance(symbol, Import):
            return f"import {symbol.module}.{symbol.attribute}" if symbol.attribute else f"import {symbol.module}"
        case group.MEMBER | group.INHERITED | group.ARGUMENT:
            return name.owner
        case group.IMPORTED:
            return _location(definition) or name.owner
        case group.MODULE:
            return _location(definition)
        case group.NEEDS_IMPORT if isinstance(symbol, Import):
            return f"from {symbol.module} import {symbol.attribute}" if symbol.attribute else f"import {symbol.module}"
        case group.NEW:
            return "new name"
    return ""


def _location(definition: Definition | None) -> str:
    if definition is None or definition.source.origin != WORKSPACE:
        return definition.source.origin if definition else ""
    line = f":{definition.symbol.line}" if definition.symbol else ""
    return f"{definition.source.path}{line}"
