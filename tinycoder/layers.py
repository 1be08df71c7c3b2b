"""The layers of a Llama model as pairs: ``op_forward(...) -> y, cache`` and ``op_backward(dy, cache) -> gradients``.

Each backward stands under its forward and reads like it, upwards. Arrays keep the dtype they came with: float32
in use, float64 in gradient checks. Nothing is written in place but arrays made here. This file knows neither
settings nor parameter names.

Shapes: B sequences, T positions, C width, V vocabulary, H heads and G key/value heads of width D, F hidden width.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Cache = tuple[Any, ...]

ATTENTION_BLOCK = 64  # queries at a time: keys after a block's last query are never touched
LOGITS_CHUNK = 256  # positions at a time: (chunk, V) logits stay in a core's cache


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


def rmsnorm_forward(x: Array, g: Array, eps: float) -> tuple[Array, Cache]:  # (B,T,C), (C,) -> (B,T,C)
    """Divide by the root mean square over C, then scale (Zhang and Sennrich 2019)."""
    r = 1 / np.sqrt(np.einsum("...c,...c->...", x, x)[..., None] / x.shape[-1] + eps)
    xhat = x * r
    return xhat * g, (xhat, r, g)


def rmsnorm_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (B,T,C) -> (B,T,C), (C,)
    """Gradients of input and scale."""
    xhat, r, g = cache
    dxhat = dy * g
    projection = np.einsum("...c,...c->...", dxhat, xhat)[..., None] / xhat.shape[-1]
    dx = dxhat
    dx -= xhat * projection
    dx *= r
    return dx, np.einsum("btc,btc->c", dy, xhat)


def linear_forward(x: Array, w: Array) -> tuple[Array, Cache]:  # (B,T,I), (O,I) -> (B,T,O)
    """Multiply by the transposed weight; there is no bias."""
    y = x.reshape(-1, x.shape[-1]) @ w.T
    return y.reshape(*x.shape[:-1], w.shape[0]), (x, w)


def linear_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (B,T,O) -> (B,T,I), (O,I)
    """Gradients of input and weight."""
    x, w = cache
    rows = dy.reshape(-1, w.shape[0])
    return (rows @ w).reshape(x.shape), rows.T @ x.reshape(-1, w.shape[1])


def rope_tables(positions: Array, width: int, theta: float, dtype: Any) -> tuple[Array, Array]:
    """Cosines and sines of each position's angles, (T, D/2) each, for heads of ``width`` D.

    Source: Su et al. 2021, with the halves of a head paired as Llama weights on Hugging Face expect.
    """
    frequencies = theta ** (-np.arange(0, width, 2, dtype=np.float64) / width)
    angles = np.asarray(positions, np.float64)[:, None] * frequencies
    return np.cos(angles).astype(dtype), np.sin(angles).astype(dtype)


def rope_forward(x: Array, cos: Array, sin: Array) -> tuple[Array, Cache]:  # (B,T,H,D), (T,D/2) x 2 -> (B,T,H,D)
    """Rotate each pair (first half, second half) of a head by its position's angle."""
    cos, sin = cos[:, None, :], sin[:, None, :]
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    y = np.empty_like(x)
    y[..., :half] = first * cos - second * sin
    y[..., half:] = second * cos + first * sin
    return y, (cos[:, 0], sin[:, 0])


def rope_backward(dy: Array, cache: Cache) -> Array:  # (B,T,H,D) -> (B,T,H,D)
    """Rotate back."""
    cos, sin = cache
    return rope_forward(dy, cos, -sin)[0]


def attention_forward(q: Array, k: Array, v: Array) -> tuple[Array, Cache]:
    """Causal softmax attention; ``H / G`` query heads share a key/value head (Ainslie et al. 2023).

    (B,T,H,D), (B,S,G,D), (B,S,G,D) -> (B,T,H,D). The T queries are the last of the S positions: in training
    T == S, with cached keys T < S.
    """
    T, D = q.shape[1], q.shape[3]
    S, G = k.shape[1:3]
    past = S - T
    q = q * D**-0.5
    y = np.empty_like(q)
    queries, keys, values, outputs = _by_head(q, G), _by_head(k, G), _by_head(v, G), _by_head(y, G)
    probabilities = []
    for start in range(0, T, ATTENTION_BLOCK):
        stop = min(start + ATTENTION_BLOCK, T)
        seen = past + stop
        p = queries[..., start:stop, :] @ keys[..., :seen, :].swapaxes(-1, -2)
        p[..., past + start :] += _future(stop - start, p.dtype)
        p -= p.max(-1, keepdims=True)
        np.exp(p, out=p)
        p /= p.sum(-1, keepdims=True)
        np.matmul(p, values[..., :seen, :], out=outputs[..., start:stop, :])
        probabilities.append(p)
    return y, (q, k, v, y, probabilities)


def attention_backward(dy: Array, cache: Cache) -> tuple[Array, Array, Array]:
    """Gradients of queries, keys and values; row sums of dp * p are taken as dy * y (Dao et al. 2022)."""
    q, k, v, y, probabilities = cache
    T, D = q.shape[1], q.shape[3]
    S, G = k.shape[1:3]
    past = S - T
    dq, dk, dv = np.empty_like(q), np.zeros_like(k), np.zeros_like(v)
    queries, keys, values, douts = _by_head(q, G), _by_head(k, G), _by_head(v, G), _by_head(dy, G)
    dqueries, dkeys, dvalues = _by_head(dq, G), _by_head(dk, G)[:, :, 0], _by_head(dv, G)[:, :, 0]
    totals = _by_head(np.einsum("bthd,bthd->bth", dy, y)[..., None], G)
    for start, p in zip(range(0, T, ATTENTION_BLOCK), probabilities, strict=True):
        stop = min(start + ATTENTION_BLOCK, T)
        seen = past + stop
        dout = douts[..., start:stop, :]
        dvalues[..., :seen, :] += _sum_shared(p.swapaxes(-1, -2) @ dout)
        ds = dout @ values[..., :seen, :].swapaxes(-1, -2)
        ds -= totals[..., start:stop, :]
        ds *= p
        np.matmul(ds, keys[..., :seen, :], out=dqueries[..., start:stop, :])
        dkeys[..., :seen, :] += _sum_shared(ds.swapaxes(-1, -2) @ queries[..., start:stop, :])
    dq *= D**-0.5
    return dq, dk, dv


def _by_head(x: Array, G: int) -> Array:  # (B,T,H,D) -> (B,G,H/G,T,D), a view
    B, T, H, D = x.shape
    result: Array = x.reshape(B, T, G, H // G, D).transpose(0, 2, 3, 1, 4)
    return result


def _sum_shared(x: Array) -> Array:  # (B,G,H/G,S,D) -> (B,G,S,D)
    result: Array = x[:, :, 0] if x.shape[2] == 1 else x.sum(2)
    return result


def _future(T: int, dtype: Any) -> Array:  # (T,T), minus infinity above the diagonal
    return np.triu(np.full((T, T), -np.inf, dtype), 1)


def swiglu_forward(gate: Array, up: Array) -> tuple[Array, Cache]:  # (B,T,F), (B,T,F) -> (B,T,F)
    """``silu(gate) * up`` (Shazeer 2020). The logistic function is written with tanh, which cannot overflow."""
    s = gate * 0.5
    np.tanh(s, out=s)
    s += 1
    s *= 0.5
    silu = gate * s
    return silu * up, (up, s, silu)


def swiglu_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (B,T,F) -> (B,T,F), (B,T,F)
    """Gradients of gate and up; silu' = s + silu (1 - s)."""
    up, s, silu = cache
    dgate = 1 - s
    dgate *= silu
    dgate += s
    dgate *= up
    dgate *= dy
    return dgate, dy * silu


def cross_entropy_forward(x: Array, w: Array, targets: Array) -> tuple[Array, Cache]:
    """Sum of ``-log softmax(x w^T)[target]`` in nats; a target of -1 does not count.

    (N,C), (V,C), (N,) -> (). Logits exist for one chunk of positions at a time, so their gradients are taken
    right here, while the chunk is in the core's cache; the backward only scales them.
    """
    loss = np.zeros((), x.dtype)
    dx, dw = np.empty_like(x), np.zeros_like(w)
    for start in range(0, len(x), LOGITS_CHUNK):
        rows = slice(start, start + LOGITS_CHUNK)
        p = x[rows] @ w.T
        counts = targets[rows] >= 0
        index = np.arange(len(p)), np.where(counts, targets[rows], 0)
        p -= p.max(-1, keepdims=True)
        chosen = p[index]
        np.exp(p, out=p)
        total = p.sum(-1, keepdims=True)
        loss += np.sum((np.log(total[:, 0]) - chosen) * counts)
        p *= counts[:, None] / total
        p[index] -= counts
        np.matmul(p, w, out=dx[rows])
        dw += p.T @ x[rows]
    return loss, (dx, dw)


def cross_entropy_backward(dloss: Any, cache: Cache) -> tuple[Array, Array]:  # () -> (N,C), (V,C)
    """Gradients of the rows and of the output weight."""
    dx, dw = cache
    return dx * dloss, dw * dloss


def token_losses(x: Array, w: Array, targets: Array) -> Array:  # (N,C), (V,C), (N,) -> (N,)
    """``-log softmax(x w^T)[target]`` of each position in nats, without gradients; for evaluation."""
    assert targets.min() >= 0, "a target of -1 has no loss"
    losses = np.empty(len(x), x.dtype)
    for start in range(0, len(x), LOGITS_CHUNK):
        rows = slice(start, start + LOGITS_CHUNK)
        z = x[rows] @ w.T
        z -= z.max(-1, keepdims=True)
        chosen = z[np.arange(len(z)), targets[rows]]
        losses[rows] = np.log(np.exp(z, out=z).sum(-1)) - chosen
    return losses
