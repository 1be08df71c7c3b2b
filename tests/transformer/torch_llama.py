"""The oracle: a Llama model in plain PyTorch, written for reading; its gradients come from autograd.

It takes the same parameters as ``tinycoder.model``, as tensors under the same names,
and shares no code with it.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from tinycoder.config import ModelConfig


def llama_logits(params: dict[str, Tensor], config: ModelConfig, ids: Tensor) -> Tensor:
    """Scores of every next token: (B,T) -> (B,T,V)."""
    embedding = params["model.embed_tokens.weight"]
    x = embedding[ids]
    for layer in range(config.n_layers):
        prefix = f"model.layers.{layer}."
        weights = {name.removeprefix(prefix): w for name, w in params.items() if name.startswith(prefix)}
        x = x + _attention(_rmsnorm(x, weights["input_layernorm.weight"], config), weights, config)
        x = x + _swiglu(_rmsnorm(x, weights["post_attention_layernorm.weight"], config), weights)
    return _rmsnorm(x, params["model.norm.weight"], config) @ embedding.T


def llama_loss(params: dict[str, Tensor], config: ModelConfig, ids: Tensor, targets: Tensor) -> Tensor:
    """Mean cross-entropy in nats over the targets that are not -1: (B,T), (B,T) -> ()."""
    scores = llama_logits(params, config, ids)
    return functional.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=-1)


def _rmsnorm(x: Tensor, scale: Tensor, config: ModelConfig) -> Tensor:  # (B,T,C), (C,) -> (B,T,C)
    return scale * x / torch.sqrt(x.pow(2).mean(-1, keepdim=True) + config.norm_eps)


def _attention(h: Tensor, weights: dict[str, Tensor], config: ModelConfig) -> Tensor:  # (B,T,C) -> (B,T,C)
    B, T, C = h.shape
    D = config.head_width
    q, k, v = ((h @ weights[f"self_attn.{part}_proj.weight"].T).view(B, T, -1, D).transpose(1, 2) for part in "qkv")
    q, k = _rope(q, config.rope_theta), _rope(k, config.rope_theta)
    shared_by = config.n_heads // config.n_kv_heads
    k, v = k.repeat_interleave(shared_by, dim=1), v.repeat_interleave(shared_by, dim=1)
    scores = q @ k.transpose(2, 3) / D**0.5  # (B,H,T,T)
    future = torch.ones(T, T, dtype=torch.bool).triu(1)
    mixed = scores.masked_fill(future, -torch.inf).softmax(-1) @ v  # (B,H,T,D)
    return mixed.transpose(1, 2).reshape(B, T, C) @ weights["self_attn.o_proj.weight"].T


def _rope(x: Tensor, theta: float) -> Tensor:  # (B,H,T,D) -> (B,H,T,D)
    """Rotate dimension i together with dimension i + D/2, as Hugging Face's Llama does."""
    T, D = x.shape[-2:]
    frequencies = theta ** (-torch.arange(0, D, 2, dtype=torch.float64) / D)
    angles = torch.outer(torch.arange(T, dtype=torch.float64), frequencies).repeat(1, 2)  # (T,D)
    rotated = torch.cat((-x[..., D // 2 :], x[..., : D // 2]), dim=-1)
    return x * angles.cos().to(x.dtype) + rotated * angles.sin().to(x.dtype)


def _swiglu(h: Tensor, weights: dict[str, Tensor]) -> Tensor:  # (B,T,C) -> (B,T,C)
    gate, up = h @ weights["mlp.gate_proj.weight"].T, h @ weights["mlp.up_proj.weight"].T
    return (functional.silu(gate) * up) @ weights["mlp.down_proj.weight"].T
