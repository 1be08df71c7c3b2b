import numpy as np
import pytest

from tinycoder.config import TrainConfig
from tinycoder.transformer.model import EMBEDDING
from tinycoder_training.optim import (
    adamw,
    gradient_norm,
    init_moments,
    learning_rate_scale,
    muon,
    orthogonalise,
    symmetric_product,
    update,
    uses_muon,
)

MATRIX = "model.layers.0.mlp.up_proj.weight"


def config(**settings: object) -> TrainConfig:
    return TrainConfig(steps=10, **settings)  # type: ignore[arg-type]


def test_adamw_by_the_formula() -> None:
    rng = np.random.default_rng(0)
    param = rng.standard_normal((3, 4))
    expected, m, v = param.copy(), np.zeros((3, 4)), np.zeros((3, 4))
    moments = np.zeros((3, 4)), np.zeros((3, 4))
    settings = config(betas=(0.8, 0.9), weight_decay=0.1)
    for step in range(1, 6):
        grad = rng.standard_normal((3, 4))
        m = 0.8 * m + 0.2 * grad
        v = 0.9 * v + 0.1 * grad**2
        expected = expected * (1 - 0.01 * 0.1) - 0.01 * (m / (1 - 0.8**step)) / (np.sqrt(v / (1 - 0.9**step)) + 1e-8)
        adamw(param, grad, *moments, settings, step, 0.01)
    np.testing.assert_allclose(param, expected, rtol=1e-12)


def test_norms_do_not_decay() -> None:
    param = np.ones(4)
    adamw(param, np.zeros(4), np.zeros(4), np.zeros(4), config(weight_decay=0.5), 1, 0.1)
    np.testing.assert_array_equal(param, np.ones(4))


@pytest.mark.parametrize("shape", [(16, 16), (40, 16), (16, 40)])
def test_orthogonalised_singular_values_are_near_one(shape: tuple[int, int]) -> None:
    singular = np.linalg.svd(orthogonalise(np.random.default_rng(0).standard_normal(shape)), compute_uv=False)
    assert 0.5 < singular.min() <= singular.max() < 1.3


def test_orthogonalise_keeps_the_directions() -> None:
    g = np.random.default_rng(0).standard_normal((8, 12))
    u, _, vt = np.linalg.svd(g, full_matrices=False)
    assert np.sum(orthogonalise(g) * (u @ vt)) / 8 > 0.8


@pytest.mark.parametrize("shape", [(16, 16), (300, 300), (16, 31), (130, 261), (700, 200), (1, 9)])
def test_orthogonalise_by_the_formula(shape: tuple[int, int]) -> None:
    g = np.random.default_rng(0).standard_normal(shape)
    x = g / np.linalg.norm(g)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    np.testing.assert_allclose(orthogonalise(g), x, atol=1e-6)
    np.testing.assert_allclose(orthogonalise(g.astype(np.float32)), x, atol=1e-4)


@pytest.mark.parametrize("shape", [(40, 40), (80, 240)])
def test_orthogonalise_keeps_three_digits_where_a_gradient_has_hardly_any_rank(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    left, right = (np.linalg.qr(rng.standard_normal((n, shape[0])))[0] for n in shape)
    g = left * np.geomspace(1, 1e-4, shape[0]) @ right.T
    expected = orthogonalise(g)
    error = np.linalg.norm(orthogonalise(g.astype(np.float32)) - expected) / np.linalg.norm(expected)
    assert error < 1e-3


@pytest.mark.parametrize("size", [1, 64, 65, 257, 300])
def test_a_symmetric_product_is_the_product(size: int) -> None:
    x = np.random.default_rng(0).standard_normal((size, 40))
    np.testing.assert_allclose(symmetric_product(x, x.T), x @ x.T, atol=1e-12)


def test_a_zero_gradient_moves_nothing_under_muon() -> None:
    param = np.ones((4, 4))
    muon(param, np.zeros((4, 4)), np.zeros((4, 4)), config(weight_decay=0.0), 0.1)
    np.testing.assert_array_equal(param, np.ones((4, 4)))


def test_who_uses_muon() -> None:
    matrix = np.zeros((2, 2))
    assert uses_muon(MATRIX, matrix, config())
    assert not uses_muon(EMBEDDING, matrix, config())
    assert not uses_muon("model.norm.weight", np.zeros(2), config())
    assert not uses_muon(MATRIX, matrix, config(optimizer="adamw"))


@pytest.mark.parametrize("optimizer", ["muon", "adamw"])
def test_update_goes_down_a_bowl(optimizer: str) -> None:
    settings = config(optimizer=optimizer, learning_rate=0.05, matrix_learning_rate=0.05, weight_decay=0.0)
    params = {name: np.random.default_rng(0).standard_normal((4, 4)) for name in (MATRIX, EMBEDDING)}
    moments = init_moments(params, settings)
    start = gradient_norm(params)
    for step in range(1, 101):
        update(params, {name: param.copy() for name, param in params.items()}, moments, settings, step, 1.0)
    assert gradient_norm(params) < 0.3 * start


def test_large_gradients_are_clipped() -> None:
    settings = config(clip=1.0, optimizer="adamw", betas=(0.0, 0.0))
    params = {EMBEDDING: np.zeros((2, 2))}
    moments = init_moments(params, settings)
    norm = update(params, {EMBEDDING: np.full((2, 2), 50.0)}, moments, settings, 1, 1.0)
    assert norm == pytest.approx(100)
    assert gradient_norm({"m": moments[f"m.{EMBEDDING}"]}) == pytest.approx(1)


def test_schedule() -> None:
    scales = [learning_rate_scale(i / 1000, warmup=0.1, decay=0.3) for i in range(1001)]
    assert 0 < scales[0] < 0.05
    assert scales[100] == scales[400] == scales[700] == 1
    assert scales[850] == pytest.approx(0.5)
    assert scales[1000] == 0
    assert scales == [*sorted(scales[:400]), *sorted(scales[400:], reverse=True)]
