"""What a run reads, and its windows of tokens. What a step sees depends on seed and step alone."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np

from tinycoder.transformer.layers import Array


class Stream(Protocol):
    """Token ids in a row: an array (n,), or what reads pieces of them from a disk."""

    def __len__(self) -> int:
        """How many there are."""

    def __getitem__(self, wanted: slice, /) -> Array:
        """A piece of them (n,)."""


@dataclass(frozen=True, kw_only=True)
class Data:
    """Token streams (n,) to train on and to validate with, the bytes of each id (V,), and prompts for samples.

    ``replay`` is other text that is learnt with ``train``, so that the model does not forget what it knew.
    ``beside`` (n,) is what the memory has of each id to validate with (``tinycoder_training.beside``), None for a model
    that does without it.
    """

    train: Stream
    validation: Array
    bytes_of_id: Array
    prompts: tuple[tuple[int, ...], ...]
    end_of_text: int
    replay: Array | None = None
    beside: Array | None = None


@dataclass(frozen=True)
class Windows:
    """A token stream cut into windows of ``context`` + 1 ids, in a new random order and with a new offset every epoch.

    Documents end in the id ``end``; from the second epoch on their order is new too, but for a stream on a disk.
    """

    ids: Stream
    context: int
    batch_size: int
    seed: int
    end: int | None = None
    _shuffled: dict[int, Array] = field(default_factory=dict, init=False, compare=False, repr=False)  # by epoch

    @property
    def per_epoch(self) -> int:
        """Windows in one pass over the stream."""
        return max(1, (len(self.ids) - 1) // self.context - 1)

    def batch(self, step: int) -> tuple[Array, Array]:
        """Inputs and targets of step number ``step`` (from 0), (B,T) each."""
        rows = [self._window(step * self.batch_size + row) for row in range(self.batch_size)]
        windows = np.stack(rows).astype(np.int64)
        return windows[:, :-1], windows[:, 1:]

    def _window(self, number: int) -> Array:
        epoch, position = divmod(number, self.per_epoch)
        offset, order = _epoch_order(self.seed, epoch, self.per_epoch, self.context)
        start = max(0, min(int(order[position]) * self.context + offset, len(self.ids) - self.context - 1))
        return self._ids_of(epoch)[start : start + self.context + 1]

    def _ids_of(self, epoch: int) -> Stream:
        if self.end is None or epoch == 0 or not isinstance(self.ids, np.ndarray):
            return self.ids
        if epoch not in self._shuffled:
            for old in [other for other in self._shuffled if other != epoch - 1]:  # a batch may hold rows of two epochs
                del self._shuffled[old]
            self._shuffled[epoch] = _documents_shuffled(
                self.ids, self.end, np.random.default_rng([self.seed, epoch, 2])
            )
        return self._shuffled[epoch]


@dataclass(frozen=True)
class Mixture:
    """Batches of which each has the same number of rows of every part, in the order of the parts."""

    parts: tuple[Windows, ...]

    def batch(self, step: int) -> tuple[Array, Array]:
        """Inputs and targets of step number ``step`` (from 0), (B,T) each."""
        inputs, targets = zip(*(part.batch(step) for part in self.parts), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


def _documents_shuffled(ids: Array, end: int, rng: np.random.Generator) -> Array:
    """The documents of a stream in another order; what follows the last ``end`` stays behind them."""
    *documents, rest = np.split(ids, np.flatnonzero(ids == end) + 1)
    return np.concatenate([*(documents[i] for i in rng.permutation(len(documents))), rest])


@lru_cache(maxsize=4)
def _epoch_order(seed: int, epoch: int, n: int, context: int) -> tuple[int, Array]:
    rng = np.random.default_rng([seed, epoch])
    return int(rng.integers(0, context)), rng.permutation(n)


def evaluation_windows(ids: Array, context: int, n_tokens: int | None) -> tuple[Array, Array]:
    """Non-overlapping inputs and targets (B,T) that cover the stream, or ``n_tokens`` of it spread evenly.

    A rest shorter than a window is covered by a last window whose already counted targets are -1.
    """
    n = max(1, -(-(len(ids) - 1) // context))
    chosen = np.arange(n)
    if n_tokens is not None and n * context > n_tokens:
        chosen = np.unique(np.linspace(0, n - 1, max(1, n_tokens // context)).astype(int))
    inputs, targets = [], []
    for window in chosen.tolist():
        start = min(window * context, max(0, len(ids) - 1 - context))
        piece = ids[start : start + context + 1].astype(np.int64)
        target = piece[1:].copy()
        target[: window * context - start] = -1
        inputs.append(piece[:-1])
        targets.append(target)
    return np.stack(inputs), np.stack(targets)
