"""Optimizers over dictionaries of arrays: AdamW, and Muon for the matrices inside the blocks.

Knows parameter names and shapes, neither the model nor the schedule. Parameters and moments are updated in place.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from tinycoder.config import TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.layers import Array
from tinycoder.model import EMBEDDING, Params

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ADAM_EPSILON = 1e-8

Moments = dict[str, Array]
Map = Callable[[Callable[[str], object], Iterable[str]], Iterable[object]]


def init_moments(params: Mapping[str, Array], config: TrainConfig) -> Moments:
    """Zeros: ``m.NAME`` for every parameter, ``v.NAME`` for those that AdamW updates."""
    moments = {f"m.{name}": np.zeros_like(p) for name, p in params.items()}
    return moments | {f"v.{name}": np.zeros_like(p) for name, p in params.items() if not uses_muon(name, p, config)}


def uses_muon(name: str, param: Array, config: TrainConfig) -> bool:
    """Muon is for matrices that map activations to activations; embeddings and norms keep AdamW."""
    return config.optimizer == "muon" and param.ndim == 2 and name != EMBEDDING


def gradient_norm(grads: Mapping[str, Array]) -> float:
    """Euclidean norm over all gradients."""
    return float(np.sqrt(sum(float(np.vdot(g, g)) for g in grads.values())))


def update(
    params: Params,
    grads: Params,
    moments: Moments,
    config: TrainConfig,
    step: int,
    scale: float,
    each: Map = map,
) -> float:
    """Clip the gradients and take optimizer step number ``step`` (from 1) at ``scale`` times the learning rates.

    ``each`` maps over parameter names and may run in parallel. Returns the gradient norm before clipping. Raises
    ``TrainingError`` before anything is changed if that is not a number.
    """
    norm = gradient_norm(grads)
    if not math.isfinite(norm):
        raise TrainingError(
            f"the gradient became {norm} at step {step}; the model saved before is kept: "
            "start again with a lower learning rate"
        )
    clip = min(1.0, config.clip / (norm + 1e-12))

    def update_one(name: str) -> None:
        grad = grads[name]
        grad *= clip
        if uses_muon(name, params[name], config):
            muon(params[name], grad, moments[f"m.{name}"], config, config.matrix_learning_rate * scale)
        else:
            adamw(
                params[name],
                grad,
                moments[f"m.{name}"],
                moments[f"v.{name}"],
                config,
                step,
                config.learning_rate * scale,
            )

    for _ in each(update_one, params):
        pass
    return norm


def adamw(param: Array, grad: Array, m: Array, v: Array, config: TrainConfig, step: int, learning_rate: float) -> None:
    """One step of Adam with decoupled weight decay on matrices (Loshchilov and Hutter 2019)."""
    beta1, beta2 = config.betas
    m += (1 - beta1) * (grad - m)
    v += (1 - beta2) * (grad * grad - v)
    if param.ndim == 2:
        param *= 1 - learning_rate * config.weight_decay
    denominator = np.sqrt(v)
    denominator *= (1 - beta2**step) ** -0.5
    denominator += ADAM_EPSILON
    change = m / denominator
    change *= learning_rate / (1 - beta1**step)
    param -= change


def muon(param: Array, grad: Array, m: Array, config: TrainConfig, learning_rate: float) -> None:
    """One step along the orthogonalised Nesterov momentum (Jordan et al. 2024), with decoupled weight decay."""
    m *= config.momentum
    m += grad
    direction = orthogonalise(grad + config.momentum * m)
    param *= 1 - learning_rate * config.weight_decay
    param -= learning_rate * max(1.0, param.shape[0] / param.shape[1]) ** 0.5 * direction


def orthogonalise(g: Array, iterations: int = 5) -> Array:  # (m,n) -> (m,n)
    """Push all singular values of ``g`` near 1 by the quintic Newton-Schulz iteration."""
    a, b, c = NEWTON_SCHULZ
    x: Any = g.T if g.shape[0] > g.shape[1] else g
    x = x / (np.linalg.norm(x) + 1e-7)
    for _ in range(iterations):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    result: Array = x.T if g.shape[0] > g.shape[1] else x
    return result
