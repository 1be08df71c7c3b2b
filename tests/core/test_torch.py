"""Live against PyTorch: same logits, loss and gradients for the same weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tinycoder.config import PRESETS, ModelConfig
from tinycoder.model import Params, forward, logits, loss_and_gradients, param_shapes

torch = pytest.importorskip("torch")

from tests.core.golden.make_golden import random_params  # noqa: E402 (needs torch)
from tests.core.torch_llama import llama_logits, llama_loss  # noqa: E402

TOLERANCE = {np.float32: 1e-4, np.float64: 1e-11}

# The longest is more than one block of queries and, as a batch, more than one chunk of logits.
BATCHES: dict[str, tuple[ModelConfig, tuple[int, int]]] = {
    "nano": (PRESETS["nano"].model(vocab_size=300), (4, 100)),
    "heads of base": (
        ModelConfig(vocab_size=50, width=80, n_layers=3, n_heads=10, n_kv_heads=5, hidden=64, context=33),
        (2, 33),
    ),
    "one key/value head": (
        ModelConfig(vocab_size=17, width=32, n_layers=1, n_heads=4, n_kv_heads=1, hidden=8, rope_theta=500.0),
        (3, 21),
    ),
    "one head of width 2": (
        ModelConfig(vocab_size=5, width=2, n_layers=2, n_heads=1, n_kv_heads=1, hidden=3),
        (2, 7),
    ),
    "one token": (ModelConfig(vocab_size=9, width=8, n_layers=2, n_heads=2, n_kv_heads=2, hidden=9), (1, 1)),
}


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    """Models this small gain nothing from threads, and lose a lot where cores are shared."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", BATCHES)
def test_logits_loss_and_every_gradient(name: str, dtype: type) -> None:
    config, shape = BATCHES[name]
    rng = np.random.default_rng(7)
    params: Params = {key: weight.astype(dtype) for key, weight in random_params(config, rng).items()}
    ids, targets = rng.integers(0, config.vocab_size, (2, *shape))
    targets[rng.random(shape) < 0.2] = -1
    targets[0, -1] = 1  # at least one counts

    leaves = {key: torch.tensor(weight, requires_grad=True) for key, weight in params.items()}
    scores = llama_logits(leaves, config, torch.tensor(ids))
    expected_loss = llama_loss(leaves, config, torch.tensor(ids), torch.tensor(targets))
    expected_loss.backward()

    hidden, _ = forward(params, config, ids)
    assert_near(logits(params, hidden), scores.detach().numpy(), TOLERANCE[dtype], "logits")
    loss, grads = loss_and_gradients(params, config, ids, targets)
    assert loss == pytest.approx(expected_loss.item(), rel=TOLERANCE[dtype])
    assert grads.keys() == param_shapes(config).keys()
    for key, leaf in leaves.items():
        assert_near(grads[key], leaf.grad.numpy(), TOLERANCE[dtype], key)


def assert_near(actual: np.ndarray, expected: np.ndarray, tolerance: float, what: str) -> None:
    """Equal up to ``tolerance`` times the largest expected value."""
    largest = np.abs(expected).max()
    np.testing.assert_allclose(actual, expected, rtol=0, atol=tolerance * largest, err_msg=what)
