"""Next-token scores with a key/value cache. Knows ids, no text, and does not choose.

``Session`` looks like a plain function from all ids so far to the scores of the next one; that it keeps the keys
and values of the longest common prefix with the last call shows only in the time that it takes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from tinycoder.config import ModelConfig
from tinycoder.layers import (
    Array,
    attention_forward,
    linear_forward,
    rmsnorm_forward,
    rope_forward,
    rope_tables,
    swiglu_forward,
)
from tinycoder.model import EMBEDDING, FINAL_NORM, Params, layer_name, logits

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


def step(params: Params, config: ModelConfig, cache: KVCache, ids: Array) -> Array:
    """Append ``ids`` to the cache and score what follows the last of them: (B,t) -> (B,V)."""
    past, new = cache.length, ids.shape[1]
    assert past + new <= config.context, (past, new, config.context)
    x = params[EMBEDDING][ids]
    rope = rope_tables(np.arange(past, past + new), config.head_width, config.rope_theta, x.dtype)
    heads = (*ids.shape, -1, config.head_width)
    for layer in range(config.n_layers):

        def project(x: Array, part: str, layer: int = layer) -> Array:
            return linear_forward(x, params[layer_name(layer, part)])[0]

        h = rmsnorm_forward(x, params[layer_name(layer, "input_layernorm")], config.norm_eps)[0]
        q = rope_forward(project(h, "self_attn.q_proj").reshape(heads), *rope)[0]
        keys, values = cache.keys[layer][:, : past + new], cache.values[layer][:, : past + new]
        keys[:, past:] = rope_forward(project(h, "self_attn.k_proj").reshape(heads), *rope)[0]
        values[:, past:] = project(h, "self_attn.v_proj").reshape(heads)
        a = attention_forward(q, keys, values)[0]
        x = x + project(a.reshape(x.shape), "self_attn.o_proj")
        h = rmsnorm_forward(x, params[layer_name(layer, "post_attention_layernorm")], config.norm_eps)[0]
        m = swiglu_forward(project(h, "mlp.gate_proj"), project(h, "mlp.up_proj"))[0]
        x = x + project(m, "mlp.down_proj")
    cache.length += new
    return logits(params, rmsnorm_forward(x[:, -1], params[FINAL_NORM], config.norm_eps)[0])


def window_start(n_ids: int, context: int, room: int) -> int:
    """First id that is kept so that ``room`` more ids fit; moves in steps of a quarter of the window."""
    excess = n_ids + room - context
    quarter = max(1, context // 4)
    return 0 if excess <= 0 else min(n_ids - 1, -(-excess // quarter) * quarter)


class Session:
    """Scores for one growing, shrinking or edited sequence of ids."""

    def __init__(self, params: Params, config: ModelConfig) -> None:
        self.params = params
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
            self._scores = step(self.params, self.config, self._cache, np.array([piece]))[0]
            self._ids += piece
        self._scored = True
        return self._scores

    def branch(self, ids: Sequence[int], room: int, poll: Poll = lambda: None) -> tuple[KVCache, Array]:
        """A copy of the cache after ``ids`` with space for ``room`` more, and the scores: one row, (1,V)."""
        kept = list(ids[window_start(len(ids), self.config.context, min(room, self.config.context - 1)) :])
        scores = self.next_logits(kept, poll)
        return self._cache.rows([0]), scores[None].copy()


def _take(x: Array, rows: Sequence[int] | Array, length: int) -> Array:
    taken = np.empty((len(rows), *x.shape[1:]), x.dtype)
    taken[:, :length] = x[rows, :length]
    return taken


def _common_prefix(a: list[int], b: list[int]) -> int:
    n = min(len(a), len(b))
    if a[:n] == b[:n]:
        return n
    return next(i for i in range(n) if a[i] != b[i])
