"""The parts of the engine that can be left out, each by its name: to measure what it is worth."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from tinycoder.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What takes part in an answer; everything, unless told otherwise."""

    model: bool = True  # the transformer
    memory: bool = True  # counts of the workspace and the open files
    learning: bool = True  # the mixture's weights follow what is typed
    infill: bool = True  # the transformer reads what stands behind the cursor
    healing: bool = True  # a half-typed piece constrains the next tokens
    cut: bool = True  # ghost text ends where it stops to be likely
    filters: bool = True  # syntax, brackets, repetitions
    names: bool = True  # ghost text is less likely where it names what does not exist
    cache: bool = True  # a suggestion that is typed through is used again
    drafts: bool = True  # in blocks, several tokens that the memory guesses are checked in one step


def without(names: Iterable[str]) -> Parts:
    """All parts but the named ones. Raises ``ConfigError`` for a name that is no part."""
    known = [field.name for field in dataclasses.fields(Parts)]
    left_out = set(names)
    for name in sorted(left_out - set(known)):
        raise ConfigError(f"{name!r} is no part of the engine; choose among {', '.join(known)}")
    return Parts(**dict.fromkeys(left_out, False))
