"""What a person may set in the editor, under the section ``tinycoder``. Knows no pygls and sends nothing.

Every setting is a field with a default and a description, so that the page of settings is generated from
here. A mistake never stops the server: the value falls back to its default, and a sentence says which key was
meant.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

SECTION = "tinycoder"

_T = TypeVar("_T")


def _setting(
    default: _T,
    meaning: str,
    *,
    least: float | None = None,
    most: float | None = None,
    choices: tuple[str, ...] = (),
) -> _T:
    """A field with its description and the values it accepts."""
    metadata = {"meaning": meaning, "least": least, "most": most, "choices": choices}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class InlineSettings:
    """Ghost text."""

    enable: bool = _setting(True, "Offer the rest of the line as ghost text.")
    max_tokens: int = _setting(64, "The longest suggestion, in tokens.", least=1)
    alternatives: int = _setting(3, "Suggestions to offer when ghost text is asked for by hand.", least=1)
    deadline_ms: int = _setting(2000, "Milliseconds after which a suggestion is not worth waiting for.", least=1)
    threshold: float = _setting(
        0.3,  # tinycoder.complete.confidence.THRESHOLD, which is not imported here: it comes with numpy
        "How probable the first word of a suggestion must be, from 0 (offer everything) to 1 (hardly anything).",
        least=0,
        most=1,
    )
    block: str = _setting(
        "explicit",
        "When to offer several lines: never, when ghost text is asked for by hand, or also by itself after a line "
        "that opens a block.",
        choices=("off", "explicit", "automatic"),
    )


@dataclass(frozen=True, kw_only=True)
class PopupSettings:
    """The list of completions."""

    enable: bool = _setting(True, "Offer words in the editor's list of completions.")
    limit: int = _setting(10, "The most words to offer at a time.", least=1)
    deadline_ms: int = _setting(1000, "Milliseconds after which the list is answered empty.", least=1)


@dataclass(frozen=True, kw_only=True)
class MemorySettings:
    """What is known of the workspace and the open files."""

    enable: bool = _setting(
        True, "Remember what stands in the workspace and the open files; else the model answers alone."
    )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings. The names on the wire are in camel case."""

    enable: bool = _setting(True, "Complete at all.")
    model: str | None = _setting(
        None,
        "Name or folder of the model; without it the workspace's own model is used, else the newest one.",
    )
    log_level: str | None = _setting(
        None,
        "How much goes to the log; without it what `tinycoder serve --log-level` says.",
        choices=("debug", "info", "warning", "error"),
    )
    inline: InlineSettings = dataclasses.field(default_factory=InlineSettings)
    popup: PopupSettings = dataclasses.field(default_factory=PopupSettings)
    memory: MemorySettings = dataclasses.field(default_factory=MemorySettings)


def parse(values: object, base: Settings) -> tuple[Settings, list[str]]:
    """Lay what an editor sent for the section over ``base``; also a sentence for each value not taken.

    The section may arrive wrapped in its own name. Nothing at all, in any spelling that an editor has for it
    (null, and an empty Lua table is an empty list), leaves ``base`` as it is.
    """
    if isinstance(values, Mapping) and set(values) == {SECTION}:
        values = values[SECTION]
    problems: list[str] = []
    return _overlay(base, values, SECTION, problems), problems


def settings_page() -> str:
    """A Markdown table of every setting: name, type, default, meaning."""
    rows = ["| setting | type | default | meaning |", "| --- | --- | --- | --- |"]
    for name, field, kind in _rows(Settings, SECTION):
        choices = field.metadata["choices"]
        spelled = " or ".join(f"`{choice}`" for choice in choices) if choices else _TYPE_NAMES[kind]
        default = "" if field.default is None else f"`{str(field.default).lower()}`"
        rows.append(f"| `{name}` | {spelled} | {default} | {field.metadata['meaning']} |")
    return "\n".join(rows) + "\n"


def _rows(section: type[Any], prefix: str) -> Iterator[tuple[str, dataclasses.Field[Any], type[Any]]]:
    kinds = _kinds(section)
    for field in dataclasses.fields(section):
        name, kind = f"{prefix}.{_wire_name(field.name)}", kinds[field.name]
        if dataclasses.is_dataclass(kind):
            yield from _rows(kind, name)
        else:
            yield name, field, kind


_TYPE_NAMES: dict[type[Any], str] = {bool: "true or false", int: "whole number", float: "number", str: "text"}


def _overlay(base: _T, values: object, where: str, problems: list[str]) -> _T:
    """``base`` with the valid ones of ``values``; what is wrong with the others is added to ``problems``."""
    if values is None or values == []:
        return base
    if not isinstance(values, Mapping):
        problems.append(f"the setting {where} must be an object, not {values!r}; its defaults are used")
        return base
    fields = {_wire_name(field.name): field for field in dataclasses.fields(base)}  # type: ignore[arg-type]
    kinds = _kinds(type(base))
    changes: dict[str, object] = {}
    for key, value in values.items():
        field = fields.get(key)
        if field is None:
            problems.append(_unknown(key, where, list(fields)))
        elif dataclasses.is_dataclass(kinds[field.name]):
            changes[field.name] = _overlay(getattr(base, field.name), value, f"{where}.{key}", problems)
        elif value is None:
            changes[field.name] = field.default
        elif problem := _refusal(field, kinds[field.name], value):
            shown = "nothing" if field.default is None else repr(field.default)
            problems.append(f"the setting {where}.{key} must be {problem}, not {value!r}; {shown} is used")
            changes[field.name] = field.default
        else:
            changes[field.name] = float(value) if kinds[field.name] is float else value
    return dataclasses.replace(base, **changes)  # type: ignore[type-var]


def _refusal(field: dataclasses.Field[Any], kind: type[Any], value: Any) -> str | None:
    """What ``value`` should have been, or ``None`` if it is fine."""
    least, most, choices = (field.metadata[name] for name in ("least", "most", "choices"))
    if not isinstance(value, (int, float) if kind is float else kind) or (kind is not bool and isinstance(value, bool)):
        return _TYPE_NAMES[kind]
    if most is not None and not least <= value <= most:
        return f"from {least} to {most}"
    if least is not None and value < least:
        return f"at least {least}"
    if choices and value not in choices:
        return f"one of {', '.join(choices)}"
    return None


def _unknown(key: str, where: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(str(key), known, n=1)
    hint = f"did you mean {where}.{nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    return f"the setting {where}.{key} is unknown; {hint}"


def _kinds(section: type[Any]) -> dict[str, type[Any]]:
    """The type of each field; of ``str | None`` it is ``str``."""
    hints = typing.get_type_hints(section)
    return {
        name: typing.get_args(hint)[0] if isinstance(hint, types.UnionType) else hint for name, hint in hints.items()
    }


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
