import dataclasses
from pathlib import Path

import pytest

from tinycoder.config import PRESETS, TrainConfig
from tinycoder.errors import TrainingError
from tinycoder_training import forecast as forecast_module
from tinycoder_training.corpora import validation
from tinycoder_training.forecast import forecast, needed_memory, refuse_what_cannot_fit
from tinycoder_training.job import new_job

MODEL = PRESETS["small"].model(4096)
SETTINGS = TrainConfig(steps=1, batch_size=16, shards=2)


def test_a_forecast_changes_nothing_and_saves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "TRIAL_SECONDS", 0)
    settings = TrainConfig(steps=500, batch_size=2, shards=1)
    job = new_job(validation.read(), folder=tmp_path / "m", preset="nano", settings=settings)
    before = {name: param.copy() for name, param in job.progress.params.items()}
    found = forecast(job.run, job.progress)
    assert found.steps == 500
    assert found.seconds > 0
    assert found.n_bytes > 10**7
    assert job.progress.step == 0
    assert all((job.progress.params[name] == before[name]).all() for name in before)
    assert list(tmp_path.iterdir()) == []
    more = dataclasses.replace(job.run, train=dataclasses.replace(settings, steps=5000))
    assert forecast(more, job.progress).steps == 5000


def test_minutes_are_a_forecast_of_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "TRIAL_SECONDS", 0)
    settings = TrainConfig(minutes=2, batch_size=2, shards=1)
    found = forecast(*_of(new_job(validation.read(), folder=tmp_path / "m", preset="nano", settings=settings)))
    assert found.seconds >= 120
    assert found.steps > 100


def _of(job):  # type: ignore[no-untyped-def]
    return job.run, job.progress


def test_needed_memory_grows_with_everything() -> None:
    base = needed_memory(MODEL, SETTINGS)
    for name, value in (("width", 512), ("n_layers", 12), ("context", 4096), ("vocab_size", 16384), ("hidden", 1408)):
        assert needed_memory(dataclasses.replace(MODEL, **{name: value}), SETTINGS) > base  # type: ignore[arg-type]
    assert needed_memory(MODEL, dataclasses.replace(SETTINGS, batch_size=4096)) > base


def test_a_batch_that_cannot_fit_is_refused_with_one_that_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forecast_module, "free_memory", lambda: 2 * 10**9)
    refuse_what_cannot_fit(MODEL, SETTINGS)
    huge = dataclasses.replace(SETTINGS, batch_size=1 << 20)
    with pytest.raises(
        TrainingError, match=r"needs about .* GB of memory and 2.0 GB are free: use --batch-size (\d+)"
    ) as caught:
        refuse_what_cannot_fit(MODEL, huge)
    fitting = int(str(caught.value).rsplit(" ", 1)[1])
    refuse_what_cannot_fit(MODEL, dataclasses.replace(SETTINGS, batch_size=fitting))
    monkeypatch.setattr(forecast_module, "free_memory", lambda: 10**6)
    with pytest.raises(TrainingError, match="smaller --preset"):
        refuse_what_cannot_fit(MODEL, SETTINGS)
    monkeypatch.setattr(forecast_module, "free_memory", lambda: None)
    refuse_what_cannot_fit(MODEL, huge)
