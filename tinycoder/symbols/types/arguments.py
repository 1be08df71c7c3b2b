"""What a call is given, and which parameters that is for."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tinycoder.symbols.records import KEYWORD_ONLY, KEYWORDS, VARIADIC, Function, Parameter
from tinycoder.symbols.types.library_classes import TABLE_SCOPE
from tinycoder.symbols.types.values import Scope


@dataclass(frozen=True, slots=True)
class Arguments:
    """What a call is given, unread until it is asked for."""

    nodes: Sequence[ast.expr]
    keywords: Mapping[str, ast.expr]
    scope: Scope


NO_ARGUMENTS = Arguments((), {}, TABLE_SCOPE)


def pairs(symbol: Function, arguments: Arguments, skip: int) -> list[tuple[Parameter, ast.expr]]:
    """Parameters and what they are given."""
    given: list[tuple[Parameter, ast.expr]] = []
    positional = [one for one in symbol.parameters if one.kind not in (VARIADIC, KEYWORDS, KEYWORD_ONLY)][skip:]
    for parameter, node in zip(positional, arguments.nodes, strict=False):
        if isinstance(node, ast.Starred):
            break
        given.append((parameter, node))
    variadic = next((one for one in symbol.parameters if one.kind == VARIADIC), None)
    if variadic:
        given += [(variadic, node) for node in arguments.nodes[len(positional) :] if not isinstance(node, ast.Starred)]
    named = {parameter.name: parameter for parameter in symbol.parameters}
    given += [(named[name], node) for name, node in arguments.keywords.items() if name in named]
    return given
