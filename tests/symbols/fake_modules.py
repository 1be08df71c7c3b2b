"""A small world of modules that are given as texts, with the real standard library beneath them."""

from __future__ import annotations

import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from tinycoder.symbols.imports.forms import absolute
from tinycoder.symbols.library import Library
from tinycoder.symbols.modules import WORKSPACE, Definition, Source
from tinycoder.symbols.records import EMPTY, Class, Enclosing, Import, Module, Symbol
from tinycoder.symbols.source.reader import read_source
from tinycoder.symbols.types.query import Types
from tinycoder.symbols.types.values import (
    ClassValue,
    FunctionValue,
    Instance,
    ModuleValue,
    Scope,
    Special,
    SuperValue,
    Value,
    Values,
)


@lru_cache
def library() -> Library:
    return Library(Path(sysconfig.get_path("stdlib")))


class FakeModules:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self.records = {name: read_source(text) or EMPTY for name, text in texts.items()}
        self.packages = {name.rpartition(".")[0] for name in texts}

    def find(self, name: str) -> Source | None:
        if name in self.records:
            return Source(name=name, path=f"{name}.py", is_package=name in self.packages, origin=WORKSPACE)
        return library().find(name)

    def record(self, source: Source) -> Module:
        return self.records[source.name] if source.name in self.records else library().record(source)

    def submodules(self, name: str) -> tuple[str, ...]:
        own = [other[len(name) + 1 :] for other in self.records if other.startswith(f"{name}.")]
        return tuple(own) or library().submodules(name)

    def top_level(self) -> Mapping[str, str]:
        return dict.fromkeys((name for name in self.records if "." not in name), WORKSPACE)

    def resolve(self, name: str, attribute: str) -> Definition | None:
        return self._resolve(name, attribute, set())

    def _resolve(self, name: str, attribute: str, seen: set[tuple[str, str]]) -> Definition | None:
        source = self.find(name)
        if source is None or (name, attribute) in seen:
            return None
        seen.add((name, attribute))
        record = self.record(source)
        symbol = record.symbols.get(attribute)
        if isinstance(symbol, Import):
            module = absolute(symbol.module, source.package)
            if not symbol.attribute:
                found = self.find(module)
                return Definition(source=found, symbol=None) if found else None
            return self._resolve(module, symbol.attribute, seen)
        if symbol:
            return Definition(source=source, symbol=symbol)
        for star in record.stars:
            if definition := self._resolve(absolute(star, source.package), attribute, seen):
                return definition
        found = self.find(f"{name}.{attribute}")
        return Definition(source=found, symbol=None) if found else None

    def public(self, name: str) -> Mapping[str, Symbol | None]:
        source = self.find(name)
        record = self.record(source) if source else EMPTY
        rows: dict[str, Symbol | None] = dict(record.symbols)
        for star in record.stars:
            if source and (other := absolute(star, source.package)) != name:
                rows = {**self.public(other), **rows}
        return {**dict.fromkeys(self.submodules(name)), **rows}


@dataclass
class Place:
    """A place in a module of texts, and questions about it."""

    types: Types
    scope: Scope

    def infer(self, expression: str) -> str:
        return shown(self.types.infer(expression, self.scope))

    def names(self, expression: str) -> list[str]:
        return list(self.types.members(self.types.infer(expression, self.scope)).rows)

    def known(self, expression: str) -> bool:
        return self.types.members(self.types.infer(expression, self.scope)).known

    def signature(self, expression: str) -> str:
        values = self.types.infer(expression, self.scope)
        found = self.types.signature(values[0]) if values else None
        return found.text if found else ""


def shown(values: Values) -> str:
    """``int | str``; with ``?`` at the end if it may be something else."""
    return " | ".join(map(_shown, values))


def _shown(value: Value) -> str:
    match value:
        case ModuleValue():
            return f"module {value.source.name}"
        case ClassValue():
            return f"type[{_shown(Instance(value))}]"
        case Instance():
            given = value.kind.arguments if value.items is None else value.items
            arguments = ", ".join(shown(values) or "?" for values in given)
            return f"{value.kind.symbol.name}[{arguments}]" if arguments else value.kind.symbol.name
        case FunctionValue():
            return f"function {value.symbol.name}"
        case SuperValue():
            return f"super of {value.after.symbol.name}"
        case Special():
            return value.key


def at(text: str, within: str = "", *, module: str = "main", **others: str) -> Place:
    """The place at the end of ``text``, or in a class or function of it: ``Door.open``."""
    texts = {module: text, **{name.replace("__", "."): other for name, other in others.items()}}
    modules = FakeModules(texts)
    record = modules.records[module]
    symbols: Mapping[str, Symbol] = record.symbols
    frames: list[Enclosing] = []
    for part in within.split(".") if within else ():
        symbol = symbols[part]
        frames.insert(0, Enclosing(symbol))
        symbols = symbol.members if isinstance(symbol, Class) else {}
    source = modules.find(module)
    assert source is not None
    return Place(Types(modules), Scope(source, record, tuple(frames)))


__all__ = ["Place", "at", "shown"]
