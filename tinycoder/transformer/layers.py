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
LEAST_SUM = 1e-26  # of weights: smaller ones, and larger ones than its inverse, are near the ends of float32


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


def linears_forward(x: Array, w: Array) -> tuple[Array, Cache]:  # (...,I), (K,O,I) -> (K,...,O)
    """Multiply by each of K transposed weights. Each result is contiguous, so passes over it are quick."""
    y = np.matmul(x.reshape(-1, x.shape[-1]), w.swapaxes(1, 2))
    return y.reshape(len(w), *x.shape[:-1], -1), (x, w)


def linears_backward(dy: Array, cache: Cache) -> tuple[Array, Array]:  # (K,...,O) -> (...,I), (K,O,I)
    """Gradients of input and weights."""
    x, w = cache
    rows = dy.reshape(len(w), -1, w.shape[1])
    dx: Array = rows[0] @ w[0]
    for more, weight in zip(rows[1:], w[1:], strict=True):
        dx += more @ weight
    return dx.reshape(x.shape), np.matmul(rows.swapaxes(1, 2), x.reshape(-1, w.shape[2]))


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
    """Causal softmax attention; ``R = H / G`` query heads share a key/value head (Ainslie et al. 2023).

    Queries come scaled. Weights stay unnormalised: the sums divide the output, which is smaller. Products of arrays
    that are contiguous, none of them transposed on the right, are so much faster that copies into this shape pay.
    """
    B, T, _, D = qkv.shape
    queries, keys, values = _heads(np.ascontiguousarray(qkv.swapaxes(1, 2)), H)
    keys_across = np.ascontiguousarray(keys.swapaxes(-1, -2))
    y = np.empty((B, T, H, D), qkv.dtype)
    outputs = _by_head(y, keys.shape[1])
    totals = np.empty((*queries.shape[:-1], 1), qkv.dtype)
    weights = []
    for start in range(0, T, ATTENTION_BLOCK):
        block, seen = slice(start, start + ATTENTION_BLOCK), slice(0, min(start + ATTENTION_BLOCK, T))
        p, total = _weights(_rows(queries, block), keys_across[..., seen], start)
        heads = (*queries.shape[:3], seen.stop - start, -1)
        totals[..., block, :] = total.reshape(heads)
        np.divide((p @ values[..., seen, :]).reshape(heads), totals[..., block, :], out=outputs[..., block, :])
        weights.append(p)
    return y, (y, queries, keys, values, totals, weights)


def attention_backward(dy: Array, cache: Cache) -> Array:  # (B,T,H,D) -> (B,T,H+2G,D)
    """Gradient of queries, keys and values; row sums of dp * p are taken as dy * y (Dao et al. 2022).

    They are a last column of ``douts`` that meets -1 below the values, so that the product subtracts them.
    """
    y, queries, keys, values, totals, weights = cache
    (B, T, H, D), G = y.shape, keys.shape[1]
    values_across = np.full((B, G, D + 1, T), -1, dy.dtype)
    values_across[..., :D, :] = values.swapaxes(-1, -2)
    douts = np.empty((*queries.shape[:-1], D + 1), dy.dtype)
    np.divide(_by_head(dy, G), totals, out=douts[..., :D])
    np.vecdot(douts[..., :D], _by_head(y, G), out=douts[..., D])
    dqkv: Array = np.empty((B, T, H + 2 * G, D), dy.dtype)
    dqueries = _by_head(dqkv[:, :, :H], G)
    dkeys, dvalues = np.zeros((2, *keys.shape), dy.dtype)
    for start, p in zip(range(0, T, ATTENTION_BLOCK), weights, strict=True):
        block, seen = slice(start, start + ATTENTION_BLOCK), slice(0, p.shape[-1])
        dout = _rows(douts, block)
        dvalues[..., seen, :] += p.swapaxes(-1, -2) @ dout[..., :D]
        ds = dout @ values_across[..., seen]
        ds *= p
        dqueries[..., block, :] = (ds @ keys[..., seen, :]).reshape(B, G, H // G, -1, D)
        dkeys[..., seen, :] += ds.swapaxes(-1, -2) @ _rows(queries, block)
    dqkv[:, :, H : H + G], dqkv[:, :, H + G :] = dkeys.swapaxes(1, 2), dvalues.swapaxes(1, 2)
    return dqkv


def _weights(queries: Array, keys: Array, start: int) -> tuple[Array, Array]:
    """Unnormalised weights (B,G,R*t,S) of rows of queries on transposed keys, and their sums (B,G,R*t,1)."""
    t, ones = keys.shape[-1] - start, np.ones((keys.shape[-1], 1), keys.dtype)
    p = queries @ keys
    with np.errstate(over="ignore", invalid="ignore"):
        np.exp(p, out=p)
        p.reshape(*p.shape[:2], -1, t, p.shape[-1])[..., start:] *= _causal(t, p.dtype)
        totals = p @ ones
    if not _are_safe(totals):
        p = queries @ keys
        exp_scores(p.reshape(*p.shape[:2], -1, t, p.shape[-1]), start)
        totals = p @ ones
    return p, totals


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


def _are_safe(sums: Array) -> bool:
    """Whether no exponential of those that matter to the sums was near the ends of float32. False where one is NaN."""
    return bool(sums.min() > LEAST_SUM and sums.max() < 1 / LEAST_SUM)


@lru_cache(maxsize=8)
def _causal(t: int, dtype: Any) -> Array:  # (t,t), 1 where the key is not after the query
    return np.tri(t, dtype=dtype)


def _heads(qkv: Array, H: int) -> tuple[Array, Array, Array]:
    """Views of queries (B,G,R,T,D), and of keys and values (B,G,T,D), of heads that come one after the other."""
    B, N, T, D = qkv.shape
    G = (N - H) // 2
    return qkv[:, :H].reshape(B, G, H // G, T, D), qkv[:, H : H + G], qkv[:, H + G :]


def _by_head(x: Array, G: int) -> Array:  # (B,T,N,D) -> (B,G,N/G,T,D), a view
    B, T, N, D = x.shape
    result: Array = x.reshape(B, T, G, N // G, D).transpose(0, 2, 3, 1, 4)
    return result


def _rows(x: Array, block: slice) -> Array:  # (B,G,R,T,D) -> (B,G,R*t,D)
    """A block of all heads that share keys: rows of one product."""
    part: Array = x[..., block, :]
    return part.reshape(*x.shape[:2], -1, x.shape[-1])


def swiglu_forward(x: Array) -> tuple[Array, Cache]:  # (2,...,F) -> (...,F)
    """``silu(2 h) * up`` of ``x = [h, up]``, where ``h`` is half of the gate (Shazeer 2020).

    ``silu(2 h)`` is ``h * (1 + tanh h)``, which cannot overflow.
    """
    h, up = x
    s = np.tanh(h)
    s += 1
    silu = h * s
    return silu * up, (up, s, silu)


def swiglu_backward(dy: Array, cache: Cache) -> Array:  # (...,F) -> (2,...,F)
    """Gradient of both halves; with ``s = 1 + tanh h`` the derivative of the silu is ``s + silu (2 - s)``."""
    up, s, silu = cache
    dx = np.empty((2, *dy.shape), dy.dtype)
    slope, dup = dx
    np.multiply(dy, silu, out=dup)
    np.subtract(2, s, out=slope)
    slope *= silu
    slope += s
    slope *= up
    slope *= dy
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
    places, ones = (np.arange(len(x)), targets), np.ones(len(w), w.dtype)
    p = x @ w.T
    chosen = p[places]
    with np.errstate(over="ignore"):
        np.exp(p, out=p)
        totals = p @ ones
    if not _are_safe(totals):
        p = x @ w.T
        p -= p.max(-1, keepdims=True)
        chosen = p[places]
        np.exp(p, out=p)
        totals = p @ ones
    return p, chosen, totals
