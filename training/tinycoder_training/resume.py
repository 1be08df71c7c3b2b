"""What a stopped run needs to go on, bit for bit, as named arrays and plain data, and a run made from them again.

Knows no folders; ``checkpoint`` writes and reads them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence

import numpy as np

from tinycoder.config import TrainConfig
from tinycoder.storage.checkpoint import Model, State
from tinycoder.storage.record import MAX_NUMBER
from tinycoder.transformer.layers import Array
from tinycoder_training.optim import init_moments
from tinycoder_training.streams import rewrite_of
from tinycoder_training.trainer import Data, Evaluation, Progress, Run

_NUMBERS = {
    "step": (int,),
    "seconds": (int, float),
    "smooth_loss": (float, type(None)),
    "best_bits_per_byte": (float, type(None)),
}


def state_of(run: Run, progress: Progress) -> State:
    """All that changes, and all that the run reads. The best weights are not in it: the model folder has them."""
    arrays = {f"params/{name}": param for name, param in progress.params.items()}
    arrays |= {f"moments/{name}": moment for name, moment in progress.moments.items()}
    arrays |= {"data/train": run.data.train, "data/validation": run.data.validation}
    if run.data.replay is not None:
        arrays["data/replay"] = run.data.replay
    metadata = {
        "settings": dataclasses.asdict(run.train),
        "prompts": run.data.prompts,
        "step": progress.step,
        "seconds": progress.seconds,
        "smooth_loss": progress.smooth_loss,
        "best_bits_per_byte": finite(progress.best_bits_per_byte),
        "before": None,
    }
    if run.start is not None:
        arrays |= {f"start/{name}": param for name, param in run.start.items()}
    if progress.before is not None:
        metadata["before"] = {"loss": progress.before.loss, "bits_per_byte": progress.before.bits_per_byte}
    return State(arrays=arrays, metadata=metadata)


def run_of(state: State, model: Model, settings: TrainConfig) -> tuple[Run, Progress]:
    """The run as it was; ``model`` holds its best weights.

    Raises ``KeyError``, ``TypeError`` or ``ValueError`` for what is missing or does not fit.
    """
    groups: dict[str, dict[str, Array]] = {}
    for name, array in state.arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    metadata = state.metadata
    data = Data(
        train=groups["data"]["train"],
        validation=groups["data"]["validation"],
        bytes_of_id=model.tokenizer.n_bytes,
        prompts=tuple(tuple(prompt) for prompt in metadata["prompts"]),
        end_of_text=model.tokenizer.end_of_text,
        rewrite=rewrite_of(model.tokenizer, settings),
        replay=groups["data"].get("replay"),
    )
    _check_ids([*groups["data"].values(), *map(np.array, data.prompts)], model.config.vocab_size)
    _check_shapes(groups["params"], model.params, "params")
    _check_shapes(groups["moments"], init_moments(model.params, settings), "moments")
    if "start" in groups:
        _check_shapes(groups["start"], model.params, "start")
    for name, kinds in _NUMBERS.items():
        if type(metadata[name]) not in kinds or not abs(metadata[name] or 0) < MAX_NUMBER:
            raise ValueError(f"a number for {name}")
    best = metadata["best_bits_per_byte"]
    progress = Progress(
        params=groups["params"],
        moments=groups["moments"],
        best_params=model.params,
        best_bits_per_byte=math.inf if best is None else best,
        smooth_loss=metadata["smooth_loss"],
        step=metadata["step"],
        seconds=metadata["seconds"],
        before=Evaluation(**metadata["before"]) if metadata.get("before") else None,
        curve=list(model.training["curve"]),
    )
    return Run(model=model.config, train=settings, data=data, start=groups.get("start")), progress


def _check_ids(parts: Sequence[Array], vocab_size: int) -> None:
    """Raise ``ValueError`` unless all are rows of the ids of a tokenizer."""
    for ids in parts:
        if ids.ndim != 1 or (len(ids) and (ids.dtype.kind not in "iu" or not 0 <= ids.min() <= ids.max() < vocab_size)):
            raise ValueError(f"rows of ids below {vocab_size}")


def _check_shapes(arrays: Mapping[str, Array], like: Mapping[str, Array], group: str) -> None:
    """Raise ``ValueError`` unless the arrays have the names, shapes and types of those of ``like``."""
    for name in sorted(arrays.keys() | like.keys()):
        if name not in arrays or name not in like:
            raise ValueError(f"the arrays of {group} that its model has ({name})")
        if arrays[name].shape != like[name].shape or arrays[name].dtype != like[name].dtype:
            raise ValueError(f"{group}/{name} of shape {like[name].shape}")


def finite(value: float) -> float | None:
    """Infinity, the best of no evaluation, has no place in JSON."""
    return value if math.isfinite(value) else None
