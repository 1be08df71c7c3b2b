"""Read what an editor sends as ``Settings``.

A mistake never stops the server: the value falls back to its default, and a sentence says which key was meant.
"""

import dataclasses
import difflib
import re
import reprlib
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from tinycoder.validate import DataError, read
from tinycoder_lsp.settings import FORMER_VALUES, GONE, REPLACED, SECTION, Settings

_T = TypeVar("_T")


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting as it is on the wire: its whole name, its field, and the type that says which values it accepts."""

    name: str
    field: dataclasses.Field[Any]
    hint: Any


def parse(values: object, base: Settings) -> tuple[Settings, list[str]]:
    """Lay what an editor sent for the section over ``base``; also a sentence for each value not taken.

    The section may arrive wrapped in its own name, and each key flat, as in ``tinycoder.popup.limit``. Nothing at all,
    in any spelling that an editor has for it (null, and an empty Lua table is an empty list), leaves ``base`` as it is.
    """
    problems: list[str] = []
    if not isinstance(values, Mapping):
        return _overlay(base, values, SECTION, problems), problems
    settings = base
    for key, value in values.items():
        flat = str(key).removeprefix(f"{SECTION}.")
        settings = _overlay(settings, value if key == SECTION else {flat: value}, SECTION, problems)
    return settings, problems


def vouched(values: object) -> object:
    """What our extension for VS Code said itself, of what it sent for the section.

    Its settings are keys without a dot, once under the section's name at most. All else comes from a file in which a
    workspace can spell ``remote`` and ``trusted`` in its own way, so it is left out.
    """
    if isinstance(values, Mapping) and values.keys() == {SECTION}:
        values = values[SECTION]
    if not isinstance(values, Mapping):
        return values
    return {key: value for key, value in values.items() if key != SECTION and "." not in str(key)}


def ours(settings: object) -> tuple[dict[str, object], list[str]]:
    """What is for us among the settings of a whole editor, as ``parse`` takes it.

    Also a sentence for each key that looks as if it were for us and is not: that of a setting outside of the section,
    and the section's name in another spelling. All other keys are those of other programs.
    """
    taken: dict[str, object] = {}
    problems = []
    for key, value in settings.items() if isinstance(settings, Mapping) else ():
        first, dot, rest = str(key).partition(".")
        if first == SECTION:
            taken[key] = value
        elif first in _fields(Settings, SECTION) and not (first == "python" and isinstance(value, Mapping)):
            problems.append(f"the setting {_short(key)} stands outside of the section; write {SECTION}.{_short(key)}")
        elif re.sub("[-_ ]", "", first).casefold() == SECTION:
            problems.append(f"the setting {_short(key)} is unknown; write {SECTION}{dot}{_short(rest)}")
    return taken, problems


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
        first, dot, rest = str(key).partition(".")
        if first not in fields or (dot and not dataclasses.is_dataclass(fields[first].hint)):
            problems += [] if f"{where}.{key}" in GONE else [_unknown(str(key), where, list(fields))]
            continue
        name, field, hint = fields[first].name, fields[first].field, fields[first].hint
        if dataclasses.is_dataclass(hint):
            before = changes.get(field.name, getattr(base, field.name))
            changes[field.name] = _overlay(before, {rest: value} if dot else value, name, problems)
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
    begin, section, name = f"{where}.{key}".partition(f"{SECTION}.")
    if name in REPLACED:
        return f"the setting {where}.{key} is gone and does nothing; set {begin}{section}{REPLACED[name]} instead"
    nearest = difflib.get_close_matches(key.partition(".")[0], known, n=1)
    hint = f"did you mean {where}.{nearest[0]}?" if nearest else f"known are {', '.join(known)}"
    return f"the setting {where}.{_short(key)} is unknown; {hint}"


def _short(key: str) -> str:
    """One line of a key, which may be anything."""
    return reprlib.repr(key)[1:-1]  # without its quotes
