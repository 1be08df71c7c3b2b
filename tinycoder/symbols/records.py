"""What a Python file defines, as plain records: names, lines, and the expressions that tell a type.

An expression is kept as a *sketch*: a Python expression in a canonical form without the contents of strings, so that
no secret is kept, and without what tells nothing about a type. ``""`` means that nothing is known. ``for x in y`` binds
``x`` to the sketch ``y.__iter__().__next__()``, ``with y as x`` to ``y.__enter__()``, ``except E as x`` to ``E()``,
``a, b = y`` binds ``b`` to ``y[1]``. Lines count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

POSITIONAL_ONLY, ORDINARY, VARIADIC, KEYWORD_ONLY, KEYWORDS = "/", "", "*", "k", "**"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter: ``kind`` is one of the constants above; ``default`` is a sketch, ``""`` where there is none."""

    name: str
    kind: str = ORDINARY
    annotation: str = ""
    default: str = ""


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of a module, a class or a function; ``on_instance`` if a method sets it on ``self``."""

    name: str
    line: int
    annotation: str = ""
    value: str = ""
    on_instance: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method. ``returns`` is the annotation; ``result`` a sketch of what it returns where that is one."""

    name: str
    line: int
    parameters: tuple[Parameter, ...] = ()
    returns: str = ""
    result: str = ""
    decorators: tuple[str, ...] = ()
    is_async: bool = False
    is_generator: bool = False


@dataclass(frozen=True, slots=True)
class Class:
    """A class; ``members`` are those of its body, in order, then what its methods set on ``self``."""

    name: str
    line: int
    bases: tuple[str, ...] = ()
    metaclass: str = ""
    decorators: tuple[str, ...] = ()
    members: Mapping[str, Symbol] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Import:
    """An imported name. ``module`` is as it is written, with its leading dots; ``attribute`` is ``""`` for a module.

    ``import a.b`` binds ``a``: ``Import("a", line, "a")``. ``import a.b as c`` is ``Import("c", line, "a.b")``,
    ``from .a import b as c`` is ``Import("c", line, ".a", "b")``.
    """

    name: str
    line: int
    module: str
    attribute: str = ""


Symbol = Variable | Function | Class | Import


@dataclass(frozen=True, slots=True)
class Enclosing:
    """A function, or a class, that encloses a line; ``bindings`` are its parameters and locals, or its members."""

    symbol: Function | Class | None
    bindings: Mapping[str, Symbol] = field(default_factory=dict)

    @property
    def is_class(self) -> bool:
        """Whether it is a class."""
        return isinstance(self.symbol, Class)


@dataclass(frozen=True, slots=True)
class Module:
    """What a file defines: ``symbols`` at its top level (also under ``if``, ``try`` and ``with``).

    ``exported`` is ``__all__`` where it can be read; ``stars`` are the modules of ``from M import *``; ``imports`` are
    all imported names, in functions too. ``is_open`` says that it may give itself names that its text does not tell,
    as by ``globals()``.
    """

    symbols: Mapping[str, Symbol]
    exported: tuple[str, ...] | None = None
    stars: tuple[str, ...] = ()
    imports: tuple[Import, ...] = ()
    is_open: bool = False


EMPTY = Module(symbols={})
