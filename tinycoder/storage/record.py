"""What training.json may say of a run. A folder may come from a stranger: each fact is of its type, or refused.

Knows no files. Facts may be missing, and others may stand beside them; nothing here asks what a number means.
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Mapping
from typing import Any

MAX_NUMBER = 1e15  # no number is as large


def problem(metadata: Mapping[str, Any]) -> str | None:
    """The first fact that is not of its type, as part of a sentence; ``None`` if all are."""
    for name, (what, accepts) in _FIELDS.items():
        if name in metadata and not accepts(metadata[name]):
            return f"field {name!r} is {reprlib.repr(metadata[name])}, {what} is needed"
    return None


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < MAX_NUMBER


def _is_number(value: object) -> bool:
    return _is_count(value) or (isinstance(value, float) and 0 <= value < MAX_NUMBER)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _or_null(accepts: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: value is None or accepts(value)


def _list_of(accepts: Callable[[object], bool]) -> Callable[[object], bool]:
    return lambda value: isinstance(value, list) and all(map(accepts, value))


def _with(**fields: Callable[[object], bool]) -> Callable[[object], bool]:
    """An object in which these fields, where they are there, are of their types."""
    return lambda value: (
        isinstance(value, dict) and all(accepts(value[n]) for n, accepts in fields.items() if n in value)
    )


def _needs(**fields: Callable[[object], bool]) -> Callable[[object], bool]:
    """An object that has all these fields."""
    return lambda value: isinstance(value, dict) and fields.keys() <= value.keys() and _with(**fields)(value)


_SIZES = dict.fromkeys(("files", "bytes", "tokens"), _is_count)
_HELD_OUT = dict.fromkeys((f"validation_{name}" for name in _SIZES), _is_count)
_POINT = _needs(
    step=_is_count, seconds=_is_number, train_loss=_or_null(_is_number), val_loss=_is_number, val_bpb=_is_number
)

_FIELDS: dict[str, tuple[str, Callable[[object], bool]]] = {
    "recipe": ("text", _is_text),
    "preset": ("text or null", _or_null(_is_text)),
    "from": ("text or null", _or_null(_is_text)),
    "created": ("text", _is_text),
    "workspaces": ("a list of texts", _list_of(_is_text)),
    "forgotten": ("a list of texts", _list_of(_is_text)),
    "earlier": ("a list of objects", _list_of(_with())),
    "parameters": ("a count", _is_count),
    "seed": ("a count", _is_count),
    "steps": ("a count", _is_count),
    "tokens_seen": ("a count", _is_count),
    "seconds": ("a number", _is_number),
    "finished": ("true or false", _is_flag),
    "val_bpb": ("a number or null", _or_null(_is_number)),
    "blend": ("a number or null", _or_null(_is_number)),
    "before": ("null or an object with bits_per_byte", _or_null(_needs(bits_per_byte=_is_number))),
    "versions": ("an object of texts", _needs(tinycoder=_is_text)),
    "settings": ("an object", _with(infill=_is_number, replay=_is_number)),
    "data": ("an object of counts", _needs(**_SIZES, **_HELD_OUT)),
    "replay": ("an object of counts", _needs(files=_is_count, bytes=_is_count)),
    "recent": ("null or an object of counts", _or_null(_needs(files=_is_count, bytes=_is_count))),
    "curve": ("a list of points", _list_of(_POINT)),
    "quantized": ("an object", _with(weights=_is_text, bits_per_byte=_is_number, text=_is_text)),
}
