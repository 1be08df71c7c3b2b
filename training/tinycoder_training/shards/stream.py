"""A token stream that lies in several files on the disk, mapped into memory: a window reads what it needs of them."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycoder.errors import TrainingError
from tinycoder.transformer.layers import Array


@dataclass(frozen=True)
class ShardsAt:
    """Where shards lie, and the digest of their description, by which a stopped run knows them again."""

    folder: str
    digest: str


class MappedStream:
    """The ids of ``arrays`` (n,) one after the other; ``at`` is where they come from. Ids are below ``vocab_size``."""

    def __init__(self, arrays: Sequence[Array], at: ShardsAt, vocab_size: int) -> None:
        self.at = at
        self._arrays = tuple(arrays)
        self._starts = np.cumsum([0, *map(len, arrays)]).tolist()
        self._vocab_size = vocab_size

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, wanted: slice) -> Array:
        """The ids from ``wanted.start`` to ``wanted.stop`` (n,), copied.

        Raises ``TrainingError`` for an id that the tokenizer does not have: the file is damaged.
        """
        start, stop, _ = wanted.indices(len(self))
        pieces: list[Array] = []
        i = bisect_right(self._starts, start) - 1
        while start < stop:
            first, end = self._starts[i], min(stop, self._starts[i + 1])
            pieces.append(self._arrays[i][start - first : end - first])
            start, i = end, i + 1
        ids = np.concatenate(pieces) if pieces else np.zeros(0, np.uint16)
        if len(ids) and int(ids.max()) >= self._vocab_size:
            raise TrainingError(f"a shard in {Path(self.at.folder)} is damaged: it has ids beyond its tokenizer's")
        return ids
