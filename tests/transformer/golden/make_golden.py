"""Write the golden files next to this script: small seeded models, computed by PyTorch in float64.

Run by hand, from the root of the repository, where PyTorch is installed:

    python -m tests.transformer.golden.make_golden

A file ``CASE.safetensors`` is one model and one batch:

====================  ================================================================================
``params.NAME``       float32; the weights, so the same numbers in either precision
``ids``, ``targets``  int64, (B,T); targets of -1 are ignored
``logits``            float64, (B,T,V)
``loss``              float64, (); mean cross-entropy in nats over the targets that are not ignored
``grads.NAME``        float64; gradient of ``loss``
``sgd.losses``        float64, (10,); entry t is the loss after t updates, all on this one batch
``adamw.losses``      the same for AdamW
====================  ================================================================================

Its metadata hold ``config``, the model settings as JSON, and ``sgd`` and ``adamw``, the settings of the
updates. Both train from ``params`` by the gradients of ``loss``, without clipping, at a constant rate ``lr``:

- SGD: ``p -= lr * g``.
- AdamW (Loshchilov and Hutter 2019), decaying every parameter, norms and embeddings too; for t = 1, 2, ...
  ``p *= 1 - lr * weight_decay``; ``m = beta1 * m + (1 - beta1) * g``; ``v = beta2 * v + (1 - beta2) * g**2``;
  ``p -= lr * (m / (1 - beta1**t)) / (sqrt(v / (1 - beta2**t)) + eps)``. ``m`` and ``v`` start at zero.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import Tensor

from tests.transformer.torch_llama import llama_logits, llama_loss
from tinycoder.config import ModelConfig
from tinycoder.transformer.model import param_shapes

FOLDER = Path(__file__).parent
N_LOSSES = 10
# Small steps: at ten times the rate SGD overshoots, and float32 rounding grows to 1e-3, in PyTorch as here.
SGD: dict[str, Any] = {"lr": 0.003}
ADAMW: dict[str, Any] = {"lr": 0.003, "betas": [0.9, 0.95], "eps": 1e-8, "weight_decay": 0.1}

# Head widths of 4 to 12, other rotations and a norm_eps that can be felt. Three sequence lengths are odd;
# one is above the 64 queries that attention takes at a time.
CASES: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "mha": ({"vocab_size": 29, "width": 16, "n_heads": 4, "n_kv_heads": 4, "hidden": 24}, (3, 8)),
    "gqa": (
        {"vocab_size": 31, "width": 24, "n_heads": 4, "n_kv_heads": 2, "hidden": 28, "norm_eps": 0.01},
        (1, 67),
    ),
    "mqa": (
        {"vocab_size": 23, "width": 24, "n_heads": 2, "n_kv_heads": 1, "hidden": 40, "rope_theta": 100.0},
        (2, 13),
    ),
    "ignored": ({"vocab_size": 29, "width": 16, "n_heads": 2, "n_kv_heads": 1, "hidden": 24}, (4, 9)),
}


def main() -> None:
    """Write every case; its place in the list is its seed."""
    torch.set_default_dtype(torch.float64)
    for seed, (name, (settings, shape)) in enumerate(CASES.items()):
        config = ModelConfig(n_layers=2, **settings)
        rng = np.random.default_rng(seed)
        params = random_params(config, rng)
        ids, targets = rng.integers(0, config.vocab_size, (2, *shape))
        if name == "ignored":
            targets[1] = -1  # a whole row
            targets[0, :5] = -1
            targets[2, ::2] = -1
        tensors = golden(params, config, torch.from_numpy(ids), torch.from_numpy(targets))
        metadata = {"config": json.dumps(asdict(config)), "sgd": json.dumps(SGD), "adamw": json.dumps(ADAMW)}
        path = FOLDER / f"{name}.safetensors"
        save_file({"ids": ids, "targets": targets, **tensors}, path, metadata)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB, losses {tensors['adamw.losses'].round(3)}")


def random_params(config: ModelConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Weights, in float32, large enough that each of them matters; norms differ from 1."""
    params = {}
    for name, shape in param_shapes(config).items():
        noise = rng.standard_normal(shape)
        scale = 0.5 if name == "model.embed_tokens.weight" else 1.5 * shape[-1] ** -0.5
        params[name] = (1 + 0.3 * noise if len(shape) == 1 else scale * noise).astype(np.float32)
    return params


def golden(params: dict[str, np.ndarray], config: ModelConfig, ids: Tensor, targets: Tensor) -> dict[str, np.ndarray]:
    """Everything that a file holds besides ids and targets."""
    start = _leaves(params)
    loss = llama_loss(start, config, ids, targets)
    loss.backward()
    results = {"logits": llama_logits(start, config, ids), "loss": loss}
    results |= {f"grads.{name}": w.grad for name, w in start.items() if w.grad is not None}
    for kind, optimizer, settings in (("sgd", torch.optim.SGD, SGD), ("adamw", torch.optim.AdamW, ADAMW)):
        weights = _leaves(params)
        update = optimizer(list(weights.values()), **settings)
        losses = []
        for _ in range(N_LOSSES):
            update.zero_grad()
            loss = llama_loss(weights, config, ids, targets)
            loss.backward()
            update.step()
            losses.append(loss.detach())
        results[f"{kind}.losses"] = torch.stack(losses)
    return {f"params.{name}": w for name, w in params.items()} | {
        name: np.array(tensor.detach().numpy(), order="C") for name, tensor in results.items()
    }


def _leaves(params: dict[str, np.ndarray]) -> dict[str, Tensor]:
    return {name: torch.tensor(w, dtype=torch.float64, requires_grad=True) for name, w in params.items()}


if __name__ == "__main__":
    main()
