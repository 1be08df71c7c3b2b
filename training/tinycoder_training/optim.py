"""Optimizers over dictionaries of arrays: AdamW, and Muon for the matrices inside the blocks.

Parameters and moments are updated in place.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinycoder.config import TrainConfig
from tinycoder.errors import TrainingError
from tinycoder.transformer.layers import Array
from tinycoder.transformer.model import EMBEDDING, Map, Params

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
ADAM_EPSILON = 1e-8
PIECE = 1 << 16  # floats of each array at a time
PART = 1 << 18  # floats of an array that one thread updates at a time
LONG = 2  # times the shorter side
LEAST_BLOCK = 64  # rows of a product: fewer are slow to multiply

Moments = dict[str, Array]


def init_moments(params: Mapping[str, Array], config: TrainConfig) -> Moments:
    """Zeros: ``m.NAME`` for every parameter, ``v.NAME`` for those that AdamW updates."""
    moments = {f"m.{name}": np.zeros_like(p) for name, p in params.items()}
    return moments | {f"v.{name}": np.zeros_like(p) for name, p in params.items() if not uses_muon(name, p, config)}


def uses_muon(name: str, param: Array, config: TrainConfig) -> bool:
    """Muon is for matrices that map activations to activations; embeddings and norms keep AdamW."""
    return config.optimizer == "muon" and param.ndim == 2 and name != EMBEDDING


def gradient_norm(grads: Mapping[str, Array], each: Map = map) -> float:
    """Euclidean norm over all gradients."""
    return math.sqrt(sum(each(lambda name: float(np.vdot(grads[name], grads[name])), grads)))


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

    ``each`` maps over parts of the work and may run in parallel. Returns the gradient norm before clipping. Raises
    ``TrainingError`` before anything is changed if that is not a number.
    """
    norm = gradient_norm(grads, each)
    if not math.isfinite(norm):
        raise TrainingError(f"the gradient became {norm} at step {step}")
    clip = min(1.0, config.clip / (norm + 1e-12))

    def update_part(part: tuple[str, slice]) -> None:
        name, rows = part
        param, grad, m = params[name][rows], grads[name][rows], moments[f"m.{name}"][rows]
        if uses_muon(name, params[name], config):
            muon(param, grad, m, config, config.matrix_learning_rate * scale, clip)
        else:
            adamw(param, grad, m, moments[f"v.{name}"][rows], config, step, config.learning_rate * scale, clip)

    for _ in each(update_part, _parts(params, config)):
        pass
    return norm


def adamw(
    param: Array, grad: Array, m: Array, v: Array, config: TrainConfig, step: int, learning_rate: float, clip: float = 1
) -> None:
    """One step of Adam with decoupled weight decay on matrices (Loshchilov and Hutter 2019).

    Goes over the arrays once, in pieces of ``PIECE`` floats that stay in a core's cache.
    """
    beta1, beta2 = config.betas
    decay = 1 - learning_rate * config.weight_decay if param.ndim == 2 else 1.0
    flat = [array.reshape(-1) for array in (param, grad, m, v)]
    first, second = np.empty((2, min(PIECE, param.size)), param.dtype)
    for start in range(0, param.size, PIECE):
        p, g, m, v = (array[start : start + PIECE] for array in flat)
        change, squares = first[: p.size], second[: p.size]
        np.multiply(g, (1 - beta1) * clip, out=change)
        m *= beta1
        m += change
        np.square(change, out=squares)
        squares *= (1 - beta2) / (1 - beta1) ** 2
        v *= beta2
        v += squares
        np.sqrt(v, out=squares)
        squares += ADAM_EPSILON * (1 - beta2**step) ** 0.5
        np.divide(m, squares, out=change)
        change *= learning_rate * (1 - beta2**step) ** 0.5 / (1 - beta1**step)
        p *= decay
        p -= change


def muon(param: Array, grad: Array, m: Array, config: TrainConfig, learning_rate: float, clip: float = 1) -> None:
    """One step along the orthogonalised Nesterov momentum (Jordan et al. 2024), with decoupled weight decay."""
    grad = grad * clip
    m *= config.momentum
    m += grad
    grad += config.momentum * m
    direction = orthogonalise(grad)
    direction *= learning_rate * max(1.0, param.shape[0] / param.shape[1]) ** 0.5
    param *= 1 - learning_rate * config.weight_decay
    param -= direction


def orthogonalise(g: Array, iterations: int = 5) -> Array:  # (m,n) -> (m,n)
    """Push all singular values of ``g`` near 1 by the quintic Newton-Schulz iteration.

    Each iteration multiplies by a polynomial of the Gram matrix. With one side at least ``LONG`` times the other it is
    cheaper to multiply these small polynomials first, which keeps four digits instead of six of a real gradient.
    """
    x: Any = g.T if g.shape[0] > g.shape[1] else g
    x = x / (np.linalg.norm(x) + 1e-7)
    if x.shape[1] >= LONG * x.shape[0]:
        x = _polynomials(symmetric_product(x, x.T), iterations) @ x
    else:
        for _ in range(iterations):
            x = _polynomial(symmetric_product(x, x.T)) @ x
    result: Array = x.T if g.shape[0] > g.shape[1] else x
    return result


def _polynomial(gram: Array) -> Array:
    """What an iteration multiplies by: ``a + b gram + c gram^2``."""
    a, b, c = NEWTON_SCHULZ
    polynomial = symmetric_product(gram, gram)
    polynomial *= c
    polynomial += b * gram
    polynomial.flat[:: len(gram) + 1] += a
    return polynomial


def _polynomials(gram: Array, iterations: int) -> Array:
    """The product of those of all iterations. Polynomials of one matrix commute, so each product is symmetric."""
    product = last = _polynomial(gram)
    for _ in range(iterations - 1):
        gram = symmetric_product(symmetric_product(last, gram), last)
        last = _polynomial(gram)
        product = symmetric_product(last, product)
    return product


def symmetric_product(a: Array, b: Array) -> Array:  # (m,n), (n,m) -> (m,m)
    """``a @ b``, known to be symmetric: what lies right of the diagonal's blocks is copied instead of multiplied.

    BLAS has such a product, but numpy copies its half in a loop that takes longer than this saves.
    """
    m = len(a)
    product = np.empty((m, m), a.dtype)
    size = max(LEAST_BLOCK, m // 4)
    for start in range(0, m, size):
        rows, end = slice(start, start + size), start + size
        np.matmul(a[rows], b[:, :end], out=product[rows, :end])
        product[:start, rows] = product[rows, :start].T
    return product


def _parts(params: Params, config: TrainConfig) -> list[tuple[str, slice]]:
    """Names with rows of their arrays, the largest first, so that threads end together.

    Muon needs whole matrices; what AdamW updates may be split.
    """
    parts = []
    for name, param in params.items():
        n_rows = len(param)
        if not uses_muon(name, param, config):
            n_rows = max(1, PART * len(param) // param.size)
        parts += [(name, slice(start, start + n_rows)) for start in range(0, len(param), n_rows)]
    return sorted(parts, key=lambda part: -params[part[0]][part[1]].size)


def learning_rate_scale(progress: float, *, warmup: float, decay: float) -> float:
    """Factor in [0, 1] at ``progress`` in [0, 1] of the budget.

    Rises in a straight line over the first ``warmup`` part, stays, and falls in a straight line to zero over the
    last ``decay`` part (warm-up/stable/decay, Hu et al. 2024), so that a run of any length ends annealed.
    """
    rising = (progress + 1e-3) / (warmup + 1e-3)
    falling = (1 - progress) / decay if decay else 1.0
    return max(0.0, min(1.0, rising, falling))
