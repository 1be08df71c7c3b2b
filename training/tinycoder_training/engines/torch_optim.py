"""The optimizers of ``tinycoder_training.optim`` in PyTorch, on the device of the weights."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adamw import adamw

from tinycoder.config import TrainConfig
from tinycoder_training.optim import ADAM_EPSILON, NEWTON_SCHULZ

Tensors = dict[str, Tensor]


def adamw_step(params: Tensors, grads: Tensors, moments: Tensors, config: TrainConfig, step: int, rate: float) -> None:
    """AdamW for these names, in place; vectors do not decay."""
    beta1, beta2 = config.betas
    for decay, matrices in ((config.weight_decay, True), (0.0, False)):
        names = [name for name, param in params.items() if (param.ndim == 2) is matrices]
        if names:
            adamw(
                [params[name] for name in names],
                [grads[name] for name in names],
                [moments[f"m.{name}"] for name in names],
                [moments[f"v.{name}"] for name in names],
                [],
                [torch.full((), step - 1.0, device=params[name].device) for name in names],
                fused=True,
                amsgrad=False,
                beta1=beta1,
                beta2=beta2,
                lr=rate,
                weight_decay=decay,
                eps=ADAM_EPSILON,
                maximize=False,
            )


def muon_step(params: Tensors, grads: Tensors, moments: Tensors, config: TrainConfig, rate: float) -> None:
    """Muon for these names, in place; matrices of one shape are orthogonalised together."""
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for name, param in params.items():
        by_shape.setdefault(tuple(param.shape), []).append(name)
    for (n_rows, n_columns), names in by_shape.items():
        ahead = [_nesterov(grads[name], moments[f"m.{name}"], config.momentum) for name in names]
        directions = orthogonalise(ahead)
        for name, direction in zip(names, directions, strict=True):
            params[name].mul_(1 - rate * config.weight_decay)
            params[name].sub_(direction, alpha=rate * max(1.0, n_rows / n_columns) ** 0.5)


def _nesterov(grad: Tensor, momentum: Tensor, factor: float) -> Tensor:
    momentum.mul_(factor).add_(grad)
    return grad.add(momentum, alpha=factor)


def orthogonalise(matrices: Sequence[Tensor], iterations: int = 5) -> Tensor:  # n times (r,c) -> (n,r,c)
    """The quintic Newton-Schulz iteration; on a GPU in bfloat16, which is enough for it (Jordan et al. 2024)."""
    a, b, c = NEWTON_SCHULZ
    g = torch.stack(list(matrices))
    wide = g.mT if g.shape[1] > g.shape[2] else g
    x = wide / (torch.linalg.matrix_norm(wide, keepdim=True) + 1e-7)
    x = x.bfloat16() if x.is_cuda else x
    for _ in range(iterations):
        gram = x @ x.mT
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    x = x.to(g.dtype)
    return x.mT if g.shape[1] > g.shape[2] else x
