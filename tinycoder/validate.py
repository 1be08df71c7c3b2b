"""Read plain data, as it comes from JSON, into frozen dataclasses, and turn dataclasses back into plain data.

A field's type says what it accepts: texts, numbers (``Annotated[int, Range(0, 9)]``), ``Literal``, lists, objects,
other dataclasses, and None where the type allows it. Nothing is coerced: ``"3"`` is no number, ``true`` is no 1. Only
a list becomes a tuple where the field is one.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import reprlib
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from functools import cache, partial
from typing import Annotated, Any, Literal, NoReturn, TypeVar, Union

from tinycoder.errors import ConfigError

MAX_NUMBER = 1e15  # numbers of a file lie below it, so that they can be computed with
NO_KEYS: Mapping[str, str] = types.MappingProxyType({})
OMIT_NONE: Mapping[str, bool] = types.MappingProxyType({"omit_none": True})  # metadata of a field: no null in JSON

_WORDS = {str: "text", bool: "true or false", int: "a whole number", float: "a number"}
_T = TypeVar("_T")


class DataError(ConfigError, ValueError):
    """Data that does not fit. The message is one sentence that names the field, what it is and what is needed."""

    def __init__(self, problem: str, path: str = "") -> None:
        super().__init__(f"field {path!r} {problem}" if path else f"it {problem}")
        self.problem, self.path = problem, path

    def of(self, what: object) -> str:
        """The sentence about ``what``, such as a file."""
        return f"{what}: {self}" if self.path else f"{what} {self.problem}"

    def within(self, step: str) -> DataError:
        """The same problem, seen from the object or list that holds the value at ``step``."""
        dot = "." if self.path and not self.path.startswith("[") else ""
        return DataError(self.problem, f"{step}{dot}{self.path}")


@dataclasses.dataclass(frozen=True)
class Range:
    """Bounds of a number, both included."""

    least: float = -MAX_NUMBER
    most: float = MAX_NUMBER


def read(kind: type[_T], data: object, *, keys: Mapping[str, str] = NO_KEYS) -> _T:
    """``data`` as ``kind``: a dataclass, or any other type that a field may have.

    ``keys`` gives the key in ``data`` for fields that have another name there, at any depth. Keys that belong to no
    field are ignored. Raises ``DataError``.
    """
    value: _T = _read(kind, data, keys)
    return value


def parse(kind: type[_T], text: str | bytes, *, keys: Mapping[str, str] = NO_KEYS) -> _T:
    """``read`` for JSON text. Raises ``DataError``, also for what is not JSON."""
    return read(kind, from_json(text), keys=keys)


def from_json(text: str | bytes) -> Any:
    """The plain data that JSON text holds. Raises ``DataError``."""
    try:
        return json.loads(text)
    except RecursionError:
        raise DataError("is not JSON of ours, it is nested too deep") from None
    except ValueError as error:
        raise DataError(f"is not JSON ({error})") from None


def plain(value: Any, keys: Mapping[str, str] = NO_KEYS) -> Any:
    """Plain data that ``read`` turns into ``value`` again. Floats that are not finite are the caller's to avoid."""
    if dataclasses.is_dataclass(value):
        pairs = ((field, getattr(value, field.name)) for field in dataclasses.fields(value) if field.init)
        return {
            keys.get(field.name, field.name): plain(each, keys)
            for field, each in pairs
            if each is not None or not field.metadata.get("omit_none")
        }
    if isinstance(value, Mapping):
        return {key: plain(each, keys) for key, each in value.items()}
    return [plain(each, keys) for each in value] if isinstance(value, (list, tuple)) else value


def _read(hint: Any, value: Any, keys: Mapping[str, str]) -> Any:
    kind, parts = _parts(hint)
    if kind is Annotated:
        return _number(value, *parts)
    if kind is str or kind is bool:
        return value if type(value) is kind else _refuse(value, _WORDS[kind])
    if kind is Union:
        return None if value is None and None in parts else _alternative([each for each in parts if each], value, keys)
    if kind in (list, tuple):
        is_row = kind is tuple and parts[-1] is not ...
        if type(value) not in (list, tuple) or (is_row and len(value) != len(parts)):
            _refuse(value, f"a list of {len(parts)}" if is_row else "a list")
        return kind(_read_each(parts if is_row else itertools.repeat(parts[0]), value, keys))
    if kind is Mapping:
        values = _read_each(itertools.repeat(parts[1]), _mapping(value).values(), keys, list(value))
        return dict(zip(value, values, strict=True))
    if kind is Literal and not (type(value) in map(type, parts) and value in parts):
        _refuse(value, f"one of {', '.join(map(str, parts))}")
    return _object(kind, _mapping(value), keys) if dataclasses.is_dataclass(kind) else value


@cache
def _parts(hint: Any) -> tuple[Any, tuple[Any, ...]]:
    """The kind of a type, and what it is made of."""
    if hint in (int, float):
        return Annotated, (hint, Range())
    origin = typing.get_origin(hint) or hint
    if origin in (Union, types.UnionType):
        return Union, tuple(None if each is types.NoneType else each for each in typing.get_args(hint))
    return (Mapping if origin is dict else origin), typing.get_args(hint)


def _refuse(value: Any, needed: str) -> NoReturn:
    raise DataError(f"is {reprlib.repr(value)}, {needed} is needed")


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else _refuse(value, "an object")


def _number(value: Any, kind: type[Any], bounds: Range) -> Any:
    if (type(value) is int or type(value) is kind) and bounds.least <= value <= bounds.most:
        return value
    least, most, words = bounds.least, bounds.most, _WORDS[kind]
    if least > -MAX_NUMBER:
        words += f" from {least:g} to {most:g}" if most < MAX_NUMBER else f" of at least {least:g}"
    _refuse(value, words)


def _alternative(hints: Sequence[Any], value: Any, keys: Mapping[str, str]) -> Any:
    """``value`` as the first of these types that it fits; the last one words the error."""
    for hint in hints[:-1]:
        with suppress(DataError):
            return _read(hint, value, keys)
    return _read(hints[-1], value, keys)


def _read_each(
    hints: Iterable[Any], values: Iterable[Any], keys: Mapping[str, str], steps: Sequence[str] = ()
) -> list[Any]:
    """Each value by its type. An error names its step, or its number where there are no names."""
    result: list[Any] = []
    try:
        for hint, value in zip(hints, values, strict=False):
            result.append(_read(hint, value, keys))
    except DataError as error:
        raise error.within(steps[len(result)] if steps else f"[{len(result)}]") from None
    return result


_type_hints = cache(partial(typing.get_type_hints, include_extras=True))


def _object(kind: Any, value: Mapping[str, Any], keys: Mapping[str, str]) -> Any:
    fields = {keys.get(field.name, field.name): field for field in dataclasses.fields(kind) if field.init}
    for key, field in fields.items():
        if key not in value and field.default is field.default_factory is dataclasses.MISSING:
            raise DataError("is missing", key)
    hints, there = _type_hints(kind), [key for key in fields if key in value]
    values = _read_each([hints[fields[key].name] for key in there], [value[key] for key in there], keys, there)
    try:
        return kind(**{fields[key].name: each for key, each in zip(there, values, strict=True)})
    except (ValueError, ConfigError) as error:
        raise DataError(f"is not valid ({error})") from None
