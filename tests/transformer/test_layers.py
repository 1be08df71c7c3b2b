"""Every layer's backward agrees with finite differences of its forward, along a random direction, in float64."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from tests.transformer.gradients import loss_and_gradients
from tinycoder.config import ModelConfig
from tinycoder.transformer import layers
from tinycoder.transformer.model import (
    fuse_backward,
    fuse_forward,
    init_params,
    loss_and_weight_gradients,
    losses,
)

TOLERANCE = 1e-7
STEP = 1e-5


def check_gradient(
    f: Callable[..., Any],
    gradients: Callable[..., Any],
    inputs: list[Any],
    seed: int,
    step: float = STEP,
    tolerance: float = TOLERANCE,
) -> None:
    """``f(*inputs)`` is an array, ``gradients(dy)`` are its gradients. One direction tests every entry."""
    rng = np.random.default_rng(seed)
    directions = [rng.standard_normal(x.shape) for x in inputs]
    y = f(*inputs)
    dy = rng.standard_normal(np.shape(y))

    def at(steps: float) -> Any:
        return f(*[x + steps * step * d for x, d in zip(inputs, directions, strict=True)])

    difference = 8 * (at(1) - at(-1)) - (at(2) - at(-2))  # fourth order
    numeric = np.sum(dy * difference) / (12 * step)
    analytic = sum(np.sum(g * d) for g, d in zip(gradients(dy), directions, strict=True))
    assert abs(numeric - analytic) <= tolerance * max(1.0, abs(numeric), abs(analytic)), (numeric, analytic)


def as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)


def check_pair(
    forward: Callable[..., Any], backward: Callable[..., Any], inputs: list[Any], seed: int = 0, **limits: float
) -> None:
    def gradients(dy: Any) -> tuple[Any, ...]:
        return as_tuple(backward(dy, forward(*inputs)[1]))

    check_gradient(lambda *xs: forward(*xs)[0], gradients, inputs, seed, **limits)


def normal(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def test_embedding() -> None:
    ids = np.array([[3, 1, 3], [0, 3, 1]])
    check_pair(lambda w: layers.embedding_forward(ids, w), layers.embedding_backward, [normal(5, 4)])


def test_rmsnorm() -> None:
    check_pair(lambda x: layers.rmsnorm_forward(x, 1e-5), layers.rmsnorm_backward, [normal(2, 3, 8)])


def test_gain() -> None:
    check_pair(layers.gain_forward, layers.gain_backward, [normal(4, 5), normal(5)])


def test_linear() -> None:
    check_pair(layers.linear_forward, layers.linear_backward, [normal(2, 3, 5), normal(4, 5)])


def test_linears() -> None:
    check_pair(layers.linears_forward, layers.linears_backward, [normal(2, 3, 5), normal(2, 4, 5)])


def test_linears_are_that_many_linears() -> None:
    x, w = normal(2, 3, 5), normal(2, 4, 5)
    y, _ = layers.linears_forward(x, w)
    for each, weight in zip(y, w, strict=True):
        np.testing.assert_allclose(each, layers.linear_forward(x, weight)[0])


def test_rope() -> None:
    table = layers.rope_table(3, 3, 1, 6, 10_000.0, np.dtype(np.float64))
    check_pair(lambda x: layers.rope_forward(x, table), layers.rope_backward, [normal(2, 3, 4, 6)])


def test_rope_leaves_the_last_heads_and_all_lengths() -> None:
    x = normal(2, 3, 4, 6)
    y, _ = layers.rope_forward(x, layers.rope_table(3, 3, 1, 6, 10_000.0, np.dtype(np.float64)))
    np.testing.assert_array_equal(y[:, :, 3], x[:, :, 3])
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1))
    assert not np.allclose(y[:, 1:, :3], x[:, 1:, :3])


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
@pytest.mark.parametrize("length", [1, 5, layers.ATTENTION_BLOCK + 3, 150])
@pytest.mark.parametrize("scale", [1.0, 40.0])  # the larger scores do not fit into exp as they are
def test_attention(kv_heads: int, length: int, scale: float) -> None:
    qkv = normal(2, length, 4 + 2 * kv_heads, 6)
    qkv[:, :, :4] *= scale

    def forward(x: Any) -> Any:
        return layers.attention_forward(x, 4)

    tolerance = {} if scale == 1 else {"step": 1e-7, "tolerance": 1e-5}
    check_pair(forward, layers.attention_backward, [qkv], **tolerance)


@pytest.mark.parametrize("scale", [1.0, 1e3])
def test_attention_by_the_formula(scale: float) -> None:
    qkv = normal(1, 70, 4, 6)  # 2 heads share a key/value head
    qkv[:, :, :2] *= scale
    y, _ = layers.attention_forward(qkv.astype(np.float32), 2)
    for head in range(2):
        scores = qkv[0, :, head] @ qkv[0, :, 2].T
        scores[np.triu_indices(70, 1)] = -np.inf
        p = np.exp(scores - scores.max(-1, keepdims=True))
        expected = p @ qkv[0, :, 3] / p.sum(-1, keepdims=True)
        np.testing.assert_allclose(y[0, :, head], expected, atol=1e-5 if scale == 1 else 1e-2)


@pytest.mark.parametrize("future", [100.0, 1e6])
def test_attention_sees_no_future(future: float) -> None:
    qkv = normal(1, 70, 6, 4)
    before, _ = layers.attention_forward(qkv, 2)
    qkv[:, 40:, 2:4], qkv[:, 40:, 4:] = future, -future
    after, _ = layers.attention_forward(qkv, 2)
    np.testing.assert_allclose(after[:, :40], before[:, :40], rtol=1e-12)
    assert not np.allclose(after[:, 40:], before[:, 40:])


def test_swiglu() -> None:
    check_pair(layers.swiglu_forward, layers.swiglu_backward, [normal(2, 3, 5)])


def test_swiglu_at_large_values() -> None:
    y, _ = layers.swiglu_forward(np.array([[[-1e4, 1e4]], [[1, 1]]], np.float32))
    np.testing.assert_array_equal(y, [[0, 2e4]])


@pytest.mark.parametrize("n", [1, 7, layers.LOGITS_CHUNK + 5])
def test_cross_entropy(n: int) -> None:
    targets = np.random.default_rng(0).integers(-1, 9, n)
    check_pair(
        lambda x, w: layers.cross_entropy_forward(x, w, targets, 0.7),
        layers.cross_entropy_backward,
        [normal(n, 4), normal(9, 4)],
    )


def test_losses_without_gradients_are_the_same_losses() -> None:
    x, w, targets = normal(300, 4), normal(9, 4), np.random.default_rng(0).integers(0, 9, 300)
    each = layers.token_losses(x, w, targets)
    np.testing.assert_allclose(each.sum(), layers.cross_entropy_forward(x, w, targets)[0], rtol=1e-12)
    logits = x @ w.T
    expected = np.log(np.exp(logits).sum(-1)) - logits[np.arange(300), targets]
    np.testing.assert_allclose(each, expected, rtol=1e-9)


def test_cross_entropy_survives_large_logits() -> None:
    loss, _ = layers.cross_entropy_forward(np.full((1, 1), 1e4), np.array([[1.0], [-1.0]]), np.array([1]))
    assert loss == pytest.approx(2e4)


def test_the_check_can_fail() -> None:
    def wrong(dy: Any, cache: Any) -> Any:
        return layers.rmsnorm_backward(dy, cache) * (1 + 1e-5)

    with pytest.raises(AssertionError):
        check_pair(lambda x: layers.rmsnorm_forward(x, 1e-5), wrong, [normal(2, 3, 8)])


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_whole_model(kv_heads: int) -> None:
    config = ModelConfig(vocab_size=11, width=16, n_layers=2, n_heads=4, n_kv_heads=kv_heads, hidden=24, context=70)
    params = init_params(config, np.random.default_rng(0), np.float64)
    rng = np.random.default_rng(1)
    ids, targets = rng.integers(0, 11, (2, 70)), rng.integers(-1, 11, (2, 70))
    names = list(params)

    def loss(*arrays: Any) -> Any:
        return np.float64(loss_and_gradients(dict(zip(names, arrays, strict=True)), config, ids, targets)[0])

    def gradients(dy: Any) -> list[Any]:
        grads = loss_and_gradients(params, config, ids, targets)[1]
        assert grads.keys() == params.keys()
        return [dy * grads[name] for name in names]

    check_gradient(loss, gradients, [params[name] for name in names], seed=2)


def test_parts_of_a_batch_add_up() -> None:
    config = ModelConfig(vocab_size=11, width=16, n_layers=1, n_heads=2, n_kv_heads=1, hidden=24, context=8)
    params = init_params(config, np.random.default_rng(0), np.float64)
    rng = np.random.default_rng(1)
    ids, targets = rng.integers(0, 11, (4, 8)), rng.integers(-1, 11, (4, 8))
    n = int(np.sum(targets >= 0))
    whole, whole_grads = loss_and_gradients(params, config, ids, targets)
    weights, fused = fuse_forward(params, config)
    parts = [loss_and_weight_gradients(weights, config, ids[i : i + 2], targets[i : i + 2], n) for i in (0, 2)]
    assert parts[0][0] + parts[1][0] == pytest.approx(whole, rel=1e-12)
    grads = fuse_backward({name: parts[0][1][name] + parts[1][1][name] for name in weights}, fused)
    for name, grad in whole_grads.items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-9, atol=1e-12)


def test_losses_average_to_the_training_loss() -> None:
    config = ModelConfig(vocab_size=11, width=16, n_layers=2, n_heads=2, n_kv_heads=2, hidden=24, context=8)
    params = init_params(config, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    ids, targets = rng.integers(0, 11, (3, 8)), rng.integers(0, 11, (3, 8))
    mean, _ = loss_and_gradients(params, config, ids, targets)
    assert losses(fuse_forward(params, config)[0], config, ids, targets).mean() == pytest.approx(mean, rel=1e-5)
