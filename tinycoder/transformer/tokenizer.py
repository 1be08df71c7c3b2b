"""Text to token ids and back, without loss for any string.

Two kinds behind one class: byte-level BPE for code, and characters (with bytes for the characters that the
training text did not have). Both are stored as a Hugging Face ``tokenizer.json``.

A lone surrogate, which no file in UTF-8 can hold, is read as U+FFFD. Text that spells a special token is text.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

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

MAX_PIECE = 200  # characters; a longer word is cut without harm


class Tokenizer:
    """Encodes and decodes; ``raw[i]`` are the bytes of id ``i``, empty for a special id."""

    def __init__(self, tokenizer: HuggingFaceTokenizer) -> None:
        """Raises ``TokenizerError`` where one of the 256 bytes is missing. Ids go from 0 on, without a gap."""
        tokenizer.encode_special_tokens = True
        self._tokenizer = tokenizer
        self.vocab_size: int = tokenizer.get_vocab_size(with_added_tokens=True)
        vocab = tokenizer.get_vocab(with_added_tokens=True)
        self.special = {token: vocab[token] for token in SPECIAL_TOKENS}
        self._by_pieces = isinstance(tokenizer.decoder, decoders.ByteLevel)
        read = _byte_level_bytes if self._by_pieces else _character_bytes
        tokens = sorted(vocab, key=vocab.__getitem__)
        self.raw = tuple(b"" if token in self.special else read(token) for token in tokens)
        missing = 256 - len({raw for raw in self.raw if len(raw) == 1})
        if missing:
            raise TokenizerError(f"the tokenizer has no token for {missing} of the 256 bytes; train the model again")

    @classmethod
    def from_json(cls, text: str) -> Tokenizer:
        """Read what ``to_json`` wrote. Raises ``TokenizerError`` for anything else.

        Only vocabulary and merges are taken from the file. The library would take any tokenizer, such as one whose
        expression takes forever on some text, so all else is made here.
        """
        try:
            model = json.loads(text)["model"]
            vocab, merges = model["vocab"], model["merges"]
            if sorted(vocab.values()) != list(range(len(vocab))) or not vocab.keys() >= set(SPECIAL_TOKENS):
                raise ValueError("its vocabulary is not numbered from 0, or lacks a special token")
            if model.get("byte_fallback") is True:
                return cls(_character_frame(vocab))
            if len(merges) > len(vocab):
                raise ValueError("it has more merges than ids")
            pairs = [tuple(merge.split(" ") if isinstance(merge, str) else merge) for merge in merges]
            tokenizer = _code_frame(models.BPE(vocab=vocab, merges=pairs))
            tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
            return cls(tokenizer)
        except TokenizerError:
            raise
        except Exception as error:  # the library raises no narrower one
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
        """The ids that come before a document's text; ``end_of_text`` comes after it."""
        return [self.special[FILE_SEPARATOR], *self.encode(f"{path}\n")]

    def last_piece(self, text: str) -> str:
        """The end of ``text`` that a token could still change if the text continued; empty for characters.

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


def digest_of(text: str) -> str:
    """SHA-256 of a tokenizer's JSON, hexadecimal: it tells one tokenizer from another."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def train_code_tokenizer(texts: Iterable[str], vocab_size: int) -> Tokenizer:
    """Byte-level BPE whose merges stay inside the pieces of ``CODE_PIECES``.

    ``vocab_size`` counts the special tokens and the 256 bytes; a small text may give fewer ids.
    """
    tokenizer = _code_frame(models.BPE())
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
    return Tokenizer(_character_frame({token: i for i, token in enumerate(tokens)}))


def _code_frame(model: models.BPE) -> HuggingFaceTokenizer:
    """All of a tokenizer for code but vocabulary and merges."""
    tokenizer = HuggingFaceTokenizer(model)
    split = pre_tokenizers.Split(Regex(CODE_PIECES), behavior="isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def _character_frame(vocab: Mapping[str, int]) -> HuggingFaceTokenizer:
    """A tokenizer for characters with this vocabulary."""
    tokenizer = HuggingFaceTokenizer(models.BPE(vocab=dict(vocab), merges=[], byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Split("\n", behavior="isolated")
    tokenizer.decoder = decoders.Sequence([decoders.ByteFallback(), decoders.Fuse()])
    tokenizer.add_special_tokens(list(SPECIAL_TOKENS))
    return tokenizer


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
    return bytes(_BYTE_OF[character] for character in token)


def _byte_characters() -> dict[str, int]:
    """The printable character that byte-level BPE writes for each byte (Radford et al. 2019)."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + i): byte for i, byte in enumerate(others)}


_BYTE_OF = _byte_characters()
