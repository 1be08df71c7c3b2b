"""A cache of suggestions, searched again with each letter while the user types one of them."""

from collections import OrderedDict
from dataclasses import dataclass

from tinycoder.complete.ghost import Ghost, Layout

MAX_SUGGESTIONS = 32


@dataclass(frozen=True)
class _Key:
    path: str
    text: str
    offset: int
    layout: Layout


@dataclass(kw_only=True)
class CachedSuggestion:
    """A suggestion, and how many of its characters were shown: what was shown and still fits is not withdrawn."""

    ghost: Ghost
    shown: int = 0


class SuggestionCache:
    """The latest suggestions, each with the text around the cursor that it was written for."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, CachedSuggestion] = OrderedDict()

    def keep(self, path: str, text: str, offset: int, layout: Layout, suggestion: CachedSuggestion) -> None:
        """Store what was suggested at ``offset``, even if that is nothing."""
        key = _Key(path, text, offset, layout)
        self._kept[key] = suggestion
        self._kept.move_to_end(key)
        if len(self._kept) > MAX_SUGGESTIONS:
            self._kept.popitem(last=False)

    def find(self, path: str, text: str, offset: int, layout: Layout) -> tuple[CachedSuggestion, int] | None:
        """The latest suggestion that continues what was typed since, and how many of its characters are typed.

        An empty suggestion is found only at its own offset. A block that was shown is found from each of its lines,
        even if only a line is requested.
        """
        for key, kept in reversed(self._kept.items()):
            ghost = kept.ghost
            n = offset - key.offset
            if (
                key.path == path
                and (key.layout.block == layout.block or (key.layout.block and n and kept.shown))
                and n >= 0
                and (n < len(ghost.text) or n == 0)
                and len(text) - offset == len(key.text) - key.offset
                and ghost.text.startswith(text[key.offset : offset])
                and text[: key.offset] == key.text[: key.offset]
                and text[offset:] == key.text[key.offset :]
            ):
                return kept, n
        return None

    def clear(self) -> None:
        """Drop all suggestions, because the model or the memory has changed."""
        self._kept.clear()
