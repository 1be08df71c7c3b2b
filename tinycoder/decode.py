"""Next-token scores with a key/value cache. Knows ids, no text, and does not choose.

``Session`` looks like a plain function from all ids so far to the scores of the next one; that it keeps the keys
and values of the longest common prefix with the last call shows only in the time that it takes. The arithmetic is
the model's forward pass, arranged for few positions at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from tinycoder.config import ModelConfig
from tinycoder.layers import Array, exp_scores, rmsnorm_forward, rope_table, swiglu_forward
from tinycoder.model import Params, Weights, fuse_forward

PREFILL_CHUNK = 128  # positions between two looks at whether anybody still waits
LONG_PREFILL = 64  # positions from which on more BLAS threads pay
FEW_ROWS = 5  # up to so many, a product is faster row by row: a matrix product copies the weight first

Poll = Callable[[], None]


class _Blas:
    """Who decides on BLAS threads while decoding: one for small steps, more for long prefills."""

    controller: ThreadpoolController | None = None
    n_threads = 1

    def hold_to_one(self, at_most: int | None) -> None:
        """One thread from here on, and for long prefills as many as BLAS has now, or ``at_most``."""
        if self.controller is None:
            self.controller = ThreadpoolController().select(user_api="blas")
            self.n_threads = max((library["num_threads"] for library in self.controller.info()), default=1)
            self.controller.limit(limits=1)
        self.n_threads = min(self.n_threads, at_most or self.n_threads)

    def threads_for(self, n_positions: int) -> AbstractContextManager[Any]:
        """A block in which BLAS has the threads that suit a step of so many positions."""
        if self.controller is None or self.n_threads == 1 or n_positions < LONG_PREFILL:
            return nullcontext()
        threads: AbstractContextManager[Any] = self.controller.limit(limits=self.n_threads)
        return threads


_blas = _Blas()


def use_one_blas_thread(*, prefill: int | None = None) -> None:
    """Keep BLAS to one thread from here on: for single tokens more threads only wait for each other.

    Long prefills still use as many as BLAS came with, which ``OMP_NUM_THREADS`` and its like set, or ``prefill``.
    """
    _blas.hold_to_one(prefill)


class KVCache:
    """Keys and values of ``length`` positions for each of B rows: per layer (B,G,S,D), S of them at most.

    With a ``prefix``, a cache of one row, they follow those of the prefix, which all rows share.
    """

    def __init__(
        self, config: ModelConfig, n_rows: int = 1, *, room: int | None = None, prefix: KVCache | None = None
    ) -> None:
        shape = (n_rows, config.n_kv_heads, config.context if room is None else room, config.head_width)
        self.keys = [np.empty(shape, np.float32) for _ in range(config.n_layers)]
        self.values = [np.empty(shape, np.float32) for _ in range(config.n_layers)]
        self.prefix = prefix
        self.n_shared: int = prefix.length if prefix else 0
        self.length: int = self.n_shared

    def rows(self, rows: Sequence[int] | Array, room: int = 1) -> KVCache:
        """A copy of the given rows, in that order, with room for more positions; the prefix is not copied."""
        own = self.length - self.n_shared
        chosen = object.__new__(KVCache)
        chosen.keys = [_take(keys, rows, own, room) for keys in self.keys]
        chosen.values = [_take(values, rows, own, room) for values in self.values]
        chosen.prefix, chosen.n_shared, chosen.length = self.prefix, self.n_shared, self.length
        return chosen


def step(weights: Weights, config: ModelConfig, cache: KVCache, ids: Array, n_scored: int = 1) -> Array:
    """Append ``ids`` (B,t) to the cache and score what follows each of the last ``n_scored``: (B,n_scored,V)."""
    (B, t), past = ids.shape, cache.length
    assert past + t <= config.context, (past, t, config.context)
    C, H, G, D = config.width, config.n_heads, config.n_kv_heads, config.head_width
    table = rope_table(config.context, H + G, G, D, config.rope_theta, np.float32)[past : past + t]
    new = slice(past - cache.n_shared, past - cache.n_shared + t)
    x = weights["embedding"][ids.reshape(-1)]
    for layer in range(config.n_layers):
        qkv = _linear(_rmsnorm(x, config.norm_eps), weights[f"{layer}.qkv"])
        turned = (qkv.view(table.dtype).reshape(B, t, H + 2 * G, D // 2) * table).view(np.float32)
        heads = turned.swapaxes(1, 2)
        cache.keys[layer][:, :, new], cache.values[layer][:, :, new] = heads[:, H : H + G], heads[:, H + G :]
        cache.length = past + t
        attended = _attention(heads[:, :H].reshape(B, G, -1, D), cache, layer, t)
        x += _linear(attended.reshape(B, H, t, D).swapaxes(1, 2).reshape(B * t, C), weights[f"{layer}.o"])
        hidden = swiglu_forward(_linear(_rmsnorm(x, config.norm_eps), weights[f"{layer}.gate_up"]))[0]
        x += _linear(hidden, weights[f"{layer}.down"])
    last = x.reshape(B, t, C)[:, t - n_scored :].reshape(B * n_scored, C)
    return _linear(_rmsnorm(last, config.norm_eps), weights["head"]).reshape(B, n_scored, -1)


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
        self._scores: Array = np.zeros((0, config.vocab_size), np.float32)  # those after each of the last ids

    def next_logits(self, ids: Sequence[int], poll: Poll = lambda: None) -> Array:
        """Scores of the token after ``ids`` (at least one id): (V,). A longer past than the window is cut.

        ``poll`` is called before each piece of work; what it raises is passed on, and nothing is lost.
        """
        scores: Array = self.logits(ids, 1, poll)[-1]
        return scores

    def logits(self, ids: Sequence[int], n: int, poll: Poll = lambda: None) -> Array:
        """Scores of the tokens after each of the last ``n`` ids: (n,V)."""
        kept = list(ids[window_start(len(ids), self.config.context, 0) :])
        assert 0 < n <= len(kept), (n, len(kept))
        common = common_prefix(self._ids, kept)
        if common == len(kept) == len(self._ids) and n <= len(self._scores):
            poll()
            return self._scores[-n:]
        common = min(common, len(kept) - n)
        self._cache.length, self._ids, self._scores = common, kept[:common], self._scores[:0]
        ends = [*range(common + PREFILL_CHUNK, len(kept) - n + 1, PREFILL_CHUNK), len(kept)]
        with _blas.threads_for(len(kept) - common):
            for end in ends:
                poll()
                piece = kept[len(self._ids) : end]
                n_scored = n if end == len(kept) else 1
                self._scores = step(self.weights, self.config, self._cache, np.array([piece]), n_scored)[0]
                self._ids += piece
        return self._scores

    def branch(self, ids: Sequence[int], room: int, poll: Poll = lambda: None) -> tuple[KVCache, Array]:
        """A cache that follows the one after ``ids``, and the scores: one row, (1,V).

        The window is cut so that ``room`` more ids fit in it. Good until the session is asked again.
        """
        kept = list(ids[window_start(len(ids), self.config.context, min(room, self.config.context - 1)) :])
        scores = self.next_logits(kept, poll)
        return KVCache(self.config, room=0, prefix=self._cache), scores[None].copy()


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two lists have in common at their beginning."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])


def _linear(x: Array, w: Array) -> Array:  # (n,I), (O,I) -> (n,O)
    y: Array
    if len(x) > FEW_ROWS:
        y = x @ w.T
        return y
    if len(x) == 1:
        y = np.dot(w, x[0])[None]
        return y
    y = np.empty((len(x), len(w)), x.dtype)
    for row, out in zip(x, y, strict=True):
        np.dot(w, row, out=out)
    return y


def _rmsnorm(x: Array, eps: float) -> Array:  # (n,C) -> (n,C)
    if len(x) > 1:
        return rmsnorm_forward(x, eps)[0]
    row = x[0]
    y: Array = x * (row.dot(row) / row.size + eps) ** -0.5
    return y


def _attention(q: Array, cache: KVCache, layer: int, t: int) -> Array:
    """Attention of the last ``t`` positions over all in the cache: (B,G,N,D) -> (B,G,N,D), N is H/G times t."""
    B, G, N, D = q.shape
    n_shared, own = cache.n_shared, cache.length - cache.n_shared
    keys, values = cache.keys[layer][:, :, :own], cache.values[layer][:, :, :own]
    s = q @ keys.swapaxes(-1, -2)
    if cache.prefix:  # the rows are rows of one product with what they share
        shared_keys, shared_values = cache.prefix.keys[layer][0], cache.prefix.values[layer][0]
        folded = q.swapaxes(0, 1).reshape(G, B * N, D) @ shared_keys[:, :n_shared].swapaxes(-1, -2)
        s = np.concatenate([folded.reshape(G, B, N, n_shared).swapaxes(0, 1), s], axis=-1)
    if t == 1:
        s -= s.max(-1, keepdims=True)
        np.exp(s, out=s)
    else:
        exp_scores(s.reshape(B, G, N // t, t, -1), n_shared + own - t)
    y: Array = s[..., n_shared:] @ values
    if cache.prefix:
        folded = s[..., :n_shared].swapaxes(0, 1).reshape(G, B * N, n_shared)
        y += (folded @ shared_values[:, :n_shared]).reshape(G, B, N, D).swapaxes(0, 1)
    y /= s.sum(-1, keepdims=True)
    return y


def _take(x: Array, rows: Sequence[int] | Array, length: int, room: int) -> Array:
    taken = np.empty((len(rows), x.shape[1], length + room, x.shape[3]), x.dtype)
    taken[:, :, :length] = x[rows, :, :length]
    return taken
