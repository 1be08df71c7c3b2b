"""Every module that an import statement could name: of the workspace, the standard library, the environment."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from tinycoder.symbols.records import Module, Symbol

WORKSPACE, LIBRARY, ENVIRONMENT = "workspace", "standard library", "environment"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A module: its dotted name, where its text is (relative for the workspace; ``""`` if it has none), its origin."""

    name: str
    path: str
    is_package: bool
    origin: str

    @property
    def package(self) -> str:
        """What relative imports in the module are relative to."""
        return self.name if self.is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What a name stands for: a symbol of a module, or, without a symbol, the module itself."""

    source: Source
    symbol: Symbol | None


class Modules(Protocol):
    """Answers about modules by their dotted, absolute names."""

    def find(self, name: str) -> Source | None:
        """The module called ``name``; a namespace package counts."""

    def record(self, source: Source) -> Module:
        """What the module defines; read when it is first asked for."""

    def submodules(self, name: str) -> tuple[str, ...]:
        """The last parts of the names of modules directly inside a package."""

    def top_level(self) -> Mapping[str, str]:
        """All modules that have no dot in their names, with their origin."""

    def resolve(self, name: str, attribute: str) -> Definition | None:
        """What ``attribute`` of the module ``name`` is where it is defined: imports and stars are followed."""

    def public(self, name: str) -> Mapping[str, Symbol | None]:
        """The names that a module offers, each with its symbol there; ``None`` for a submodule that nothing names."""
