"""Messages that break the protocol in ways that say clearly what is meant, as odd clients send them.

A member that is null counts as missing. What is required, and is missing or cannot be read, has a default where one is
harmless. An empty list stands for an empty object, since Lua and PHP write both alike.
"""

import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
import cattrs
from lsprotocol import types as lsp

_DEFAULTS: dict[str, object] = {  # of members that the protocol requires, by their names
    "version": 0,
    "languageId": "",
    "name": "",
    "settings": None,
    "capabilities": {},
    "added": [],
    "removed": [],
    "type": lsp.FileChangeType.Changed.value,
    "context": {"triggerKind": lsp.InlineCompletionTriggerKind.Automatic.value},
}
_TELL_MUCH = (lsp.INITIALIZE, lsp.COMPLETION_ITEM_RESOLVE)  # of what they tell most is not used here
_UNIONS = (typing.Union, types.UnionType)


def mended(converter: cattrs.Converter, method: str, message: type[Any] | None, params: object) -> object:
    """The parameters of a message of this type as the protocol would have them.

    Optional members that cannot be read are left out of messages that tell more than is used. Raises ``Exception``
    where a member that is needed cannot be read.
    """
    if message is None:  # a message that the protocol does not know
        return {} if params is None else params
    hint = attrs.fields_dict(message)["params"].type
    return _Mender(converter, drop=method in _TELL_MUCH).mend({} if params is None else params, hint)


class _Mender:
    """Mends values by the types that they should have."""

    def __init__(self, converter: cattrs.Converter, *, drop: bool) -> None:
        self._converter = converter
        self._drop = drop

    def mend(self, value: object, hint: Any) -> object:
        """The value, mended. Raises whatever the converter raises where it still cannot be read."""
        kinds = [kind for kind in typing.get_args(hint) if kind is not type(None)]
        if typing.get_origin(hint) in _UNIONS and len(kinds) == 1:
            return None if value is None else self.mend(value, kinds[0])
        if typing.get_origin(hint) in _UNIONS and isinstance(value, dict):
            value = {key: member for key, member in value.items() if member is not None}
        elif typing.get_origin(hint) is Sequence and isinstance(value, Sequence) and not isinstance(value, str):
            return self._items(value, kinds[0])
        elif attrs.has(hint) and (isinstance(value, dict) or value == []):
            value = self._members(dict(value), hint)
        self._converter.structure(value, hint)
        return value

    def _items(self, values: Sequence[object], hint: Any) -> list[object]:
        items = []
        for value in values:
            try:
                items.append(self.mend(value, hint))
            except Exception:  # the converter's own kinds, and whatever its hooks raise
                if not self._drop:
                    raise
        return items

    def _members(self, values: Mapping[str, object], kind: type[Any]) -> dict[str, object]:
        members = dict(values)
        for attribute in attrs.fields(kind):
            first, *rest = attribute.name.split("_")
            key = first + "".join(word.capitalize() for word in rest)
            optional = attribute.default is not attrs.NOTHING
            if members.get(key) is None:
                members.pop(key, None)
                if not optional and key in _DEFAULTS:
                    members[key] = _DEFAULTS[key]
                continue
            try:
                members[key] = self.mend(members[key], attribute.type)
            except Exception:  # as above
                if self._drop and optional:
                    del members[key]
                elif not optional and key in _DEFAULTS and not attrs.has(attribute.type):
                    members[key] = _DEFAULTS[key]
                else:
                    raise
        return members
