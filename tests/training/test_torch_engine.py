"""The PyTorch engine: the same numbers as the numpy engine, and the same runs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.command import environment, tinycoder
from tests.conftest import small_job
from tests.training.test_trainer import snapshot, ticking
from tinycoder.config import PRESETS, ModelConfig, TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.storage.checkpoint import load_model
from tinycoder.transformer.model import Params, init_params
from tinycoder_training.engines.engine import OpenEngine
from tinycoder_training.engines.numpy_engine import numpy_engine
from tinycoder_training.forecast import forecast
from tinycoder_training.job import Job, resumed_job
from tinycoder_training.optim import init_moments
from tinycoder_training.trainer import Report

torch = pytest.importorskip("torch")

from tinycoder_training.engines import torch_engine as module  # noqa: E402 (needs torch)
from tinycoder_training.engines.torch_engine import torch_engine  # noqa: E402
from tinycoder_training.engines.torch_model import Llama  # noqa: E402

EAGER: OpenEngine = partial(torch_engine, compiled=False)  # it starts sooner
SHAPES = {
    "nano": PRESETS["nano"].model(vocab_size=300),
    "shared heads": ModelConfig(
        vocab_size=50, width=80, n_layers=3, n_heads=10, n_kv_heads=5, hidden=64, context=33, rope_theta=500.0
    ),
}


@pytest.fixture(autouse=True)
def _one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Models this small gain nothing from threads, and lose a lot where cores are shared."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def batches(model: ModelConfig, n: int, rows: int) -> Iterator[tuple[Any, Any]]:
    """Ids of which each is the one before and a little more: they can be learnt."""
    rng = np.random.default_rng(1)
    for _ in range(n):
        first = rng.integers(0, model.vocab_size, (rows, 1))
        ids = (first + np.cumsum(rng.integers(0, 4, (rows, model.context + 1)), -1)) % model.vocab_size
        yield ids[:, :-1], ids[:, 1:]


def learnt(open_engine: OpenEngine, model: ModelConfig, settings: TrainConfig) -> tuple[list[float], Params, Params]:
    """Losses of 20 steps, the gradients of the first, and the weights after the last."""
    params = init_params(model, np.random.default_rng(0))
    losses, first = [], {}
    with open_engine(model, settings, params, init_moments(params, settings)) as engine:
        for number, (inputs, targets) in enumerate(batches(model, 20, settings.batch_size)):
            loss, gradients = engine.gradients(inputs, targets)
            if number == 0:
                first = {name: np.array(gradient.tolist()) for name, gradient in gradients.items()}
            engine.update(gradients, number + 1, 1.0)
            losses.append(loss)
        engine.fetch()
    return losses, first, params


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_learns_what_numpy_learns(shape: str, optimizer: str) -> None:
    settings = TrainConfig(steps=20, batch_size=5, optimizer=optimizer)
    losses, gradients, params = learnt(numpy_engine, SHAPES[shape], settings)
    others, other_gradients, other_params = learnt(EAGER, SHAPES[shape], settings)
    assert losses[-1] < losses[0] - 0.5
    np.testing.assert_allclose(others, losses, rtol=0, atol=1e-3)
    assert gradients.keys() == other_gradients.keys()
    for name, gradient in gradients.items():
        np.testing.assert_allclose(other_gradients[name], gradient, rtol=0, atol=1e-4 * np.abs(gradient).max())
        np.testing.assert_allclose(other_params[name], params[name], rtol=0, atol=2e-3 * np.abs(params[name]).max())


def test_it_judges_as_numpy_judges_also_weights_that_are_only_read(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m")
    params = {name: param.copy() for name, param in job.progress.params.items()}
    for param in params.values():
        param.setflags(write=False)
    inputs, targets = next(batches(job.run.model, 1, 19))
    found = []
    for open_engine in (numpy_engine, EAGER):
        with open_engine(job.run.model, job.run.train, job.progress.params, job.progress.moments) as engine:
            found.append(engine.losses(params, inputs, targets))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-4)


def part(job: Job, open_engine: OpenEngine, until: int) -> list[Report]:
    return list(job.train(stop=lambda: job.progress.step >= until, clock=ticking(), open_engine=open_engine))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
@pytest.mark.parametrize(("first", "second"), [(numpy_engine, EAGER), (EAGER, numpy_engine)], ids=["to", "from"])
def test_a_run_stops_on_one_engine_and_goes_on_on_the_other(
    tmp_path: Path, first: OpenEngine, second: OpenEngine, optimizer: str
) -> None:
    whole = [report.loss for report in part(small_job(tmp_path / "w", steps=16, optimizer=optimizer), first, 99)]
    losses = [report.loss for report in part(small_job(tmp_path / "m", steps=16, optimizer=optimizer), first, 7)]
    job = resumed_job(tmp_path / "m")
    losses += [report.loss for report in part(job, second, 99)]
    np.testing.assert_allclose(losses, whole, rtol=0, atol=1e-3)
    assert job.progress.finished
    assert load_model(tmp_path / "m").training.steps == 16


def test_resumed_is_uninterrupted_bit_for_bit(tmp_path: Path) -> None:
    whole = small_job(tmp_path / "whole", steps=9)
    part(whole, EAGER, 99)
    part(small_job(tmp_path / "parts", steps=9), EAGER, 4)
    job = resumed_job(tmp_path / "parts")
    part(job, EAGER, 99)
    assert snapshot(job) == snapshot(whole)


def small_memory(monkeypatch: pytest.MonkeyPatch, n_rows: int) -> None:
    """A device on which no more windows have room."""
    forward: Callable[..., Any] = Llama.forward

    def limited(self: Any, ids: Any, targets: Any) -> Any:
        if len(ids) > n_rows:
            raise torch.cuda.OutOfMemoryError("no room")
        return forward(self, ids, targets)

    monkeypatch.setattr(Llama, "forward", limited)


def test_out_of_memory_smaller_parts_pass_and_it_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = [report.loss for report in part(small_job(tmp_path / "w", steps=3), EAGER, 2)]
    small_memory(monkeypatch, 2)
    reports = part(small_job(tmp_path / "m", steps=3), EAGER, 2)
    np.testing.assert_allclose([report.loss for report in reports], whole, rtol=1e-5)
    assert reports[0].notice.count("2 windows pass at a time") == 1
    assert reports[1].notice == ""


def test_out_of_memory_fewer_windows_are_judged_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = small_job(tmp_path / "m")
    params, moments = job.progress.params, job.progress.moments
    inputs, targets = next(batches(job.run.model, 1, 19))
    with EAGER(job.run.model, job.run.train, params, moments) as engine:
        whole = engine.losses(params, inputs, targets)
        engine.notice()
        small_memory(monkeypatch, 3)
        np.testing.assert_allclose(engine.losses(params, inputs, targets), whole, rtol=1e-5)
        assert engine.notice().endswith("from now on 2 windows are judged at a time, not more")
        np.testing.assert_allclose(engine.losses(params, inputs, targets), whole, rtol=1e-5)
        assert engine.notice() == ""
        small_memory(monkeypatch, 0)
        with pytest.raises(MemoryError):
            engine.losses(params, inputs, targets)


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("no room"), RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to ...")],
    ids=["GPU", "CPU"],
)
def test_an_optimizer_without_memory_ends_the_run_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: RuntimeError
) -> None:
    def no_room(*arguments: Any) -> None:
        raise error

    monkeypatch.setattr(module, "adamw_step", no_room)
    with pytest.raises(TrainingError, match="step 1 does not fit into memory"):
        part(small_job(tmp_path / "m", steps=3), EAGER, 2)


def test_weights_without_memory_are_a_memory_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(*arguments: Any, **options: Any) -> None:
        raise torch.OutOfMemoryError("no room")

    monkeypatch.setattr(Llama, "load_state_dict", no_room)
    with pytest.raises(MemoryError):  # of which the command makes a sentence
        part(small_job(tmp_path / "m", steps=3), EAGER, 2)


def test_where_no_window_has_room_the_run_ends_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_memory(monkeypatch, 0)
    with pytest.raises(TrainingError, match=r"step 1 does not fit into memory; nothing was saved yet: .*--context"):
        part(small_job(tmp_path / "m", steps=3), EAGER, 2)


def test_a_gradient_that_is_no_number_changes_nothing(tmp_path: Path) -> None:
    job = small_job(tmp_path / "m", steps=3)
    before = snapshot(job)
    with EAGER(job.run.model, job.run.train, job.progress.params, job.progress.moments) as engine:
        inputs, targets = next(batches(job.run.model, 1, 4))
        _, gradients = engine.gradients(inputs, targets)
        gradients["model.norm.weight"][0] = math.nan
        with pytest.raises(TrainingError, match="gradient became nan at step 1"):
            engine.update(gradients, 1, 1.0)
        engine.fetch()
    assert snapshot(job) == before


def test_without_a_compiler_it_goes_on_and_says_so_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_compiler(*arguments: Any, **options: Any) -> Any:
        raise RuntimeError("no C++ compiler found")

    monkeypatch.setattr(module.torch, "compile", lambda *arguments, **options: no_compiler)
    reports = part(small_job(tmp_path / "m", steps=3), torch_engine, 2)
    assert "without a compiler" in reports[0].notice
    assert reports[1].notice == ""


def test_a_forecast_says_on_what_device_it_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinycoder_training.forecast.TRIAL_SECONDS", 0)
    job = small_job(tmp_path / "m", steps=500)
    before = snapshot(job)
    found = forecast(job.run, job.progress, EAGER)
    assert found.steps == 500
    assert min(found.seconds, found.tokens_per_second, found.n_bytes) > 0
    assert found.notice.startswith("trains with PyTorch")
    assert snapshot(job) == before


def test_the_command_trains_with_it_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    options = ("--recipe", "validation", "--steps", "2", "--batch-size", "2", "--engine", "torch")
    its_own = {**environment(tmp_path), "PYTHONWARNINGS": ""}  # PyTorch uses what it calls deprecated
    done = tinycoder(tmp_path, "train", *options, "--progress", "json", env=its_own)
    assert done.returncode == 0, done.stderr
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert next(event["text"] for event in events if event["event"] == "notice").startswith("trains with PyTorch")
    assert load_model(tmp_path / "models" / "validation").training.finished
