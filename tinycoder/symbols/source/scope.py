"""The names of a function's own, as they stand before one of its lines."""

import ast
from collections.abc import Iterator

from tinycoder.symbols.records import KEYWORDS, VARIADIC, Class, Symbol, Variable
from tinycoder.symbols.source.annotation import instance
from tinycoder.symbols.source.bindings import Statement, bindings, flat, functional, imports, target_names
from tinycoder.symbols.source.events import Events
from tinycoder.symbols.source.functions import FunctionNode, declared, read_function, read_parameters
from tinycoder.symbols.source.reader import read_class


def locals_of(node: FunctionNode, before_line: int | None = None) -> dict[str, Symbol]:
    """Parameters and locals of a function, each as it was bound last before a line.

    What is bound on that line or later counts only where nothing is before. A value that mentions its own name has
    what the name stood for before instead.
    """
    table: dict[str, Symbol] = {}
    for parameter in read_parameters(node.args):
        note = declared(parameter)
        value = {VARIADIC: "()", KEYWORDS: "{}"}.get(parameter.kind, parameter.default)
        value = "" if value in ("None", "...") else value
        table[parameter.name] = Variable(parameter.name, node.lineno, note, "" if note else value)
    for type_parameter in getattr(node, "type_params", ()):  # from Python 3.12 on
        table[type_parameter.name] = Variable(type_parameter.name, node.lineno)
    outer: set[str] = set()
    for each in flat(node.body):
        if isinstance(each, (ast.Global, ast.Nonlocal)):
            outer.update(each.names)
            continue
        late = before_line is not None and each.lineno >= before_line
        for symbol in _bound(each, table):
            name = symbol.name
            old = table.get(name)
            if name in outer or (late and old is not None):
                continue
            if isinstance(symbol, Variable) and isinstance(old, Variable):
                if old.annotation and not symbol.annotation:
                    continue  # what is declared stays
                if symbol.value == "None" and old.value and not symbol.annotation:
                    continue
            table[name] = symbol
    return table


def _bound(node: Statement, table: dict[str, Symbol]) -> Iterator[Symbol]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        if function := read_function(node, Events()):
            yield function
    elif isinstance(node, ast.ClassDef):
        yield read_class(node, Events())
    elif isinstance(node, (ast.Import, ast.ImportFrom)):
        yield from imports(node, [])
    else:
        again = {name for name in target_names(node) if name in table}

        def before(name: str) -> str:
            """What a name that is bound anew stood for before; any other stands for itself."""
            return _value(table[name]) if name in again else name

        for target, kind, value in bindings(node, before):
            if type(target) is not ast.Name:
                continue
            old = table.get(target.id)
            if isinstance(node, ast.AugAssign) and old is not None:
                continue
            if isinstance(node, ast.Assign) and type(node.value) is ast.Call and (record := functional(node.value)):
                yield Class(target.id, target.lineno, (record[0],), "", (), record[1])
            else:
                yield Variable(target.id, target.lineno, kind, value)


def _value(symbol: Symbol) -> str:
    return instance(symbol.annotation) or symbol.value if isinstance(symbol, Variable) else ""
