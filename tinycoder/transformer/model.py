"""A Llama model: parameters, forward pass, loss, and the backward pass, which is the forward pass read upwards.

Parameters are one dictionary under the names that Hugging Face gives them; gradients carry the same names. The
passes run on *weights* that are derived from them once a step (``fuse_forward``): matrices that multiply the same
input stand on top of each other, and the scales of norms, queries and gates are multiplied into them. This file
knows token ids, no text, and no files.
"""

from __future__ import annotations  # numpy.random is not imported before it is used

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.transformer.layers import (
    Array,
    Cache,
    attention_backward,
    attention_forward,
    cross_entropy_backward,
    cross_entropy_forward,
    embedding_backward,
    embedding_forward,
    gain_backward,
    gain_forward,
    linear_backward,
    linear_forward,
    linears_backward,
    linears_forward,
    rmsnorm_backward,
    rmsnorm_forward,
    rope_backward,
    rope_forward,
    rope_table,
    swiglu_backward,
    swiglu_forward,
    token_losses,
)

Params = dict[str, Array]
Weights = dict[str, Array]
Map = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]

EMBEDDING = "model.embed_tokens.weight"
FINAL_NORM = "model.norm.weight"
TOKENS_AT_A_TIME = 1024  # of a batch: fewer make products slow, more leave the cache


_BLOCK = (
    "input_layernorm",
    "self_attn.q_proj",
    "self_attn.k_proj",
    "self_attn.v_proj",
    "self_attn.o_proj",
    "post_attention_layernorm",
    "mlp.gate_proj",
    "mlp.up_proj",
    "mlp.down_proj",
)


def layer_name(layer: int, part: str) -> str:
    """Name of a parameter of block ``layer``, such as ``self_attn.q_proj``."""
    return f"model.layers.{layer}.{part}.weight"


def param_shapes(config: ModelConfig) -> dict[str, tuple[int, ...]]:
    """Name and shape of every parameter, in the order of the forward pass."""
    C, F, kv = config.width, config.hidden, config.n_kv_heads * config.head_width
    shapes: dict[str, tuple[int, ...]] = {EMBEDDING: (config.vocab_size, C)}
    for layer in range(config.n_layers):
        block = ((C,), (C, C), (kv, C), (kv, C), (C, C), (C,), (F, C), (F, C), (C, F))
        shapes |= {layer_name(layer, part): shape for part, shape in zip(_BLOCK, block, strict=True)}
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


def fuse_forward(params: Params, config: ModelConfig, each: Map = map) -> tuple[Weights, Cache]:
    """Weights of the passes below, in the order of the forward pass.

    ``embedding`` (V,C), for layer l ``l.qkv`` ((H+2G)D,C), ``l.o`` (C,C), ``l.gate_up`` (2F,C) and ``l.down``
    (C,F), and ``head`` (V,C). Pairs that rotate together are neighbours here; Hugging Face has them half a head
    apart. ``each`` maps over the layers and may run in parallel.
    """
    embedding = params[EMBEDDING]
    head, gain = gain_forward(embedding, params[FINAL_NORM])

    def block(layer: int) -> tuple[Weights, Cache]:
        part = {name: params[layer_name(layer, name)] for name in _BLOCK}
        scaled_q = part["self_attn.q_proj"] * config.head_width**-0.5
        q, k = (neighbours(w, config.head_width) for w in (scaled_q, part["self_attn.k_proj"]))
        half_gate = part["mlp.gate_proj"] * 0.5
        qkv, attention = gain_forward(np.concatenate([q, k, part["self_attn.v_proj"]]), part["input_layernorm"])
        gate_up, mlp = gain_forward(np.concatenate([half_gate, part["mlp.up_proj"]]), part["post_attention_layernorm"])
        weights = {"qkv": qkv, "o": part["self_attn.o_proj"], "gate_up": gate_up, "down": part["mlp.down_proj"]}
        return {f"{layer}.{name}": w for name, w in weights.items()}, (attention, mlp)

    blocks = list(each(block, range(config.n_layers)))
    weights = {"embedding": embedding}
    for more, _ in blocks:
        weights |= more
    return weights | {"head": head}, (config, gain, [gains for _, gains in blocks])


def fuse_backward(dweights: Weights, cache: Cache, each: Map = map) -> Params:
    """Gradients of the parameters from those of the weights."""
    config, gain, gains = cache
    width, H, G = config.head_width, config.n_heads, config.n_kv_heads

    def block(layer: int) -> Params:
        attention, mlp = gains[layer]
        dqkv, dattention_norm = gain_backward(dweights[f"{layer}.qkv"], attention)
        dgate_up, dmlp_norm = gain_backward(dweights[f"{layer}.gate_up"], mlp)
        dq, dk, dv = np.split(dqkv, [H * width, (H + G) * width])
        dhalf_gate, dup = np.split(dgate_up, 2)
        grads = (
            dattention_norm,
            _halves(dq, width) * width**-0.5,
            _halves(dk, width),
            dv,
            dweights[f"{layer}.o"],
            dmlp_norm,
            dhalf_gate * 0.5,
            dup,
            dweights[f"{layer}.down"],
        )
        return {layer_name(layer, name): grad for name, grad in zip(_BLOCK, grads, strict=True)}

    dembedding, dfinal_norm = gain_backward(dweights["head"], gain)
    grads = {EMBEDDING: dembedding + dweights["embedding"]}
    for more in each(block, range(config.n_layers)):
        grads |= more
    return grads | {FINAL_NORM: dfinal_norm}


def hidden_forward(weights: Weights, config: ModelConfig, ids: Array) -> tuple[Array, Cache]:
    """Hidden states after the last norm, without its gain: (B,T) -> (B,T,C)."""
    assert ids.ndim == 2, ids.shape
    assert 0 < ids.shape[1] <= config.context, (ids.shape, config.context)
    x, embedding = embedding_forward(ids, weights["embedding"])
    blocks = []
    for layer in range(config.n_layers):
        x, attention = _attention_block_forward(x, weights, config, layer)
        x, mlp = _mlp_block_forward(x, weights, config, layer)
        blocks.append((attention, mlp))
    x, norm = rmsnorm_forward(x, config.norm_eps)
    return x, (embedding, blocks, norm)


def hidden_backward(dx: Array, cache: Cache) -> tuple[Array, Weights]:
    """Gradients of the embedded ids (B,T,C) and of the weights in between, from that of the hidden states."""
    _, blocks, norm = cache
    dweights: Weights = {}
    dx = rmsnorm_backward(dx, norm)
    for layer in reversed(range(len(blocks))):
        attention, mlp = blocks.pop()
        dx = _mlp_block_backward(dx, mlp, layer, dweights)
        dx = _attention_block_backward(dx, attention, layer, dweights)
    return dx, dweights


def forward(params: Params, config: ModelConfig, ids: Array) -> Array:
    """Scores of every next token: (B,T) -> (B,T,V)."""
    weights, _ = fuse_forward(params, config)
    return linear_forward(hidden_forward(weights, config, ids)[0], weights["head"])[0]


def loss_and_weight_gradients(
    weights: Weights,
    config: ModelConfig,
    ids: Array,
    targets: Array,
    n_targets: int,
) -> tuple[float, Weights]:
    """What ``ids`` add to the mean loss over ``n_targets`` and to its gradients; (B,T), (B,T) -> (), weights.

    Parts of a batch add up to the batch. ``TOKENS_AT_A_TIME`` of them, but at least a row, pass at once.
    """
    loss, dweights = 0.0, Weights()
    dembedded = np.empty((*ids.shape, config.width), weights["embedding"].dtype)
    n_rows = max(1, TOKENS_AT_A_TIME // ids.shape[1])
    for start in range(0, len(ids), n_rows):
        rows = slice(start, start + n_rows)
        hidden, cache = hidden_forward(weights, config, ids[rows])
        flat = hidden.reshape(-1, config.width)
        part, head = cross_entropy_forward(flat, weights["head"], targets[rows].reshape(-1), 1 / n_targets)
        dhidden, dhead = cross_entropy_backward(1, head)
        dembedded[rows], more = hidden_backward(dhidden.reshape(hidden.shape), cache)
        loss += float(part)
        add(dweights, more | {"head": dhead})
    dweights["embedding"] = embedding_backward(dembedded, (ids, weights["embedding"].shape))
    return loss, dweights


def add(total: Weights, more: Weights) -> None:
    """Add arrays to those of the same name in ``total``, in place."""
    for name, array in more.items():
        if name in total:
            total[name] += array
        else:
            total[name] = array


def losses(weights: Weights, config: ModelConfig, ids: Array, targets: Array) -> Array:
    """Loss of each target in nats, without gradients: (B,T), (B,T) -> (B,T)."""
    hidden, _ = hidden_forward(weights, config, ids)
    return token_losses(hidden.reshape(-1, config.width), weights["head"], targets.reshape(-1)).reshape(ids.shape)


def _attention_block_forward(x: Array, weights: Weights, config: ModelConfig, layer: int) -> tuple[Array, Cache]:
    H, G, D = config.n_heads, config.n_kv_heads, config.head_width
    table = rope_table(x.shape[1], H + G, G, D, config.rope_theta, x.dtype)
    h, norm = rmsnorm_forward(x, config.norm_eps)
    qkv, qkv_linear = linear_forward(h, weights[f"{layer}.qkv"])
    qkv, rope = rope_forward(qkv.reshape(*x.shape[:2], H + 2 * G, D), table)
    a, attention = attention_forward(qkv, H)
    y, o_linear = linear_forward(a.reshape(x.shape), weights[f"{layer}.o"])
    y += x
    return y, (norm, qkv_linear, rope, attention, o_linear)


def _attention_block_backward(dy: Array, cache: Cache, layer: int, dweights: Weights) -> Array:
    norm, qkv_linear, rope, attention, o_linear = cache
    da, dweights[f"{layer}.o"] = linear_backward(dy, o_linear)
    dqkv = attention_backward(da.reshape(attention[0].shape), attention)
    dqkv = rope_backward(dqkv, rope).reshape(*dy.shape[:2], -1)
    dh, dweights[f"{layer}.qkv"] = linear_backward(dqkv, qkv_linear)
    dx = rmsnorm_backward(dh, norm)
    dx += dy
    return dx


def _mlp_block_forward(x: Array, weights: Weights, config: ModelConfig, layer: int) -> tuple[Array, Cache]:
    h, norm = rmsnorm_forward(x, config.norm_eps)
    both = weights[f"{layer}.gate_up"].reshape(2, config.hidden, config.width)
    gate_up, gate_up_linears = linears_forward(h, both)
    m, swiglu = swiglu_forward(gate_up)
    y, down_linear = linear_forward(m, weights[f"{layer}.down"])
    y += x
    return y, (norm, gate_up_linears, swiglu, down_linear)


def _mlp_block_backward(dy: Array, cache: Cache, layer: int, dweights: Weights) -> Array:
    norm, gate_up_linears, swiglu, down_linear = cache
    dm, dweights[f"{layer}.down"] = linear_backward(dy, down_linear)
    dgate_up = swiglu_backward(dm, swiglu)
    dh, dboth = linears_backward(dgate_up, gate_up_linears)
    dweights[f"{layer}.gate_up"] = dboth.reshape(-1, dh.shape[-1])
    dx = rmsnorm_backward(dh, norm)
    dx += dy
    return dx


def neighbours(w: Array, D: int) -> Array:
    """Order the rows of each head so that those that rotate together are neighbours: (ND,C) -> (ND,C)."""
    found: Array = w.reshape(-1, 2, D // 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
    return found


def _halves(w: Array, D: int) -> Array:
    """The order of ``neighbours``, taken back."""
    halves: Array = w.reshape(-1, D // 2, 2, w.shape[1]).swapaxes(1, 2).reshape(w.shape)
    return halves
