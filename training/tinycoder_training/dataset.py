"""Token windows for training and evaluation. Knows ids, no text; what a step sees depends on seed and step alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tinycoder.layers import Array

Rewrite = Callable[[Array, np.random.Generator], Array]


@dataclass(frozen=True)
class Windows:
    """A token stream cut into windows of ``context`` + 1 ids, met in a new random order and offset every epoch.

    ``rewrite`` may put other ids, as many, in the place of a window; its randomness is its window's own.
    """

    ids: Array
    context: int
    batch_size: int
    seed: int
    rewrite: Rewrite | None = None

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
        epoch, place = divmod(number, self.per_epoch)
        offset, order = _epoch_order(self.seed, epoch, self.per_epoch, self.context)
        start = max(0, min(int(order[place]) * self.context + offset, len(self.ids) - self.context - 1))
        window = self.ids[start : start + self.context + 1]
        return self.rewrite(window, np.random.default_rng([self.seed, number, 1])) if self.rewrite else window


@dataclass(frozen=True)
class Mixture:
    """Batches of which each has the same number of rows of every part, in the order of the parts."""

    parts: tuple[Windows, ...]

    def batch(self, step: int) -> tuple[Array, Array]:
        """Inputs and targets of step number ``step`` (from 0), (B,T) each."""
        inputs, targets = zip(*(part.batch(step) for part in self.parts), strict=True)
        return np.concatenate(inputs), np.concatenate(targets)


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
    for window in chosen:
        start = min(window * context, max(0, len(ids) - 1 - context))
        piece = ids[start : start + context + 1].astype(np.int64)
        target = piece[1:].copy()
        target[: window * context - start] = -1
        inputs.append(piece[:-1])
        targets.append(target)
    return np.stack(inputs), np.stack(targets)
