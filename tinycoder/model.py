"""A Llama model: parameters, forward pass, loss, and the backward pass, which is the forward pass read upwards.

Parameters are one dictionary under the names that Hugging Face gives them; gradients carry the same names. This
file knows token ids, no text, and no files.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.layers import (
    Array,
    Cache,
    attention_backward,
    attention_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    embedding_backward,
    embedding_forward,
    linear_backward,
    linear_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    rope_backward,
    rope_forward,
    rope_tables,
    swiglu_backward,
    swiglu_forward,
    token_losses,
)

Params = dict[str, Array]

EMBEDDING = "model.embed_tokens.weight"
FINAL_NORM = "model.norm.weight"


def layer_name(layer: int, part: str) -> str:
    """Name of a parameter of block ``layer``, such as ``self_attn.q_proj``."""
    return f"model.layers.{layer}.{part}.weight"


def param_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, in the order of the forward pass."""
    C, F, kv = config.width, config.hidden, config.n_kv_heads * config.head_width
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (config.vocab_size, C)}
    for layer in range(config.n_layers):
        block = {
            "input_layernorm": (C,),
            "self_attn.q_proj": (C, C),
            "self_attn.k_proj": (kv, C),
            "self_attn.v_proj": (kv, C),
            "self_attn.o_proj": (C, C),
            "post_attention_layernorm": (C,),
            "mlp.gate_proj": (F, C),
            "mlp.up_proj": (F, C),
            "mlp.down_proj": (C, F),
        }
        shapes |= {layer_name(layer, part): shape for part, shape in block.items()}
    shapes[FINAL_NORM] = (C,)
    return shapes


def n_params(config: ModelConfig) -> int:
    """Number of floats in the model."""
    return sum(int(np.prod(shape)) for shape in param_shapes(config).values())


def init_params(config: ModelConfig, rng: np.random.Generator, dtype: Any = np.float32) -> Params:
    """Random weights: norms 1, embeddings 0.02, matrices 1/sqrt(inputs).

    The two matrices that write into the residual stream are smaller by sqrt(2 * layers), as in GPT-2.
    """
    params: Params = {}
    for name, shape in param_shapes(config).items():
        if len(shape) == 1:
            params[name] = np.ones(shape, dtype)
            continue
        scale = 0.02 if name == EMBEDDING else shape[1] ** -0.5
        if name.endswith(("o_proj.weight", "down_proj.weight")):
            scale /= (2 * config.n_layers) ** 0.5
        params[name] = (scale * rng.standard_normal(shape)).astype(dtype)
    return params


def forward(params: Params, config: ModelConfig, ids: Array) -> tuple[Array, Cache]:
    """Hidden states after the last norm: (B,T) -> (B,T,C)."""
    assert ids.ndim == 2, ids.shape
    assert 0 < ids.shape[1] <= config.context, (ids.shape, config.context)
    x, embedding = embedding_forward(ids, params[EMBEDDING])
    rope = rope_tables(np.arange(ids.shape[1]), config.head_width, config.rope_theta, x.dtype)
    blocks = []
    for layer in range(config.n_layers):
        x, attention = _attention_block_forward(x, params, config, layer, rope)
        x, mlp = _mlp_block_forward(x, params, config, layer)
        blocks.append((attention, mlp))
    x, norm = rmsnorm_forward(x, params[FINAL_NORM], config.norm_eps)
    return x, (embedding, blocks, norm)


def backward(dx: Array, cache: Cache) -> Params:
    """Gradients of all parameters from the gradient of the hidden states, (B,T,C)."""
    embedding, blocks, norm = cache
    grads: Params = {}
    dx, grads[FINAL_NORM] = rmsnorm_backward(dx, norm)
    for layer in reversed(range(len(blocks))):
        attention, mlp = blocks.pop()
        dx, mlp_grads = _mlp_block_backward(dx, mlp, layer)
        dx, attention_grads = _attention_block_backward(dx, attention, layer)
        grads |= mlp_grads | attention_grads
    grads[EMBEDDING] = embedding_backward(dx, embedding)
    return grads


def logits(params: Params, hidden: Array) -> Array:
    """Scores of every next token: (..., C) -> (..., V)."""
    result: Array = hidden @ params[EMBEDDING].T
    return result


def loss_and_gradients(
    params: Params, config: ModelConfig, ids: Array, targets: Array, n_targets: int | None = None
) -> tuple[float, Params]:
    """Mean loss in nats over the targets and its gradients; (B,T), (B,T) -> (), parameters.

    A target of -1 does not count. ``n_targets`` is the number of targets of the whole batch where ``ids`` is a
    part of it: parts add up to the batch.
    """
    if n_targets is None:
        n_targets = int(np.sum(targets >= 0))
    hidden, cache = forward(params, config, ids)
    loss, head = cross_entropy_forward(hidden.reshape(-1, config.width), params[EMBEDDING], targets.reshape(-1))
    dhidden, dembedding = cross_entropy_backward(1 / n_targets, head)
    grads = backward(dhidden.reshape(hidden.shape), cache)
    grads[EMBEDDING] += dembedding
    return float(loss) / n_targets, grads


def losses(params: Params, config: ModelConfig, ids: Array, targets: Array) -> Array:
    """Loss of each target in nats, without gradients: (B,T), (B,T) -> (B,T)."""
    hidden, _ = forward(params, config, ids)
    return token_losses(hidden.reshape(-1, config.width), params[EMBEDDING], targets.reshape(-1)).reshape(ids.shape)


def _attention_block_forward(
    x: Array, params: Params, config: ModelConfig, layer: int, rope: tuple[Array, Array]
) -> tuple[Array, Cache]:
    def weight(part: str) -> Array:
        return params[layer_name(layer, part)]

    heads = (*x.shape[:2], -1, config.head_width)
    h, norm = rmsnorm_forward(x, weight("input_layernorm"), config.norm_eps)
    q, q_proj = linear_forward(h, weight("self_attn.q_proj"))
    k, k_proj = linear_forward(h, weight("self_attn.k_proj"))
    v, v_proj = linear_forward(h, weight("self_attn.v_proj"))
    q, q_rope = rope_forward(q.reshape(heads), *rope)
    k, k_rope = rope_forward(k.reshape(heads), *rope)
    a, attention = attention_forward(q, k, v.reshape(heads))
    a, o_proj = linear_forward(a.reshape(x.shape), weight("self_attn.o_proj"))
    return x + a, (norm, q_proj, k_proj, v_proj, q_rope, k_rope, attention, o_proj)


def _attention_block_backward(dx: Array, cache: Cache, layer: int) -> tuple[Array, Params]:
    norm, q_proj, k_proj, v_proj, q_rope, k_rope, attention, o_proj = cache
    grads, keep = _collector(layer)
    flat = (*dx.shape[:2], -1)
    da = keep("self_attn.o_proj", linear_backward(dx, o_proj))
    dq, dk, dv = attention_backward(da.reshape(attention[0].shape), attention)
    dq, dk = rope_backward(dq, q_rope), rope_backward(dk, k_rope)
    dh = keep("self_attn.v_proj", linear_backward(dv.reshape(flat), v_proj))
    dh += keep("self_attn.k_proj", linear_backward(dk.reshape(flat), k_proj))
    dh += keep("self_attn.q_proj", linear_backward(dq.reshape(flat), q_proj))
    return dx + keep("input_layernorm", rmsnorm_backward(dh, norm)), grads


def _mlp_block_forward(x: Array, params: Params, config: ModelConfig, layer: int) -> tuple[Array, Cache]:
    def weight(part: str) -> Array:
        return params[layer_name(layer, part)]

    h, norm = rmsnorm_forward(x, weight("post_attention_layernorm"), config.norm_eps)
    gate, gate_proj = linear_forward(h, weight("mlp.gate_proj"))
    up, up_proj = linear_forward(h, weight("mlp.up_proj"))
    m, swiglu = swiglu_forward(gate, up)
    m, down_proj = linear_forward(m, weight("mlp.down_proj"))
    return x + m, (norm, gate_proj, up_proj, swiglu, down_proj)


def _mlp_block_backward(dx: Array, cache: Cache, layer: int) -> tuple[Array, Params]:
    norm, gate_proj, up_proj, swiglu, down_proj = cache
    grads, keep = _collector(layer)
    dm = keep("mlp.down_proj", linear_backward(dx, down_proj))
    dgate, dup = swiglu_backward(dm, swiglu)
    dh = keep("mlp.up_proj", linear_backward(dup, up_proj))
    dh += keep("mlp.gate_proj", linear_backward(dgate, gate_proj))
    return dx + keep("post_attention_layernorm", rmsnorm_backward(dh, norm)), grads


def _collector(layer: int) -> tuple[Params, Callable[[str, tuple[Array, Array]], Array]]:
    """Gradients of a block, and a function that puts one there and passes on the gradient of the input."""
    grads: Params = {}

    def keep(part: str, pair: tuple[Array, Array]) -> Array:
        dx, grads[layer_name(layer, part)] = pair
        return dx

    return grads, keep
