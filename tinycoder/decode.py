"""Next-token scores with a key/value cache. Knows ids, no text, and does not choose.

``Session`` looks like a plain function from all ids so far to the scores of the next one; that it keeps the keys
and values of the longest common prefix with the last call shows only in the time that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from tinycoder.config import ModelConfig
from tinycoder.layers import Array, linear_forward, rmsnorm_forward, rope_table, swiglu_forward
from tinycoder.model import Params, Weights, fuse_forward

PREFILL_CHUNK = 64  # positions between two looks at whether anybody still waits

Poll = Callable[[], None]


def use_one_blas_thread() -> None:
    """Keep BLAS to one thread from here on: for single tokens more threads only wait for each other."""
    threadpool_limits(limits=1, user_api="blas")


class KVCache:
    """Keys and values of ``length`` positions for each of B rows: per layer (B,S,G,D)."""

    def __init__(self, config: ModelConfig, n_rows: int = 1) -> None:
        shape = (n_rows, config.context, config.n_kv_heads, config.head_width)
        self.keys = [np.zeros(shape, np.float32) for _ in range(config.n_layers)]
        self.values = [np.zeros(shape, np.float32) for _ in range(config.n_layers)]
        self.length = 0

    def rows(self, rows: Sequence[int] | Array) -> KVCache:
        """A copy that holds the given rows, in that order; a row may come several times."""
        chosen = object.__new__(KVCache)
        chosen.keys = [_take(keys, rows, self.length) for keys in self.keys]
        chosen.values = [_take(values, rows, self.length) for values in self.values]
        chosen.length = self.length
        return chosen


def step(weights: Weights, config: ModelConfig, cache: KVCache, ids: Array) -> Array:
    """Append ``ids`` to the cache and score what follows the last of them: (B,t) -> (B,V)."""
    past, new = cache.length, ids.shape[1]
    assert past + new <= config.context, (past, new, config.context)
    H, G, D = config.n_heads, config.n_kv_heads, config.head_width
    x = weights["embedding"][ids]
    table = rope_table(config.context, H + G, G, D, config.rope_theta, x.dtype)[past : past + new]
    for layer in range(config.n_layers):
        h = rmsnorm_forward(x, config.norm_eps)[0]
        qkv = linear_forward(h, weights[f"{layer}.qkv"])[0].reshape(*ids.shape, H + 2 * G, D)
        qkv = (qkv.view(table.dtype) * table).view(x.dtype)
        keys, values = cache.keys[layer][:, : past + new], cache.values[layer][:, : past + new]
        keys[:, past:], values[:, past:] = qkv[:, :, H : H + G], qkv[:, :, H + G :]
        x = x + linear_forward(_attention(qkv[:, :, :H], keys, values).reshape(x.shape), weights[f"{layer}.o"])[0]
        h = rmsnorm_forward(x, config.norm_eps)[0]
        m = swiglu_forward(linear_forward(h, weights[f"{layer}.gate_up"])[0])[0]
        x = x + linear_forward(m, weights[f"{layer}.down"])[0]
    cache.length += new
    return linear_forward(rmsnorm_forward(x[:, -1], config.norm_eps)[0], weights["head"])[0]


def window_start(n_ids: int, context: int, room: int) -> int:
    """First id that is kept so that ``room`` more ids fit; moves in steps of a quarter of the window."""
    excess = n_ids + room - context
    quarter = max(1, context // 4)
    return 0 if excess <= 0 else min(n_ids - 1, -(-excess // quarter) * quarter)


class Session:
    """Scores for one growing, shrinking or edited sequence of ids."""

    def __init__(self, params: Params, config: ModelConfig) -> None:
        self.weights, _ = fuse_forward(params, config)
        self.config = config
        self._cache = KVCache(config)
        self._ids: list[int] = []
        self._scores = np.zeros(config.vocab_size, np.float32)
        self._scored = False  # whether the scores are those after all of the ids

    def next_logits(self, ids: Sequence[int], poll: Poll = lambda: None) -> Array:
        """Scores of the token after ``ids`` (at least one id): (V,). A longer past than the window is cut.

        ``poll`` is called before each piece of work; what it raises is passed on, and nothing is lost.
        """
        start = window_start(len(ids), self.config.context, 0)
        kept = list(ids[start:])
        assert kept, "a session needs at least one id"
        common = _common_prefix(self._ids, kept)
        if common == len(kept) == len(self._ids) and self._scored:
            poll()
            return self._scores
        common = min(common, len(kept) - 1)
        self._cache.length, self._ids, self._scored = common, kept[:common], False
        for begin in range(common, len(kept), PREFILL_CHUNK):
            poll()
            piece = kept[begin : begin + PREFILL_CHUNK]
            self._scores = step(self.weights, self.config, self._cache, np.array([piece]))[0]
            self._ids += piece
        self._scored = True
        return self._scores

    def branch(self, ids: Sequence[int], room: int, poll: Poll = lambda: None) -> tuple[KVCache, Array]:
        """A copy of the cache after ``ids`` with space for ``room`` more, and the scores: one row, (1,V)."""
        kept = list(ids[window_start(len(ids), self.config.context, min(room, self.config.context - 1)) :])
        scores = self.next_logits(kept, poll)
        return self._cache.rows([0]), scores[None].copy()


def _attention(q: Array, keys: Array, values: Array) -> Array:
    """Attention of the last t of S positions: (B,t,H,D), (B,S,G,D), (B,S,G,D) -> (B,t,H,D)."""
    (B, t, H, D), S, G = q.shape, keys.shape[1], keys.shape[2]
    p = q.reshape(B, t, G, H // G, D).transpose(0, 2, 3, 1, 4) @ keys.transpose(0, 2, 3, 1)[:, :, None]
    if t > 1:
        p[..., S - t :] += np.triu(np.full((t, t), -np.inf, p.dtype), 1)
    p -= p.max(-1, keepdims=True)
    np.exp(p, out=p)
    p /= p.sum(-1, keepdims=True)
    y: Array = (p @ values.transpose(0, 2, 1, 3)[:, :, None]).transpose(0, 3, 1, 2, 4).reshape(B, t, H, D)
    return y


def _take(x: Array, rows: Sequence[int] | Array, length: int) -> Array:
    taken = np.empty((len(rows), *x.shape[1:]), x.dtype)
    taken[:, :length] = x[rows, :length]
    return taken


def _common_prefix(a: list[int], b: list[int]) -> int:
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
