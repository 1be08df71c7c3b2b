"""A memory of a workspace of given texts."""

from collections.abc import Mapping

import numpy as np

from tinycoder.memory.ngrams import Memory
from tinycoder.memory.suffix_index import SuffixIndex, token_corpus
from tinycoder.transformer.tokenizer import FILE_SEPARATOR, Tokenizer


def workspace_of(tokenizer: Tokenizer, files: Mapping[str, str]) -> SuffixIndex:
    texts = [(path, np.array(tokenizer.encode(text), np.int32)) for path, text in files.items()]
    return SuffixIndex(token_corpus(texts, tokenizer.special[FILE_SEPARATOR]))


def memory_of(tokenizer: Tokenizer, files: Mapping[str, str]) -> Memory:
    memory = Memory(tokenizer)
    memory.use(workspace_of(tokenizer, files))
    return memory
