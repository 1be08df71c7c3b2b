"""Training in numpy, on threads: the specification of what an engine computes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from tinycoder.config import ModelConfig, TrainConfig, n_cpus
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params, Weights, fuse_backward, fuse_forward, loss_and_weight_gradients, losses
from tinycoder_training.memory import peak_memory
from tinycoder_training.optim import Moments, update
from tinycoder_training.parallel import Threads, threads

EVALUATION_ROWS = 8  # that pass at once


@contextmanager
def numpy_engine(
    model: ModelConfig, settings: TrainConfig, params: Params, moments: Moments
) -> Iterator["NumpyEngine"]:
    """The engine on as many threads as a batch has shards, but at most one a core."""
    with threads(min(settings.shards, n_cpus())) as pool:
        yield NumpyEngine(model, settings, params, moments, pool)


@dataclass(frozen=True)
class NumpyEngine:
    """Updates the arrays of the run in place."""

    model: ModelConfig
    settings: TrainConfig
    params: Params
    moments: Moments
    pool: Threads

    def gradients(self, inputs: Array, targets: Array) -> tuple[float, Params]:
        """Those of the shards, summed in their order."""
        pool = self.pool
        bounds = np.linspace(0, len(inputs), self.settings.shards + 1).astype(int)
        weights, fused = fuse_forward(self.params, self.model, pool.map)

        def shard(i: int) -> tuple[float, Weights]:
            rows = slice(bounds[i], bounds[i + 1])
            return loss_and_weight_gradients(weights, self.model, inputs[rows], targets[rows], targets.size)

        parts = pool.map_all(shard, range(self.settings.shards))

        def total(name: str) -> Array:
            array = parts[0][1][name]
            for _, more in parts[1:]:
                array += more[name]
            return array

        loss = sum(part_loss for part_loss, _ in parts)
        dweights = dict(zip(weights, pool.map(total, weights), strict=True))
        return loss, fuse_backward(dweights, fused, pool.map)

    def update(self, gradients: Params, step: int, scale: float) -> float:
        """As ``optim`` says."""
        return update(self.params, gradients, self.moments, self.settings, step, scale, self.pool.map)

    def losses(self, params: Params, inputs: Array, targets: Array) -> Array:
        """A few windows at a time on each thread."""
        return all_losses(self.model, self.pool, params, inputs, targets)

    def fetch(self) -> None:
        """Nothing to do: the arrays of the run are always up to date."""

    def notice(self) -> str:
        """Nothing to say."""
        return ""

    def peak_memory(self) -> int:
        """That of the process."""
        return peak_memory()


def all_losses(model: ModelConfig, pool: Threads, params: Params, inputs: Array, targets: Array) -> Array:
    """Loss of each target in nats: (N,T), (N,T) -> (N,T)."""
    weights, _ = fuse_forward(params, model)

    def some(start: int) -> Array:
        rows = slice(start, start + EVALUATION_ROWS)
        return losses(weights, model, inputs[rows].astype(np.int64), targets[rows].astype(np.int64))

    return np.concatenate(pool.map_all(some, range(0, len(inputs), EVALUATION_ROWS)))
