"""A run that was saved elsewhere: what does not fit its model is refused before it is computed with."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

from tinycoder.config import TrainConfig
from tinycoder.errors import TinyCoderError
from tinycoder.workspace.text import Text
from tinycoder_training.corpora.corpus import Corpus
from tinycoder_training.job import new_job, resumed_job

LESSON = "def add(a, b):\n    return a + b\n\n\n" * 40


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved") / "m"
    text = Text(path="a.py", text=LESSON, n_bytes=len(LESSON))
    corpus = Corpus(recipe="code", train=(text,), validation=(text,))
    job = new_job(corpus, folder=folder, preset="nano", settings=TrainConfig(steps=6, batch_size=2))
    for _ in job.train(stop=lambda: job.progress.step >= 1, clock=lambda: 0.0):
        pass
    return folder


def strange(saved: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]) -> str:
    """What resuming says after a change of arrays and facts; the file is as it was afterwards."""
    file = saved / "optimizer.safetensors"
    raw = file.read_bytes()
    with safe_open(file, framework="numpy") as stored:
        metadata = json.loads(stored.metadata()["facts"])
    arrays = load_file(file)
    change(arrays, metadata)
    save_file(arrays, file, metadata={"facts": json.dumps(metadata)})
    try:
        with pytest.raises(TinyCoderError) as caught:
            resumed_job(saved)
    finally:
        file.write_bytes(raw)
    return str(caught.value)


def test_the_run_as_it_was_saved_goes_on(saved: Path) -> None:
    assert resumed_job(saved).progress.step == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda arrays, metadata: arrays.update({"data/train": np.array([10**6], np.int32)}),
        lambda arrays, metadata: arrays.update({"data/train": np.ones((2, 2), np.int32)}),
        lambda arrays, metadata: arrays.update({"data/validation": np.ones(9, np.float32)}),
        lambda arrays, metadata: arrays.pop("params/model.norm.weight"),
        lambda arrays, metadata: arrays.update({"params/model.norm.weight": np.ones(1, np.float32)}),
        lambda arrays, metadata: arrays.update({"moments/m.model.norm.weight": np.ones(64, np.int8)}),
        lambda arrays, metadata: arrays.update({"start/x": np.ones(1, np.float32)}),
        lambda arrays, metadata: metadata.update(step="1"),
        lambda arrays, metadata: metadata.update(step=10**400),
        lambda arrays, metadata: metadata.update(prompts=[[-1]]),
        lambda arrays, metadata: metadata.update(prompts=[["a"]]),
        lambda arrays, metadata: metadata.update(prompts=3),
        lambda arrays, metadata: metadata.update(before=[1]),
        lambda arrays, metadata: metadata.update(before={"loss": None, "bits_per_byte": 1.0}),
        lambda arrays, metadata: metadata.update(standing={"bits_per_byte": 1.0}),
        lambda arrays, metadata: arrays.update({"beside/validation": np.zeros(3, np.float16)}),
        lambda arrays, metadata: arrays.update({"beside/validation": np.full(len(arrays["data/validation"]), np.nan)}),
        lambda arrays, metadata: metadata.update(best_bits_per_byte="x"),
        lambda arrays, metadata: metadata.update(settings=[]),
        lambda arrays, metadata: metadata["settings"].update(batch_size=10**12),
        lambda arrays, metadata: metadata["settings"].update(seed={}),
        lambda arrays, metadata: metadata.clear(),
    ],
)
def test_what_does_not_fit_is_one_sentence(
    saved: Path, change: Callable[[dict[str, Any], dict[str, Any]], object]
) -> None:
    said = strange(saved, change)
    assert len(said.splitlines()) == 1
    assert "m" in said
