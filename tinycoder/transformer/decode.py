"""Next-token scores with a key/value cache.

``Session`` looks like a plain function from all ids so far to the scores of the next one; that it keeps the keys
and values of the longest common prefix with the last call shows only in the time that it takes. The arithmetic is
the model's forward pass, arranged for few positions at a time.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.config import ModelConfig
from tinycoder.transformer.blas import blas
from tinycoder.transformer.layers import Array, exp_scores, rmsnorm_forward, rope_table, swiglu_forward
from tinycoder.transformer.model import Params, Weights, fuse_forward
from tinycoder.transformer.pages import pages

PREFILL_CHUNK = 128  # positions between two looks at whether anybody still waits
FEW_ROWS = 7  # up to so many, a product is faster row by row: a matrix product copies the weight first
KEPT_SCORES = 64  # positions whose scores a session remembers
MAX_ROW = 16  # ids that branch off

Poll = Callable[[], None]
Ids = tuple[int, ...]


def decoding_weights(params: Params, config: ModelConfig) -> Weights:
    """The weights of ``fuse_forward``, each matrix as (I,O): BLAS is quicker to multiply few rows with those."""
    weights = fuse_forward(params, config)[0]
    names = [name for name in weights if name != "embedding"]
    room = pages((sum(weights[name].size for name in names),), weights["head"].dtype)
    for name in names:
        turned = weights[name].T
        weights[name], room = room[: turned.size].reshape(turned.shape), room[turned.size :]
        weights[name][...] = turned
    return weights


class KVCache:
    """Keys (L,B,G,D,S) and values (L,B,G,S,D) of ``length`` positions, S at most, for each of L layers and B rows.

    With a ``prefix``, a cache of one row, they follow its first ``n_shared`` positions, which all rows share.
    """

    def __init__(
        self,
        config: ModelConfig,
        n_rows: int = 1,
        *,
        room: int | None = None,
        prefix: KVCache | None = None,
        n_shared: int = 0,
    ) -> None:
        L, G, D = config.n_layers, config.n_kv_heads, config.head_width
        S = config.context if room is None else room
        self.keys, self.values = np.empty((L, n_rows, G, D, S), np.float32), np.empty((L, n_rows, G, S, D), np.float32)
        self.prefix = prefix
        self.n_shared = n_shared
        self.length = n_shared

    def rows(self, rows: Sequence[int], room: int = 1) -> KVCache:
        """A copy of the given rows, in that order, with room for more positions; the prefix is not copied."""
        return join_rows([(self, row) for row in rows], room)

    def slice(self, start: int, end: int) -> KVCache:
        """A copy of the positions from ``start`` to ``end`` that follows those before; the cache has one row."""
        cut = copy.copy(self)
        cut.keys, cut.values = self.keys[..., start:end].copy(), self.values[:, :, :, start:end].copy()
        cut.prefix, cut.n_shared, cut.length = self, start, end
        return cut


def join_rows(places: Sequence[tuple[KVCache, int]], room: int = 1) -> KVCache:
    """A copy of rows of caches that have one prefix and one length, with room for more positions."""
    first = places[0][0]
    own = first.length - first.n_shared
    L, _, G, D, _ = first.keys.shape
    joined = copy.copy(first)
    joined.keys = np.empty((L, len(places), G, D, own + room), np.float32)
    joined.values = np.empty((L, len(places), G, own + room, D), np.float32)
    for i, (cache, row) in enumerate(places):
        assert (cache.prefix, cache.length) == (first.prefix, first.length), (cache.length, first.length)
        joined.keys[:, i, :, :, :own] = cache.keys[:, row, :, :, :own]
        joined.values[:, i, :, :own] = cache.values[:, row, :, :own]
    return joined


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
        cache.keys[layer, ..., new] = heads[:, H : H + G].swapaxes(-1, -2)
        cache.values[layer, :, :, new] = heads[:, H + G :]
        cache.length = past + t
        n = n_scored if layer == config.n_layers - 1 else t  # of the last layer nothing reads the other positions
        if n < t:
            x = x.reshape(B, t, C)[:, t - n :].reshape(B * n, C)
        attended = _attention(heads[:, :H, t - n :].reshape(B, G, -1, D), cache, layer, n)
        x += _linear(attended.reshape(B, H, n, D).swapaxes(1, 2).reshape(B * n, C), weights[f"{layer}.o"])
        gate_up = _linear(_rmsnorm(x, config.norm_eps), weights[f"{layer}.gate_up"])
        hidden = swiglu_forward(gate_up.reshape(len(x), 2, -1).swapaxes(0, 1))[0]
        x += _linear(hidden, weights[f"{layer}.down"])
    return _linear(_rmsnorm(x, config.norm_eps), weights["head"]).reshape(B, n_scored, -1)


def window_start(n_ids: int, context: int, room: int) -> int:
    """First id that is kept so that ``room`` more ids fit; moves in steps of a quarter of the window."""
    excess = n_ids + room - context
    quarter = max(1, context // 4)
    return 0 if excess <= 0 else min(n_ids - 1, -(-excess // quarter) * quarter)


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A row of ids that was read: which row of a cache has its keys and values, and the scores of what follows (V,)."""

    cache: KVCache
    number: int
    scores: Array


class Session:
    """Scores for one growing, shrinking or edited sequence of ids, and for rows of ids that branch off from it.

    Rows are remembered while the sequence begins as it did, and taken over where it continues as a row does.
    """

    def __init__(self, params: Params, config: ModelConfig) -> None:
        self.weights = decoding_weights(params, config)
        self.config = config
        self._cache = KVCache(config)
        self._ids: list[int] = []
        self._scores: dict[int, Array] = {}  # after so many of the ids: (V,)
        self._root = 0  # ids before the rows
        self._rows: dict[Ids, _Row] = {}

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
        while self._root <= common < len(kept) and (row := self._rows.get(tuple(kept[self._root : common + 1]))):
            self._take_over(row, kept, common)
            common += 1
        wanted = range(len(kept) - n + 1, len(kept) + 1)
        if common < len(kept) or any(end not in self._scores for end in wanted):
            self._read(kept, min(common, len(kept) - n), n, poll)
        else:
            poll()
        return np.stack([self._scores[end] for end in wanted])

    def score_branches(self, ids: Sequence[int], rows: Sequence[Ids], poll: Poll = lambda: None) -> Array:
        """Scores of the tokens after ``ids`` and each of ``rows``, which have one length, MAX_ROW at most: (n,V).

        The window is cut so that MAX_ROW more ids fit in it.
        """
        kept = list(ids[window_start(len(ids), self.config.context, min(MAX_ROW, self.config.context - 1)) :])
        scores = self.next_logits(kept, poll)
        if self._root != len(kept):
            root = KVCache(self.config, room=0, prefix=self._cache, n_shared=len(kept))
            self._root, self._rows = len(kept), {(): _Row(cache=root, number=0, scores=scores)}
        self._read_rows(rows)
        return np.stack([self._rows[row].scores for row in rows])

    def branch(self, ids: Sequence[int], room: int, poll: Poll = lambda: None) -> tuple[KVCache, Array]:
        """A cache that follows the one after ``ids``, and the scores: one row, (1,V).

        The window is cut so that ``room`` more ids fit in it. Good until the session is asked again.
        """
        kept = list(ids[window_start(len(ids), self.config.context, min(room, self.config.context - 1)) :])
        scores = self.logits(kept, 1, poll)
        return KVCache(self.config, room=0, prefix=self._cache, n_shared=len(kept)), scores

    def _read(self, kept: list[int], common: int, n: int, poll: Poll) -> None:
        """Keep the first ``common`` ids, take in the others of ``kept``, and score what follows the last ``n``."""
        self._cut(common)
        ends = [*range(common + PREFILL_CHUNK, len(kept) - n + 1, PREFILL_CHUNK), len(kept)]
        with blas.threads_for(len(kept) - common):
            for end in ends:
                poll()
                n_scored = n if end == len(kept) else 1
                scores = step(self.weights, self.config, self._cache, np.array([kept[len(self._ids) : end]]), n_scored)
                self._ids = kept[:end]
                self._scores |= zip(range(end - n_scored + 1, end + 1), scores[0], strict=True)

    def _read_rows(self, rows: Iterable[Ids]) -> None:
        """Score rows of one length: those that continue the sequence are known, the others take one step for all."""
        new = []
        for row in dict.fromkeys(rows):
            end = self._root + len(row)
            if row in self._rows:
                continue
            if tuple(self._ids[self._root : end]) == row and end in self._scores:
                own = self._cache.slice(self._root, end)
                self._rows[row] = _Row(cache=own, number=0, scores=self._scores[end])
            else:
                new.append(row)
        if not new:
            return
        self._read_rows(row[:-1] for row in new)
        before = [self._rows[row[:-1]] for row in new]
        cache = join_rows([(row.cache, row.number) for row in before])
        scores = step(self.weights, self.config, cache, np.array([row[-1:] for row in new]))[:, -1]
        self._rows |= {row: _Row(cache=cache, number=i, scores=scores[i]) for i, row in enumerate(new)}

    def _take_over(self, row: _Row, kept: list[int], common: int) -> None:
        """Continue after the first ``common`` ids as a row does."""
        self._cut(common)
        at = common - self._root
        self._cache.keys[:, 0, ..., common] = row.cache.keys[:, row.number, ..., at]
        self._cache.values[:, 0, :, common] = row.cache.values[:, row.number, :, at]
        self._cache.length = common + 1
        self._ids = kept[: common + 1]
        self._scores[common + 1] = row.scores

    def _cut(self, length: int) -> None:
        """Forget all but the first ids, and the rows that branch off behind them."""
        if length < self._root:
            self._root, self._rows = 0, {}
        self._cache.length, self._ids = length, self._ids[:length]
        self._scores = {end: scores for end, scores in self._scores.items() if length - KEPT_SCORES < end <= length}


def common_prefix(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids two lists have in common at their beginning."""
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])


def _linear(x: Array, w: Array) -> Array:  # (n,I), (I,O) -> (n,O)
    y: Array
    if len(x) > FEW_ROWS:
        y = x @ w
        return y
    y = np.empty((len(x), w.shape[1]), x.dtype)
    for row, out in zip(x, y, strict=True):
        np.dot(row, w, out=out)
    return y


def _rmsnorm(x: Array, eps: float) -> Array:  # (n,C) -> (n,C)
    if len(x) > 1:
        return rmsnorm_forward(x, eps)[0]
    row = x[0]
    y: Array = x * (row.dot(row) / row.size + eps) ** -0.5
    return y


def _attention(q: Array, cache: KVCache, layer: int, t: int) -> Array:
    """Attention of the last ``t`` positions over all in the cache: (B,G,N,D) -> (B,G,N,D), N is H/G times t."""
    B, G, N, _ = q.shape
    own = cache.length - cache.n_shared
    values = cache.values[layer, :, :, :own]
    s = q @ cache.keys[layer, ..., :own]
    by_position = s.reshape(B, G, N // t, t, own)
    y: Array
    if cache.prefix is None:
        exp_scores(by_position, own - t)
        y = s @ values
        y /= s.sum(-1, keepdims=True)
        return y

    def fold(x: Array) -> Array:  # (B,G,N,...) -> (G,B*N,...): what the rows share is read once, in a product of all
        folded: Array = x.swapaxes(0, 1).reshape(G, B * N, -1)
        return folded

    def unfold(x: Array) -> Array:  # and back
        unfolded: Array = x.reshape(G, B, N, -1).swapaxes(0, 1)
        return unfolded

    shared = fold(q) @ cache.prefix.keys[layer, 0, ..., : cache.n_shared]
    if t > 1:
        by_position[..., own - t :][..., np.tri(t) == 0] = -np.inf
    most = np.maximum(s.max(-1, keepdims=True), unfold(shared.max(-1, keepdims=True)))
    shared -= fold(most)
    s -= most
    np.exp(shared, out=shared)
    np.exp(s, out=s)
    y = s @ values
    y += unfold(shared @ cache.prefix.values[layer, 0, :, : cache.n_shared])
    y /= s.sum(-1, keepdims=True) + unfold(shared @ np.ones((cache.n_shared, 1), np.float32))
    return y
