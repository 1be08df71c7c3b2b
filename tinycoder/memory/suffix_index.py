"""The texts of a workspace as ids, sorted so that all positions with a given context are found at once.

A suffix array over the ids before each place, sorted as deep as a 64-bit number holds: what a longer context leaves of
the places is compared id by id.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tinycoder.transformer.layers import Array

MAX_MATCH = 32  # ids of a context that are compared
SORTED = 4  # ids before a place by which the workspace is sorted
MAX_SAMPLED = 2048  # places of a frequent context that are looked at
MAX_COMPARED = 384  # places whose context is compared id by id
NO_ID = -1  # an id that no text has

_BACKWARDS = np.arange(MAX_MATCH - 1, -1, -1)
_WORD = re.compile(r"[^\W\d]\w*")


@dataclass(frozen=True)
class TokenCorpus:
    """Texts one after the other as ids (n,) int32, padded in front so that MAX_MATCH ids are before each.

    ``next_ids`` is the same without the texts that are hidden; text ``i`` has the path ``paths[i]`` and begins at
    ``starts[i]``.
    """

    ids: Array
    next_ids: Array
    paths: tuple[str, ...]
    starts: tuple[int, ...]

    def texts(self) -> dict[str, Array]:
        """The ids of each text by its path, without the separators."""
        ends = (*self.starts, len(self.ids) - 1)[1:]
        return {path: self.ids[i + 1 : end] for path, i, end in zip(self.paths, self.starts, ends, strict=True)}


class SuffixIndex:
    """The texts on disk, with all places sorted by the SORTED ids before them."""

    def __init__(self, corpus: TokenCorpus, order: Array | None = None) -> None:
        self.corpus = corpus
        keys = _keys(corpus.ids)
        if order is None:
            order = np.argsort(keys, kind="stable").astype(np.int32)
        self.order = order  # places without the padding, by key
        self._keys = keys[order]
        self._words: frozenset[str] | None = None
        self._index = {path: i for i, path in enumerate(corpus.paths)}

    def words(self, raw: Sequence[bytes]) -> frozenset[str]:
        """The identifiers of all texts, where ``raw`` are the bytes of each id."""
        if self._words is None:
            ids = self.corpus.ids
            pieces = [raw[i] for i in ids[ids >= 0].tolist()]
            self._words = frozenset(_WORD.findall(b"".join(pieces).decode("utf-8", "replace")))
        return self._words

    def hide(self, path: str) -> None:
        """Leave a text out from now on, and that it ends where it ends."""
        start, end = self._span(path)
        self.corpus.next_ids[start : end + 1] = NO_ID

    def show(self, path: str) -> None:
        """Use a hidden text again."""
        start, end = self._span(path)
        self.corpus.next_ids[start : end + 1] = self.corpus.ids[start : end + 1]

    def erase(self, path: str) -> None:
        """Forget a text for good: no context is found in it, nothing follows one, and its words are gone."""
        start, end = self._span(path)
        self.corpus.ids[start:end] = NO_ID
        self.corpus.next_ids[start : end + 1] = NO_ID
        self._words = None

    def matches(self, context: Array) -> tuple[list[tuple[int, Array]], Array, Array]:
        """What the workspace has after the last ids of ``context`` (MAX_MATCH,).

        For each short order what came next, or a sample of it; then the places that have SORTED ids or more in
        common with the context, or a sample, and how many each has.
        """
        bounds = _bounds(context)
        edges = np.searchsorted(self._keys, bounds)
        short: list[tuple[int, Array]] = []
        places = np.zeros(0, np.int32)
        for order in range(1, SORTED + 1):
            low, high = int(edges[2 * order - 2]), int(edges[2 * order - 1])
            if low == high:
                break
            if order == SORTED:
                places = self.order[low:high]
                break
            if order < SORTED and high - low == int(edges[2 * order + 1]) - int(edges[2 * order]):
                continue  # the next order says the same
            sample = self.order[low : high : -(-(high - low) // MAX_SAMPLED)]
            short.append((order, self.corpus.next_ids[sample + MAX_MATCH]))
        if len(places) > MAX_COMPARED:
            places = places[:: -(-len(places) // MAX_COMPARED)]
        return short, places, common_lengths(self.corpus.ids, places, context)

    def _span(self, path: str) -> tuple[int, int]:
        """Where the ids of a text begin, and its separator behind them; behind all ids if there is no such text."""
        i, starts, n = self._index.get(path), self.corpus.starts, len(self.corpus.ids)
        if i is None:
            return n, n
        return starts[i] + 1, starts[i + 1] if i + 1 < len(starts) else n - 1


def token_corpus(texts: Iterable[tuple[str, Array]], separator: int) -> TokenCorpus:
    """Put (path, ids) one after the other, each after a separator."""
    paths, starts, pieces, n = [], [], [np.full(MAX_MATCH, NO_ID, np.int32)], MAX_MATCH
    for path, ids in texts:
        paths.append(path)
        starts.append(n)
        pieces += [np.array([separator], np.int32), ids.astype(np.int32, copy=False)]
        n += 1 + len(ids)
    pieces.append(np.array([separator], np.int32))
    ids = np.concatenate(pieces)
    return TokenCorpus(ids, ids.copy(), tuple(paths), tuple(starts))


def search(ids: Array, context: Array) -> tuple[Array, Array]:
    """The latest places in ``ids`` (padded) that come after the last id of ``context``, and how many ids before each
    are those of the context. A place ``p`` speaks of ``ids[p + MAX_MATCH]``.
    """
    if context[-1] == NO_ID:  # the padding before the first text is no context
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    places = np.flatnonzero(ids[MAX_MATCH - 1 : -1] == context[-1])
    if len(places) > MAX_COMPARED:
        places = places[-MAX_COMPARED:]
    return places, common_lengths(ids, places, context)


def common_lengths(ids: Array, places: Array, context: Array) -> Array:
    """How many of the ids before each place are the last of ``context``."""
    if not len(places):
        return np.zeros(0, np.int64)
    same = np.zeros((len(places), MAX_MATCH + 1), bool)
    np.equal(ids[places[:, None] + _BACKWARDS], context[::-1], out=same[:, :MAX_MATCH])
    lengths: Array = same.argmin(1)
    return lengths


def _keys(ids: Array) -> Array:
    """For each place the SORTED ids before it, the nearest in the highest bits."""
    n = len(ids) - MAX_MATCH
    keys = np.zeros(n, np.uint64)
    for back in range(1, SORTED + 1):
        keys <<= np.uint64(16)
        keys |= (ids[MAX_MATCH - back : MAX_MATCH - back + n] & 0xFFFF).astype(np.uint64)
    return keys


def _bounds(context: Array) -> Array:
    """Lowest key with the last 1, 2, … SORTED ids of a context, and the first beyond, in turn."""
    bounds = []
    key = 0
    for back in range(1, SORTED + 1):
        key = (key << 16) | (int(context[-back]) & 0xFFFF)
        shift = 16 * (SORTED - back)
        bounds += [key << shift, min((key + 1) << shift, 2**64 - 1)]
    return np.array(bounds, np.uint64)
