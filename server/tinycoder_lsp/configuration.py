"""Read what an editor sends as ``Settings``.

A mistake never stops the server: the value falls back to its default, and a sentence says which key was meant.
"""

import dataclasses
import difflib
import reprlib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tinycoder.validate import DataError, read
from tinycoder_lsp.settings import FORMER_VALUES, GONE, SECTION, Settings

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it is on the wire: its whole name, its field, and the type that says which values it accepts."""

    name: str
    field: dataclasses.Field[Any]
    hint: Any


def parse(values: object, base: Settings) -> tuple[Settings, list[str]]:
    """Lay what an editor sent for the section over ``base``; also a sentence for each value not taken.

    The section may arrive wrapped in its own name. Nothing at all, in any spelling that an editor has for it
    (null, and an empty Lua table is an empty list), leaves ``base`` as it is.
    """
    if isinstance(values, Mapping) and set(values) == {SECTION}:
        values = values[SECTION]
    problems: list[str] = []
    return _overlay(base, values, SECTION, problems), problems


def read_section(section: _T, values: object, where: str) -> tuple[_T, list[str]]:
    """Lay plain values over ``section``, whose name is ``where``; also a sentence for each value not taken."""
    problems: list[str] = []
    return _overlay(section, values, where, problems), problems


def all_settings(section: type[Any] = Settings, prefix: str = SECTION) -> Iterator[Setting]:
    """Every setting, in order."""
    for each in _fields(section, prefix).values():
        if isinstance(each.hint, type) and dataclasses.is_dataclass(each.hint):
            yield from all_settings(each.hint, each.name)
        else:
            yield each


def _fields(section: type[Any], where: str) -> dict[str, Setting]:
    """Each field of a section by its key on the wire, which is in camel case; nested sections among them."""
    hints = typing.get_type_hints(section, include_extras=True)
    fields = {}
    for field in dataclasses.fields(section):
        first, *rest = field.name.split("_")
        key = first + "".join(word.capitalize() for word in rest)
        fields[key] = Setting(name=f"{where}.{key}", field=field, hint=hints[field.name])
    return fields


def _overlay(base: _T, values: object, where: str, problems: list[str]) -> _T:
    """``base`` with the valid ones of ``values``; what is wrong with the others is added to ``problems``."""
    if values is None or values == []:
        return base
    if not isinstance(values, Mapping):
        problems.append(f"the setting {where} is {reprlib.repr(values)}, an object is needed; its defaults are used")
        return base
    fields = _fields(type(base), where)
    changes: dict[str, object] = {}
    for key, value in values.items():
        if key not in fields:
            problems += [] if f"{where}.{key}" in GONE else [_unknown(key, where, list(fields))]
            continue
        name, field, hint = fields[key].name, fields[key].field, fields[key].hint
        if dataclasses.is_dataclass(hint):
            changes[field.name] = _overlay(getattr(base, field.name), value, name, problems)
            continue
        former = FORMER_VALUES.get(name, {})
        if isinstance(value, str) and value in former:
            problems.append(
                f"the value {value!r} of the setting {name} is called {former[value]!r} now; change it there"
            )
            value = former[value]
        changes[field.name] = default = field.default
        try:
            if value is not None:
                taken = read(hint, value)
                changes[field.name] = float(taken) if isinstance(default, float) else taken
        except DataError as error:
            used = repr(default) if default or default is False else "nothing"
            problems.append(f"the setting {name}{error.path} {error.problem}; {used} is used")
    return dataclasses.replace(base, **changes)  # type: ignore[type-var]


def _unknown(key: str, where: str, known: list[str]) -> str:
    key = reprlib.repr(key)[1:-1]  # one line of it, without its quotes
    nearest = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {where}.{nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    return f"the setting {where}.{key} is unknown; {hint}"
