"""Texts as streams of token ids, to train on and to validate with, and prompts for samples."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from tinycoder.config import TrainConfig
from tinycoder.errors import CorpusError
from tinycoder.transformer.layers import Array
from tinycoder.transformer.tokenizer import Tokenizer
from tinycoder.workspace.text import Text
from tinycoder_training.beside import beside_memory
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.dataset import Data

FILES_AT_A_TIME = 64
N_PROMPTS = 3
TEXT_PROMPT = 40
CODE_PROMPT = 600


def data_of(
    corpus: Corpus,
    tokenizer: Tokenizer,
    settings: TrainConfig,
    context: int,
    replay: Sequence[Text] = (),
    rest: Sequence[Text] = (),
) -> Data:
    """All that a run reads; the memory knows ``rest`` besides the corpus.

    Raises ``CorpusError`` if there is too little text to learn from and be judged by.
    """
    order = np.random.default_rng(settings.seed).permutation(len(corpus.train))
    train = stream([corpus.train[i] for i in order], tokenizer, corpus.recipe)
    validation = stream(corpus.validation, tokenizer, corpus.recipe)
    if len(train) < 2 or len(validation) < 2:
        raise CorpusError("there is too little text to learn from: one token cannot be predicted from nothing")
    beside = None
    if settings.beside_memory:
        known = known_stream([*corpus.train, *rest], tokenizer, corpus.recipe)
        beside = beside_memory(validation, known, tokenizer.end_of_text)
    other = stream(replay, tokenizer, corpus.recipe) if settings.replay_rows else train[:0]
    return Data(
        train=_long_enough(train, context),
        validation=validation,
        beside=beside,
        bytes_of_id=tokenizer.n_bytes,
        prompts=_prompts(corpus, tokenizer),
        end_of_text=tokenizer.end_of_text,
        replay=_long_enough(other, context) if len(other) else None,
    )


def known_stream(texts: Sequence[Text], tokenizer: Tokenizer, recipe: str) -> Array:
    """The texts of a memory as one stream, in the same order for every model that is judged beside it."""
    return stream(sorted(texts, key=lambda text: text.path), tokenizer, recipe)


def stream(texts: Sequence[Text], tokenizer: Tokenizer, recipe: str) -> Array:
    """All texts as one stream of ids (n,)."""
    return np.concatenate([np.zeros(0, _dtype(tokenizer)), *documents(texts, tokenizer, recipe)])


def documents(texts: Sequence[Text], tokenizer: Tokenizer, recipe: str) -> Iterator[Array]:
    """The ids (n,) of each text, a few files at a time: lists of ids take thirty times the room of an array."""
    for start in range(0, len(texts), FILES_AT_A_TIME):
        group = texts[start : start + FILES_AT_A_TIME]
        for text, ids in zip(group, tokenizer.encode_all([text.text for text in group]), strict=True):
            whole = [*tokenizer.encode_header(text.path), *ids, tokenizer.end_of_text] if recipe == "code" else ids
            yield np.array(whole, _dtype(tokenizer))


def _dtype(tokenizer: Tokenizer) -> type[np.unsignedinteger[Any]]:
    return np.uint16 if tokenizer.vocab_size <= 2**16 else np.uint32


def _long_enough(ids: Array, context: int) -> Array:
    """The stream, repeated until it fills two windows where it is shorter."""
    repeats = -(-(2 * context + 1) // len(ids))
    return np.tile(ids, repeats)


def _prompts(corpus: Corpus, tokenizer: Tokenizer) -> tuple[tuple[int, ...], ...]:
    """Pieces of the largest held-out texts: of a file up to the end of a line near its middle, else its first words."""
    prompts = []
    for text in sorted(corpus.validation, key=lambda text: -text.n_bytes)[:N_PROMPTS]:
        code = corpus.recipe == "code"
        prompts.append(prompt_of(text, tokenizer) if code else tokenizer.encode(text.text[:TEXT_PROMPT]))
    return tuple(tuple(prompt) for prompt in prompts if prompt)


def prompt_of(text: Text, tokenizer: Tokenizer) -> list[int]:
    """The ids of a file's header and of a piece of it up to the end of a line near its middle."""
    end = text.text.find("\n", len(text.text) // 2) + 1 or len(text.text)
    start = text.text.find("\n", max(0, end - CODE_PROMPT)) + 1
    return tokenizer.encode_header(text.path) + tokenizer.encode(text.text[start:end])
