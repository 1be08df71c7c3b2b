"""The layers of a Llama model as pairs: ``op_forward(...) -> y, cache`` and ``op_backward(dy, cache) -> gradients``.

Each backward stands under its forward and reads like it, upwards. Arrays keep the dtype they came with: float32
in use, float64 in gradient checks. Nothing is written in place but arrays made here. This file knows neither
settings nor parameter names.

Shapes: B sequences, T positions, C width, V vocabulary, H heads and G key/value heads of width D, F hidden width.
Queries, keys and values of a position lie in one row of H + 2G heads. Products are many times faster than passes
over arrays, so a pass that can be folded into a weight or into a product is: the model multiplies the scales of
queries, gates and norms into the weights.
"""

from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Cache = tuple[Any, ...]

ATTENTION_BLOCK = 64  # queries at a time: keys after a block's last query are never touched
LOGITS_CHUNK = 512  # positions at a time: logits of all positions never exist together
SAFE_SCORE = 60.0  # exp of anything nearer to zero, summed over any window, is far from the ends of float32


def embedding_forward(ids: Array, w: Array) -> tuple[Array, Cache]:  # (B,T), (V,C) -> (B,T,C)
    """Look up one row of ``w`` for each id."""
    return w[ids], (ids, w.shape)


def embedding_backward(dy: Array, cache: Cache) -> Array:  # (B,T,C) -> (V,C)
    """Sum the rows of ``dy`` that belong to one id: sorted by id first, so that each sum is one contiguous run."""
    ids, shape = cache
    flat = ids.reshape(-1)
    order = np.argsort(flat, kind="stable")
    rows, starts = np.unique(flat[order], return_index=True)
    dw = np.zeros(shape, dy.dtype)
    dw[rows] = np.add.reduceat(dy.reshape(-1, shape[1])[order], starts, axis=0)
    return dw


def rmsnorm_forward(x: Array, eps: float) -> tuple[Array, Cache]:  # (...,C) -> (...,C)
    """Divide by the root mean square over C (Zhang and Sennrich 2019). The gain is part of the next weight."""
    r = 1 / np.sqrt(np.einsum("...c,...c->...", x, x)[..., None] / x.shape[-1] + eps)
    y = x * r
    return y, (y, r)


def rmsnorm_backward(dy: Array, cache: Cache) -> Array:  # (...,C) -> (...,C)
    """Gradient of the input: what ``dy`` would change of the length is taken away."""
    y, r = cache
    dx: Array = y * (np.einsum("...c,...c->...", dy, y)[..., None] / -y.shape[-1])
    dx += dy
    dx *= r
    return dx


def gain_forward(w: Array, g: Array) -> tuple[Array, Cache]:  # (O,I), (I,) -> (O,I)
    """Multiply the gain of a norm into the weight after it: ``w @ (g * x)`` is ``(w * g) @ x``."""
    return w * g, (w, g)


def gain_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (O,I) -> (O,I), (I,)
    """Gradients of weight and gain."""
    w, g = cache
    return dy * g, np.einsum("oi,oi->i", dy, w)


def linear_forward(x: Array, w: Array) -> tuple[Array, Cache]:  # (...,I), (O,I) -> (...,O)
    """Multiply by the transposed weight; there is no bias."""
    y = x.reshape(-1, x.shape[-1]) @ w.T
    return y.reshape(*x.shape[:-1], w.shape[0]), (x, w)


def linear_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (...,O) -> (...,I), (O,I)
    """Gradients of input and weight."""
    x, w = cache
    rows = dy.reshape(-1, w.shape[0])
    return (rows @ w).reshape(x.shape), rows.T @ x.reshape(-1, w.shape[1])


@lru_cache(maxsize=8)
def rope_table(T: int, rotated: int, still: int, D: int, theta: float, dtype: Any) -> Array:
    """Unit complex numbers ``(T, rotated + still, D/2)`` that turn a row of heads; the last ``still`` heads stay.

    Source: Su et al. 2021. A pair of neighbours in a head is one complex number.
    """
    frequencies = theta ** (-np.arange(0, D, 2, dtype=np.float64) / D)
    turned = np.exp(1j * np.arange(T)[:, None, None] * frequencies)
    table = np.ones((T, rotated + still, D // 2), np.result_type(dtype, np.complex64))
    table[:, :rotated] = turned
    table.setflags(write=False)
    return table


def rope_forward(x: Array, table: Array) -> tuple[Array, Cache]:  # (B,T,N,D), (T,N,D/2) -> (B,T,N,D)
    """Turn each pair of neighbours in a head by its position's angle."""
    return (x.view(table.dtype) * table).view(x.dtype), (table,)


def rope_backward(dy: Array, cache: Cache) -> Array:  # (B,T,N,D) -> (B,T,N,D)
    """Turn back."""
    (table,) = cache
    return rope_forward(dy, table.conj())[0]


def attention_forward(qkv: Array, H: int) -> tuple[Array, Cache]:  # (B,T,H+2G,D) -> (B,T,H,D)
    """Causal softmax attention; ``H / G`` query heads share a key/value head (Ainslie et al. 2023).

    Queries come scaled. Weights stay unnormalised: the sums divide the output, which is smaller.
    """
    B, T, _, D = qkv.shape
    queries, keys, values = _heads(qkv, H)
    y = np.empty((B, T, H, D), qkv.dtype)
    outputs = _by_head(y, keys.shape[1])
    totals = np.empty((*outputs.shape[:-1], 1), qkv.dtype)
    weights = []
    for start in range(0, T, ATTENTION_BLOCK):
        block = slice(start, start + ATTENTION_BLOCK)
        seen = slice(0, min(start + ATTENTION_BLOCK, T))
        p = exp_scores(queries[..., block, :] @ keys[..., seen, :].swapaxes(-1, -2), start)
        totals[..., block, :] = p @ np.ones((p.shape[-1], 1), p.dtype)
        np.matmul(p, values[..., seen, :], out=outputs[..., block, :])
        weights.append(p)
    outputs /= totals
    return y, (qkv, y, totals, weights)


def attention_backward(dy: Array, cache: Cache) -> Array:  # (B,T,H,D) -> (B,T,H+2G,D)
    """Gradient of queries, keys and values; row sums of dp * p are taken as dy * y (Dao et al. 2022)."""
    qkv, y, totals, weights = cache
    H, T = y.shape[2], y.shape[1]
    queries, keys, values = _heads(qkv, H)
    dqkv: Array = np.empty_like(qkv)
    dqueries, dkeys_out, dvalues_out = _heads(dqkv, H)
    dkeys, dvalues = np.zeros(keys.shape, qkv.dtype), np.zeros(keys.shape, qkv.dtype)
    douts = _by_head(dy, keys.shape[1]) / totals
    dots = np.einsum("...d,...d->...", douts, _by_head(y, keys.shape[1]))[..., None]
    for start, p in zip(range(0, T, ATTENTION_BLOCK), weights, strict=True):
        block = slice(start, start + ATTENTION_BLOCK)
        seen = slice(0, p.shape[-1])
        dout = douts[..., block, :]
        dvalues[..., seen, :] += _sum_shared(p.swapaxes(-1, -2) @ dout)
        ds = dout @ values[..., seen, :].swapaxes(-1, -2)
        ds -= dots[..., block, :]
        ds *= p
        np.matmul(ds, keys[..., seen, :], out=dqueries[..., block, :])
        dkeys[..., seen, :] += _sum_shared(ds.swapaxes(-1, -2) @ queries[..., block, :])
    dkeys_out[...], dvalues_out[...] = dkeys, dvalues
    return dqkv


def exp_scores(s: Array, start: int) -> Array:
    """``exp(s)`` in place, 0 for keys after the query; the queries are those from ``start`` on: (...,t,S).

    Only scores that exp could not take are shifted, by the largest of their row: the sum that divides the
    output later takes the shift out again.
    """
    t = s.shape[-2]
    causal = _causal(t, s.dtype)
    if max(s.max(), -s.min()) <= SAFE_SCORE:
        np.exp(s, out=s)
    else:
        s[..., start:][..., causal == 0] = -np.inf
        s -= s.max(-1, keepdims=True)
        np.exp(s, out=s)
    s[..., start:] *= causal
    return s


@lru_cache(maxsize=8)
def _causal(t: int, dtype: Any) -> Array:  # (t,t), 1 where the key is not after the query
    return np.tri(t, dtype=dtype)


def _heads(qkv: Array, H: int) -> tuple[Array, Array, Array]:
    """Views of queries (B,G,H/G,T,D), and of keys and values (B,G,1,T,D)."""
    G = (qkv.shape[2] - H) // 2
    parts = qkv[:, :, :H], qkv[:, :, H : H + G], qkv[:, :, H + G :]
    queries, keys, values = (_by_head(part, G) for part in parts)
    return queries, keys, values


def _by_head(x: Array, G: int) -> Array:  # (B,T,N,D) -> (B,G,N/G,T,D), a view
    B, T, N, D = x.shape
    result: Array = x.reshape(B, T, G, N // G, D).transpose(0, 2, 3, 1, 4)
    return result


def _sum_shared(x: Array) -> Array:  # (B,G,H/G,S,D) -> (B,G,1,S,D)
    total: Array = x if x.shape[2] == 1 else x.sum(2, keepdims=True)
    return total


def swiglu_forward(x: Array) -> tuple[Array, Cache]:  # (...,2F) -> (...,F)
    """``silu(2 h) * up`` of ``x = [h, up]``, where ``h`` is half of the gate (Shazeer 2020).

    ``silu(2 h)`` is ``h * (1 + tanh h)``, which cannot overflow.
    """
    F = x.shape[-1] // 2
    h, up = x[..., :F], x[..., F:]
    s = np.tanh(h)
    s += 1
    silu = h * s
    return silu * up, (up, s, silu)


def swiglu_backward(dy: Array, cache: Cache) -> Array:  # (...,F) -> (...,2F)
    """Gradient of both halves; with ``s = 1 + tanh h`` the derivative of the silu is ``s + silu (2 - s)``."""
    up, s, silu = cache
    F = up.shape[-1]
    dx = np.empty((*dy.shape[:-1], 2 * F), dy.dtype)
    dh, dup = dx[..., :F], dx[..., F:]
    np.multiply(dy, silu, out=dup)
    slope = 2 - s
    slope *= silu
    slope += s
    slope *= up
    np.multiply(slope, dy, out=dh)
    return dx


def cross_entropy_forward(x: Array, w: Array, targets: Array, weight: float = 1.0) -> tuple[Array, Cache]:
    """``weight`` times the sum of ``-log softmax(x w^T)[target]`` in nats; a target of -1 does not count.

    (N,C), (V,C), (N,) -> (). Logits exist for one chunk of positions at a time, so their gradients are taken
    right here; the backward only scales them.
    """
    loss = np.zeros((), x.dtype)
    dx, dw = np.empty_like(x), np.zeros_like(w)
    for start in range(0, len(x), LOGITS_CHUNK):
        rows = slice(start, start + LOGITS_CHUNK)
        counts = targets[rows] >= 0
        p, chosen, totals = _exp_logits(x[rows], w, np.where(counts, targets[rows], 0))
        loss += weight * np.sum((np.log(totals) - chosen) * counts)
        p[np.arange(len(p)), targets[rows]] -= totals
        scale = (weight * counts / totals).astype(x.dtype)[:, None]
        np.matmul(p, w, out=dx[rows])
        dx[rows] *= scale
        dw += p.T @ (x[rows] * scale)
    return loss, (dx, dw)


def cross_entropy_backward(dloss: Any, cache: Cache) -> tuple[Array, Array]:  # () -> (N,C), (V,C)
    """Gradients of the rows and of the output weight."""
    dx, dw = cache
    return (dx, dw) if dloss == 1 else (dx * dloss, dw * dloss)


def token_losses(x: Array, w: Array, targets: Array) -> Array:  # (N,C), (V,C), (N,) -> (N,)
    """``-log softmax(x w^T)[target]`` of each position in nats, without gradients; for evaluation."""
    assert targets.min() >= 0, "a target of -1 has no loss"
    losses = np.empty(len(x), x.dtype)
    for start in range(0, len(x), LOGITS_CHUNK):
        rows = slice(start, start + LOGITS_CHUNK)
        _, chosen, totals = _exp_logits(x[rows], w, targets[rows])
        losses[rows] = np.log(totals) - chosen
    return losses


def _exp_logits(x: Array, w: Array, targets: Array) -> tuple[Array, Array, Array]:
    """Unnormalised probabilities (n,V), the targets' logits (n,), and the sums of the former (n,)."""
    p = x @ w.T
    if not max(p.max(), -p.min()) <= SAFE_SCORE:
        p -= p.max(-1, keepdims=True)
    chosen = p[np.arange(len(p)), targets]
    np.exp(p, out=p)
    return p, chosen, p @ np.ones(p.shape[1], p.dtype)
