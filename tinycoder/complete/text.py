"""What a word is: letters, digits, underscores and anything beyond ASCII, in text and in bytes."""

from __future__ import annotations

import numpy as np

from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer

_WORD_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") | frozenset(range(128, 256))


def typed_word(text: str, offset: int) -> str:
    """The part of a word that stands before ``offset``; empty after anything else."""
    start = offset
    while start > 0 and is_word_character(text[start - 1]):
        start -= 1
    return text[start:offset]


def rest_of_word(text: str, offset: int) -> str:
    """The part of a word that stands after ``offset``."""
    end = offset
    while end < len(text) and is_word_character(text[end]):
        end += 1
    return text[offset:end]


def is_word_character(character: str) -> bool:
    """Whether a character can stand in a word."""
    return character == "_" or character.isalnum()


def is_word(raw: bytes) -> bool:
    """Whether all bytes belong to a word; nothing is a word too."""
    return all(byte in _WORD_BYTES for byte in raw)


def word_tokens(tokenizer: Tokenizer) -> tuple[Array, Array]:
    """Two masks over the ids, (V,) each: tokens that are all word, and tokens before which a word has ended."""
    inside = np.array([bool(raw) and is_word(raw) for raw in tokenizer.raw])
    ends = np.array([not raw or raw[0] not in _WORD_BYTES for raw in tokenizer.raw])
    return inside, ends
