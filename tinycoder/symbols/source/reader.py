"""What Python source defines: one pass over the statements of its tree, at little more than the tree's own cost."""

import ast
import sys
import threading
import warnings
from collections.abc import Callable, Iterable
from typing import Any

from tinycoder.symbols.records import Class, Module, Variable
from tinycoder.symbols.source.annotation import annotation
from tinycoder.symbols.source.bindings import LOOPS, SIMPLE, TRIES, WITHS, bindings, functional, imports
from tinycoder.symbols.source.events import ALTERNATE, CONDITIONAL, PLAIN, Events, fold, module
from tinycoder.symbols.source.exports import gives_names, is_namespace, read_exports, read_expression, strings
from tinycoder.symbols.source.functions import FunctionNode, read_function
from tinycoder.symbols.source.sketch import decorator, sketch

LARGEST = 5_000_000  # characters or bytes: a longer file is data
REFUSALS = (SyntaxError, ValueError, MemoryError, RecursionError, OverflowError, SystemError)  # of Python's parser

_warnings_lock = threading.Lock()  # a filter of warnings holds for all threads
_intern = sys.intern


def parse(text: str | bytes) -> list[ast.stmt]:
    """Parse a text into statements. Raises one of ``REFUSALS``."""
    with _warnings_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # such as for an unknown escape in a string
        return ast.parse(text).body


def read_source(text: str | bytes) -> Module | None:
    """What a file defines; None if it does not parse or is too long. Bytes are decoded as Python does. Never raises."""
    if len(text) > LARGEST:
        return None
    try:
        statements = parse(text)
        events = Events()
        read_statements(statements, events)
    except REFUSALS:
        return None
    return module(events)


def read_statements(body: Iterable[ast.stmt], events: Events, *, in_class: bool = False, standing: int = PLAIN) -> None:
    """Add what the statements of a module or a class do to ``events``."""
    for node in body:
        kind = type(node)
        if kind not in SIMPLE:
            _READERS.get(kind, _read_variables)(node, events, in_class, standing)


def _read_definition(node: FunctionNode, events: Events, in_class: bool, standing: int) -> None:
    if function := read_function(node, events, in_class=in_class):
        events.defined.append((function, standing))


def _read_class(node: ast.ClassDef, events: Events, in_class: bool, standing: int) -> None:
    events.defined.append((read_class(node, events), standing))


def _read_import(node: ast.Import | ast.ImportFrom, events: Events, in_class: bool, standing: int) -> None:
    for imported in imports(node, events.stars):
        events.imports.append(imported)
        events.defined.append((imported, standing))


def _read_if(node: ast.If, events: Events, in_class: bool, standing: int) -> None:
    read_statements(node.body, events, in_class=in_class, standing=standing or CONDITIONAL)
    other = node.orelse
    while len(other) == 1 and isinstance(other[0], ast.If):  # thousands of ``elif`` are no depth
        read_statements(other[0].body, events, in_class=in_class, standing=ALTERNATE)
        other = other[0].orelse
    read_statements(other, events, in_class=in_class, standing=ALTERNATE)


def _read_try(node: ast.Try, events: Events, in_class: bool, standing: int) -> None:
    inner = standing or CONDITIONAL
    read_statements(node.body, events, in_class=in_class, standing=inner)
    read_statements(node.orelse, events, in_class=in_class, standing=inner)
    for handler in node.handlers:
        read_statements(handler.body, events, in_class=in_class, standing=ALTERNATE)
    read_statements(node.finalbody, events, in_class=in_class, standing=inner)


def _read_loop(node: ast.For | ast.AsyncFor | ast.While, events: Events, in_class: bool, standing: int) -> None:
    _read_variables(node, events, in_class, standing)
    read_statements(node.body, events, in_class=in_class, standing=standing or CONDITIONAL)
    read_statements(node.orelse, events, in_class=in_class, standing=ALTERNATE)


def _read_with(node: ast.With | ast.AsyncWith, events: Events, in_class: bool, standing: int) -> None:
    _read_variables(node, events, in_class, standing)
    read_statements(node.body, events, in_class=in_class, standing=standing)


def _read_match(node: ast.Match, events: Events, in_class: bool, standing: int) -> None:
    _read_variables(node, events, in_class, standing)
    for number, case in enumerate(node.cases):
        read_statements(case.body, events, in_class=in_class, standing=ALTERNATE if number else standing or CONDITIONAL)


def _read_variables(node: ast.stmt, events: Events, in_class: bool, standing: int) -> None:
    line = node.lineno
    if isinstance(node, (ast.Assign, ast.AnnAssign)) and type(node.value) is ast.Call and gives_names(node.value):
        events.is_open = True
    for target, kind, value in bindings(node):
        if type(target) is not ast.Name:
            if type(target) is ast.Attribute and is_namespace(target.value):
                events.is_open = True
            elif type(target) is ast.Attribute and type(target.value) is ast.Name:
                events.set_on.append((target.value.id, Variable(_intern(target.attr), line, kind, value)))
            elif type(target) is ast.Subscript and (is_namespace(target) or is_namespace(target.value)):
                events.is_open = True
            continue
        name = target.id
        if name == "__all__":
            read_exports(node, events)
        elif name == "__slots__" and in_class and isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value:
            slots = strings(node.value)
            if slots is None and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                slots = (node.value.value,)
            for slot in slots or ():
                events.defined.append((Variable(_intern(slot), line, "", "", True), CONDITIONAL))
        elif isinstance(node, ast.Assign) and type(node.value) is ast.Call and (record := functional(node.value)):
            base, members = record
            events.defined.append((Class(name, line, (base,), "", (), members), standing))
            continue
        events.defined.append((Variable(name, line, kind, value), standing))


_READERS: dict[type[ast.stmt], Callable[[Any, Events, bool, int], None]] = {
    ast.Expr: lambda node, events, in_class, standing: read_expression(node, events),
    ast.FunctionDef: _read_definition,
    ast.AsyncFunctionDef: _read_definition,
    ast.ClassDef: _read_class,
    ast.Import: _read_import,
    ast.ImportFrom: _read_import,
    ast.If: _read_if,
    **dict.fromkeys(TRIES, _read_try),
    **dict.fromkeys(LOOPS, _read_loop),
    **dict.fromkeys(WITHS, _read_with),
    ast.Match: _read_match,
}


def read_class(node: ast.ClassDef, outer: Events) -> Class:
    """A class; what it imports goes to ``outer``."""
    events = Events(outer)
    bases, metaclass = read_bases(node, events)
    read_statements(node.body, events, in_class=True)
    return class_record(node, bases, metaclass, events)


def class_record(node: ast.ClassDef, bases: tuple[str, ...], metaclass: str, events: Events) -> Class:
    """The record of a class whose body gave ``events``."""
    decorators = tuple(_intern(decorator(each)) for each in node.decorator_list)
    return Class(node.name, node.lineno, bases, metaclass, decorators, fold(events.defined, events.attributes))


def read_bases(node: ast.ClassDef, events: Events) -> tuple[tuple[str, ...], str]:
    """The bases and the metaclass; fields of a base that is a call go to ``events``."""
    bases: list[str] = []
    metaclass = ""
    for base in node.bases:
        if type(base) is ast.Call:
            if record := functional(base):
                bases.append(record[0])
                events.defined += [(member, PLAIN) for member in record[1].values()]
                continue
            if sketch(base.func).rpartition(".")[2] == "with_metaclass" and base.args:  # of six and its like
                metaclass = _intern(sketch(base.args[0]))
                bases += [_intern(annotation(each)) for each in base.args[1:]]
                continue
        text = annotation(base)
        if text:
            bases.append(_intern(text))
        elif type(base) is not ast.Starred:
            bases.append("...")
    for keyword in node.keywords:
        if keyword.arg == "metaclass":
            metaclass = _intern(sketch(keyword.value)) or "..."
    return tuple(bases), metaclass
