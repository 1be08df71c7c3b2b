"""A run that learns shards: new weights, or those of a model with the tokenizer that cut them."""

import dataclasses
from pathlib import Path

import numpy as np

from tinycoder.config import PRESETS, TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.storage.checkpoint import Model
from tinycoder.storage.record import TrainingRecord
from tinycoder.transformer.model import Params, init_params
from tinycoder.transformer.tokenizer import digest_of
from tinycoder_training.dataset import Data
from tinycoder_training.job import Job, begun
from tinycoder_training.optim import init_moments
from tinycoder_training.quality import has_finished_model
from tinycoder_training.shards.folder import Shards
from tinycoder_training.trainer import Progress, Run


def shards_job(
    shards: Shards,
    *,
    folder: Path,
    settings: TrainConfig,
    preset: str,
    record: TrainingRecord,
    start: Model | None = None,
    context: int | None = None,
    overwrite: bool = False,
) -> Job:
    """A run from new weights in the size of ``preset``, or from those of ``start``; ``context`` is another window.

    It replays nothing, and no memory stands beside it: shards are no workspace. Raises ``TrainingError`` for shards of
    another tokenizer than that of ``start``, for too few ids, and for a finished model in ``folder``, which cannot be
    compared, unless ``overwrite``.
    """
    if has_finished_model(folder) and not overwrite:
        raise TrainingError(
            f"there is a model {folder.name!r} already; replace it with --overwrite, or choose another --name"
        )
    if start is not None and digest_of(start.tokenizer.to_json()) != shards.description.tokenizer:
        raise TrainingError(
            f"the shards in {shards.folder} were cut by another tokenizer than that of {start.name}; "
            f"write them with `tinycoder corpus --from {start.name}`, or learn them with new weights (--from none)"
        )
    config = start.config if start is not None else PRESETS[preset].model(shards.tokenizer.vocab_size)
    config = dataclasses.replace(config, context=context or config.context)
    if len(shards.train) <= 2 * config.context or len(shards.validation) < 2:
        raise TrainingError(f"the shards in {shards.folder} hold too little text; train on the folders themselves")
    settings = dataclasses.replace(settings, replay=0.0, beside_memory=False)
    params = init_params(config, np.random.default_rng(settings.seed)) if start is None else _copy(start.params)
    best = _copy(params)
    data = Data(
        train=shards.train,
        validation=shards.validation,
        bytes_of_id=shards.tokenizer.n_bytes,
        prompts=shards.description.prompts,
        end_of_text=shards.tokenizer.end_of_text,
    )
    record = begun(record, config, settings, preset, start)
    return Job(
        folder=folder,
        run=Run(model=config, train=settings, data=data, start=best if start else None),
        progress=Progress(params=params, moments=init_moments(params, settings), best_params=best),
        tokenizer=shards.tokenizer,
        record=dataclasses.replace(record, recipe="code", data=shards.description.data),
    )


def _copy(params: Params) -> Params:
    return {name: param.copy() for name, param in params.items()}
