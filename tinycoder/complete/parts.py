"""The parts of the engine that can be left out, each by its name, to measure their worth."""

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass

from tinycoder.errors import ConfigError


@dataclass(frozen=True, kw_only=True)
class Parts:
    """The parts that contribute to an answer; all by default."""

    model: bool = True  # the transformer
    memory: bool = True  # counts of the workspace and the open files
    learning: bool = True  # the mixture's weights follow what is typed
    healing: bool = True  # a half-typed piece constrains the next tokens
    cut: bool = True  # ghost text ends where its confidence becomes low
    filters: bool = True  # syntax, brackets, repetitions
    gates: bool = True  # what is never worth a look is held back
    names: bool = True  # names that do not exist lower the confidence of ghost text
    lead: bool = True  # the completion list says how likely the first name of ghost text is
    cache: bool = True  # a suggestion is used again while the user types through it
    drafts: bool = True  # the transformer checks several tokens that the memory drafts in one step


def without(names: Iterable[str]) -> Parts:
    """All parts except the named ones. Raises ``ConfigError`` for an unknown name."""
    known = [field.name for field in dataclasses.fields(Parts)]
    left_out = set(names)
    for name in sorted(left_out - set(known)):
        raise ConfigError(f"{name!r} is no part of the engine; choose among {', '.join(known)}")
    return Parts(**dict.fromkeys(left_out, False))
