"""One model from the late checkpoints of a run: the mean of the last few, as many as predict held-out text best.

Weights near the end of a run lie around a better point than each of them (Izmailov et al. 2018).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file

from tinycoder.config import ModelConfig
from tinycoder.errors import CheckpointError
from tinycoder.storage.checkpoint import Model
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import Params, param_shapes
from tinycoder.workspace.text import Text
from tinycoder_training.quality import measure

COUNTS = (1, 2, 3, 5)  # and all of them


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """The mean of the last ``n`` checkpoints, or with 0 the weights that the run itself kept."""

    n: int
    bits_per_byte: float


def late_checkpoints(run: Path) -> tuple[Path, ...]:
    """What ``train.py`` kept next to the run's folder, oldest first; nothing if the run did not come so far."""
    return tuple(sorted(run.with_name(f"{run.name}-late").glob("*.safetensors")))


def mean(files: Sequence[Path], config: ModelConfig) -> Params:
    """Mean of the weights in ``files``, float32. Raises ``CheckpointError`` for one that is not of this shape."""
    totals: dict[str, Array] = {name: np.zeros(shape) for name, shape in param_shapes(config).items()}
    for file in files:
        try:
            stored = load_file(file)
        except (OSError, SafetensorError) as error:
            raise CheckpointError(f"{file} cannot be read ({error}); remove it and ship again") from None
        if {name: array.shape for name, array in stored.items()} != param_shapes(config):
            raise CheckpointError(f"{file} is of another shape than the run's model; remove what is of another run")
        for name, array in stored.items():
            if not np.isfinite(array).all():
                raise CheckpointError(f"{file}: tensor {name!r} holds values that are not numbers; remove the file")
            totals[name] += array
    return {name: (total / len(files)).astype(np.float32) for name, total in totals.items()}


def best(
    model: Model, files: Sequence[Path], texts: Sequence[Text], *, n_tokens: int
) -> tuple[Model, tuple[Candidate, ...]]:
    """The best of ``model`` and means of its last checkpoints on ``n_tokens`` of ``texts``, and all that were tried.

    Of equals the one with fewer checkpoints.
    """
    chosen = model
    tried = [Candidate(n=0, bits_per_byte=measure(model, texts, n_tokens=n_tokens).bits_per_byte)]
    for n in sorted({n for n in COUNTS if n < len(files)} | {len(files)} - {0}):
        averaged = dataclasses.replace(model, params=mean(files[-n:], model.config))
        found = measure(averaged, texts, n_tokens=n_tokens).bits_per_byte
        if found < min(candidate.bits_per_byte for candidate in tried):
            chosen = averaged
        tried.append(Candidate(n=n, bits_per_byte=found))
    return chosen, tuple(tried)
