"""A stopped run as named arrays and plain data, and the run made from them again, bit for bit.

``checkpoint`` writes and reads them.
"""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinycoder.config import TrainConfig
from tinycoder.storage.checkpoint import Model, State
from tinycoder.storage.record import KEYS, Amount, Count
from tinycoder.transformer.layers import Array
from tinycoder.validate import plain, read
from tinycoder_training.dataset import Data
from tinycoder_training.evaluation import Evaluation
from tinycoder_training.optim import init_moments
from tinycoder_training.shards.folder import open_shards
from tinycoder_training.shards.stream import MappedStream, ShardsAt
from tinycoder_training.trainer import Progress, Run


@dataclass(frozen=True, kw_only=True)
class _Counters:
    """The plain data of a stopped run."""

    settings: TrainConfig
    prompts: tuple[tuple[Count, ...], ...]
    step: Count
    seconds: Amount
    smooth_loss: Amount | None
    best_bits_per_byte: Amount | None
    best_judged: Amount | None = None
    before: dict[str, Amount | None] | None = None  # an evaluation
    standing: Amount | dict[str, Amount | None] | None = None  # a number as version 0.1.0 wrote it
    shards: ShardsAt | None = None  # where the run reads, if that is not kept with it


def state_of(run: Run, progress: Progress) -> State:
    """Everything that changes, and what the run reads, but the best weights, which the model folder has, and shards."""
    arrays = {f"params/{name}": param for name, param in progress.params.items()}
    arrays |= {f"moments/{name}": moment for name, moment in progress.moments.items()}
    arrays["data/validation"] = run.data.validation
    train = run.data.train
    optional = {
        "data/train": train if isinstance(train, np.ndarray) else None,
        "data/replay": run.data.replay,
        "beside/validation": run.data.beside,
    }
    arrays |= {name: array for name, array in optional.items() if array is not None}
    if run.start is not None:
        arrays |= {f"start/{name}": param for name, param in run.start.items()}
    counters = _Counters(
        settings=run.train,
        prompts=run.data.prompts,
        step=progress.step,
        seconds=progress.seconds,
        smooth_loss=progress.smooth_loss,
        best_bits_per_byte=finite(progress.best_bits_per_byte),
        best_judged=finite(progress.best_judged),
        before=_plain(progress.before),
        standing=_plain(run.standing),
        shards=train.at if isinstance(train, MappedStream) else None,
    )
    return State(arrays=arrays, metadata=plain(counters, KEYS))


def run_of(
    state: State, model: Model, *, steps: int | None = None, minutes: float | None = None
) -> tuple[Run, Progress]:
    """The run as it was, or with another budget; ``model`` holds its best weights.

    Raises ``KeyError`` or ``ValueError`` for what is missing or does not fit.
    """
    counters = read(_Counters, state.metadata, keys=KEYS)
    settings = counters.settings
    if steps is not None or minutes is not None:
        settings = dataclasses.replace(settings, steps=steps, minutes=minutes)
    groups: dict[str, dict[str, Array]] = {}
    for name, array in state.arrays.items():
        group, _, rest = name.partition("/")
        groups.setdefault(group, {})[rest] = array
    beside = groups.get("beside", {}).get("validation")
    _check_beside(beside, groups["data"]["validation"])
    at = counters.shards
    data = Data(
        train=groups["data"]["train"] if at is None else open_shards(Path(at.folder), digest=at.digest).train,
        validation=groups["data"]["validation"],
        bytes_of_id=model.tokenizer.n_bytes,
        prompts=counters.prompts,
        end_of_text=model.tokenizer.end_of_text,
        replay=groups["data"].get("replay"),
        beside=beside,
    )
    _check_ids([*groups["data"].values(), *map(np.array, data.prompts)], model.config.vocab_size)
    moments = init_moments(model.params, settings)
    for group in ("params", "moments", *({"start"} & groups.keys())):
        _check_shapes(groups[group], moments if group == "moments" else model.params, group)
    best, judged = (math.inf if each is None else each for each in (counters.best_bits_per_byte, counters.best_judged))
    progress = Progress(
        params=groups["params"],
        moments=groups["moments"],
        best_params=model.params,
        best_bits_per_byte=best,
        best_judged=best if beside is None else judged,
        smooth_loss=counters.smooth_loss,
        step=counters.step,
        seconds=counters.seconds,
        before=_evaluation(counters.before),
        curve=list(model.training.curve),
    )
    standing = counters.standing
    if standing is not None and not isinstance(standing, dict):
        standing = {"loss": 0.0, "bits_per_byte": standing}
    run = Run(model=model.config, train=settings, data=data, start=groups.get("start"), standing=_evaluation(standing))
    return run, progress


def _plain(evaluation: Evaluation | None) -> dict[str, float | None] | None:
    if evaluation is None:
        return None
    return {name: getattr(evaluation, name) for name in ("loss", "bits_per_byte", "beside")}


def _evaluation(found: Mapping[str, float | None] | None) -> Evaluation | None:
    """The evaluation that ``_plain`` wrote, or an earlier version without ``beside``."""
    if found is None:
        return None
    loss, bits_per_byte = found["loss"], found["bits_per_byte"]
    if loss is None or bits_per_byte is None:
        raise ValueError("an evaluation without its figures")
    return Evaluation(loss=loss, bits_per_byte=bits_per_byte, beside=found.get("beside"))


def _check_beside(beside: Array | None, ids: Array) -> None:
    """Raise ``ValueError`` unless there is nothing, or a logarithm for each id."""
    if beside is not None and (beside.dtype.kind != "f" or beside.shape != ids.shape or not (beside < np.inf).all()):
        raise ValueError(f"{beside.dtype} of shape {beside.shape} are no logarithms for {len(ids)} ids")


def _check_ids(parts: Sequence[Array], vocab_size: int) -> None:
    """Raise ``ValueError`` unless all are rows of the ids of a tokenizer."""
    for ids in parts:
        if ids.ndim != 1 or (len(ids) and (ids.dtype.kind not in "iu" or not 0 <= ids.min() <= ids.max() < vocab_size)):
            raise ValueError(f"{ids.dtype} of shape {ids.shape} are no row of ids below {vocab_size}")


def _check_shapes(arrays: Mapping[str, Array], like: Mapping[str, Array], group: str) -> None:
    """Raise ``ValueError`` unless the arrays have the names, shapes and types of those of ``like``."""
    for name in sorted(arrays.keys() | like.keys()):
        if name not in arrays or name not in like:
            raise ValueError(f"its model and the arrays of {group} differ in {name}")
        if arrays[name].shape != like[name].shape or arrays[name].dtype != like[name].dtype:
            raise ValueError(f"{group}/{name} is not of shape {like[name].shape}")


def finite(value: float) -> float | None:
    """``value``, or None for infinity, the best of no evaluation, which JSON cannot hold."""
    return value if math.isfinite(value) else None
