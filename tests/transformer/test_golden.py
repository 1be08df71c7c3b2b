"""Files computed once by PyTorch (``golden/make_golden.py``): same logits, loss, gradients and training."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.testing import assert_allclose
from safetensors import safe_open

from tests.transformer.gradients import loss_and_gradients
from tinycoder.config import ModelConfig
from tinycoder.transformer.model import Params, forward, fuse_forward, losses, param_shapes
from tinycoder.validate import read

CASES = ("gqa", "ignored", "mha", "mqa")
TOLERANCE = {np.float32: 1e-4, np.float64: 1e-12}
TRAINING_TOLERANCE = {np.float32: 1e-4, np.float64: 1e-10}  # ten updates amplify rounding

PRECISIONS = pytest.mark.parametrize("dtype", [np.float32, np.float64])


@dataclass(frozen=True, kw_only=True)
class Golden:
    """One golden file."""

    config: ModelConfig
    arrays: dict[str, np.ndarray]
    settings: dict[str, dict[str, Any]]

    def params(self, dtype: type) -> Params:
        """The weights, as fresh arrays."""
        return {name: array.astype(dtype) for name, array in self.under("params.").items()}

    def under(self, prefix: str) -> dict[str, np.ndarray]:
        """The arrays whose names start with ``prefix``, without it."""
        return {name.removeprefix(prefix): a for name, a in self.arrays.items() if name.startswith(prefix)}


@pytest.fixture(scope="module", params=CASES)
def golden(request: pytest.FixtureRequest) -> Golden:
    path = Path(__file__).parent / "golden" / f"{request.param}.safetensors"
    with safe_open(path, "np") as file:
        metadata = {key: json.loads(value) for key, value in file.metadata().items()}
        arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    config = read(ModelConfig, metadata.pop("config"))
    return Golden(config=config, arrays=arrays, settings=metadata)


def test_every_case_is_tested() -> None:
    folder = Path(__file__).parent / "golden"
    assert sorted(CASES) == sorted(path.stem for path in folder.glob("*.safetensors"))


@PRECISIONS
def test_logits(golden: Golden, dtype: type) -> None:
    params = golden.params(dtype)
    scores = forward(params, golden.config, golden.arrays["ids"])
    assert scores.dtype == dtype
    assert difference(scores, golden.arrays["logits"]) < TOLERANCE[dtype]


@PRECISIONS
def test_loss_and_every_gradient(golden: Golden, dtype: type) -> None:
    ids, targets, expected = golden.arrays["ids"], golden.arrays["targets"], golden.under("grads.")
    loss, grads = loss_and_gradients(golden.params(dtype), golden.config, ids, targets)
    assert difference(loss, golden.arrays["loss"]) < TOLERANCE[dtype]
    assert grads.keys() == expected.keys() == param_shapes(golden.config).keys()
    for name in expected:
        assert np.abs(expected[name]).max() > 1e-3, f"{name} does not matter: nothing to compare"
        assert grads[name].dtype == dtype, name
        assert difference(grads[name], expected[name]) < TOLERANCE[dtype], name


@PRECISIONS
def test_losses_of_single_targets(golden: Golden, dtype: type) -> None:
    ids, targets = golden.arrays["ids"], golden.arrays["targets"]
    each = losses(fuse_forward(golden.params(dtype), golden.config)[0], golden.config, ids, np.maximum(targets, 0))
    assert difference(each[targets >= 0].mean(), golden.arrays["loss"]) < TOLERANCE[dtype]


@PRECISIONS
def test_ten_losses_of_sgd(golden: Golden, dtype: type) -> None:
    settings = golden.settings["sgd"]

    def update(params: Params, grads: Params, t: int) -> None:
        for name, p in params.items():
            p -= settings["lr"] * grads[name]

    assert_allclose(ten_losses(golden, dtype, update), golden.arrays["sgd.losses"], rtol=TRAINING_TOLERANCE[dtype])


@PRECISIONS
def test_ten_losses_of_adamw(golden: Golden, dtype: type) -> None:
    settings = golden.settings["adamw"]
    lr, eps, (beta1, beta2) = settings["lr"], settings["eps"], settings["betas"]
    moments: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def update(params: Params, grads: Params, t: int) -> None:
        for name, p in params.items():
            m, v = moments.setdefault(name, (np.zeros_like(p), np.zeros_like(p)))
            m += (1 - beta1) * (grads[name] - m)
            v += (1 - beta2) * (grads[name] ** 2 - v)
            p *= 1 - lr * settings["weight_decay"]
            p -= lr * (m / (1 - beta1**t)) / (np.sqrt(v / (1 - beta2**t)) + eps)

    assert_allclose(ten_losses(golden, dtype, update), golden.arrays["adamw.losses"], rtol=TRAINING_TOLERANCE[dtype])


def ten_losses(golden: Golden, dtype: type, update: Callable[[Params, Params, int], None]) -> list[float]:
    """Loss before each of ten updates, which change the parameters in place."""
    params, results = golden.params(dtype), []
    for t in range(1, 11):
        ids, targets = golden.arrays["ids"], golden.arrays["targets"]
        loss, grads = loss_and_gradients(params, golden.config, ids, targets)
        results.append(loss)
        update(params, grads, t)
    return results


def difference(actual: Any, expected: np.ndarray) -> float:
    """Largest difference, relative to the largest expected value."""
    assert np.shape(actual) == expected.shape, (np.shape(actual), expected.shape)
    return float(np.max(np.abs(actual - expected)) / np.max(np.abs(expected)))
