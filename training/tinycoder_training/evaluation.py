"""How well weights predict what is held out."""

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.transformer.model import Params
from tinycoder_training.beside import mixed_losses
from tinycoder_training.dataset import Data, evaluation_windows
from tinycoder_training.engines.engine import Losses
from tinycoder_training.engines.numpy_engine import EVALUATION_ROWS, all_losses
from tinycoder_training.parallel import Threads

FINAL_EVALUATION_TOKENS = 400_000


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Held-out loss in nats per token and in bits per byte, and the ids that complete each prompt.

    ``beside`` is the loss in bits per byte of the model beside the memory, about; None for one that does without it.
    """

    loss: float
    bits_per_byte: float
    beside: float | None = None
    samples: tuple[tuple[int, ...], ...] = ()

    @property
    def judged(self) -> float:
        """The bits per byte by which models are compared."""
        return self.bits_per_byte if self.beside is None else self.beside


def evaluate(
    params: Params, model: ModelConfig, data: Data, *, n_tokens: int | None, losses: Losses | None = None
) -> Evaluation:
    """Loss over the validation stream, or ``n_tokens`` of it; a special token costs nats and counts no bytes.

    ``losses`` are those of an engine; without them numpy computes on one thread.
    """
    inputs, targets = evaluation_windows(np.arange(len(data.validation)), model.context, n_tokens)
    counted, places = targets >= 0, np.maximum(targets, 0)
    ids = data.validation[places]
    nats = (losses or partial(all_losses, model, Threads(None)))(params, data.validation[inputs], ids)

    def sums(start: int) -> tuple[float, float, int, int]:
        rows = slice(start, start + EVALUATION_ROWS)
        own = nats[rows][counted[rows]]
        mixed = own if data.beside is None else mixed_losses(own, data.beside[places[rows][counted[rows]]])
        return (
            float(own.sum(dtype=np.float64)),
            float(mixed.sum(dtype=np.float64)),
            len(own),
            int(data.bytes_of_id[ids[rows][counted[rows]]].sum()),
        )

    parts = map(sums, range(0, len(inputs), EVALUATION_ROWS))
    total, mixed, n, n_bytes = (sum(column) for column in zip(*parts, strict=True))
    per_byte = 1 / math.log(2) / max(1, n_bytes)
    beside = None if data.beside is None else mixed * per_byte
    return Evaluation(loss=total / n, bits_per_byte=total * per_byte, beside=beside)
