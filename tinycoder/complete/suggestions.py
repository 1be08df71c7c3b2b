"""Suggestions that were made before, found again while they are typed through. Knows no model."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from tinycoder.complete.ghost import Ghost, Layout

MOST = 32


@dataclass(frozen=True)
class _Key:
    path: str
    before: str
    after: str
    layout: Layout


class Suggestions:
    """The latest suggestions, each with the text around the cursor for which it was made."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Ghost] = OrderedDict()

    def keep(self, path: str, text: str, offset: int, layout: Layout, ghost: Ghost) -> None:
        """Remember what was suggested at ``offset``, be it nothing."""
        key = _Key(path, text[:offset], text[offset:], layout)
        self._kept[key] = ghost
        self._kept.move_to_end(key)
        if len(self._kept) > MOST:
            self._kept.popitem(last=False)

    def find(self, path: str, text: str, offset: int, layout: Layout) -> tuple[Ghost, int] | None:
        """A suggestion that goes on with what was typed since it was made, and how many characters of it those are.

        The latest that has something left; a suggestion of nothing is found only where it was made.
        """
        for key, ghost in reversed(self._kept.items()):
            n = offset - len(key.before)
            if (
                key.path == path
                and key.layout == layout
                and n >= 0
                and (n < len(ghost.text) or n == 0)
                and ghost.text.startswith(text[len(key.before) : offset])
                and text.startswith(key.before)
                and text.endswith(key.after)
                and len(text) - offset == len(key.after)
            ):
                return ghost, n
        return None

    def clear(self) -> None:
        """Forget everything: the model or what the memory knows is another now."""
        self._kept.clear()
