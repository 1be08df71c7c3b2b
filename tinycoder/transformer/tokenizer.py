"""Text to token ids and back, without loss for any string. Knows no model.

Two kinds behind one class: byte-level BPE for code, and characters (with bytes for the characters that the
training text did not have). Both are stored as a Hugging Face ``tokenizer.json``.

A lone surrogate, which no file in UTF-8 can hold, is read as U+FFFD. Text that spells a special token is text.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cache, cached_property
from typing import Any

import numpy as np
from tokenizers import Regex, decoders, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as HuggingFaceTokenizer

from tinycoder.errors import TokenizerError
from tinycoder.transformer.layers import Array

END_OF_TEXT = "<|endoftext|>"
FILE_SEPARATOR = "<|file_sep|>"
SPECIAL_TOKENS = (
    END_OF_TEXT,
    FILE_SEPARATOR,
    "<|fim_prefix|>",
    "<|fim_suffix|>",
    "<|fim_middle|>",
    "<|pad|>",
)

# One piece each: a line break with the indentation after it; a word with the space before it; one digit; a run of
# punctuation with the space before it; other white space.
CODE_PIECES = r"\r?\n[ \t]*| ?[\p{L}\p{M}_]+|\p{N}| ?[^\s\p{L}\p{M}\p{N}_]+|[^\S\r\n]+|\s"

_SPECIAL_FLAGS = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}

MAX_PIECE = 200  # characters; a longer word is cut without harm


class Tokenizer:
    """Encodes and decodes; ``raw[i]`` are the bytes of id ``i``, empty for a special id."""

    def __init__(self, tokenizer: HuggingFaceTokenizer) -> None:
        """Raises ``TokenizerError`` where a special token or one of the 256 bytes is missing."""
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.vocab_size: int = tokenizer.get_vocab_size(with_added_tokens=True)
        self.special = {token: self._special_id(token) for token in SPECIAL_TOKENS}
        self._by_pieces = isinstance(tokenizer.decoder, decoders.ByteLevel)
        self.raw: tuple[bytes, ...] = self._read_bytes()
        missing = 256 - len({raw for raw in self.raw if len(raw) == 1})
        if missing:
            raise TokenizerError(f"the tokenizer has no token for {missing} of the 256 bytes; train the model again")

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """Read what ``to_json`` wrote. Raises ``TokenizerError`` for anything else.

        The library would take any tokenizer, such as one whose expression takes forever on some text, so it is given
        none but ours: vocabulary and merges are the file's, and all else is as this file makes it.
        """
        try:
            data = json.loads(text)
            _check_frame(data)
            return cls(HuggingFaceTokenizer.from_str(json.dumps(data)))
        except TokenizerError:
            raise
        except Exception as error:
            reason = " ".join(str(error)[:300].split())
            raise TokenizerError(f"the tokenizer cannot be read ({reason}); train the model again") from None

    def to_json(self) -> str:
        """The whole tokenizer in the format of ``tokenizer.json``."""
        return self._tokenizer.to_str(pretty=True)

    @property
    def end_of_text(self) -> int:
        """Id that ends a document."""
        return self.special[END_OF_TEXT]

    @cached_property
    def n_bytes(self) -> Array:
        """Bytes of text that each id stands for, (V,)."""
        return np.array([len(raw) for raw in self.raw])

    def encode(self, text: str) -> list[int]:
        """Ids of ``text``; never a special id."""
        return list(self._tokenizer.encode(_without_surrogates(text), add_special_tokens=False).ids)

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """``encode`` of each text, on all cores."""
        encodings = self._tokenizer.encode_batch_fast([_without_surrogates(t) for t in texts], add_special_tokens=False)
        return [list(encoding.ids) for encoding in encodings]

    def encode_header(self, path: str) -> list[int]:
        """What stands before a document's text; ``end_of_text`` comes after it."""
        return [self.special[FILE_SEPARATOR], *self.encode(f"{path}\n")]

    def last_piece(self, text: str) -> str:
        """The end of ``text`` that a token could still change if the text went on; empty for characters.

        Lone surrogates in it are replaced.
        """
        if not self._by_pieces:
            return ""
        end = _without_surrogates(text[-MAX_PIECE:])
        pieces = self._tokenizer.pre_tokenizer.pre_tokenize_str(end)
        return end[pieces[-1][1][0] :] if pieces else ""

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of ``ids``; a character may be cut at either end."""
        return b"".join(self.raw[i] for i in ids)

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ``ids``; bytes that are no whole character become U+FFFD."""
        return self.decode_bytes(ids).decode("utf-8", errors="replace")

    def _special_id(self, token: str) -> int:
        found = self._tokenizer.token_to_id(token)
        if found is None:
            raise TokenizerError(f"the tokenizer lacks the special token {token}; train the model again")
        return found

    def _read_bytes(self) -> tuple[bytes, ...]:
        read = _byte_level_bytes if self._by_pieces else _character_bytes
        raw = [b""] * self.vocab_size
        special = set(self.special.values())
        for token, i in self._tokenizer.get_vocab(with_added_tokens=True).items():
            if i >= len(raw):
                raise TokenizerError(
                    f"the tokenizer's ids have gaps: {i} is the id of {token!r}; train the model again"
                )
            if i not in special:
                raw[i] = read(token)
        return tuple(raw)


def train_code_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE whose merges stay inside the pieces of ``CODE_PIECES``.

    ``vocab_size`` counts the special tokens and the 256 bytes; a small text may give fewer ids.
    """
    tokenizer = HuggingFaceTokenizer(models.BPE())
    split = pre_tokenizers.Split(Regex(CODE_PIECES), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(map(_without_surrogates, texts), trainer)
    return Tokenizer(tokenizer)


def train_character_tokenizer(texts: Iterable[str]) -> Tokenizer:
    """One id for each character of ``texts``, and one for each byte of any other character."""
    characters = sorted(set().union(*(set(_without_surrogates(text)) for text in texts)))
    tokens = [*SPECIAL_TOKENS, *(f"<0x{byte:02X}>" for byte in range(256)), *characters]
    vocab = {token: i for i, token in enumerate(tokens)}
    tokenizer = HuggingFaceTokenizer(models.BPE(vocab=vocab, merges=[], byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\n", behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return Tokenizer(tokenizer)


def _check_frame(data: Any) -> None:
    """Raise ``TokenizerError`` unless this is a tokenizer of ours, whatever its vocabulary and merges are."""
    foreign = "the tokenizer was not written by TinyCoder ({} is another); train the model again"
    if not isinstance(data, dict) or not isinstance(data.get("model"), dict):
        raise TokenizerError(foreign.format("its form"))
    model = data["model"]
    vocab, merges, added = model.get("vocab"), model.get("merges"), data.get("added_tokens")
    if not isinstance(vocab, dict):
        raise TokenizerError(foreign.format("its vocabulary"))
    ids = list(vocab.values())
    special = [{"id": vocab.get(token), "content": token, **_SPECIAL_FLAGS} for token in SPECIAL_TOKENS]
    if not isinstance(added, list) or sorted(map(repr, added)) != sorted(map(repr, special)):
        raise TokenizerError(foreign.format("its list of special tokens"))
    if not all(type(i) is int for i in ids) or sorted(ids) != list(range(len(ids))):
        raise TokenizerError(foreign.format("its vocabulary"))
    if not isinstance(merges, list) or len(merges) > len(ids):
        raise TokenizerError(foreign.format("its list of merges"))
    odd = min((_differences(data, frame) for frame in _frames()), key=len)
    if odd:
        raise TokenizerError(foreign.format(repr(odd[0])))


@cache
def _frames() -> tuple[Mapping[str, Any], ...]:
    """The two kinds of tokenizer as they are written by the library that is installed."""
    kinds = (train_code_tokenizer([], 0), train_character_tokenizer([]))
    return tuple(json.loads(kind.to_json()) for kind in kinds)


def _differences(data: Mapping[str, Any], frame: Mapping[str, Any]) -> list[str]:
    """Keys that say something else; what another version of the library leaves out, or has off, says nothing."""
    keys = data.keys() - {"vocab", "merges", "added_tokens", "model"}
    odd = sorted(key for key in keys if data[key] != frame.get(key) and (key in frame or data[key]))
    return odd + (_differences(data["model"], frame["model"]) if "model" in frame else [])


def _without_surrogates(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _character_bytes(token: str) -> bytes:
    if len(token) == 6 and token.startswith("<0x") and token.endswith(">"):
        return bytes([int(token[3:5], 16)])
    return token.encode("utf-8")


def _byte_level_bytes(token: str) -> bytes:
    try:
        return bytes(_BYTE_OF[character] for character in token)
    except KeyError as error:
        raise TokenizerError(f"the tokenizer's token {token!r} has no bytes; train the model again") from error


def _byte_characters() -> dict[str, int]:
    """The printable character that byte-level BPE writes for each byte (Radford et al. 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


_BYTE_OF = _byte_characters()
