"""The model as a module of PyTorch, whose parameters have the names of the folder. Gradients come from autograd."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from tinycoder.config import ModelConfig


class Attention(nn.Module):
    """Causal attention; ``H / G`` query heads share a key/value head."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        kv = config.n_kv_heads * config.head_width
        self.sizes = [config.n_heads, config.n_kv_heads, config.n_kv_heads]
        self.q_proj = nn.Linear(config.width, config.width, bias=False)
        self.k_proj = nn.Linear(config.width, kv, bias=False)
        self.v_proj = nn.Linear(config.width, kv, bias=False)
        self.o_proj = nn.Linear(config.width, config.width, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  # (B,T,C), (T,D/2) -> (B,T,C)
        """One product for queries, keys and values; dimension i turns with dimension i + D/2."""
        B, T, C = x.shape
        H, G, _ = self.sizes
        stacked = torch.cat([self.q_proj.weight, self.k_proj.weight, self.v_proj.weight])
        heads = functional.linear(x, stacked).view(B, T, H + 2 * G, -1).transpose(1, 2)
        turning, v = heads[:, : H + G], heads[:, H + G :]
        first, second = turning.chunk(2, -1)
        turned = torch.cat([first * cos - second * sin, second * cos + first * sin], -1).to(v.dtype)
        q, k = turned[:, :H], turned[:, H:]
        if H != G:
            k, v = k.repeat_interleave(H // G, 1), v.repeat_interleave(H // G, 1)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        y: Tensor = self.o_proj(mixed.transpose(1, 2).reshape(B, T, C))
        return y


class Mlp(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.up_proj = nn.Linear(config.width, config.hidden, bias=False)
        self.down_proj = nn.Linear(config.hidden, config.width, bias=False)

    def forward(self, x: Tensor) -> Tensor:  # (B,T,C) -> (B,T,C)
        """One product for gate and up."""
        stacked = torch.cat([self.gate_proj.weight, self.up_proj.weight])
        gate, up = functional.linear(x, stacked).chunk(2, -1)
        y: Tensor = self.down_proj(functional.silu(gate) * up)
        return y


class Block(nn.Module):
    """Attention, then SwiGLU; both add to what they read."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = nn.RMSNorm(config.width, config.norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = nn.RMSNorm(config.width, config.norm_eps)
        self.mlp = Mlp(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:  # (B,T,C), (T,D/2) -> (B,T,C)
        """One block."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        y: Tensor = x + self.mlp(self.post_attention_layernorm(x))
        return y


class Trunk(nn.Module):
    """Everything but the output, which is the embedding again."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.n_layers))
        self.norm = nn.RMSNorm(config.width, config.norm_eps)


class Llama(nn.Module):
    """The whole model."""

    cos: Tensor
    sin: Tensor

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.model = Trunk(config)
        frequencies = config.rope_theta ** (-torch.arange(0, config.head_width, 2).double() / config.head_width)
        angles = torch.outer(torch.arange(config.context).double(), frequencies)
        self.register_buffer("cos", angles.cos().float(), persistent=False)
        self.register_buffer("sin", angles.sin().float(), persistent=False)

    def forward(self, ids: Tensor, targets: Tensor) -> Tensor:  # (B,T), (B,T) -> (B,T)
        """Loss of each target in nats."""
        T = ids.shape[1]
        x = self.model.embed_tokens(ids)
        for block in self.model.layers:
            x = block(x, self.cos[:T], self.sin[:T])
        logits = functional.linear(self.model.norm(x), self.model.embed_tokens.weight)
        return functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), reduction="none").view_as(targets)
