"""Token healing: the last piece of text before the cursor constrains the bytes of the next tokens.

A half-typed word has other tokens than the whole word. So the model does not read the last piece as tokens; its bytes
are the ``prefix_bytes``, and only tokens that agree with them may come next.
"""

from bisect import bisect_left
from functools import cached_property

import numpy as np

from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | frozenset(range(128, 256))


class Healer:
    """Looks up the tokens that agree with prefix bytes, continue a word, or end one.

    ``inside_word`` and ``ends_word`` are masks (V,), ``breaks_line`` and ``ends_line`` ids.
    """

    def __init__(self, tokenizer: Tokenizer) -> None:
        self.tokenizer = tokenizer
        self.inside_word = np.array([bool(raw) and is_word(raw) for raw in tokenizer.raw])
        # As a vector: a product is quicker than a choice.
        self.ends_word = np.array([not raw or raw[0] not in _WORD_BYTES for raw in tokenizer.raw], np.float32)
        breaks_line = [i for i, raw in enumerate(tokenizer.raw) if raw[:1] == b"\n"]
        returns = [i for i, raw in enumerate(tokenizer.raw) if raw[:1] == b"\r"]  # never written: texts have none
        self.breaks_line = np.array(breaks_line, np.intp)
        self._starting: dict[int, Array] = {}
        self.ends_lines = frozenset((*breaks_line, *returns, tokenizer.end_of_text))
        self.ends_line = np.array(sorted(self.ends_lines), np.intp)

    def starts_name(self, n: int) -> Array:
        """A mask (V,) of the tokens whose byte number ``n`` can begin a name."""
        if n not in self._starting:
            self._starting[n] = np.array(
                [
                    len(raw) > n and is_word(raw[n : n + 1]) and not raw[n : n + 1].isdigit()
                    for raw in self.tokenizer.raw
                ]
            )
        return self._starting[n]

    def split(self, text: str) -> tuple[str, bytes]:
        """``text`` without its last piece, and the bytes of that piece."""
        piece = self.tokenizer.last_piece(text)
        return text[: len(text) - len(piece)], piece.encode("utf-8")

    def allowed(self, prefix_bytes: bytes) -> Array:
        """Ids whose bytes begin with ``prefix_bytes`` or are the beginning of it; never special ids.

        White space that has a token is not split: the model never saw it split in training. After a line break the
        indentation is the author's choice, and no token may add to it.
        """
        raws, ids = self._sorted
        first = bisect_left(raws, prefix_bytes)
        last = first
        while last < len(raws) and raws[last].startswith(prefix_bytes):
            last += 1
        agreeing = list(ids[first:last])
        if agreeing and prefix_bytes[:1] == b"\n" and raws[first] == prefix_bytes:
            return np.array(agreeing[:1])
        for end in range(1, 0 if agreeing and prefix_bytes.isspace() else len(prefix_bytes)):
            at = bisect_left(raws, prefix_bytes[:end])
            if at < len(raws) and raws[at] == prefix_bytes[:end]:
                agreeing.append(ids[at])
        return np.array(agreeing)

    @cached_property
    def _sorted(self) -> tuple[list[bytes], list[int]]:
        pairs = sorted((raw, i) for i, raw in enumerate(self.tokenizer.raw) if raw)
        return [raw for raw, _ in pairs], [i for _, i in pairs]


def rest(prefix_bytes: bytes, raw: bytes) -> bytes:
    """The prefix bytes that are left after a token of bytes ``raw``."""
    return prefix_bytes[len(raw) :]


def is_word(raw: bytes) -> bool:
    """Whether all bytes can be in a word, as those beyond ASCII can; True if there are none."""
    return all(byte in _WORD_BYTES for byte in raw)
