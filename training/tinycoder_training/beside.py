"""How a model does beside the memory of its workspace, about, from its losses alone.

In use, a model stands beside the memory: their mixture predicts ``(1 - s) p + s m``, where ``p`` and ``m`` are what
model and memory say of the token that comes, and ``s`` is the memory's share. Up to a constant its loss is
``-log(p + a)`` with ``a = s m / (1 - s)``. The mixture lays one level of n-grams over the other
(``tinycoder.memory.mixer``), so ``a`` is a sum over the levels that hold the token: of the odds that the mixture gives
to such a level, times the token's part in it. ``a`` does not depend on the model, so that all models of a run are
judged for the price of one sort.

Other files count, and of a token's own file only what is above it, as in use.
"""

import numpy as np

from tinycoder.transformer.layers import Array

ORDERS = (1, 2, 3, 4, 6, 8, 12, 16, 24)  # lengths of a context that count apart
UNSURE, SURE = 0.04, 0.08  # odds, for each id of its context, of a level that says several things, or one thing once
OFTEN, SURER = 8, 0.7  # a level that says one thing n times, at most OFTEN, has n ** SURER times the odds
MAX_KNOWN = 2_000_000  # ids of a memory that count: more take room and seconds, and say little else

_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def mixed_losses(nats: Array, beside: Array) -> Array:  # (n,), (n,) -> (n,)
    """``-log((p + a) / (1 + a))``, where ``p`` has the losses ``nats`` and ``beside`` is ``log a``."""
    mixed: Array = np.logaddexp(0, beside) - np.logaddexp(-nats, beside)
    return mixed


def beside_memory(ids: Array, known: Array, end: int) -> Array:
    """``log a`` float16 for each of ``ids`` (n,), next to a memory of ``known``; documents end in the id ``end``."""
    known = known[:MAX_KNOWN]
    stream = np.concatenate([known, ids]).astype(np.uint64)
    is_known = np.arange(len(stream)) < len(known)
    document = np.cumsum(np.concatenate([[0], stream[:-1] == end]))
    document[len(known) :] += 1  # also where the last known document has no end
    odds = np.zeros(len(ids))
    length, context = 0, np.zeros(len(stream), np.uint64)
    longer: tuple[int, Array, Array] | None = None
    for order in ORDERS:
        for back in range(length + 1, order + 1):
            context = _with(context, np.concatenate([np.full(back, end, np.uint64), stream])[: len(stream)])
        length = order
        n, hits = (_seen(keys, document, is_known)[len(known) :] for keys in (context, _with(context, stream)))
        if longer is not None:  # of levels that say the same only the longest counts
            odds += np.where(n < longer[1], _odds(*longer), 0)
        longer = order, n, hits
    assert longer is not None
    odds += _odds(*longer)
    with np.errstate(divide="ignore"):
        logs: Array = np.log(odds).astype(np.float16)
    return logs


def _with(keys: Array, ids: Array) -> Array:
    """The keys of longer contexts: those of ``keys`` (n,) with one more of ``ids`` (n,)."""
    keys = (keys + ids + np.uint64(1)) * _FACTOR
    return keys ^ (keys >> np.uint64(29))


def _seen(keys: Array, document: Array, known: Array) -> Array:
    """How often each key (n,) is in the known documents, and above it in its own if that is not known."""
    order = np.argsort(keys, kind="stable")
    keys, document, known = keys[order], document[order], known[order]
    new_key = np.concatenate([[True], keys[1:] != keys[:-1]])
    new_document = new_key | np.concatenate([[True], document[1:] != document[:-1]])
    place = np.arange(len(keys))
    first = np.maximum.accumulate(np.where(new_document, place, 0))
    starts = np.flatnonzero(new_key)
    n_known = np.add.reduceat(known, starts, dtype=np.int64)[np.cumsum(new_key) - 1]
    seen = np.empty(len(keys), np.int64)
    seen[order] = n_known + place - first
    return seen


def _odds(order: int, n: Array, hits: Array) -> Array:
    """What a level of ``n`` places (n,) adds for a token that comes next at ``hits`` of them."""
    sure = SURE * np.minimum(n, OFTEN) ** SURER
    return order * np.where(hits == n, sure, UNSURE) * hits / np.maximum(n, 1)
