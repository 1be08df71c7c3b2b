"""The names that could be at a cursor, by the kind of its position."""

import builtins
import keyword
import re
from collections.abc import Iterable, Iterator

from tinycoder.complete.names import name as group
from tinycoder.complete.names import position as kinds
from tinycoder.complete.names.cursor import Cursor
from tinycoder.complete.names.name import FAR, Name
from tinycoder.complete.names.resolver import Resolver
from tinycoder.complete.names.statement import MAX_LINES, bound_in, tokens_of
from tinycoder.symbols.records import ORDINARY, POSITIONAL_ONLY, Enclosing, Function, Import, Symbol, Variable
from tinycoder.symbols.types.members import Member

ROWS_ABOVE = MAX_LINES
MAX_ABOVE = 8_000  # characters above the cursor's line that its statement is looked for in

_SOFT = tuple(word for word in keyword.softkwlist if word != "_")
_OPERATORS = ("and", "or", "not", "in", "is", "if", "else", "for", "async", "as", "from")
_VALUES = ("None", "True", "False")
_OPERANDS = ("not", "lambda", "await", "yield", *_VALUES)
_STATEMENTS = tuple(word for word in keyword.kwlist if word not in ("and", "or", "in", "is", "as"))
_BUILTINS = tuple(name for name in dir(builtins) if not name.startswith("_") and not keyword.iskeyword(name))
_OF_MODULES = ("__name__", "__file__", "__doc__", "__spec__", "__path__", "__dict__")
_MADE_BY_MODULES = ("__all__", "__version__", "__author__", "__slots__")


def names_at(cursor: Cursor, resolver: Resolver) -> list[Name]:
    """The names that could stand at the cursor, none twice; the likelier origin of two counts."""
    names: dict[str, Name] = {}
    for name in _possible(cursor, resolver):
        names.setdefault(name.text, name)
    return list(names.values())


def _possible(cursor: Cursor, resolver: Resolver) -> Iterable[Name]:
    position = cursor.position
    match position.kind:
        case kinds.MODULE:
            return _modules(resolver, position.module)
        case kinds.IMPORTED:
            return (each for each in _imported(resolver, position.module) if each.text not in position.given)
        case kinds.ATTRIBUTE:
            return _attributes(cursor, resolver)
        case kinds.BINDING:
            return _bindings(cursor, resolver)
        case kinds.WORD:
            return _words(position.words)
        case kinds.OPERATOR:
            return _words(_OPERATORS)
        case kinds.STATEMENT | kinds.EXPRESSION:
            return _operands(cursor, resolver)
    return ()


def _words(words: Iterable[str]) -> Iterator[Name]:
    return (Name(text=word, group=group.KEYWORD, kind="keyword") for word in words)


def _modules(resolver: Resolver, package: str) -> Iterator[Name]:
    """Modules directly inside ``package``, as it is written; without one those that begin a path."""
    absolute = resolver.absolute(package) if package else ""
    inside = resolver.modules.submodules(absolute) if package else resolver.modules.top_level()
    for text in (*inside, *resolver.forms.modules_in(absolute), *resolver.own_forms.modules_in(absolute)):
        dotted = f"{absolute}.{text}" if absolute else text
        n_imports = resolver.forms.n_imports[dotted]
        yield Name(text=text, group=group.MODULE, kind="module", owner=absolute, n_imports=n_imports)


def _imported(resolver: Resolver, module: str) -> Iterator[Name]:
    """What can be imported from a module: what it defines, its submodules, and what others import from it."""
    absolute = resolver.absolute(module)
    source = resolver.modules.find(absolute)
    for text, symbol in resolver.modules.public(absolute).items():
        n_imports = resolver.forms.n_imports[f"{absolute}.{text}"]
        yield Name(text=text, group=group.IMPORTED, symbol=symbol, source=source, owner=absolute, n_imports=n_imports)
    for text in resolver.modules.submodules(absolute):
        yield Name(text=text, group=group.IMPORTED, kind="module", owner=absolute)
    for text in (*resolver.forms.names_from(absolute), *resolver.own_forms.names_from(absolute)):
        yield Name(text=text, group=group.IMPORTED, owner=absolute)


def _attributes(cursor: Cursor, resolver: Resolver) -> Iterator[Name]:
    receiver = cursor.position.receiver
    members = resolver.members(receiver)
    scopes = cursor.scopes
    uses = _uses_after(cursor, receiver)
    for text, member in members.rows.items():
        yield _member(text, member, member.kind, uses.get(text, FAR))
    if not members.known:
        yield from (Name(text=text, group=group.SEEN, distance=rows) for text, rows in uses.items())
        for (_, text), row in scopes.attributes.items():
            yield Name(text=text, group=group.SEEN, distance=abs(row - scopes.row))


def _member(text: str, member: Member, kind: str, distance: int = FAR) -> Name:
    return Name(
        text=text,
        group=group.INHERITED if member.depth else group.MEMBER,
        distance=distance,
        depth=member.depth,
        symbol=member.symbol,
        source=member.source,
        owner=member.owner,
        kind=kind,
    )


def _uses_after(cursor: Cursor, receiver: str) -> dict[str, int]:
    """What the text has behind the same receiver, and how many lines away the nearest use is."""
    scopes = cursor.scopes
    rows = {name: 0 for other, name in cursor.line.attributes if other == receiver}
    for (other, name), row in scopes.attributes.items():
        if other == receiver:
            rows.setdefault(name, abs(row - scopes.row))
    return rows


def _bindings(cursor: Cursor, resolver: Resolver) -> Iterator[Name]:
    """Names that exist and may be bound again: methods of bases to override, and words of the file."""
    bound_by = cursor.position.bound_by
    if bound_by == "def":
        inner = resolver.enclosing[0] if resolver.enclosing else None
        if inner is not None and inner.is_class:
            yield from _overridable(inner, resolver)
    elif bound_by != "class":
        yield from _used(cursor)


def _overridable(inner: Enclosing, resolver: Resolver) -> Iterator[Name]:
    """Methods of the bases of a class that it does not define yet."""
    for text, member in resolver.members("super()").rows.items():
        if member.depth and isinstance(member.symbol, Function) and text not in inner.bindings:
            yield _member(text, member, "method")


def _used(cursor: Cursor) -> Iterator[Name]:
    """Words of the file's code, which may be bound here too."""
    scopes = cursor.scopes
    for text in cursor.line.words:
        yield Name(text=text, group=group.USED, distance=0)
    for text, row in scopes.uses.items():
        yield Name(text=text, group=group.USED, distance=abs(row - scopes.row))


def _operands(cursor: Cursor, resolver: Resolver) -> Iterator[Name]:
    position = cursor.position
    if position.call is not None:
        yield from _arguments(cursor, resolver)
    scopes, uses = cursor.scopes, cursor.scopes.uses
    rows = {**uses, **dict.fromkeys(cursor.line.words, scopes.row)}
    distances = {text: abs(row - scopes.row) for text, row in rows.items()}
    parameters = resolver.parameters()
    echoes = {_parameter(cursor, resolver): "parameter", position.target: "target"}
    bound: set[str] = set()
    for text, symbol, depth in resolver.visible():
        if text in bound:
            continue
        bound.add(text)
        yield Name(
            text=text,
            group=_group_of(text, symbol, depth, parameters),
            distance=distances.get(text, FAR),
            symbol=symbol,
            source=resolver.source,
            echo=echoes.get(text, ""),
        )
    for text in bound_in(tokens_of(position.before)):
        if text not in bound:
            bound.add(text)
            yield Name(text=text, group=group.LOCAL, distance=0, symbol=Variable(text, scopes.row + 1))
    for text, row in uses.items():
        if text in scopes.free and text not in bound:
            yield Name(text=text, group=group.FREE, distance=abs(row - scopes.row))
    for text in (*_BUILTINS, *_OF_MODULES):
        yield Name(text=text, group=group.BUILTIN, distance=distances.get(text, FAR))
    if position.kind == kinds.STATEMENT:
        yield from _words(_STATEMENTS)
        yield from _words(_SOFT)
        yield from (Name(text=text, group=group.BUILTIN) for text in _MADE_BY_MODULES)
    else:
        yield from _words(_OPERANDS)
        if position.statement in ("for", "async"):
            yield from _words(("in",))
        if re.search(r"\byield\s+\Z", position.before):
            yield from _words(("from",))
    if position.may_bind:
        yield from _used(cursor)


def _parameter(cursor: Cursor, resolver: Resolver) -> str:
    """The name of the parameter that the argument at the cursor is for, if it is given by position."""
    call = cursor.position.call
    signature = resolver.signature(call.callee) if call and not call.given else None
    parameters = signature.parameters[call.n_before :] if signature and call else ()
    return parameters[0].name if parameters else ""


def _group_of(text: str, symbol: Symbol | None, depth: int, parameters: frozenset[str]) -> str:
    if depth == 0:
        return group.PARAMETER if text in parameters else group.LOCAL
    if depth > 0:
        return group.ENCLOSING
    return group.IMPORT if isinstance(symbol, Import) else group.DEFINED


def _arguments(cursor: Cursor, resolver: Resolver) -> Iterator[Name]:
    """Keyword arguments of the called function that are not given yet."""
    call = cursor.position.call
    signature = resolver.signature(call.callee) if call else None
    if signature is None or call is None:
        return
    n_filled = max(call.n_before - len(call.given), 0)
    by_place = [one.name for one in signature.parameters if one.kind in (POSITIONAL_ONLY, ORDINARY)]
    filled = {*by_place[:n_filled], *call.given}
    for number, text in enumerate(signature.keywords):
        if text not in filled:
            yield Name(text=f"{text}=", group=group.ARGUMENT, distance=number, owner=call.callee, kind="parameter")
