"""Token healing: what was typed last becomes a constraint on the next tokens' bytes. Knows no model.

A half-typed word has other tokens than the whole word. So the last piece before the cursor is not read as tokens;
its bytes are ``prefix_bytes``, and only tokens that agree with them may come next.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property

import numpy as np

from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | frozenset(range(128, 256))


class Healer:
    """Looks up the tokens that agree with pending bytes, continue a word, or end one.

    ``inside_word`` and ``ends_word`` are masks (V,), ``breaks_line`` and ``ends_line`` ids.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.inside_word = np.array([bool(raw) and is_word(raw) for raw in tokenizer.raw])
        # As a vector: a product is quicker than a choice.
        self.ends_word = np.array([not raw or raw[0] not in _WORD_BYTES for raw in tokenizer.raw], np.float32)
        breaks_line = [i for i, raw in enumerate(tokenizer.raw) if raw[:1] in (b"\n", b"\r")]
        self.breaks_line = np.array(breaks_line, np.intp)
        self.ends_line = np.array(sorted({*breaks_line, tokenizer.end_of_text}), np.intp)

    def split(self, text: str) -> tuple[str, bytes]:
        """``text`` without its last piece, and the bytes of that piece."""
        piece = self.tokenizer.last_piece(text)
        return text[: len(text) - len(piece)], piece.encode("utf-8")

    def allowed(self, prefix_bytes: bytes) -> Array:
        """Ids whose bytes begin with ``prefix_bytes``, or that ``prefix_bytes`` begins with; special ids never.

        White space is one token where there is one: to take it apart would lead the model where no text leads. After
        a line break the indentation is as it stands; more of it is not for us to add.
        """
        raws, ids = self._sorted
        first = bisect_left(raws, prefix_bytes)
        last = first
        while last < len(raws) and raws[last].startswith(prefix_bytes):
            last += 1
        found = list(ids[first:last])
        if found and prefix_bytes[:1] in (b"\n", b"\r") and raws[first] == prefix_bytes:
            return np.array(found[:1])
        for end in range(1, 0 if found and prefix_bytes.isspace() else len(prefix_bytes)):
            place = bisect_left(raws, prefix_bytes[:end])
            if place < len(raws) and raws[place] == prefix_bytes[:end]:
                found.append(ids[place])
        return np.array(found)

    @cached_property
    def _sorted(self) -> tuple[list[bytes], list[int]]:
        pairs = sorted((raw, i) for i, raw in enumerate(self.tokenizer.raw) if raw)
        return [raw for raw, _ in pairs], [i for _, i in pairs]


def rest(prefix_bytes: bytes, raw: bytes) -> bytes:
    """What is still pending after a token of bytes ``raw``."""
    return prefix_bytes[len(raw) :]


def is_word(raw: bytes) -> bool:
    """Whether all bytes belong to a word; those beyond ASCII do. Nothing is a word too."""
    return all(byte in _WORD_BYTES for byte in raw)
