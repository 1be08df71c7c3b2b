"""Read what an editor sends as ``Settings``.

A mistake never stops the server: the value falls back to its default, and a sentence says which key was meant.
"""

from __future__ import annotations

import dataclasses
import difflib
import reprlib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tinycoder_lsp.settings import GONE, SECTION, Settings

TYPE_NAMES: dict[type[Any], str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    tuple: "list of texts",
}

MAX_INTEGER = 2**31 - 1
_T = TypeVar("_T")
_show = reprlib.repr  # a value of whatever length and depth


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it is on the wire: its whole name, its field, and what kind of value it takes."""

    name: str
    field: dataclasses.Field[Any]
    kind: type[Any]


def parse(values: object, base: Settings) -> tuple[Settings, list[str]]:
    """Lay what an editor sent for the section over ``base``; also a sentence for each value not taken.

    The section may arrive wrapped in its own name. Nothing at all, in any spelling that an editor has for it
    (null, and an empty Lua table is an empty list), leaves ``base`` as it is.
    """
    if isinstance(values, Mapping) and set(values) == {SECTION}:
        values = values[SECTION]
    problems: list[str] = []
    return _overlay(base, values, SECTION, problems), problems


def all_settings(section: type[Any] = Settings, prefix: str = SECTION) -> Iterator[Setting]:
    """Every setting, in order."""
    kinds = _kinds(section)
    for field in dataclasses.fields(section):
        name, kind = f"{prefix}.{_wire_name(field.name)}", kinds[field.name]
        if dataclasses.is_dataclass(kind):
            yield from all_settings(kind, name)
        else:
            yield Setting(name=name, field=field, kind=kind)


def _overlay(base: _T, values: object, where: str, problems: list[str]) -> _T:
    """``base`` with the valid ones of ``values``; what is wrong with the others is added to ``problems``."""
    if values is None or values == []:
        return base
    if not isinstance(values, Mapping):
        problems.append(f"the setting {where} must be an object, not {_show(values)}; its defaults are used")
        return base
    fields = {_wire_name(field.name): field for field in dataclasses.fields(base)}  # type: ignore[arg-type]
    kinds = _kinds(type(base))
    changes: dict[str, object] = {}
    for key, value in values.items():
        field = fields.get(key)
        if field is None and f"{where}.{key}" in GONE:
            continue
        if field is None:
            problems.append(_unknown(key, where, list(fields)))
        elif dataclasses.is_dataclass(kinds[field.name]):
            changes[field.name] = _overlay(getattr(base, field.name), value, f"{where}.{key}", problems)
        elif value is None:
            changes[field.name] = field.default
        elif problem := _refusal(field, kinds[field.name], value):
            shown = repr(field.default) if field.default or field.default is False else "nothing"
            problems.append(f"the setting {where}.{key} must be {problem}, not {_show(value)}; {shown} is used")
            changes[field.name] = field.default
        else:
            changes[field.name] = kinds[field.name](value)
    return dataclasses.replace(base, **changes)  # type: ignore[type-var]


def _refusal(field: dataclasses.Field[Any], kind: type[Any], value: Any) -> str | None:
    """What ``value`` should have been, or ``None`` if it is fine."""
    minimum, maximum, choices = (field.metadata[name] for name in ("minimum", "maximum", "choices"))
    if kind is tuple:
        texts = isinstance(value, list) and all(isinstance(text, str) for text in value)
        return None if texts else TYPE_NAMES[kind]
    if not isinstance(value, (int, float) if kind is float else kind) or (kind is not bool and isinstance(value, bool)):
        return TYPE_NAMES[kind]
    if maximum is not None and not minimum <= value <= maximum:
        return f"from {minimum} to {maximum}"
    if minimum is not None and value < minimum:
        return f"at least {minimum}"
    if minimum is not None and value > MAX_INTEGER:
        return f"at most {MAX_INTEGER}"
    if choices and value not in choices:
        return f"one of {', '.join(choices)}"
    return None


def _unknown(key: str, where: str, known: list[str]) -> str:
    key = _show(key)[1:-1]  # one line of it, without its quotes
    nearest = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {where}.{nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    return f"the setting {where}.{key} is unknown; {hint}"


def _kinds(section: type[Any]) -> dict[str, type[Any]]:
    """The type of each field; of ``str | None`` it is ``str``, of ``tuple[str, ...]`` it is ``tuple``."""
    hints = typing.get_type_hints(section)
    return {name: _kind(hint) for name, hint in hints.items()}


def _kind(hint: Any) -> type[Any]:
    if isinstance(hint, types.UnionType):
        hint = typing.get_args(hint)[0]
    kind: type[Any] = typing.get_origin(hint) or hint
    return kind


def _wire_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)
