"""Read plain data, as it comes from JSON, into frozen dataclasses, and turn dataclasses back into plain data.

A field's type says what it accepts: texts, numbers (``Annotated[int, Range(0, 9)]``), ``Literal``, lists, objects,
other dataclasses, and None where the type allows it. Nothing is coerced: ``"3"`` is no number, ``true`` is no 1. Only
a list becomes a tuple where the field is one.
"""

from __future__ import annotations

import dataclasses
import difflib
import itertools
import json
import reprlib
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
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


def read(kind: type[_T], data: object, *, keys: Mapping[str, str] = NO_KEYS, strict: bool = True) -> _T:
    """``data`` as ``kind``: a dataclass, or any other type that a field may have.

    ``keys`` gives the key in ``data`` for fields that have another name there, at any depth. Unless ``strict``, keys
    that belong to no field are ignored. Raises ``DataError``.
    """
    hint: Any = kind
    value: _T = _reader(hint, tuple(keys.items()), strict)(data)
    return value


def parse(kind: type[_T], text: str | bytes, *, keys: Mapping[str, str] = NO_KEYS, strict: bool = True) -> _T:
    """``read`` for JSON text. Raises ``DataError``, also for what is not JSON."""
    return read(kind, from_json(text), keys=keys, strict=strict)


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


_Reader = Callable[[Any], Any]


@cache
def _reader(hint: Any, keys: tuple[tuple[str, str], ...], strict: bool) -> _Reader:
    """The function that reads a value of one type; made once, since a file may hold many."""
    again = partial(_reader, keys=keys, strict=strict)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint in (Any, object):
        return lambda value: value
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return _object_reader(hint, again, dict(keys), strict)
    if origin is Annotated:
        return _number_reader(hint.__origin__, next(each for each in hint.__metadata__ if isinstance(each, Range)))
    if origin in (Union, types.UnionType):
        return _union_reader([again(each) for each in arguments if each is not types.NoneType], arguments)
    if origin is Literal:
        words = f"one of {', '.join(map(str, arguments))}"
        kinds = {type(each) for each in arguments}
        return lambda value: value if type(value) in kinds and value in arguments else _refuse(value, words)
    if origin is tuple and arguments[-1] is not ...:
        return _row_reader([again(each) for each in arguments])
    if origin in (list, tuple):
        return _list_reader(origin, again(arguments[0]))
    if issubclass(origin or hint, Mapping):
        return _mapping_reader(again(arguments[1] if arguments else Any))
    if hint in (int, float):
        return _number_reader(hint, Range())
    return lambda value: value if type(value) is hint else _refuse(value, _WORDS[hint])


def _refuse(value: Any, needed: str) -> NoReturn:
    raise DataError(f"is {reprlib.repr(value)}, {needed} is needed")


def _read_each(readers: Iterable[_Reader], values: Iterable[Any], steps: Sequence[str] = ()) -> list[Any]:
    """Each value by its reader. An error names its step, or its number where there are no names."""
    result: list[Any] = []
    try:
        for reader, value in zip(readers, values, strict=False):
            result.append(reader(value))
    except DataError as error:
        raise error.within(steps[len(result)] if steps else f"[{len(result)}]") from None
    return result


def _number_reader(kind: type[Any], bounds: Range) -> _Reader:
    kinds, (least, most) = (int, float) if kind is float else (int,), (bounds.least, bounds.most)
    words = _WORDS[kind]
    if bounds.least > -MAX_NUMBER:
        words += f" from {least:g} to {most:g}" if most < MAX_NUMBER else f" of at least {least:g}"
    return lambda value: value if type(value) in kinds and least <= value <= most else _refuse(value, words)


def _union_reader(readers: list[_Reader], arguments: tuple[Any, ...]) -> _Reader:
    may_be_none = types.NoneType in arguments

    def read_any(value: Any) -> Any:
        if value is None and may_be_none:
            return None
        for reader in readers[:-1]:
            try:
                return reader(value)
            except DataError:
                continue
        return readers[-1](value)

    return read_any


def _row_reader(readers: list[_Reader]) -> _Reader:
    def read_row(value: Any) -> Any:
        if type(value) not in (list, tuple) or len(value) != len(readers):
            _refuse(value, f"a list of {len(readers)}")
        return tuple(_read_each(readers, value))

    return read_row


def _list_reader(kind: type[Any], reader: _Reader) -> _Reader:
    def read_list(value: Any) -> Any:
        if type(value) not in (list, tuple):
            _refuse(value, "a list")
        return kind(_read_each(itertools.repeat(reader), value))

    return read_list


def _mapping_reader(reader: _Reader) -> _Reader:
    def read_mapping(value: Any) -> Any:
        if not isinstance(value, Mapping):
            _refuse(value, "an object")
        return dict(zip(value, _read_each(itertools.repeat(reader), value.values(), list(value)), strict=True))

    return read_mapping


def _object_reader(kind: type[Any], again: Callable[[Any], _Reader], keys: Mapping[str, str], strict: bool) -> _Reader:
    fields = {keys.get(field.name, field.name): field for field in dataclasses.fields(kind) if field.init}
    hints = typing.get_type_hints(kind, include_extras=True)
    readers = {key: again(hints[field.name]) for key, field in fields.items()}
    needed = [key for key, field in fields.items() if field.default is field.default_factory is dataclasses.MISSING]

    def read_object(value: Any) -> Any:
        if not isinstance(value, Mapping):
            _refuse(value, "an object")
        for key in value if strict else ():
            if key not in fields:
                nearest = difflib.get_close_matches(key, fields, n=1)
                hint = f"did you mean {nearest[0]!r}?" if nearest else f"known keys: {', '.join(fields)}"
                raise DataError(f"is an unknown key; {hint}", reprlib.repr(key)[1:-1])
        for key in needed:
            if key not in value:
                raise DataError("is missing", key)
        there = [key for key in fields if key in value]
        values = _read_each([readers[key] for key in there], [value[key] for key in there], there)
        try:
            return kind(**{fields[key].name: each for key, each in zip(there, values, strict=True)})
        except (ValueError, ConfigError) as error:
            raise DataError(f"is not valid ({error})") from None

    return read_object
